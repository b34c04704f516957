//! What keeps pods running: Deployments, ReplicaSets, StatefulSets, DaemonSets.

use super::{Findings, field, fields, formatted, items, number, pod, selector, storage, text};
use crate::yaml::{Node, Value};

pub(super) fn deployment(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    running(spec, "a Deployment", findings);
    let ready = number(spec, "minReadySeconds").unwrap_or(0);
    let deadline = field(spec, "progressDeadlineSeconds");
    if deadline.map_or(600, |node| node.as_i64().unwrap_or(600)) <= ready {
        findings.broken(
            deadline.or(field(spec, "minReadySeconds")).unwrap_or(spec),
            "leaves no time: `progressDeadlineSeconds` (600 if not given) must be more than `minReadySeconds`",
            "raise `progressDeadlineSeconds`, or lower `minReadySeconds`",
        );
    }
    let Some(strategy) = field(spec, "strategy") else { return };
    let Some(rolling) = field(strategy, "rollingUpdate") else { return };
    if text(strategy, "type") == "Recreate" {
        findings.broken(rolling, "cannot be given with `type: Recreate`", "remove it");
        return;
    }
    let (surge, unavailable) = (field(rolling, "maxSurge"), field(rolling, "maxUnavailable"));
    if surge.is_some_and(is_zero) && unavailable.is_some_and(is_zero) {
        findings.broken(
            unavailable.unwrap_or(rolling),
            "cannot be 0 when `maxSurge` is 0",
            "let one of them be 1 or more",
        );
    }
    not_above_all(unavailable, findings);
}

pub(super) fn replica_set(object: &Node, findings: &mut Findings<'_>) {
    if let Some(spec) = field(object, "spec") {
        running(spec, "a ReplicaSet", findings);
    }
}

pub(super) fn pod_template(object: &Node, findings: &mut Findings<'_>) {
    if let Some(template) = field(object, "template") {
        pod::template(template, findings);
    }
}

/// Its selector is a map of labels, and without one the template's own labels are meant.
pub(super) fn replication_controller(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    let Some(template) = field(spec, "template") else {
        return findings.missing(spec, "template", "it says what the pods are", "add the pods' `template`");
    };
    super::bounded(field(spec, "replicas"), 0, i64::MAX, findings);
    let labels = fields(template, &["metadata", "labels"]);
    let selector = field(spec, "selector");
    if selector.or(labels).is_none_or(|given| super::entries(Some(given)).next().is_none()) {
        findings.missing(spec, "selector", "it says which pods are its own", "add the labels of the pods");
    }
    for (key, value) in super::entries(selector) {
        if labels.and_then(|labels| field(labels, &key.text)).and_then(Node::as_str) != value.as_str() {
            findings
                .broken(
                    value,
                    "does not match the labels of the pod template",
                    "give the template's `metadata.labels` what the selector asks for",
                )
                .code = "selector-mismatch".into();
        }
    }
    pods(spec, template, "a ReplicationController", findings);
}

pub(super) fn stateful_set(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    running(spec, "a StatefulSet", findings);
    if !text(spec, "serviceName").is_empty() {
        formatted(field(spec, "serviceName"), "dns-label", findings);
    }
    if let Some(strategy) = field(spec, "updateStrategy")
        && let Some(rolling) = field(strategy, "rollingUpdate")
    {
        if text(strategy, "type") == "OnDelete" {
            findings.broken(rolling, "cannot be given with `type: OnDelete`", "remove it");
        }
        super::bounded(field(rolling, "partition"), 0, i64::MAX, findings);
        if let Some(node) = field(rolling, "maxUnavailable").filter(|node| is_zero(node)) {
            findings.broken(node, "cannot be 0", "write 1 or more");
        }
    }
    super::bounded(fields(spec, &["ordinals", "start"]), 0, i64::MAX, findings);
    for claim in items(spec, "volumeClaimTemplates") {
        if let Some(spec) = field(claim, "spec") {
            storage::claim_spec(spec, findings);
        }
    }
}

pub(super) fn daemon_set(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    running(spec, "a DaemonSet", findings);
    let Some(strategy) = field(spec, "updateStrategy") else { return };
    let Some(rolling) = field(strategy, "rollingUpdate").filter(|_| text(strategy, "type") != "OnDelete")
    else {
        return;
    };
    let (surge, unavailable) = (field(rolling, "maxSurge"), field(rolling, "maxUnavailable"));
    let surges = surge.is_some_and(|node| !is_zero(node));
    // Without a word about it, one pod may be unavailable.
    let allows = unavailable.is_none_or(|node| !is_zero(node));
    if surges == allows {
        findings.broken(
            if surges { surge.unwrap_or(rolling) } else { unavailable.unwrap_or(rolling) },
            "must leave one of `maxSurge` and `maxUnavailable` at 0, and not both",
            "write `maxUnavailable: 1`, or `maxUnavailable: 0` and `maxSurge: 1`",
        );
    }
    not_above_all(unavailable, findings);
    not_above_all(surge, findings);
}

fn running(spec: &Node, what: &str, findings: &mut Findings<'_>) {
    let template = field(spec, "template");
    if let Some(given) = field(spec, "selector") {
        if selector::is_empty(given) {
            findings.broken(
                given,
                "must not be empty",
                "add `matchLabels` with labels that the pod template has",
            );
        } else {
            selector::check(given, findings);
            selector::must_match(given, template, findings);
        }
    }
    if let Some(template) = template {
        pods(spec, template, what, findings);
    }
}

/// Checks pods that are to run without end.
fn pods(spec: &Node, template: &Node, what: &str, findings: &mut Findings<'_>) {
    pod::template_with(template, items(spec, "volumeClaimTemplates"), findings);
    let Some(pod) = field(template, "spec") else { return };
    if let Some(policy) = field(pod, "restartPolicy").filter(|p| !matches!(p.as_str(), Some("Always" | ""))) {
        findings.broken(
            policy,
            format!("must be `Always` in {what}"),
            "remove it, or make this a Job if it is to end",
        );
    }
    if let Some(deadline) = field(pod, "activeDeadlineSeconds") {
        findings.broken(deadline, format!("cannot be given in {what}"), "remove it: its pods have no end");
    }
}

fn is_zero(node: &Node) -> bool {
    match &node.value {
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => percent(text) == Some(0),
        _ => false,
    }
}

fn percent(text: &str) -> Option<i64> {
    text.strip_suffix('%')?.parse().ok()
}

fn not_above_all(node: Option<&Node>, findings: &mut Findings<'_>) {
    if let Some(node) = node.filter(|node| node.as_str().and_then(percent) > Some(100)) {
        findings.broken(node, "must not be above 100%", "write at most `100%`");
    }
}
