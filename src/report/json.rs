//! Findings as JSON, in a shape that stays: `docs/findings.schema.json` describes it.

use serde_json::{Map, Value as Json, json};

use super::format::{is_withheld, level_name, lines};
use super::region::{Region, write_json};
use crate::diagnostic::{Diagnostic, Fix, Level};
use crate::source::{Place, Sources};

/// Grows when a reader of the old shape could stumble over the new one.
const VERSION: u32 = 1;

pub(super) fn page(findings: &[&Diagnostic], sources: &Sources, secrets: &[Place]) -> String {
    findings.iter().map(|finding| format!("{}\n", tell(finding, sources, secrets))).collect()
}

pub(super) fn whole(pages: &str) -> String {
    let findings: Vec<Json> = lines(pages).collect();
    let count = |level: Level| findings.iter().filter(|f| f["level"] == level_name(level)).count();
    write_json(&json!({
        "version": VERSION,
        "errors": count(Level::Error),
        "warnings": count(Level::Warning),
        "notes": count(Level::Note),
        "findings": findings,
    }))
}

pub(super) fn tell(finding: &Diagnostic, sources: &Sources, secrets: &[Place]) -> Json {
    let related = finding.related.iter().map(|(place, label)| {
        let mut members = location(Some(*place), sources);
        members.insert("label".to_owned(), json!(label));
        Json::Object(members)
    });
    let mut members = Map::new();
    members.insert("level".to_owned(), json!(level_name(finding.level)));
    members.insert("code".to_owned(), json!(finding.code));
    members.insert("message".to_owned(), json!(finding.message));
    members.extend(location(finding.place, sources));
    members.insert("label".to_owned(), json!(finding.label));
    members.insert("help".to_owned(), json!(finding.help));
    members.insert("related".to_owned(), related.collect());
    members
        .insert("fix".to_owned(), finding.fix.as_ref().map_or(Json::Null, |f| fix_of(f, sources, secrets)));
    Json::Object(members)
}

fn fix_of(fix: &Fix, sources: &Sources, secrets: &[Place]) -> Json {
    let edits = fix.edits.iter().map(|edit| {
        let mut members = location(Some(edit.place), sources);
        members.insert("text".to_owned(), json!(edit.text));
        Json::Object(members)
    });
    let edits = if is_withheld(fix, secrets) { Json::Null } else { edits.collect() };
    json!({"message": fix.message, "edits": edits})
}

/// Every member is always there, so that a reader need not ask.
pub(super) fn location(place: Option<Place>, sources: &Sources) -> Map<String, Json> {
    let Some(region) = place.and_then(|place| Region::of(place, sources)) else {
        let names = ["file", "source", "line", "column", "endLine", "endColumn", "offset", "endOffset"];
        return names.into_iter().map(|name| (name.to_owned(), Json::Null)).collect();
    };
    let mut members = Map::new();
    members.insert("file".to_owned(), json!(region.name));
    members.insert("source".to_owned(), json!(region.source()));
    members.extend(region.members("line", "column"));
    members.insert("offset".to_owned(), json!(region.bytes.as_ref().map(|bytes| bytes.start)));
    members.insert("endOffset".to_owned(), json!(region.bytes.as_ref().map(|bytes| bytes.end)));
    members
}
