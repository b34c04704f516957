//! What the built-in profiles do to every example, and what two of them compute.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::desk::{desk, every, rendered};
use crate::folder::Folder;

/// The built-in profiles.
fn names() -> Vec<String> {
    let list = Folder::new().run(&["profiles", "-o", "json"]).stdout;
    let list: Vec<Value> = serde_json::from_str(&list).unwrap();
    list.iter().map(|profile| profile["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_they_do_to_every_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut examples: Vec<PathBuf> =
        fs::read_dir(root.join("examples")).unwrap().map(|entry| entry.unwrap().path()).collect();
    examples.sort();
    assert!(names().len() >= 6 && examples.len() >= 7);
    for name in names() {
        let mut whole = String::new();
        for example in &examples {
            let folder = Folder::new().with("a.yaml", &fs::read_to_string(example).unwrap());
            let run = folder.run(&["profiles", &name, "a.yaml"]);
            assert_eq!(run.status, 0, "{name}: {}", run.stderr);
            let stem = example.file_stem().unwrap().to_str().unwrap();
            whole.push_str(&format!("=== {stem}\n{}", run.stdout));
        }
        insta::with_settings!({
            snapshot_path => "../snapshots/profiles", prepend_module_to_snapshot => false, omit_expression => true,
        }, {
            insta::assert_snapshot!(name.as_str(), whole);
        });
    }
}

fn function(resources: &str) -> String {
    format!(
        "apiVersion: daphnia.dev/v1\nkind: ContainerFunction\nmetadata: {{name: f}}\nspec:\n  image: busybox:1\n  project: etl\n  tasks: [{{action: job, profile: digitalhub{resources}}}]\n"
    )
}

/// Numbers of DigitalHub's own engine: a limit of memory is a tenth more than its request, in floats of 32 bits.
#[test]
fn digitalhub_counts_as_its_engine_does() {
    let amounts = |resources: &str| {
        let job = rendered(&desk(&function(resources), &[]), &[]);
        job["spec"]["template"]["spec"]["containers"][0]["resources"].clone()
    };
    let amounts_of = |cpu: Value, memory: Value, limit: Value| {
        json!({
            "requests": {"cpu": cpu, "memory": memory, "ephemeral-storage": "2Gi"},
            "limits": {"cpu": cpu, "memory": limit},
        })
    };
    assert_eq!(amounts(""), amounts_of(json!("100m"), json!("256Mi"), json!(295_279_008)));
    for asked in ["{requests: {memory: 1Gi, cpu: 2}}", "{mem: {requests: 1Gi}, cpu: {requests: 2}}"] {
        let amounts = amounts(&format!(", resources: {asked}"));
        assert_eq!(amounts, amounts_of(json!(2), json!("1Gi"), json!(1_181_116_032)), "{asked}");
    }
    // What is written, is kept.
    let flat = amounts(", resources: {mem: 512Mi, cpu: 1, gpu: 1}");
    assert_eq!(flat["limits"], json!({"cpu": 1, "memory": "512Mi", "nvidia.com/gpu": 1}));
    let limited = amounts(", resources: {limits: {memory: 512Mi}}");
    assert_eq!(
        (&limited["limits"]["memory"], &limited["requests"]["memory"]),
        (&json!("512Mi"), &json!("512Mi"))
    );
}

#[test]
fn digitalhub_labels_and_bounds_what_a_function_becomes() {
    let job = rendered(&desk(&function(""), &[]), &[]);
    for labels in [&job["metadata"]["labels"], &job["spec"]["template"]["metadata"]["labels"]] {
        assert_eq!(labels["dhcore/project"], "etl");
        assert_eq!(labels["app.kubernetes.io/component"], "dhcore-etl");
        assert_eq!(
            (&labels["dhcore/framework"], &labels["dhcore/function"]),
            (&json!("k8sjob"), &json!("f"))
        );
    }
    assert_eq!(
        (&job["spec"]["backoffLimit"], &job["spec"]["activeDeadlineSeconds"]),
        (&json!(0), &json!(259_200))
    );
    let env = job["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
    let names: Vec<_> = env.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["DHCORE_NAMESPACE", "PROJECT_NAME", "RUN_ID"]);
}

#[test]
fn planton_labels_as_its_engine_does() {
    let manifest = "\
apiVersion: kubernetes.planton.dev/v1
kind: KubernetesStatefulSet
metadata: {name: db, id: k8sstf-1, org: acme, env: prod}
spec:
  namespace: b
  profile: planton
  container: {app: {image: {repo: busybox, tag: '1'}, ports: [{name: p, containerPort: 1}]}}
";
    let objects = every(&desk(manifest, &[]), &[]);
    let set = objects.iter().find(|object| object["kind"] == "StatefulSet").unwrap();
    let labels = set["metadata"]["labels"].as_object().unwrap().iter();
    let own: Vec<_> =
        labels.filter(|(key, _)| !key.starts_with("app.k") && !key.starts_with("daphnia")).collect();
    let expected = json!({
        "planton.ai/resource": "true",
        "planton.ai/name": "db",
        "planton.ai/kind": "KubernetesStatefulSet",
        "planton.ai/id": "k8sstf-1",
        "planton.ai/organization": "acme",
        "planton.ai/environment": "prod",
        "app": "db",
    });
    assert_eq!(own, expected.as_object().unwrap().iter().collect::<Vec<_>>());
    let pod = &set["spec"]["template"]["spec"];
    assert_eq!(pod["terminationGracePeriodSeconds"], 60);
    let names: Vec<_> = pod["containers"][0]["env"].as_array().unwrap().iter().map(|v| &v["name"]).collect();
    assert_eq!(names, ["HOSTNAME", "K8S_POD_ID", "K8S_POD_NAMESPACE"]);
}
