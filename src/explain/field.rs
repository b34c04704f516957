//! A field's shape → type, default, allowed values, limits, and the fields below it.

use serde_json::Value as Json;

use super::rule::{RuleLine, rules_of};
use super::{Topic, folded};
use crate::catalog::shape::{KUBERNETES_FIELD, Shape};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::schema::format;

/// What a schema says of a kind or of a field.
#[derive(Debug)]
pub struct Explanation {
    /// The path as the schema spells it: `KubernetesJob.spec.image`.
    pub path: String,
    pub type_name: String,
    pub is_required: bool,
    pub description: String,
    /// What there is to say beside: `default`, `allowed`, `format` …, each with its words.
    pub facts: Vec<(&'static str, String)>,
    pub rules: Vec<RuleLine>,
    pub fields: Vec<FieldLine>,
}

/// A field below the one that is explained.
#[derive(Debug)]
pub struct FieldLine {
    pub name: String,
    pub type_name: String,
    pub is_required: bool,
    pub description: String,
}

/// How deep lists of maps of lists are looked through for fields.
const DEPTH: usize = 4;

pub(super) fn explain(topic: &Topic, path: &[&str]) -> Result<Explanation, Box<Diagnostic>> {
    let mut trail = vec![(String::new(), topic.shape())];
    let mut is_required = false;
    for (index, step) in path.iter().enumerate() {
        let (parent, shape) = trail.last().cloned().unwrap_or_else(|| (String::new(), topic.shape()));
        let Some((name, next)) = descend(shape, step) else {
            return match OfKubernetes::find(shape) {
                Some(theirs) => theirs.explain(&format!("{}.{parent}", topic.kind), &path[index..]),
                None => Err(unknown_field(topic, &parent, shape, step)),
            };
        };
        is_required = required(holder(shape)).contains(&name.as_str());
        let separator = if parent.is_empty() { "" } else { "." };
        trail.push((format!("{parent}{separator}{name}"), next));
    }
    let rules = rules_of(&trail);
    let (path, shape) = trail.pop().unwrap_or_else(|| (String::new(), topic.shape()));
    let separator = if path.is_empty() { "" } else { "." };
    let mut explanation = Explanation {
        path: format!("{}{separator}{path}", topic.kind),
        type_name: type_name(shape),
        is_required,
        description: shape.text("description").unwrap_or_default().to_owned(),
        facts: facts(shape),
        rules,
        fields: fields(shape),
    };
    if let Some(theirs) = OfKubernetes::find(holder(shape)) {
        theirs.complete(&mut explanation)?;
    }
    Ok(explanation)
}

/// What Kubernetes says of a map that a kind leaves to it.
struct OfKubernetes<'s> {
    topic: Topic,
    path: Vec<&'s str>,
}

impl<'s> OfKubernetes<'s> {
    fn find(shape: Shape<'s>) -> Option<OfKubernetes<'s>> {
        let mut steps = holder(shape).text(KUBERNETES_FIELD)?.split('.');
        Some(OfKubernetes { topic: Topic::of_kubernetes(steps.next()?, None)?, path: steps.collect() })
    }

    /// Explains a field of the map, which stands at `place` in the kind.
    fn explain(&self, place: &str, rest: &[&str]) -> Result<Explanation, Box<Diagnostic>> {
        let explanation = explain(&self.topic, &[&self.path, rest].concat())?;
        let own = format!("{}.{}", self.topic.kind, self.path.join("."));
        let path = explanation.path.strip_prefix(&own).map(|rest| format!("{place}{rest}"));
        Ok(Explanation { path: path.unwrap_or(explanation.path), ..explanation })
    }

    /// Adds the fields of which the kind itself says nothing.
    fn complete(&self, explanation: &mut Explanation) -> Result<(), Box<Diagnostic>> {
        let theirs = explain(&self.topic, &self.path)?.fields;
        let is_new = |line: &FieldLine| explanation.fields.iter().all(|own| own.name != line.name);
        let new: Vec<FieldLine> = theirs.into_iter().filter(is_new).collect();
        explanation.fields.extend(new);
        Ok(())
    }
}

/// Returns the shape that declares fields: this one, or what a list or a map holds.
fn holder(shape: Shape<'_>) -> Shape<'_> {
    let mut holder = shape;
    for _ in 0..DEPTH {
        if !holder.properties().is_empty() {
            return holder;
        }
        match holder.items().or(holder.values()) {
            Some(inner) => holder = inner,
            None => return holder,
        }
    }
    holder
}

/// Finds a field by its name, any case, `snake_case` too; in a map with free keys any other name is a key.
fn descend<'s>(shape: Shape<'s>, step: &str) -> Option<(String, Shape<'s>)> {
    let holder = holder(shape);
    let properties = holder.properties();
    let found = properties.iter().find(|(name, _)| folded(name) == folded(step));
    if let Some((name, field)) = found {
        return Some(((*name).to_owned(), *field));
    }
    let is_misspelt = did_you_mean(step, properties.iter().map(|(name, _)| *name)).is_some();
    let free = shape.values().or(holder.values()).filter(|_| !is_misspelt);
    free.map(|values| (step.to_owned(), values))
}

fn unknown_field(topic: &Topic, parent: &str, shape: Shape<'_>, step: &str) -> Box<Diagnostic> {
    let place = if parent.is_empty() { topic.kind.clone() } else { format!("{}.{parent}", topic.kind) };
    let properties = holder(shape).properties();
    let names: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let finding = Diagnostic::unable("unknown-field", format!("`{place}` has no field `{step}`"));
    Box::new(match did_you_mean(step, names.iter().copied()) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None if names.is_empty() => finding.help(format!("it is a {}, and has no fields", type_name(shape))),
        None => finding.help(format!("`daphnia explain {place}` lists its fields")),
    })
}

fn fields(shape: Shape<'_>) -> Vec<FieldLine> {
    let holder = holder(shape);
    let required = required(holder);
    let line = |(name, field): (&str, Shape<'_>)| FieldLine {
        name: name.to_owned(),
        type_name: type_name(field),
        is_required: required.contains(&name),
        description: field.text("description").unwrap_or_default().to_owned(),
    };
    holder.properties().into_iter().map(line).collect()
}

/// Lists the fields that must be there whichever of several forms a value takes.
fn required(shape: Shape<'_>) -> Vec<&str> {
    let own = shape.own("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    own.chain(shape.always().into_iter().flat_map(required)).collect()
}

/// `string`, `list of string`, `string or map`.
fn type_name(shape: Shape<'_>) -> String {
    let names = type_names(shape, 0);
    if names.is_empty() { "any".to_owned() } else { names.join(" or ") }
}

fn type_names(shape: Shape<'_>, depth: usize) -> Vec<String> {
    if depth > 2 * DEPTH {
        return Vec::new();
    }
    let inner = |inner: Option<Shape<'_>>| inner.map(|inner| type_names(inner, depth + 1).join(" or "));
    let of = |name: &str| match name {
        "array" => match inner(shape.items()).filter(|inner| !inner.is_empty()) {
            Some(inner) => format!("list of {}", grouped(&inner)),
            None => "list".to_owned(),
        },
        "object" if shape.own("properties").is_none() => match inner(shape.values()) {
            Some(inner) if !inner.is_empty() => format!("map of {}", grouped(&inner)),
            _ => "map".to_owned(),
        },
        "object" => "map".to_owned(),
        other => other.to_owned(),
    };
    let mut names: Vec<String> = match (shape.own("type"), shape.own("enum"), shape.own("const")) {
        (Some(Json::String(name)), ..) => vec![of(name)],
        (Some(Json::Array(listed)), ..) => listed.iter().filter_map(Json::as_str).map(of).collect(),
        (_, Some(Json::Array(values)), _) => values.iter().map(|value| type_of(value).to_owned()).collect(),
        (.., Some(value)) => vec![type_of(value).to_owned()],
        _ => {
            let always = shape.always().into_iter().map(|part| type_names(part, depth + 1));
            always.into_iter().find(|names| !names.is_empty()).unwrap_or_default()
        }
    };
    if names.is_empty() {
        names = shape.choices().into_iter().flat_map(|part| type_names(part, depth + 1)).collect();
    }
    let mut seen = Vec::new();
    names.retain(|name| {
        !seen.contains(name) && {
            seen.push(name.clone());
            true
        }
    });
    names
}

fn grouped(types: &str) -> String {
    if types.contains(" or ") { format!("({types})") } else { types.to_owned() }
}

fn type_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "list",
        Json::Object(_) => "map",
    }
}

fn facts(shape: Shape<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let says_something = |default: &&Json| default.as_object().is_none_or(|map| !map.is_empty());
    if let Some(default) = shape.keyword("default").filter(says_something) {
        facts.push(("default", plain(default)));
    }
    if let Some(values) = shape.keyword("enum").and_then(Json::as_array) {
        facts.push(("allowed", list(values)));
    } else if let Some(value) = shape.keyword("const") {
        facts.push(("allowed", plain(value)));
    }
    if let Some(name) = shape.text("format") {
        let noun = format::noun(name).map(|noun| format!(" ({noun})")).unwrap_or_default();
        facts.push(("format", format!("{name}{noun}")));
    }
    // The ends of integer types are no limits that anyone sets.
    let set = |value: &&Json| value.as_f64().is_some_and(|value| value.abs() < f64::from(i32::MAX));
    for (keyword, name) in [("minimum", "at least"), ("maximum", "at most")] {
        facts.extend(shape.keyword(keyword).filter(set).map(|value| (name, plain(value))));
    }
    if let Some(pattern) = shape.text("pattern") {
        facts.push(("pattern", pattern.to_owned()));
    }
    if let Some(values) = shape.keyword("examples").and_then(Json::as_array) {
        facts.push(("example", list(values)));
    }
    facts
}

fn list(values: &[Json]) -> String {
    values.iter().map(plain).collect::<Vec<_>>().join(", ")
}

fn plain(value: &Json) -> String {
    match value.as_str() {
        Some("") => "\"\"".to_owned(),
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}
