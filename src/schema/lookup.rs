//! What a schema says, found through its references and combinations.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use crate::yaml::pointer_steps;

/// References may nest this deep; beyond that they go round in circles.
const MAX_DEPTH: usize = 24;

/// A schema's root, to resolve references against.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'s>(pub &'s Json);

impl<'s> Lookup<'s> {
    /// Returns the schema object that holds the keyword at a location such as `/$defs/x/properties/y/type`.
    pub fn holder(self, location: &str) -> Option<&'s Json> {
        self.0.pointer(location.rsplit_once('/').map_or("", |(parent, _)| parent))
    }

    /// Returns the schema of the value at a pointer into the tree, as far as properties and items lead to it.
    pub fn at(self, pointer: &str) -> Option<&'s Json> {
        pointer_steps(pointer).try_fold(self.0, |schema, step| {
            self.property(schema, &step).or_else(|| {
                let schema = self.resolve(schema);
                let is_index = step.bytes().all(|b| b.is_ascii_digit());
                let items = schema.get("items").filter(|_| is_index);
                items.or_else(|| schema.get("additionalProperties"))
            })
        })
    }

    /// Follows `$ref`.
    pub fn resolve(self, schema: &'s Json) -> &'s Json {
        let mut schema = schema;
        for _ in 0..MAX_DEPTH {
            let Some(target) = self.target(schema) else { break };
            schema = target;
        }
        schema
    }

    fn target(self, schema: &'s Json) -> Option<&'s Json> {
        let pointer = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
        self.0.pointer(pointer)
    }

    /// Visits a schema and all that applies to the same value through references and combinations.
    fn visit(self, schema: &'s Json, depth: usize, f: &mut dyn FnMut(&'s Map<String, Json>)) {
        let Some(object) = schema.as_object() else { return };
        if depth > MAX_DEPTH {
            return;
        }
        f(object);
        if let Some(target) = self.target(schema) {
            self.visit(target, depth + 1, f);
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let parts = object.get(keyword).and_then(Json::as_array);
            parts.into_iter().flatten().for_each(|part| self.visit(part, depth + 1, f));
        }
        for keyword in ["if", "then", "else"] {
            if let Some(part) = object.get(keyword) {
                self.visit(part, depth + 1, f);
            }
        }
        let dependent = object.get("dependentSchemas").and_then(Json::as_object);
        dependent.into_iter().flat_map(Map::values).for_each(|part| self.visit(part, depth + 1, f));
    }

    /// Lists the properties that a schema knows, in its order, each once.
    pub fn properties(self, schema: &'s Json) -> Vec<(&'s str, &'s Json)> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        self.visit(schema, 0, &mut |object| {
            for (name, property) in object.get("properties").and_then(Json::as_object).into_iter().flatten() {
                if !property.is_boolean() && seen.insert(name.as_str()) {
                    found.push((name.as_str(), property));
                }
            }
        });
        found
    }

    /// Returns a property's schema, whatever part of the schema declares it.
    pub fn property(self, schema: &'s Json, name: &str) -> Option<&'s Json> {
        self.properties(schema).into_iter().find(|(key, _)| *key == name).map(|(_, property)| property)
    }

    /// Lists the properties that must be there: the schema's own, without those of alternatives.
    pub fn required(self, schema: &'s Json) -> Vec<&'s str> {
        let mut parts = vec![(schema, 0)];
        let mut found = Vec::new();
        while let Some((part, depth)) = parts.pop() {
            let names = part.get("required").and_then(Json::as_array).into_iter().flatten();
            found.extend(names.filter_map(Json::as_str));
            if depth < MAX_DEPTH {
                parts.extend(self.target(part).map(|target| (target, depth + 1)));
                let all = part.get("allOf").and_then(Json::as_array).into_iter().flatten();
                parts.extend(all.map(|item| (item, depth + 1)));
            }
        }
        found
    }

    /// Lists the types that a schema takes; empty if it does not say.
    pub fn types(self, schema: &'s Json) -> Vec<&'s str> {
        let mut schema = schema;
        for _ in 0..MAX_DEPTH {
            match schema.get("type") {
                Some(Json::String(name)) => return vec![name],
                Some(Json::Array(names)) => return names.iter().filter_map(Json::as_str).collect(),
                _ => {}
            }
            if let Some(next) = self.target(schema) {
                schema = next;
                continue;
            }
            if let Some(value) = schema.get("const") {
                return vec![type_of(value)];
            }
            if let Some(values) = schema.get("enum").and_then(Json::as_array) {
                return union(values.iter().map(|value| vec![type_of(value)]));
            }
            if let Some(parts) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Json::as_array)
            {
                return union(parts.iter().map(|part| self.types(part)));
            }
            let typed = schema.get("allOf").and_then(Json::as_array).into_iter().flatten();
            match typed.clone().map(|part| self.types(part)).find(|types| !types.is_empty()) {
                Some(types) => return types,
                None if schema.get("properties").is_some() => return vec!["object"],
                None => return Vec::new(),
            }
        }
        Vec::new()
    }

    /// Lists the values that a schema takes, if it takes only some.
    pub fn values(self, schema: &'s Json) -> Option<Vec<&'s Json>> {
        let mut found = None;
        self.visit(schema, 0, &mut |object| {
            if found.is_none() {
                found = match (object.get("const"), object.get("enum").and_then(Json::as_array)) {
                    (Some(value), _) => Some(vec![value]),
                    (None, Some(values)) => Some(values.iter().collect()),
                    _ => None,
                };
            }
        });
        found
    }

    /// Returns the first value of an annotation such as `title`, through references.
    pub fn annotation(self, schema: &'s Json, name: &str) -> Option<&'s Json> {
        let mut schema = schema;
        for _ in 0..MAX_DEPTH {
            if let Some(value) = schema.get(name) {
                return Some(value);
            }
            let all = schema.get("allOf").and_then(Json::as_array);
            let next = self.target(schema).or_else(|| all.and_then(|all| all.first()));
            schema = next?;
        }
        None
    }

    /// Lists the paths at which the schema knows a property of this name, no more than `max` levels down.
    pub fn paths_of(self, name: &str, max: usize) -> Vec<String> {
        let mut found = Vec::new();
        self.search(self.0, name, &mut Vec::new(), max, &mut found);
        found
    }

    fn search(
        self,
        schema: &'s Json,
        name: &str,
        path: &mut Vec<String>,
        max: usize,
        found: &mut Vec<String>,
    ) {
        if path.len() >= max || found.len() > 8 {
            return;
        }
        for (key, property) in self.properties(schema) {
            path.push(key.to_owned());
            if key == name && !found.contains(&path.join(".")) {
                found.push(path.join("."));
            }
            self.search(property, name, path, max, found);
            path.pop();
        }
    }
}

fn union<'s>(types: impl Iterator<Item = Vec<&'s str>>) -> Vec<&'s str> {
    let mut found = Vec::new();
    for part in types {
        if part.is_empty() {
            return part;
        }
        for name in part {
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

fn type_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_f64() => "number",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}
