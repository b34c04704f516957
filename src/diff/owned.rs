//! managedFields → who owns a field, and whether an object already is what an apply would make it.

use super::adopt;
use super::compare::is_equal;
use super::quantity;
use crate::source::{Place, SourceId};
use crate::yaml::{Map, Node, Value};

/// The name under which every apply owns its fields. It must never change.
pub const FIELD_MANAGER: &str = "daphnia";

/// Takes out of an object who has set its fields.
pub fn forget_owners(object: &mut Node) {
    let metadata = object.as_map_mut().and_then(|map| map.get_mut("metadata")?.as_map_mut());
    metadata.and_then(|metadata| metadata.remove("managedFields"));
}

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
        Step::Item(item) => {
            let is_it = |key: &str| ItemName::read(key).is_some_and(|name| name.is_of(item.node));
            map.iter().find(|(key, _)| is_it(key)).map(|(_, fields)| fields)
        }
    };
    child.is_some_and(|child| owns(child, rest))
}

/// How a field set names an item of a list: `k:{"name":"main"}`, `v:"x"`.
pub enum ItemName {
    Keys(Node),
    Value(Node),
}

impl ItemName {
    pub fn read(key: &str) -> Option<ItemName> {
        let (mark, json) = key.split_at_checked(2)?;
        let node = Node::read_json(json.as_bytes(), Place::new(SourceId::NONE, 0..0)).ok()?;
        match mark {
            "k:" => Some(ItemName::Keys(node)),
            "v:" => Some(ItemName::Value(node)),
            _ => None,
        }
    }

    /// Returns the items that a field set has something of, each with what it has.
    pub fn all(fields: &Map) -> Vec<(ItemName, &Node)> {
        fields.iter().filter_map(|(key, below)| Some((ItemName::read(key)?, below))).collect()
    }

    pub fn is_of(&self, item: &Node) -> bool {
        match self {
            ItemName::Value(value) => is_equal(value, item),
            ItemName::Keys(keys) => keys.as_map().is_some_and(|keys| {
                keys.iter().all(|(name, value)| item.get(name).is_none_or(|own| is_equal(own, value)))
            }),
        }
    }
}

/// Whether the fields that we own in a live object are exactly the desired ones, with their values.
pub fn is_applied(desired: &Node, live: &Node) -> bool {
    let Some(entry) = our_entry(live) else { return false };
    let Some(fields) = entry.get("fieldsV1") else { return false };
    let version = desired.get("apiVersion").and_then(Node::as_str);
    !adopt::is_applied_by_client(live)
        && entry.get("apiVersion").and_then(Node::as_str) == version
        && holds_object(desired, live, fields)
}

fn holds_object(desired: &Node, live: &Node, owned: &Node) -> bool {
    // What an object is known by, the server does not count as owned.
    let fields = members(desired, &["apiVersion", "kind", "metadata"]);
    let notes =
        desired.get("metadata").map(|notes| members(notes, &["name", "namespace"])).unwrap_or_default();
    let owned_notes = owned.get("f:metadata").map(|owned| members(owned, &["."])).unwrap_or_default();
    holds_members(&fields, live, &members(owned, &[".", "f:metadata"]), "")
        && live.get("metadata").is_some_and(|live| holds_members(&notes, live, &owned_notes, "metadata"))
}

/// Returns the fields of an object that we own.
pub fn our_fields(live: &Node) -> Option<&Node> {
    our_entry(live)?.get("fieldsV1")
}

fn our_entry(live: &Node) -> Option<&Node> {
    let entries = live.at(["metadata", "managedFields"])?.as_list()?;
    let is = |entry: &Node, field: &str, text: &str| {
        entry.get(field).and_then(Node::as_str).unwrap_or_default() == text
    };
    let mut ours = entries.iter().filter(|entry| {
        is(entry, "manager", FIELD_MANAGER) && is(entry, "operation", "Apply") && is(entry, "subresource", "")
    });
    ours.next().filter(|_| ours.next().is_none())
}

fn holds(desired: &Node, live: &Node, owned: &Node, field: &str) -> bool {
    let Some(fields) = owned.as_map() else { return false };
    if fields.is_empty() {
        return is_filled_in(desired, live, field)
            || (is_quantity(field) && quantity::is_same(desired, live));
    }
    match (&desired.value, &live.value) {
        (Value::Map(_), Value::Map(_)) => {
            holds_members(&members(desired, &[]), live, &members(owned, &["."]), field)
        }
        (Value::List(desired), Value::List(live)) => holds_list(desired, live, &ItemName::all(fields)),
        _ => false,
    }
}

/// Returns the fields of a map, but for these. The server drops nulls before it looks at who owns what.
fn members<'n>(node: &'n Node, but: &[&str]) -> Vec<(&'n str, &'n Node)> {
    let fields = node.as_map().into_iter().flat_map(Map::iter);
    fields.filter(|(key, node)| !node.is_null() && !but.contains(key)).collect()
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

fn holds_members(wanted: &[(&str, &Node)], live: &Node, owned: &[(&str, &Node)], field: &str) -> bool {
    wanted.len() == owned.len()
        && wanted.iter().all(|(key, desired)| {
            let fields = owned.iter().find(|(owned, _)| owned.strip_prefix("f:") == Some(key));
            // `limits: {cpu: …}`: what kind of value it is shows in the name of the map.
            let field = if is_quantity(field) { field } else { key };
            fields.zip(live.get(key)).is_some_and(|((_, owned), live)| holds(desired, live, owned, field))
        })
}

fn holds_list(desired: &[Node], live: &[Node], owned: &[(ItemName, &Node)]) -> bool {
    let mut last = None;
    desired.len() == owned.len()
        && desired.iter().all(|item| {
            let Some((name, fields)) = owned.iter().find(|(name, _)| name.is_of(item)) else { return false };
            let Some(index) = live.iter().position(|live| name.is_of(live)) else { return false };
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
    let (Some(notes), Some(others)) = (a.get("metadata"), b.get("metadata")) else { return false };
    let entries = notes.get("managedFields").and_then(Node::as_list).unwrap_or_default();
    let other_entries = others.get("managedFields").and_then(Node::as_list).unwrap_or_default();
    is_same_but(a, b, &["apiVersion", "kind", "status", "metadata"])
        && is_same_but(notes, others, &["resourceVersion", "generation", "managedFields"])
        && entries.len() == other_entries.len()
        && entries.iter().zip(other_entries).all(|(a, b)| is_same_but(a, b, &["time"]))
}

fn is_same_but(a: &Node, b: &Node, fields: &[&str]) -> bool {
    let (a, others) = (members(a, fields), members(b, fields));
    a.len() == others.len()
        && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| is_equal(value, other)))
}
