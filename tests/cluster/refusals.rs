//! What a server refuses is told at the manifest's line, whoever refuses it.

use serde_json::json;

use super::daphnia::{Desk, config_map, job};
use super::harness::{eventually, success};
use super::replace::deny;

fn definition(group: &str) -> String {
    format!(
        "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: gadgets.{group}.example.com}}
spec:
  group: {group}.example.com
  scope: Namespaced
  names: {{plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList}}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: {{type: object, properties: {{size: {{type: integer, maximum: 9}}, color: {{type: string}}}}}}
"
    )
}

fn gadget(group: &str, spec: &str) -> String {
    format!(
        "apiVersion: {group}.example.com/v1\nkind: Gadget\nmetadata:\n  name: g\n  namespace: NAMESPACE\nspec:\n{spec}"
    )
}

#[test]
fn a_definition_and_its_resource_are_applied_in_one_set() {
    let Some(desk) = Desk::new() else { return };
    let group = desk.namespace.name().to_owned();
    desk.write("all.yaml", &[gadget(&group, "  size: 3\n"), definition(&group)].join("---\n"));
    desk.daphnia(&["diff", "all.yaml"])
        .exits(1)
        .prints(&["+kind: CustomResourceDefinition", "+kind: Gadget"]);
    desk.daphnia(&["apply", "all.yaml"]).exits(0).prints(&[
        &format!("created    CustomResourceDefinition gadgets.{group}.example.com"),
        &format!("created    Gadget {group}/g"),
    ]);
    desk.daphnia(&["diff", "all.yaml"]).exits(0);
    desk.cluster.kubectl(&["delete", "crd", &format!("gadgets.{group}.example.com"), "--wait=false"]);
}

#[test]
fn what_a_schema_of_the_cluster_refuses_is_told_at_its_line() {
    let Some(desk) = Desk::new() else { return };
    let group = desk.namespace.name().to_owned();
    desk.write("crd.yaml", &definition(&group));
    desk.daphnia(&["apply", "crd.yaml"]).exits(0);
    let refused = |spec: &str| {
        desk.write("gadget.yaml", &gadget(&group, spec));
        desk.daphnia(&["apply", "gadget.yaml"]).exits(1)
    };
    refused("  color: red\n  size: 12\n")
        .tells("--> gadget.yaml:8:9")
        .tells("`spec.size`")
        .tells("should be less than or equal to 9");
    refused("  color: red\n  colour: blue\n").tells("--> gadget.yaml:8:11").tells("`spec.colour`");
    refused("  color: 3\n").tells("--> gadget.yaml:7:10").tells("`spec.color`");
    desk.cluster.kubectl(&["delete", "crd", &format!("gadgets.{group}.example.com"), "--wait=false"]);
}

#[test]
fn what_a_policy_of_the_cluster_denies_is_told_at_its_object() {
    let Some(desk) = Desk::new() else { return };
    deny(&desk, "configmaps", "object.metadata.name != 'forbidden'");
    let forbidden = config_map("forbidden", "one");
    eventually("the policy holds", || desk.admitted(&forbidden).is_none().then_some(()));
    desk.write("all.yaml", &[config_map("fine", "one"), config_map("forbidden", "one")].join("---\n"));
    desk.mark();
    for command in ["diff", "apply"] {
        let status = if command == "diff" { 2 } else { 1 };
        desk.daphnia(&[command, "all.yaml"])
            .exits(status)
            .tells("--> all.yaml:9:1")
            .tells(&format!("`ConfigMap {}/forbidden`", desk.namespace.name()))
            .tells("denied request: not here");
    }
    assert_eq!(desk.writes(), []);
}

#[test]
fn a_webhook_that_does_not_answer_is_told_at_its_object() {
    let Some(desk) = Desk::new() else { return };
    let name = desk.namespace.name();
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [{
            "name": "checks.example.com",
            "clientConfig": {"url": "https://127.0.0.1:1/validate"},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
            "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Fail", "timeoutSeconds": 1,
        }],
    });
    desk.namespace.apply(&webhook.to_string());
    desk.write("settings.yaml", &config_map("settings", "one"));
    eventually("the webhook is asked", || desk.admitted(&config_map("probe", "one")).is_none().then_some(()));
    let said = desk.daphnia(&["apply", "settings.yaml"]).exits(1);
    success(desk.cluster.kubectl(&["delete", "validatingwebhookconfiguration", name]));
    said.tells("--> settings.yaml:1:1").tells("failed calling webhook \"checks.example.com\"");
    assert!(desk.object("configmaps", "settings").is_none());
}

#[test]
fn what_a_webhook_denies_is_told_at_the_field_that_it_names() {
    let Some(desk) = Desk::new().filter(|desk| desk.cluster.is_own()) else { return };
    let denial = |name: &str, status: serde_json::Value| {
        let webhook = desk.webhook("Validating", name, &json!({"allowed": false, "status": status}));
        desk.namespace.apply(&webhook.to_string());
        webhook
    };
    let image = "Job/work must not use the tag `1.36`: rule tags failed at path /spec/template/spec/containers/0/image/";
    let causes = json!([
        {"field": "spec.backoffLimit", "message": "at least 2"},
        {"field": "metadata.labels", "message": "no cost centre"},
    ]);
    for (name, status, told) in [
        (
            "words",
            json!({"code": 403, "message": image}),
            &["--> job.yaml:14:18", "denied the request: Job/work must not"][..],
        ),
        (
            "causes",
            json!({"code": 403, "message": "two", "details": {"causes": causes}}),
            &[
                "--> job.yaml:7:17",
                "`spec.backoffLimit`: at least 2",
                "--> job.yaml:4:3",
                "`metadata.labels`: no cost centre",
            ],
        ),
        (
            "own-code",
            json!({"code": 422, "message": "spec.backoffLimit is too small"}),
            &["--> job.yaml:7:17", "is too small"],
        ),
        ("silent", json!({"code": 403}), &["--> job.yaml:1:1", "without explanation"]),
    ] {
        let webhook = denial(name, status);
        desk.write("job.yaml", &job("work", "true"));
        eventually("the webhook is asked", || desk.admitted(&job("probe", "true")).is_none().then_some(()));
        let said =
            desk.daphnia(&["apply", "job.yaml"]).exits(1).tells(&format!("webhook \"{name}.example.com\""));
        told.iter().fold(said, |said, words| said.tells(words));
        success(desk.cluster.kubectl_with(&["delete", "-f", "-"], &webhook.to_string()));
        eventually("the webhook is gone", || desk.admitted(&job("probe", "true")));
    }
    assert!(desk.object("jobs", "work").is_none());
}

#[test]
fn a_quota_that_an_object_exceeds_is_told_at_its_object() {
    let Some(desk) = Desk::new() else { return };
    success(desk.namespace.kubectl(&["create", "quota", "few", "--hard=count/secrets=0"]));
    eventually("the quota is counted", || {
        let quota = desk.namespace.kubectl_json(&["get", "quota", "few"]);
        quota.pointer("/status/hard/count~1secrets").cloned()
    });
    let secret = config_map("token", "one")
        .replace("kind: ConfigMap", "kind: Secret")
        .replace("\ndata:", "\nstringData:");
    desk.write("all.yaml", &[config_map("settings", "one"), secret].join("---\n"));
    desk.mark();
    desk.daphnia(&["apply", "all.yaml"])
        .exits(1)
        .tells("--> all.yaml:9:1")
        .tells("exceeded quota: few")
        .tells("have the ResourceQuota raised");
    assert_eq!(desk.writes(), []);
}

#[test]
fn a_right_that_is_missing_is_told_at_the_object_that_needs_it() {
    let Some(mut desk) = Desk::new() else { return };
    desk.namespace.allow("developer", &["get", "list", "patch", "create"], &["configmaps"]);
    desk.be("developer");
    let quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: few, namespace: NAMESPACE}\nspec: {hard: {pods: 1}}\n";
    desk.write("all.yaml", &[config_map("settings", "one"), quota.to_owned()].join("---\n"));
    desk.mark();
    desk.daphnia(&["apply", "all.yaml"])
        .exits(4)
        .tells("--> all.yaml:9:1")
        .tells("`developer` may not list `resourcequotas`")
        .tells(r#"{apiGroups: [""], resources: ["resourcequotas"], verbs: ["list"]}"#);
    assert_eq!(desk.writes(), []);
}

#[test]
fn what_only_the_apply_finds_out_leaves_what_was_applied_and_the_next_apply_does_the_rest() {
    let Some(desk) = Desk::new() else { return };
    let service = |name: &str, port: u32| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: NAMESPACE}}\nspec:\n  \
             type: NodePort\n  selector: {{app: x}}\n  ports:\n    - {{port: 80, nodePort: {port}}}\n"
        )
    };
    let both = |first: u32, second: u32| {
        [config_map("settings", "one"), service("a", first), service("b", second)].join("---\n")
    };
    desk.write("all.yaml", &both(31861, 31861));
    desk.daphnia(&["diff", "all.yaml"]).exits(1);
    desk.daphnia(&["apply", "all.yaml"])
        .exits(1)
        .tells("`spec.ports[0].nodePort`: Invalid value: 31861: provided port is already allocated")
        .tells("- {port: 80, nodePort: 31861}")
        .tells("what was applied stays, and the next apply does the rest");
    assert!(desk.object("configmaps", "settings").is_some());
    assert_eq!(desk.objects("services").len(), 1);
    // Within a wave, either may come first.
    let is_first = desk.object("services", "a").is_some();
    let (first, second) = if is_first { (31861, 31862) } else { (31862, 31861) };
    desk.write("all.yaml", &both(first, second));
    desk.daphnia(&["apply", "all.yaml"]).exits(0);
    assert_eq!(desk.objects("services").len(), 2);
    // A range is known before.
    desk.write("all.yaml", &both(first, 80));
    desk.daphnia(&["apply", "all.yaml"]).exits(1).tells("--> all.yaml:").tells("80");
}

#[test]
fn a_job_that_the_server_is_to_name_is_for_run() {
    let Some(desk) = Desk::new() else { return };
    desk.write("job.yaml", &job("work", "true").replace("  name: work", "  generateName: work-"));
    for command in ["diff", "apply"] {
        desk.daphnia(&[command, "job.yaml"])
            .exits(2)
            .tells("--> job.yaml:4:17")
            .tells("has a `generateName` and no `name`")
            .tells("dispatch it with `daphnia run`");
    }
}
