//! A saved plan is applied as the reviewer saw it, or not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::daphnia::{Desk, config_map, job};
use super::harness::success;

fn save(desk: &Desk, status: i32) -> super::daphnia::Said {
    desk.daphnia(&["diff", "all.yaml", "--save", "plan.json"]).exits(status)
}

fn value(desk: &Desk, name: &str) -> serde_json::Value {
    desk.object("configmaps", name).map_or(serde_json::Value::Null, |object| object["data"]["key"].clone())
}

#[test]
fn what_was_saved_is_applied_whatever_the_manifests_say_now() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write(
        "all.yaml",
        &[config_map("settings", "reviewed"), job("greeting", "echo hello")].join("---\n"),
    );
    save(&desk, 1).tells("the plan is saved: `daphnia apply plan.json` does this, or nothing");
    desk.write("all.yaml", &config_map("settings", "changed later"));
    desk.daphnia(&["apply", "plan.json"])
        .exits(0)
        .prints(&[&format!("created    ConfigMap {}/settings", desk.namespace.name())]);
    assert_eq!(value(&desk, "settings"), "reviewed");
    assert_eq!(desk.history().len(), 1, "its Job has run, and has a record");
    desk.daphnia(&["apply", "plan.json"]).exits(3).tells("was created since the plan was made");
}

#[test]
fn if_an_object_has_moved_it_is_named_and_nothing_is_changed() {
    let Some(desk) = Desk::new() else { return };
    let name = desk.namespace.name();
    let maps = |value: &str| ["a", "b", "c"].map(|map| config_map(map, value)).join("---\n");
    desk.write("all.yaml", &maps("one"));
    desk.daphnia(&["apply", "all.yaml"]).exits(0);
    desk.write("all.yaml", &[maps("two"), config_map("d", "two")].join("---\n"));
    save(&desk, 1);
    let patch = r#"{"data": {"other": "moved"}}"#;
    success(desk.namespace.kubectl(&["patch", "configmap", "a", "--type=merge", "-p", patch]));
    success(desk.namespace.kubectl(&["delete", "configmap", "b"]));
    success(desk.namespace.kubectl(&["create", "configmap", "d", "--from-literal=key=theirs"]));
    desk.mark();
    let said = desk
        .daphnia(&["apply", "plan.json"])
        .exits(3)
        .tells("--> plan.json:")
        .tells(&format!("`ConfigMap {name}/a` has changed since the plan was made"))
        .tells(&format!("`ConfigMap {name}/b` was deleted since the plan was made"))
        .tells(&format!("`ConfigMap {name}/d` was created since the plan was made"))
        .tells("make it anew with `daphnia diff --save`")
        .tells("nothing was changed");
    said.does_not_tell(&format!("`ConfigMap {name}/c`"));
    assert_eq!(desk.writes(), []);
    assert_eq!(value(&desk, "a"), "one");
}

#[test]
fn a_plan_with_secrets_is_for_its_owner_alone_and_says_so() {
    let Some(desk) = Desk::new() else { return };
    let secret = config_map("token", "first-secret-value")
        .replace("kind: ConfigMap", "kind: Secret")
        .replace("\ndata:", "\nstringData:");
    desk.write("all.yaml", &secret);
    save(&desk, 1)
        .keeps_quiet_about("first-secret-value")
        .tells("plan.json holds the values of 1 Secret in the clear: only you can read it");
    let mode = fs::metadata(desk.folder().join("plan.json")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    desk.daphnia(&["apply", "plan.json"]).exits(0).keeps_quiet_about("first-secret-value");
    let kept = desk.object("secrets", "token").expect("it is there")["data"]["key"].clone();
    assert_eq!(kept, "Zmlyc3Qtc2VjcmV0LXZhbHVl");
}

#[test]
fn a_plan_is_for_the_cluster_that_was_looked_at() {
    let Some(mut desk) = Desk::new() else { return };
    desk.write("all.yaml", &config_map("settings", "one"));
    save(&desk, 1);
    let config = fs::read_to_string(desk.cluster.kubeconfig()).expect("the kubeconfig can be read");
    let server =
        config.lines().find_map(|line| line.trim().strip_prefix("server: ")).expect("it has a server");
    desk.write("other.yaml", &config.replace(server, "https://127.0.0.1:1"));
    desk.use_kubeconfig(Some("other.yaml"));
    desk.daphnia(&["apply", "plan.json"])
        .exits(2)
        .tells("--> plan.json:1:1")
        .tells("and this is `127.0.0.1:1`")
        .tells("--context");
}

#[test]
fn what_is_no_plan_or_was_tampered_with_is_told() {
    let Some(desk) = Desk::new() else { return };
    desk.write("all.yaml", &config_map("settings", "one"));
    save(&desk, 1);
    let path = desk.folder().join("plan.json");
    let plan = fs::read_to_string(&path).expect("the plan can be read");
    let tamper = |from: &str, to: &str| {
        assert!(plan.contains(from), "{plan}");
        fs::write(&path, plan.replacen(from, to, 1)).expect("the plan can be written");
        desk.daphnia(&["apply", "plan.json"])
    };
    tamper("\"key\": \"one\"", "\"key\": \"two\"").exits(3).tells("has changed since the plan was made");
    tamper("\"fingerprint\"", "\"fingerprints\"")
        .exits(2)
        .tells("`fingerprint` is missing")
        .tells("plan.json:");
    tamper("daphnia.dev/v1", "daphnia.dev/v9").exits(2).tells("it is of the format `daphnia.dev/v9`");
    tamper("\"name\": \"settings\",\n      \"live\"", "\"name\": \"x\",\n      \"live\"")
        .exits(2)
        .tells("`object` is another one than its entry says");
    let half = &plan[..plan.len() / 2];
    fs::write(&path, half).expect("the plan can be written");
    desk.daphnia(&["apply", "plan.json"]).exits(2).tells("plan.json:");
    assert_eq!(value(&desk, "settings"), serde_json::Value::Null, "nothing of it was applied");
    fs::write(&path, &plan).expect("the plan can be written");
    desk.daphnia(&["apply", "plan.json", "--set", "data.key=x"])
        .exits(2)
        .tells("a saved plan is applied as it is");
    desk.daphnia(&["apply", "plan.json"]).exits(0);
}

#[test]
fn a_plan_remembers_its_set_and_what_is_to_be_pruned() {
    let Some(desk) = Desk::new() else { return };
    let maps = |names: &[&str]| names.iter().map(|n| config_map(n, "one")).collect::<Vec<_>>().join("---\n");
    let set = ["--set-name", "shop", "--prune", "-n", "NAMESPACE"];
    desk.write("all.yaml", &maps(&["a", "b", "c"]));
    desk.daphnia(&[&["apply", "all.yaml"][..], &set].concat()).exits(0);
    desk.write("all.yaml", &maps(&["a"]));
    let plan = || desk.daphnia(&[&["diff", "all.yaml", "--save", "plan.json"][..], &set].concat()).exits(1);
    plan();
    success(desk.namespace.kubectl(&["annotate", "configmap", "c", "example.com/keep=me"]));
    desk.daphnia(&["apply", "plan.json"]).exits(3).tells("/c` has changed since the plan was made");
    assert!(desk.object("configmaps", "b").is_some(), "nothing is pruned");
    plan();
    desk.daphnia(&["apply", "plan.json"]).exits(0).prints_a_line_with("pruned");
    let left = [desk.object("configmaps", "b"), desk.object("configmaps", "c")];
    assert_eq!(left, [None, None]);
}
