//! Fields that a client-side `kubectl apply` owns → fields of ours, so that one that leaves the manifest leaves
//! the object, and none of them is a conflict.

use serde_json::{Value as Json, json};

use super::merge::forget;
use super::owned::FIELD_MANAGER;
use crate::yaml::{Key, Map, Node, Value};

const LAST_APPLIED: &str = "f:kubectl.kubernetes.io/last-applied-configuration";

/// Whether an entry of managedFields is that of `kubectl apply` without `--server-side`. Its older versions call
/// themselves `kubectl`, as does whatever else they do, and only an apply leaves a copy of what it was given.
pub fn is_client_side(entry: &Node) -> bool {
    let text = |field: &str| entry.get(field).and_then(Node::as_str).unwrap_or_default();
    let has_copy = || entry.at(["fieldsV1", "f:metadata", "f:annotations", LAST_APPLIED]).is_some();
    text("operation") == "Update"
        && text("subresource").is_empty()
        && (text("manager") == "kubectl-client-side-apply" || (text("manager") == "kubectl" && has_copy()))
}

/// Whether an object has fields that a client-side apply owns.
pub fn is_applied_by_client(live: &Node) -> bool {
    entries(live).iter().any(is_client_side)
}

/// Whether all that this manager owns in an object is owned by client-side applies.
pub fn is_client_side_manager(live: &Node, manager: &str) -> bool {
    let is_its = |entry: &&Node| entry.get("manager").and_then(Node::as_str) == Some(manager);
    let mut its = entries(live).iter().filter(is_its).peekable();
    its.peek().is_some() && its.all(is_client_side)
}

/// Returns the managedFields of an object with what client-side applies own given to us.
pub fn adopted_fields(live: &Node) -> Vec<Json> {
    let (theirs, mut kept): (Vec<&Node>, Vec<&Node>) = entries(live).iter().partition(|e| is_client_side(e));
    let ours = kept.iter().position(|entry| is_ours(entry)).map(|index| kept.remove(index));
    let Some(basis) = ours.or(theirs.first().copied()) else {
        return kept.iter().map(|entry| entry.to_json()).collect();
    };
    let version = basis.get("apiVersion").map(Node::to_json);
    let mut entry = basis.to_json();
    entry["manager"] = FIELD_MANAGER.into();
    entry["operation"] = "Apply".into();
    // Fields of another version are called otherwise; they lose their owner.
    for other in theirs.iter().filter(|other| other.get("apiVersion").map(Node::to_json) == version) {
        let fields = other.get("fieldsV1").map(Node::to_json).unwrap_or_default();
        entry["fieldsV1"] = united(&entry["fieldsV1"], &fields);
    }
    kept.iter().map(|entry| entry.to_json()).chain([entry]).collect()
}

/// Takes out of a predicted object what only a client-side apply owns and the manifest does not have. Returns
/// whether there was any.
pub fn forget_dropped(predicted: &mut Node, desired: &Node, live: &Node) -> bool {
    let before = predicted.clone();
    let others: Vec<&Node> =
        entries(live).iter().filter(|entry| !is_client_side(entry) && !is_ours(entry)).collect();
    for entry in entries(live).iter().filter(|entry| is_client_side(entry)) {
        let Some(fields) = entry.get("fieldsV1") else { continue };
        let mut fields = fields.clone();
        others
            .iter()
            .filter_map(|other| other.get("fieldsV1"))
            .for_each(|other| subtract(&mut fields, other));
        forget(predicted, Some(desired), &fields);
    }
    *predicted != before
}

/// Returns the JSON patch that makes a live object what was predicted of it.
pub fn patch(live: &Node, predicted: &Node) -> Json {
    let mut steps = Vec::new();
    let empty = Map::default();
    let levels = [("", live, predicted, &["apiVersion", "kind", "metadata", "status"][..])];
    let metadata = live.get("metadata").zip(predicted.get("metadata"));
    let metadata = metadata.map(|(live, predicted)| ("/metadata", live, predicted, BOOKKEEPING));
    for (path, live, predicted, kept) in levels.into_iter().chain(metadata) {
        let (live, predicted) = (live.as_map().unwrap_or(&empty), predicted.as_map().unwrap_or(&empty));
        for (key, value) in predicted.iter().filter(|(key, _)| !kept.contains(key)) {
            if live.get(key).map(Node::to_json) != Some(value.to_json()) {
                steps.push(json!({"op": "add", "path": format!("{path}/{key}"), "value": value.to_json()}));
            }
        }
        let gone = live.keys().filter(|key| predicted.get(key).is_none() && !kept.contains(key));
        steps.extend(gone.map(|key| json!({"op": "remove", "path": format!("{path}/{key}")})));
    }
    Json::Array(steps)
}

/// Gives an object the managedFields of another.
pub fn with_owners_of(mut object: Node, other: &Node) -> Node {
    let owners = other.at(["metadata", "managedFields"]).cloned();
    let metadata = object.as_map_mut().and_then(|map| map.get_mut("metadata")?.as_map_mut());
    if let (Some(metadata), Some(owners)) = (metadata, owners) {
        metadata.set(Key::new("managedFields", owners.place), owners);
    }
    object
}

const BOOKKEEPING: &[&str] = &[
    "name",
    "namespace",
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
];

fn entries(live: &Node) -> &[Node] {
    live.at(["metadata", "managedFields"]).and_then(Node::as_list).unwrap_or_default()
}

fn is_ours(entry: &Node) -> bool {
    let text = |field: &str| entry.get(field).and_then(Node::as_str).unwrap_or_default();
    text("manager") == FIELD_MANAGER && text("operation") == "Apply" && text("subresource").is_empty()
}

/// Unites two sets of fields. An empty one is a field itself; `.` says the same of one that has others below.
fn united(a: &Json, b: &Json) -> Json {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else {
        return if a.is_object() { a.clone() } else { b.clone() };
    };
    let mut all = a.clone();
    if a.is_empty() != b.is_empty() {
        all.insert(".".to_owned(), json!({}));
    }
    for (key, fields) in b {
        let merged = a.get(key).map_or_else(|| fields.clone(), |own| united(own, fields));
        all.insert(key.clone(), merged);
    }
    Json::Object(all)
}

/// Takes the fields of one set out of another.
fn subtract(fields: &mut Node, others: &Node) {
    let Some(map) = fields.as_map_mut() else { return };
    let is_leaf = |node: &Node| node.as_map().is_none_or(Map::is_empty);
    map.entries.retain_mut(|(key, below)| {
        let Some(other) = others.get(&key.text) else { return true };
        let is_theirs = is_leaf(other) || other.get(".").is_some();
        if is_leaf(below) {
            return !is_theirs;
        }
        subtract(below, other);
        // What holds something of others stays.
        if let Value::Map(below) = &mut below.value {
            below.remove(".");
        }
        !is_leaf(below)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Place, Source, SourceKind, Sources};

    fn node(json: &Json) -> Node {
        let place = Place::new(Sources::default().add(Source::new(SourceKind::Manifest, "t", "")), 0..0);
        Node::from_json(json, place)
    }

    fn entry(manager: &str, operation: &str, fields: Json) -> Json {
        json!({"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    fn live(entries: &[Json]) -> Node {
        node(&json!({"metadata": {"managedFields": entries}, "data": {"a": "1", "b": "2", "c": "3"}}))
    }

    #[test]
    fn what_a_client_side_apply_owns_becomes_ours_and_what_others_own_stays_theirs() {
        let other = entry("kubectl-edit", "Update", json!({"f:data": {"f:c": {}}}));
        let object = live(&[
            entry("kubectl-client-side-apply", "Update", json!({"f:data": {".": {}, "f:a": {}}})),
            other.clone(),
            entry("daphnia", "Apply", json!({"f:data": {"f:b": {}}})),
        ]);
        assert!(
            is_applied_by_client(&object) && is_client_side_manager(&object, "kubectl-client-side-apply")
        );
        assert!(!is_client_side_manager(&object, "kubectl-edit"));
        let fields = json!({"f:data": {"f:b": {}, ".": {}, "f:a": {}}});
        assert_eq!(adopted_fields(&object), [other, entry("daphnia", "Apply", fields)]);
    }

    #[test]
    fn kubectl_alone_is_an_apply_only_with_its_copy() {
        let edit = entry("kubectl", "Update", json!({"f:data": {"f:a": {}}}));
        let copy = json!({"f:metadata": {"f:annotations": {LAST_APPLIED: {}}}});
        assert!(!is_client_side(&node(&edit)));
        assert!(is_client_side(&node(&entry("kubectl", "Update", copy.clone()))));
        assert!(!is_client_side(&node(&entry("kubectl", "Apply", copy))));
    }

    #[test]
    fn a_field_that_another_owns_too_is_not_forgotten() {
        let object = live(&[
            entry("kubectl-client-side-apply", "Update", json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}})),
            entry("kubectl-edit", "Update", json!({"f:data": {"f:b": {}}})),
        ]);
        let mut predicted = object.clone();
        assert!(forget_dropped(&mut predicted, &node(&json!({"kind": "ConfigMap"})), &object));
        assert_eq!(predicted.get("data").unwrap().to_json(), json!({"b": "2", "c": "3"}));
        assert_eq!(
            patch(&object, &predicted),
            json!([{"op": "add", "path": "/data", "value": {"b": "2", "c": "3"}}])
        );
    }
}
