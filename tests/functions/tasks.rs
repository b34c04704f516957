//! Tasks: which there are, what they are called, and how one is picked.

use serde_json::json;

use super::desk::{Desk, names, only, rendered};

const HEAD: &str = "\
apiVersion: daphnia.dev/v1
kind: ContainerFunction
metadata: {name: etl}
spec:
  image: python:3.12
  base_image: python:3.12
";

fn function(tasks: &str) -> String {
    format!("{HEAD}  tasks: {tasks}\n")
}

const ALL: &str =
    "{job: {args: [a]}, serve: {servicePorts: [8080]}, deploy: , build: {image: r.example.com/etl:v1}}";

#[test]
fn each_action_becomes_its_objects() {
    let objects = rendered(&function(ALL));
    let expected = [
        "ConfigMap/etl-build-source",
        "Job/etl-job",
        "Deployment/etl-serve",
        "Service/etl-serve",
        "Deployment/etl-deploy",
        "Job/etl-build",
    ];
    assert_eq!(names(&objects), expected);
    let scheduled = rendered(&function("[{action: job, schedule: '@hourly'}]"));
    assert_eq!(only(&scheduled, "CronJob")["spec"]["schedule"], "@hourly");
}

#[test]
fn a_task_is_picked_by_action_or_name() {
    let tasks = "[{action: job, args: [a]}, {action: job, name: nightly, args: [b]}, {action: deploy}]";
    let desk = Desk::new().with("f.yaml", function(tasks));
    assert_eq!(names(&desk.rendered(&["f.yaml"])), ["Job/etl-job", "Job/nightly", "Deployment/etl-deploy"]);
    assert_eq!(names(&desk.rendered(&["f.yaml", "--task", "job"])), ["Job/etl-job", "Job/nightly"]);
    assert_eq!(names(&desk.rendered(&["f.yaml", "--task", "nightly"])), ["Job/nightly"]);
    let said = desk.daphnia(&["render", "f.yaml", "--task", "serve"]);
    assert!(said.stderr.contains("there is no task `serve`"), "{}", said.stderr);
    assert!(said.stderr.contains("job, nightly, deploy"), "{}", said.stderr);
    assert_eq!(said.status, 2);
    let said = desk.daphnia(&["validate", "f.yaml", "--task", "nightly"]);
    assert!(said.stderr.contains("1 manifest valid"), "{}", said.stderr);
}

#[test]
fn two_tasks_of_one_action_need_names() {
    let desk = Desk::new().with("f.yaml", function("[{action: job}, {action: job}]"));
    let said = desk.daphnia(&["validate", "f.yaml"]);
    assert!(said.stdout.contains("there are two tasks of the action `job`"), "{}", said.stdout);
}

/// What could not be dispatched is told before a cluster is asked for.
#[test]
fn run_wants_one_job() {
    let desk = Desk::new()
        .with("none.yaml", function("[{action: deploy}]"))
        .with("several.yaml", function("[{action: job, name: a}, {action: job, name: b}]"));
    let said = desk.daphnia(&["run", "none.yaml"]);
    assert!(said.stderr.contains("`run` dispatches a task `job`, and there is none"), "{}", said.stderr);
    assert!(said.stderr.contains("there is deploy"), "{}", said.stderr);
    let said = desk.daphnia(&["run", "several.yaml"]);
    assert!(said.stderr.contains("several are called `job`"), "{}", said.stderr);
    assert!(said.stderr.contains("pick one with `--task`: a, b"), "{}", said.stderr);
    assert_eq!(said.status, 2);
}

/// A selector can never change, so it has nothing that a manifest or a profile may change.
#[test]
fn selectors_are_minimal() {
    let plain = rendered(&function("[{action: serve, servicePorts: [80]}]"));
    let text = function("[{action: serve, servicePorts: [80], profile: ''}]")
        .replace("{name: etl}", "{name: etl, labels: {team: a, app.kubernetes.io/version: v2}}")
        .replace("  image", "  project: churn\n  labels: [x]\n  image");
    let labelled = rendered(&text);
    let selector = json!({"app.kubernetes.io/name": "etl", "daphnia.dev/workload": "serve"});
    for objects in [&plain, &labelled] {
        assert_eq!(only(objects, "Deployment")["spec"]["selector"]["matchLabels"], selector);
        assert_eq!(only(objects, "Service")["spec"]["selector"], selector);
    }
    assert_eq!(only(&labelled, "Deployment")["spec"]["template"]["metadata"]["labels"]["team"], "a");
}

/// Two tasks that run the same image at the same time never take each other's pods.
#[test]
fn tasks_have_selectors_of_their_own() {
    let objects = rendered(&function("[{action: deploy}, {action: deploy, name: deploy}]"));
    let selectors: Vec<_> = objects
        .iter()
        .map(|o| o["spec"]["selector"]["matchLabels"]["daphnia.dev/workload"].clone())
        .collect();
    assert_eq!(selectors, ["deploy", "deploy.deploy"]);
}

#[test]
fn set_reaches_a_task_by_its_action() {
    let desk = Desk::new().with("f.yaml", function(ALL));
    let objects = desk.rendered(&["f.yaml", "--set", "spec.tasks.deploy.replicas=4"]);
    let deploy = objects.iter().find(|o| o["metadata"]["name"] == "etl-deploy").unwrap();
    assert_eq!(deploy["spec"]["replicas"], 4);
}

/// A line is a Dockerfile's own, or what a shell runs; one that goes on in the next stays with it.
#[test]
fn instructions_are_the_lines_of_a_dockerfile() {
    let lines =
        json!(["# tools", "apt-get update \\", "  && apt-get install -y git", "ENV A=b", "env A=b make"]);
    let build = json!([{"action": "build", "image": "r.example.com/a:v1", "instructions": lines}]);
    let objects = rendered(&function(&build.to_string()));
    let expected = "FROM python:3.12\n# tools\nRUN apt-get update \\\n  && apt-get install -y git\nENV A=b\nRUN env A=b make\n";
    assert_eq!(only(&objects, "ConfigMap")["data"]["Dockerfile"], expected);
    // Lower case is as good; of a text of several lines each is a command, unless it begins with an instruction.
    let lines = json!(["from alpine", "run a", "b\n\nc \\\n  d\nCOPY e f\n", "RUN <<EOF\ng\nEOF"]);
    let build = json!([{"action": "build", "image": "r.example.com/a:v1", "instructions": lines}]);
    let objects = rendered(&function(&build.to_string()));
    let expected = "from alpine\nrun a\nRUN b\nRUN c \\\n  d\nCOPY e f\nRUN <<EOF\ng\nEOF\n";
    assert_eq!(only(&objects, "ConfigMap")["data"]["Dockerfile"], expected);
    let blank = function("[{action: build, image: 'r.example.com/a:v1', instructions: [' ']}]");
    let said = Desk::new().with("f.yaml", blank).daphnia(&["validate", "f.yaml"]);
    assert!(said.stdout.contains("an instruction is not empty"), "{}", said.stdout);
}
