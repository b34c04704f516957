//! A resource → the resource as the server sees it: nulls dropped that no field may have, defaults filled in.

use serde_json::{Map, Value as Json};

use crate::diagnostic::Diagnostic;
use crate::source::Place;
use crate::yaml::{Key, Node, Value};

/// Completes a resource, and reports what only shows while doing so.
pub(super) fn complete(object: &Node, written: &Json) -> (Node, Vec<Diagnostic>) {
    let mut node = object.clone();
    let mut completing = Completing { findings: Vec::new() };
    let place =
        object.as_map().and_then(|map| map.entries.first()).map_or(object.place, |(key, _)| key.place);
    completing.visit(&mut node, written, place, "", true);
    (node, completing.findings)
}

struct Completing {
    findings: Vec<Diagnostic>,
}

impl Completing {
    fn visit(&mut self, node: &mut Node, written: &Json, heading: Place, path: &str, is_object: bool) {
        match &mut node.value {
            Value::Map(map) => {
                let fields = Fields::of(written, is_object);
                for (key, value) in &mut map.entries {
                    if value.is_null() && fields.find(&key.text).is_none() && !fields.is_open {
                        // Nulls are hidden from the schema, and the server refuses this one for its name.
                        value.value = Value::String("".into());
                    }
                }
                let missing = fields.missing(map);
                self.findings.extend(missing.iter().map(|name| lacks(name, path, heading)));
                map.entries.retain(|(key, value)| {
                    !value.is_null() || fields.find(&key.text).is_some_and(|field| is(field, "nullable"))
                });
                fields.fill(map, heading);
                for (key, value) in &mut map.entries {
                    if let Some(field) = fields.find(&key.text) {
                        let below = if path.is_empty() {
                            key.text.to_string()
                        } else {
                            format!("{path}.{}", key.text)
                        };
                        self.visit(value, field, key.place, &below, false);
                    }
                }
            }
            Value::List(items) => {
                let Some(item_schema) = written.get("items") else { return };
                for (index, item) in items.iter_mut().enumerate() {
                    let place = item.place;
                    let heading =
                        item.as_map().and_then(|map| map.entries.first()).map_or(place, |(key, _)| key.place);
                    self.visit(item, item_schema, heading, &format!("{path}[{index}]"), false);
                }
                self.unique(items, written, path);
            }
            _ => {}
        }
    }

    /// Lists that are sets, or maps with keys, have no item twice.
    fn unique(&mut self, items: &[Node], written: &Json, path: &str) {
        let keys: Vec<&str> = match written.get("x-kubernetes-list-type").and_then(Json::as_str) {
            Some("set") => Vec::new(),
            Some("map") => {
                let keys = written.get("x-kubernetes-list-map-keys").and_then(Json::as_array);
                keys.into_iter().flatten().filter_map(Json::as_str).collect()
            }
            _ => return,
        };
        let mut seen: Vec<(Json, Place)> = Vec::new();
        for item in items {
            let value = match keys.as_slice() {
                [] => item.to_json(),
                keys => keys.iter().map(|key| item.get(key).map(Node::to_json).unwrap_or_default()).collect(),
            };
            let at = keys.first().and_then(|key| item.get(key)).unwrap_or(item).place;
            match seen.iter().find(|(other, _)| *other == value) {
                Some((_, first)) => self.findings.push(
                    Diagnostic::error("duplicate-item", format!("`{path}` has the same item twice"))
                        .at(at)
                        .label("given again here")
                        .related(*first, "first given here")
                        .help("keep one of them"),
                ),
                None => seen.push((value, at)),
            }
        }
    }
}

fn lacks(name: &str, path: &str, heading: Place) -> Diagnostic {
    let inside = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
    Diagnostic::error("missing-field", format!("missing field `{name}`{inside}"))
        .at(heading)
        .label(format!("lacks `{name}`"))
        .help(format!("add `{name}`; it may be null"))
}

/// What a schema says of the fields of a map.
struct Fields<'s> {
    properties: Option<&'s Map<String, Json>>,
    others: Option<&'s Json>,
    required: Vec<&'s str>,
    /// Whether fields are possible that it does not name.
    is_open: bool,
    has_head: bool,
}

impl<'s> Fields<'s> {
    fn of(written: &'s Json, is_object: bool) -> Fields<'s> {
        let names = written.get("required").and_then(Json::as_array).into_iter().flatten();
        let others = written.get("additionalProperties");
        Fields {
            properties: written.get("properties").and_then(Json::as_object),
            others: others.filter(|others| others.is_object()),
            required: names.filter_map(Json::as_str).collect(),
            is_open: others == Some(&Json::Bool(true)) || is(written, "x-kubernetes-preserve-unknown-fields"),
            has_head: is_object || is(written, "x-kubernetes-embedded-resource"),
        }
    }

    fn find(&self, name: &str) -> Option<&'s Json> {
        if self.has_head && ["apiVersion", "kind", "metadata"].contains(&name) {
            return Some(&Json::Bool(true));
        }
        self.properties.and_then(|properties| properties.get(name)).or(self.others)
    }

    /// Lists the fields that must be there, though they may be null.
    fn missing(&self, map: &crate::yaml::Map) -> Vec<&'s str> {
        let may_be_null = |name: &str| self.find(name).is_some_and(|field| is(field, "nullable"));
        let has_default = |name: &str| self.find(name).is_some_and(|field| field.get("default").is_some());
        let names = self.required.iter().copied();
        names.filter(|name| may_be_null(name) && !has_default(name) && map.get(name).is_none()).collect()
    }

    fn fill(&self, map: &mut crate::yaml::Map, heading: Place) {
        for (name, field) in self.properties.into_iter().flatten() {
            if let Some(default) = field.get("default").filter(|_| map.get(name).is_none()) {
                let key = Key::new(name.as_str(), heading);
                map.entries.push((key, Node::from_json(default, heading)));
            }
        }
    }
}

fn is(schema: &Json, keyword: &str) -> bool {
    schema.get(keyword) == Some(&Json::Bool(true))
}
