//! Documents as a platform exports them, and as catalogs and people write them.

use serde_json::{Value, json};

use super::desk::{Desk, names, only};

const FUNCTION: &str = "\
kind: container
metadata:
  project: demo-etl
  name: func_1
  version: 90c3
  created: '2024-11-20T12:32:46.409Z'
  created_by: someone
  description: Loads what was sold.
  labels: [etl, sales of today]
  embedded: false
spec:
  image: python:3.12
  base_image: null
  image_pull_policy: Always
  command: python main.py
  source:
    source: git+https://example.com/acme/etl
status: {state: CREATED}
user: someone
project: demo-etl
name: func_1
id: 90c3
key: store://demo-etl/function/container/func_1:90c3
";

const JOB: &str = "\
kind: container+job
spec:
  function: container://demo-etl/func_1:90c3
  backoff_limit: '3'
  fs_group: '8877'
  envs: [{name: A, value: a}]
  args: [stored]
status: {state: READY, transitions: []}
project: demo-etl
id: aaaa1111
";

const SERVE: &str = "\
kind: container+serve
spec:
  function: container://demo-etl/func_1:90c3
  service_ports: [{port: 80, target_port: 8080}]
project: demo-etl
id: bbbb2222
";

const RUN: &str = "\
kind: container+job:run
project: demo-etl
id: 0f3c1234567890
spec:
  task: container+job://demo-etl/aaaa1111
  function: container://demo-etl/func_1:90c3
  local_execution: false
  args: [of, the, run]
  image: python:3.12
status: {state: COMPLETED}
";

fn file(documents: &[&str]) -> Desk {
    Desk::new().with("f.yaml", documents.join("---\n"))
}

fn pod(objects: &[Value], kind: &str) -> Value {
    only(objects, kind)["spec"]["template"]["spec"].clone()
}

#[test]
fn an_export_becomes_what_its_envelope_becomes() {
    let exported = file(&[FUNCTION, JOB, SERVE]).rendered(&["f.yaml"]);
    let ours = "\
apiVersion: daphnia.dev/v1
kind: ContainerFunction
metadata: {name: func-1}
spec:
  project: demo-etl
  description: Loads what was sold.
  labels: [etl, sales of today]
  image: python:3.12
  imagePullPolicy: Always
  command: [python, main.py]
  codeSrc: git+https://example.com/acme/etl
  tasks:
    - {action: job, backoffLimit: 3, fsGroup: 8877, envs: {A: a}, args: [stored]}
    - {action: serve, servicePorts: [{port: 80, targetPort: 8080}]}
";
    assert_eq!(exported, file(&[ours]).rendered(&["f.yaml"]));
    assert_eq!(names(&exported), ["Job/func-1-job", "Deployment/func-1-serve", "Service/func-1-serve"]);
}

/// The task stands in its run: with the run's parameters, under a name of the run's own.
#[test]
fn a_run_renders_its_task_with_its_parameters() {
    let objects = file(&[FUNCTION, JOB, SERVE, RUN]).rendered(&["f.yaml"]);
    let mut found = names(&objects);
    found.sort();
    assert_eq!(found, ["Deployment/func-1-serve", "Job/func-1-job-0f3c1234", "Service/func-1-serve"]);
    let container = &pod(&objects, "Job")["containers"][0];
    assert_eq!(container["args"], json!(["of", "the", "run"]));
    assert_eq!(container["env"], json!([{"name": "A", "value": "a"}]));
}

/// As `run` of a platform's own command line makes it: without a task, or without an id.
#[test]
fn a_run_may_name_its_function_alone() {
    let run = "kind: container+job:run\nproject: demo-etl\nspec: {function: 'container://demo-etl/func_1:90c3', args: [x]}\n";
    let objects = file(&[FUNCTION, run]).rendered(&["f.yaml"]);
    assert_eq!(names(&objects), ["Job/func-1-job"]);
    let objects = file(&[FUNCTION, JOB, run]).rendered(&["f.yaml"]);
    assert_eq!(names(&objects), ["Job/func-1-job"]);
    assert_eq!(only(&objects, "Job")["spec"]["backoffLimit"], 3, "the function's task of this action");
    // As runs of every action were called until 2025.
    let old = RUN.replace("container+job:run", "container+run");
    assert_eq!(names(&file(&[FUNCTION, JOB, &old]).rendered(&["f.yaml"])), ["Job/func-1-job-0f3c1234"]);
}

#[test]
fn documents_may_lie_in_files_of_their_own() {
    let desk = Desk::new().with("function.yaml", FUNCTION).with("task.yaml", JOB).with("run.yaml", RUN);
    let all = ["task.yaml", "run.yaml", "function.yaml"];
    assert_eq!(names(&desk.rendered(&all)), ["Job/func-1-job-0f3c1234"]);
    let said = desk.daphnia(&["validate", "run.yaml"]);
    assert!(said.stdout.contains("there is no task `container+job://demo-etl/aaaa1111`"), "{}", said.stdout);
    assert!(said.stdout.contains("run.yaml:5:9"), "{}", said.stdout);
    let said = desk.daphnia(&["render", "task.yaml"]);
    assert!(
        said.stderr.contains("there is no function `container://demo-etl/func_1:90c3`"),
        "{}",
        said.stderr
    );
    assert_eq!(said.status, 1);
    let desk = desk
        .with("daphnia.toml", "manifests = [\"platform\"]\n")
        .with("platform/function.yaml", FUNCTION)
        .with("platform/task.yaml", JOB);
    assert_eq!(names(&desk.rendered(&["run.yaml"])), ["Job/func-1-job-0f3c1234"]);
    assert_eq!(names(&desk.rendered(&["task.yaml"])), ["Job/func-1-job"]);
    assert_eq!(desk.daphnia(&["validate", "run.yaml", "task.yaml"]).status, 0);
}

#[test]
fn a_version_or_project_that_is_not_there_is_told() {
    for (from, to) in [("func_1:90c3", "func_1:other"), ("demo-etl/func_1", "other/func_1")] {
        let said = file(&[FUNCTION, &JOB.replace(from, to)]).daphnia(&["validate", "f.yaml"]);
        assert!(said.stdout.contains("in another project or version"), "{}", said.stdout);
    }
    let said = file(&[FUNCTION, &JOB.replace("func_1", "fnuc_1")]).daphnia(&["validate", "f.yaml"]);
    assert!(said.stdout.contains("did you mean `func_1`?"), "{}", said.stdout);
}

#[test]
fn functions_inside_a_project_are_read() {
    let indented: String = FUNCTION.lines().map(|line| format!("      {line}\n")).collect();
    let project = format!(
        "kind: project\nname: demo-etl\nmetadata: {{name: demo-etl}}\nspec:\n  context: ./\n  functions:\n    -\n{indented}    \
         - {{kind: container, name: elsewhere, key: 'store://demo-etl/function/container/elsewhere:1'}}\n    \
         - {{kind: python, name: other, spec: {{}}}}\n"
    );
    let own = indented.replace("\n        project: demo-etl", "").replace("\n      project: demo-etl", "");
    assert_ne!(own, indented);
    for project in [project.clone(), project.replace(&indented, &own)] {
        let objects = file(&[&project, JOB]).rendered(&["f.yaml"]);
        assert_eq!(names(&objects), ["Job/func-1-job"]);
        assert_eq!(only(&objects, "Job")["metadata"]["labels"]["app.kubernetes.io/part-of"], "demo-etl");
    }
    let desk = Desk::new()
        .with("daphnia.toml", "manifests = [\"platform\"]\n")
        .with("platform/project.yaml", project)
        .with("task.yaml", JOB);
    assert_eq!(names(&desk.rendered(&["task.yaml"])), ["Job/func-1-job"]);
}

/// In a catalog, nothing is in a project yet, and what a task is to be run with stands in its template.
#[test]
fn a_catalog_is_read() {
    let function = "name: hello\nkind: container\nmetadata: {description: Says hello., version: '1', labels: [demo]}\nspec: {image: 'busybox:1.36', command: echo}\n";
    let task = "kind: container+job\nspec: {template: {args: [hello], backoff_limit: 2}}\n";
    let objects = file(&[function, task]).rendered(&["f.yaml"]);
    assert_eq!(names(&objects), ["Job/hello-job"]);
    assert_eq!(pod(&objects, "Job")["containers"][0]["args"], json!(["hello"]));
    assert_eq!(only(&objects, "Job")["spec"]["backoffLimit"], 2);
    let list: Vec<String> =
        [function, task].iter().map(|d| format!("- {}", d.trim_end().replace('\n', "\n  "))).collect();
    assert_eq!(file(&[&list.join("\n")]).rendered(&["f.yaml"]), objects, "a list stands for its items");
}

#[test]
fn a_function_alone_is_valid_and_renders_nothing() {
    let desk = file(&[FUNCTION]);
    let said = desk.daphnia(&["validate", "f.yaml"]);
    assert_eq!(said.status, 0);
    assert!(said.stdout.contains("note[no-task]: the function `func_1` has no task"), "{}", said.stdout);
    let said = desk.daphnia(&["render", "f.yaml"]);
    assert_eq!((said.status, said.stdout.as_str()), (0, ""), "{}", said.stderr);
}

#[test]
fn mistakes_are_told_where_they_stand() {
    for (documents, words, place) in [
        ([FUNCTION, &JOB.replace("envs:", "evns:")], "unknown field `evns`", "f.yaml:30:3"),
        ([FUNCTION, &JOB.replace("[stored]", "stored")], "must be a list", "f.yaml:31:9"),
        ([FUNCTION, &JOB.replace("'3'", "three")], "must be an integer", "f.yaml:28:18"),
        ([&FUNCTION.replace("image: python:3.12", "image: PYTHON"), JOB], "`spec.image`", "f.yaml:12:10"),
        (
            [FUNCTION, &JOB.replace("container+job\n", "container+jb\n")],
            "did you mean `container+job`?",
            "f.yaml:25:7",
        ),
        (
            [FUNCTION, &JOB.replace("project: demo", "projcet: demo")],
            "unknown field `projcet`",
            "f.yaml:33:1",
        ),
        (
            [FUNCTION, &JOB.replace("container://demo-etl/func_1:90c3", "func_1")],
            "this refers to nothing",
            "f.yaml:27:13",
        ),
        ([&FUNCTION.replace("name: func_1", "nme: func_1"), JOB], "unknown field `nme`", "f.yaml:21:1"),
    ] {
        let said = file(&documents).daphnia(&["validate", "f.yaml"]);
        assert_eq!(said.status, 1, "{words}");
        assert!(
            said.stdout.contains(words) && said.stdout.contains(place),
            "{words} {place}: {}",
            said.stdout
        );
    }
}

/// What is said of a function is said once, however many runs it has.
#[test]
fn findings_are_told_once() {
    let function = FUNCTION.replace("  source:\n", "  source:\n    handler: main\n");
    let other = RUN.replace("0f3c", "1a2b");
    let said = file(&[&function, JOB, SERVE, RUN, &other]).daphnia(&["validate", "f.yaml"]);
    assert_eq!(said.stdout.matches("a `handler` is for runtimes").count(), 1, "{}", said.stdout);
}

#[test]
fn a_run_does_not_change_its_function() {
    let other = RUN.replace("image: python:3.12", "image: python:3.13");
    let desk = file(&[FUNCTION, JOB, &other]);
    let said = desk.daphnia(&["validate", "f.yaml"]);
    assert!(said.stdout.contains("a run does not change the function's `image`"), "{}", said.stdout);
    assert_eq!(pod(&desk.rendered(&["f.yaml"]), "Job")["containers"][0]["image"], "python:3.12");
    let local = RUN.replace("local_execution: false", "local_execution: true");
    let said = file(&[FUNCTION, JOB, &local]).daphnia(&["validate", "f.yaml"]);
    assert!(said.stdout.contains("warning[no-effect]: a local execution"), "{}", said.stdout);
}

#[test]
fn one_task_is_picked_and_fields_are_set() {
    let desk = file(&[FUNCTION, JOB, SERVE]);
    assert_eq!(names(&desk.rendered(&["f.yaml", "--task", "job"])), ["Job/func-1-job"]);
    let objects = desk.rendered(&[
        "f.yaml",
        "--task",
        "job",
        "--set",
        "spec.tasks.job.backoff_limit=7",
        "--set",
        "spec.namespace=etl",
    ]);
    assert_eq!(only(&objects, "Job")["spec"]["backoffLimit"], 7);
    assert_eq!(only(&objects, "Job")["metadata"]["namespace"], "etl");
}
