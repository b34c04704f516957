//! A field of a rendered object, as text: its value, where that comes from, and what the field is for.

use std::fmt::Write as _;

use super::explanation::wrapped;
use super::findings::line_text;
use super::without_controls;
use crate::explain::Explanation;
use crate::object::Trace;
use crate::source::{Place, SourceId, SourceKind, Sources};
use crate::yaml::{self, Value};

/// Lines of sources that are quoted are cut here.
const WIDEST: usize = 80;

pub(super) fn trace(
    trace: &Trace<'_>,
    told: Option<&Explanation>,
    sources: &Sources,
    secrets: &[Place],
) -> String {
    let mut text = trace.object.to_string();
    if !trace.path.is_empty() {
        let _ = write!(text, ": {}", trace.path);
    }
    text.push('\n');
    let is_scalar = !matches!(trace.node.value, Value::Map(_) | Value::List(_));
    let value = yaml::write(trace.node);
    let is_short = is_scalar && value.trim_end().lines().count() == 1;
    if is_short {
        let _ = writeln!(text, "  value    {}", value.trim_end());
    }
    let origin = (trace.node.place.source != SourceId::NONE).then_some(trace.node.place);
    let places: Vec<Place> = origin.into_iter().chain(trace.through.iter().copied()).collect();
    let names: Vec<String> = places.iter().map(|place| sources.origin(*place)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    for (index, (place, name)) in places.iter().zip(&names).enumerate() {
        let label = ["from", "through"].get(index).copied().unwrap_or_default();
        let quoted = quoted(*place, sources, secrets);
        let _ = writeln!(text, "{}", format!("  {label:7}  {name:width$}  {quoted}").trim_end());
    }
    if !is_short {
        let body = yaml::write_with_comments(trace.node, &|node| sources.origin(node.place));
        let _ = write!(text, "\n{body}");
    }
    if let Some(told) = told.filter(|told| !told.description.is_empty()) {
        let _ = write!(text, "\n{}: {}\n{}", told.path, told.type_name, wrapped(&told.description, ""));
    }
    without_controls(&text)
}

/// The line that a place is in, as it is written.
fn quoted(place: Place, sources: &Sources, secrets: &[Place]) -> String {
    let kind = sources.get(place.source).kind;
    if !matches!(kind, SourceKind::Manifest | SourceKind::Template | SourceKind::Profile) {
        return String::new();
    }
    let line = line_text(place, sources, secrets);
    let line = line.trim();
    let cut: String = line.chars().take(WIDEST).collect();
    let more = if cut.len() < line.len() { "…" } else { "" };
    format!("| {cut}{more}")
}
