//! Fields that cannot be changed in place: per kind, and with when.

use super::Reason;
use super::clean::clean;
use super::compare::{Owners, Trees, differing_fields};
use crate::object::{Object, ObjectId};
use crate::yaml::Node;

struct Rule {
    group: &'static str,
    kind: &'static str,
    fields: &'static [&'static str],
    /// Whether the rule holds for a change from the first tree to the second.
    when: fn(&Node, &Node) -> bool,
}

const ALWAYS: fn(&Node, &Node) -> bool = |_, _| true;

const fn rule(group: &'static str, kind: &'static str, fields: &'static [&'static str]) -> Rule {
    Rule { group, kind, fields, when: ALWAYS }
}

const RULES: &[Rule] = &[
    rule(
        "batch",
        "Job",
        &[
            "spec.template",
            "spec.selector",
            "spec.manualSelector",
            "spec.completionMode",
            "spec.podFailurePolicy",
            "spec.successPolicy",
            "spec.backoffLimitPerIndex",
            "spec.managedBy",
        ],
    ),
    Rule { group: "batch", kind: "Job", fields: &["spec.completions"], when: is_not_elastic },
    rule("apps", "Deployment", &["spec.selector"]),
    rule("apps", "ReplicaSet", &["spec.selector"]),
    rule("apps", "DaemonSet", &["spec.selector"]),
    rule(
        "apps",
        "StatefulSet",
        &["spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"],
    ),
    rule("", "Service", &["spec.clusterIP", "spec.clusterIPs", "spec.ipFamilies", "spec.loadBalancerClass"]),
    rule(
        "",
        "PersistentVolumeClaim",
        &[
            "spec.accessModes",
            "spec.selector",
            "spec.storageClassName",
            "spec.volumeName",
            "spec.volumeMode",
            // This one the server names without its `spec`.
            "volumeMode",
            "spec.dataSource",
            "spec.dataSourceRef",
            // It may grow; the server refuses only to shrink it.
            "spec.resources.requests.storage",
        ],
    ),
    rule("", "Pod", &["spec"]),
    rule("", "Secret", &["type"]),
    Rule { group: "", kind: "Secret", fields: &["data", "immutable"], when: is_frozen },
    Rule { group: "", kind: "ConfigMap", fields: &["data", "binaryData", "immutable"], when: is_frozen },
    rule("", "PersistentVolume", &["spec"]),
    rule("", "ResourceQuota", &["spec.scopes", "spec.scopeSelector"]),
    rule("rbac.authorization.k8s.io", "RoleBinding", &["roleRef"]),
    rule("rbac.authorization.k8s.io", "ClusterRoleBinding", &["roleRef"]),
    rule(
        "storage.k8s.io",
        "StorageClass",
        &["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"],
    ),
    rule("scheduling.k8s.io", "PriorityClass", &["value", "preemptionPolicy"]),
    rule("networking.k8s.io", "IngressClass", &["spec.controller"]),
    rule("node.k8s.io", "RuntimeClass", &["handler"]),
];

/// An Indexed Job may change its completions together with its parallelism.
fn is_not_elastic(live: &Node, new: &Node) -> bool {
    let spec = |node: &Node, field: &str| node.at(["spec", field]).map(Node::to_json);
    let is_indexed = spec(live, "completionMode") == Some("Indexed".into());
    !is_indexed || spec(new, "completions") != spec(new, "parallelism")
}

fn is_frozen(live: &Node, _new: &Node) -> bool {
    live.get("immutable").and_then(Node::as_bool) == Some(true)
}

/// Returns the fields of `new`, a whole object as the server would make it of the desired one, that differ from
/// the live ones and cannot be changed in place. What admission makes up anew each time is among them only if
/// nothing else is.
pub fn changed_immutable_fields(desired: &Object, live: &Node, new: &Node) -> Vec<Reason> {
    let (before, after) = (clean(live, &desired.node), clean(new, &desired.node));
    let is_live = live.at(["metadata", "managedFields"]).is_some();
    let owners = Owners { live: is_live.then_some(live), predicted: is_live.then_some(new) };
    let trees = Trees { before: Some(&before), after: Some(&after), desired: Some(&desired.node) };
    let mut changed = differing_fields(trees, owners);
    changed.retain(|field| is_listed(&desired.id, &field.path, live, new));
    if changed.iter().any(|field| field.cause.is_yours()) {
        changed.retain(|field| field.cause.is_yours());
    }
    let mut reasons: Vec<Reason> = changed.into_iter().map(|field| Reason::Immutable(field.path)).collect();
    reasons.dedup();
    reasons
}

/// Whether the server's complaint about a field can be one about its being immutable. Some servers name the
/// field, some only the `spec` that it is in.
pub fn is_immutable_field(id: &ObjectId, path: &str) -> bool {
    rules(id).any(|rule| rule.fields.iter().any(|field| is_within(path, field) || is_within(field, path)))
}

fn is_listed(id: &ObjectId, path: &str, live: &Node, new: &Node) -> bool {
    rules(id).any(|rule| {
        (rule.when)(live, new)
            && rule.fields.iter().any(|field| is_within(path, field) || is_within(field, path))
    })
}

fn rules(id: &ObjectId) -> impl Iterator<Item = &'static Rule> {
    RULES.iter().filter(move |rule| rule.group == id.group() && rule.kind == id.kind)
}

fn is_within(path: &str, field: &str) -> bool {
    path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
