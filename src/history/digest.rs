//! A Job and what it refers to → a digest that changes when they do.

use std::borrow::Borrow;

use sha2::{Digest as _, Sha256};

use super::references::used;
use crate::cluster::PART_OF;
use crate::object::Object;
use crate::yaml::{Node, Value};

/// Returns the digest of a Job and of those ConfigMaps, Secrets and service accounts among `objects` that its
/// pods use. The order of keys does not count, nor where anything was written.
pub fn digest(job: &Object, objects: &[impl Borrow<Object>]) -> String {
    let mut hash = Sha256::new();
    feed(&job.node, &mut hash);
    for object in used(job, objects) {
        feed(&object.node, &mut hash);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Feeds a tree in a form that no other tree has.
fn feed(node: &Node, hash: &mut Sha256) {
    match &node.value {
        Value::Map(map) => {
            // Which set an object is in changes nothing of what it does.
            let is_mark = |(key, child): &(&str, &Node)| *key == PART_OF || is_only_mark(child);
            let mut entries: Vec<_> = map.iter().filter(|entry| !is_mark(entry)).collect();
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

/// Labels that are there for the set alone.
fn is_only_mark(node: &Node) -> bool {
    node.as_map().is_some_and(|map| !map.is_empty() && map.keys().all(|key| key == PART_OF))
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
