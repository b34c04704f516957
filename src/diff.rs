//! Observed → ChangeSet: what an apply would change, field by field, each with its cause.

pub mod adopt;
mod change;
mod clean;
mod compare;
mod immutable;
mod merge;
mod offline;
mod owned;
mod prepare;
mod quantity;

pub use change::{Action, Cause, Change, ChangeSet, FieldChange, Mode, Pointers, Reason};
pub use clean::clean;
pub use immutable::{changed_immutable_fields, is_immutable_field};
pub use merge::merge;
pub use offline::between;
pub use owned::{FIELD_MANAGER, forget_owners, is_applied, is_same_but_for_times};
pub use prepare::prepare;

use sha2::{Digest as _, Sha256};

use crate::object::{Masks, Object};
use crate::source::{Place, Sources};
use crate::yaml::Node;

/// An object as it is to be, as it is, and as it would become.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Its identity holds the namespace that an apply would use.
    pub desired: Object,
    /// As the server holds it, whole; `None` if it does not exist.
    pub live: Option<Node>,
    pub prediction: Prediction,
    /// Fields that another manager owns with another value.
    pub conflicts: Vec<Conflict>,
}

#[derive(Debug, Clone)]
pub enum Prediction {
    /// The live object has every desired field, owned by us, and nothing that we have since dropped.
    Same,
    /// What the server says that it would hold.
    Server(Node),
    /// What was computed here, for the server was not to be asked: without its defaults.
    Merged(Node),
    /// The server cannot say, for the namespace or the definition comes with the same plan; or it was not asked.
    Desired,
    /// It has to be deleted and created anew.
    Replacement { node: Node, because: Vec<Reason> },
    /// A Job that has had its run: nothing is to be done.
    Done { note: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub field: String,
    pub manager: String,
    /// Where the desired value was written.
    pub place: Place,
}

/// Compares what was observed. `pruned` are live objects that are to go.
pub fn diff(observed: &[Observed], pruned: &[Node], sources: &Sources) -> ChangeSet {
    let mut masks = Masks::default();
    let mut changes: Vec<Change> = observed.iter().map(|one| change(one, sources, &mut masks)).collect();
    changes.extend(pruned.iter().filter_map(|live| removal(live, Action::Pruned, &mut masks)));
    ChangeSet { mode: Mode::Server, changes }
}

fn change(observed: &Observed, sources: &Sources, masks: &mut Masks) -> Change {
    let desired = &observed.desired;
    let place = Some(change::place_of(desired, sources));
    let told = |action| Change { place, ..Change::of(desired.id.clone(), action) };
    let predicted = match &observed.prediction {
        // Most objects stay as they are, as a rule: their trees are not looked at.
        Prediction::Same => return told(Action::Unchanged),
        Prediction::Done { note } => return Change { note: Some(note.clone()), ..told(Action::Unchanged) },
        Prediction::Server(node) | Prediction::Merged(node) | Prediction::Replacement { node, .. } => node,
        Prediction::Desired => &desired.node,
    };
    let mut shown = |node: &Node| shown(node, &desired.node, masks);
    let before = observed.live.as_ref().map(&mut shown);
    let after = shown(predicted);
    let wanted = shown(&desired.node);
    let comparison = compare::compare(
        compare::Trees { before: before.as_ref(), after: Some(&after), desired: Some(&wanted) },
        compare::Owners { live: observed.live.as_ref(), predicted: Some(predicted) },
        sources,
    );
    let is_yours = comparison.fields.iter().any(|field| field.cause.is_yours());
    let action = match &observed.prediction {
        Prediction::Replacement { because, .. } => Action::Replaced { because: because.clone() },
        _ if observed.live.is_none() => Action::Created,
        _ if is_yours => Action::Configured,
        _ => Action::Unchanged,
    };
    Change {
        // The server's answer to a creation is long; what people wrote is what they want to read.
        after: if observed.live.is_none() { Some(wanted) } else { comparison.yours },
        before,
        predicted: Some(after),
        fields: comparison.fields,
        conflicts: observed.conflicts.clone(),
        ..told(action)
    }
}

/// Returns a digest of what an object is and of what it is to be. While it stays the same, an apply does what was
/// last shown.
pub fn fingerprint(observed: &Observed) -> String {
    let live = observed.live.as_ref().map(|live| clean(live, &observed.desired.node).to_json());
    let both = serde_json::json!({"live": live, "desired": observed.desired.node.to_json()});
    let hash = Sha256::digest(both.to_string());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the fields that a merge would change although another manager has set them.
pub fn foreign_changes(desired: &Object, live: &Node, merged: &Node) -> Vec<Conflict> {
    let (before, after) = (clean(live, &desired.node), clean(merged, &desired.node));
    let comparison = compare::compare_with(
        compare::Trees { before: Some(&before), after: Some(&after), desired: Some(&desired.node) },
        compare::Owners { live: Some(live), predicted: None },
        &|_| Cause::You,
    );
    let foreign = comparison.fields.into_iter().filter_map(|field| {
        let (manager, place) = (field.owner?, field.place?);
        let is_foreign = field.before.is_some() && !adopt::is_client_side_manager(live, &manager);
        is_foreign.then_some(Conflict { field: field.path, manager, place })
    });
    foreign.collect()
}

fn removal(live: &Node, action: Action, masks: &mut Masks) -> Option<Change> {
    let id = Object::new(live.clone())?.id;
    Some(Change { before: Some(shown(live, live, masks)), ..Change::of(id, action) })
}

/// Returns the part of an object that people decide about, without the values of secrets.
fn shown(object: &Node, desired: &Node, masks: &mut Masks) -> Node {
    let mut object = clean(object, desired);
    masks.mask_all(&mut object);
    object
}
