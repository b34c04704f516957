//! A tree and a JSON Schema (2020-12) → what the tree has wrong, at its place and in the words of its file.
//!
//! A map's key whose value is null counts as absent, as it does to Kubernetes and to protojson.

mod branch;
mod choice;
mod explain;
mod fields;
pub mod format;
mod limit;
mod lookup;
mod mend;
mod spot;
mod tree;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::diagnostic::Diagnostic;
use crate::source::Sources;
use crate::yaml::Node;
use tree::Tree;

/// What keeps a schema from being compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// JSON pointer into the schema.
    pub pointer: String,
    pub message: String,
}

/// A compiled schema.
pub struct Schema {
    validator: jsonschema::Validator<Tree>,
    json: Arc<Json>,
}

impl Schema {
    /// Compiles a self-contained schema: each `$ref` begins with `#`.
    pub fn compile(json: impl Into<Arc<Json>>) -> Result<Schema, Unusable> {
        let json = json.into();
        let mut options = jsonschema::options_for::<Tree>()
            .with_draft(jsonschema::Draft::Draft202012)
            .offline()
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true);
        for (name, check) in format::checks() {
            options = options.with_format(name, move |text: &str| check(text).is_ok());
        }
        let validator = options.build(&json).map_err(|error| Unusable {
            pointer: error.instance_path().as_str().to_owned(),
            message: error.to_string(),
        })?;
        Ok(Schema { validator, json })
    }

    pub fn json(&self) -> &Json {
        &self.json
    }

    pub fn is_valid(&self, root: &Node) -> bool {
        self.validator.is_valid(tree::handle(root))
    }

    /// Returns what is wrong, in the order of the text. Empty exactly if the tree is valid.
    pub fn check(&self, root: &Node, sources: &Sources) -> Vec<Diagnostic> {
        if self.is_valid(root) {
            return Vec::new();
        }
        let explainer = explain::Explainer { schema: &self.json, root, sources };
        let errors = self.validator.iter_errors(tree::handle(root));
        explain::arrange(errors.flat_map(|error| explainer.explain(&error)).collect())
    }
}

/// Lists the definitions that a schema refers to by itself: the names below `$defs`.
pub fn references(schema: &Json, found: &mut Vec<String>) {
    match schema {
        Json::Object(members) => {
            let reference = members.get("$ref").and_then(Json::as_str);
            let path = reference.and_then(|reference| reference.strip_prefix("#/$defs/"));
            found.extend(path.and_then(|path| path.split('/').next()).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Json::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Leaves those definitions that a schema needs, and those that these need.
pub fn retain_needed(definitions: &mut Map<String, Json>, schema: &Json) {
    let mut needed = BTreeSet::new();
    let mut open = Vec::new();
    references(schema, &mut open);
    while let Some(name) = open.pop() {
        if let Some(definition) = definitions.get(&name).filter(|_| needed.insert(name)) {
            references(definition, &mut open);
        }
    }
    definitions.retain(|name, _| needed.contains(name));
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schema").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
