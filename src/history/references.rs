//! The ConfigMaps, Secrets and service accounts that a Job's pods use, by name.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use crate::object::{Object, ObjectId};
use crate::yaml::{Node, Value};

/// A kind and a name.
pub type Reference = (String, String);

/// The fields by which pods refer to other objects, and the kind that each means.
const REFERENCES: &[(&str, &str, &str)] = &[
    ("configMapRef", "name", "ConfigMap"),
    ("configMapKeyRef", "name", "ConfigMap"),
    ("configMap", "name", "ConfigMap"),
    ("secretRef", "name", "Secret"),
    ("secretKeyRef", "name", "Secret"),
    ("secret", "secretName", "Secret"),
    ("secret", "name", "Secret"),
];

pub fn references(node: &Node) -> BTreeSet<Reference> {
    let mut found = BTreeSet::new();
    collect(node, &mut found);
    found
}

/// Returns those of the objects that a Job's pods use, by their ids.
pub fn used<'o, O: Borrow<Object>>(job: &Object, objects: &'o [O]) -> Vec<&'o Object> {
    let names = references(&job.node);
    let is_used = |id: &ObjectId| {
        id.namespace == job.id.namespace
            && names.iter().any(|(kind, name)| *name == id.name && *kind == id.kind)
    };
    let mut used: Vec<&Object> =
        objects.iter().map(Borrow::borrow).filter(|object| is_used(&object.id)).collect();
    used.sort_by(|a, b| a.id.cmp(&b.id));
    used
}

fn collect(node: &Node, found: &mut BTreeSet<Reference>) {
    match &node.value {
        Value::Map(map) => {
            for (key, child) in map.iter() {
                for (field, name, kind) in REFERENCES {
                    if let (true, Some(name)) = (key == *field, child.get(name).and_then(Node::as_str)) {
                        found.insert(((*kind).to_owned(), name.to_owned()));
                    }
                }
                if let ("serviceAccountName", Some(name)) = (key, child.as_str()) {
                    found.insert(("ServiceAccount".to_owned(), name.to_owned()));
                }
                collect(child, found);
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// Lets a Job's pods use ConfigMaps and Secrets of other names.
pub fn rename(node: &mut Node, names: &BTreeMap<Reference, String>) {
    match &mut node.value {
        Value::Map(map) => {
            for (key, child) in &mut map.entries {
                for (field, name, kind) in REFERENCES {
                    let place = if key.text == *field { child.as_map_mut() } else { None };
                    let Some(old) = place.and_then(|map| map.get_mut(name)) else { continue };
                    let reference = ((*kind).to_owned(), old.as_str().unwrap_or_default().to_owned());
                    if let Some(new) = names.get(&reference) {
                        *old = Node::string(new, old.place);
                    }
                }
                rename(child, names);
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| rename(item, names)),
        _ => {}
    }
}
