//! A real Kubernetes for the tests: one for each test process, started when the first test
//! asks for it and ended with the process, however that ends. `supervisor/` runs it.
//!
//! `DAPHNIA_TEST_KUBECONFIG=FILE` names another cluster to use, one that may be filled with rubbish.
//! `DAPHNIA_TEST_CLUSTER=required` fails tests that cannot have a cluster with a node (`CI` fails
//! those that cannot have a cluster), `=off` skips them all.

#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

/// A Kubernetes that tests may fill with what they like.
pub struct Cluster {
    kubeconfig: PathBuf,
    kubectl: PathBuf,
    no_node: Option<String>,
    /// None on a cluster that others run.
    own: Option<Own>,
}

/// What only a cluster that was started here has.
struct Own {
    folder: PathBuf,
    users: PathBuf,
    audit_log: PathBuf,
    registry: String,
    webhook: String,
    /// It ends when its standard input does.
    supervisor: Child,
}

/// The cluster of this test process, or `None`, told loudly, if there can be none.
pub fn cluster_or_skip() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    let started = CLUSTER.get_or_init(|| {
        let cluster = Cluster::find_or_start();
        if let Err(why) = &cluster {
            tell(&format!("TESTS ON A CLUSTER ARE SKIPPED: {why}"));
        }
        cluster
    });
    match started {
        Ok(cluster) => Some(cluster),
        Err(why) if required() || env::var_os("CI").is_some() => panic!("no cluster: {why}"),
        Err(_) => None,
    }
}

/// The same for a test that wants containers to run.
pub fn node_or_skip() -> Option<&'static Cluster> {
    static TOLD: OnceLock<()> = OnceLock::new();
    let cluster = cluster_or_skip()?;
    let Some(why) = &cluster.no_node else { return Some(cluster) };
    assert!(!required(), "the cluster has no node: {why}");
    TOLD.get_or_init(|| tell(&format!("TESTS WITH RUNNING CONTAINERS ARE SKIPPED: {why}")));
    None
}

/// The cluster of this test process, for a test that is not to be skipped.
pub fn cluster() -> &'static Cluster {
    cluster_or_skip().expect("there is no cluster; the reason was printed when the first test asked")
}

fn required() -> bool {
    env::var("DAPHNIA_TEST_CLUSTER").is_ok_and(|value| value == "required")
}

/// Unlike `eprintln!`, this is seen even if the test passes.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl Cluster {
    fn find_or_start() -> Result<Cluster, String> {
        if env::var("DAPHNIA_TEST_CLUSTER").is_ok_and(|value| value == "off") {
            return Err("DAPHNIA_TEST_CLUSTER=off".into());
        }
        match env::var_os("DAPHNIA_TEST_KUBECONFIG") {
            Some(kubeconfig) => Cluster::of_others(kubeconfig.into()),
            None => Cluster::start(),
        }
    }

    fn of_others(kubeconfig: PathBuf) -> Result<Cluster, String> {
        let mut cluster = Cluster { kubeconfig, kubectl: "kubectl".into(), no_node: None, own: None };
        let nodes =
            cluster.command(&["get", "nodes", "-o", "json"]).output().map_err(|e| format!("kubectl: {e}"))?;
        if !nodes.status.success() {
            let place = cluster.kubeconfig.display();
            return Err(format!(
                "DAPHNIA_TEST_KUBECONFIG={place}: {}",
                String::from_utf8_lossy(&nodes.stderr).trim()
            ));
        }
        let nodes: Value =
            serde_json::from_slice(&nodes.stdout).map_err(|e| format!("kubectl get nodes: {e}"))?;
        if nodes["items"].as_array().is_none_or(Vec::is_empty) {
            cluster.no_node = Some("the cluster of DAPHNIA_TEST_KUBECONFIG has none".into());
        }
        Ok(cluster)
    }

    /// Starts a cluster; the first time on a machine this builds Kubernetes, for minutes.
    pub fn start() -> Result<Cluster, String> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/run");
        let mut supervisor = Command::new(&program)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{}: {e}", program.display()))?;
        let stdout = supervisor.stdout.take().expect("stdout is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map_err(|e| format!("{}: {e}", program.display()))?;
        let Ok(facts) = serde_json::from_str::<Value>(&line) else {
            let _ = supervisor.kill();
            let _ = supervisor.wait();
            return Err(format!("{} did not start one; it says why above", program.display()));
        };
        let text = |key: &str| facts[key].as_str().unwrap_or_default().to_owned();
        Ok(Cluster {
            kubeconfig: text("kubeconfig").into(),
            kubectl: text("kubectl").into(),
            no_node: (facts["node"] != true).then(|| text("no_node")),
            own: Some(Own {
                folder: text("folder").into(),
                users: text("users").into(),
                audit_log: text("audit_log").into(),
                registry: text("registry"),
                webhook: text("webhook"),
                supervisor,
            }),
        })
    }

    /// Whether it was started here, and so has users, a registry and a log of requests.
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// The kubeconfig of an administrator.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The kubeconfig of `admin`; of `developer` or `nobody`, who may do nothing until a test
    /// binds a role to them; of `expired`, whose token the server refuses.
    pub fn kubeconfig_for(&self, user: &str) -> PathBuf {
        let file = self.own().users.join(user);
        assert!(file.is_file(), "the cluster knows no user {user}: there is no {}", file.display());
        file
    }

    /// Whether containers run.
    pub fn node(&self) -> bool {
        self.no_node.is_none()
    }

    /// The `host:port` of an image registry on loopback. Of all images it has only `busybox:1.36`;
    /// others are "not found", those under `private/` "unauthorized".
    pub fn registry(&self) -> String {
        self.own().registry.clone()
    }

    /// The configuration by which the API server asks an admission webhook that always responds this
    /// (`AdmissionResponse`).
    pub fn webhook(&self, response: &Value) -> Value {
        let path = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(response.to_string());
        let view = success(self.kubectl(&["config", "view", "--raw", "-o", "json"]));
        let config: Value = serde_json::from_str(&view).expect("kubectl writes JSON");
        json!({
            "url": format!("https://{}/{path}", self.own().webhook),
            "caBundle": config["clusters"][0]["cluster"]["certificate-authority-data"],
        })
    }

    /// The folder that is there for as long as the cluster is.
    pub fn folder(&self) -> &Path {
        &self.own().folder
    }

    /// The number of the supervisor's process.
    pub fn supervisor(&self) -> u32 {
        self.own().supervisor.id()
    }

    fn own(&self) -> &Own {
        self.own.as_ref().expect("the cluster of DAPHNIA_TEST_KUBECONFIG has no such thing: ask is_own first")
    }

    /// A new namespace, named after the test, with its service account.
    pub fn namespace(&'static self) -> TestNamespace {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let test =
            thread::current().name().unwrap_or("test").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let test = test.rsplit("--").next().unwrap_or_default().to_lowercase();
        let name = format!(
            "{}-{}-{}",
            test.get(..40).unwrap_or(&test).trim_matches('-'),
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        success(
            self.kubectl_with(&["create", "--raw", "/api/v1/namespaces", "-f", "-"], &namespace.to_string()),
        );
        let account = format!("/api/v1/namespaces/{name}/serviceaccounts/default");
        eventually(&format!("{name} has a service account"), || {
            self.kubectl(&["get", "--raw", &account]).status.success().then_some(())
        });
        TestNamespace { cluster: self, name }
    }

    /// A `kubectl` that is an administrator of this cluster.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.kubectl);
        command.args(args).env("KUBECONFIG", &self.kubeconfig);
        if let Some(own) = &self.own {
            command.env("KUBECACHEDIR", own.folder.join("kubectl"));
        }
        command
    }

    pub fn kubectl(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().expect("kubectl can be run")
    }

    /// `kubectl` with a text as its standard input.
    pub fn kubectl_with(&self, args: &[&str], input: &str) -> Output {
        with_input(self.command(args), input)
    }

    /// What `kubectl ARGS -o json` prints.
    pub fn kubectl_json(&self, args: &[&str]) -> Value {
        let text = success(self.kubectl(&[args, &["-o", "json"]].concat()));
        serde_json::from_str(&text).expect("kubectl prints JSON")
    }

    /// Now, as a place in the log of requests.
    pub fn mark(&self) -> Mark {
        Mark(fs::metadata(&self.own().audit_log).map_or(0, |log| log.len() as usize))
    }

    /// The requests that clients made since then and that are `wanted`, in order of arrival.
    /// A request that was answered before this call is never missed.
    pub fn requests(&self, since: Mark, wanted: impl Fn(&Request) -> bool) -> Vec<Request> {
        // The log has a request before it is answered, and the answer's code very soon after.
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            let requests = self.logged(since).into_iter().filter(&wanted).collect::<Vec<_>>();
            if requests.iter().all(|request| request.code.is_some()) || Instant::now() > deadline {
                return requests;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn logged(&self, since: Mark) -> Vec<Request> {
        let log = fs::read(&self.own().audit_log).expect("the audit log can be read");
        let mut requests: Vec<Request> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for line in log[since.0..].split_inclusive(|&byte| byte == b'\n') {
            // A line that is still being written is not JSON yet.
            let Ok(event) = serde_json::from_slice::<Value>(line) else { continue };
            let text =
                |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            if event["stage"] == "RequestReceived" {
                places.insert(text("/auditID"), requests.len());
                requests.push(Request {
                    verb: text("/verb"),
                    uri: text("/requestURI"),
                    namespace: text("/objectRef/namespace"),
                    user: text("/user/username"),
                    user_agent: text("/userAgent"),
                    code: None,
                });
            } else if let Some(&place) = places.get(&text("/auditID")) {
                requests[place].code =
                    event["responseStatus"]["code"].as_u64().and_then(|code| code.try_into().ok());
            }
        }
        requests
    }
}

/// A place in the log of requests.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

/// A request to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// As Kubernetes counts: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    pub uri: String,
    /// Empty for objects that are in none.
    pub namespace: String,
    pub user: String,
    pub user_agent: String,
    /// `None` if it has not been answered.
    pub code: Option<u16>,
}

/// A namespace that is deleted when the test ends.
pub struct TestNamespace {
    cluster: &'static Cluster,
    name: String,
}

impl TestNamespace {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn kubectl(&self, args: &[&str]) -> Output {
        self.cluster.kubectl(&[&["--namespace", self.name()], args].concat())
    }

    pub fn kubectl_json(&self, args: &[&str]) -> Value {
        self.cluster.kubectl_json(&[&["--namespace", self.name()], args].concat())
    }

    /// Creates or changes objects, given as YAML or JSON.
    pub fn apply(&self, manifests: &str) {
        success(self.cluster.kubectl_with(&["--namespace", self.name(), "apply", "-f", "-"], manifests));
    }

    /// The requests for this namespace since then.
    pub fn requests(&self, since: Mark) -> Vec<Request> {
        self.cluster.requests(since, |request| request.namespace == self.name)
    }

    /// Lets a user do this here, from now on: `allow("developer", &["get", "list"], &["secrets", "jobs.batch"])`.
    pub fn allow(&self, user: &str, verbs: &[&str], resources: &[&str]) {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let role = format!("{user}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let (verb_list, resource_list) = (verbs.join(","), resources.join(","));
        success(self.kubectl(&["create", "role", &role, "--verb", &verb_list, "--resource", &resource_list]));
        success(self.kubectl(&["create", "rolebinding", &role, "--role", &role, "--user", user]));
        let (Some(verb), Some(resource)) = (verbs.last(), resources.last()) else { return };
        eventually("the server knows of the role", || {
            self.kubectl(&["auth", "can-i", verb, resource, "--as", user]).status.success().then_some(())
        });
    }
}

impl Drop for TestNamespace {
    fn drop(&mut self) {
        let path = format!("/api/v1/namespaces/{}", self.name);
        let mut delete = self.cluster.command(&["delete", "--raw", &path]);
        let _ = delete.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    }
}

/// Runs a command with a text as its standard input.
pub fn with_input(mut command: Command, input: &str) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command can be run");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(input.as_bytes()).expect("the command reads its input");
    drop(stdin);
    child.wait_with_output().expect("the command ends")
}

/// What a command printed; it must have succeeded.
pub fn success(output: Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", output.status);
    String::from_utf8(output.stdout).expect("output is text")
}

/// Asks until there is an answer, for at most a minute.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited a minute, and still it is not so: {what}");
        thread::sleep(Duration::from_millis(100));
    }
}
