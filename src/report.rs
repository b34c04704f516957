//! The only printer: findings, objects, differences and progress, to standard output and standard error.

mod changes;
mod edits;
mod events;
mod explanation;
mod findings;
mod format;
mod github;
mod json;
mod junit;
mod live;
mod progress;
mod records;
mod region;
mod sarif;
mod trace;
mod unified;

pub use changes::{ChangeFormat, shown_after};
pub use format::Format;
pub use progress::{LogPrefix, Narrator};

use std::io::{ErrorKind, Write};

use crate::check::{Mended, Tally};
use crate::cluster::{Cluster, Progress, Readiness};
use crate::diagnostic::Diagnostic;
use crate::diff::ChangeSet;
use crate::explain::{Explanation, KindLine, Topic};
use crate::history::{Run, RunRecord};
use crate::object::Trace;
use crate::profile::ProfileLine;
use crate::source::{Place, Sources};

/// Where a run's output goes. The product goes to standard output, all else to standard error.
#[derive(Debug, Default)]
pub struct Report {
    /// Values that no snippet may show.
    pub secrets: Vec<Place>,
    /// Whether the product is what happens, a line of JSON for each event, and nothing goes to standard error.
    pub tells_events: bool,
}

impl Report {
    /// Prints findings to standard error, those of one place in a source after the other.
    pub fn findings(&self, findings: &[Diagnostic], sources: &Sources) {
        if self.tells_events {
            let findings = format::sorted(findings).into_iter();
            return findings.for_each(|one| to_stdout(&events::finding(one, sources, &self.secrets)));
        }
        to_stderr(&findings::text(&format::sorted(findings), sources, &self.secrets));
    }

    /// Prints what edits would do to a file, to standard output.
    pub fn edits(&self, mended: &Mended) {
        to_stdout(&edits::text(mended));
    }

    /// Prints text to standard error.
    pub fn aside(&self, text: &str) {
        to_stderr(text);
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

    /// Prints a field of a rendered object and where it comes from, to standard output.
    pub fn trace(&self, trace: &Trace<'_>, told: Option<&Explanation>, sources: &Sources) {
        to_stdout(&trace::trace(trace, told, sources, &self.secrets));
    }

    /// Prints a list of kinds as a table, to standard output.
    pub fn kinds(&self, kinds: &[KindLine]) {
        to_stdout(&explanation::kinds(kinds));
    }

    /// Prints a list of profiles as a table, to standard output.
    pub fn profiles(&self, profiles: &[ProfileLine]) {
        to_stdout(&explanation::profiles(profiles));
    }

    /// Prints a text that somebody wrote, to standard output.
    pub fn text(&self, text: &str) {
        to_stdout(&without_controls(text));
    }

    /// Prints what would change, to standard output, and notes about it to standard error.
    pub fn changes(&self, changes: &ChangeSet, sources: &Sources, format: ChangeFormat, all: bool) {
        to_stdout(&changes::product(changes, format, all, sources));
        if format != ChangeFormat::Summary {
            self.note(&changes::counts(changes));
        }
        self.change_notes(changes, sources);
    }

    /// Prints how what runs differs from what is stored, to standard error.
    pub fn differences(&self, changes: &ChangeSet, sources: &Sources) {
        if changes.is_empty() {
            return self.note("nothing differs from what is stored");
        }
        if self.tells_events {
            return to_stdout(&events::differs(changes, sources));
        }
        self.note("this run differs from what is stored:\n");
        to_stderr(&changes::product(changes, ChangeFormat::Patch, false, sources));
    }

    /// Prints what there is to know of changes beside themselves, to standard error.
    pub fn change_notes(&self, changes: &ChangeSet, sources: &Sources) {
        changes::notes(changes, sources).iter().for_each(|note| self.note(note));
    }

    /// Prints what was not ready when waiting ended; failures were told when they happened.
    pub fn unready(&self, readiness: &[Readiness]) {
        if self.tells_events {
            return readiness.iter().filter_map(events::unready).for_each(|event| to_stdout(&event));
        }
        readiness.iter().for_each(progress::unready);
    }

    /// Prints how a run ended, or that it has not yet.
    pub fn concluded(&self, run: &Run) {
        if self.tells_events {
            return to_stdout(&events::concluded(run));
        }
        progress::concluded(run).iter().for_each(|line| self.note(line));
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
        if self.tells_events {
            return to_stdout(&events::note(text));
        }
        to_stderr(&format!("{}\n", without_controls(text)));
    }

    /// Prints the first event.
    pub fn began(&self, command: &str) {
        if self.tells_events {
            to_stdout(&events::began(command));
        }
    }

    /// Prints which cluster it is.
    pub fn connected(&self, cluster: &Cluster) {
        if self.tells_events {
            to_stdout(&events::connected(cluster.server(), cluster.context(), cluster.namespace()));
        }
    }

    /// Prints the last event.
    pub fn ended(&self, status: u8) {
        if self.tells_events {
            to_stdout(&events::ended(status));
        }
    }
}

/// Prints what happens as an event.
pub fn tell_event(progress: &Progress) {
    to_stdout(&events::progress(progress));
}

/// Sums up what was found in a sentence.
pub fn summary(tally: &Tally) -> String {
    let counts = [(tally.errors, "error"), (tally.warnings, "warning")];
    let found: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| plural(*count, noun)).collect();
    let mut text = match (tally.errors, found.is_empty()) {
        (0, true) => format!("{} valid", plural(tally.manifests, "manifest")),
        (0, false) => format!("{} valid, {}", plural(tally.manifests, "manifest"), found.join(", ")),
        _ => format!("{} found", found.join(", ")),
    };
    if tally.mendable > 0 {
        text.push_str(&format!("; `--fix` mends {}", tally.mendable));
    }
    text
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
    end_quietly_if_closed(live::aside(|| anstream::stdout().lock().write_all(text.as_bytes())));
}

fn to_stderr(text: &str) {
    end_quietly_if_closed(live::aside(|| anstream::stderr().lock().write_all(text.as_bytes())));
}

/// `daphnia render … | head` is no error.
fn end_quietly_if_closed(written: std::io::Result<()>) {
    if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        std::process::exit(0);
    }
}
