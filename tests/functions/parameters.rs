//! The tables of `docs/functions.md`, row by row: what each parameter changes, in every spelling and form, or what is
//! said of it. `parameters.txt` lists the parameters of three versions of the container runtime's documentation.

use serde_json::{Map, Value, json};

use super::desk::Desk;

const ACTIONS: &[&str] = &["job", "serve", "build", "deploy"];

fn docs() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/functions.md")).unwrap()
}

/// A row: the table that it stands in, the parameter, its Python and its YAML.
struct Row {
    table: String,
    name: String,
    python: String,
    yaml: Map<String, Value>,
}

fn rows() -> Vec<Row> {
    let docs = docs();
    let section = docs.split("## From Python to YAML").nth(1).unwrap().split("\n## ").next().unwrap();
    let tables = section.split("\n### ").skip(1).filter(|table| !table.starts_with("Calls"));
    let rows = tables.flat_map(|table| {
        let name = table.lines().next().unwrap().trim_matches('`').to_lowercase();
        table.lines().filter(|line| line.starts_with("| `")).map(move |line| (name.clone(), line.to_owned()))
    });
    rows.map(|(table, line)| {
        let cell =
            |number: usize| line.split(" | ").nth(number).unwrap().trim_matches(['|', ' ', '`']).to_owned();
        let yaml = cell(2);
        let yaml = serde_yaml::from_str(&yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"));
        Row { table, name: cell(0), python: cell(1), yaml }
    })
    .collect()
}

/// Everything that each action needs, and nothing else.
fn function() -> Value {
    json!({"image": "busybox:1.36", "base_image": "busybox:1.36"})
}

fn task(action: &str) -> Value {
    match action {
        "serve" => json!({"action": action, "service_ports": [9000]}),
        "build" => json!({"action": action, "image": "r.example.com/base:v0"}),
        _ => json!({"action": action}),
    }
}

fn merged(mut base: Value, more: &Map<String, Value>) -> Value {
    let map = base.as_object_mut().unwrap();
    // Another spelling of what is there would be a second one.
    map.retain(|key, _| !more.contains_key(&camel(key)));
    if more.contains_key("service_port")
        || more.contains_key("servicePorts")
        || more.contains_key("servicePort")
    {
        map.remove("service_ports");
    }
    map.extend(more.clone());
    base
}

fn envelope(number: usize, spec: Value, tasks: Vec<Value>) -> Vec<Value> {
    let spec = merged(spec, json!({"secret_store": "store", "tasks": tasks}).as_object().unwrap());
    let name = format!("etl{number}");
    vec![
        json!({"apiVersion": "daphnia.dev/v1", "kind": "ContainerFunction", "metadata": {"name": name}, "spec": spec}),
    ]
}

/// What came of a manifest: its objects, and what was said of it.
#[derive(PartialEq, Debug, Clone, Default)]
struct Outcome {
    objects: Vec<Value>,
    findings: Vec<String>,
}

/// What comes of functions, each a list of documents; all in one run, since a run costs more than a function.
fn outcomes(functions: &[Vec<Value>]) -> Vec<Outcome> {
    let documents: Vec<(usize, &Value)> = functions
        .iter()
        .enumerate()
        .flat_map(|(index, all)| all.iter().map(move |one| (index, one)))
        .collect();
    // Each in a line of its own, which says whom a finding is about.
    let text: String = documents.iter().map(|(_, document)| format!("---\n{document}\n")).collect();
    let desk = Desk::new().with("f.yaml", &text);
    let said = desk.daphnia(&["validate", "f.yaml", "--allow", "missing-limits"]);
    assert_eq!(said.status, 0, "{text}{}", said.stdout);
    let mut outcomes = vec![Outcome::default(); functions.len()];
    let mut heading = "";
    for line in said.stdout.lines() {
        if line.starts_with("warning[") {
            heading = line;
        } else if let Some((_, place)) = line.split_once("--> f.yaml:") {
            let number: usize = place.split(':').next().unwrap().parse().unwrap();
            outcomes[documents[number / 2 - 1].0].findings.push(heading.to_owned());
        }
    }
    for object in desk.rendered(&["f.yaml"]) {
        let name = object["metadata"]["labels"]["app.kubernetes.io/name"].as_str().unwrap();
        let index: usize = name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
        outcomes[index].objects.push(object);
    }
    outcomes
}

fn only_outcome(task: Value) -> Outcome {
    outcomes(&[envelope(0, function(), vec![task])]).remove(0)
}

fn objects(task: Value) -> Vec<Value> {
    only_outcome(task).objects
}

/// `{a_b: {c_d: 1}}` → `{aB: {cD: 1}}`.
fn camel_case(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (camel(key), camel_case(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(camel_case).collect()),
        other => other.clone(),
    }
}

fn camel(word: &str) -> String {
    let mut parts = word.split('_');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |word, part| word + &part[..1].to_uppercase() + &part[1..])
}

#[test]
fn each_parameter_of_each_version_has_its_row() {
    let rows = rows();
    let listed = include_str!("parameters.txt").lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for line in listed {
        let words: Vec<&str> = line.split(' ').collect();
        let [_, table, name] = words[..] else { panic!("{line}") };
        let found = rows.iter().find(|row| row.table == table && row.name == name);
        let row = found.unwrap_or_else(|| panic!("docs/functions.md has no row for {line}"));
        assert!(row.python.starts_with(&format!("{name}=")), "{line}: {}", row.python);
        count += 1;
    }
    assert_eq!(count, 85);
}

/// What stands in the function itself changes some of what is made of it, or something is said of it.
#[test]
fn each_parameter_of_a_function_changes_something() {
    let tasks = || ACTIONS.iter().map(|action| task(action)).collect::<Vec<_>>();
    let rows = rows();
    let is_in_spec = |row: &&Row| row.table == "function" && !["kind", "name"].contains(&row.name.as_str());
    let (mut before, mut after, mut camels) = (Vec::new(), Vec::new(), Vec::new());
    let rows: Vec<&Row> = rows.iter().filter(is_in_spec).collect();
    for (index, row) in rows.iter().enumerate() {
        let mut base = function();
        // It names inline code.
        if row.name == "lang" {
            base["code"] = json!("print(1)");
        }
        before.push(envelope(index, base.clone(), tasks()));
        after.push(envelope(index, merged(base.clone(), &row.yaml), tasks()));
        let camel = camel_case(&Value::Object(row.yaml.clone()));
        camels.push(envelope(index, merged(base, camel.as_object().unwrap()), tasks()));
    }
    let (before, after, camels) = (outcomes(&before), outcomes(&after), outcomes(&camels));
    for (index, row) in rows.iter().enumerate() {
        assert_ne!(before[index], after[index], "`{}` has no effect, and nothing says so", row.name);
        if !["embedded", "handler"].contains(&row.name.as_str()) {
            assert_ne!(before[index].objects, after[index].objects, "`{}` changes nothing", row.name);
        }
        assert_eq!(after[index], camels[index], "`{}` in camelCase", row.name);
    }
}

/// A name is part of the name of each object.
#[test]
fn the_name_and_kind_of_a_function_are_those_of_its_manifest() {
    let rows = rows();
    let yaml = |name: &str| rows.iter().find(|row| row.name == name).unwrap().yaml.clone();
    assert_eq!(yaml("kind")["kind"], "ContainerFunction");
    assert_eq!(yaml("name")["metadata"]["name"], "etl");
    for action in ACTIONS {
        let objects = &outcomes(&[envelope(0, function(), vec![task(action)])])[0].objects;
        for object in objects {
            let name = object["metadata"]["name"].as_str().unwrap();
            assert!(name.starts_with(&format!("etl0-{action}")), "{name}");
        }
    }
}

#[test]
fn each_parameter_of_a_task_changes_something_in_a_job() {
    check_parameters("job");
}

#[test]
fn each_parameter_of_a_task_changes_something_in_a_service() {
    check_parameters("serve");
}

#[test]
fn each_parameter_of_a_task_changes_something_in_a_build() {
    check_parameters("build");
}

#[test]
fn each_parameter_of_a_task_changes_something_in_a_deployment() {
    check_parameters("deploy");
}

/// What stands in a task changes what is made of it whatever its action, or something is said of it; and it does the
/// same in a document of a platform.
fn check_parameters(action: &str) {
    let mut distinct: Vec<Row> = Vec::new();
    for row in rows() {
        let is_known = distinct.iter().any(|known| known.yaml == row.yaml && known.table == row.table);
        if row.table != "function" && row.name != "action" && !is_known {
            distinct.push(row);
        }
    }
    assert!(distinct.len() > 30, "{}", distinct.len());
    let base = task(action);
    let (mut plain, mut snake, mut camels, mut exported) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (index, row) in distinct.iter().enumerate() {
        let with = |more: &Map<String, Value>| merged(base.clone(), more);
        let camel = camel_case(&Value::Object(row.yaml.clone()));
        plain.push(envelope(index, function(), vec![base.clone()]));
        snake.push(envelope(index, function(), vec![with(&row.yaml)]));
        camels.push(envelope(index, function(), vec![with(camel.as_object().unwrap())]));
        let mut spec = with(&row.yaml);
        spec.as_object_mut().unwrap().remove("action");
        let own = merged(function(), json!({"secret_store": "store"}).as_object().unwrap());
        exported.push(vec![
            json!({"kind": "container", "name": format!("etl{index}"), "spec": own}),
            json!({"kind": format!("container+{action}"), "spec": spec}),
        ]);
    }
    let [plain, snake, camels, exported] = [plain, snake, camels, exported].map(|all| outcomes(&all));
    for (index, row) in distinct.iter().enumerate() {
        let name = &row.name;
        assert_ne!(plain[index], snake[index], "`{name}` has no effect in `{action}`, and nothing says so");
        if is_own(row, action) {
            let (before, after) = (&plain[index].objects, &snake[index].objects);
            assert_ne!(before, after, "`{name}` changes nothing in `{action}`");
        }
        assert_eq!(snake[index], camels[index], "`{name}` in camelCase in `{action}`");
        assert_eq!(snake[index], exported[index], "`{name}` as a platform has it, in `{action}`");
    }
}

/// Whether a parameter is for the action.
fn is_own(row: &Row, action: &str) -> bool {
    match row.table.as_str() {
        "task" => true,
        "run" => action != "build",
        table => table == action,
    }
}

/// Each of these is another way to write the first: what fields of a function and of its task are called, and their forms.
#[test]
fn other_forms_are_the_same() {
    let forms: &[(&str, &[(&str, &str)])] = &[
        ("job", &[("{command: [sh, -c, echo a b]}", "{}"), ("{command: \"sh -c 'echo a b'\"}", "{}")]),
        (
            "job",
            &[("{source: {source: a.py, base64: YQ==}}", "{}"), ("{code_src: a.py, base64: YQ==}", "{}")],
        ),
        ("job", &[("{}", "{node_selector: [{key: a, value: b}]}"), ("{}", "{node_selector: {a: b}}")]),
        (
            "job",
            &[
                ("{}", "{envs: [{name: A, value: b}]}"),
                ("{}", "{envs: {A: b}}"),
                ("{}", "{envs: {A: {value: b}}}"),
            ],
        ),
        ("job", &[("{args: [a]}", "{}"), ("{}", "{args: [a]}"), ("{args: [b]}", "{args: [a]}")]),
        (
            "job",
            &[
                ("{}", "{resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 1, memory: 1Gi}}}"),
                ("{}", "{resources: {cpu: {limits: 1, requests: 1}, mem: {limits: 1Gi, requests: 1Gi}}}"),
                ("{}", "{resources: {cpu: 1, mem: 1Gi}}"),
                ("{}", "{resources: {cpu: 1, memory: 1Gi}}"),
            ],
        ),
        (
            "serve",
            &[
                ("{}", "{service_ports: [{port: 80, targetPort: 8080}]}"),
                ("{}", "{service_ports: [{port: 80, target_port: 8080}]}"),
                ("{}", "{service_port: [{port: 80, target_port: 8080}]}"),
            ],
        ),
        (
            "serve",
            &[("{}", "{service_ports: [{port: 80, target_port: 80}]}"), ("{}", "{service_ports: [80]}")],
        ),
        ("build", &[("{}", "{instructions: [RUN a b]}"), ("{}", "{instructions: [a b]}")]),
        ("build", &[("{base_image: b}", "{}"), ("{}", "{base_image: b}")]),
    ];
    let fields = |text: &str| serde_yaml::from_str::<Map<String, Value>>(text).unwrap();
    let number = |group: usize, form: usize| 10 * group + form;
    let mut functions = vec![Vec::new(); 10 * forms.len()];
    for (group, (action, ways)) in forms.iter().enumerate() {
        for (form, (own, more)) in ways.iter().enumerate() {
            let task = merged(task(action), &fields(more));
            functions[number(group, form)] =
                envelope(number(group, form), merged(function(), &fields(own)), vec![task]);
        }
    }
    let found = outcomes(&functions);
    for (group, (action, ways)) in forms.iter().enumerate() {
        let first = nameless(&found[number(group, 0)].objects);
        let plain = nameless(&objects(task(action)));
        assert_ne!(first, plain, "{:?} has no effect", ways[0]);
        for (form, way) in ways.iter().enumerate().skip(1) {
            assert_eq!(nameless(&found[number(group, form)].objects), first, "{way:?} in `{action}`");
        }
    }
}

/// Objects as text, without the number that tells functions apart.
fn nameless(objects: &[Value]) -> String {
    let name = objects[0]["metadata"]["labels"]["app.kubernetes.io/name"].as_str().unwrap();
    Value::from(objects).to_string().replace(name, "etl")
}

/// An action is what a task is.
#[test]
fn each_action_makes_other_objects() {
    let all: Vec<Vec<Value>> = ACTIONS.iter().map(|action| objects(task(action))).collect();
    for (index, objects) in all.iter().enumerate() {
        assert!(!objects.is_empty() && all[..index].iter().all(|other| other != objects));
    }
}

/// The manifests of the page are valid and render.
#[test]
fn the_manifests_of_the_page_render() {
    let docs = docs();
    let blocks: Vec<&str> =
        docs.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 4);
    for block in blocks {
        let objects = super::desk::rendered(block);
        assert!(!objects.is_empty(), "{block}");
    }
}

/// The calls of the page are one to one: each YAML is a function's tasks.
#[test]
fn the_calls_of_the_page_are_tasks() {
    let docs = docs();
    let table = docs.split("### Calls").nth(1).unwrap().split("\n```").next().unwrap();
    let calls: Vec<&str> = table.lines().filter(|line| line.starts_with("| `function.run")).collect();
    assert_eq!(calls.len(), 3);
    for call in calls {
        let yaml = call.split(" | ").nth(1).unwrap().split('`').nth(1).unwrap();
        let tasks: Value = serde_yaml::from_str(yaml).unwrap();
        let objects = objects(tasks["tasks"][0].clone());
        assert_eq!(objects.len(), 1, "{call}");
        assert_eq!(objects[0]["kind"], "Job", "{call}");
    }
}

/// The other forms that the page describes, each rendered and each another rendering.
#[test]
fn every_form_of_resources_and_volumes_renders() {
    let docs = docs();
    let mut seen: Vec<Vec<Value>> = Vec::new();
    let resources = docs.split("\n## Resources").nth(1).unwrap().split("\n## ").next().unwrap();
    for line in resources.lines().filter(|line| line.contains("`resources: {")) {
        let yaml = line.split("`resources: ").nth(1).unwrap().split('`').next().unwrap();
        let resources: Value = serde_yaml::from_str(yaml).unwrap();
        seen.push(objects(json!({"action": "job", "resources": resources})));
    }
    assert_eq!(seen.len(), 3);
    let volumes = docs.split("\n## Volumes").nth(1).unwrap().split("\n## ").next().unwrap();
    for line in volumes.lines().filter(|line| line.starts_with("| `") && line.contains("`{")) {
        let mut cells = line.split(" | ");
        let kinds = cells.next().unwrap().trim_start_matches("| ").to_owned();
        let spec: Value = serde_yaml::from_str(cells.next().unwrap().trim_matches('`')).unwrap();
        for kind in kinds.split(", ").map(|kind| kind.trim_matches('`')) {
            let volume = json!({"volume_type": kind, "name": "v", "mount_path": "/v", "spec": spec});
            let found = only_outcome(json!({"action": "job", "volumes": [volume]}));
            assert_eq!(found.findings, Vec::<String>::new(), "{line}");
            let mut within = volume.clone();
            within["spec"]["sub_path"] = json!("inside");
            let other = only_outcome(json!({"action": "job", "volumes": [within]}));
            assert_ne!(found, other, "{line}");
            seen.push(found.objects);
        }
    }
    assert_eq!(seen.len(), 11);
    for (index, objects) in seen.iter().enumerate() {
        // The two ways to name a claim that is there are one.
        let same = seen[..index].iter().filter(|other| *other == objects).count();
        assert!(same == 0 || index == 5, "{objects:#?}");
    }
}
