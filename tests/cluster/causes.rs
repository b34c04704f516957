//! Of each field that changes a diff says who wants it so, whose it was, and where it was written.

use serde_json::{Value, json};

use super::daphnia::{DEPLOYMENT, Desk};
use super::harness::success;

/// What `diff -o json` printed, as its schema says.
#[track_caller]
fn changes(desk: &Desk, arguments: &[&str]) -> Value {
    let said = desk.daphnia(&[&["diff", "-o", "json"], arguments].concat()).exits(1);
    let changes: Value = serde_json::from_str(&said.stdout).expect("it is JSON");
    let schema = serde_json::from_str(include_str!("../../docs/changes.schema.json")).expect("so is this");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let errors: Vec<String> = validator.iter_errors(&changes).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{}\n{changes:#}", errors.join("\n"));
    changes
}

/// Cause, former owner and origin of a field of the only object of a kind.
#[track_caller]
fn why(changes: &Value, kind: &str, path: &str) -> [Value; 3] {
    let objects = changes["changes"].as_array().expect("there are changes");
    let object = objects.iter().find(|object| object["kind"] == kind).expect("it is among them");
    let fields = object["fields"].as_array().expect("it has fields");
    let field = fields.iter().find(|field| field["path"] == path);
    let field = field.unwrap_or_else(|| panic!("no {path} in {object:#}"));
    ["cause", "owner", "origin"].map(|member| field[member].clone())
}

fn by(cause: &str, origin: &str) -> [Value; 3] {
    let origin = if origin.is_empty() { Value::Null } else { json!(origin) };
    [json!(cause), Value::Null, origin]
}

#[test]
fn a_new_object_tells_what_you_wrote_from_what_was_made_of_it_and_what_the_server_adds() {
    let Some(desk) = Desk::new() else { return };
    desk.write_example("job.yaml", &[]);
    let arguments = ["job.yaml", "--set", "spec.backoffLimit=1"];
    let all = changes(&desk, &[&arguments[..], &["--all"]].concat());
    let of = |path: &str| why(&all, "Job", path);
    assert_eq!(of("spec.completions"), by("you", "job.yaml:48:16"));
    assert_eq!(of("spec.backoffLimit"), by("you", "--set spec.backoffLimit"));
    assert_eq!(of("spec.template.spec.containers[0].name")[0], "template");
    assert_eq!(of("spec.template.spec.dnsPolicy"), by("server default", ""));
    let yours = changes(&desk, &arguments);
    let causes = |changes: &Value| {
        let objects = changes["changes"].as_array().cloned().unwrap_or_default();
        let fields =
            objects.iter().flat_map(|object| object["fields"].as_array().cloned().unwrap_or_default());
        fields
            .map(|field| field["cause"].as_str().unwrap_or_default().to_owned())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert!(causes(&all).contains("server default"));
    assert!(!causes(&yours).contains("server default"), "only with --all");
}

#[test]
fn a_changed_field_tells_whose_it_was_and_one_that_goes_where_it_was_left_out() {
    let Some(desk) = Desk::new() else { return };
    let web = DEPLOYMENT.replace("replicas: 1", "replicas: 0\n  minReadySeconds: 5\n  paused: true");
    desk.write("web.yaml", &web);
    desk.daphnia(&["apply", "web.yaml", "--no-wait"]).exits(0);
    let patch = r#"{"spec": {"minReadySeconds": 7, "progressDeadlineSeconds": 99}}"#;
    let args = ["patch", "deployment", "web", "--type=merge", "-p", patch, "--field-manager=somebody"];
    success(desk.namespace.kubectl(&args));
    desk.write("web.yaml", &web.replace("\n  paused: true", "").replace("busybox:1.36", "busybox:1.37"));
    let changes = changes(&desk, &["web.yaml", "--all"]);
    let of = |path: &str| why(&changes, "Deployment", path);
    assert_eq!(of("spec.minReadySeconds"), [json!("you"), json!("somebody"), json!("web.yaml:6:20")]);
    assert_eq!(of("spec.template.spec.containers[0].image"), by("you", "web.yaml:11:39"));
    assert_eq!(of("spec.paused"), by("you", "web.yaml:5:3"));
    assert!(!changes.to_string().contains("progressDeadlineSeconds"), "what others have set stays");
    let conflicts = &changes["changes"][0]["conflicts"];
    assert_eq!(conflicts.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&conflicts[0]["path"], &conflicts[0]["manager"]),
        (&json!("spec.minReadySeconds"), &json!("somebody"))
    );
}

/// The server's own admission plugins put a token into each pod, and tolerations.
const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: lone, namespace: NAMESPACE}
spec:
  containers: [{name: main, image: 'busybox:1.36'}]
";

#[test]
fn what_admission_adds_is_told_from_defaults() {
    let Some(desk) = Desk::new() else { return };
    desk.write("pod.yaml", POD);
    let changes = changes(&desk, &["pod.yaml", "--all"]);
    assert_eq!(why(&changes, "Pod", "spec.containers[0].imagePullPolicy")[0], "server default");
    for added in ["spec.containers[0].volumeMounts[0].mountPath", "spec.volumes[0].name", "spec.tolerations"]
    {
        assert_eq!(why(&changes, "Pod", added)[0], "admission", "{added}");
    }
    assert_eq!(why(&changes, "Pod", "spec.containers[0].image"), by("you", "pod.yaml:5:36"));
}
