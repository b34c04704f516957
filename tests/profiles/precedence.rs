//! Weakest first: schema default, profile default, manifest, `--set`, profile patch.

use super::desk::{JOB, OBJECT, desk, patched, render, rendered};

const DEFAULT: (&str, &str) = ("p", "defaults: {backoffLimit: 3}\n");

#[test]
fn each_has_its_say_over_those_before_it() {
    let given = format!("{JOB}  backoffLimit: 4\n");
    let limit = |manifest: &str, arguments: &[&str]| {
        rendered(&desk(manifest, &[DEFAULT]), arguments)["spec"]["backoffLimit"].as_i64().unwrap()
    };
    assert_eq!(limit(JOB, &[]), 6, "the schema's default");
    assert_eq!(limit(JOB, &["--profile", "p"]), 3, "the profile's default");
    assert_eq!(limit(&given, &["--profile", "p"]), 4, "the manifest");
    assert_eq!(limit(&given, &["--profile", "p", "--set", "spec.backoffLimit=5"]), 5, "`--set`");
    let patch = "defaults: {backoffLimit: 3}\npatches:\n- kinds: [Job]\n  patch: {spec: {backoffLimit: 7}}\n";
    assert_eq!(patched(JOB, patch)["spec"]["backoffLimit"], 7, "the profile's patch");
}

#[test]
fn what_a_profile_patches_is_locked() {
    let patch = "description: x\npatches:\n- kinds: [Job]\n  patch:\n    spec:\n      backoffLimit: 7\n";
    let profiles = [("p", patch)];
    let given = format!("{JOB}  backoffLimit: 4\n");
    let run = render(&desk(&given, &profiles), &["--profile", "p"]);
    assert_eq!(run.status, 1);
    for part in
        ["error[locked]: `spec.backoffLimit` is decided by the profile `p`", "a.yaml:7:17", "p.yaml:6:1"]
    {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    let run = render(&desk(JOB, &profiles), &["--profile", "p", "--set", "spec.backoffLimit=5"]);
    assert!(
        run.stderr.contains("--set spec.backoffLimit=5") && run.stderr.contains("error[locked]"),
        "{}",
        run.stderr
    );
    // What says the same is no contradiction.
    let same = format!("{JOB}  backoffLimit: 7\n");
    assert_eq!(rendered(&desk(&same, &profiles), &["--profile", "p"])["spec"]["backoffLimit"], 7);
    let validated = desk(&given, &profiles).run(&["validate", "a.yaml", "--profile", "p"]);
    assert!(validated.status == 1 && validated.stdout.contains("error[locked]"), "{}", validated.stdout);
}

#[test]
fn a_plain_object_is_locked_and_patched_too() {
    let patch = "patches:\n- kinds: [Job]\n  patch: {spec: {backoffLimit: 7}}\n";
    let run = render(&desk(OBJECT, &[("p", patch)]), &["--profile", "p"]);
    assert!(run.status == 1 && run.stderr.contains("a.yaml:5:17"), "{}", run.stderr);
    let patch = "patches:\n- pod: {priorityClassName: {{ metadata.name }}}\n";
    assert_eq!(patched(OBJECT, patch)["spec"]["template"]["spec"]["priorityClassName"], "a");
}

#[test]
fn amounts_that_are_equal_are_no_contradiction() {
    let patch = "patches:\n- container: {resources: {limits: {cpu: 1000m}}}\n";
    let object =
        OBJECT.replace("image: busybox:1", "image: busybox:1\n          resources: {limits: {cpu: 1}}");
    let container = &patched(&object, patch)["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["resources"]["limits"]["cpu"], 1);
}

#[test]
fn a_default_fills_in_what_is_left_out_and_nothing_else() {
    let profile = "defaults:\n  labels_are_no_field: null\n  env: {variables: {A: p, B: p}}\n  resources: {limits: {cpu: 2, memory: 2Gi}}\n  tolerations: [{key: p}]\n";
    let manifest = format!(
        "{JOB}  env: {{variables: {{A: mine}}}}\n  resources: {{limits: {{cpu: 3}}}}\n  tolerations: [{{key: mine}}]\n"
    );
    let job = patched(&manifest, profile);
    let pod = &job["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let env = serde_json::json!([{"name": "A", "value": "mine"}, {"name": "B", "value": "p"}]);
    assert_eq!(container["env"], env);
    assert_eq!(container["resources"]["limits"], serde_json::json!({"cpu": 3, "memory": "2Gi"}));
    assert_eq!(pod["tolerations"], serde_json::json!([{"key": "mine"}]));
}

/// The rules of a kind see what a profile fills in as what was written.
#[test]
fn a_default_may_give_what_the_kind_requires() {
    let manifest = JOB.replace("  image: {repo: busybox, tag: '1'}\n", "");
    let job = patched(&manifest, "defaults: {image: {repo: busybox, tag: '2'}}\n");
    assert_eq!(job["spec"]["template"]["spec"]["containers"][0]["image"], "busybox:2");
}

#[test]
fn patches_see_what_defaults_have_filled_in() {
    let profile = "defaults: {backoffLimit: 3}\npatches:\n- pod: {metadata: {annotations: {tries: '{{ spec.backoffLimit }}'}}}\n";
    assert_eq!(patched(JOB, profile)["spec"]["template"]["metadata"]["annotations"]["tries"], "3");
}

/// A team has one profile for all its kinds.
#[test]
fn a_default_for_another_kind_is_passed_over() {
    let namespace = "apiVersion: kubernetes.planton.dev/v1\nkind: KubernetesNamespace\nmetadata: {name: a}\nspec: {name: a}\n";
    assert_eq!(patched(namespace, DEFAULT.1)["kind"], "Namespace");
}

#[test]
fn every_patched_field_knows_the_profile_and_its_line() {
    let profile = "description: x\npatches:\n- pod:\n    nodeSelector: {pool: spot}\n";
    let folder = desk(JOB, &[("p", profile)]);
    let text = folder.run(&["render", "a.yaml", "--profile", "p,spot", "--origins"]).stdout;
    let line = text.lines().find(|line| line.contains("pool: spot")).unwrap();
    assert!(line.ends_with("# profile team/templates/profiles/p.yaml:4"), "{line}");
    assert!(
        text.lines().any(|line| line.contains("podReplacementPolicy") && line.contains("# profile spot:")),
        "{text}"
    );
}
