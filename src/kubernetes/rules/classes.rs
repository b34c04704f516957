//! Small kinds of the whole cluster, and leases.

use super::{Findings, bounded, entries, field, fields, formatted, resources, text};
use crate::yaml::Node;

/// What a user's own priority may be at most.
const HIGHEST: i64 = 1_000_000_000;

pub(super) fn priority(object: &Node, findings: &mut Findings<'_>) {
    if let Some(value) = field(object, "value").filter(|value| value.as_i64() > Some(HIGHEST)) {
        findings.broken(value, format!("must not be above {HIGHEST}"), "higher ones are the system's own");
    }
    let name = fields(object, &["metadata", "name"]);
    if let Some(name) = name.filter(|name| {
        name.as_str().is_some_and(|name| {
            name.starts_with("system-")
                && !["system-cluster-critical", "system-node-critical"].contains(&name)
        })
    }) {
        findings.broken(name, "must not begin with `system-`", "such names are the system's own");
    }
}

pub(super) fn runtime(object: &Node, findings: &mut Findings<'_>) {
    formatted(field(object, "handler"), "dns-label", findings);
    for (_, amount) in entries(fields(object, &["overhead", "podFixed"])) {
        if resources::amount(amount).is_some_and(|amount| amount.is_negative()) {
            findings.broken(amount, "must be from 0 up", "write an amount from 0 up");
        }
    }
    for (key, value) in entries(fields(object, &["scheduling", "nodeSelector"])) {
        formatted(Some(value), "label-value", findings);
        if let Some(Err(why)) = crate::schema::format::check("label-key", &key.text) {
            findings.broken(value, "has a key that no label can have", why);
        }
    }
}

pub(super) fn ingress(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    if let Some(controller) = field(spec, "controller")
        && controller.as_str().is_some_and(|name| !name.is_empty() && !name.contains('/'))
    {
        findings.broken(controller, "must begin with a domain", "write for example `example.com/ingress`");
    }
    let Some(parameters) = field(spec, "parameters") else { return };
    let namespace = field(parameters, "namespace").filter(|node| node.as_str() != Some(""));
    match (text(parameters, "scope"), namespace) {
        ("Namespace", None) => findings.missing(
            parameters,
            "namespace",
            "`scope` is Namespace",
            "add the namespace of the parameters",
        ),
        ("Cluster" | "", Some(node)) => {
            findings.broken(
                node,
                "cannot be given with `scope: Cluster`",
                "remove it, or write `scope: Namespace`",
            );
        }
        _ => {}
    }
}

pub(super) fn lease(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    bounded(field(spec, "leaseDurationSeconds"), 1, i64::MAX, findings);
    bounded(field(spec, "leaseTransitions"), 0, i64::MAX, findings);
}

pub(super) fn api_service(object: &Node, findings: &mut Findings<'_>) {
    let (Some(spec), Some(name)) = (field(object, "spec"), fields(object, &["metadata", "name"])) else {
        return;
    };
    let due = format!("{}.{}", text(spec, "version"), text(spec, "group"));
    if name.as_str() != Some(&due) {
        findings.broken(name, "must be its version, a dot, and its group", format!("write `{due}`"));
    }
    bounded(field(spec, "groupPriorityMinimum"), 1, 20_000, findings);
    bounded(field(spec, "versionPriority"), 1, 1000, findings);
}
