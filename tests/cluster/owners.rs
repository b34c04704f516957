//! Who owns a field: what `kubectl apply` has set becomes ours, what anybody else has set is a conflict that names
//! them.

use serde_json::Value;

use super::daphnia::{DEPLOYMENT, Desk, config_map};
use super::harness::{eventually, success};

fn managers(object: &Value) -> Vec<(String, String)> {
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    entries.iter().map(|entry| (text(entry, "manager"), text(entry, "operation"))).collect()
}

fn with_fields_shown(desk: &Desk, kind: &str, name: &str) -> Value {
    desk.namespace.kubectl_json(&["get", kind, name, "--show-managed-fields"])
}

#[test]
fn what_kubectl_apply_has_set_becomes_ours_and_leaves_with_the_manifest() {
    let Some(desk) = Desk::new() else { return };
    for (name, manager) in [("new", "kubectl-client-side-apply"), ("old", "kubectl")] {
        let text = config_map(name, "one");
        let theirs = format!("{text}  dropped: gone\n").replace("NAMESPACE", desk.namespace.name());
        let args = ["apply", "--field-manager", manager, "-f", "-"];
        success(desk.cluster.kubectl_with(&args, &theirs));
        let patch = r#"{"data": {"foreign": "kept"}}"#;
        success(desk.namespace.kubectl(&["patch", "configmap", name, "--type=merge", "-p", patch]));
        let file = format!("{name}.yaml");
        desk.write(&file, &config_map(name, "two"));

        desk.daphnia(&["diff", &file])
            .exits(1)
            .prints(&["-  dropped: gone", "-  key: one", "+  key: two"])
            .does_not_tell("--force-conflicts")
            .does_not_tell("foreign");
        desk.daphnia(&["apply", &file])
            .exits(0)
            .prints(&[&format!("configured ConfigMap {}/{name}", desk.namespace.name())])
            .tells(&format!("/{name}: takes over what `kubectl apply` has set"));
        let object = with_fields_shown(&desk, "configmap", name);
        assert_eq!(object["data"], serde_json::json!({"key": "two", "foreign": "kept"}));
        assert_eq!(object["metadata"]["annotations"], Value::Null, "its copy of the old manifest is gone");
        let own = [("daphnia", "Apply"), ("kubectl-patch", "Update")];
        let mut found = managers(&object);
        found.sort();
        assert_eq!(found, own.map(|(manager, how)| (manager.to_owned(), how.to_owned())));
        desk.daphnia(&["diff", &file]).exits(0);
        desk.daphnia(&["apply", &file]).exits(0).does_not_tell("kubectl apply");
    }
}

#[test]
fn a_default_comes_back_where_kubectl_apply_had_set_a_value_and_diff_knows() {
    let Some(desk) = Desk::new() else { return };
    let theirs = DEPLOYMENT.replace("replicas: 1", "replicas: 1\n  revisionHistoryLimit: 3");
    desk.namespace.apply(&theirs.replace("NAMESPACE", desk.namespace.name()));
    desk.write("web.yaml", DEPLOYMENT);
    desk.daphnia(&["diff", "web.yaml"])
        .exits(1)
        .prints(&["-  revisionHistoryLimit: 3", "+  revisionHistoryLimit: 10"]);
    desk.daphnia(&["apply", "web.yaml", "--no-wait"]).exits(0);
    assert_eq!(desk.object("deployments", "web").expect("it is there")["spec"]["revisionHistoryLimit"], 10);
    desk.daphnia(&["diff", "web.yaml"]).exits(0);
}

#[test]
fn what_kubectl_edit_has_set_is_a_conflict_that_names_it_and_its_line() {
    let Some(desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "ours"));
    desk.daphnia(&["apply", "settings.yaml"]).exits(0);
    let mut edit = desk.cluster.command(&["-n", desk.namespace.name(), "edit", "configmap", "settings"]);
    success(edit.env("KUBE_EDITOR", "sed -i 's/key: ours/key: edited/'").output().expect("kubectl runs"));
    desk.daphnia(&["diff", "settings.yaml"])
        .exits(1)
        .prints(&["@@ -4,4 +4,4 @@ settings.yaml:7:8 (was kubectl-edit's)", "-  key: edited", "+  key: ours"])
        .tells(
            "`data.key` belongs to `kubectl-edit`, so an apply needs `--force-conflicts` (settings.yaml:7:8)",
        );
    desk.mark();
    desk.daphnia(&["apply", "settings.yaml"])
        .exits(3)
        .tells("--> settings.yaml:7:8")
        .tells("`data.key` of `ConfigMap")
        .tells("belongs to `kubectl-edit`")
        .tells("--force-conflicts");
    assert_eq!(desk.writes(), []);
    desk.daphnia(&["apply", "settings.yaml", "--force-conflicts"])
        .exits(0)
        .tells("settings: takes `data.key` over from `kubectl-edit`");
    assert_eq!(desk.object("configmaps", "settings").expect("it is there")["data"]["key"], "ours");
}

#[test]
fn the_replicas_of_an_autoscaler_are_a_conflict_until_the_manifest_leaves_them_to_it() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("web.yaml", DEPLOYMENT);
    desk.daphnia(&["apply", "web.yaml"]).exits(0);
    let name = desk.namespace.name();
    desk.namespace.apply(&format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: web, namespace: {name}}}\nspec:\n  \
         scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}\n  minReplicas: 2\n  maxReplicas: 3\n",
    ));
    let replicas = || desk.object("deployments", "web").expect("it is there")["spec"]["replicas"].clone();
    eventually("the autoscaler has scaled", || (replicas() == 2).then_some(()));
    desk.daphnia(&["diff", "web.yaml"])
        .exits(1)
        .prints_a_line_with("@@ web.yaml:5:13 (was kube-controller-manager's)")
        .prints(&["-  replicas: 2", "+  replicas: 1"])
        .tells("`spec.replicas` belongs to `kube-controller-manager`");
    desk.daphnia(&["apply", "web.yaml"])
        .exits(3)
        .tells("--> web.yaml:5:13")
        .tells("`spec.replicas` of `Deployment")
        .tells("belongs to `kube-controller-manager`")
        .tells("leave the field out of the manifest");
    desk.write("web.yaml", &DEPLOYMENT.replace("  replicas: 1\n", ""));
    desk.daphnia(&["apply", "web.yaml"]).exits(0);
    assert_eq!(replicas(), 2, "it is the autoscaler's");
    desk.daphnia(&["diff", "web.yaml"]).exits(0);
}
