//! What makes a schema structural: every value has a type, and alternatives say nothing of which fields there are.

use super::super::{Findings, field, fields, items, text};
use super::{properties, says};
use crate::yaml::{Node, Value};

const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];
/// What may stand outside of alternatives only.
const OUTSIDE: &[&str] = &[
    "type",
    "default",
    "description",
    "title",
    "nullable",
    "additionalProperties",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
];
const FORBIDDEN: &[&str] = &["$ref", "definitions", "dependencies", "patternProperties", "id"];
const REASONS: &[&str] =
    &["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/// Checks the schema of a version.
pub(super) fn root(schema: &Node, findings: &mut Findings<'_>) {
    match (field(schema, "type"), text(schema, "type")) {
        (_, "object") => {}
        (Some(node), _) => _ = findings.broken(node, "must be `object` at the root", "write `object`"),
        (None, _) => findings.missing(schema, "type", "a resource is an object", "add `type: object`"),
    }
    if let Some(node) = field(schema, "nullable").filter(|_| says(schema, "nullable")) {
        findings.broken(node, "cannot be true at the root", "remove it");
    }
    for (name, due) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
        let own = fields(schema, &["properties", name, "type"]);
        if let Some(node) = own.filter(|node| node.as_str() != Some(due)) {
            findings.broken(node, format!("must be `{due}`"), format!("write `{due}`, or remove `{name}`"));
        }
    }
    if let Some(metadata) = fields(schema, &["properties", "metadata"]) {
        for (name, node) in properties(metadata) {
            if !["name", "generateName"].contains(&name) {
                findings.broken(node, "cannot be given: only `name` and `generateName` can", "remove it");
            }
        }
    }
    part(schema, Role::Root, findings);
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Root,
    Field,
    Items,
}

fn part(schema: &Node, role: Role, findings: &mut Findings<'_>) {
    if schema.as_map().is_none() {
        return;
    }
    kind(schema, role, findings);
    for keyword in FORBIDDEN {
        if let Some(node) = field(schema, keyword) {
            findings.broken(node, "cannot be used in a definition", "write the schema out in its place");
        }
    }
    if let Some(node) = field(schema, "uniqueItems").filter(|_| says(schema, "uniqueItems")) {
        findings.broken(node, "cannot be true", "write `x-kubernetes-list-type: set`");
    }
    list(schema, findings);
    if says(schema, "x-kubernetes-embedded-resource") {
        embedded(schema, findings);
    }
    if let (Some(more), Some(_)) = (field(schema, "additionalProperties"), field(schema, "properties")) {
        findings.broken(more, "cannot be given beside `properties`", "keep one of the two");
    }
    rules(schema, findings);
    if role != Role::Root {
        default(schema, findings);
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        items(schema, keyword).iter().for_each(|one| alternative(one, findings));
    }
    if let Some(not) = field(schema, "not") {
        alternative(not, findings);
    }
    // What stands beside `additionalProperties: false` is no schema.
    properties(schema).for_each(|(_, property)| part(property, Role::Field, findings));
    for (keyword, role) in [("items", Role::Items), ("additionalProperties", Role::Field)] {
        if let Some(inner) = field(schema, keyword) {
            part(inner, role, findings);
        }
    }
}

fn kind(schema: &Node, role: Role, findings: &mut Findings<'_>) {
    let is_open =
        says(schema, "x-kubernetes-int-or-string") || says(schema, "x-kubernetes-preserve-unknown-fields");
    match field(schema, "type").filter(|node| node.as_str() != Some("")) {
        None if role != Role::Root && !is_open => {
            let what = if role == Role::Items { "items of a list" } else { "a field" };
            findings.missing(
                schema,
                "type",
                format!("{what} must have one"),
                "add for example `type: string`",
            );
        }
        Some(node) if node.as_str().is_some_and(|name| !TYPES.contains(&name)) => {
            findings.broken(node, "is no type", format!("possible: {}", TYPES.join(", ")));
        }
        _ => {}
    }
    if text(schema, "type") == "array" && field(schema, "items").is_none() {
        findings.missing(schema, "items", "a list says what its items are", "add `items: {type: string}`");
    }
}

fn list(schema: &Node, findings: &mut Findings<'_>) {
    let keys = field(schema, "x-kubernetes-list-map-keys");
    let Some(sort) = field(schema, "x-kubernetes-list-type") else {
        if keys.is_some() {
            findings.missing(
                schema,
                "x-kubernetes-list-type",
                "keys need it",
                "add `x-kubernetes-list-type: map`",
            );
        }
        return;
    };
    if text(schema, "type") != "array" {
        findings.broken(sort, "needs `type: array`", "remove it, or make this a list");
        return;
    }
    let Some(inner) = field(schema, "items") else { return };
    let is_collection = matches!(text(inner, "type"), "object" | "array");
    let (own_map, own_list) = (text(inner, "x-kubernetes-map-type"), text(inner, "x-kubernetes-list-type"));
    match sort.as_str().unwrap_or_default() {
        "set" if is_collection && own_map != "atomic" && own_list != "atomic" => {
            findings.broken(
                sort,
                "cannot be `set` where items are maps that can be changed in part",
                "add `x-kubernetes-map-type: atomic` to the items, or write `atomic` or `map`",
            );
        }
        "map" => {
            let names = items(schema, "x-kubernetes-list-map-keys");
            if names.is_empty() {
                findings.missing(schema, "x-kubernetes-list-map-keys", "the list is a map", "name its keys");
            }
            names.iter().for_each(|name| key(name, inner, findings));
        }
        _ => {}
    }
}

/// A key of a list must be a field that every item has.
fn key(name: &Node, inner: &Node, findings: &mut Findings<'_>) {
    let text = name.as_str().unwrap_or_default();
    let Some(property) = field(inner, "properties").and_then(|properties| field(properties, text)) else {
        findings.broken(name, "is no property of the items", "name one of their properties");
        return;
    };
    let is_required = items(inner, "required").iter().any(|required| required.as_str() == Some(text));
    if !is_required && field(property, "default").is_none() {
        findings.broken(
            name,
            "must be required, or have a default",
            format!("add `{text}` to `required` of the items"),
        );
    }
}

fn embedded(schema: &Node, findings: &mut Findings<'_>) {
    let node = field(schema, "x-kubernetes-embedded-resource").unwrap_or(schema);
    if text(schema, "type") != "object" {
        findings.broken(node, "needs `type: object`", "remove it, or make this an object");
    } else if properties(schema).next().is_none() && !says(schema, "x-kubernetes-preserve-unknown-fields") {
        findings.broken(
            node,
            "needs `properties`, or `x-kubernetes-preserve-unknown-fields: true`",
            "add one of them",
        );
    }
}

fn rules(schema: &Node, findings: &mut Findings<'_>) {
    for rule in items(schema, "x-kubernetes-validations") {
        let condition = text(rule, "rule").trim();
        if condition.is_empty() {
            findings.missing(rule, "rule", "it cannot be empty", "add the rule");
        } else if condition.contains('\n') && text(rule, "message").is_empty() {
            findings.missing(
                rule,
                "message",
                "the rule has several lines",
                "say in a message what it asks for",
            );
        }
        if let Some(node) =
            field(rule, "reason").filter(|n| n.as_str().is_some_and(|r| !REASONS.contains(&r)))
        {
            findings.broken(node, "is no reason", format!("possible: {}", REASONS.join(", ")));
        }
    }
}

/// A default must itself be allowed, as far as types and values say it.
fn default(schema: &Node, findings: &mut Findings<'_>) {
    let Some(given) = field(schema, "default") else { return };
    let is_due = match (text(schema, "type"), &given.value) {
        ("string", Value::String(_))
        | ("boolean", Value::Bool(_))
        | ("array", Value::List(_))
        | ("object", Value::Map(_))
        | ("number", Value::Number(_))
        | ("", _) => true,
        ("integer", Value::Number(number)) => number.is_i64() || number.is_u64(),
        _ => false,
    };
    if !is_due {
        let words = format!("must be of the type `{}`", text(schema, "type"));
        findings.broken(given, words, "write a value that the field may have");
        return;
    }
    let values = items(schema, "enum");
    if !values.is_empty() && !values.iter().any(|value| value.value == given.value) {
        findings.broken(given, "is none of the values of `enum`", "write one of them");
    }
    let is_open = says(schema, "x-kubernetes-preserve-unknown-fields")
        || field(schema, "additionalProperties").is_some();
    for (name, value) in given.as_map().into_iter().flat_map(|map| map.iter()).filter(|_| !is_open) {
        if !properties(schema).any(|(known, _)| known == name) {
            findings.broken(value, "is no field here", "give fields that `properties` has");
        }
    }
}

/// Checks a part of `allOf` and its like.
fn alternative(schema: &Node, findings: &mut Findings<'_>) {
    let is_choice_of_types =
        |keyword: &str| keyword == "type" && matches!(text(schema, "type"), "integer" | "string");
    for keyword in OUTSIDE {
        let Some(node) = field(schema, keyword) else { continue };
        // `x-kubernetes-int-or-string` may be spelled out.
        if !is_choice_of_types(keyword) || schema.as_map().is_some_and(|map| map.entries.len() > 1) {
            findings.broken(node, "cannot stand in an alternative", "move it out of it");
        }
    }
    properties(schema).for_each(|(_, property)| alternative(property, findings));
    for inner in ["items", "not"].iter().filter_map(|keyword| field(schema, keyword)) {
        alternative(inner, findings);
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        items(schema, keyword).iter().for_each(|one| alternative(one, findings));
    }
}
