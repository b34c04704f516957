//! Live and desired → what a server-side apply would make of them, without a server: no defaults, no admission.

use super::adopt;
use super::compare::{is_equal, list_keys, same_key};
use super::owned::{ItemName, is_quantity, our_fields};
use super::quantity;
use crate::yaml::{Map, Node, Value};

/// Merges the desired fields into a live object, and takes out those that we own but no longer want.
pub fn merge(live: &Node, desired: &Node) -> Node {
    let mut merged = live.clone();
    if let Some(owned) = our_fields(live) {
        forget(&mut merged, Some(desired), owned);
    }
    adopt::forget_dropped(&mut merged, desired, live);
    overlay(&mut merged, desired, "");
    merged
}

/// Removes the owned fields that `desired` does not have.
pub fn forget(node: &mut Node, desired: Option<&Node>, owned: &Node) {
    let Some(owned) = owned.as_map() else { return };
    match &mut node.value {
        Value::Map(map) => {
            for (field, below) in owned.iter() {
                let Some(key) = field.strip_prefix("f:") else { continue };
                let wanted = desired.and_then(|desired| desired.get(key));
                match map.get_mut(key) {
                    Some(_) if wanted.is_none() && is_wholly_owned(below) => {
                        map.remove(key);
                    }
                    Some(child) => forget(child, wanted, below),
                    None => {}
                }
            }
        }
        Value::List(items) => {
            let wanted = desired.and_then(Node::as_list).unwrap_or_default();
            let names = ItemName::all(owned);
            items.retain_mut(|item| {
                let Some((name, below)) = names.iter().find(|(name, _)| name.is_of(item)) else {
                    return true;
                };
                let Some(index) = wanted.iter().position(|other| name.is_of(other)) else { return false };
                forget(item, Some(&wanted[index]), below);
                true
            });
        }
        _ => {}
    }
}

/// A leaf, or a map that came with us.
fn is_wholly_owned(fields: &Node) -> bool {
    fields.as_map().is_some_and(|map| map.is_empty() || map.get(".").is_some())
}

/// Maps that a change replaces as a whole.
const ATOMIC: &[&str] = &["selector", "nodeSelector", "labelSelector", "matchLabels"];

fn overlay(node: &mut Node, desired: &Node, field: &str) {
    if is_equal(node, desired) || (is_quantity(field) && quantity::is_same(node, desired)) {
        return;
    }
    match (&mut node.value, &desired.value) {
        (Value::Map(map), Value::Map(wanted)) if !ATOMIC.contains(&field) => overlay_map(map, wanted, field),
        (Value::List(items), Value::List(wanted)) => match list_keys(items, wanted) {
            Some(keys) => overlay_list(items, wanted, keys),
            None => *node = desired.clone(),
        },
        _ => *node = desired.clone(),
    }
}

fn overlay_map(map: &mut Map, wanted: &Map, field: &str) {
    for (key, desired) in &wanted.entries {
        let field = if is_quantity(field) { field } else { &key.text };
        match map.get_mut(&key.text) {
            Some(child) => overlay(child, desired, field),
            None => map.entries.push((key.clone(), desired.clone())),
        }
    }
}

fn overlay_list(items: &mut Vec<Node>, wanted: &[Node], keys: &[&str]) {
    for desired in wanted {
        match items.iter_mut().find(|item| same_key(item, desired, keys)) {
            Some(item) => overlay(item, desired, ""),
            None => items.push(desired.clone()),
        }
    }
}
