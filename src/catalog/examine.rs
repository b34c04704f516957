//! A schema of the user's own → what would keep it from being used, at its line.

use std::sync::OnceLock;

use serde_json::Value as Json;

use super::inline::COMMON;
use super::shape::{KUBERNETES_FIELD, Shape};
use super::written::Written;
use super::{circle, paths};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::schema::{Schema, format};
use crate::source::Place;
use crate::yaml::Node;

/// Keywords that schemas may carry beside ours; any other that looks like one of these is a misspelling.
const KEYWORDS: &[&str] = &[
    "$anchor",
    "$comment",
    "$defs",
    "$id",
    "$ref",
    "$schema",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "default",
    "dependentRequired",
    "dependentSchemas",
    "deprecated",
    "description",
    "else",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if",
    "items",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "readOnly",
    "required",
    "then",
    "title",
    "type",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
    "writeOnly",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
];
/// Formats of JSON Schema and of Kubernetes, beside ours.
const FORMATS: &[&str] = &[
    "binary",
    "byte",
    "date",
    "date-time",
    "double",
    "email",
    "float",
    "hostname",
    "idn-email",
    "idn-hostname",
    "int32",
    "int64",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "password",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
];

/// What is said of our own keywords: which there are, and what their values are like.
pub(super) fn meta() -> &'static Json {
    static META: OnceLock<Json> = OnceLock::new();
    META.get_or_init(|| serde_json::from_str(include_str!("meta.json")).expect("meta.json is JSON"))
}

fn meta_schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| Schema::compile(meta().clone()).expect("meta.json is a schema"))
}

fn own_keywords() -> impl Iterator<Item = &'static str> {
    meta()["properties"].as_object().into_iter().flat_map(|properties| properties.keys().map(String::as_str))
}

/// Looks at the files as they are written.
pub(super) fn examine(written: &Written, title: &str, built_in_common: &Json) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    written.visit(&mut |schema| {
        misspelt_keywords(schema, &mut findings);
        misspelt_format(schema, &mut findings);
        unknown_kubernetes_field(schema, &mut findings);
        findings.extend(meta_schema().check(schema, &written.sources));
    });
    let references = References { written, built_in: built_in_common };
    references.check(&mut findings);
    paths::examine(written, &mut findings);
    identity(written, title, &mut findings);
    findings
}

/// Compiles a schema that stands alone.
pub(super) fn compile(json: &Json, written: &Written) -> Result<Schema, Vec<Diagnostic>> {
    if let Some(pointer) = circle::circle(json) {
        let finding =
            Diagnostic::error("bad-kind", "this reference leads back to itself, without a value between")
                .at(written.place(&pointer))
                .help("refer to it from `properties` or `items`, or remove the reference");
        return Err(vec![finding]);
    }
    Schema::compile(json.clone()).map_err(|wrong| {
        let place = written.place(&wrong.pointer);
        if let Some(name) = json.pointer(&wrong.pointer).filter(|_| wrong.pointer.ends_with("/type")) {
            return vec![unknown_type(name).at(place)];
        }
        let finding = Diagnostic::error("bad-kind", format!("this schema cannot be used: {}", wrong.message));
        vec![finding.at(place).help("see the keyword in JSON Schema 2020-12")]
    })
}

fn unknown_type(name: &Json) -> Diagnostic {
    const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
    let shown = name.as_str().map_or(name.to_string(), str::to_owned);
    let finding = Diagnostic::error("bad-kind", format!("there is no type `{shown}`"));
    match did_you_mean(&shown, TYPES) {
        Some(near) => finding.label(format!("did you mean `{near}`?")),
        None => finding.help(format!("there is {}", TYPES.join(", "))),
    }
}

fn misspelt_keywords(schema: &Node, findings: &mut Vec<Diagnostic>) {
    for (key, _) in schema.as_map().into_iter().flat_map(|map| &map.entries) {
        let known = || KEYWORDS.iter().copied().chain(own_keywords());
        if known().any(|keyword| keyword == key.text) {
            continue;
        }
        if let Some(near) = did_you_mean(&key.text, known()) {
            let message = format!("there is no keyword `{}`", key.text);
            findings.push(
                Diagnostic::error("bad-kind", message).at(key.place).label(format!("did you mean `{near}`?")),
            );
        }
    }
}

fn misspelt_format(schema: &Node, findings: &mut Vec<Diagnostic>) {
    let Some((node, name)) = schema.get("format").and_then(|node| Some((node, node.as_str()?))) else {
        return;
    };
    let known = || format::names().chain(FORMATS.iter().copied());
    if known().any(|format| format == name) {
        return;
    }
    if let Some(near) = did_you_mean(name, known()) {
        let finding = Diagnostic::error("bad-kind", format!("there is no format `{name}`"));
        findings.push(finding.at(node.place).label(format!("did you mean `{near}`?")));
    }
}

fn unknown_kubernetes_field(schema: &Node, findings: &mut Vec<Diagnostic>) {
    let named = schema.get(KUBERNETES_FIELD).and_then(|node| Some((node, node.as_str()?)));
    if let Some((node, path)) = named.filter(|(_, path)| Shape::of_kubernetes_field(path).is_none()) {
        let message = format!("Kubernetes has no field `{path}`");
        let finding = Diagnostic::error("bad-kind", message).at(node.place);
        findings
            .push(finding.help("write a kind and a path, `Pod.spec.affinity`; `daphnia explain` finds them"));
    }
}

/// A manifest names its kind and its apiVersion, so the schema says which.
fn identity(written: &Written, title: &str, findings: &mut Vec<Diagnostic>) {
    let root = &written.files[0].root;
    let property = |name: &str| root.at(["properties", name]);
    let says = |node: &Node, keyword: &str| node.get(keyword).map(Node::to_json);
    let kind = property("kind").and_then(|node| Some((node, says(node, "const")?)));
    if let Some((node, wrong)) = kind.filter(|(_, value)| value != title) {
        let message = format!("the schema in this file is that of `{title}`, and here it says {wrong}");
        findings.push(
            Diagnostic::error("bad-kind", message)
                .at(node.get("const").map_or(node.place, |node| node.place))
                .help(format!("write `\"const\": \"{title}\"`, or rename the file")),
        );
    }
    let accepts = property("apiVersion").is_some_and(|node| {
        let is_text = |value: &Json| value.as_str().is_some_and(|text| !text.is_empty());
        let listed = says(node, "enum").and_then(|list| Some(list.as_array()?.iter().any(is_text)));
        listed.unwrap_or(false) || says(node, "const").is_some_and(|value| is_text(&value))
    });
    if !accepts {
        let at = property("apiVersion").or(root.get("properties")).map_or(written.start(), |node| node.place);
        let message = format!("the schema does not say which `apiVersion` a {title} has");
        findings.push(Diagnostic::error("bad-kind", message).at(at).help(
            "below `properties`, write `\"apiVersion\": {\"const\": \"platform.example.com/v1\"}`, with a domain of your own",
        ));
    }
}

/// Where references may lead.
struct References<'a> {
    written: &'a Written,
    built_in: &'a Json,
}

impl References<'_> {
    fn check(&self, findings: &mut Vec<Diagnostic>) {
        let own = self.written.files[0].root.place.source;
        self.written.visit(&mut |schema| {
            let Some((node, text)) = schema.get("$ref").and_then(|node| Some((node, node.as_str()?))) else {
                return;
            };
            let is_common = node.place.source != own;
            findings.extend(self.check_one(text, node.place, is_common));
        });
    }

    fn check_one(&self, text: &str, place: Place, is_common: bool) -> Option<Diagnostic> {
        let wrong = |message: String| Diagnostic::error("bad-kind", message).at(place);
        let files = &self.written.files;
        let of_folder = files.get(1).map(|file| &file.json);
        let homes: Vec<&Json> = match text.split_once('#') {
            Some(("", "")) if !is_common => return None,
            Some(("", _)) => vec![if is_common { &files[1].json } else { &files[0].json }],
            Some((COMMON, _)) if is_common => vec![self.built_in],
            Some((COMMON, _)) => of_folder.into_iter().chain([self.built_in]).collect(),
            _ => {
                let message =
                    format!("a schema cannot refer to `{text}`: it stands alone, but for `{COMMON}`");
                let help = format!("write `#/$defs/NAME`, or `{COMMON}#/$defs/NAME` for what schemas share");
                return Some(wrong(message).help(help));
            }
        };
        let pointer = text.split_once('#').map_or("", |(_, pointer)| pointer);
        let is_shared = is_common || text.starts_with(COMMON);
        let is_definition = pointer.starts_with("/$defs/");
        if homes.iter().any(|home| home.pointer(pointer).is_some()) && (is_definition || !is_shared) {
            return None;
        }
        let name = pointer.strip_prefix("/$defs/").unwrap_or(pointer);
        let names = homes.iter().filter_map(|home| home["$defs"].as_object()).flat_map(|defs| defs.keys());
        let finding = wrong(format!("there is nothing at `{text}`"));
        Some(match did_you_mean(name, names.map(String::as_str)) {
            Some(near) => finding
                .label(format!("did you mean `{}#/$defs/{near}`?", &text[..text.len() - pointer.len() - 1])),
            None => finding.help("define it below `$defs`"),
        })
    }
}
