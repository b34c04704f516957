//! Findings as SARIF 2.1.0, which code hosts show beside the code.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::region::{Region, write_json};
use super::{is_withheld, level_name};
use crate::diagnostic::{Class, Diagnostic, Fix, Level};
use crate::source::{Place, Sources};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const ROOT: &str = "%SRCROOT%";

pub(super) fn sarif(findings: &[&Diagnostic], sources: &Sources, secrets: &[Place]) -> String {
    // What kept the work from being tried is about the run, and has no line that it could be shown at.
    let (results, notices): (Vec<&Diagnostic>, Vec<&Diagnostic>) =
        findings.iter().copied().partition(|f| f.class == Class::Finding || f.place.is_some());
    let rules = rules(&results);
    let index = |finding: &Diagnostic| rules.iter().position(|rule| rule["id"] == *finding.code);
    let results: Vec<Json> = results.iter().map(|f| result(f, index(f), sources, secrets)).collect();
    let unable = findings.iter().any(|f| f.class != Class::Finding && f.level == Level::Error);
    let notices: Vec<Json> = notices.iter().map(|finding| notice(finding)).collect();
    write_json(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "daphnia",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {ROOT: {"description": {"text": "The folder that daphnia ran in."}}},
            "invocations": [{
                "executionSuccessful": !unable,
                "toolExecutionNotifications": notices,
            }],
            "results": results,
        }],
    }))
}

/// One rule for each code, in the order in which they first appear.
fn rules(findings: &[&Diagnostic]) -> Vec<Json> {
    let mut rules: Vec<Json> = Vec::new();
    for finding in findings {
        if rules.iter().all(|rule| rule["id"] != *finding.code) {
            let mut words = finding.code.replace('-', " ");
            if let Some(first) = words.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            rules.push(json!({
                "id": finding.code,
                "shortDescription": {"text": format!("{words}.")},
                "defaultConfiguration": {"level": level_name(finding.level)},
            }));
        }
    }
    rules
}

fn result(finding: &Diagnostic, rule: Option<usize>, sources: &Sources, secrets: &[Place]) -> Json {
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": level_name(finding.level),
        "message": {"text": message(finding)},
    });
    if let Some(location) = finding.place.and_then(|place| location(place, &finding.label, sources)) {
        result["locations"] = json!([location]);
    }
    let related: Vec<Json> =
        finding.related.iter().filter_map(|(place, label)| location(*place, label, sources)).collect();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    let fix = finding.fix.as_ref().filter(|fix| !is_withheld(fix, secrets));
    if let Some(fix) = fix.and_then(|fix| fix_of(fix, sources)) {
        result["fixes"] = json!([fix]);
    }
    result
}

fn message(finding: &Diagnostic) -> String {
    let mut message = finding.message.clone();
    for help in &finding.help {
        let _ = write!(message, "\nhelp: {help}");
    }
    message
}

fn notice(finding: &Diagnostic) -> Json {
    json!({
        "level": level_name(finding.level),
        "descriptor": {"id": finding.code},
        "message": {"text": message(finding)},
    })
}

fn location(place: Place, label: &str, sources: &Sources) -> Option<Json> {
    let region = Region::of(place, sources)?;
    let mut location = match artifact(&region) {
        Some(artifact) => {
            json!({"physicalLocation": {"artifactLocation": artifact, "region": region_of(&region)}})
        }
        None => json!({"logicalLocations": [{"fullyQualifiedName": sources.describe(place)}]}),
    };
    if !label.is_empty() {
        location["message"] = json!({"text": label});
    }
    Some(location)
}

fn region_of(region: &Region) -> Map<String, Json> {
    let mut members = region.members("startLine", "startColumn");
    members.insert("charOffset".to_owned(), json!(region.chars.start));
    members.insert("charLength".to_owned(), json!(region.chars.len()));
    if let Some(bytes) = &region.bytes {
        members.insert("byteOffset".to_owned(), json!(bytes.start));
        members.insert("byteLength".to_owned(), json!(bytes.len()));
    }
    members
}

/// `None` for texts that are no file.
fn artifact(region: &Region) -> Option<Json> {
    if !region.is_in_file() {
        return None;
    }
    let name = region.name.replace(std::path::MAIN_SEPARATOR, "/");
    if name.starts_with('/') {
        return Some(json!({"uri": format!("file://{}", percent_encoded(&name))}));
    }
    let uri = percent_encoded(name.trim_start_matches("./"));
    Some(json!({"uri": uri, "uriBaseId": ROOT}))
}

fn percent_encoded(path: &str) -> String {
    let mut encoded = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

fn fix_of(fix: &Fix, sources: &Sources) -> Option<Json> {
    let mut changes: Vec<(Json, Vec<Json>)> = Vec::new();
    for edit in &fix.edits {
        let region = Region::of(edit.place, sources)?;
        let artifact = artifact(&region)?;
        let replacement = json!({
            "deletedRegion": region_of(&region),
            "insertedContent": {"text": edit.text},
        });
        match changes.iter_mut().find(|(other, _)| *other == artifact) {
            Some((_, replacements)) => replacements.push(replacement),
            None => changes.push((artifact, vec![replacement])),
        }
    }
    let changes: Vec<Json> = changes
        .into_iter()
        .map(|(artifact, replacements)| json!({"artifactLocation": artifact, "replacements": replacements}))
        .collect();
    Some(json!({"description": {"text": fix.message}, "artifactChanges": changes}))
}
