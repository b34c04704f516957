//! A live object → the part of it that people decide about.

use crate::yaml::{Map, Node};

/// What the server keeps about an object for itself.
const BOOKKEEPING: &[&str] =
    &["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"];

/// What the API server writes into a Job so that it finds the Job's pods.
const JOB_LABELS: &[&str] =
    &["controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"];

/// A Job without labels of its own is given those of its pods.
const JOB_LABEL_MAPS: &[&[&str]] = &[
    &["metadata", "labels"],
    &["spec", "template", "metadata", "labels"],
    &["spec", "selector", "matchLabels"],
];

/// Returns the object without what the server keeps for itself; of that, what `desired` says itself stays.
pub fn clean(object: &Node, desired: &Node) -> Node {
    let mut object = object.clone();
    let is_job = object.get("kind").and_then(Node::as_str) == Some("Job");
    let Some(map) = object.as_map_mut() else { return object };
    map.remove("status");
    if let Some(metadata) = map.get_mut("metadata").and_then(Node::as_map_mut) {
        for field in BOOKKEEPING {
            metadata.remove(field);
        }
    }
    if is_job {
        for path in JOB_LABEL_MAPS {
            let kept = desired.at(path.iter().copied()).and_then(Node::as_map);
            remove_labels(&mut object, path, kept);
        }
    }
    lead_with_identity(&mut object);
    object
}

fn remove_labels(node: &mut Node, path: &[&str], kept: Option<&Map>) {
    let Some(map) = node.as_map_mut() else { return };
    let Some((first, rest)) = path.split_first() else {
        map.entries.retain(|(key, _)| {
            let is_kept = kept.is_some_and(|kept| kept.get(&key.text).is_some());
            is_kept || !JOB_LABELS.contains(&key.text.as_str())
        });
        return;
    };
    let Some(child) = map.get_mut(first) else { return };
    let was_empty = child.as_map().is_some_and(Map::is_empty);
    remove_labels(child, rest, kept);
    if !was_empty && child.as_map().is_some_and(Map::is_empty) {
        map.remove(first);
    }
}

/// The server's answers start with `kind`, and items of its lists have neither; people read apiVersion first.
fn lead_with_identity(object: &mut Node) {
    const ORDER: [&str; 3] = ["apiVersion", "kind", "metadata"];
    let Some(map) = object.as_map_mut() else { return };
    map.entries.sort_by_key(|(key, _)| ORDER.iter().position(|k| *k == key.text).unwrap_or(ORDER.len()));
}
