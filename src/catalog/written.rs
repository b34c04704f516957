//! A schema of the user's own, as it is written: JSON, and the same as a tree that knows its lines.

use std::sync::Arc;

use serde_json::Value as Json;

use super::flaws::Flaws;
use super::folder::Text;
use crate::diagnostic::Diagnostic;
use crate::source::{Place, Source, SourceKind, Sources};
use crate::yaml::{self, Node, Value};

/// The files that a kind's schema is written in: its own, then what its folder shares.
#[derive(Debug)]
pub struct Written {
    pub(super) sources: Arc<Sources>,
    pub(super) files: Vec<File>,
}

#[derive(Debug)]
pub(super) struct File {
    pub json: Json,
    pub root: Node,
}

/// Keywords whose value is a schema, a list of them, or a map of them.
const SCHEMA: &[&str] = &[
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "items",
    "unevaluatedItems",
    "contains",
    "not",
    "if",
    "then",
    "else",
];
const SCHEMAS: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
const MAPS: &[&str] = &["properties", "patternProperties", "$defs", "dependentSchemas"];

impl Written {
    pub(super) fn read(texts: &[Text]) -> Result<Written, Flaws> {
        let sources = Arc::new(Sources::default());
        let files: Result<Vec<File>, Vec<Diagnostic>> =
            texts.iter().map(|text| parse(text, &sources)).collect();
        match files {
            Ok(files) => Ok(Written { sources, files }),
            Err(findings) => Err(Flaws::new(&sources, findings)),
        }
    }

    /// Calls `f` with every schema in the files, from the outside inward.
    pub fn visit<'n>(&'n self, f: &mut dyn FnMut(&'n Node)) {
        self.files.iter().for_each(|file| visit(&file.root, f));
    }

    /// Returns where a pointer into the schema leads, or the nearest place before it.
    pub(super) fn place(&self, pointer: &str) -> Place {
        let leads = |file: &&File| file.json.pointer(pointer).is_some();
        let file = self.files.iter().find(leads).unwrap_or(&self.files[0]);
        file.root.nearest(pointer).place
    }

    /// Returns where the default of a field such as `spec.ports[0].protocol` stands.
    pub(super) fn default_of(&self, field: &str) -> Option<Place> {
        let name = field.rsplit('.').next()?.split('[').next()?;
        let mut place = None;
        self.visit(&mut |schema| {
            place = place.or(schema.at(["properties", name, "default"]).map(|default| default.place));
        });
        place
    }

    /// Returns the beginning of the kind's own file.
    pub(super) fn start(&self) -> Place {
        Place { end: self.files[0].root.place.start, ..self.files[0].root.place }
    }

    /// Keeps what was found in these files.
    pub fn flaws(&self, findings: Vec<Diagnostic>) -> Flaws {
        Flaws::new(&self.sources, findings)
    }
}

/// Calls `f` with a schema and all within it.
pub(super) fn visit<'n>(schema: &'n Node, f: &mut dyn FnMut(&'n Node)) {
    let Some(map) = schema.as_map() else { return };
    f(schema);
    for (keyword, value) in map.iter() {
        match &value.value {
            Value::Map(_) if SCHEMA.contains(&keyword) => visit(value, f),
            Value::Map(members) if MAPS.contains(&keyword) => {
                members.iter().for_each(|(_, member)| visit(member, f));
            }
            Value::List(items) if SCHEMAS.contains(&keyword) => items.iter().for_each(|item| visit(item, f)),
            _ => {}
        }
    }
}

fn parse(text: &Text, sources: &Sources) -> Result<File, Vec<Diagnostic>> {
    let id = sources.add(Source::new(SourceKind::Manifest, text.name.clone(), text.text.clone()));
    let bare = text.text.trim_start_matches('\u{feff}');
    let json: Json = serde_json::from_str(bare).map_err(|error| {
        let source = sources.get(id);
        let line = source.line_range(error.line().max(1));
        let at = (line.start + error.column().saturating_sub(1)).min(line.end);
        let words = error.to_string();
        let words = words.split(" at line ").next().unwrap_or_default();
        vec![
            Diagnostic::error("bad-kind", format!("this schema is no JSON: {words}"))
                .at(Place::new(id, at..at))
                .help("JSON has double quotes, no comments, and no comma behind the last item"),
        ]
    })?;
    let (documents, findings) = yaml::read(id, &text.text);
    if !findings.is_empty() {
        return Err(findings);
    }
    let root = documents.into_iter().next().map(|document| document.root);
    let root = root.unwrap_or(Node::new(Value::Null, Place::new(id, 0..0)));
    if root.as_map().is_none() {
        let finding =
            Diagnostic::error("bad-kind", format!("a schema is an object, not a {}", root.type_name()));
        return Err(vec![finding.at(root.place).help("`daphnia schema KubernetesJob` prints one")]);
    }
    Ok(File { json, root })
}
