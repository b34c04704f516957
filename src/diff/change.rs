//! What an apply would change: objects, their fields, and why.

use std::fmt;

use super::Conflict;
use crate::object::{Object, ObjectId};
use crate::source::{Place, SourceId, SourceKind, Sources};
use crate::yaml::Node;

/// How it was found out what would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mode {
    /// The server was asked, by a dry-run.
    #[default]
    Server,
    /// The cluster was read; what an apply would make of it was computed here.
    ReadOnly,
    /// No cluster was asked; this, a folder or a revision, is what was compared with.
    Offline { against: String },
}

impl Mode {
    pub fn name(&self) -> &'static str {
        match self {
            Mode::Server => "server",
            Mode::ReadOnly => "read-only",
            Mode::Offline { .. } => "offline",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::Offline { against } => write!(f, "{} against {against}", self.name()),
            _ => f.write_str(self.name()),
        }
    }
}

/// What an apply would change, object by object, in apply order; what goes comes last.
#[derive(Debug, Clone, Default)]
pub struct ChangeSet {
    pub mode: Mode,
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

/// Returns where an object was written; of one that a template makes, what names it.
pub(super) fn place_of(object: &Object, sources: &Sources) -> Place {
    let is_written = |place: Place| Cause::of(place, sources) == Cause::You;
    let name = object.origin(["metadata", "name"]);
    if !is_written(object.node.place) && is_written(name) { name } else { object.node.place }
}

/// One object's change. The trees hold neither what servers keep for themselves nor the values of secrets; of an
/// object that stays as it is there are none.
#[derive(Debug, Clone)]
pub struct Change {
    pub id: ObjectId,
    pub action: Action,
    /// Where the object was written, or of one that a template makes what names it; `None` for one that is pruned.
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

impl Change {
    pub(super) fn of(id: ObjectId, action: Action) -> Self {
        Self {
            id,
            action,
            place: None,
            before: None,
            after: None,
            predicted: None,
            fields: Vec::new(),
            conflicts: Vec::new(),
            note: None,
        }
    }
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
    /// It is no longer among the manifests. A cluster keeps it unless it is pruned.
    Removed,
}

impl Action {
    pub fn name(&self) -> &'static str {
        match self {
            Action::Created => "created",
            Action::Configured => "configured",
            Action::Replaced { .. } => "replaced",
            Action::Unchanged => "unchanged",
            Action::Pruned => "pruned",
            Action::Removed => "removed",
        }
    }
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

impl Reason {
    /// How many immutable fields a sentence names.
    const NAMED: usize = 3;

    /// Says all of them in a sentence that can follow "since": ``its last run failed, and `a` and `b` are immutable``.
    pub fn sentence(reasons: &[Reason]) -> String {
        let mut fields: Vec<String> = Vec::new();
        let mut clauses: Vec<String> = Vec::new();
        for reason in reasons {
            match reason {
                Reason::Immutable(field) => fields.push(format!("`{field}`")),
                Reason::Failed => clauses.push("its last run failed".to_owned()),
                Reason::Rerun => clauses.push("it is to run again".to_owned()),
                Reason::Terminating => clauses.push("it is being deleted".to_owned()),
            }
        }
        if fields.len() > Self::NAMED + 1 {
            let more = fields.split_off(Self::NAMED).len();
            fields.push(format!("{more} more"));
        }
        let verb = if fields.len() == 1 { "is" } else { "are" };
        clauses.extend((!fields.is_empty()).then(|| format!("{} {verb} immutable", enumerate(&fields))));
        clauses.join(", and ")
    }
}

/// `a`, `a and b`, `a, b and c`
fn enumerate(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A changed field: a scalar, an atomic list, or a whole subtree that goes.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// `spec.template.spec.containers[0].image`
    pub path: String,
    pub pointers: Pointers,
    pub before: Option<Node>,
    pub after: Option<Node>,
    pub cause: Cause,
    /// Who owned the field until now, if not us.
    pub owner: Option<String>,
    /// Where the desired value was written, or what is around the place where it no longer is.
    pub place: Option<Place>,
}

/// Where a field is in the trees of its change, as JSON pointers; `None` where it is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pointers {
    pub before: Option<String>,
    pub after: Option<String>,
    pub predicted: Option<String>,
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

    pub(super) fn of(place: Place, sources: &Sources) -> Cause {
        if place.source == SourceId::NONE {
            return Cause::Template;
        }
        match sources.get(place.source).kind {
            SourceKind::Manifest | SourceKind::Argument => Cause::You,
            SourceKind::Profile => Cause::Profile,
            SourceKind::Template => Cause::Template,
            SourceKind::Default => Cause::Default,
            SourceKind::Cluster => Cause::ServerDefault,
        }
    }
}

impl Cause {
    pub fn name(&self) -> &'static str {
        match self {
            Cause::You => "you",
            Cause::Profile => "profile",
            Cause::Template => "template",
            Cause::Default => "default",
            Cause::ServerDefault => "server default",
            Cause::Admission => "admission",
            Cause::Manager(_) => "manager",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Manager(name) => write!(f, "manager {name}"),
            _ => f.write_str(self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_make_one_sentence() {
        let fields = |names: &[&str]| {
            names.iter().map(|name| Reason::Immutable((*name).to_owned())).collect::<Vec<_>>()
        };
        let of = |reasons: &[Reason]| Reason::sentence(reasons);
        assert_eq!(of(&fields(&["a"])), "`a` is immutable");
        assert_eq!(of(&fields(&["a", "b"])), "`a` and `b` are immutable");
        assert_eq!(of(&fields(&["a", "b", "c", "d"])), "`a`, `b`, `c` and `d` are immutable");
        assert_eq!(of(&fields(&["a", "b", "c", "d", "e"])), "`a`, `b`, `c` and 2 more are immutable");
        let failed = [fields(&["a", "b"]), vec![Reason::Failed]].concat();
        assert_eq!(of(&failed), "its last run failed, and `a` and `b` are immutable");
        assert_eq!(of(&[Reason::Rerun]), "it is to run again");
    }
}
