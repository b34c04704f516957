//! Records of runs, as a table and one by one.

use std::fmt::Write as _;

use jiff::{SpanRound, Timestamp, Unit};

use super::without_controls;
use crate::history::RunRecord;
use crate::yaml;

const HEADINGS: [&str; 7] = ["RUN", "NAMESPACE", "STATE", "STARTED", "TOOK", "BY", "WITH"];

/// Renders records as a table.
pub(super) fn table(records: &[RunRecord]) -> String {
    let rows: Vec<[String; 7]> = records.iter().map(row).collect();
    let headings = HEADINGS.map(str::to_owned);
    let width = |column: usize| {
        std::iter::once(&headings).chain(&rows).map(|row| row[column].chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
    let mut text = String::new();
    for row in std::iter::once(&headings).chain(&rows) {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn row(record: &RunRecord) -> [String; 7] {
    [
        record.id.clone(),
        record.namespace().to_owned(),
        record.state.to_string(),
        time(record.started),
        took(record),
        record.who.clone(),
        record.parameters.join(" "),
    ]
    .map(|cell| without_controls(&cell).replace('\n', " "))
}

fn time(timestamp: Timestamp) -> String {
    timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn took(record: &RunRecord) -> String {
    let Some(ended) = record.ended else { return String::new() };
    let round = SpanRound::new().largest(Unit::Hour).smallest(Unit::Second);
    record
        .started
        .until(ended)
        .and_then(|span| span.round(round))
        .map(|span| format!("{span:#}"))
        .unwrap_or_default()
}

/// Renders all that a record holds; its objects must have been masked.
pub(super) fn whole(record: &RunRecord) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{:11}{}", format!("{name}:"), without_controls(value));
        }
    };
    line("run", &record.id);
    line("job", &record.object.to_string());
    line("state", &record.state.to_string());
    line("cause", &record.cause);
    line("exit code", &record.exit_code.map(|code| code.to_string()).unwrap_or_default());
    line("by", &record.who);
    line("started", &time(record.started));
    line("ended", &record.ended.map(time).unwrap_or_default());
    line("with", &record.parameters.join(" "));
    line("digest", &record.digest);
    for exit in &record.containers {
        let said = format!("{}/{}: exit code {} ({})", exit.pod, exit.container, exit.exit_code, exit.reason);
        line("container", &said);
    }
    for object in &record.objects {
        let _ = write!(text, "---\n{}", yaml::write(object));
    }
    if !record.log.is_empty() {
        let _ = write!(text, "--- log\n{}", log(record));
    }
    text
}

/// Renders the end of a run's log.
pub(super) fn log(record: &RunRecord) -> String {
    let mut text = String::new();
    for line in &record.log {
        let _ = writeln!(text, "[{}/{}] {}", line.pod, line.container, without_controls(&line.line));
    }
    text
}
