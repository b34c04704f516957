//! Where pods want to run.

use super::{Findings, field, items, selector, text};
use crate::yaml::Node;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

pub(super) fn check(affinity: &Node, findings: &mut Findings<'_>) {
    if let Some(nodes) = field(affinity, "nodeAffinity") {
        if let Some(required) = field(nodes, REQUIRED) {
            node_terms(required, findings);
        }
        for preferred in items(nodes, PREFERRED) {
            if let Some(term) = field(preferred, "preference") {
                node_term(term, findings);
            }
        }
    }
    for pods in ["podAffinity", "podAntiAffinity"].iter().filter_map(|name| field(affinity, name)) {
        items(pods, REQUIRED).iter().for_each(|term| pod_term(term, findings));
        let preferred = items(pods, PREFERRED).iter().filter_map(|item| field(item, "podAffinityTerm"));
        preferred.for_each(|term| pod_term(term, findings));
    }
}

/// Checks a selector of nodes.
pub(super) fn node_terms(selector: &Node, findings: &mut Findings<'_>) {
    if items(selector, "nodeSelectorTerms").is_empty() {
        findings.broken(selector, "needs a term", "add a term, or remove it");
    }
    items(selector, "nodeSelectorTerms").iter().for_each(|term| node_term(term, findings));
}

fn node_term(term: &Node, findings: &mut Findings<'_>) {
    for expression in items(term, "matchExpressions") {
        let count = items(expression, "values").len();
        let operator = text(expression, "operator");
        let wanted = match operator {
            "In" | "NotIn" if count == 0 => "one or more values",
            "Gt" | "Lt" if count != 1 => "one value",
            "Exists" | "DoesNotExist" if count > 0 => "no values",
            _ => continue,
        };
        let node = field(expression, "values").unwrap_or(expression);
        findings.broken(
            node,
            format!("does not fit: `{operator}` takes {wanted}"),
            "change `values`, or choose another `operator`",
        );
    }
    for expression in items(term, "matchFields") {
        let is_one = items(expression, "values").len() == 1;
        if text(expression, "key") != "metadata.name"
            || !is_one
            || !matches!(text(expression, "operator"), "In" | "NotIn")
        {
            findings.broken(
                expression,
                "must be `metadata.name`, `In` or `NotIn`, and one value",
                "use `matchExpressions` for labels",
            );
        }
    }
}

fn pod_term(term: &Node, findings: &mut Findings<'_>) {
    for name in ["labelSelector", "namespaceSelector"] {
        if let Some(given) = field(term, name) {
            selector::check(given, findings);
        }
    }
    items(term, "namespaces").iter().for_each(|name| super::formatted(Some(name), "dns-label", findings));
}
