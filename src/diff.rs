//! Observed → ChangeSet: what an apply would change, field by field, each with its cause.

pub mod adopt;
mod clean;
mod compare;
mod immutable;
mod merge;
mod owned;
mod quantity;

pub use clean::clean;
pub use immutable::{changed_immutable_fields, is_immutable_field};
pub use merge::merge;
pub use owned::{FIELD_MANAGER, is_applied, is_same_but_for_times, owner};

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::object::{Masks, Object, ObjectId};
use crate::source::{Place, SourceKind, Sources};
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

/// What an apply would change, object by object, in apply order; what it would prune comes last.
#[derive(Debug, Clone, Default)]
pub struct ChangeSet {
    pub changes: Vec<Change>,
}

impl ChangeSet {
    /// Whether an apply would leave every object as it is.
    pub fn is_empty(&self) -> bool {
        self.changes.iter().all(|change| change.action == Action::Unchanged)
    }

    pub fn count(&self, is_counted: impl Fn(&Action) -> bool) -> usize {
        self.changes.iter().filter(|change| is_counted(&change.action)).count()
    }
}

/// One object's change. The trees hold neither what servers keep for themselves nor the values of secrets.
#[derive(Debug, Clone)]
pub struct Change {
    pub id: ObjectId,
    pub action: Action,
    /// Where the object was written; `None` for one that is pruned.
    pub place: Option<Place>,
    pub before: Option<Node>,
    /// `before` with the changes that are yours.
    pub after: Option<Node>,
    /// `before` with all changes, the server's own among them.
    pub predicted: Option<Node>,
    /// Every change of a field, in document order.
    pub fields: Vec<FieldChange>,
    pub conflicts: Vec<Conflict>,
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Created,
    Configured,
    /// Deleted and created anew.
    Replaced {
        because: Vec<Reason>,
    },
    Unchanged,
    Pruned,
}

/// Why an object cannot stay and be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// This field cannot be changed in place.
    Immutable(String),
    /// The Job has failed.
    Failed,
    /// The Job is to run once more.
    Rerun,
    /// Someone has deleted it, and it is about to go.
    Terminating,
}

/// Follows "since".
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Immutable(field) => write!(f, "`{field}` is immutable"),
            Reason::Failed => f.write_str("its last run failed"),
            Reason::Rerun => f.write_str("it is to run again"),
            Reason::Terminating => f.write_str("it is being deleted"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Action::Created => "created",
            Action::Configured => "configured",
            Action::Replaced { .. } => "replaced",
            Action::Unchanged => "unchanged",
            Action::Pruned => "pruned",
        })
    }
}

/// A changed field: a scalar, an atomic list, or a whole subtree that goes.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// `spec.template.spec.containers[0].image`
    pub path: String,
    pub before: Option<Node>,
    pub after: Option<Node>,
    pub cause: Cause,
    /// Who owned the field until now, if not us.
    pub owner: Option<String>,
    /// Where the desired value was written, or what is around the place where it no longer is.
    pub place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The manifest or the command line.
    You,
    Profile,
    Template,
    /// A default of the manifest's schema.
    Default,
    ServerDefault,
    /// A webhook or a policy of the cluster that changes what it is given.
    Admission,
    /// Another field manager.
    Manager(String),
}

impl Cause {
    /// Whether the change comes from what was rendered, rather than from the cluster.
    pub fn is_yours(&self) -> bool {
        matches!(self, Cause::You | Cause::Profile | Cause::Template | Cause::Default)
    }

    fn of(place: Place, sources: &Sources) -> Cause {
        match sources.get(place.source).kind {
            SourceKind::Manifest | SourceKind::Argument => Cause::You,
            SourceKind::Profile => Cause::Profile,
            SourceKind::Template => Cause::Template,
            SourceKind::Default => Cause::Default,
            SourceKind::Cluster => Cause::ServerDefault,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::You => f.write_str("you"),
            Cause::Profile => f.write_str("profile"),
            Cause::Template => f.write_str("template"),
            Cause::Default => f.write_str("default"),
            Cause::ServerDefault => f.write_str("server default"),
            Cause::Admission => f.write_str("admission"),
            Cause::Manager(name) => write!(f, "manager {name}"),
        }
    }
}

/// Compares what was observed. `pruned` are live objects that are to go.
pub fn diff(observed: &[Observed], pruned: &[Node], sources: &Sources) -> ChangeSet {
    let mut masks = Masks::default();
    let mut changes: Vec<Change> = observed.iter().map(|one| change(one, sources, &mut masks)).collect();
    changes.extend(pruned.iter().filter_map(|live| removal(live, &mut masks)));
    ChangeSet { changes }
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
        place: Some(desired.node.place),
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

fn removal(live: &Node, masks: &mut Masks) -> Option<Change> {
    let id = Object::new(live.clone())?.id;
    let mut before = clean(live, live);
    masks.mask(&mut before);
    Some(Change {
        id,
        action: Action::Pruned,
        place: None,
        before: Some(before),
        after: None,
        predicted: None,
        fields: Vec::new(),
        conflicts: Vec::new(),
        note: None,
    })
}
