//! Paths that the keywords of a schema name → those that lead to no field, so that what they ask is never asked.

use super::written::{Written, visit};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::yaml::{self, Node};

/// Where a path leads, as far as one file can tell.
enum Lead<'n> {
    /// To this schema.
    To(&'n Node),
    /// Into what is composed, free or in another file.
    Beyond,
}

pub(super) fn examine(written: &Written, findings: &mut Vec<Diagnostic>) {
    for root in written.files.iter().map(|file| &file.root) {
        visit(root, &mut |schema| {
            for keyword in ["x-kubernetes-validations", "x-lints"] {
                for rule in schema.get(keyword).and_then(Node::as_list).into_iter().flatten() {
                    examine_rule(rule, schema, root, findings);
                }
            }
        });
        for field in ["env", "args", "image"] {
            let Some(named) = root.at(["x-run", field]) else { continue };
            let several = named.as_list().unwrap_or(std::slice::from_ref(named));
            several.iter().for_each(|path| _ = follow(path, root, root, findings));
        }
    }
}

fn examine_rule(rule: &Node, schema: &Node, root: &Node, findings: &mut Vec<Diagnostic>) {
    let start = match rule.get("each") {
        Some(path) => match follow(path, schema, root, findings) {
            Some(Lead::To(list)) => list.get("items").map_or(Lead::Beyond, |items| resolved(items, root)),
            _ => Lead::Beyond,
        },
        None => Lead::To(schema),
    };
    if let (Lead::To(schema), Some(path)) = (start, rule.get("fieldPath")) {
        follow(path, schema, root, findings);
    }
}

/// Follows a path from a schema; says so if it leads nowhere.
fn follow<'n>(
    path: &Node,
    schema: &'n Node,
    root: &'n Node,
    findings: &mut Vec<Diagnostic>,
) -> Option<Lead<'n>> {
    let text = path.as_str()?;
    let mut lead = resolved(schema, root);
    for step in yaml::path_steps(text)?.into_iter().map(|range| &text[range]) {
        let Lead::To(schema) = lead else { return Some(Lead::Beyond) };
        let Some(properties) = schema.get("properties").and_then(Node::as_map) else {
            return Some(Lead::Beyond);
        };
        match properties.get(step) {
            Some(field) => lead = resolved(field, root),
            None if is_open(schema) => return Some(Lead::Beyond),
            None => {
                let finding = Diagnostic::error("bad-kind", format!("`{text}` leads to no field"));
                let names: Vec<&str> = properties.keys().collect();
                findings.push(match did_you_mean(step, names.iter().copied()) {
                    Some(near) => finding.at(path.place).label(format!("did you mean `{near}`?")),
                    None => finding.at(path.place).help(format!("there is {}", names.join(", "))),
                });
                return None;
            }
        }
    }
    Some(lead)
}

/// Says whether a schema takes fields that it does not list.
fn is_open(schema: &Node) -> bool {
    let is_closed = schema.get("additionalProperties").is_some_and(|free| free.to_json() == false);
    !is_closed || schema.get("patternProperties").is_some()
}

fn resolved<'n>(schema: &'n Node, root: &'n Node) -> Lead<'n> {
    let mut schema = schema;
    for _ in 0..16 {
        if ["allOf", "anyOf", "oneOf"].iter().any(|keyword| schema.get(keyword).is_some()) {
            return Lead::Beyond;
        }
        let Some(reference) = schema.get("$ref").and_then(Node::as_str) else { return Lead::To(schema) };
        if schema.get("properties").is_some() {
            return Lead::Beyond;
        }
        let name = reference.strip_prefix("#/$defs/");
        match name.and_then(|name| root.at(["$defs", name])) {
            Some(target) => schema = target,
            None => return Lead::Beyond,
        }
    }
    Lead::Beyond
}
