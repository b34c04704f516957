//! Containers.

use super::pod::{Pod, profiles};
use super::{
    Findings, bounded, entries, field, fields, is_true, items, number, resources, text, unique, volume,
};
use crate::yaml::Node;

/// How long a pod is given to end if it does not say.
const GRACE: i64 = 30;

/// What a variable may be taken from, beside labels and annotations by key.
const ENV_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

pub(super) fn check(container: &Node, pod: Pod<'_>, is_init: bool, findings: &mut Findings<'_>) {
    unique(items(container, "ports"), "name", findings);
    for port in items(container, "ports") {
        bounded(field(port, "hostPort"), 0, 65535, findings);
    }
    for variable in items(container, "env") {
        if let Some(source) = field(variable, "valueFrom") {
            source_of(source, ENV_FIELDS, findings);
        }
    }
    volume::mounts(container, pod, findings);
    let claims = items(pod.spec, "resourceClaims");
    if let Some(given) = field(container, "resources") {
        resources::requirements(given, findings);
        for claim in items(given, "claims") {
            let Some(name) = field(claim, "name") else { continue };
            if !claims.iter().any(|known| field(known, "name").is_some_and(|n| n.value == name.value)) {
                findings.broken(name, "is none of the pod's `resourceClaims`", "add it to the pod's spec");
            }
        }
    }
    if let Some(context) = field(container, "securityContext") {
        security(context, findings);
    }
    let restarts = text(container, "restartPolicy") == "Always";
    for name in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(node) = field(container, name) else { continue };
        if is_init && !restarts {
            findings.broken(
                node,
                "cannot be given in an init container without `restartPolicy: Always`",
                "remove it; or set that policy, and the container runs beside the others as a sidecar",
            );
        } else if name == "lifecycle" {
            for handler in entries(Some(node)).filter(|(key, _)| key.text != "stopSignal") {
                handle(handler.1, pod, findings);
            }
        } else {
            probe(node, name, pod, findings);
        }
    }
    if let Some(rules) = field(container, "restartPolicyRules")
        && field(container, "restartPolicy").is_none()
        && !items(container, "restartPolicyRules").is_empty()
    {
        findings.broken(rules, "needs `restartPolicy` beside it", "add the container's `restartPolicy`");
    }
}

/// Reports ports of the host that are taken twice.
pub(super) fn host_ports(containers: &[Node], findings: &mut Findings<'_>) {
    let ports = || containers.iter().flat_map(|container| items(container, "ports"));
    let identity = |port: &'_ Node| {
        let protocol = if text(port, "protocol").is_empty() { "TCP" } else { text(port, "protocol") };
        number(port, "hostPort")
            .filter(|port| *port != 0)
            .map(|number| (number, protocol.len(), protocol == "TCP"))
    };
    for (index, port) in ports().enumerate() {
        let Some(own) = identity(port) else { continue };
        let same =
            |other: &&Node| identity(other) == Some(own) && text(other, "hostIP") == text(port, "hostIP");
        if let (Some(first), Some(node)) = (ports().take(index).find(same), field(port, "hostPort")) {
            findings.duplicate(node, field(first, "hostPort").unwrap_or(first));
        }
    }
}

/// Checks where a value about the pod itself comes from.
pub(super) fn source_of(source: &Node, known: &[&str], findings: &mut Findings<'_>) {
    if let Some(reference) = field(source, "fieldRef") {
        if let Some(version) =
            field(reference, "apiVersion").filter(|v| !matches!(v.as_str(), Some("v1" | "")))
        {
            findings.broken(version, "must be `v1`", "remove it");
        }
        let path = text(reference, "fieldPath");
        let is_by_key = ["metadata.labels['", "metadata.annotations['"]
            .iter()
            .any(|start| path.strip_prefix(start).is_some_and(|rest| rest.ends_with("']") && rest.len() > 2));
        if let Some(node) = field(reference, "fieldPath").filter(|_| !known.contains(&path) && !is_by_key) {
            findings.broken(
                node,
                format!("cannot be `{path}`"),
                format!(
                    "possible: {}, metadata.labels['KEY'], metadata.annotations['KEY']",
                    known.join(", ")
                ),
            );
        }
    }
    if let Some(reference) = field(source, "resourceFieldRef") {
        resources::reference(reference, findings);
    }
}

fn probe(probe: &Node, name: &str, pod: Pod<'_>, findings: &mut Findings<'_>) {
    handle(probe, pod, findings);
    let threshold = field(probe, "successThreshold");
    if let Some(node) = threshold.filter(|node| name != "readinessProbe" && node.as_i64() > Some(1)) {
        findings.broken(node, format!("must be 1 in a {name}"), "remove it: 1 is the default");
    }
    let grace = field(probe, "terminationGracePeriodSeconds");
    if name == "readinessProbe" {
        if let Some(node) = grace {
            findings.broken(node, "cannot be given in a readinessProbe", "remove it: it stops no container");
        }
        return;
    }
    bounded(grace, 1, i64::MAX, findings);
}

fn handle(handler: &Node, pod: Pod<'_>, findings: &mut Findings<'_>) {
    for header in fields(handler, &["httpGet"]).map_or(&[][..], |get| items(get, "httpHeaders")) {
        let name = text(header, "name");
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            let node = field(header, "name").unwrap_or(header);
            findings.broken(
                node,
                "is no name of an HTTP header",
                "use letters, digits and `-`, as in `X-Header-Name`",
            );
        }
    }
    // The server makes 1 of a grace below 0.
    let grace = number(pod.spec, "terminationGracePeriodSeconds").unwrap_or(GRACE);
    let grace = if grace < 0 { 1 } else { grace };
    bounded(fields(handler, &["sleep", "seconds"]), 0, grace, findings);
}

fn security(context: &Node, findings: &mut Findings<'_>) {
    profiles(context, findings);
    let Some(escalation) = field(context, "allowPrivilegeEscalation").filter(|e| e.as_bool() == Some(false))
    else {
        return;
    };
    if let Some(privileged) = field(context, "privileged").filter(|_| is_true(context, "privileged")) {
        let place = findings.place(escalation);
        let finding = findings.broken(
            privileged,
            "cannot be true when `allowPrivilegeEscalation` is false",
            "remove one of the two: a privileged container can always escalate",
        );
        finding.related.push((place, "forbids it".into()));
    }
    let added = field(context, "capabilities").map_or(&[][..], |capabilities| items(capabilities, "add"));
    if let Some(node) = added.iter().find(|node| node.as_str() == Some("CAP_SYS_ADMIN")) {
        findings.broken(
            node,
            "cannot be added when `allowPrivilegeEscalation` is false",
            "remove one of the two",
        );
    }
}
