//! Findings as rustc shows them: place, source line, underline, help, the mending edit.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level as Title, Patch, Renderer, Snippet};

use super::format::touches;
use super::without_controls;
use crate::diagnostic::{Diagnostic, Fix, Level};
use crate::source::{Place, Source, SourceKind, Sources};

/// Two places at most this many lines apart are shown in one snippet.
const NEAR_LINES: usize = 12;
/// A line of more bytes than this is shown without its text.
const LONG_LINE: usize = 2000;

/// Renders findings for a terminal.
pub(super) fn text(findings: &[&Diagnostic], sources: &Sources, secrets: &[Place]) -> String {
    render_all(findings, sources, secrets, &Renderer::styled())
}

/// Renders findings without colours.
pub(super) fn plain(findings: &[&Diagnostic], sources: &Sources, secrets: &[Place]) -> String {
    render_all(findings, sources, secrets, &Renderer::plain())
}

fn render_all(findings: &[&Diagnostic], sources: &Sources, secrets: &[Place], renderer: &Renderer) -> String {
    findings.iter().map(|finding| render(finding, sources, secrets, renderer) + "\n\n").collect()
}

fn render(finding: &Diagnostic, sources: &Sources, secrets: &[Place], renderer: &Renderer) -> String {
    let level = match finding.level {
        Level::Error => Title::ERROR,
        Level::Warning => Title::WARNING,
        Level::Note => Title::NOTE,
    };
    let mut main = Group::with_title(
        level.primary_title(without_controls(&finding.message)).id(finding.code.to_string()),
    );
    for window in windows(finding, sources, secrets) {
        main = main.element(window);
    }
    for help in &finding.help {
        main = main.element(Title::HELP.message(without_controls(help)));
    }
    let mut groups = vec![main];
    if let Some(fix) = finding.fix.as_ref().filter(|fix| is_shown(fix, sources)) {
        groups.push(patch(fix, sources, secrets));
    }
    renderer.render(&groups)
}

/// One mark to draw: where, what to say, whether it is the finding's own place.
struct Mark<'f> {
    place: Place,
    label: &'f str,
    is_primary: bool,
}

fn windows(
    finding: &Diagnostic,
    sources: &Sources,
    secrets: &[Place],
) -> Vec<Snippet<'static, annotate_snippets::Annotation<'static>>> {
    let primary = finding.place.map(|place| Mark { place, label: &finding.label, is_primary: true });
    let related =
        finding.related.iter().map(|(place, label)| Mark { place: *place, label, is_primary: false });
    let mut groups: Vec<Vec<Mark<'_>>> = Vec::new();
    for mark in primary.into_iter().chain(related) {
        let line = |place: Place| sources.get(place.source).line_column(place.start).0;
        let is_near = |other: &Mark<'_>| {
            other.place.source == mark.place.source
                && line(other.place).abs_diff(line(mark.place)) <= NEAR_LINES
        };
        match groups.iter_mut().find(|group| group.iter().any(is_near)) {
            Some(group) => group.push(mark),
            None => groups.push(vec![mark]),
        }
    }
    groups.iter().map(|marks| snippet(marks, sources, secrets)).collect()
}

fn snippet(
    marks: &[Mark<'_>],
    sources: &Sources,
    secrets: &[Place],
) -> Snippet<'static, annotate_snippets::Annotation<'static>> {
    let source = sources.get(marks[0].place.source);
    let lines: Vec<usize> = marks.iter().map(|mark| source.line_column(mark.place.start).0).collect();
    let first = lines.iter().min().copied().unwrap_or(1);
    let last = lines.iter().max().copied().unwrap_or(1);
    let range = source.line_range(first).start..source.line_range(last).end;
    let shown = window_text(&source, range.clone(), marks[0].place.source, secrets);
    let mut snippet = Snippet::source(shown).line_start(first).path(shown_name(&source));
    for (mark, line) in marks.iter().zip(&lines) {
        let span = within_line(mark.place, &source, *line);
        let kind = if mark.is_primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let annotation = kind.span(span.start - range.start..span.end - range.start);
        let label = without_controls(mark.label);
        snippet = snippet.annotation(if label.is_empty() { annotation } else { annotation.label(label) });
    }
    snippet
}

/// An underline stays in its first line: the rest of a map says nothing about what is wrong with it.
fn within_line(place: Place, source: &Source, line: usize) -> Range<usize> {
    let line = source.line_range(line);
    let start = (place.start as usize).min(line.end);
    start..(place.end as usize).clamp(start, line.end)
}

/// Returns the line that a place begins in, with secrets hidden.
pub(super) fn line_text(place: Place, sources: &Sources, secrets: &[Place]) -> String {
    let source = sources.get(place.source);
    let line = source.line_range(source.line_column(place.start).0);
    window_text(&source, line, place.source, secrets)
}

/// Returns the text of some lines, with secrets hidden; offsets stay as they are.
fn window_text(
    source: &Source,
    range: Range<usize>,
    id: crate::source::SourceId,
    secrets: &[Place],
) -> String {
    let mut bytes = source.text.as_bytes()[range.clone()].to_vec();
    for secret in secrets.iter().filter(|secret| secret.source == id) {
        let start = secret.range().start.clamp(range.start, range.end) - range.start;
        let end = secret.range().end.clamp(range.start, range.end) - range.start;
        bytes[start..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b'*');
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let is_long = text.lines().any(|line| line.len() > LONG_LINE);
    if is_long { text.chars().map(|c| if c == '\n' { c } else { '.' }).collect() } else { text }
}

fn shown_name(source: &Source) -> String {
    match source.kind {
        SourceKind::Manifest | SourceKind::Argument => source.name.clone(),
        SourceKind::Template => format!("template {}", source.name),
        SourceKind::Profile => format!("profile {}", source.name),
        SourceKind::Default => format!("default of {}", source.name),
        SourceKind::Cluster => format!("cluster {}", source.name),
    }
}

fn is_shown(fix: &Fix, sources: &Sources) -> bool {
    let line = |place: Place| {
        sources.get(place.source).line_range(sources.get(place.source).line_column(place.start).0)
    };
    fix.edits.iter().all(|edit| line(edit.place).len() <= LONG_LINE)
}

fn patch(fix: &Fix, sources: &Sources, secrets: &[Place]) -> Group<'static> {
    let group = Group::with_title(Title::HELP.secondary_title(without_controls(&fix.message)));
    let Some(first) = fix.edits.first() else { return group };
    let source = sources.get(first.place.source);
    let line = |offset: u32| source.line_column(offset).0;
    let from = fix.edits.iter().map(|edit| line(edit.place.start)).min().unwrap_or(1);
    let to = fix.edits.iter().map(|edit| line(edit.place.end)).max().unwrap_or(1);
    let range = source.line_range(from).start..source.line_range(to).end;
    let shown = window_text(&source, range.clone(), first.place.source, secrets);
    let patches = fix.edits.iter().filter(|edit| edit.place.source == first.place.source).map(|edit| {
        let span = edit.place.range();
        let text = if touches(edit.place, secrets) { "\"***\"".to_owned() } else { edit.text.clone() };
        Patch::new(span.start - range.start..span.end - range.start, text)
    });
    group.element(Snippet::source(shown).line_start(from).path(shown_name(&source)).patches(patches))
}
