//! Rules across fields: `x-kubernetes-validations` (CEL, as in a CustomResourceDefinition) and list keys, each
//! reported where the manifest breaks it.
//!
//! Beside what Kubernetes knows, a rule may have `help`, and `each`: the path of a list, whose items are then
//! bound to `item` one by one, `fieldPath` starting from the item.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::expression::{self, Subject};
use crate::catalog::shape::Shape;
use crate::catalog::{Flaws, Written};
use crate::diagnostic::Diagnostic;
use crate::source::Place;
use crate::yaml::{Node, Value};

/// A value of a manifest, with the place where a person finds it: its key, for a map or a list.
#[derive(Clone, Copy)]
pub(super) struct Spot<'n> {
    pub node: &'n Node,
    pub place: Place,
}

/// Looks whether the expressions of a schema of the user's own can be used.
pub fn examine(schema: &Written) -> Option<Flaws> {
    let mut findings = Vec::new();
    schema.visit(&mut |schema| {
        for keyword in ["x-kubernetes-validations", "x-lints"] {
            for rule in schema.get(keyword).and_then(Node::as_list).into_iter().flatten() {
                let fields = [rule.get("rule"), rule.get("messageExpression"), rule.at(["fix", "write"])];
                for (node, text) in
                    fields.into_iter().flatten().filter_map(|node| Some((node, node.as_str()?)))
                {
                    if let Err(why) = expression::examine(text) {
                        let message = format!("this expression cannot be used: {why}");
                        findings.push(Diagnostic::error("bad-kind", message).at(node.place));
                    }
                }
            }
        }
    });
    (!findings.is_empty()).then(|| schema.flaws(findings))
}

/// Checks a manifest as it was written, before defaults.
pub(super) fn check(node: &Node, shape: Shape<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    visit(root(node), shape, &mut |spot, shape| {
        let subject = Subject::new(spot.node);
        for part in shape.parts() {
            let rules = part.own("x-kubernetes-validations").and_then(Json::as_array);
            for rule in rules.into_iter().flatten() {
                broken(rule, spot, &subject, &mut |at, item| {
                    findings.push(finding(rule, &subject, at, item))
                });
            }
        }
        if let Value::List(items) = &spot.node.value {
            check_list_keys(items, shape, &mut findings);
        }
    });
    findings
}

pub(super) fn root(node: &Node) -> Spot<'_> {
    let first = node.as_map().and_then(|map| map.entries.first());
    Spot { node, place: first.map_or(node.place, |(key, _)| key.place) }
}

/// Calls `f` with every value that the schema knows.
pub(super) fn visit<'n>(spot: Spot<'n>, shape: Shape<'_>, f: &mut dyn FnMut(Spot<'n>, Shape<'_>)) {
    f(spot, shape);
    match &spot.node.value {
        Value::List(items) => {
            let Some(item_shape) = shape.items() else { return };
            for item in items {
                visit(Spot { node: item, place: item.place }, item_shape, f);
            }
        }
        Value::Map(map) => {
            for (key, value) in &map.entries {
                if let Some(field) = shape.property(&key.text) {
                    visit(Spot { node: value, place: place_of(&key.place, value) }, field, f);
                }
            }
        }
        _ => {}
    }
}

/// A map starts below its key, where nobody looks for what is wrong with it.
fn place_of(key: &Place, value: &Node) -> Place {
    match value.value {
        Value::Map(_) | Value::List(_) | Value::Null => *key,
        _ => value.place,
    }
}

/// Calls `f` where a rule does not hold, with the place it concerns and the item of its list, if it has one.
pub(super) fn broken(
    rule: &Json,
    spot: Spot<'_>,
    subject: &Subject<'_>,
    f: &mut dyn FnMut(Place, Option<&Node>),
) {
    let text = |field: &str| rule.get(field).and_then(Json::as_str);
    let Some(condition) = text("rule") else { return };
    let field = text("fieldPath").unwrap_or_default();
    let Some(list) = text("each") else {
        if !expression::holds(condition, subject, None) {
            f(follow(spot, field), None);
        }
        return;
    };
    for item in spot.node.at(steps(list)).and_then(Node::as_list).unwrap_or_default() {
        if !expression::holds(condition, subject, Some(item)) {
            f(follow(Spot { node: item, place: item.place }, field), Some(item));
        }
    }
}

fn finding(rule: &Json, subject: &Subject<'_>, at: Place, item: Option<&Node>) -> Diagnostic {
    let finding = Diagnostic::error("broken-rule", message(rule, subject, item)).at(at);
    match rule.get("help").and_then(Json::as_str) {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// `messageExpression`, as in Kubernetes, wins over `message`.
pub(super) fn message(rule: &Json, subject: &Subject<'_>, item: Option<&Node>) -> String {
    let text = |field: &str| rule.get(field).and_then(Json::as_str);
    let made = text("messageExpression").and_then(|making| expression::text(making, subject, item));
    made.unwrap_or_else(|| text("message").or(text("rule")).unwrap_or_default().to_owned())
}

/// Returns where a field stands, or the nearest field around it that is there.
pub(super) fn follow(spot: Spot<'_>, path: &str) -> Place {
    let mut reached = spot;
    for step in steps(path) {
        let key = reached.node.as_map().and_then(|map| map.key(step)).map(|key| key.place);
        let Some(next) = reached.node.at([step]) else { break };
        reached = Spot { node: next, place: place_of(&key.unwrap_or(next.place), next) };
    }
    reached.place
}

/// `labels['a.b/c'].d` → `labels`, `a.b/c`, `d`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches('.');
        let quoted = rest.strip_prefix("['").and_then(|inner| inner.split_once("']"));
        let plain = || rest.split_at(rest.find(['.', '[']).filter(|at| *at > 0).unwrap_or(rest.len()));
        let (step, after) = quoted.unwrap_or_else(plain);
        rest = after;
        Some(step).filter(|step| !step.is_empty())
    })
}

/// `x-kubernetes-list-map-keys`: no two items have the same keys. `x-unique`: nor the same value of one of these.
fn check_list_keys(items: &[Node], shape: Shape<'_>, findings: &mut Vec<Diagnostic>) {
    let names = |keyword: &str| -> Vec<_> {
        let names = shape.keyword(keyword).and_then(Json::as_array);
        names.into_iter().flatten().filter_map(Json::as_str).collect()
    };
    check_unique(items, &names("x-kubernetes-list-map-keys"), findings);
    for name in names("x-unique") {
        check_unique(items, &[name], findings);
    }
}

fn check_unique(items: &[Node], keys: &[&str], findings: &mut Vec<Diagnostic>) {
    let mut seen = HashMap::new();
    for item in items {
        let values: Option<Vec<_>> =
            keys.iter().map(|key| Some(item.get(key)?.to_json().to_string())).collect();
        let Some((values, node)) = values.zip(keys.first().and_then(|key| item.get(key))) else { continue };
        if let Some(first) = seen.insert(values, node.place) {
            let name = node.as_str().unwrap_or_default();
            let message = format!("{} `{name}` is given twice in this list", keys.join(", "));
            let finding = Diagnostic::error("duplicate-item", message)
                .at(node.place)
                .label("given again here")
                .related(first, "first given here")
                .help("keep one of the two, or change one");
            findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_at_dots_and_brackets() {
        for (path, expected) in [
            ("spec.env", vec!["spec", "env"]),
            (".a['b.c/d'].e", vec!["a", "b.c/d", "e"]),
            ("", vec![]),
            ("a[0", vec!["a", "[0"]),
        ] {
            assert_eq!(steps(path).collect::<Vec<_>>(), expected, "{path}");
        }
    }
}
