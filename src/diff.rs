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
pub use owned::{FIELD_MANAGER, is_applied, is_same_but_for_times};
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
    let mut note = None;
    let predicted = match &observed.prediction {
        Prediction::Same => observed.live.as_ref(),
        Prediction::Server(node) | Prediction::Merged(node) | Prediction::Replacement { node, .. } => {
            Some(node)
        }
        Prediction::Desired => Some(&desired.node),
        Prediction::Done { note: done } => {
            note = Some(done.clone());
            observed.live.as_ref()
        }
    };
    let masked = |node: Option<&Node>, masks: &mut Masks| {
        node.map(|node| {
            let mut node = clean(node, &desired.node);
            masks.mask(&mut node);
            masks.mask_literals(&mut node);
            node
        })
    };
    let before = masked(observed.live.as_ref(), masks);
    let predicted_clean = masked(predicted, masks);
    let wanted = masked(Some(&desired.node), masks);
    let comparison = compare::compare(
        compare::Trees { before: before.as_ref(), after: predicted_clean.as_ref(), desired: wanted.as_ref() },
        compare::Owners { live: observed.live.as_ref(), predicted },
        sources,
    );
    let is_yours = comparison.fields.iter().any(|field| field.cause.is_yours());
    let action = match &observed.prediction {
        Prediction::Done { .. } => Action::Unchanged,
        Prediction::Replacement { because, .. } => Action::Replaced { because: because.clone() },
        _ if observed.live.is_none() => Action::Created,
        _ if is_yours => Action::Configured,
        _ => Action::Unchanged,
    };
    // The server's answer to a creation is long; what people wrote is what they want to read.
    let after = if observed.live.is_none() && predicted.is_some() { wanted } else { comparison.yours };
    Change {
        id: desired.id.clone(),
        action,
        place: Some(change::place_of(desired, sources)),
        before,
        after,
        predicted: predicted_clean,
        fields: comparison.fields,
        conflicts: observed.conflicts.clone(),
        note,
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
    let mut before = clean(live, live);
    masks.mask(&mut before);
    masks.mask_literals(&mut before);
    Some(Change {
        id,
        action,
        place: None,
        before: Some(before),
        after: None,
        predicted: None,
        fields: Vec::new(),
        conflicts: Vec::new(),
        note: None,
    })
}
