//! What happens in the cluster, line by line.

use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style};

use super::{to_stderr, to_stdout, without_controls};
use crate::cluster::{JobCounts, LogLine, Progress};

const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default();

/// How log lines are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPrefix {
    /// One container of one pod: nothing to tell apart.
    None,
    Pod,
    PodAndContainer,
}

/// Prints progress. Log lines and what was done are the product; waiting is told on standard error.
pub(super) fn print(progress: &Progress, prefix: LogPrefix) {
    match progress {
        Progress::Log(line) => to_stdout(&log_line(line, prefix)),
        Progress::Applied { id, action } => {
            to_stdout(&format!("{GOOD}{action:10}{GOOD:#} {}\n", without_controls(&id.to_string())))
        }
        Progress::Warning(text) => tell(WARNING, "warning", text),
        Progress::Retrying { what, cause, after } => {
            tell(WARNING, "retrying", &format!("{what} in {:.1} s: {cause}", after.as_secs_f32()));
        }
        Progress::Deleting { id } => tell(DIM, "deleting", &id.to_string()),
        Progress::Dispatched { run, job } => tell(GOOD, "started", &format!("{job} (run {run})")),
        Progress::Waiting { id, state } => tell(DIM, "waiting", &format!("{id}: {state}")),
        Progress::Trouble { id, cause } => tell(WARNING, "trouble", &format!("{id}: {cause}")),
        Progress::Counts { id, counts } => tell(DIM, "progress", &format!("{id}: {}", job_counts(counts))),
        Progress::PodStarted { id, pod, .. } => tell(DIM, "pod", &format!("{pod} of {id} runs")),
        Progress::Ready { id, note } => {
            let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            tell(GOOD, "ready", &format!("{id}{note}"));
        }
        Progress::Failed { id, cause } => tell(BAD, "failed", &format!("{id}: {cause}")),
    }
}

fn tell(style: Style, word: &str, text: &str) {
    to_stderr(&format!("{style}{word:10}{style:#} {}\n", without_controls(text)));
}

fn log_line(line: &LogLine, prefix: LogPrefix) -> String {
    // A file gets what the container wrote; a terminal would obey it.
    let text = if std::io::stdout().is_terminal() { without_controls(&line.line) } else { line.line.clone() };
    let pod = line.index.map_or_else(|| line.pod.clone(), |index| index.to_string());
    match prefix {
        LogPrefix::None => format!("{text}\n"),
        LogPrefix::Pod => format!("[{pod}] {text}\n"),
        LogPrefix::PodAndContainer => format!("[{pod}/{}] {text}\n", line.container),
    }
}

fn job_counts(counts: &JobCounts) -> String {
    let mut text = match counts.completions {
        Some(completions) => format!("{}/{completions} succeeded", counts.succeeded),
        None => format!("{} succeeded", counts.succeeded),
    };
    if counts.active > 0 {
        text.push_str(&format!(", {} active", counts.active));
    }
    if counts.failed > 0 {
        text.push_str(&format!(", {} failed", counts.failed));
    }
    if !counts.failed_indexes.is_empty() {
        text.push_str(&format!(" (indexes {})", counts.failed_indexes));
    }
    text
}
