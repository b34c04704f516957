//! Patches merge as Kubernetes' strategic merge does.

use serde_json::{Value, json};

use super::desk::{DEPLOYMENT, JOB, OBJECT, desk, every, patched, refused};

fn pod(profile: &str) -> Value {
    patched(OBJECT, profile)["spec"]["template"]["spec"].clone()
}

#[test]
fn lists_merge_by_their_keys() {
    let pod = pod("\
patches:
- pod:
    containers:
    - {name: main, env: [{name: B, value: b}], ports: [{containerPort: 80}], volumeMounts: [{mountPath: /tmp, name: tmp}]}
    - {name: agent, image: agent:1}
    initContainers: [{name: wait, image: wait:1}]
    volumes: [{name: tmp, emptyDir: {}}]
- container: {imagePullPolicy: Always}
");
    let main = &pod["containers"][0];
    assert_eq!(main["env"], json!([{"name": "A", "value": "a"}, {"name": "B", "value": "b"}]));
    assert_eq!(main["image"], "busybox:1");
    assert_eq!(main["ports"], json!([{"containerPort": 80}]));
    assert_eq!(main["volumeMounts"].as_array().unwrap().len(), 2);
    assert_eq!(pod["volumes"], json!([{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]));
    let containers = [&pod["containers"][0], &pod["containers"][1], &pod["initContainers"][0]];
    assert_eq!(containers.map(|container| container["imagePullPolicy"].as_str().unwrap()), ["Always"; 3]);
}

#[test]
fn tolerations_and_pull_secrets_unite_without_duplicates() {
    let pod = pod("\
patches:
- pod: {tolerations: [{operator: Exists, key: x}, {key: z}], imagePullSecrets: [{name: r}]}
- pod: {tolerations: [{key: z}], imagePullSecrets: [{name: r}, {name: s}]}
");
    assert_eq!(pod["tolerations"], json!([{"key": "x", "operator": "Exists"}, {"key": "z"}]));
    assert_eq!(pod["imagePullSecrets"], json!([{"name": "r"}, {"name": "s"}]));
}

#[test]
fn maps_merge_and_what_is_left_out_stays() {
    let job = patched(
        &OBJECT.replace("{name: a, namespace: b}", "{name: a, namespace: b, labels: {a: '1'}}"),
        "patches:\n- kinds: ['*']\n  patch: {metadata: {labels: {b: '2'}}}\n- pod: {metadata: {labels: {c: '3'}}}\n",
    );
    assert_eq!(job["metadata"]["labels"], json!({"a": "1", "b": "2"}));
    assert_eq!(job["spec"]["template"]["metadata"]["labels"], json!({"c": "3"}));
    assert_eq!(job["spec"]["backoffLimit"], 2);
}

#[test]
fn the_pod_of_every_workload_is_patched() {
    let spec = "template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: d}]}}";
    let selector = "selector: {matchLabels: {a: b}}, ";
    let cases = [
        ("v1", "Pod", "spec: {containers: [{name: c, image: d}]}".to_owned(), "/spec"),
        (
            "batch/v1",
            "Job",
            format!("spec: {{{}}}", spec.replace("containers", "restartPolicy: Never, containers")),
            "/spec/template/spec",
        ),
        (
            "batch/v1",
            "CronJob",
            format!(
                "spec: {{schedule: '@daily', jobTemplate: {{spec: {{{}}}}}}}",
                spec.replace("containers", "restartPolicy: Never, containers")
            ),
            "/spec/jobTemplate/spec/template/spec",
        ),
        ("apps/v1", "Deployment", format!("spec: {{{selector}{spec}}}"), "/spec/template/spec"),
        (
            "apps/v1",
            "StatefulSet",
            format!("spec: {{serviceName: a, {selector}{spec}}}"),
            "/spec/template/spec",
        ),
        ("apps/v1", "DaemonSet", format!("spec: {{{selector}{spec}}}"), "/spec/template/spec"),
        ("apps/v1", "ReplicaSet", format!("spec: {{{selector}{spec}}}"), "/spec/template/spec"),
        ("v1", "ReplicationController", format!("spec: {{{spec}}}"), "/spec/template/spec"),
        ("v1", "PodTemplate", spec.to_owned(), "/template/spec"),
    ];
    for (version, kind, rest, pointer) in cases {
        let object = format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n{rest}\n");
        let patched = patched(&object, "patches:\n- pod: {priorityClassName: high}\n");
        assert_eq!(patched.pointer(pointer).unwrap()["priorityClassName"], "high", "{kind}");
    }
}

#[test]
fn a_patch_is_for_the_kinds_that_it_names() {
    let profile = "patches:\n- kinds: [Deployment]\n  pod: {priorityClassName: high}\n- kinds: [Job]\n  pod: {nodeName: one}\n";
    let pod = pod(profile);
    assert_eq!((&pod["priorityClassName"], &pod["nodeName"]), (&Value::Null, &json!("one")));
}

/// What a template makes of its own is the profile's to change; `$patch` says how.
#[test]
fn directives_delete_and_replace() {
    let manifest = format!("{JOB}  volumeMounts: [{{name: t, mountPath: /t, emptyDir: {{}}}}]\n");
    let pod = patched(
        &manifest,
        "patches:\n- pod:\n    containers: [{name: job-container, resources: {$patch: replace, limits: {cpu: 1}}}]\n    restartPolicy: OnFailure\n",
    );
    let pod = &pod["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["resources"], json!({"limits": {"cpu": 1}}));
    assert_eq!(pod["restartPolicy"], "OnFailure");
    let told = refused(&manifest, "patches:\n- pod:\n    volumes: [{name: t, $patch: delete}]\n");
    assert!(told.contains("error[locked]") && told.contains("a.yaml:7:"), "{told}");
}

/// A variable has one source, and a volume, too.
#[test]
fn sources_that_exclude_each_other_are_told() {
    let told = refused(
        OBJECT,
        "patches:\n- container: {env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]}\n",
    );
    assert!(told.contains("error[locked]: `spec.template.spec.containers[0].env[0].value"), "{told}");
    let told = refused(OBJECT, "patches:\n- pod: {volumes: [{name: data, configMap: {name: c}}]}\n");
    assert!(told.contains("error[locked]: `spec.template.spec.volumes[0].emptyDir` is decided"), "{told}");
}

#[test]
fn a_profile_never_reaches_a_selector() {
    let all = "patches:\n- kinds: ['*']\n  patch: {metadata: {labels: {team: x}}}\n- pod: {metadata: {labels: {team: x}}}\n";
    let plain = every(&desk(DEPLOYMENT, &[]), &[]);
    let labelled = every(&desk(DEPLOYMENT, &[("p", all)]), &["--profile", "p"]);
    assert!(plain.len() == labelled.len() && labelled.iter().all(|o| o["metadata"]["labels"]["team"] == "x"));
    let deployment =
        |objects: &[Value]| objects.iter().find(|o| o["kind"] == "Deployment").unwrap()["spec"].clone();
    assert_eq!(deployment(&labelled)["template"]["metadata"]["labels"]["team"], "x");
    assert_eq!(deployment(&labelled)["selector"], deployment(&plain)["selector"]);
}
