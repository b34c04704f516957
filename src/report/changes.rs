//! A ChangeSet as unified diffs, as a summary, or as JSON.

pub(super) mod json;
mod marks;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use self::marks::Marks;
use super::region::write_json;
use super::{plural, unified, without_controls};
use crate::diff::{Action, Change, ChangeSet, FieldChange, Mode, Reason};
use crate::source::Sources;
use crate::workers::Workers;
use crate::yaml::{self, Node};

/// How changes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeFormat {
    /// Unified diffs; at each hunk, what caused it.
    Patch,
    /// A line for each object.
    Summary,
    Json,
}

/// How many fields, or places, a line names.
const NAMED: usize = 3;
const HEADER: Style = Style::new().bold();
const GONE: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();

/// Writes what would change; `all` shows what the server would change of its own, too.
pub(super) fn product(changes: &ChangeSet, format: ChangeFormat, all: bool, sources: &Sources) -> String {
    let changed = || changes.changes.iter().filter(|change| change.action != Action::Unchanged);
    match format {
        ChangeFormat::Patch => {
            let earlier = match &changes.mode {
                Mode::Offline { against } => against,
                _ => "live",
            };
            Workers::All.map(changed().collect(), |change| patch(change, earlier, all, sources)).concat()
        }
        ChangeFormat::Summary => {
            let lines: String = changed().map(|change| line(change, all)).collect();
            format!("{lines}{}\n", counts(changes))
        }
        ChangeFormat::Json => write_json(&json::tree(changes, all, sources)),
    }
}

fn patch(change: &Change, earlier: &str, all: bool, sources: &Sources) -> String {
    let after = shown_after(change, all);
    let before_text = change.before.as_ref().map(yaml::write).unwrap_or_default();
    let after_text = after.map(yaml::write).unwrap_or_default();
    let mut text = String::new();
    let _ = writeln!(text, "{HEADER}{}{HEADER:#}", without_controls(&title(change)));
    if before_text == after_text {
        return text;
    }
    unified::head(&mut text, &side(change.before.as_ref(), earlier, change), &side(after, "after", change));
    let marks = Marks::of(change, all, [&before_text, &after_text], sources);
    unified::hunks(&mut text, &before_text, &after_text, &|ops| marks.beside(ops));
    text.push('\n');
    text
}

/// Returns what an object is shown as after the change.
pub fn shown_after(change: &Change, all: bool) -> Option<&Node> {
    if all { change.predicted.as_ref().or(change.after.as_ref()) } else { change.after.as_ref() }
}

/// Lists the fields to show; those of others only if all are asked for.
fn shown_fields(change: &Change, all: bool) -> impl Iterator<Item = &FieldChange> {
    change.fields.iter().filter(move |field| all || field.cause.is_yours())
}

/// `Job reports/nightly-report: replaced, since spec.template is immutable`
fn title(change: &Change) -> String {
    match &change.action {
        Action::Replaced { because } => {
            format!("{}: replaced, since {}", change.id, Reason::sentence(because))
        }
        Action::Removed => format!("{}: removed; a cluster keeps it unless it is pruned", change.id),
        action => format!("{}: {action}", change.id),
    }
}

fn side(node: Option<&Node>, name: &str, change: &Change) -> String {
    if node.is_some() { without_controls(&format!("{} ({name})", change.id)) } else { "/dev/null".to_owned() }
}

/// `configured  Job reports/nightly-report: spec.backoffLimit`
fn line(change: &Change, all: bool) -> String {
    let style = match change.action {
        Action::Created => NEW,
        Action::Configured | Action::Replaced { .. } => CHANGED,
        _ => GONE,
    };
    let is_taken_apart = matches!(change.action, Action::Configured | Action::Replaced { .. });
    let paths = shown_fields(change, all).filter(|_| is_taken_apart).map(|field| field.path.as_str());
    let paths = few(paths.collect(), ", ");
    let colon = if paths.is_empty() { "" } else { ": " };
    let shown = without_controls(&format!("{}{colon}{paths}", change.id));
    format!("{style}{:<10}{style:#}  {shown}\n", change.action.name())
}

/// Joins the first few, and says how many more there are.
fn few(items: Vec<&str>, between: &str) -> String {
    let named = if items.len() == NAMED + 1 { NAMED + 1 } else { items.len().min(NAMED) };
    let mut text = items[..named].join(between);
    if named < items.len() {
        let _ = write!(text, "{between}and {} more", items.len() - named);
    }
    text
}

/// `2 created, 1 configured, 3 unchanged (server)`
pub(super) fn counts(changes: &ChangeSet) -> String {
    let words = ["created", "configured", "replaced", "pruned", "removed", "unchanged"];
    let counts = words.into_iter().map(|word| (changes.count(|action| action.name() == word), word));
    let parts: Vec<String> =
        counts.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let counted = if parts.is_empty() { plural(0, "object") } else { parts.join(", ") };
    format!("{counted} ({})", changes.mode)
}

/// What there is to know beside the changes themselves, a line each.
pub(super) fn notes(changes: &ChangeSet, sources: &Sources) -> Vec<String> {
    let mut notes = Vec::new();
    for change in &changes.changes {
        notes.extend(change.note.as_ref().map(|note| format!("{}: {note}", change.id)));
        notes.extend(change.conflicts.iter().map(|conflict| {
            format!(
                "{}: `{}` belongs to `{}`, so an apply needs `--force-conflicts` ({})",
                change.id,
                conflict.field,
                conflict.manager,
                sources.origin(conflict.place)
            )
        }));
    }
    notes
}
