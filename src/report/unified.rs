//! Two texts → the lines in which they differ, as a unified diff.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, DiffOp, TextDiff};

use super::without_controls;

const CONTEXT_LINES: usize = 3;
const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const HUNK: Style = AnsiColor::Cyan.on_default();

/// Writes the two lines that name the texts.
pub(super) fn head(text: &mut String, before: &str, after: &str) {
    let _ = writeln!(text, "{REMOVED}--- {}{REMOVED:#}", without_controls(before));
    let _ = writeln!(text, "{ADDED}+++ {}{ADDED:#}", without_controls(after));
}

/// Writes the hunks, each with what there is to say beside its heading.
pub(super) fn hunks(text: &mut String, before: &str, after: &str, beside: &dyn Fn(&[DiffOp]) -> String) {
    let diff = TextDiff::from_lines(before, after);
    for hunk in diff.unified_diff().context_radius(CONTEXT_LINES).iter_hunks() {
        let note = beside(hunk.ops());
        let gap = if note.is_empty() { "" } else { " " };
        let _ = writeln!(text, "{HUNK}{}{HUNK:#}{gap}{note}", hunk.header());
        for line in hunk.iter_changes() {
            let (sign, style) = match line.tag() {
                ChangeTag::Delete => ('-', REMOVED),
                ChangeTag::Insert => ('+', ADDED),
                ChangeTag::Equal => (' ', Style::new()),
            };
            let shown = without_controls(line.value().trim_end_matches(['\n', '\r']));
            let _ = writeln!(text, "{style}{sign}{shown}{style:#}");
            if line.missing_newline() {
                let _ = writeln!(text, "\\ No newline at end of file");
            }
        }
    }
}
