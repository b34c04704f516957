//! A kind's example → a manifest to start from, whose comments say what the fields mean.

use crate::catalog::Kind;
use crate::catalog::shape::Shape;
use crate::source::SourceId;
use crate::yaml::{self, Node};

/// Comments stand at the manifest's top fields, and at those of its `spec`; deeper ones would bury it.
const DEPTH: usize = 2;

/// Writes the example with a comment above each field, and the fields that it leaves out at its end.
pub(super) fn starter(kind: &Kind, example: &str) -> String {
    let title = kind.shape().text("title").unwrap_or(&kind.name);
    let (documents, _) = yaml::read(SourceId::NONE, example);
    let Some(root) = documents.first().map(|document| &document.root) else { return example.to_owned() };
    let mut notes = Vec::new();
    collect(root, kind.shape(), 1, example, &mut notes);
    notes.sort();
    let mut text = format!("# `daphnia explain {title}` says more of every field.\n");
    let mut rest = 0;
    for (line_start, note) in notes {
        text.push_str(&example[rest..line_start]);
        text.push_str(&note);
        rest = line_start;
    }
    text.push_str(&example[rest..]);
    text.push_str(&left_out(root, kind.shape()));
    text
}

/// Collects comments, each with the start of the line that it goes above.
fn collect(node: &Node, shape: Shape<'_>, depth: usize, text: &str, notes: &mut Vec<(usize, String)>) {
    for (key, value) in node.as_map().into_iter().flat_map(|map| &map.entries) {
        let Some(field) = shape.property(&key.text) else { continue };
        let start = key.place.range().start;
        let line_start = text[..start].rfind('\n').map_or(0, |index| index + 1);
        let indent = &text[line_start..start];
        let is_commented =
            text[..line_start].lines().next_back().is_some_and(|line| line.trim().starts_with('#'));
        let description = field.text("description").filter(|_| is_told(&key.text, depth) && !is_commented);
        if let Some(description) = description.filter(|_| indent.trim().is_empty()) {
            notes.push((line_start, format!("{indent}# {}\n", description.replace('\n', " "))));
        }
        if depth < DEPTH {
            collect(value, field, depth + 1, text, notes);
        }
    }
}

/// What every Kubernetes manifest starts with needs no words.
fn is_told(field: &str, depth: usize) -> bool {
    depth > 1 || !["apiVersion", "kind", "metadata", "spec"].contains(&field)
}

/// Lists the fields of `spec` that the example leaves out, as comments in it. They need `spec` to be the last
/// field, in block style.
fn left_out(root: &Node, shape: Shape<'_>) -> String {
    let Some((key, spec)) = root.as_map().and_then(|map| map.entries.last()) else { return String::new() };
    let fields = shape.property(&key.text).map(|field| field.properties()).unwrap_or_default();
    let mut text = String::new();
    for (name, field) in fields.into_iter().filter(|(name, _)| spec.get(name).is_none()) {
        let default = field.keyword("default").filter(|default| !default.is_object());
        let default = default.map(|default| format!(" {default}")).unwrap_or_default();
        let description = field.text("description").unwrap_or_default().replace('\n', " ");
        text.push_str(&format!("  # {name}:{default}  # {description}\n"));
    }
    if text.is_empty() { text } else { format!("\n  # Also possible:\n{text}") }
}
