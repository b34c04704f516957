//! `cargo bench --bench apply`: 1,000 objects applied and compared on a real Kubernetes, beside kubectl, helm and kapp.
//!
//! 500 suspended Jobs and 500 ConfigMaps: all new, nothing to do, one changed, half changed. Each tool does all of
//! it in a namespace of its own, several rounds in turn, or one if it is slow; the shortest time of each counts.
//! `raw` sends nothing but the requests that must be sent: the lists where next to nothing changes, the dry-runs of
//! what changes for a diff, these and the same without dry-run for an apply. helm, kapp and `raw` are built with Go,
//! from the modules in `benches`; kubectl comes with the tests' Kubernetes. `cargo bench --bench apply -- raw daphnia`
//! runs these alone.

#[path = "../tests/cluster/harness.rs"]
mod harness;
mod measure;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use harness::{Cluster, TestNamespace, cluster_or_skip, eventually, success};
use measure::{go_tool, is_asked_for};
use serde_json::{Value, json};

const OBJECTS: usize = 1_000;
const ROUNDS: usize = 3;
/// What takes no longer, in seconds, and changes nothing, is done several times in each round.
const SHORT: f64 = 0.2;
const TIMES: usize = 10;

fn main() {
    if !is_asked_for() {
        return;
    }
    let Some(cluster) = cluster_or_skip() else { return };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-apply");
    let _ = fs::remove_dir_all(&folder);
    State::ALL.iter().for_each(|state| state.write(&folder));
    let raw = go_tool("raw", ".", &folder).expect("what measures can be built");
    let bench = Bench { cluster, raw, kubeconfig: write_kubeconfig(cluster, &folder), folder };
    let mut tools = bench.tools();
    // Namespaces stay to the end, for to delete one keeps the server busy.
    let mut namespaces = Vec::new();
    for _ in 0..ROUNDS {
        for tool in tools.iter_mut().filter(|tool| !tool.is_slow()) {
            let namespace = cluster.namespace();
            bench.round(tool, &namespace);
            namespaces.push(namespace);
        }
    }
    print!("{}", table(&tools));
    let _ = fs::remove_dir_all(&bench.folder);
}

/// What is done with the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Task {
    Diff,
    Apply,
}

/// How many of them are as they are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum State {
    New,
    Same,
    One,
    Half,
}

fn words(task: Task, state: State) -> String {
    let task = if task == Task::Diff { "diff" } else { "apply" };
    let state = match state {
        State::New => "all new",
        State::Same => "nothing to do",
        State::One => "1 changed",
        State::Half => "500 changed",
    };
    format!("{task}, {state}")
}

impl State {
    const ALL: [State; 4] = [State::New, State::Same, State::One, State::Half];

    /// The folder with the manifests, which is a chart, too.
    fn folder(self) -> &'static str {
        match self {
            State::New | State::Same => "new",
            State::One => "one",
            State::Half => "half",
        }
    }

    /// The version of an object: another one if it has changed since the state before.
    fn version(self, number: usize) -> usize {
        match self {
            State::One if number == 0 => 2,
            State::Half if number.is_multiple_of(2) => 3,
            _ => 1,
        }
    }

    fn is_changed(self, number: usize) -> bool {
        match self {
            State::New | State::Same => true,
            State::One => number == 0,
            State::Half => number.is_multiple_of(2),
        }
    }

    /// Writes the manifests, and what `raw` sends of them.
    fn write(self, folder: &Path) {
        let chart = folder.join(self.folder());
        fs::create_dir_all(chart.join("templates")).expect("the target folder is writable");
        let mut manifests = String::new();
        let (mut all, mut changed) = (String::new(), String::new());
        for number in 0..OBJECTS {
            let object = object(number, self.version(number));
            let _ = write!(manifests, "---\n{}", serde_yaml::to_string(&object).expect("JSON is YAML"));
            let resource = if object["kind"] == "Job" { "apis/batch/v1" } else { "api/v1" };
            let plural = format!("{}s", object["kind"].as_str().unwrap_or_default().to_lowercase());
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let request = format!("/{resource}/namespaces/NAMESPACE/{plural}/{name} {object}\n");
            all.push_str(&request);
            if self.is_changed(number) {
                changed.push_str(&request);
            }
        }
        let chart_file = "apiVersion: v2\nname: bench\nversion: 1.0.0\n";
        for (file, text) in [
            ("templates/all.yaml", manifests.as_str()),
            ("Chart.yaml", chart_file),
            ("all", &all),
            ("changed", &changed),
        ] {
            fs::write(chart.join(file), text).expect("the target folder is writable");
        }
    }
}

/// A Job or a ConfigMap as teams write them.
fn object(number: usize, version: usize) -> Value {
    let labels = json!({"app": "report", "number": number.to_string(), "version": version.to_string()});
    if number >= OBJECTS / 2 {
        return json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": format!("settings-{number}"), "labels": labels},
            "data": {
                "level": "info", "version": version.to_string(),
                "settings.toml": format!("[job]\nnumber = {number}\nretries = 3\n"),
            },
        });
    }
    let container = json!({
        "name": "report", "image": format!("registry.example.com/report:v{number}"),
        "command": ["python", "/app/report.py"],
        "env": [{"name": "REPORT", "value": number.to_string()}, {"name": "LEVEL", "value": "info"}],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
    });
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": format!("report-{number}"), "labels": labels},
        "spec": {
            "suspend": true, "backoffLimit": 3, "activeDeadlineSeconds": 3600 + version,
            "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
        },
    })
}

/// The administrator's kubeconfig in the language that `raw` reads.
fn write_kubeconfig(cluster: &Cluster, folder: &Path) -> PathBuf {
    let file = folder.join("kubeconfig.json");
    let text = success(cluster.kubectl(&["config", "view", "--raw", "--minify", "--flatten", "-o", "json"]));
    fs::write(&file, text).expect("the target folder is writable");
    file
}

/// What the measurements share.
struct Bench {
    cluster: &'static Cluster,
    raw: PathBuf,
    kubeconfig: PathBuf,
    folder: PathBuf,
}

/// A tool and its shortest times.
struct Tool {
    name: &'static str,
    program: PathBuf,
    times: HashMap<(Task, State), Time>,
    memory: u64,
}

#[derive(Clone, Copy)]
struct Time {
    wall: f64,
    processor: f64,
}

impl Tool {
    fn take(&mut self, what: (Task, State), time: Time, memory: u64) {
        let shortest = self.times.entry(what).or_insert(time);
        shortest.wall = shortest.wall.min(time.wall);
        shortest.processor = shortest.processor.min(time.processor);
        self.memory = self.memory.max(memory);
    }

    /// Whether one round is enough to know.
    fn is_slow(&self) -> bool {
        self.times.values().any(|time| time.wall > 20.0)
    }
}

impl Bench {
    /// All tools that are there, or those whose names are arguments.
    fn tools(&self) -> Vec<Tool> {
        let wanted: Vec<String> =
            std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
        let kubectl = PathBuf::from(self.cluster.command(&[]).get_program());
        let mut tools = Vec::new();
        let mut add = |name: &'static str, program: &dyn Fn() -> Option<PathBuf>| {
            if !wanted.is_empty() && !wanted.iter().any(|wanted| wanted == name) {
                return;
            }
            tools.extend(program().map(|program| Tool { name, program, times: HashMap::new(), memory: 0 }));
        };
        add("raw", &|| Some(self.raw.clone()));
        add("daphnia", &|| Some(env!("CARGO_BIN_EXE_daphnia").into()));
        add("kubectl --server-side", &|| Some(kubectl.clone()));
        add("kubectl", &|| Some(kubectl.clone()));
        for (name, package) in [("helm", "helm.sh/helm/v4/cmd/helm"), ("kapp", "carvel.dev/kapp/cmd/kapp")] {
            let built = || go_tool(name, package, &self.folder);
            add(name, &|| built().inspect_err(|why| println!("{name}: {why}")).ok());
        }
        tools
    }

    /// Measures everything once, in a new namespace.
    fn round(&self, tool: &mut Tool, namespace: &TestNamespace) {
        for state in State::ALL {
            let mut has_applied = false;
            for task in [Task::Diff, Task::Apply] {
                let Some(arguments) = self.arguments(tool, task, state, namespace.name()) else { continue };
                has_applied = task == Task::Apply;
                for _ in 0..if task == Task::Diff || state == State::Same { TIMES } else { 1 } {
                    let (time, memory) = self.measure(tool, &arguments, task, state);
                    eprintln!("{}: {}, {:.3} s", tool.name, words(task, state), time.wall);
                    tool.take((task, state), time, memory);
                    if time.wall > SHORT {
                        break;
                    }
                }
            }
            // Nobody is measured who has not done it, or while the controller is still busy with it.
            eventually(&format!("{} has applied everything, and the server is done", tool.name), || {
                (!has_applied || is_applied(namespace, state)).then_some(())
            });
        }
    }

    fn arguments(&self, tool: &Tool, task: Task, state: State, namespace: &str) -> Option<Vec<String>> {
        let folder = self.folder.join(state.folder());
        let in_folder = |file: &str| folder.join(file).display().to_string();
        let (chart, manifests) = (folder.display().to_string(), in_folder("templates/all.yaml"));
        let (all, changed) = (in_folder("all"), in_folder("changed"));
        let kubeconfig = self.kubeconfig.display().to_string();
        let words: Vec<&str> = match (tool.name, task) {
            ("raw", _) => {
                let mut words = vec!["send", &kubeconfig, namespace];
                if matches!(state, State::Same | State::One) {
                    words.extend(["list", &all]);
                }
                if state != State::Same {
                    words.extend(["dry-run", &changed]);
                    words.extend(["apply", &changed].iter().filter(|_| task == Task::Apply));
                }
                words
            }
            ("daphnia", Task::Diff) => vec!["diff", &manifests, "-n", namespace],
            ("daphnia", Task::Apply) => vec!["apply", &manifests, "-n", namespace, "--no-wait", "--yes"],
            ("kubectl --server-side", Task::Diff) => {
                vec!["diff", "--server-side", "-n", namespace, "-f", &manifests]
            }
            ("kubectl --server-side", Task::Apply) => {
                vec!["apply", "--server-side", "-n", namespace, "-f", &manifests]
            }
            ("kubectl", Task::Diff) => vec!["diff", "-n", namespace, "-f", &manifests],
            ("kubectl", Task::Apply) => vec!["apply", "-n", namespace, "-f", &manifests],
            // It has no diff of its own.
            ("helm", Task::Diff) => return None,
            ("helm", Task::Apply) => vec!["upgrade", "--install", "bench", &chart, "-n", namespace],
            // It takes out of a Job what the server has filled in, and is refused.
            ("kapp", Task::Apply) if matches!(state, State::One | State::Half) => return None,
            ("kapp", task) => {
                let mut words = vec!["deploy", "-a", "bench", "-n", namespace, "-f", &manifests, "--yes"];
                words.push(if task == Task::Diff { "--diff-run" } else { "--wait=false" });
                words
            }
            (other, _) => unreachable!("no such tool: {other}"),
        };
        Some(words.into_iter().map(str::to_owned).collect())
    }

    fn measure(&self, tool: &Tool, arguments: &[String], task: Task, state: State) -> (Time, u64) {
        let mut command = Command::new(&self.raw);
        command.arg("measure").arg(&tool.program).args(arguments);
        command.env("KUBECONFIG", self.cluster.kubeconfig()).env("HOME", &self.folder);
        let told = success(command.stdin(Stdio::null()).output().expect("the program starts"));
        let told: Value = serde_json::from_str(&told).expect("it is JSON");
        let has_changes = task == Task::Diff && state != State::Same && !["raw", "kapp"].contains(&tool.name);
        assert_eq!(told["status"], i32::from(has_changes), "{} {arguments:?}", tool.name);
        let number = |field: &str| told[field].as_f64().unwrap_or_default();
        (Time { wall: number("wall"), processor: number("cpu") }, told["memory"].as_u64().unwrap_or_default())
    }
}

fn is_applied(namespace: &TestNamespace, state: State) -> bool {
    let found = namespace.kubectl_json(&["get", "jobs,configmaps", "-l", "app=report"]);
    let items = found["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_as_it_is_to_be = |item: &Value| {
        let number = item["metadata"]["labels"]["number"].as_str().and_then(|text| text.parse().ok());
        let version = number.map(|number| state.version(number).to_string());
        let is_seen = item["kind"] != "Job" || item["status"]["conditions"].is_array();
        is_seen && item["metadata"]["labels"]["version"].as_str() == version.as_deref()
    };
    items.len() == OBJECTS && items.iter().all(is_as_it_is_to_be)
}

/// The times, and in brackets how many times those of `raw` they are.
fn table(tools: &[Tool]) -> String {
    let mut text = format!("{OBJECTS} objects, seconds, the shortest of {ROUNDS} rounds\n");
    let mut row = |name: &str, cells: &mut dyn Iterator<Item = String>| {
        let _ = write!(text, "{name:<20}");
        for cell in cells {
            let _ = write!(text, "{cell:>23}");
        }
        text.push('\n');
    };
    row("", &mut tools.iter().map(|tool| tool.name.to_owned()));
    let raw = tools.iter().find(|tool| tool.name == "raw");
    for (task, state) in
        [Task::Apply, Task::Diff].iter().flat_map(|task| State::ALL.iter().map(move |state| (*task, *state)))
    {
        let least = raw.and_then(|raw| raw.times.get(&(task, state)));
        let cell = |tool: &Tool| {
            let Some(time) = tool.times.get(&(task, state)) else { return "-".to_owned() };
            let ratio = least.map(|least| format!(" ({:.1})", time.wall / least.wall)).unwrap_or_default();
            format!("{:.3}{ratio}", time.wall)
        };
        row(&words(task, state), &mut tools.iter().map(cell));
        let computed = |tool: &Tool| {
            tool.times.get(&(task, state)).map_or(String::new(), |time| format!("{:.3}", time.processor))
        };
        row("  of the processor", &mut tools.iter().map(computed));
    }
    row("memory at most, MB", &mut tools.iter().map(|tool| format!("{:.0}", tool.memory as f64 / 1e6)));
    text
}
