//! Findings as JUnit XML: a suite for each file, a test case for each of its documents.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::format::lines;
use super::{findings, plural, without_controls};
use crate::check::Found;
use crate::diagnostic::{Class, Diagnostic, Level};
use crate::source::SourceId;
use crate::yaml::{self, Node};

/// A document and what was found in it.
struct Case<'f> {
    name: String,
    start: u32,
    is_object: bool,
    findings: Vec<&'f Diagnostic>,
}

/// A line with the suite of one file.
pub(super) fn page(sorted: &[&Diagnostic], found: &Found<'_>) -> String {
    let mut cases = found.file.map(|id| cases(id, found)).unwrap_or_default();
    for finding in sorted {
        let start = finding.places().find(|place| Some(place.source) == found.file).map_or(0, |p| p.start);
        let index = cases.iter().rposition(|case| case.start <= start).unwrap_or_default();
        if cases.is_empty() {
            cases.push(Case { name: "input".to_owned(), start: 0, is_object: true, findings: Vec::new() });
        }
        cases[index].findings.push(finding);
    }
    // What is passed over is not tested.
    cases.retain(|case| case.is_object || !case.findings.is_empty());
    if cases.is_empty() {
        return String::new();
    }
    let name = found.file.map_or_else(|| "daphnia".to_owned(), |id| found.sources.get(id).name.clone());
    let cases: Vec<Json> = cases.iter().map(|case| tell(case, found)).collect();
    format!("{}\n", json!({"name": name, "cases": cases}))
}

/// Documents are read once more: those that are wrong never became manifests.
fn cases<'f>(id: SourceId, found: &Found<'_>) -> Vec<Case<'f>> {
    let (documents, _) = yaml::read(id, &found.sources.get(id).text);
    let present = documents.into_iter().map(|document| document.root).filter(|root| !root.is_null());
    present
        .enumerate()
        .map(|(index, root)| Case {
            name: name(&root, index + 1),
            start: root.place.start,
            is_object: root.get("kind").is_some(),
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

/// Readers show the first failure of a case only, so it tells all of them.
fn tell(case: &Case<'_>, found: &Found<'_>) -> Json {
    let told = findings::plain(&case.findings, found.sources, found.secrets);
    let errors: Vec<_> = case.findings.iter().filter(|finding| finding.level == Level::Error).collect();
    let message = match errors.as_slice() {
        [] => String::new(),
        [only] => only.message.clone(),
        [first, rest @ ..] => format!("{} (and {} more)", first.message, plural(rest.len(), "error")),
    };
    let element = match errors.iter().any(|finding| finding.class != Class::Finding) {
        _ if errors.is_empty() => "system-out",
        true => "error",
        false => "failure",
    };
    let code = errors.first().map(|finding| finding.code.as_ref()).unwrap_or_default();
    json!({"name": case.name, "element": element, "message": message, "type": code, "text": told.trim_end()})
}

pub(super) fn whole(pages: &str) -> String {
    let mut suites: Vec<(String, Vec<Json>)> = Vec::new();
    for line in lines(pages) {
        let name = line["name"].as_str().unwrap_or_default();
        let cases = line["cases"].as_array().cloned().unwrap_or_default();
        match suites.iter_mut().find(|(other, _)| other == name) {
            Some((_, known)) => known.extend(cases),
            None => suites.push((name.to_owned(), cases)),
        }
    }
    let all: Vec<&Json> = suites.iter().flat_map(|(_, cases)| cases).collect();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"daphnia\" {}>\n",
        counts(all.iter().copied())
    );
    for (name, cases) in &suites {
        let name = escaped(name);
        let _ = writeln!(text, "  <testsuite name=\"{name}\" {} skipped=\"0\">", counts(cases.iter()));
        cases.iter().for_each(|case| write_case(case, &name, &mut text));
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn counts<'c>(cases: impl Iterator<Item = &'c Json>) -> String {
    let (mut tests, mut failures, mut errors) = (0, 0, 0);
    for case in cases {
        tests += 1;
        failures += usize::from(case["element"] == "failure");
        errors += usize::from(case["element"] == "error");
    }
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"")
}

fn write_case(case: &Json, suite: &str, text: &mut String) {
    let member = |name: &str| escaped(case[name].as_str().unwrap_or_default());
    let (element, told) = (member("element"), member("text"));
    let _ = write!(text, "    <testcase name=\"{}\" classname=\"{suite}\"", member("name"));
    if told.is_empty() {
        text.push_str("/>\n");
        return;
    }
    let about = match element.as_str() {
        "system-out" => String::new(),
        _ => format!(" message=\"{}\" type=\"{}\"", member("message"), member("type")),
    };
    let _ = writeln!(text, ">\n      <{element}{about}>{told}</{element}>\n    </testcase>");
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
