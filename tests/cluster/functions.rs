//! Container functions on a real Kubernetes: the server takes whatever they become, and their tasks run.
//!
//! `functions/*.yaml` holds the examples and parameters of three versions of the container runtime's documentation, and
//! every volume, form of resources and kind of source code.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::daphnia::{Desk, Running, Said};
use super::harness::{eventually, success};

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The manifests of this folder, and those that other tests render.
fn manifests() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = fs::read_dir(root.join("tests/cluster/functions")).expect("the manifests are there");
    let mut files: Vec<_> = folder.map(|entry| entry.expect("a manifest can be read").path()).collect();
    files.push(root.join("tests/render/container-function_sources.yaml"));
    files.push(root.join("examples/container-function.yaml"));
    files.sort();
    let name = |path: &Path| path.file_name().expect("a file has a name").to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), read(path))).collect()
}

#[test]
fn the_server_takes_what_functions_become() {
    let Some(desk) = Desk::new() else { return };
    let mut objects = 0;
    for (file, text) in manifests() {
        // A namespace that is only tried is not there for what is in it.
        let text = text.replace("namespace: greetings", "namespace: NAMESPACE");
        desk.write(&file, &text.replace("createNamespace: true", "createNamespace: false"));
        let rendered = desk.daphnia(&["render", &file]).exits(0).stdout;
        let args =
            ["-n", desk.namespace.name(), "create", "--dry-run=server", "--validate=strict", "-o", "name"];
        let taken = success(desk.cluster.kubectl_with(&[&args[..], &["-f", "-"]].concat(), &rendered));
        let expected = rendered.lines().filter(|line| line.starts_with("kind: ")).count();
        assert_eq!(taken.lines().count(), expected, "{file}");
        objects += expected;
    }
    assert!(objects > 150, "{objects}");
}

/// A function with what its tasks share, and the tasks.
fn function(name: &str, fields: &str, tasks: &str) -> String {
    format!(
        "apiVersion: daphnia.dev/v1\nkind: ContainerFunction\nmetadata: {{name: {name}}}\nspec:\n  \
         namespace: NAMESPACE\n  image: busybox:1.36\n{fields}  tasks:\n{tasks}"
    )
}

const GREETER: &str = r#"  lang: sh
  code: |
    set -eu
    case "$1" in
      greet) echo "$GREETING, $2" ;;
      serve) mkdir -p www; echo "$GREETING, whoever asks" > www/index.html; exec httpd -f -p 8080 -h www ;;
      wait) exec sleep 600 ;;
    esac
  command: sh main.sh
"#;

const GREETER_TASKS: &str = "    - {action: job, args: [greet, Ann], envs: {GREETING: good morning}}
    - {action: serve, args: [serve], envs: {GREETING: hello}, service_ports: [{port: 80, target_port: 8080}]}
    - {action: deploy, args: [wait], replicas: 2}
";

#[test]
fn one_function_is_a_job_a_service_and_a_deployment() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("greeter.yaml", &function("greeter", GREETER, GREETER_TASKS));
    let name = desk.namespace.name();
    desk.daphnia(&["apply", "greeter.yaml"])
        .exits(0)
        .tells(&format!("succeeded Job {name}/greeter-job"))
        .tells(&format!("ready Deployment {name}/greeter-serve"))
        .tells(&format!("ready Deployment {name}/greeter-deploy"));
    assert_eq!(success(desk.namespace.kubectl(&["logs", "job/greeter-job"])), "good morning, Ann\n");
    let deployment = desk.object("deployments", "greeter-deploy").expect("it is there");
    assert_eq!(deployment["status"]["availableReplicas"], 2);
    let service = desk.object("services", "greeter-serve").expect("it is there");
    assert_eq!(service["spec"]["type"], "NodePort");
    let forwarded = Forwarded::to(&desk, "service/greeter-serve", "80");
    assert_eq!(forwarded.get("/"), "hello, whoever asks\n");
    desk.daphnia(&["diff", "greeter.yaml"]).exits(0);

    // Code, labels and a profile that change make new pods of the same Deployment: its selector, which can never change,
    // takes them, and so does the Service's.
    let uid = |object: Option<Value>| object.expect("it is there")["metadata"]["uid"].clone();
    let before = uid(desk.object("deployments", "greeter-serve"));
    let changed = function("greeter", &GREETER.replace("whoever", "who"), GREETER_TASKS);
    desk.write("greeter.yaml", &changed.replace("{name: greeter}", "{name: greeter, labels: {team: a}}"));
    desk.daphnia(&["apply", "greeter.yaml", "--task", "serve", "--profile", "digitalhub"])
        .exits(0)
        .prints_a_line_with("configured Deployment");
    let deployment = desk.object("deployments", "greeter-serve").expect("it is there");
    let pods = &deployment["spec"]["template"]["metadata"];
    assert_eq!(pods["labels"]["team"], "a");
    assert_eq!(pods["labels"]["dhcore/function"], "greeter");
    assert_eq!(uid(Some(deployment)), before);
    let forwarded = Forwarded::to(&desk, "service/greeter-serve", "80");
    assert_eq!(forwarded.get("/"), "hello, who asks\n");
}

/// A port of this machine that `kubectl` passes on to one of the cluster.
struct Forwarded {
    child: Child,
    port: u16,
}

impl Forwarded {
    fn to(desk: &Desk, target: &str, port: &str) -> Forwarded {
        let ports = format!(":{port}");
        let mut forward =
            desk.cluster.command(&["-n", desk.namespace.name(), "port-forward", target, &ports]);
        let mut child = forward.stdout(Stdio::piped()).spawn().expect("kubectl can be run");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("standard output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("kubectl says something");
        let local = line.strip_prefix("Forwarding from 127.0.0.1:").and_then(|rest| rest.split(' ').next());
        let port = local.and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("no port: {line:?}"));
        Forwarded { child, port }
    }

    /// What an HTTP request for the path is answered.
    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the port answers");
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("a request can be sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the answer is text");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        assert!(head.contains(" 200 "), "{head}");
        body.to_owned()
    }
}

impl Drop for Forwarded {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a function's job.
fn start(desk: &Desk, fields: &str, task: &str) -> Running {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    let file = format!("job-{}.yaml", COUNT.fetch_add(1, Ordering::Relaxed));
    desk.write(&file, &function("fetched", fields, &format!("    - {{action: job, {task}}}\n")));
    desk.start(&["run", &file])
}

fn run(desk: &Desk, fields: &str, task: &str) -> Said {
    start(desk, fields, task).wait()
}

#[test]
fn inline_code_of_every_form_executes() {
    let Some(desk) = Desk::with_node() else { return };
    // The text of a script, as text, encoded, and from a file beside the manifest.
    let script = "#!/bin/sh\necho \"$0 says $1\"\n";
    let encoded = "IyEvYmluL3NoCmVjaG8gIiQwIHNheXMgJDEiCg==";
    desk.write("src/greet.sh", script);
    let text = format!("  code: {script:?}\n  lang: sh\n  command: sh main.sh\n");
    run(&desk, &text, "args: [hello]").exits(0).prints_a_line_with("main.sh says hello");
    let named = format!("  base64: {encoded}\n  code_src: bin/greet\n  command: ./bin/greet\n");
    run(&desk, &named, "args: [hello]").exits(0).prints_a_line_with("./bin/greet says hello");
    let exported =
        format!("  source: {{source: greet.sh, base64: {encoded}, lang: sh}}\n  command: ./greet.sh\n");
    run(&desk, &exported, "args: [hello], run_as_user: 1000, fs_group: 1000")
        .exits(0)
        .prints_a_line_with("./greet.sh says hello");
    run(&desk, "  code_src: src/greet.sh\n  command: src/greet.sh\n", "args: [hello]")
        .exits(0)
        .prints_a_line_with("src/greet.sh says hello");
}

/// A pod on the node's network that serves source code at a port, and the address at which pods reach it.
fn source_server(desk: &Desk, port: u16) -> String {
    // The address of the pods' gateway is there while a pod is.
    desk.namespace.apply(
        "{apiVersion: v1, kind: Pod, metadata: {name: anchor}, spec: {terminationGracePeriodSeconds: 1, \
         containers: [{name: anchor, image: 'busybox:1.36', command: [sleep, '600']}]}}",
    );
    let gateway = eventually("a pod has an address", || {
        let pod = desk.namespace.kubectl_json(&["get", "pod", "anchor"]);
        let (network, _) = pod["status"]["podIP"].as_str()?.rsplit_once('.')?;
        Some(format!("{network}.1"))
    });
    let address = format!("{gateway}:{port}");
    desk.namespace.apply(&include_str!("source-server.yaml").replace("ADDRESS", &address));
    eventually("source code is served", || {
        let args = ["exec", "anchor", "--", "wget", "-q", "-O", "-", &format!("http://{address}/main.sh")];
        desk.namespace.kubectl(&args).status.success().then_some(())
    });
    address
}

/// The node has an image with this machine's git.
fn has_git() -> bool {
    let found = Command::new("git").arg("--version").output().is_ok_and(|output| output.status.success());
    let is_required = std::env::var("DAPHNIA_TEST_CLUSTER").is_ok_and(|value| value == "required");
    assert!(found || !is_required, "git is not there, so no container can have it");
    found
}

#[test]
fn source_code_at_an_address_executes() {
    let Some(desk) = Desk::with_node().filter(|_| has_git()) else { return };
    let address = source_server(&desk, 8080);
    let at =
        |source: &str| format!("  code_src: {}\n  command: sh main.sh\n", source.replace("HOST", &address));
    let (file, zip) = (at("http://HOST/main.sh?version=2"), at("zip+http://HOST/code.zip"));
    // By another image, as another user.
    let other = format!("{zip}  source_image: busybox:1.36\n");
    let absent = start(&desk, &at("zip+http://HOST/absent.zip"), "");
    let started = [
        (start(&desk, &file, "args: [Ann]"), "hello from a file, Ann"),
        (start(&desk, &zip, "args: [Ann]"), "hello from a zip, Ann"),
        (start(&desk, &other, "args: [Bob], run_as_user: 1000, run_as_group: 1000"), "hello from a zip, Bob"),
    ];
    for (running, line) in started {
        running.wait().exits(0).prints_a_line_with(line);
    }
    absent.wait().exits(1).tells("container `fetch-source` of pod").tells("404");
}

#[test]
fn source_code_in_a_repository_executes() {
    let Some(desk) = Desk::with_node().filter(|_| has_git()) else { return };
    let address = source_server(&desk, 8081);
    let login = ["create", "secret", "generic", "login", "--from-literal=GIT_USERNAME=me"];
    success(desk.namespace.kubectl(&[&login[..], &["--from-literal=GIT_PASSWORD=correct-horse"]].concat()));
    let git = |repository: &str, reference: &str, task: &str| {
        // What `https://git.example.com/` stands for, git is told by variables.
        let envs = format!(
            "{{GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'url.http://{address}/.insteadOf', \
             GIT_CONFIG_VALUE_0: 'https://git.example.com/'}}"
        );
        let source = format!("git+https://git.example.com/cgi-bin/{repository}/etl.git{reference}");
        let fields = format!("  secret_store: login\n  code_src: {source}\n  command: ./main.sh\n");
        start(&desk, &fields, &format!("args: [Ann], envs: {envs}{task}"))
    };
    let commit = ["exec", "source-server", "--", "git", "-C", "/tmp/etl", "rev-parse", "v1"];
    let commit = format!("#{}", success(desk.namespace.kubectl(&commit)).trim());
    let as_user = ", run_as_user: 1000, run_as_group: 1000";
    let started = [("", "", "main"), ("#v1", "", "v1"), ("#side", as_user, "side"), (&commit, "", "v1")]
        .map(|(reference, task, branch)| (git("git", reference, task), branch));
    for (running, branch) in started {
        running.wait().exits(0).prints_a_line_with(&format!("hello from {branch}, Ann"));
    }
    // With a password, which is read from a Secret and never shown.
    let (absent, refused) = (git("git", "#absent", ""), git("closed", "", ""));
    git("closed", "#v1", ", secrets: [GIT_USERNAME, GIT_PASSWORD]")
        .wait()
        .exits(0)
        .prints_a_line_with("hello from v1, Ann")
        .keeps_quiet_about("correct-horse");
    absent.wait().exits(1).tells("container `fetch-source` of pod").tells("absent");
    refused.wait().exits(1).tells("container `fetch-source` of pod");
}

#[test]
fn secrets_become_variables_of_a_job() {
    let Some(desk) = Desk::with_node() else { return };
    for name in ["proj-secrets-churn", "store", "token"] {
        let args =
            ["create", "secret", "generic", name, "--from-literal=token=abc", "--from-literal=user=me"];
        success(desk.namespace.kubectl(&args));
    }
    let print = "  command: sh -c 'env | grep -E \"^(token|user)=\" | sort; echo end'\n";
    // One key of the project's Secret, or of the one that is named; without either, every key of a Secret.
    for (store, printed) in [
        ("  project: churn\n", "token=abc\nend\n"),
        ("  secret_store: store\n", "token=abc\nend\n"),
        ("", "token=abc\nuser=me\nend\n"),
    ] {
        let said = run(&desk, &format!("{store}{print}"), "secrets: [token]").exits(0);
        assert_eq!(said.stdout, printed, "{store}");
    }
    run(&desk, print, "secrets: [absent]").exits(1).tells("absent");
}

/// A function, its task and a run of it, as a platform exports them.
const EXPORTED: &str = "\
kind: container
name: etl
project: demo
id: 90c3
spec: {image: 'busybox:1.36', command: sh main.sh, source: {source: main.sh, base64: CODE}}
---
kind: container+job
project: demo
id: aaaa1111
spec: {function: 'container://demo/etl:90c3', args: [stored], envs: [{name: STATUS, value: '0'}]}
---
kind: container+job:run
project: demo
id: 0f3c91ab7d
spec: {task: 'container+job://demo/aaaa1111', args: [of, the, run], envs: [{name: STATUS, value: '7'}]}
";

#[test]
fn a_run_of_a_platform_has_its_own_parameters() {
    let Some(desk) = Desk::with_node() else { return };
    // echo "got $*"; exit $STATUS
    let text = EXPORTED.replace("CODE", "ZWNobyAiZ290ICQqIjsgZXhpdCAkU1RBVFVTCg==");
    desk.write("run.yaml", &text);
    let (task, run) = text.rsplit_once("---\n").expect("the run comes last");
    desk.write("task.yaml", task);
    let at = ["-n", "NAMESPACE"];
    desk.daphnia(&[&["run", "task.yaml"], &at[..]].concat()).exits(0).prints(&["got stored"]);
    desk.daphnia(&[&["run", "task.yaml"], &at[..], &["--", "by", "hand"]].concat())
        .exits(0)
        .prints(&["got by hand"]);
    desk.daphnia(&[&["run", "run.yaml"], &at[..]].concat()).exits(1).prints(&["got of the run"]);
    desk.daphnia(&[&["run", "run.yaml", "--propagate-exit-code"], &at[..]].concat()).exits(7);
    // Applied, it is a Job under the run's name.
    desk.write("good.yaml", &format!("{task}---\n{}", run.replace("'7'", "'0'")));
    desk.daphnia(&[&["apply", "good.yaml"], &at[..]].concat()).exits(0);
    assert_eq!(success(desk.namespace.kubectl(&["logs", "job/etl-job-0f3c91ab"])), "got of the run\n");
    let history = desk.history();
    assert!(history.iter().any(|line| line.contains("etl-job")), "{history:?}");
}
