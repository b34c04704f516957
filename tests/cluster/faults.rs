//! One request of an apply is broken, or the apply is killed at it: the next apply puts everything right.
//!
//! A set of twelve objects, two Jobs among them, is applied once for each of its requests, and with
//! `DAPHNIA_FAULTS=all` for each fault at each request, through a proxy that breaks that request
//! (`supervisor/faults.go`). What must hold then is in `Scenario::ensure_converged`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::daphnia::{Desk, Said, config_map};

/// The proxy, and what it says of the requests that went through it.
pub struct Breaker {
    process: Child,
    address: String,
    log: Arc<Log>,
}

/// The requests of each name, and word that there are more.
type Log = (Mutex<HashMap<String, Vec<Line>>>, Condvar);

/// A request: its method, the code that the server or the fault gave it, its path.
#[derive(Debug, Clone)]
pub struct Line {
    method: String,
    code: String,
    pub path: String,
}

impl Breaker {
    pub fn start(desk: &Desk) -> Breaker {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/run");
        let mut process = Command::new(program)
            .arg("faults")
            .arg(desk.cluster.kubeconfig())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the supervisor can be run");
        let mut lines = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
        let address = lines.next().expect("the proxy says where it is").expect("in words");
        let log: Arc<Log> = Arc::default();
        let written = Arc::clone(&log);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let words: Vec<&str> = line.splitn(5, ' ').collect();
                let [name, _, method, code, path] = words.as_slice() else { continue };
                let line = Line { method: (*method).into(), code: (*code).into(), path: (*path).into() };
                written
                    .0
                    .lock()
                    .expect("no test panics with it")
                    .entry((*name).into())
                    .or_default()
                    .push(line);
                written.1.notify_all();
            }
        });
        Breaker { process, address, log }
    }

    /// Writes a kubeconfig with which a client goes through it, under a name.
    pub fn kubeconfig(&self, desk: &Desk, name: &str, fault: &str, number: usize) -> String {
        let file = format!("{name}.{fault}.kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: broken\ncontexts: [{{name: broken, context: {{cluster: broken}}}}]\nclusters: [{{name: broken, cluster: {{server: \"http://{}/{name}/{fault}/{number}\"}}}}]\n",
            self.address
        );
        fs::write(desk.folder().join(&file), text).expect("the folder can be written to");
        file
    }

    pub fn lines(&self, name: &str) -> Vec<Line> {
        self.log.0.lock().expect("no test panics with it").get(name).cloned().unwrap_or_default()
    }

    /// Waits until a request of this name is held, or it is plain that none will be.
    fn wait_for_hold(&self, name: &str, mut is_over: impl FnMut() -> bool) -> bool {
        let end = Instant::now() + Duration::from_secs(60);
        let mut log = self.log.0.lock().expect("no test panics with it");
        loop {
            let is_held = |lines: &Vec<Line>| lines.iter().any(|line| line.code == "held");
            if log.get(name).is_some_and(is_held) {
                return true;
            }
            if is_over() || Instant::now() > end {
                return false;
            }
            log = self.log.1.wait_timeout(log, Duration::from_millis(100)).expect("no test panics with it").0;
        }
    }

    /// Asks the server, past all faults.
    fn list(&self, path: &str) -> Vec<Value> {
        let mut stream = TcpStream::connect(&self.address).expect("the proxy is there");
        let request =
            format!("GET /test/none/0{path} HTTP/1.0\r\nHost: test\r\nAccept: application/json\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the proxy listens");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the proxy answers");
        let text = String::from_utf8_lossy(&answer);
        let body = text.split_once("\r\n\r\n").expect("an answer has a head and a body").1;
        let mut list: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{path}: {text}"));
        match list["items"].take() {
            Value::Array(items) => items,
            _ => panic!("{path}: {text}"),
        }
    }
}

impl Drop for Breaker {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// One apply that meets one fault, in a namespace that it makes itself.
struct Scenario<'a> {
    desk: &'a Desk,
    breaker: &'a Breaker,
    name: String,
}

/// How many scenarios are played at once: most of their time they wait for a timeout or a controller.
const AT_ONCE: usize = 4;

const JOBS: [&str; 2] = ["first", "second"];
const MAPS: usize = 6;

/// A Job of no pods is complete as soon as the controller sees it.
fn job_without_pods(name: &str, note: &str) -> String {
    super::daphnia::job(name, note)
        .replace("spec:\n  backoffLimit", "spec:\n  completions: 0\n  backoffLimit")
}

/// The twelve objects.
fn manifests(note: &str) -> String {
    let mut all = vec![
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: NAMESPACE}\n".to_owned(),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: token, namespace: NAMESPACE}\nstringData: {token: abc}\n"
            .to_owned(),
        "apiVersion: v1\nkind: Service\nmetadata: {name: front, namespace: NAMESPACE}\nspec:\n  clusterIP: None\n  selector: {app: front}\n  ports: [{port: 80}]\n".to_owned(),
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: front, namespace: NAMESPACE}\nspec:\n  replicas: 0\n  selector: {matchLabels: {app: front}}\n  template:\n    metadata: {labels: {app: front}}\n    spec: {containers: [{name: front, image: busybox:1.36}]}\n".to_owned(),
    ];
    all.extend((0..MAPS).map(|number| config_map(&format!("map-{number}"), note)));
    all.extend(JOBS.map(|name| job_without_pods(name, note)));
    assert_eq!(all.len(), 12);
    all.join("---\n")
}

impl Scenario<'_> {
    fn write(&self, note: &str) -> String {
        let file = format!("{}.yaml", self.name);
        let text = manifests(note).replace("NAMESPACE", &self.name);
        fs::write(self.desk.folder().join(&file), text).expect("the folder can be written to");
        file
    }

    fn apply(&self, file: &str, fault: &str, number: usize) -> Said {
        let kubeconfig = self.breaker.kubeconfig(self.desk, &self.name, fault, number);
        let args = ["apply", file, "--kubeconfig", &kubeconfig, "--request-timeout", "2s"];
        let running = self.desk.start(&args);
        if !fault.starts_with("kill") {
            return running.wait();
        }
        let mut running = running;
        if self.breaker.wait_for_hold(&self.name, || matches!(running.child.try_wait(), Ok(Some(_)))) {
            running.signal("KILL");
        }
        running.wait()
    }

    /// Applies, meets the fault, and applies once more.
    fn suffer(&self, file: &str, fault: &str, number: usize) {
        ensure_told(&self.apply(file, fault, number), fault, &self.name);
        self.apply(file, "none", 0).exits(0);
    }

    /// What must hold after a fault and a plain apply: objects as desired, each Job was started once and has one
    /// record, which says how it ended.
    fn ensure_converged(&self, note: &str, records: usize) {
        let in_namespace = |group: &str, plural: &str| {
            self.breaker.list(&format!("/{group}/namespaces/{}/{plural}", self.name))
        };
        let named = |objects: Vec<Value>| -> BTreeMap<String, Value> {
            let name = |object: &Value| object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            objects.into_iter().map(|object| (name(&object), object)).collect()
        };
        let maps = named(in_namespace("api/v1", "configmaps"));
        for number in 0..MAPS {
            assert_eq!(maps[&format!("map-{number}")]["data"]["key"], note, "{}", self.name);
        }
        let secrets = named(in_namespace("api/v1", "secrets"));
        assert_eq!(secrets["token"]["data"]["token"], "YWJj");
        assert!(named(in_namespace("api/v1", "services")).contains_key("front"));
        assert!(named(in_namespace("apis/apps/v1", "deployments")).contains_key("front"));
        let jobs = named(in_namespace("apis/batch/v1", "jobs"));
        assert_eq!(jobs.len(), JOBS.len());
        let mut ended: Vec<(String, String)> = Vec::new();
        for secret in secrets.values().filter(|secret| secret["type"] == "daphnia.dev/run.v1") {
            let summary =
                secret["metadata"]["annotations"]["daphnia.dev/record"].as_str().expect("it has one");
            let summary: Value = serde_json::from_str(summary).expect("it is JSON");
            let text = |field: &str| summary[field].as_str().unwrap_or_default().to_owned();
            if text("uid").is_empty() {
                // One that the server refused to start: the record says so, and there is another of its run.
                assert_eq!(summary["state"], "failed", "{}: {summary}", self.name);
                assert!(text("cause").contains("it was not started"), "{}: {summary}", self.name);
                continue;
            }
            assert_eq!(summary["state"], "succeeded", "{}: {summary}", self.name);
            ended.push((text("name"), text("uid")));
        }
        assert_eq!(ended.len(), records, "{}: one record of each run: {ended:?}", self.name);
        let created = self.breaker.lines(&self.name);
        for name in JOBS {
            let uid = jobs[name]["metadata"]["uid"].as_str().unwrap_or_default();
            let is_its = |(job, of): &&(String, String)| job == name && of == uid;
            assert_eq!(
                ended.iter().filter(is_its).count(),
                1,
                "{}: a record of {name}: {ended:?}",
                self.name
            );
            let path = format!("/jobs/{name}?");
            let sent: Vec<&Line> = created
                .iter()
                .filter(|line| {
                    line.method == "PATCH" && line.path.contains(&path) && !line.path.contains("dryRun")
                })
                .collect();
            let with = |code: &str| sent.iter().filter(|line| line.code == code).count();
            // Where the client was gone first, nobody has seen the answer.
            let (started, unseen) = (with("201"), with("0"));
            assert!(
                started <= 1 && started + unseen >= 1,
                "{}: how often {name} was started: {sent:?}",
                self.name
            );
        }
    }
}

const FAULTS: [&str; 6] = ["429", "500", "reset-before", "reset-after", "stall", "kill-after"];

/// How an apply that met a fault may end, and what it says.
fn ensure_told(said: &Said, fault: &str, context: &str) {
    let Some(status) = said.status else {
        return assert!(fault.starts_with("kill"), "{context}: only who is killed ends by a signal");
    };
    let allowed: &[i32] = match fault {
        "429" => &[0],
        "500" => &[0, 1],
        // Before the first answer nobody knows whether there is a server at all.
        "reset-before" | "reset-after" | "stall" => &[0, 4],
        _ => &[0],
    };
    assert!(allowed.contains(&status), "{context} ends with {status}:\n{}", said.stderr);
    assert!(status == 0 || said.stderr.contains("error["), "{context} does not say why:\n{}", said.stderr);
}

/// Plays a fault at every request, several at once, and tells all that went wrong.
fn play(desk: &Desk, breaker: &Breaker, faults: &[&str], play_one: impl Fn(&Scenario, &str, usize) + Sync) {
    static ONE_PLAY: Mutex<()> = Mutex::new(());
    let _turn = ONE_PLAY.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // The end of the test's own namespace is a number that no other test has.
    let number = desk.namespace.name().rsplit('-').next().unwrap_or_default();
    let calm = Scenario { desk, breaker, name: format!("faults-{}-{number}", std::process::id()) };
    play_one(&calm, "none", 0);
    let count = breaker.lines(&calm.name).len();
    // Each request meets one fault after the other in turn; with `DAPHNIA_FAULTS=all`, each meets every fault.
    let is_whole = std::env::var_os("DAPHNIA_FAULTS").is_some_and(|value| value == "all");
    let is_its_turn = |fault: usize, number: usize| is_whole || number % faults.len() == fault;
    let all: Vec<(&str, usize)> = faults
        .iter()
        .enumerate()
        .flat_map(|(index, fault)| (1..=count).map(move |number| (index, *fault, number)))
        .filter(|(index, _, number)| is_its_turn(*index, *number))
        .map(|(_, fault, number)| (fault, number))
        .collect();
    let next = AtomicUsize::new(0);
    let broken = Mutex::new(Vec::new());
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((fault, number)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = format!("{}-{fault}-{number}", calm.name);
                    let scenario = Scenario { desk, breaker, name };
                    let played = AssertUnwindSafe(|| play_one(&scenario, fault, *number));
                    if catch_unwind(played).is_err() {
                        let lines = breaker.lines(&scenario.name);
                        let hit = lines.get(*number - 1).map_or("none", |line| line.path.as_str()).to_owned();
                        broken
                            .lock()
                            .expect("it is only pushed to")
                            .push(format!("{fault} at {number}: {hit}"));
                    }
                }
            });
        }
    });
    println!("{} scenarios, {count} requests each, in {:.0} s", all.len(), began.elapsed().as_secs_f32());
    let broken = broken.into_inner().expect("it is only pushed to");
    assert!(broken.is_empty(), "{} of {} did not hold:\n{}", broken.len(), all.len(), broken.join("\n"));
}

#[test]
fn whatever_breaks_at_whichever_request_the_next_apply_converges() {
    let Some(desk) = Desk::new() else { return };
    let breaker = Breaker::start(&desk);
    play(&desk, &breaker, &FAULTS, |scenario, fault, number| {
        let file = scenario.write("one");
        scenario.suffer(&file, fault, number);
        scenario.ensure_converged("one", JOBS.len());
    });
}

#[test]
fn whatever_breaks_while_jobs_are_replaced_the_next_apply_converges() {
    let Some(desk) = Desk::new() else { return };
    let breaker = Breaker::start(&desk);
    play(&desk, &breaker, &["reset-after", "kill-after"], |scenario, fault, number| {
        let file = scenario.write("one");
        desk.daphnia(&["apply", &file]).exits(0);
        let file = scenario.write("two");
        scenario.suffer(&file, fault, number);
        scenario.ensure_converged("two", 2 * JOBS.len());
    });
}
