//! Label selectors.

use super::{Findings, entries, field, fields, formatted, items, text};
use crate::yaml::Node;

pub(super) fn is_empty(selector: &Node) -> bool {
    entries(field(selector, "matchLabels")).next().is_none() && items(selector, "matchExpressions").is_empty()
}

/// Checks a selector in itself.
pub(super) fn check(selector: &Node, findings: &mut Findings<'_>) {
    for (key, value) in entries(field(selector, "matchLabels")) {
        if crate::schema::format::check("label-key", &key.text).is_some_and(|result| result.is_err()) {
            findings.broken(value, "has a key that no label can have", "write the label's key");
        }
        formatted(Some(value), "label-value", findings);
    }
    for expression in items(selector, "matchExpressions") {
        let values = items(expression, "values");
        let takes_values = matches!(text(expression, "operator"), "In" | "NotIn");
        if takes_values && values.is_empty() {
            findings.missing(
                expression,
                "values",
                "`In` and `NotIn` compare with values",
                "add `values`, or write `operator: Exists`",
            );
        } else if !takes_values && !values.is_empty() {
            let node = field(expression, "values").unwrap_or(expression);
            findings.broken(
                node,
                "cannot be given with `Exists` and `DoesNotExist`",
                "remove `values`, or write `operator: In`",
            );
        }
        values.iter().for_each(|value| formatted(Some(value), "label-value", findings));
    }
}

/// Reports a selector that does not find the pods of its own template.
pub(super) fn must_match(selector: &Node, template: Option<&Node>, findings: &mut Findings<'_>) {
    let labels = template.and_then(|template| fields(template, &["metadata", "labels"]));
    let label = |key: &str| labels.and_then(|labels| field(labels, key)).and_then(Node::as_str);
    let unmet = entries(field(selector, "matchLabels"))
        .find(|(key, value)| label(&key.text) != value.as_str())
        .map(|(_, value)| value)
        .or_else(|| items(selector, "matchExpressions").iter().find(|e| !is_met(e, label(text(e, "key")))));
    if let Some(unmet) = unmet {
        let place = labels.or(template).map(|node| findings.place(node));
        let finding = findings.broken(
            unmet,
            "does not match the labels of the pod template",
            "give the template's `metadata.labels` what the selector asks for",
        );
        finding.code = "selector-mismatch".into();
        finding.related.extend(place.map(|place| (place, "the pods have these labels".to_owned())));
    }
}

fn is_met(expression: &Node, label: Option<&str>) -> bool {
    let is_listed = || items(expression, "values").iter().any(|value| value.as_str() == label);
    match text(expression, "operator") {
        "In" => label.is_some() && is_listed(),
        "NotIn" => label.is_none() || !is_listed(),
        "Exists" => label.is_some(),
        "DoesNotExist" => label.is_none(),
        _ => true,
    }
}
