//! A structural schema → the strict JSON Schema of what a server that prunes nothing in silence would take.

use serde_json::{Map, Value as Json, json};

use super::{META, metadata};
use crate::schema::Schema;

/// Keywords that mean the same in both.
const SAME: &[&str] = &[
    "enum",
    "pattern",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "description",
    "title",
    "default",
];

/// Formats that the server knows, and where they are not those of JSON Schema what it takes.
const FORMATS: &[(&str, &str, &str)] = &[
    ("duration", r"^\s*[-+]?(0|([0-9]*\.?[0-9]+\s*[a-zµ]+\s*)+)$", "is no duration; write for example `5m`"),
    ("uri", "^(/|[a-zA-Z][a-zA-Z0-9+.-]*:)", "is no URI; write for example `https://example.com`"),
    ("email", "@", "is no address; write for example `a@example.com`"),
    ("mac", "^[0-9a-fA-F]{2}([-:.]?[0-9a-fA-F]{2}){5,19}$", "is no MAC address"),
    ("byte", "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$", "is no base64"),
];
const SHARED_FORMATS: &[&str] = &["date", "date-time", "ipv4", "ipv6", "uuid", "cidr"];

/// Compiles the schema of one version of a kind; `None` if it is none.
pub(super) fn compile(written: &Json, api_version: &str, kind: &str, has_status: bool) -> Option<Schema> {
    let mut schema = strict(written)?;
    identify(&mut schema, written, api_version, kind, has_status);
    schema["$defs"] = metadata().clone();
    Schema::compile(schema.clone())
        .or_else(|_| {
            // Go's patterns are not all patterns here.
            drop_patterns(&mut schema);
            Schema::compile(schema)
        })
        .ok()
}

/// Ties the root to its kind: every object has the same head.
fn identify(schema: &mut Json, written: &Json, api_version: &str, kind: &str, has_status: bool) {
    let own_metadata = written.pointer("/properties/metadata").map(values_only);
    let mut metadata = json!({
        "$ref": format!("#/$defs/{META}"),
        "anyOf": [{"required": ["name"]}, {"required": ["generateName"]}],
        "properties": {"name": {"format": "dns-subdomain"}},
    });
    if let Some(own) = own_metadata {
        metadata["allOf"] = json!([own]);
    }
    let Some(root) = schema.as_object_mut() else { return };
    let required = root.entry("required").or_insert_with(|| json!([]));
    for name in ["apiVersion", "kind", "metadata"] {
        if let Some(names) = required.as_array_mut().filter(|names| !names.contains(&json!(name))) {
            names.push(json!(name));
        }
    }
    let properties = root.entry("properties").or_insert_with(|| json!({}));
    properties["apiVersion"] = json!({"const": api_version});
    properties["kind"] = json!({"const": kind});
    properties["metadata"] = metadata;
    if let Some(status) = properties.get_mut("status").filter(|_| has_status) {
        // It is not taken from who creates the object, but its fields must be known.
        *status = names_only(status);
    }
}

/// Turns a part of the structural schema.
fn strict(written: &Json) -> Option<Json> {
    let members = written.as_object()?;
    let mut schema = constraints(written);
    let turned = schema.as_object_mut()?;
    let is = |keyword: &str| members.get(keyword) == Some(&Json::Bool(true));
    let mut properties = Map::new();
    for (name, property) in members.get("properties").and_then(Json::as_object).into_iter().flatten() {
        properties.insert(name.clone(), strict(property)?);
    }
    if is("x-kubernetes-embedded-resource") {
        properties.insert("apiVersion".into(), json!({"type": "string", "minLength": 1}));
        properties.insert("kind".into(), json!({"type": "string", "minLength": 1}));
        properties.insert("metadata".into(), json!({"$ref": format!("#/$defs/{META}")}));
        let required = turned.entry("required").or_insert_with(|| json!([]));
        required.as_array_mut()?.extend([json!("apiVersion"), json!("kind")]);
    }
    let is_map = members.get("type").and_then(Json::as_str) == Some("object");
    match members.get("additionalProperties") {
        Some(Json::Object(_)) => {
            let more = strict(&members["additionalProperties"])?;
            turned.insert("additionalProperties".into(), more);
        }
        Some(Json::Bool(true)) => {}
        _ if is_map && !is("x-kubernetes-preserve-unknown-fields") => {
            turned.insert("additionalProperties".into(), json!(false));
        }
        _ => {}
    }
    if is_map {
        turned.insert("properties".into(), Json::Object(properties));
    }
    if let Some(items) = members.get("items") {
        turned.insert("items".into(), strict(items)?);
    }
    Some(schema)
}

/// Turns what a schema says of one value itself.
fn constraints(written: &Json) -> Json {
    let Some(members) = written.as_object() else { return written.clone() };
    let mut schema = Map::new();
    for keyword in SAME {
        if let Some(value) = members.get(*keyword) {
            schema.insert((*keyword).to_owned(), value.clone());
        }
    }
    if members.get("x-kubernetes-int-or-string") == Some(&Json::Bool(true)) {
        schema.insert("type".into(), json!(["integer", "string"]));
    } else if let Some(name) = members.get("type") {
        let is_nullable = members.get("nullable") == Some(&Json::Bool(true));
        let due = if is_nullable { json!([name, "null"]) } else { name.clone() };
        schema.insert("type".into(), due);
    }
    bounds(members, &mut schema);
    format(members, &mut schema);
    if let Some(required) = members.get("required").and_then(Json::as_array) {
        // A field that is there and null counts as absent here; where it may be null, `complete` looks for it.
        let may_be_null = |name: &&Json| {
            let property = name.as_str().and_then(|name| members.get("properties")?.get(name));
            property.is_some_and(|property| property.get("nullable") == Some(&Json::Bool(true)))
        };
        let names = required.iter().filter(|name| !may_be_null(name)).cloned().collect();
        schema.insert("required".into(), Json::Array(names));
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        if let Some(parts) = members.get(keyword).and_then(Json::as_array) {
            schema.insert(keyword.into(), parts.iter().map(values_only).collect());
        }
    }
    if let Some(part) = members.get("not") {
        schema.insert("not".into(), values_only(part));
    }
    Json::Object(schema)
}

/// Turns what a schema says of values, and nothing of which fields there are: what stands in `allOf` and its like
/// may say no more.
fn values_only(written: &Json) -> Json {
    let mut schema = constraints(written);
    for keyword in ["items", "additionalProperties"] {
        if let Some(part) = written.get(keyword) {
            schema[keyword] = values_only(part);
        }
    }
    if let Some(properties) = written.get("properties").and_then(Json::as_object) {
        let properties = properties.iter().map(|(name, property)| (name.clone(), values_only(property)));
        schema["properties"] = Json::Object(properties.collect());
    }
    schema
}

/// In an OpenAPI schema `exclusiveMinimum` says how `minimum` is meant.
fn bounds(members: &Map<String, Json>, schema: &mut Map<String, Json>) {
    for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        let Some(value) = members.get(bound) else { continue };
        let is_exclusive = members.get(exclusive) == Some(&Json::Bool(true));
        schema.insert(if is_exclusive { exclusive } else { bound }.to_owned(), value.clone());
    }
}

fn format(members: &Map<String, Json>, schema: &mut Map<String, Json>) {
    let Some(name) = members.get("format").and_then(Json::as_str) else { return };
    let wide = match name {
        "int32" => json!({"minimum": i32::MIN, "maximum": i32::MAX}),
        "int64" => json!({"minimum": i64::MIN, "maximum": i64::MAX}),
        _ if SHARED_FORMATS.contains(&name) => json!({"format": name}),
        _ => match FORMATS.iter().find(|(known, ..)| *known == name) {
            Some((_, pattern, why)) => json!({"pattern": pattern, "x-pattern-message": why}),
            None => return,
        },
    };
    schema.insert("allOf".into(), json!([wide]));
}

/// Keeps of a schema only which fields there are.
fn names_only(schema: &Json) -> Json {
    let mut kept = Map::new();
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        match (keyword.as_str(), value) {
            ("properties", Json::Object(properties)) => {
                let names = properties.iter().map(|(name, property)| (name.clone(), names_only(property)));
                kept.insert(keyword.clone(), Json::Object(names.collect()));
            }
            ("items" | "additionalProperties", Json::Object(_)) => {
                kept.insert(keyword.clone(), names_only(value));
            }
            ("additionalProperties", _) => _ = kept.insert(keyword.clone(), value.clone()),
            _ => {}
        }
    }
    Json::Object(kept)
}

fn drop_patterns(schema: &mut Json) {
    match schema {
        Json::Object(members) => {
            members.retain(|keyword, value| keyword != "pattern" || !value.is_string());
            members.values_mut().for_each(drop_patterns);
        }
        Json::Array(items) => items.iter_mut().for_each(drop_patterns),
        _ => {}
    }
}
