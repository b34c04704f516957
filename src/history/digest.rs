//! A Job and what it refers to → a digest that changes when they do.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::object::Object;
use crate::yaml::{Node, Value};

/// Returns the digest of a Job and of those ConfigMaps, Secrets and service accounts among `objects` that its
/// pods use. The order of keys does not count, nor where anything was written.
pub fn digest(job: &Object, objects: &[Object]) -> String {
    let mut names = BTreeSet::new();
    collect(&job.node, &mut names);
    let mut used: Vec<&Object> = objects
        .iter()
        .filter(|object| object.id.namespace == job.id.namespace)
        .filter(|object| names.contains(&(object.id.kind.clone(), object.id.name.clone())))
        .collect();
    used.sort_by(|a, b| a.id.cmp(&b.id));
    let mut hash = Sha256::new();
    feed(&job.node, &mut hash);
    for object in used {
        feed(&object.node, &mut hash);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

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

fn collect(node: &Node, names: &mut BTreeSet<(String, String)>) {
    match &node.value {
        Value::Map(map) => {
            for (key, child) in map.iter() {
                for (field, name, kind) in REFERENCES {
                    if let (true, Some(name)) = (key == *field, child.get(name).and_then(Node::as_str)) {
                        names.insert(((*kind).to_owned(), name.to_owned()));
                    }
                }
                if let ("serviceAccountName", Some(name)) = (key, child.as_str()) {
                    names.insert(("ServiceAccount".to_owned(), name.to_owned()));
                }
                collect(child, names);
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

/// Feeds a tree in a form that no other tree has.
fn feed(node: &Node, hash: &mut Sha256) {
    match &node.value {
        Value::Map(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            hash.update(format!("{{{}", entries.len()));
            for (key, child) in entries {
                hash.update(format!("{}:{key}", key.len()));
                feed(child, hash);
            }
        }
        Value::List(items) => {
            hash.update(format!("[{}", items.len()));
            items.iter().for_each(|item| feed(item, hash));
        }
        Value::String(text) => hash.update(format!("\"{}:{text}", text.len())),
        Value::Null | Value::Bool(_) | Value::Number(_) => hash.update(format!("={};", node.to_json())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Place, Source, SourceKind, Sources};

    fn object(json: serde_json::Value) -> Object {
        let place = Place::new(Sources::default().add(Source::new(SourceKind::Manifest, "t", "")), 0..0);
        Object::new(Node::from_json(&json, place)).unwrap()
    }

    #[test]
    fn only_what_a_job_uses_changes_its_digest() {
        let job = object(
            serde_json::json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"},
            "spec": {"template": {"spec": {"containers": [{"envFrom": [{"configMapRef": {"name": "used"}}]}]}}}}),
        );
        let map = |name: &str, value: &str| {
            object(serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
                "data": {"a": value}}))
        };
        let of = |used: &str, other: &str| digest(&job, &[map("used", used), map("other", other)]);
        assert_eq!(of("1", "1"), of("1", "2"));
        assert_ne!(of("1", "1"), of("2", "1"));
        assert_eq!(of("1", "1"), digest(&job, &[map("used", "1")]));
    }
}
