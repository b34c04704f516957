//! Two versions of a plan → what changes from one to the other, without a cluster.

use std::collections::{HashMap, HashSet};

use super::change::{Action, Cause, Change, ChangeSet, Mode, place_of};
use super::compare::{self, Owners, Trees};
use super::{changed_immutable_fields, prepare, removal};
use crate::kubernetes;
use crate::object::{Masks, Object, ObjectId, Plan, is_withheld};
use crate::source::{Place, Sources};
use crate::yaml::{Map, Node};

/// Compares what manifests render to with what they, or others, rendered to before. `against` says what that was,
/// `namespace` is that of objects that name none.
pub fn between(
    [before, after]: [Plan; 2],
    against: String,
    namespace: Option<&str>,
    sources: &Sources,
) -> ChangeSet {
    let placed = |object: Object| in_namespace(prepare(object), namespace);
    let olds: Vec<Object> = before.objects.into_iter().map(placed).collect();
    let news: Vec<Object> = after.objects.into_iter().map(placed).collect();
    let by_id: HashMap<&ObjectId, &Object> = olds.iter().map(|object| (&object.id, object)).collect();
    let kept: HashSet<&ObjectId> = news.iter().map(|object| &object.id).collect();
    let mut masks = Masks::default();
    let changes = news.iter().map(|new| change(by_id.get(&new.id).copied(), new, &mut masks, sources));
    let mut changes: Vec<Change> = changes.collect();
    for old in olds.iter().filter(|old| !kept.contains(&old.id)) {
        let place = Some(place_of(old, sources));
        let removed = removal(&old.node, Action::Removed, &mut masks);
        changes.extend(removed.map(|change| Change { place, ..change }));
    }
    ChangeSet { mode: Mode::Offline { against }, changes }
}

fn in_namespace(mut object: Object, namespace: Option<&str>) -> Object {
    let id = &mut object.id;
    let is_namespaced = kubernetes::kind(&id.api_version, &id.kind).is_none_or(|kind| kind.namespaced);
    if id.namespace.is_none() && is_namespaced {
        id.namespace = namespace.map(str::to_owned);
    }
    object
}

fn change(old: Option<&Object>, new: &Object, masks: &mut Masks, sources: &Sources) -> Change {
    let mut before = old.map(|old| old.node.clone());
    let is_masked = before.as_mut().is_some_and(|before| fill_in_masked(before, &new.node));
    let because = before.as_ref().map(|before| changed_immutable_fields(new, before, &new.node));
    let mut masked = |mut node: Node| {
        masks.mask_all(&mut node);
        node
    };
    let before = before.map(&mut masked);
    let after = masked(new.node.clone());
    let comparison = compare::compare_with(
        Trees { before: before.as_ref(), after: Some(&after), desired: Some(&after) },
        Owners { live: None, predicted: None },
        &|place: Place| Cause::of(place, sources),
    );
    let action = match because {
        None => Action::Created,
        Some(_) if comparison.fields.is_empty() => Action::Unchanged,
        Some(because) if !because.is_empty() => Action::Replaced { because },
        Some(_) => Action::Configured,
    };
    Change {
        id: new.id.clone(),
        action,
        place: Some(place_of(new, sources)),
        before,
        after: comparison.yours,
        predicted: Some(after),
        fields: comparison.fields,
        conflicts: Vec::new(),
        note: is_masked.then(|| "what is masked there cannot be compared and counts as unchanged".to_owned()),
    }
}

/// A rendering that was kept has markers in place of secrets. Nobody can say what they stood for, so they take the
/// new values.
fn fill_in_masked(before: &mut Node, after: &Node) -> bool {
    if before.get("kind").and_then(Node::as_str) != Some("Secret") {
        return false;
    }
    let Some(old) = before.as_map_mut().and_then(|map| map.get_mut("data")).and_then(Node::as_map_mut) else {
        return false;
    };
    let is_any = old.iter().any(|(_, value)| is_withheld(value));
    let empty = Map::default();
    let new = after.get("data").and_then(Node::as_map).unwrap_or(&empty);
    for (key, value) in &mut old.entries {
        if let Some(new) = new.get(&key.text).filter(|_| is_withheld(value)) {
            *value = new.clone();
        }
    }
    is_any
}
