//! What a pod shares with its node, and what it asks of it.

use super::{Findings, field, is_true, items, unique};
use crate::yaml::Node;

pub(super) fn check(spec: &Node, findings: &mut Findings<'_>) {
    let set = |name: &str| field(spec, name).filter(|_| is_true(spec, name));
    if field(spec, "hostUsers").and_then(Node::as_bool) == Some(false) {
        for node in ["hostNetwork", "hostPID", "hostIPC"].iter().filter_map(|name| set(name)) {
            findings.broken(node, "cannot be true when `hostUsers` is false", "remove one of the two");
        }
    }
    if let (Some(node), Some(host)) = (set("shareProcessNamespace"), set("hostPID")) {
        let place = findings.place(host);
        let finding = findings.broken(node, "cannot be true when `hostPID` is true", "remove one of the two");
        finding.related.push((place, "given here".into()));
    }
    if let Some(name) = field(spec, "os").and_then(|os| field(os, "name"))
        && !matches!(name.as_str(), Some("linux" | "windows"))
    {
        findings.broken(name, "must be `linux` or `windows`", "write one of the two");
    }
    let claims = items(spec, "resourceClaims");
    unique(claims, "name", findings);
    for claim in claims {
        let ways = ["resourceClaimName", "resourceClaimTemplateName"];
        if ways.iter().filter(|way| field(claim, way).is_some()).count() != 1 {
            findings.broken(
                claim,
                "must have either `resourceClaimName` or `resourceClaimTemplateName`",
                "name the claim, or the template that it is made from",
            );
        }
    }
    for policy in items(spec, "containers").iter().flat_map(|container| items(container, "resizePolicy")) {
        if let Some(name) =
            field(policy, "resourceName").filter(|n| !matches!(n.as_str(), Some("cpu" | "memory")))
        {
            findings.broken(name, "must be `cpu` or `memory`", "write one of the two");
        }
    }
}

/// What the server asks of a pod itself, though not of templates.
pub(super) fn images(spec: &Node, findings: &mut Findings<'_>) {
    for container in items(spec, "containers").iter().chain(items(spec, "initContainers")) {
        if let Some(image) = field(container, "image").filter(|i| i.as_str().is_some_and(|i| i.trim() != i)) {
            findings.broken(image, "must not begin or end with a space", "remove the spaces");
        }
    }
}
