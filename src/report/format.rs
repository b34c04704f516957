//! Findings in each of the formats: a page for each file, and a whole that is made of pages. So no more than a page
//! needs the texts that its findings are about.

use super::{findings, github, json, junit, sarif};
use crate::check::Found;
use crate::diagnostic::{Diagnostic, Fix, Level};
use crate::source::Place;

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
    Sarif,
    Junit,
    Github,
}

impl Format {
    pub const NAMED: [(&str, Format); 5] = [
        ("text", Format::Text),
        ("json", Format::Json),
        ("sarif", Format::Sarif),
        ("junit", Format::Junit),
        ("github", Format::Github),
    ];

    /// Says whether pages can be printed as they come.
    pub fn is_pages(self) -> bool {
        matches!(self, Format::Text | Format::Github)
    }

    /// Writes what was found in one file.
    pub fn page(self, found: &Found<'_>) -> String {
        let sorted = sorted(found.findings);
        match self {
            Format::Text => findings::text(&sorted, found.sources, found.secrets),
            Format::Json => json::page(&sorted, found.sources, found.secrets),
            Format::Sarif => sarif::page(&sorted, found.sources, found.secrets),
            Format::Junit => junit::page(&sorted, found),
            Format::Github => github::page(&sorted, found.sources),
        }
    }

    /// Makes one text of all pages, for a file.
    pub fn whole(self, pages: &str) -> String {
        match self {
            Format::Text => anstream::adapter::strip_str(pages).to_string(),
            Format::Json => json::whole(pages),
            Format::Sarif => sarif::whole(pages),
            Format::Junit => junit::whole(pages),
            Format::Github => pages.to_owned(),
        }
    }
}

pub(super) fn sorted(findings: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut sorted: Vec<&Diagnostic> = findings.iter().collect();
    sorted.sort_by_key(|finding| (finding.place.is_none(), finding.place));
    sorted
}

/// Says whether a place shares text with a secret.
pub(super) fn touches(place: Place, secrets: &[Place]) -> bool {
    secrets.iter().any(|s| s.source == place.source && s.start < place.end && place.start < s.end)
}

/// An edit of a secret would print it, and one with a mask instead would destroy it.
pub(super) fn is_withheld(fix: &Fix, secrets: &[Place]) -> bool {
    fix.edits.iter().any(|edit| touches(edit.place, secrets))
}

pub(super) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

/// Pages of the formats that are one tree are lines of JSON.
pub(super) fn lines(pages: &str) -> impl Iterator<Item = serde_json::Value> + '_ {
    pages.lines().filter_map(|line| serde_json::from_str(line).ok())
}
