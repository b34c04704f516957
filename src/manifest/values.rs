//! One spelling for each field before the schema looks, and defaults after the rules have looked.

use serde_json::Value as Json;

use crate::catalog::shape::Shape;
use crate::diagnostic::Diagnostic;
use crate::source::{Place, Source, SourceKind, Sources};
use crate::yaml::{Key, Map, Node, Value};

/// Rewrites the spellings that a schema accepts into the one that rules and templates see: `snake_case` and
/// `x-aliases` for field names, a scalar for `x-shorthand` objects, a map for `x-keyed-by` lists.
pub(super) fn canonicalize(node: &mut Node, shape: Shape<'_>, findings: &mut Vec<Diagnostic>) {
    wrap_shorthand(node, shape);
    list_entries(node, shape);
    match &mut node.value {
        Value::List(items) => {
            if let Some(item_shape) = shape.items() {
                items.iter_mut().for_each(|item| canonicalize(item, item_shape, findings));
            }
        }
        Value::Map(map) => {
            rename_keys(map, shape, findings);
            for (key, value) in &mut map.entries {
                if let Some(field) = shape.property(&key.text) {
                    canonicalize(value, field, findings);
                }
            }
        }
        _ => {}
    }
    if let Some(theirs) = shape.of_kubernetes() {
        canonicalize(node, theirs, findings);
    }
}

/// `namespace: x` → `namespace: {value: x}`.
pub(super) fn wrap_shorthand(node: &mut Node, shape: Shape<'_>) {
    let is_scalar = !matches!(node.value, Value::Map(_) | Value::List(_) | Value::Null);
    if let Some(field) = shape.text("x-shorthand").filter(|_| is_scalar) {
        let place = node.place;
        let value = std::mem::replace(&mut node.value, Value::Null);
        let key = Key::new(field, place);
        node.value = Value::Map(Map { entries: vec![(key, Node::new(value, place))] });
    }
}

/// `{A: {…}}` → `[{name: A, …}]`.
fn list_entries(node: &mut Node, shape: Shape<'_>) {
    let Some(name) = shape.text("x-keyed-by") else { return };
    let Some(item_shape) = shape.items() else { return };
    let Value::Map(map) = &mut node.value else { return };
    let entries = std::mem::take(&mut map.entries);
    let items = entries.into_iter().map(|(key, mut item)| {
        wrap_shorthand(&mut item, item_shape);
        let place = item.place;
        let Key { text, place: key_place } = key;
        let named = (Key::new(name, key_place), Node::string(text, key_place));
        match item.value {
            Value::Map(ref mut fields) => fields.entries.insert(0, named),
            Value::Null => item.value = Value::Map(Map { entries: vec![named] }),
            _ => {}
        }
        // A null entry has no text of its own; its key is what a reader can find.
        item.place = if place.start == place.end { key_place } else { place };
        item
    });
    node.value = Value::List(items.collect());
}

fn rename_keys(map: &mut Map, shape: Shape<'_>, findings: &mut Vec<Diagnostic>) {
    let properties = shape.properties();
    if properties.is_empty() {
        return;
    }
    let aliases = shape.keyword("x-aliases");
    let mut repeated = Vec::new();
    for index in 0..map.entries.len() {
        let written = &map.entries[index].0.text;
        if properties.iter().any(|(name, _)| name == written) {
            continue;
        }
        let alias = aliases
            .and_then(|aliases| aliases.get(written.as_str()))
            .and_then(Json::as_str)
            .map(str::to_owned);
        let declared = |name: &str| properties.iter().any(|(known, _)| *known == name);
        let meant = alias.filter(|name| declared(name)).or_else(|| {
            properties.iter().find(|(name, _)| is_spelt(name, written)).map(|(name, _)| (*name).to_owned())
        });
        let Some(canonical) = meant else { continue };
        let place = map.entries[index].0.place;
        if let Some(first) = map.key(&canonical) {
            let message = format!("`{written}` and `{canonical}` are two spellings of one field");
            let finding = Diagnostic::error("duplicate-key", message)
                .at(place)
                .label("given again here")
                .related(first.place, "first given here")
                .help("keep one of the two");
            findings.push(finding);
            repeated.push(place);
            continue;
        }
        map.entries[index].0.text = canonical.into();
    }
    map.entries.retain(|(key, _)| !repeated.contains(&key.place));
}

/// Says whether a word is a field's name in `snake_case`; `host_ip` is `hostIP`, too.
pub(super) fn is_spelt(name: &str, written: &str) -> bool {
    written.contains('_') && camel_case(written).eq_ignore_ascii_case(name)
}

/// `backoff_limit` → `backoffLimit`.
pub(super) fn camel_case(word: &str) -> String {
    let mut parts = word.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut chars = part.chars();
        camel.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        camel.push_str(chars.as_str());
    }
    camel
}

/// Takes an integer in quotes for what it is, as platforms do whose own libraries write them so.
pub(super) fn unquote_integers(node: &mut Node, shape: Shape<'_>) {
    match &mut node.value {
        Value::String(text) if shape.text("type") == Some("integer") => {
            if let Ok(number) = text.parse::<i64>() {
                node.value = Value::Number(number.into());
            }
        }
        Value::List(items) => {
            if let Some(item_shape) = shape.items() {
                items.iter_mut().for_each(|item| unquote_integers(item, item_shape));
            }
        }
        Value::Map(map) => {
            for (key, value) in &mut map.entries {
                if let Some(field) = shape.property(&key.text) {
                    unquote_integers(value, field);
                }
            }
        }
        _ => {}
    }
}

/// Fills in what the manifest leaves out: each declared field of every object that is there gets its default, or
/// null, so that a template can ask for any field that the schema knows.
pub(super) fn complete(node: &mut Node, shape: Shape<'_>, path: &str, sources: &Sources) {
    let place = node.place;
    match &mut node.value {
        Value::List(items) => {
            if let Some(item_shape) = shape.items() {
                for (index, item) in items.iter_mut().enumerate() {
                    complete(item, item_shape, &format!("{path}[{index}]"), sources);
                }
            }
        }
        Value::Map(map) => {
            for (name, field) in shape.properties() {
                let is_given = map.get(name).is_some_and(|node| !node.is_null());
                if !is_given {
                    map.set(Key::new(name, place), default(field, path, name, place, sources));
                }
            }
            for (key, value) in &mut map.entries {
                if let Some(field) = shape.property(&key.text) {
                    complete(value, field, &join(path, &key.text), sources);
                }
            }
        }
        _ => {}
    }
}

fn default(field: Shape<'_>, path: &str, name: &str, place: Place, sources: &Sources) -> Node {
    match field.keyword("default") {
        Some(default) => {
            let id = sources.add(Source::new(SourceKind::Default, join(path, name), ""));
            Node::from_json(default, Place::new(id, 0..0))
        }
        None => Node::new(Value::Null, place),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Lists the places of values that the schema marks `x-secret`, and of what was written instead of such a value.
pub(super) fn secret_places(node: &Node, shape: Shape<'_>, places: &mut Vec<Place>) {
    let is_scalar_due =
        || shape.items().is_none() && shape.values().is_none() && shape.properties().is_empty();
    match &node.value {
        Value::Null => {}
        Value::List(_) | Value::Map(_) if shape.keyword("x-secret").is_some() && is_scalar_due() => {
            places.push(node.place);
        }
        Value::List(items) => {
            if let Some(item_shape) = shape.items() {
                items.iter().for_each(|item| secret_places(item, item_shape, places));
            }
        }
        Value::Map(map) => {
            for (name, value) in map.iter() {
                if let Some(field) = shape.property(name) {
                    secret_places(value, field, places);
                }
            }
        }
        _ => match shape.keyword("x-secret").map(|secret| secret.as_str()) {
            Some(Some("userinfo")) if !has_userinfo(node) => {}
            Some(_) => places.push(node.place),
            None => {}
        },
    }
}

/// `https://user:token@host/…`.
fn has_userinfo(node: &Node) -> bool {
    let address = node.as_str().and_then(|text| text.split_once("://"));
    address.is_some_and(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default().contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    const SCHEMA: &str = r##"{
      "properties": {
        "backoffLimit": {"type": "integer", "default": 6},
        "namespace": {"x-shorthand": "value", "oneOf": [{"type": "string"}, {"properties": {"value": {"type": "string"}}}]},
        "variables": {
          "x-keyed-by": "name",
          "oneOf": [
            {"type": "array", "items": {"$ref": "#/$defs/variable"}},
            {"type": "object", "additionalProperties": {"$ref": "#/$defs/variable"}}
          ]
        },
        "labels": {"type": "object", "additionalProperties": {"type": "string"}}
      },
      "$defs": {"variable": {"x-shorthand": "value", "properties": {"name": {}, "value": {"x-secret": true}, "fieldRef": {"properties": {"fieldPath": {}}}}}}
    }"##;

    fn canonical(text: &str) -> (Node, Vec<Diagnostic>, Json) {
        let schema: Json = serde_json::from_str(SCHEMA).unwrap();
        let sources = Sources::default();
        let id = sources.add(Source::new(SourceKind::Manifest, "t", text));
        let mut node = yaml::read(id, text).0.remove(0).root;
        let mut findings = Vec::new();
        canonicalize(&mut node, Shape::root(&schema), &mut findings);
        (node, findings, schema)
    }

    #[test]
    fn every_spelling_becomes_one() {
        let (node, findings, _) = canonical(
            "backoff_limit: 3\nnamespace: x\nvariables:\n  FOO_BAR: a\n  B: {field_ref: {field_path: p}}\nlabels: {snake_case: stays}\n",
        );
        assert!(findings.is_empty());
        let expected = serde_json::json!({
            "backoffLimit": 3,
            "namespace": {"value": "x"},
            "variables": [{"name": "FOO_BAR", "value": "a"}, {"name": "B", "fieldRef": {"fieldPath": "p"}}],
            "labels": {"snake_case": "stays"},
        });
        assert_eq!(node.to_json(), expected);
    }

    #[test]
    fn two_spellings_of_one_field_are_an_error() {
        let (_, findings, _) = canonical("backoffLimit: 1\nbackoff_limit: 2\n");
        assert_eq!(findings[0].code, "duplicate-key");
    }

    #[test]
    fn defaults_fill_what_is_missing_and_nothing_else() {
        let (mut node, _, schema) = canonical("variables: [{name: A, value: x}]\nbackoffLimit: null\n");
        complete(&mut node, Shape::root(&schema), "", &Sources::default());
        let expected = serde_json::json!({
            "variables": [{"name": "A", "value": "x", "fieldRef": null}],
            "backoffLimit": 6, "namespace": null, "labels": null,
        });
        assert_eq!(node.to_json(), expected);
    }

    #[test]
    fn secrets_are_found_in_both_forms() {
        for text in ["variables: {A: x}\n", "variables: [{name: A, value: x}]\n"] {
            let (node, _, schema) = canonical(text);
            let mut places = Vec::new();
            secret_places(&node, Shape::root(&schema), &mut places);
            assert_eq!(places.len(), 1, "{text}");
        }
    }
}
