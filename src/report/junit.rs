//! Findings as JUnit XML: a suite for each file, a test case for each of its documents.

use std::fmt::Write as _;

use super::region::Region;
use super::{findings, plural, summary, without_controls};
use crate::diagnostic::{Class, Diagnostic, Level, has_errors};
use crate::source::{Place, Source, SourceId, SourceKind, Sources};
use crate::yaml::{self, Node};

/// A document, or a file as a whole, and what was found in it.
struct Case<'f> {
    name: String,
    start: u32,
    findings: Vec<&'f Diagnostic>,
}

struct Suite<'f> {
    name: String,
    id: Option<SourceId>,
    cases: Vec<Case<'f>>,
}

pub(super) fn junit(found: &[&Diagnostic], sources: &Sources, secrets: &[Place]) -> String {
    let mut suites: Vec<Suite<'_>> = sources
        .of_kind(SourceKind::Manifest)
        .into_iter()
        .map(|id| (id, sources.get(id)))
        .filter(|(_, source)| is_manifest(&source.name))
        .map(|(id, source)| Suite { name: source.name.clone(), id: Some(id), cases: cases(id, &source) })
        .collect();
    for finding in found {
        assign(finding, &mut suites, sources);
    }
    let mut body = String::new();
    let mut counts = (0, 0, 0);
    for suite in suites.iter().filter(|suite| !suite.cases.is_empty()) {
        let (text, (tests, failures, errors)) = write_suite(suite, sources, secrets);
        body.push_str(&text);
        counts = (counts.0 + tests, counts.1 + failures, counts.2 + errors);
    }
    let (tests, failures, errors) = counts;
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"daphnia\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">\n\
         {body}</testsuites>\n"
    )
}

/// The configuration is a source too, and has no documents.
fn is_manifest(name: &str) -> bool {
    !name.ends_with(".toml")
}

/// Documents are read once more: those that are wrong never became manifests.
fn cases<'f>(id: SourceId, source: &Source) -> Vec<Case<'f>> {
    let (documents, _) = yaml::read(id, &source.text);
    let present = documents.into_iter().map(|document| document.root).filter(|root| !root.is_null());
    present
        .enumerate()
        .map(|(index, root)| Case {
            name: name(&root, index + 1),
            start: root.place.start,
            findings: Vec::new(),
        })
        .collect()
}

fn name(root: &Node, number: usize) -> String {
    let text = |path: &[&str]| root.at(path.iter().copied()).and_then(Node::as_str);
    match (text(&["kind"]), text(&["metadata", "name"])) {
        (Some(kind), Some(name)) => format!("{kind} {name}"),
        _ => format!("document {number}"),
    }
}

/// Puts a finding to the document that it is about. One that stands in a template counts for the manifest that it
/// names beside.
fn assign<'f>(finding: &'f Diagnostic, suites: &mut Vec<Suite<'f>>, sources: &Sources) {
    let places = finding.place.into_iter().chain(finding.related.iter().map(|(place, _)| *place));
    let in_manifest =
        |place: &Place| Region::of(*place, sources).is_some_and(|region| region.kind == SourceKind::Manifest);
    let place = places.into_iter().find(in_manifest);
    let suite = match place.and_then(|p| suites.iter().position(|suite| suite.id == Some(p.source))) {
        Some(index) => &mut suites[index],
        None => match suites.iter().position(|suite| suite.id.is_none()) {
            Some(index) => &mut suites[index],
            None => {
                suites.push(Suite { name: "daphnia".to_owned(), id: None, cases: Vec::new() });
                suites.last_mut().expect("one was pushed")
            }
        },
    };
    let start = place.map_or(0, |place| place.start);
    let case = suite.cases.iter().rposition(|case| case.start <= start);
    match case {
        Some(index) => suite.cases[index].findings.push(finding),
        None => match suite.cases.first_mut() {
            Some(first) => first.findings.push(finding),
            None => {
                suite.cases.push(Case { name: "input".to_owned(), start: 0, findings: vec![finding] });
            }
        },
    }
}

fn write_suite(suite: &Suite<'_>, sources: &Sources, secrets: &[Place]) -> (String, (usize, usize, usize)) {
    let is_unable =
        |case: &&Case<'_>| case.findings.iter().any(|f| f.level == Level::Error && f.class != Class::Finding);
    let errors = suite.cases.iter().filter(is_unable).count();
    let failed = |case: &&Case<'_>| case.findings.iter().any(|f| f.level == Level::Error);
    let failures = suite.cases.iter().filter(failed).count() - errors;
    let tests = suite.cases.len();
    let name = escaped(&suite.name);
    let mut text = format!(
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\">\n"
    );
    for case in &suite.cases {
        let _ = write!(text, "    <testcase name=\"{}\" classname=\"{name}\"", escaped(&case.name));
        if case.findings.is_empty() {
            text.push_str("/>\n");
            continue;
        }
        text.push_str(">\n");
        let element = if is_unable(&case) { "error" } else { "failure" };
        write_findings(case, element, sources, secrets, &mut text);
        text.push_str("    </testcase>\n");
    }
    text.push_str("  </testsuite>\n");
    (text, (tests, failures, errors))
}

/// Readers show the first failure of a case only, so it tells all of them.
fn write_findings(case: &Case<'_>, element: &str, sources: &Sources, secrets: &[Place], text: &mut String) {
    let told = escaped(findings::plain(&case.findings, sources, secrets).trim_end());
    let owned: Vec<Diagnostic> = case.findings.iter().copied().cloned().collect();
    if !has_errors(&owned) {
        let _ = writeln!(text, "      <system-out>{told}</system-out>");
        return;
    }
    let errors: Vec<&Diagnostic> = owned.iter().filter(|finding| finding.level == Level::Error).collect();
    let message = match errors.as_slice() {
        [only] => only.message.clone(),
        [first, rest @ ..] => format!("{} (and {} more)", first.message, plural(rest.len(), "error")),
        [] => summary(&owned),
    };
    let code = errors.first().map(|finding| finding.code.as_ref()).unwrap_or_default();
    let _ = writeln!(
        text,
        "      <{element} message=\"{}\" type=\"{}\">{told}</{element}>",
        escaped(&message),
        escaped(code)
    );
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in without_controls(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no such characters, not even escaped.
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            _ => escaped.push(c),
        }
    }
    escaped
}
