//! What cannot be changed in place is deleted and created anew: Jobs by themselves, all else only on demand, and
//! nothing at all unless the field is known to be immutable and the new object would be accepted.

use base64::Engine as _;
use serde_json::{Value, json};

use super::daphnia::{Desk, job};
use super::harness::{eventually, success};

/// An object in one of the cluster's ways to name it: `configmaps/x`.
fn uid(desk: &Desk, name: &str) -> String {
    let object = desk.namespace.kubectl_json(&["get", &name.replace("NAMESPACE", desk.namespace.name())]);
    object["metadata"]["uid"].as_str().expect("it has a uid").to_owned()
}

/// Applies an object, changes it, and expects it to be replaced because of a field.
fn replaced_only_on_demand(name: &str, text: &str, (from, to): (&str, &str), field: &str) {
    let Some(desk) = Desk::new() else { return };
    assert!(text.contains(from), "{text}");
    desk.write("object.yaml", text);
    desk.daphnia(&["apply", "object.yaml", "--no-wait"]).exits(0);
    let before = uid(&desk, name);
    desk.write("object.yaml", &text.replace(from, to));
    desk.mark();
    desk.daphnia(&["apply", "object.yaml", "--no-wait"])
        .exits(1)
        .tells("would have to be replaced")
        .tells(&format!("since `{field}` {} immutable", if field.contains('`') { "are" } else { "is" }))
        .tells("--> object.yaml:")
        .tells("`--replace`");
    assert_eq!(desk.writes(), []);
    assert_eq!(before, uid(&desk, name));
    desk.daphnia(&["diff", "object.yaml"]).exits(1).prints_a_line_with(": replaced, since `");
    desk.daphnia(&["apply", "object.yaml", "--no-wait", "--replace"])
        .exits(0)
        .prints_a_line_with("replaced ");
    assert_ne!(before, uid(&desk, name));
    desk.daphnia(&["diff", "object.yaml"]).exits(0);
}

macro_rules! replaced_only_on_demand {
    ($($promise:ident: $name:expr, $text:expr, $from:expr => $to:expr, $field:expr;)*) => {$(
        #[test]
        fn $promise() {
            replaced_only_on_demand($name, $text, ($from, $to), $field);
        }
    )*};
}

const WORKLOAD: &str = "\
apiVersion: apps/v1
kind: KIND
metadata: {name: web, namespace: NAMESPACE}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec:
      nodeSelector: {none: such}
      containers: [{name: web, image: 'busybox:1.36'}]
";

fn workload(kind: &str) -> String {
    let text = WORKLOAD.replace("KIND", kind);
    match kind {
        "StatefulSet" => {
            let claims = "volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], \
                          resources: {requests: {storage: 1Gi}}}}]";
            text.replace("spec:\n  sel", &format!("spec:\n  serviceName: web\n  {claims}\n  sel"))
        }
        _ => text,
    }
}

const CLAIM: &str = "\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: NAMESPACE}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: none-such
  volumeMode: Filesystem
  volumeName: none-such
  resources: {requests: {storage: 2Gi}}
";

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: NAMESPACE}
spec: {type: LoadBalancer, loadBalancerClass: example.com/one, selector: {app: web}, ports: [{port: 80}]}
";

fn config(kind: &str, more: &str) -> String {
    format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: settings, namespace: NAMESPACE}}\n{more}\n")
}

fn cluster_wide(api_version: &str, kind: &str, more: &str) -> String {
    format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: NAMESPACE-x}}\n{more}\n")
}

fn binding(kind: &str, scope: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: NAMESPACE-x{scope}}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}\n\
         subjects: [{{kind: User, name: nobody-at-all, apiGroup: rbac.authorization.k8s.io}}]\n"
    )
}

replaced_only_on_demand! {
    a_deployment_is_replaced_on_demand_when_its_selector_changes:
        "deployments/web", &workload("Deployment"), "matchLabels: {app: web}" => "matchLabels: {tier: front}",
        "spec.selector.matchLabels.app` and `spec.selector.matchLabels.tier";
    a_replica_set_is_replaced_on_demand_when_its_selector_changes:
        "replicasets/web", &workload("ReplicaSet"), "matchLabels: {app: web}" => "matchLabels: {tier: front}",
        "spec.selector.matchLabels.app` and `spec.selector.matchLabels.tier";
    a_daemon_set_is_replaced_on_demand_when_its_selector_changes:
        "daemonsets/web", &workload("DaemonSet"), "matchLabels: {app: web}" => "matchLabels: {tier: front}",
        "spec.selector.matchLabels.app` and `spec.selector.matchLabels.tier";
    a_stateful_set_is_replaced_on_demand_when_its_selector_changes:
        "statefulsets/web", &workload("StatefulSet"), "matchLabels: {app: web}" => "matchLabels: {tier: front}",
        "spec.selector.matchLabels.app` and `spec.selector.matchLabels.tier";
    a_stateful_set_is_replaced_on_demand_when_its_service_changes:
        "statefulsets/web", &workload("StatefulSet"), "serviceName: web" => "serviceName: other",
        "spec.serviceName";
    a_stateful_set_is_replaced_on_demand_when_its_pod_management_changes:
        "statefulsets/web", &workload("StatefulSet"),
        "serviceName: web" => "serviceName: web\n  podManagementPolicy: Parallel", "spec.podManagementPolicy";
    a_stateful_set_is_replaced_on_demand_when_its_claims_change:
        "statefulsets/web", &workload("StatefulSet"), "storage: 1Gi" => "storage: 2Gi",
        "spec.volumeClaimTemplates";
    a_service_is_replaced_on_demand_when_its_load_balancer_class_changes:
        "services/web", SERVICE, "example.com/one" => "example.com/two", "spec.loadBalancerClass";
    a_service_is_replaced_on_demand_when_it_loses_its_address:
        "services/web", &SERVICE.replace("type: LoadBalancer, loadBalancerClass: example.com/one", "type: ClusterIP"),
        "type: ClusterIP" => "type: ClusterIP, clusterIP: None", "spec.clusterIP";
    a_claim_is_replaced_on_demand_when_its_class_changes:
        "persistentvolumeclaims/data", CLAIM, "storageClassName: none-such" => "storageClassName: another",
        "spec.storageClassName";
    a_claim_is_replaced_on_demand_when_its_access_modes_change:
        "persistentvolumeclaims/data", CLAIM, "[ReadWriteOnce]" => "[ReadWriteMany]", "spec.accessModes";
    a_claim_is_replaced_on_demand_when_its_volume_mode_changes:
        "persistentvolumeclaims/data", CLAIM, "volumeMode: Filesystem" => "volumeMode: Block", "spec.volumeMode";
    a_claim_is_replaced_on_demand_when_its_volume_changes:
        "persistentvolumeclaims/data", CLAIM, "volumeName: none-such" => "volumeName: another", "spec.volumeName";
    a_claim_is_replaced_on_demand_when_it_is_to_shrink:
        "persistentvolumeclaims/data", CLAIM, "storage: 2Gi" => "storage: 1Gi",
        "spec.resources.requests.storage";
    a_claim_is_replaced_on_demand_when_its_data_source_changes:
        "persistentvolumeclaims/data", CLAIM,
        "spec:" => "spec:\n  dataSource: {kind: PersistentVolumeClaim, name: old}", "spec.dataSource";
    a_pod_is_replaced_on_demand_when_its_command_changes:
        "pods/one",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: one, namespace: NAMESPACE}\n\
         spec: {nodeSelector: {none: such}, containers: [{name: main, image: 'busybox:1.36', command: [sleep, '1']}]}\n",
        "[sleep, '1']" => "[sleep, '2']", "spec.containers[0].command";
    a_secret_is_replaced_on_demand_when_its_type_changes:
        "secrets/settings", &config("Secret", "type: Opaque\nstringData: {key: one}"),
        "type: Opaque" => "type: example.com/other", "type";
    a_frozen_secret_is_replaced_on_demand_when_its_data_changes:
        "secrets/settings", &config("Secret", "immutable: true\nstringData: {key: one}"),
        "key: one" => "key: two", "data.key";
    a_frozen_config_map_is_replaced_on_demand_when_its_data_changes:
        "configmaps/settings", &config("ConfigMap", "immutable: true\ndata: {key: one}"),
        "key: one" => "key: two", "data.key";
    a_frozen_config_map_is_replaced_on_demand_when_it_is_to_thaw:
        "configmaps/settings", &config("ConfigMap", "immutable: true\ndata: {key: one}"),
        "immutable: true\n" => "", "immutable";
    a_volume_is_replaced_on_demand_when_its_source_changes:
        "persistentvolumes/NAMESPACE-x",
        &cluster_wide("v1", "PersistentVolume",
            "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], storageClassName: x, hostPath: {path: /one}}"),
        "path: /one" => "path: /two", "spec.hostPath.path";
    a_quota_is_replaced_on_demand_when_its_scopes_change:
        "resourcequotas/settings", &config("ResourceQuota", "spec: {hard: {pods: 100}, scopes: [Terminating]}"),
        "[Terminating]" => "[NotTerminating]", "spec.scopes";
    a_role_binding_is_replaced_on_demand_when_its_role_changes:
        "rolebindings/NAMESPACE-x", &binding("RoleBinding", ", namespace: NAMESPACE"),
        "name: view" => "name: edit", "roleRef.name";
    a_cluster_role_binding_is_replaced_on_demand_when_its_role_changes:
        "clusterrolebindings/NAMESPACE-x", &binding("ClusterRoleBinding", ""),
        "name: view" => "name: system:basic-user", "roleRef.name";
    a_storage_class_is_replaced_on_demand_when_its_provisioner_changes:
        "storageclasses/NAMESPACE-x", &cluster_wide("storage.k8s.io/v1", "StorageClass", "provisioner: example.com/one"),
        "example.com/one" => "example.com/two", "provisioner";
    a_storage_class_is_replaced_on_demand_when_its_binding_mode_changes:
        "storageclasses/NAMESPACE-x",
        &cluster_wide("storage.k8s.io/v1", "StorageClass", "provisioner: example.com/one\nvolumeBindingMode: Immediate"),
        "Immediate" => "WaitForFirstConsumer", "volumeBindingMode";
    a_storage_class_is_replaced_on_demand_when_its_reclaim_policy_changes:
        "storageclasses/NAMESPACE-x",
        &cluster_wide("storage.k8s.io/v1", "StorageClass", "provisioner: example.com/one\nreclaimPolicy: Delete"),
        "reclaimPolicy: Delete" => "reclaimPolicy: Retain", "reclaimPolicy";
    a_storage_class_is_replaced_on_demand_when_its_parameters_change:
        "storageclasses/NAMESPACE-x",
        &cluster_wide("storage.k8s.io/v1", "StorageClass", "provisioner: example.com/one\nparameters: {type: slow}"),
        "type: slow" => "type: fast", "parameters.type";
    a_priority_class_is_replaced_on_demand_when_its_value_changes:
        "priorityclasses/NAMESPACE-x", &cluster_wide("scheduling.k8s.io/v1", "PriorityClass", "value: 1000"),
        "value: 1000" => "value: 2000", "value";
    a_priority_class_is_replaced_on_demand_when_its_preemption_changes:
        "priorityclasses/NAMESPACE-x",
        &cluster_wide("scheduling.k8s.io/v1", "PriorityClass", "value: 1000\npreemptionPolicy: Never"),
        "Never" => "PreemptLowerPriority", "preemptionPolicy";
    an_ingress_class_is_replaced_on_demand_when_its_controller_changes:
        "ingressclasses/NAMESPACE-x",
        &cluster_wide("networking.k8s.io/v1", "IngressClass", "spec: {controller: example.com/one}"),
        "example.com/one" => "example.com/two", "spec.controller";
    a_runtime_class_is_replaced_on_demand_when_its_handler_changes:
        "runtimeclasses/NAMESPACE-x", &cluster_wide("node.k8s.io/v1", "RuntimeClass", "handler: one"),
        "handler: one" => "handler: two", "handler";
}

/// Changes a suspended Job, and expects another one in its place without any flag, because of a field.
fn job_is_replaced(text: &str, (from, to): (&str, &str), field: &str) {
    let Some(desk) = Desk::new() else { return };
    assert!(text.contains(from), "{text}");
    desk.write("job.yaml", text);
    desk.daphnia(&["apply", "job.yaml", "--no-wait"]).exits(0);
    let before = uid(&desk, "jobs/work");
    desk.write("job.yaml", &text.replace(from, to));
    desk.daphnia(&["diff", "job.yaml"]).exits(1).prints_a_line_with(&format!("replaced, since `{field}"));
    desk.daphnia(&["apply", "job.yaml", "--no-wait"]).exits(0).prints_a_line_with("replaced ");
    assert_ne!(before, uid(&desk, "jobs/work"));
    desk.daphnia(&["diff", "job.yaml"]).exits(0);
}

fn suspended(more: &str) -> String {
    job("work", "true").replace("  backoffLimit: 0", &format!("  suspend: true\n{more}  backoffLimit: 0"))
}

#[test]
fn a_job_is_replaced_when_its_command_changes() {
    job_is_replaced(
        &suspended(""),
        ("[sh, -c, \"true\"]", "[sh, -c, \"false\"]"),
        "spec.template.spec.containers[0].command",
    );
}

#[test]
fn a_job_is_replaced_when_its_completions_change() {
    job_is_replaced(
        &suspended("  completions: 2\n"),
        ("completions: 2", "completions: 3"),
        "spec.completions",
    );
}

#[test]
fn a_job_is_replaced_when_its_completion_mode_changes() {
    let indexed = ("completions: 2", "completions: 2\n  completionMode: Indexed");
    job_is_replaced(&suspended("  completions: 2\n"), indexed, "spec.completionMode");
}

#[test]
fn a_job_is_replaced_when_its_failure_policy_changes() {
    let policy =
        "  podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [42]}}]}\n";
    job_is_replaced(&suspended(policy), ("[42]", "[43]"), "spec.podFailurePolicy");
}

#[test]
fn a_job_is_replaced_when_its_success_policy_changes() {
    let policy =
        "  completions: 2\n  completionMode: Indexed\n  successPolicy: {rules: [{succeededIndexes: '0'}]}\n";
    job_is_replaced(&suspended(policy), ("'0'", "'1'"), "spec.successPolicy");
}

#[test]
fn a_job_is_replaced_when_its_backoff_for_each_index_changes() {
    let limit = "  completions: 2\n  completionMode: Indexed\n  backoffLimitPerIndex: 1\n";
    let text = suspended(limit).replace("  backoffLimit: 0\n", "");
    job_is_replaced(
        &text,
        ("backoffLimitPerIndex: 1", "backoffLimitPerIndex: 2"),
        "spec.backoffLimitPerIndex",
    );
}

#[test]
fn a_job_is_replaced_when_another_is_to_manage_it() {
    job_is_replaced(
        &suspended("  managedBy: example.com/a\n"),
        ("example.com/a", "example.com/b"),
        "spec.managedBy",
    );
}

#[test]
fn an_elastic_job_is_scaled_in_place() {
    let Some(desk) = Desk::new() else { return };
    let text = suspended("  completions: 2\n  parallelism: 2\n  completionMode: Indexed\n");
    desk.write("job.yaml", &text);
    desk.daphnia(&["apply", "job.yaml", "--no-wait"]).exits(0);
    let before = uid(&desk, "jobs/work");
    desk.write("job.yaml", &text.replace(": 2\n", ": 3\n"));
    desk.daphnia(&["apply", "job.yaml", "--no-wait"]).exits(0).prints_a_line_with("configured ");
    assert_eq!(before, uid(&desk, "jobs/work"));
}

#[test]
fn what_the_server_would_not_create_anew_is_never_deleted() {
    let Some(desk) = Desk::new() else { return };
    desk.write("job.yaml", &suspended(""));
    desk.daphnia(&["apply", "job.yaml", "--no-wait"]).exits(0);
    let before = uid(&desk, "jobs/work");
    deny(&desk, "jobs.batch", "!object.spec.template.spec.containers.exists(c, c.image.contains('evil'))");
    desk.write("job.yaml", &suspended("").replace("busybox:1.36", "evil:1"));
    eventually("the policy holds", || {
        let text = suspended("").replace("busybox:1.36", "evil:1").replace("name: work", "name: other");
        desk.admitted(&text).is_none().then_some(())
    });
    desk.mark();
    for command in [&["apply", "job.yaml", "--no-wait"][..], &["apply", "job.yaml", "--no-wait", "--replace"]]
    {
        desk.daphnia(command).exits(1).tells("not here").tells("--> job.yaml:");
    }
    assert_eq!(desk.writes(), []);
    assert_eq!(before, uid(&desk, "jobs/work"));
}

#[test]
fn what_is_invalid_for_another_reason_is_never_deleted() {
    let Some(desk) = Desk::new() else { return };
    desk.write("web.yaml", &workload("Deployment"));
    desk.daphnia(&["apply", "web.yaml", "--no-wait"]).exits(0);
    let before = uid(&desk, "deployments/web");
    // The selector changes, which needs a replacement, and a finalizer is wrong, which only the server knows.
    let changed = workload("Deployment")
        .replace("matchLabels: {app: web}", "matchLabels: {tier: front}")
        .replace("metadata: {name: web,", "metadata: {name: web, finalizers: ['not one'],");
    desk.write("web.yaml", &changed);
    desk.mark();
    desk.daphnia(&["apply", "web.yaml", "--no-wait", "--replace"])
        .exits(1)
        .tells("the server refuses `Deployment")
        .tells("`metadata.finalizers");
    assert_eq!(desk.writes(), []);
    assert_eq!(before, uid(&desk, "deployments/web"));
}

#[test]
fn a_job_that_a_webhook_changes_on_its_way_in_does_not_run_again() {
    let Some(desk) = Desk::with_node().filter(|desk| desk.cluster.is_own()) else { return };
    let patch = json!([
        {"op": "add", "path": "/metadata/labels", "value": {"example.com/cost": "shared"}},
        {"op": "add", "path": "/spec/template/spec/containers/0/env", "value": [{"name": "PROXY", "value": "p"}]},
        {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "busybox:latest"},
    ]);
    let patch = base64::engine::general_purpose::STANDARD.encode(patch.to_string());
    let response = json!({"allowed": true, "patchType": "JSONPatch", "patch": patch});
    let webhook = desk.webhook("Mutating", "inject", &response);
    desk.namespace.apply(&webhook.to_string());
    desk.write("job.yaml", &job("work", "echo through $PROXY"));
    eventually("the webhook is asked", || {
        desk.admitted(&job("probe", "true")).filter(|object| object.contains("PROXY"))
    });
    desk.daphnia(&["apply", "job.yaml"]).exits(0);
    let before = desk.object("jobs", "work").expect("it is there");
    assert_eq!(before["spec"]["template"]["spec"]["containers"][0]["image"], "busybox:latest");
    desk.daphnia(&["diff", "job.yaml"]).exits(0);
    desk.daphnia(&["apply", "job.yaml"]).exits(0).prints_a_line_with("unchanged ");
    let after = desk.object("jobs", "work").expect("it is there");
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"], "it is the same Job");
    assert_eq!(desk.history().len(), 1, "it ran once");
    success(desk.cluster.kubectl_with(&["delete", "-f", "-"], &webhook.to_string()));
}

#[test]
fn a_job_that_others_change_on_its_way_in_does_not_run_again() {
    let Some(desk) = Desk::with_node() else { return };
    let name = desk.namespace.name().to_owned();
    let policy = format!(
        "\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  reinvocationPolicy: Never
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{{apiGroups: [batch], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [jobs]}}]
  mutations:
    - patchType: ApplyConfiguration
      applyConfiguration:
        expression: >
          Object{{metadata: Object.metadata{{labels: {{'example.com/cost': 'shared'}}}},
          spec: Object.spec{{template: Object.spec.template{{spec: Object.spec.template.spec{{
          priorityClassName: 'system-node-critical'}}}}}}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec:
  policyName: {name}
  matchResources: {{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}}}
"
    );
    desk.namespace.apply(&policy);
    eventually("the policy holds", || {
        desk.admitted(&job("probe", "true")).filter(|object| object.contains("example.com/cost"))
    });
    desk.write("job.yaml", &job("work", "echo done"));
    desk.daphnia(&["apply", "job.yaml"]).exits(0);
    let before = desk.object("jobs", "work").expect("it is there");
    assert_eq!(before["spec"]["template"]["spec"]["priorityClassName"], "system-node-critical");
    desk.daphnia(&["diff", "job.yaml"]).exits(0);
    desk.daphnia(&["apply", "job.yaml"]).exits(0).prints_a_line_with("unchanged ");
    let patch = job("work", "echo done").replace("backoffLimit: 0", "backoffLimit: 1");
    desk.write("job.yaml", &patch);
    desk.daphnia(&["apply", "job.yaml"]).exits(0).prints_a_line_with("configured ");
    let after: Value = desk.object("jobs", "work").expect("it is there");
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"], "it is the same Job");
    assert_eq!(desk.history().len(), 1, "it ran once");
    for kind in ["mutatingadmissionpolicybinding", "mutatingadmissionpolicy"] {
        success(desk.cluster.kubectl(&["delete", kind, &name, "--wait=false"]));
    }
}

/// Lets the cluster refuse new objects of the desk's namespace for which an expression does not hold.
pub fn deny(desk: &Desk, resource: &str, expression: &str) {
    let name = desk.namespace.name();
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    desk.namespace.apply(&format!(
        "\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}
    resourceRules: [{{apiGroups: ['{group}'], apiVersions: [v1], operations: [CREATE], resources: [{resource}]}}]
  validations: [{{expression: \"{expression}\", message: not here}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {name}, validationActions: [Deny]}}
"
    ));
}
