//! managedFields → who owns a field, and whether an object already is what an apply would make it.

use serde_json::Value as Json;

use super::adopt;
use super::compare::is_equal;
use super::quantity;
use crate::yaml::{Map, Node, Value};

/// The name under which every apply owns its fields. It must never change.
pub const FIELD_MANAGER: &str = "daphnia";

/// One step of a path into an object.
#[derive(Debug, Clone, Copy)]
pub enum Step<'t> {
    Key(&'t str),
    Item(Item<'t>),
}

/// An item of a list, and its index in the lists that it is in.
#[derive(Debug, Clone, Copy)]
pub struct Item<'t> {
    pub node: &'t Node,
    pub before: Option<usize>,
    /// In the list with the changes that are yours.
    pub yours: Option<usize>,
    pub after: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub name: String,
    /// By server-side apply, rather than by an update.
    pub is_apply: bool,
    /// An apply takes what it owns over.
    pub is_adopted: bool,
}

/// Returns the owner of a field; us, if several own it.
pub fn owner(object: &Node, steps: &[Step]) -> Option<Owner> {
    let entries = object.at(["metadata", "managedFields"])?.as_list()?;
    let owners = entries.iter().filter(|entry| {
        entry.get("fieldsV1").is_some_and(|fields| owns(fields, steps))
            && entry.get("subresource").and_then(Node::as_str) != Some("status")
    });
    owners
        .filter_map(|entry| {
            let name = entry.get("manager")?.as_str()?.to_owned();
            let is_apply = entry.get("operation").and_then(Node::as_str) == Some("Apply");
            Some(Owner { name, is_apply, is_adopted: adopt::is_client_side(entry) })
        })
        .max_by_key(|owner| (owner.name == FIELD_MANAGER, owner.is_apply, owner.is_adopted))
}

/// Whether a field set holds a path, or holds one of its ancestors as a whole.
fn owns(fields: &Node, steps: &[Step]) -> bool {
    let Some(map) = fields.as_map() else { return false };
    let Some((step, rest)) = steps.split_first() else { return true };
    if map.is_empty() {
        return true;
    }
    let child = match step {
        Step::Key(key) => map.get(&format!("f:{key}")),
        Step::Item(item) => map.iter().find(|(key, _)| is_item(key, item.node)).map(|(_, fields)| fields),
    };
    child.is_some_and(|child| owns(child, rest))
}

/// Whether `k:{"name":"main"}` or `v:"x"` is about this item.
pub fn is_item(key: &str, item: &Node) -> bool {
    if let Some(value) = key.strip_prefix("v:") {
        return serde_json::from_str::<Json>(value).is_ok_and(|value| value == item.to_json());
    }
    let Some(keys) = key.strip_prefix("k:").and_then(|keys| serde_json::from_str::<Json>(keys).ok()) else {
        return false;
    };
    keys.as_object().is_some_and(|keys| {
        keys.iter().all(|(name, value)| item.get(name).is_none_or(|own| own.to_json() == *value))
    })
}

/// Whether the fields that we own in a live object are exactly the desired ones, with their values.
pub fn is_applied(desired: &Node, live: &Node) -> bool {
    let Some(entry) = our_entry(live) else { return false };
    let Some(fields) = entry.get("fieldsV1") else { return false };
    let version = desired.get("apiVersion").and_then(Node::as_str);
    !adopt::is_applied_by_client(live)
        && entry.get("apiVersion").and_then(Node::as_str) == version
        && holds(&without_identity(desired), live, fields, "")
}

/// Returns the fields of an object that we own.
pub fn our_fields(live: &Node) -> Option<&Node> {
    our_entry(live)?.get("fieldsV1")
}

fn our_entry(live: &Node) -> Option<&Node> {
    let entries = live.at(["metadata", "managedFields"])?.as_list()?;
    let text =
        |entry: &Node, field: &str| entry.get(field).and_then(Node::as_str).unwrap_or_default().to_owned();
    let ours: Vec<&Node> = entries
        .iter()
        .filter(|entry| text(entry, "manager") == FIELD_MANAGER && text(entry, "operation") == "Apply")
        .filter(|entry| text(entry, "subresource").is_empty())
        .collect();
    match ours.as_slice() {
        [entry] => Some(entry),
        _ => None,
    }
}

/// The server does not count these as owned.
fn without_identity(desired: &Node) -> Node {
    let mut desired = desired.clone();
    let Some(map) = desired.as_map_mut() else { return desired };
    map.remove("apiVersion");
    map.remove("kind");
    if let Some(metadata) = map.get_mut("metadata").and_then(Node::as_map_mut) {
        metadata.remove("name");
        metadata.remove("namespace");
        if metadata.is_empty() {
            map.remove("metadata");
        }
    }
    desired
}

fn holds(desired: &Node, live: &Node, owned: &Node, field: &str) -> bool {
    let Some(owned) = owned.as_map() else { return false };
    if owned.is_empty() {
        return is_filled_in(desired, live, field)
            || (is_quantity(field) && quantity::is_same(desired, live));
    }
    let children: Vec<(&str, &Node)> = owned.iter().filter(|(key, _)| *key != ".").collect();
    match (&desired.value, &live.value) {
        (Value::Map(desired), Value::Map(live)) => holds_map(desired, live, &children, field),
        (Value::List(desired), Value::List(live)) => holds_list(desired, live, &children),
        _ => false,
    }
}

/// What the server fills into values that are otherwise kept as they were sent.
const FILLED_IN: &[(&str, &str, &str)] = &[
    ("fieldRef", "apiVersion", "\"v1\""),
    ("resourceFieldRef", "divisor", "\"0\""),
    ("serviceAccountToken", "expirationSeconds", "3600"),
    ("onPodConditions", "status", "\"True\""),
    ("ports", "protocol", "\"TCP\""),
];

/// Whether a live value is the desired one, but for what the server fills in.
fn is_filled_in(desired: &Node, live: &Node, field: &str) -> bool {
    match (&desired.value, &live.value) {
        (Value::Map(desired), Value::Map(live)) => {
            let has = |(key, desired): (&str, &Node)| {
                live.get(key).is_some_and(|live| is_filled_in(desired, live, key))
            };
            let is_known = |(key, live): (&str, &Node)| {
                desired.get(key).is_some() || FILLED_IN.contains(&(field, key, &live.to_json().to_string()))
            };
            desired.iter().all(has) && live.iter().all(is_known)
        }
        (Value::List(desired), Value::List(live)) => {
            let mut pairs = desired.iter().zip(live);
            desired.len() == live.len() && pairs.all(|(desired, live)| is_filled_in(desired, live, field))
        }
        _ => is_equal(desired, live),
    }
}

fn holds_map(desired: &Map, live: &Map, owned: &[(&str, &Node)], field: &str) -> bool {
    // The server drops nulls before it looks at who owns what.
    let wanted: Vec<(&str, &Node)> = desired.iter().filter(|(_, node)| !node.is_null()).collect();
    wanted.len() == owned.len()
        && wanted.iter().all(|(key, desired)| {
            let fields = owned.iter().find(|(owned, _)| owned.strip_prefix("f:") == Some(key));
            // `limits: {cpu: …}`: what kind of value it is shows in the name of the map.
            let field = if is_quantity(field) { field } else { key };
            fields.zip(live.get(key)).is_some_and(|((_, owned), live)| holds(desired, live, owned, field))
        })
}

fn holds_list(desired: &[Node], live: &[Node], owned: &[(&str, &Node)]) -> bool {
    let mut last = None;
    desired.len() == owned.len()
        && desired.iter().all(|item| {
            let Some((key, fields)) = owned.iter().find(|(key, _)| is_item(key, item)) else { return false };
            let Some(index) = live.iter().position(|live| is_item(key, live)) else { return false };
            // Order matters: variables refer to earlier ones, init containers run one by one.
            let is_in_order = last.is_none_or(|last| last < index);
            last = Some(index);
            let is_leaf = fields.as_map().is_some_and(Map::is_empty);
            is_in_order && (is_leaf || holds(item, &live[index], fields, ""))
        })
}

/// Whether the values under a field are quantities, so that `1000m` and `1` are the same.
pub fn is_quantity(field: &str) -> bool {
    matches!(
        field,
        "limits" | "requests" | "hard" | "capacity" | "sizeLimit" | "storage" | "divisor" | "overhead"
    )
}

/// Whether two answers of the server differ in nothing but times and versions.
pub fn is_same_but_for_times(a: &Node, b: &Node) -> bool {
    let strip = |object: &Node| {
        let mut object = object.clone();
        let Some(map) = object.as_map_mut() else { return object };
        map.remove("apiVersion");
        map.remove("kind");
        map.remove("status");
        let Some(metadata) = map.get_mut("metadata").and_then(Node::as_map_mut) else { return object };
        metadata.remove("resourceVersion");
        metadata.remove("generation");
        let entries = metadata.get_mut("managedFields").and_then(Node::as_list_mut);
        for entry in entries.into_iter().flatten().filter_map(Node::as_map_mut) {
            entry.remove("time");
        }
        object
    };
    is_equal(&strip(a), &strip(b))
}
