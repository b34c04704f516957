//! Kinds and profiles: built in, and from the user's own folders. A kind is data: a schema, a template, an example.

pub mod shape;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::Value as Json;

use crate::schema::Schema;
use shape::Shape;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// A kind of manifest.
#[derive(Debug)]
pub struct Kind {
    /// Kebab-case, as its files are called: `kubernetes-job`.
    pub name: String,
    json: Json,
    compiled: OnceLock<Arc<Schema>>,
}

impl Kind {
    fn load(name: &str) -> Option<Kind> {
        let mut json = parse_schema(name)?;
        inline_common(&mut json);
        Some(Kind { name: name.to_owned(), json, compiled: OnceLock::new() })
    }

    /// Returns the schema's root.
    pub fn shape(&self) -> Shape<'_> {
        Shape::root(&self.json)
    }

    /// Returns the schema as it is written, with what it shares inside.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// Returns the schema, compiled on first use.
    pub fn schema(&self) -> Arc<Schema> {
        let compile = || Schema::compile(self.json.clone()).map(Arc::new);
        let compiled = self.compiled.get_or_init(|| {
            compile().unwrap_or_else(|error| {
                panic!("the built-in schema `{}` does not compile: {error}", self.name)
            })
        });
        Arc::clone(compiled)
    }

    pub fn api_versions(&self) -> Vec<&str> {
        let accepted = &self.json["properties"]["apiVersion"];
        match (&accepted["enum"], &accepted["const"]) {
            (Json::Array(values), _) => values.iter().filter_map(Json::as_str).collect(),
            (_, Json::String(value)) => vec![value.as_str()],
            _ => Vec::new(),
        }
    }

    /// Returns the name and text of the kind's template.
    pub fn template(&self) -> (String, &'static str) {
        let text = text_of(embedded::TEMPLATES, &self.name).unwrap_or_default();
        (format!("{}.yaml", self.name), text)
    }

    /// Returns a manifest of this kind to start from.
    pub fn example(&self) -> &'static str {
        text_of(embedded::EXAMPLES, &self.name).unwrap_or_default()
    }
}

/// All kinds of this run. Schemas are parsed when a manifest of their kind comes by.
#[derive(Debug, Default)]
pub struct Catalog {
    kinds: Mutex<BTreeMap<String, Option<Arc<Kind>>>>,
}

impl Catalog {
    /// Returns the kind that takes manifests with this `kind`, whatever their `apiVersion`.
    pub fn kind(&self, kind: &str) -> Option<Arc<Kind>> {
        let name = kebab_case(kind);
        if pascal_case(&name) != kind {
            return None;
        }
        let mut kinds = self.kinds.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kinds.entry(name).or_insert_with_key(|name| Kind::load(name).map(Arc::new)).clone()
    }

    /// Lists the kinds' names as manifests write them.
    pub fn kinds(&self) -> Vec<String> {
        let names = embedded::SCHEMAS.iter().map(|(name, _)| *name).filter(|name| *name != COMMON);
        names.map(pascal_case).collect()
    }

    /// Returns the text of a template by its file name, for `{% import %}`.
    pub fn template(&self, file: &str) -> Option<&'static str> {
        text_of(embedded::TEMPLATES, file.strip_suffix(".yaml")?)
    }
}

const COMMON: &str = "common";

fn parse_schema(name: &str) -> Option<Json> {
    let text = text_of(embedded::SCHEMAS, name)?;
    Some(
        serde_json::from_str(text).unwrap_or_else(|error| panic!("schemas/{name}.json is not JSON: {error}")),
    )
}

fn text_of(table: &'static [(&str, &[u8])], name: &str) -> Option<&'static str> {
    let (_, bytes) = table.iter().find(|(stem, _)| *stem == name)?;
    std::str::from_utf8(bytes).ok()
}

/// Makes a schema stand alone: copies what `common.json` shares into it and turns the references inward.
fn inline_common(json: &mut Json) {
    let Some(mut common) = parse_schema(COMMON) else { return };
    let Some(shared) = common.get_mut("$defs").map(Json::take) else { return };
    turn_inward(json);
    let defs =
        json.as_object_mut().map(|o| o.entry("$defs").or_insert_with(|| Json::Object(Default::default())));
    if let (Some(Json::Object(defs)), Json::Object(shared)) = (defs, shared) {
        for (name, definition) in shared {
            let own = defs.insert(name.clone(), definition);
            assert!(own.is_none(), "`$defs/{name}` is in common.json and in a kind's schema");
        }
    }
}

fn turn_inward(json: &mut Json) {
    match json {
        Json::Object(members) => {
            if let Some(Json::String(reference)) = members.get_mut("$ref")
                && let Some(pointer) = reference.strip_prefix("common.json")
            {
                *reference = pointer.to_owned();
            }
            members.values_mut().for_each(turn_inward);
        }
        Json::Array(items) => items.iter_mut().for_each(turn_inward),
        _ => {}
    }
}

/// `KubernetesCronJob` → `kubernetes-cron-job`.
fn kebab_case(kind: &str) -> String {
    let mut name = String::new();
    for c in kind.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// `kubernetes-cron-job` → `KubernetesCronJob`.
fn pascal_case(name: &str) -> String {
    name.split('-')
        .map(|word| {
            word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_back_and_forth() {
        assert_eq!(kebab_case("KubernetesCronJob"), "kubernetes-cron-job");
        assert_eq!(pascal_case("kubernetes-cron-job"), "KubernetesCronJob");
    }

    #[test]
    fn every_kind_has_a_template_an_example_and_accepts_an_api_version() {
        let catalog = Catalog::default();
        for name in catalog.kinds() {
            let kind = catalog.kind(&name).unwrap();
            assert!(!kind.template().1.is_empty(), "{name} has no template");
            assert!(!kind.example().is_empty(), "{name} has no example");
            assert!(!kind.api_versions().is_empty(), "{name} takes no apiVersion");
        }
    }

    #[test]
    fn every_property_has_a_description() {
        fn check(json: &Json, path: &str) {
            if let Some(properties) = json.get("properties").and_then(Json::as_object) {
                for (name, property) in properties {
                    let described = property.get("description").is_some() || property.get("$ref").is_some();
                    assert!(described, "{path}/{name} has no description");
                }
            }
            if let Some(members) = json.as_object() {
                members.iter().for_each(|(name, member)| check(member, &format!("{path}/{name}")));
            }
        }
        for (name, _) in embedded::SCHEMAS {
            check(&parse_schema(name).unwrap(), name);
        }
    }
}
