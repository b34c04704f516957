//! The only printer: findings, objects, differences and progress, to standard output and standard error.

mod changes;
mod explanation;
mod findings;
mod github;
mod json;
mod junit;
mod progress;
mod records;
mod region;
mod sarif;

pub use progress::{LogPrefix, Narrator};

use std::io::{ErrorKind, Write};

use crate::diagnostic::{Diagnostic, Fix, Level};
use crate::diff::ChangeSet;
use crate::explain::{Explanation, KindLine, Topic};
use crate::history::RunRecord;
use crate::source::{Place, Sources};

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
}

/// Where a run's output goes. The product goes to standard output, all else to standard error.
#[derive(Debug, Default)]
pub struct Report {
    /// Values that no snippet may show.
    pub secrets: Vec<Place>,
}

impl Report {
    /// Prints findings to standard error, those of one place in a source after the other.
    pub fn findings(&self, findings: &[Diagnostic], sources: &Sources) {
        to_stderr(&findings::text(&sorted(findings), sources, &self.secrets));
    }

    /// Prints findings as the product of the run, to standard output.
    pub fn product_findings(&self, findings: &[Diagnostic], sources: &Sources, format: Format) {
        to_stdout(&match format {
            Format::Text => findings::text(&sorted(findings), sources, &self.secrets),
            _ => self.findings_as(format, findings, sources),
        });
    }

    /// Writes findings for a file, sorted by place.
    pub fn findings_as(&self, format: Format, findings: &[Diagnostic], sources: &Sources) -> String {
        let findings = sorted(findings);
        match format {
            Format::Text => findings::plain(&findings, sources, &self.secrets),
            Format::Json => json::json(&findings, sources, &self.secrets),
            Format::Sarif => sarif::sarif(&findings, sources, &self.secrets),
            Format::Junit => junit::junit(&findings, sources, &self.secrets),
            Format::Github => github::github(&findings, sources),
        }
    }

    /// Prints the product.
    pub fn product(&self, text: &str) {
        to_stdout(text);
    }

    /// Prints a product that is JSON.
    pub fn product_json(&self, json: &serde_json::Value) {
        to_stdout(&region::write_json(json));
    }

    /// Prints what a schema says, to standard output.
    pub fn explanation(&self, topic: &Topic, explanation: &Explanation) {
        to_stdout(&explanation::explanation(topic, explanation));
        if !topic.others.is_empty() {
            let others = topic.others.join(", ");
            self.note(&format!("{} is in {others}, too; `--api-version` chooses", topic.kind));
        }
    }

    /// Prints a list of kinds as a table, to standard output.
    pub fn kinds(&self, kinds: &[KindLine]) {
        to_stdout(&explanation::kinds(kinds));
    }

    /// Prints what would change, to standard output, and a summary to standard error.
    pub fn changes(&self, changes: &ChangeSet, all: bool) {
        to_stdout(&changes::text(changes, all));
        self.note(&changes::summary(changes));
        for change in &changes.changes {
            if let Some(note) = &change.note {
                self.note(&format!("{}: {note}", change.id));
            }
        }
    }

    /// Prints records of runs as a table, to standard output.
    pub fn records(&self, records: &[RunRecord]) {
        if records.is_empty() {
            self.note("no runs are recorded; `daphnia run` and `daphnia apply` of a job leave a record");
        } else {
            to_stdout(&records::table(records));
        }
    }

    /// Prints a record, or only its log, to standard output.
    pub fn record(&self, record: &RunRecord, only_log: bool) {
        to_stdout(&if only_log { records::log(record) } else { records::whole(record) });
    }

    /// Asks a question on the terminal; anything but yes is no.
    pub fn is_confirmed(&self, question: &str) -> bool {
        to_stderr(&format!("{} [y/N] ", without_controls(question)));
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }

    /// Prints a line about what goes on.
    pub fn note(&self, text: &str) {
        to_stderr(&format!("{}\n", without_controls(text)));
    }
}

fn sorted(findings: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut sorted: Vec<&Diagnostic> = findings.iter().collect();
    sorted.sort_by_key(|finding| (finding.place.is_none(), finding.place));
    sorted
}

/// Says whether a place shares text with a secret.
fn touches(place: Place, secrets: &[Place]) -> bool {
    secrets.iter().any(|s| s.source == place.source && s.start < place.end && place.start < s.end)
}

/// An edit of a secret would print it, and one with a mask instead would destroy it.
fn is_withheld(fix: &Fix, secrets: &[Place]) -> bool {
    fix.edits.iter().any(|edit| touches(edit.place, secrets))
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

/// Sums up findings in a sentence.
pub fn summary(findings: &[Diagnostic]) -> String {
    let count = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
    let errors = plural(count(Level::Error), "error");
    match count(Level::Warning) {
        0 => errors,
        warnings => format!("{errors}, {}", plural(warnings, "warning")),
    }
}

pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Text from manifests and clusters may carry terminal escapes; none of them reaches a terminal.
pub fn without_controls(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { '\u{fffd}' } else { c }).collect()
}

fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn to_stdout(text: &str) {
    end_quietly_if_closed(anstream::stdout().lock().write_all(text.as_bytes()));
}

fn to_stderr(text: &str) {
    end_quietly_if_closed(anstream::stderr().lock().write_all(text.as_bytes()));
}

/// `daphnia render … | head` is no error.
fn end_quietly_if_closed(written: std::io::Result<()>) {
    if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        std::process::exit(0);
    }
}
