//! Findings as SARIF 2.1.0, which code hosts show beside the code.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::format::{is_withheld, level_name, lines};
use super::region::{Region, write_json};
use crate::diagnostic::{Class, Diagnostic, Fix, Level};
use crate::source::{Place, Sources};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const ROOT: &str = "%SRCROOT%";

/// A line for each finding: `result`, or `notice`, and whether it kept the work from being tried.
pub(super) fn page(findings: &[&Diagnostic], sources: &Sources, secrets: &[Place]) -> String {
    let line = |finding: &&Diagnostic| {
        let is_unable = finding.class != Class::Finding && finding.level == Level::Error;
        // What is about the run and not about a file has no line that it could be shown at.
        let line = if finding.class != Class::Finding && finding.place.is_none() {
            json!({"is_unable": is_unable, "notice": notice(finding)})
        } else {
            json!({"is_unable": is_unable, "result": result(finding, sources, secrets)})
        };
        format!("{line}\n")
    };
    findings.iter().map(line).collect()
}

pub(super) fn whole(pages: &str) -> String {
    let mut is_unable = false;
    let mut notices = Vec::new();
    let mut results = Vec::new();
    for mut line in lines(pages) {
        is_unable |= line["is_unable"] == true;
        match line.get_mut("result") {
            Some(result) => results.push(result.take()),
            None => notices.push(line["notice"].take()),
        }
    }
    let rules = number_rules(&mut results);
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
                "executionSuccessful": !is_unable,
                "toolExecutionNotifications": notices,
            }],
            "results": results,
        }],
    }))
}

/// Makes a rule of each code, in the order in which they first appear, and tells the results which is theirs.
fn number_rules(results: &mut [Json]) -> Vec<Json> {
    let mut rules: Vec<Json> = Vec::new();
    for result in results {
        let known = rules.iter().position(|rule| rule["id"] == result["ruleId"]);
        result["ruleIndex"] = known.unwrap_or(rules.len()).into();
        if known.is_none() {
            let mut words = result["ruleId"].as_str().unwrap_or_default().replace('-', " ");
            if let Some(first) = words.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            rules.push(json!({
                "id": result["ruleId"],
                "shortDescription": {"text": format!("{words}.")},
                "defaultConfiguration": {"level": result["level"]},
            }));
        }
    }
    rules
}

fn result(finding: &Diagnostic, sources: &Sources, secrets: &[Place]) -> Json {
    let mut result = json!({
        "ruleId": finding.code,
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
