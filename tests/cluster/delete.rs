//! `daphnia delete` takes what manifests have made out of the cluster, and nothing else.

use super::daphnia::{Desk, config_map, job};
use super::harness::success;

#[test]
fn what_the_manifests_made_goes_in_reverse_order_and_nothing_else() {
    let Some(desk) = Desk::with_node() else { return };
    desk.namespace.apply(&config_map("foreign", "one").replace("NAMESPACE", desk.namespace.name()));
    desk.write("all.yaml", &[config_map("settings", "one"), job("slow", "sleep 60")].join("---\n"));
    desk.daphnia(&["apply", "all.yaml", "--no-wait"]).exits(0);
    let name = desk.namespace.name();
    desk.daphnia(&["delete", "all.yaml"])
        .exits(0)
        .prints(&[&format!("deleted    Job {name}/slow"), &format!("deleted    ConfigMap {name}/settings")]);
    let gone = [desk.object("jobs", "slow"), desk.object("configmaps", "settings")];
    assert_eq!(gone, [None, None]);
    assert!(desk.objects("pods").is_empty(), "its pods went before it");
    assert!(desk.object("configmaps", "foreign").is_some());
    assert_eq!(desk.history().len(), 1, "the record of the run stays");
}

#[test]
fn what_is_not_there_is_no_error() {
    let Some(desk) = Desk::new() else { return };
    let custom =
        "apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: {name: x, namespace: NAMESPACE}\n";
    desk.write("all.yaml", &[config_map("settings", "one"), custom.to_owned()].join("---\n"));
    desk.mark();
    desk.daphnia(&["delete", "all.yaml"]).exits(0).tells("there is nothing to delete");
    assert_eq!(desk.writes(), []);
    desk.daphnia(&["delete", "--set-name", "shop", "-n", "NAMESPACE"])
        .exits(0)
        .tells("there is no set `shop`");
    desk.daphnia(&["delete"]).exits(2).tells("<FILE>");
}

#[test]
fn a_namespace_stays_unless_it_is_asked_for() {
    let Some(desk) = Desk::new() else { return };
    let new = format!("{}-new", desk.namespace.name());
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {new}}}\n");
    let map = config_map("settings", "one").replace("NAMESPACE", &new);
    desk.write("all.yaml", &[namespace, map].join("---\n"));
    desk.daphnia(&["apply", "all.yaml"]).exits(0);
    let said = desk.daphnia(&["delete", "all.yaml"]).exits(0);
    let said =
        said.tells(&format!("Namespace {new} stays; `--include-namespaces` deletes it with everything"));
    assert_eq!(said.stdout, format!("deleted    ConfigMap {new}/settings\n"));
    success(desk.cluster.kubectl(&["get", "namespace", &new]));
    desk.daphnia(&["delete", "all.yaml", "--include-namespaces"])
        .exits(0)
        .prints(&[&format!("deleted    Namespace {new}")]);
    assert!(!desk.cluster.kubectl(&["get", "namespace", &new]).status.success(), "it is gone, not going");
}

#[test]
fn a_whole_set_goes_by_its_name() {
    let Some(desk) = Desk::new() else { return };
    let name = desk.namespace.name();
    desk.write("all.yaml", &[config_map("a", "one"), config_map("b", "one")].join("---\n"));
    desk.write("other.yaml", &config_map("c", "one"));
    desk.daphnia(&["apply", "all.yaml", "--set-name", "shop", "-n", "NAMESPACE"]).exits(0);
    desk.daphnia(&["apply", "other.yaml"]).exits(0);
    desk.daphnia(&["delete", "--set-name", "shop", "-n", "NAMESPACE"])
        .exits(0)
        .prints_a_line_with(&format!("deleted    ConfigMap {name}/a"))
        .prints_a_line_with(&format!("deleted    ConfigMap {name}/b"));
    assert!(desk.object("configmaps", "c").is_some());
    assert!(desk.object("secrets", "shop").is_none(), "the set itself is gone");
    desk.daphnia(&["delete", "all.yaml", "--set-name", "shop"]).exits(2).tells("cannot be used with");
}

#[test]
fn an_object_that_does_not_go_is_named_with_what_holds_it() {
    let Some(desk) = Desk::new() else { return };
    desk.write("all.yaml", &config_map("held", "one"));
    desk.daphnia(&["apply", "all.yaml"]).exits(0);
    let patch = |finalizers: &str| {
        let patch = format!(r#"{{"metadata": {{"finalizers": {finalizers}}}}}"#);
        success(desk.namespace.kubectl(&["patch", "configmap", "held", "--type=merge", "-p", &patch]));
    };
    patch(r#"["example.com/held"]"#);
    desk.daphnia(&["delete", "all.yaml", "--timeout", "1s"])
        .exits(70)
        .tells("was still there 1 s after it was deleted")
        .tells("these finalizers hold it: example.com/held");
    desk.daphnia(&["delete", "all.yaml", "--no-wait"]).exits(0);
    patch("[]");
}

#[test]
fn who_may_not_delete_is_told_what_is_missing() {
    let Some(mut desk) = Desk::new() else { return };
    desk.write("all.yaml", &config_map("settings", "one"));
    desk.daphnia(&["apply", "all.yaml"]).exits(0);
    desk.namespace.allow("developer", &["get", "list"], &["configmaps"]);
    desk.be("developer");
    desk.daphnia(&["delete", "all.yaml"])
        .exits(4)
        .tells("`developer` may not delete `configmaps`")
        .tells(r#"verbs: ["delete"]"#);
    assert!(desk.object("configmaps", "settings").is_some());
}
