//! The binary at work: a namespace of its own, a folder with its manifests, and what it said.
//!
//! All that is run prints a transcript: a failed test shows it, `cargo test -- --show-output` shows all.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{Cluster, Mark, Request, TestNamespace, cluster_or_skip, node_or_skip, success};

/// What a test works with. `NAMESPACE` in its manifests and arguments means its own, `REGISTRY` the one that has
/// no images.
pub struct Desk {
    pub cluster: &'static Cluster,
    pub namespace: TestNamespace,
    folder: PathBuf,
    kubeconfig: Option<OsString>,
    since: Mutex<Mark>,
}

impl Desk {
    /// For a test that only asks the API server.
    pub fn new() -> Option<Desk> {
        Desk::at(cluster_or_skip()?)
    }

    /// For a test whose containers run.
    pub fn with_node() -> Option<Desk> {
        Desk::at(node_or_skip()?)
    }

    /// On a cluster of others there are no users, no log of requests and no registry.
    fn at(cluster: &'static Cluster) -> Option<Desk> {
        if !cluster.is_own() {
            return None;
        }
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("cluster-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        fs::create_dir_all(&folder).expect("a folder for manifests can be made");
        let namespace = cluster.namespace();
        let kubeconfig = Some(cluster.kubeconfig().into());
        let since = Mutex::new(cluster.mark());
        Some(Desk { cluster, namespace, folder, kubeconfig, since })
    }

    /// From now on as this user of the harness.
    pub fn be(&mut self, user: &str) {
        self.kubeconfig = Some(self.cluster.kubeconfig_for(user).into());
    }

    /// From now on with another kubeconfig; a path in the folder, or none at all.
    pub fn use_kubeconfig(&mut self, file: Option<&str>) {
        self.kubeconfig = file.map(|file| self.folder.join(file).into());
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn fill_in(&self, text: &str) -> String {
        text.replace("NAMESPACE", self.namespace.name()).replace("REGISTRY", &self.cluster.registry())
    }

    /// Writes a manifest into the folder, in which every command runs.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.folder.join(file);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("folders can be made");
        fs::write(path, self.fill_in(text)).expect("the folder can be written to");
    }

    /// Writes the example of a kind for this namespace, with parts replaced; each must be there.
    pub fn write_example(&self, file: &str, replaced: &[(&str, &str)]) {
        let example = include_str!("../../examples/kubernetes-job.yaml");
        let mut text = example.to_owned();
        let own =
            [("value: reports", "value: NAMESPACE"), ("createNamespace: true", "createNamespace: false")];
        for (from, to) in own.iter().chain(replaced) {
            assert!(text.contains(from), "the example has no `{from}`");
            text = text.replace(from, to);
        }
        self.write(file, &text);
    }

    /// A webhook configuration by which all Jobs of the namespace meet with this response.
    pub fn webhook(&self, kind: &str, name: &str, response: &Value) -> Value {
        let namespace = self.namespace.name();
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": format!("{kind}WebhookConfiguration"),
            "metadata": {"name": format!("{namespace}-{name}")},
            "webhooks": [{
                "name": format!("{name}.example.com"),
                "clientConfig": self.cluster.webhook(response),
                "rules": [{
                    "apiGroups": ["batch"], "apiVersions": ["v1"], "resources": ["jobs"],
                    "operations": ["CREATE", "UPDATE"],
                }],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Fail",
            }],
        })
    }

    /// What the server would make of this, as JSON; `None` if it would not create it.
    pub fn admitted(&self, manifest: &str) -> Option<String> {
        let text = self.fill_in(manifest);
        let arguments = ["create", "--dry-run=server", "-o", "json", "-f", "-"];
        let tried = self.cluster.kubectl_with(&arguments, &text);
        tried.status.success().then(|| String::from_utf8_lossy(&tried.stdout).into_owned())
    }

    /// Runs `daphnia` to its end.
    pub fn daphnia(&self, args: &[&str]) -> Said {
        self.start(args).wait()
    }

    /// The same with a text on standard input.
    pub fn daphnia_with(&self, args: &[&str], input: &str) -> Said {
        let mut running = self.start(args);
        let mut stdin = running.child.stdin.take().expect("standard input is piped");
        stdin.write_all(self.fill_in(input).as_bytes()).expect("daphnia reads its input");
        drop(stdin);
        running.wait()
    }

    /// Starts `daphnia` and leaves it running.
    pub fn start(&self, args: &[&str]) -> Running {
        let args: Vec<String> = args.iter().map(|arg| self.fill_in(arg)).collect();
        let command = format!("daphnia {}", args.join(" "));
        let began = Instant::now();
        let child = self.command(&args).spawn().expect("daphnia can be run");
        Running { child, command, began }
    }

    /// A command in the folder, with nothing of this process's surroundings.
    pub fn command(&self, args: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_daphnia"));
        command.args(args).current_dir(&self.folder).env_clear().env("HOME", &self.folder);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// From here on requests count.
    pub fn mark(&self) {
        *self.since.lock().expect("no test panics with it") = self.cluster.mark();
    }

    /// What `daphnia` has asked of the namespace since the mark.
    pub fn requests(&self) -> Vec<Request> {
        let requests = self.namespace.requests(*self.since.lock().expect("no test panics with it"));
        requests.into_iter().filter(|request| request.user_agent.starts_with("daphnia/")).collect()
    }

    /// Those of them that change something.
    pub fn writes(&self) -> Vec<Request> {
        let is_read = |request: &Request| ["get", "list", "watch"].contains(&request.verb.as_str());
        let is_tried = |request: &Request| request.uri.contains("dryRun=All");
        self.requests().into_iter().filter(|request| !is_read(request) && !is_tried(request)).collect()
    }

    /// An object of the namespace as the server holds it; `None` if there is none.
    pub fn object(&self, kind: &str, name: &str) -> Option<Value> {
        let list = self.objects(kind);
        list.into_iter().find(|object| object["metadata"]["name"] == name)
    }

    /// All objects of a kind in the namespace.
    pub fn objects(&self, kind: &str) -> Vec<Value> {
        match self.namespace.kubectl_json(&["get", kind])["items"].take() {
            Value::Array(items) => items,
            other => panic!("a list of {kind} has no items: {other}"),
        }
    }

    /// Lets the container of a Job go on that waits with `UNTIL_RELEASED`.
    pub fn release(&self, job: &str) {
        let job = format!("job/{job}");
        success(self.namespace.kubectl(&["exec", &job, "--", "touch", "/tmp/released"]));
    }

    /// The records of runs, newest first, as `daphnia history` lists them.
    pub fn history(&self) -> Vec<String> {
        let said = self.daphnia(&["history", "-n", "NAMESPACE"]).exits(0);
        said.stdout.lines().skip(1).map(str::to_owned).collect()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A `daphnia` at work.
pub struct Running {
    pub child: Child,
    command: String,
    began: Instant,
}

impl Running {
    pub fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &process]).status();
        assert!(sent.expect("kill can be run").success(), "`{}` was over before SIG{name}", self.command);
    }

    pub fn wait(mut self) -> Said {
        drop(self.child.stdin.take());
        let output = self.child.wait_with_output().expect("daphnia ends");
        let said = Said {
            command: self.command,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status.code(),
            took: self.began.elapsed(),
        };
        println!("{}", said.transcript());
        said
    }
}

/// Of a long output, so many lines are shown at both ends.
const SHOWN: usize = 40;

/// What a command said, and how it ended.
pub struct Said {
    command: String,
    pub stdout: String,
    pub stderr: String,
    /// `None` if a signal ended it.
    pub status: Option<i32>,
    pub took: Duration,
}

impl Said {
    fn transcript(&self) -> String {
        let mut text = format!("$ {}\n", self.command);
        for (mark, output) in [("", &self.stdout), ("| ", &self.stderr)] {
            let lines: Vec<&str> = output.lines().collect();
            let left_out = lines.len().saturating_sub(2 * SHOWN);
            for (number, line) in lines.iter().enumerate() {
                if left_out > 0 && number == SHOWN {
                    text.push_str(&format!("{mark}… {left_out} lines …\n"));
                }
                if left_out == 0 || number < SHOWN || number >= SHOWN + left_out {
                    text.push_str(&format!("{mark}{}\n", line.chars().take(400).collect::<String>()));
                }
            }
        }
        let status = self.status.map_or("a signal".to_owned(), |status| format!("status {status}"));
        text.push_str(&format!("({status}, {:.1} s)\n", self.took.as_secs_f32()));
        text
    }

    #[track_caller]
    pub fn exits(self, status: i32) -> Said {
        assert_eq!(self.status, Some(status), "the exit status of `{}`", self.command);
        self
    }

    /// Standard error as one line of words, so that a sentence is found wherever lines are broken.
    fn sentences(&self) -> String {
        self.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// A sentence is on standard error.
    #[track_caller]
    pub fn tells(self, sentence: &str) -> Said {
        let told = self.sentences();
        assert!(told.contains(sentence), "`{}` does not tell `{sentence}`", self.command);
        self
    }

    #[track_caller]
    pub fn does_not_tell(self, words: &str) -> Said {
        assert!(!self.sentences().contains(words), "`{}` tells `{words}`", self.command);
        self
    }

    /// Lines are on standard output, in this order, with others between them perhaps.
    #[track_caller]
    pub fn prints(self, lines: &[&str]) -> Said {
        let mut rest = self.stdout.lines();
        for line in lines {
            let found = rest.any(|printed| printed == *line);
            assert!(found, "`{}` does not print `{line}`, or not in this order", self.command);
        }
        self
    }

    #[track_caller]
    pub fn prints_a_line_with(self, words: &str) -> Said {
        let found = self.stdout.lines().any(|line| line.contains(words));
        assert!(found, "`{}` prints no line with `{words}`", self.command);
        self
    }

    /// Nothing that it said contains this.
    #[track_caller]
    pub fn keeps_quiet_about(self, secret: &str) -> Said {
        let is_said = self.stdout.contains(secret) || self.stderr.contains(secret);
        assert!(!is_said, "`{}` gives away `{secret}`", self.command);
        self
    }

    #[track_caller]
    pub fn takes_less_than(self, seconds: u64) -> Said {
        assert!(self.took < Duration::from_secs(seconds), "`{}` took {:?}", self.command, self.took);
        self
    }
}

/// In the script of a Job, waits until the test has seen what it wants to see.
pub const UNTIL_RELEASED: &str = "until test -e /tmp/released; do sleep 0.1; done";

/// A Job of one container, which runs a script; nothing is tried twice.
pub fn job(name: &str, script: &str) -> String {
    let script = serde_json::to_string(script).expect("a text is JSON");
    format!(
        "\
apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  namespace: NAMESPACE
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: busybox:1.36
          command: [sh, -c, {script}]
"
    )
}

/// A ConfigMap with one key, `key`.
pub fn config_map(name: &str, value: &str) -> String {
    format!(
        "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  namespace: NAMESPACE
data:
  key: {value}
"
    )
}

/// A Deployment of one pod that runs on, `web`.
pub const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAMESPACE}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: 'busybox:1.36', command: [sleep, '600']}]
      terminationGracePeriodSeconds: 1
";
