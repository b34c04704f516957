//! A ChangeSet as unified diffs.

use std::fmt::Write as _;

use anstyle::Style;

use super::{plural, unified, without_controls};
use crate::diff::{Action, Change, ChangeSet};
use crate::yaml::{self, Node};

const HEADER: Style = Style::new().bold();

/// Renders what would change; `all` shows what the server would change of its own, too.
pub(super) fn text(changes: &ChangeSet, all: bool) -> String {
    let shown = changes.changes.iter().filter(|change| change.action != Action::Unchanged);
    shown.map(|change| change_text(change, all)).collect()
}

fn change_text(change: &Change, all: bool) -> String {
    let after = if all { change.predicted.as_ref().or(change.after.as_ref()) } else { change.after.as_ref() };
    let before_text = change.before.as_ref().map(yaml::write).unwrap_or_default();
    let after_text = after.map(yaml::write).unwrap_or_default();
    let mut text = String::new();
    let _ = writeln!(text, "{HEADER}{}{HEADER:#}", without_controls(&title(change)));
    if before_text == after_text {
        return text;
    }
    unified::head(&mut text, &side(change.before.as_ref(), "live", change), &side(after, "after", change));
    unified::hunks(&mut text, &before_text, &after_text);
    text.push('\n');
    text
}

/// `Job reports/nightly-report: replaced, since spec.template is immutable`
fn title(change: &Change) -> String {
    let Action::Replaced { because } = &change.action else {
        return format!("{}: {}", change.id, change.action);
    };
    let reasons: Vec<String> = because.iter().map(ToString::to_string).collect();
    format!("{}: replaced, since {}", change.id, reasons.join(", "))
}

fn side(node: Option<&Node>, name: &str, change: &Change) -> String {
    if node.is_some() { without_controls(&format!("{} ({name})", change.id)) } else { "/dev/null".to_owned() }
}

/// `2 created, 1 configured, 3 unchanged`
pub(super) fn summary(changes: &ChangeSet) -> String {
    let words = ["created", "configured", "replaced", "pruned", "unchanged"];
    let counts = words.into_iter().map(|word| (changes.count(|action| action.to_string() == word), word));
    let parts: Vec<String> =
        counts.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if parts.is_empty() { plural(0, "object") } else { parts.join(", ") }
}
