//! Which lines of two written trees a field is on, so that a hunk can say what caused it.

use std::ops::Range;

use similar::DiffOp;

use super::{few, shown_fields};
use crate::diff::{Action, Cause, Change, FieldChange};
use crate::report::without_controls;
use crate::source::{SourceId, Sources};
use crate::yaml::{self, Node, pointer_steps};

/// The causes of a change, each with the lines that it is about; one without lines is about all of them.
pub(super) struct Marks {
    marks: Vec<Mark>,
}

struct Mark {
    lines: Option<[Range<usize>; 2]>,
    text: String,
}

impl Marks {
    pub(super) fn of(change: &Change, all: bool, texts: [&str; 2], sources: &Sources) -> Marks {
        let is_whole = matches!(change.action, Action::Created | Action::Pruned | Action::Removed);
        if is_whole {
            let text = change.place.map(|place| sources.origin(place));
            return Marks { marks: text.into_iter().map(|text| Mark { lines: None, text }).collect() };
        }
        let [before, after] = texts.map(Written::new);
        let marks = shown_fields(change, all).map(|field| {
            let pointer = if all { &field.pointers.predicted } else { &field.pointers.after };
            let lines = [before.lines(field.pointers.before.as_deref()), after.lines(pointer.as_deref())];
            Mark { lines: Some(lines), text: cause(field, sources) }
        });
        Marks { marks: marks.collect() }
    }

    /// Says what caused the changes of a hunk.
    pub(super) fn beside(&self, ops: &[DiffOp]) -> String {
        let changed: Vec<&DiffOp> = ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. })).collect();
        let meets =
            |lines: &Range<usize>, other: &Range<usize>| lines.start < other.end && other.start < lines.end;
        let is_here = |mark: &&Mark| match &mark.lines {
            None => true,
            Some([before, after]) => {
                changed.iter().any(|op| meets(before, &op.old_range()) || meets(after, &op.new_range()))
            }
        };
        let mut texts: Vec<&str> = Vec::new();
        for mark in self.marks.iter().filter(is_here) {
            // Two values on one line are one cause.
            if !texts.iter().any(|text| line_of(text) == line_of(&mark.text)) {
                texts.push(&mark.text);
            }
        }
        without_controls(&few(texts, "; ")).replace('\n', " ")
    }
}

/// `job.yaml:12:9 (was kubectl-edit's)` without the column.
fn line_of(text: &str) -> (&str, &str) {
    let (place, rest) = text.split_once(" (").unwrap_or((text, ""));
    let is_column = |(_, column): &(&str, &str)| column.bytes().all(|b| b.is_ascii_digit());
    (place.rsplit_once(':').filter(is_column).map_or(place, |(line, _)| line), rest)
}

fn cause(field: &FieldChange, sources: &Sources) -> String {
    let text = match (&field.cause, field.place) {
        (cause, Some(place)) if cause.is_yours() => sources.origin(place),
        (Cause::Admission, Some(place)) => format!("{}, against {}", field.cause, sources.origin(place)),
        (cause, _) => cause.to_string(),
    };
    match &field.owner {
        Some(owner) => format!("{text} (was {owner}'s)"),
        None => text,
    }
}

/// A written tree, read again for its lines.
struct Written {
    root: Option<Node>,
    line_starts: Vec<usize>,
}

impl Written {
    fn new(text: &str) -> Written {
        let (documents, _) = yaml::read(SourceId::NONE, text);
        let breaks = text.match_indices('\n').map(|(index, _)| index + 1);
        Written {
            root: documents.into_iter().next().map(|document| document.root),
            line_starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    fn lines(&self, pointer: Option<&str>) -> Range<usize> {
        let found = pointer.zip(self.root.as_ref()).and_then(|(pointer, root)| span(root, pointer));
        let Some(span) = found else { return 0..0 };
        let line = |offset: usize| self.line_starts.partition_point(|start| *start <= offset);
        line(span.start) - 1..line(span.end.saturating_sub(1).max(span.start))
    }
}

/// Returns the bytes from the key of a field to the end of its value.
fn span(root: &Node, pointer: &str) -> Option<Range<usize>> {
    let (mut node, mut start) = (root, root.place.start);
    for step in pointer_steps(pointer) {
        let key = node.as_map().and_then(|map| map.key(&step));
        let next = node.at([step.as_str()])?;
        start = key.map_or(next.place.start, |key| key.place.start);
        node = next;
    }
    Some(start as usize..node.place.end as usize)
}
