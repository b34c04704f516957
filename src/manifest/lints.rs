//! `x-lints`: best practice that a kind's schema asks for. A lint is a rule with a name; what it finds is a warning
//! until `lint` has weighed it.
//!
//! Beside what a rule has: `name`, `level` (`warn` if it is left out) and `fix`, which either writes (`write`, an
//! expression that makes the new text) at `fieldPath`, or adds a line (`insert`) to the map that the lint is about.

use serde_json::Value as Json;

use super::expression::{self, Subject};
use super::rules::{broken, message, root, visit};
use crate::catalog::shape::Shape;
use crate::diagnostic::Diagnostic;
use crate::source::{Place, SourceKind, Sources};
use crate::yaml::{Node, Value};

/// Looks for what could be better in a manifest as it was written, before defaults.
pub(super) fn check(node: &Node, shape: Shape<'_>, sources: &Sources) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    visit(root(node), shape, &mut |spot, shape| {
        let subject = Subject::new(spot.node);
        for part in shape.parts() {
            for lint in part.own("x-lints").and_then(Json::as_array).into_iter().flatten() {
                broken(lint, spot, &subject, &mut |at, item| {
                    let found = finding(lint, &subject, at, item, sources);
                    // Several branches of a schema may share a lint.
                    if !findings.contains(&found) {
                        findings.push(found);
                    }
                });
            }
        }
    });
    findings
}

fn finding(
    lint: &Json,
    subject: &Subject<'_>,
    at: Place,
    item: Option<&Node>,
    sources: &Sources,
) -> Diagnostic {
    let text = |field: &str| lint.get(field).and_then(Json::as_str);
    let name = text("name").unwrap_or_default().to_owned();
    let mut finding = Diagnostic::warning(name, message(lint, subject, item)).at(at);
    finding.label = text("label").unwrap_or_default().to_owned();
    finding.help.extend(text("help").map(str::to_owned));
    let Some(fix) = lint.get("fix").filter(|_| sources.get(at.source).kind == SourceKind::Manifest) else {
        return finding;
    };
    let text = |field: &str| fix.get(field).and_then(Json::as_str);
    let words = text("message").unwrap_or_default();
    if let Some(new) = text("write").and_then(|making| expression::text(making, subject, item)) {
        return finding.fix(words, at, new);
    }
    match text("insert").and_then(|line| insertion(subject.node, line, sources)) {
        Some((place, line)) => finding.fix(words, place, line),
        None => finding,
    }
}

/// Returns the edit that adds a line below a map's last, where that is possible.
fn insertion(node: &Node, line: &str, sources: &Sources) -> Option<(Place, String)> {
    let map = node.as_map()?;
    let (first, _) = map.entries.first()?;
    let (key, last) = map.entries.last()?;
    let source = sources.get(node.place.source);
    // Below anything but a scalar in the line of its key, a line might become part of it.
    let is_plain = |node: &Node| {
        let text = source.text.get(node.place.range()).unwrap_or_default();
        let line = source.line_range(source.line_column(node.place.start).0);
        let is_alone = source.text[line.start..node.place.start as usize].trim().is_empty();
        !text.is_empty() && !text.contains('\n') && !text.starts_with(['|', '>']) && !is_alone
    };
    // What an alias or a merge key brings in stands elsewhere.
    let is_inside = |outer: Place, inner: Place| {
        outer.source == inner.source && outer.start <= inner.start && inner.end <= outer.end
    };
    let deepest = deepest_last(last);
    let is_here = is_inside(node.place, first.place)
        && is_inside(node.place, key.place)
        && key.place.end <= last.place.start
        && is_inside(last.place, deepest.place);
    let is_block = !source.text[node.place.start as usize..].starts_with('{');
    if !is_block || !is_here || !is_plain(deepest) {
        return None;
    }
    let (_, column) = source.line_column(first.place.start);
    let (number, _) = source.line_column(last.place.end);
    let at = source.line_range(number).end;
    let end_of_line = if source.text.get(at..at + 1) == Some("\r") { "\r\n" } else { "\n" };
    let indent = " ".repeat(column - 1);
    Some((Place::new(node.place.source, at..at), format!("{end_of_line}{indent}{line}")))
}

fn deepest_last(node: &Node) -> &Node {
    let last = match &node.value {
        Value::Map(map) => map.entries.last().map(|(_, node)| node),
        Value::List(items) => items.last(),
        _ => None,
    };
    last.map_or(node, deepest_last)
}
