//! `# daphnia: allow(NAME) reason`: a comment that lets a lint pass at the field beside or below it.

use std::ops::Range;

use crate::diagnostic::Diagnostic;
use crate::source::{Place, Source, SourceId, Sources};
use crate::yaml::{self, Node, Value};

const MARK: &str = "daphnia:";
const FORM: &str = "write `# daphnia: allow(NAME) reason`, with one name or several separated by commas";

/// A name in such a comment.
struct Name {
    text: String,
    place: Place,
    is_used: bool,
}

/// One such comment, and what it stands for.
pub(super) struct Allow {
    pub comment: Place,
    names: Vec<Name>,
    line: usize,
    /// The fields that begin in that line, with all that is in them.
    covered: Vec<Range<u32>>,
}

/// Reads the comments of a text; one that cannot be understood is an error.
pub(super) fn allows(id: SourceId, sources: &Sources, findings: &mut Vec<Diagnostic>) -> Vec<Allow> {
    let source = sources.get(id);
    if !source.text.contains(MARK) {
        return Vec::new();
    }
    let mut allows = Vec::new();
    let (documents, _) = yaml::read(id, &source.text);
    for comment in yaml::comments(id, &source.text) {
        match names(&source, comment) {
            Ok(names) if names.is_empty() => {}
            Ok(names) => {
                let line = target(&source, comment);
                let mut covered = Vec::new();
                documents.iter().for_each(|document| cover_item(&document.root, &source, line, &mut covered));
                allows.push(Allow { comment, names, line, covered });
            }
            Err(finding) => findings.push(*finding),
        }
    }
    allows
}

/// Returns the names that a comment allows; none if it is some other comment.
fn names(source: &Source, comment: Place) -> Result<Vec<Name>, Box<Diagnostic>> {
    let text = &source.text[comment.range()];
    let words = text.trim_start_matches('#').trim_start();
    let Some(rest) = words.strip_prefix(MARK) else { return Ok(Vec::new()) };
    let inner = rest.trim_start().strip_prefix("allow(").and_then(|rest| Some(rest.split_once(')')?.0));
    let Some(inner) = inner.filter(|inner| !inner.trim().is_empty()) else {
        let finding = Diagnostic::error("lint-comment", "this comment to daphnia cannot be understood");
        return Err(Box::new(finding.at(comment).help(FORM)));
    };
    let mut start = comment.start as usize + text.find('(').map_or(0, |at| at + 1);
    let mut names = Vec::new();
    for part in inner.split(',') {
        let name = part.trim();
        let from = start + part.len() - part.trim_start().len();
        let place = Place::new(comment.source, from..from + name.len());
        names.push(Name { text: name.to_owned(), place, is_used: false });
        start += part.len() + 1;
    }
    Ok(names)
}

/// Returns the line that a comment is about: its own, or the next that holds more than a comment.
fn target(source: &Source, comment: Place) -> usize {
    let (line, _) = source.line_column(comment.start);
    let is_alone = source.text[source.line_range(line).start..comment.start as usize].trim().is_empty();
    if !is_alone {
        return line;
    }
    let (last, _) = source.line_column(source.text.len() as u32);
    let is_about = |line: &usize| {
        let text = source.text[source.line_range(*line)].trim();
        !text.is_empty() && !text.starts_with('#') && text != "---"
    };
    (line + 1..=last).find(is_about).unwrap_or(line)
}

/// Collects the fields and items that begin in a line. Documents and items begin with their first field.
fn cover_item(node: &Node, source: &Source, line: usize, covered: &mut Vec<Range<u32>>) {
    if source.line_column(node.place.start).0 == line {
        covered.push(node.place.start..node.place.end);
    } else {
        cover_fields(node, source, line, covered);
    }
}

fn cover_fields(node: &Node, source: &Source, line: usize, covered: &mut Vec<Range<u32>>) {
    match &node.value {
        Value::Map(map) => {
            for (key, value) in &map.entries {
                if source.line_column(key.place.start).0 == line {
                    covered.push(key.place.start..value.place.end.max(key.place.end));
                } else {
                    cover_fields(value, source, line, covered);
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| cover_item(item, source, line, covered)),
        _ => {}
    }
}

/// Says whether a comment lets a lint's finding pass, and remembers that the comment was of use.
pub(super) fn is_allowed(finding: &Diagnostic, allows: &mut [Allow], sources: &Sources) -> bool {
    let Some(place) = finding.place else { return false };
    let mut is_allowed = false;
    for allow in allows.iter_mut().filter(|allow| allow.comment.source == place.source) {
        let is_covered = allow.covered.iter().any(|range| range.contains(&place.start))
            || sources.get(place.source).line_column(place.start).0 == allow.line;
        for name in allow.names.iter_mut().filter(|name| is_covered && name.text == finding.code) {
            name.is_used = true;
            is_allowed = true;
        }
    }
    is_allowed
}

impl Allow {
    /// Reports names that are unknown or, if lints have looked at the text, of no use.
    pub(super) fn leftovers(
        &self,
        is_looked_at: bool,
        unknown: &dyn Fn(&str) -> Option<Diagnostic>,
    ) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for name in self.names.iter().filter(|name| !name.is_used) {
            if let Some(finding) = unknown(&name.text) {
                findings.push(finding.at(name.place).label("no lint has this name"));
            } else if is_looked_at {
                let message = format!("`{}` finds nothing to allow here", name.text);
                findings.push(
                    Diagnostic::warning(super::UNUSED_ALLOW, message)
                        .at(name.place)
                        .label("allows nothing")
                        .help("remove it, or move it above the field that it is about"),
                );
            }
        }
        findings
    }
}
