//! Changes as JSON, in a shape that stays: `docs/changes.schema.json` describes it.

use serde_json::{Map, Value as Json, json};

use super::shown_fields;
use crate::diff::{Action, Cause, Change, ChangeSet, Conflict, FieldChange, Mode, Reason};
use crate::report::json::location;
use crate::source::{Place, Sources};

/// Grows when a reader of the old shape could stumble over the new one.
const VERSION: u32 = 1;

pub fn tree(changes: &ChangeSet, all: bool, sources: &Sources) -> Json {
    let against = match &changes.mode {
        Mode::Offline { against } => Some(against),
        _ => None,
    };
    let count = |name: &str| changes.count(|action| action.name() == name);
    json!({
        "version": VERSION,
        "mode": changes.mode.name(),
        "against": against,
        "created": count("created"),
        "configured": count("configured"),
        "replaced": count("replaced"),
        "unchanged": count("unchanged"),
        "pruned": count("pruned"),
        "removed": count("removed"),
        "changes": changes.changes.iter().map(|change| object(change, all, sources)).collect::<Vec<_>>(),
    })
}

fn object(change: &Change, all: bool, sources: &Sources) -> Json {
    let id = &change.id;
    let because: &[Reason] = match &change.action {
        Action::Replaced { because } => because,
        _ => &[],
    };
    let mut members = Map::new();
    members.insert("apiVersion".to_owned(), json!(id.api_version));
    members.insert("kind".to_owned(), json!(id.kind));
    members.insert("namespace".to_owned(), json!(id.namespace));
    members.insert("name".to_owned(), json!(id.name));
    members.insert("action".to_owned(), json!(change.action.name()));
    members.insert("because".to_owned(), because.iter().map(reason).collect());
    members.insert("note".to_owned(), json!(change.note));
    members.extend(written(change.place, sources));
    members.insert("fields".to_owned(), shown_fields(change, all).map(|one| field(one, sources)).collect());
    let conflicts = change.conflicts.iter().map(|one| conflict(one, sources));
    members.insert("conflicts".to_owned(), conflicts.collect());
    Json::Object(members)
}

fn reason(reason: &Reason) -> Json {
    let (name, field) = match reason {
        Reason::Immutable(field) => ("immutable", Some(field)),
        Reason::Failed => ("failed", None),
        Reason::Rerun => ("rerun", None),
        Reason::Terminating => ("terminating", None),
    };
    json!({"reason": name, "field": field})
}

fn field(field: &FieldChange, sources: &Sources) -> Json {
    let change = match (&field.before, &field.after) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    let manager = match &field.cause {
        Cause::Manager(name) => Some(name),
        _ => None,
    };
    let value = |node: &Option<crate::yaml::Node>| node.as_ref().map(crate::yaml::Node::to_json);
    let mut members = Map::new();
    members.insert("path".to_owned(), json!(field.path));
    let pointer = field.pointers.predicted.as_ref().or(field.pointers.before.as_ref());
    members.insert("pointer".to_owned(), json!(pointer));
    members.insert("change".to_owned(), json!(change));
    members.insert("before".to_owned(), json!(value(&field.before)));
    members.insert("after".to_owned(), json!(value(&field.after)));
    members.insert("cause".to_owned(), json!(field.cause.name()));
    members.insert("manager".to_owned(), json!(manager));
    members.insert("owner".to_owned(), json!(field.owner));
    members.extend(written(field.place, sources));
    Json::Object(members)
}

fn conflict(conflict: &Conflict, sources: &Sources) -> Json {
    let mut members = Map::new();
    members.insert("path".to_owned(), json!(conflict.field));
    members.insert("manager".to_owned(), json!(conflict.manager));
    members.extend(written(Some(conflict.place), sources));
    Json::Object(members)
}

/// Where something was written, in words and in numbers.
fn written(place: Option<Place>, sources: &Sources) -> Map<String, Json> {
    let mut members = Map::new();
    members.insert("origin".to_owned(), json!(place.map(|place| sources.origin(place))));
    members.extend(location(place, sources));
    members
}
