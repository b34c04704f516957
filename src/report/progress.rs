//! What happens in the cluster, line by line.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};

use anstyle::{AnsiColor, Style};

use super::live::Live;
use super::{to_stderr, to_stdout, without_controls};
use crate::cluster::{JobCounts, LogLine, Progress, Readiness, State};
use crate::diff::Action;
use crate::history::{Conclusion, Run};
use crate::object::ObjectId;

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

/// Tells what happens, each state once. The product is what was done, or of a run the log; the rest goes to
/// standard error.
#[derive(Debug)]
pub struct Narrator {
    /// How log lines of a run are told apart; `None` if there is no log.
    prefix: Option<LogPrefix>,
    /// The last state told of each object.
    told: Mutex<HashMap<ObjectId, String>>,
    /// Where states are shown that pass.
    live: Option<Live>,
}

impl Narrator {
    pub fn new(prefix: Option<LogPrefix>) -> Self {
        let live = if prefix.is_none() { Live::new() } else { None };
        Self { prefix, told: Mutex::default(), live }
    }

    pub fn tell(&self, progress: &Progress) {
        match &self.live {
            Some(live) if self.is_shown(live, progress) => {}
            _ => self.tell_line(progress),
        }
    }

    /// Shows what passes where it can be taken back; returns whether there is no more to it.
    fn is_shown(&self, live: &Live, progress: &Progress) -> bool {
        match progress {
            Progress::Deleting { id } => live.set(id, "being deleted"),
            // The counts say the same of a Job, and more, once there are any.
            Progress::Waiting { id, .. } if id.kind == "Job" && self.has_told(id) => {}
            Progress::Waiting { id, state } if id.kind == "Job" => live.set(id, state),
            Progress::Waiting { id, state } => self.show(live, id, state),
            Progress::Counts { id, counts } if counts.active > 0 || self.has_told(id) => {
                self.show(live, id, &job_counts(counts));
            }
            Progress::Trouble { id, cause } => {
                live.set(id, cause);
                return false;
            }
            Progress::Applied { id, .. }
            | Progress::Deleted { id }
            | Progress::Ready { id, .. }
            | Progress::Failed { id, .. } => {
                live.remove(id);
                return false;
            }
            _ => return false,
        }
        true
    }

    fn show(&self, live: &Live, id: &ObjectId, state: &str) {
        live.set(id, state);
        self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), state.to_owned());
    }

    fn tell_line(&self, progress: &Progress) {
        match progress {
            Progress::Log(line) => to_stdout(&log_line(line, self.prefix.unwrap_or(LogPrefix::Pod))),
            // Of a run, the Job is told as started and how it ended at the end.
            Progress::Applied { id, .. } | Progress::Ready { id, .. } | Progress::Failed { id, .. }
                if self.prefix.is_some() && id.kind == "Job" => {}
            Progress::Applied { action: Action::Unchanged, .. } if self.prefix.is_some() => {}
            Progress::Applied { id, action } if self.prefix.is_some() => {
                tell(GOOD, &action.to_string(), &id.to_string());
            }
            Progress::Applied { id, action } => {
                to_stdout(&format!("{GOOD}{action:10}{GOOD:#} {}\n", without_controls(&id.to_string())));
            }
            Progress::Warning(text) => tell(WARNING, "warning", text),
            Progress::Retrying { what, cause, after } => {
                tell(WARNING, "retrying", &format!("{what} in {:.1} s: {cause}", after.as_secs_f32()));
            }
            Progress::Deleted { id } => {
                to_stdout(&format!("{GOOD}deleted   {GOOD:#} {}\n", without_controls(&id.to_string())));
            }
            Progress::Deleting { id } => tell(DIM, "deleting", &id.to_string()),
            Progress::Dispatched { run, job } => tell(GOOD, "started", &format!("{job} (run {run})")),
            // The counts say the same of a Job, and more.
            Progress::Waiting { id, .. } if id.kind == "Job" => {}
            Progress::Waiting { id, state } => self.tell_state(DIM, "waiting", id, state),
            Progress::Trouble { id, cause } => self.tell_state(WARNING, "trouble", id, cause),
            // Before anything runs, or after all is over, counts are no progress.
            Progress::Counts { id, counts } if counts.active == 0 && !self.has_told(id) => {}
            Progress::Counts { id, counts } => self.tell_state(DIM, "progress", id, &job_counts(counts)),
            Progress::PodStarted { .. } => {}
            Progress::Ready { id, note } => self.tell_ready(id, note.as_deref()),
            Progress::Failed { id, cause } => tell(BAD, "failed", &format!("{id}: {cause}")),
        }
    }

    fn tell_state(&self, style: Style, word: &str, id: &ObjectId, state: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(id).is_none_or(|last| last != state) {
            tell(style, word, &format!("{id}: {state}"));
            told.insert(id.clone(), state.to_owned());
        }
    }

    fn has_told(&self, id: &ObjectId) -> bool {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// What was ready at once is not worth a line.
    fn tell_ready(&self, id: &ObjectId, note: Option<&str>) {
        let was_told = self.has_told(id);
        match note {
            Some(note) => tell(GOOD, "ready", &format!("{id}: {note}")),
            None if id.kind == "Job" => tell(GOOD, "succeeded", &id.to_string()),
            None if was_told => tell(GOOD, "ready", &id.to_string()),
            None => {}
        }
    }
}

/// Says how a run ended, or that it has not yet, and what to do about it.
pub(super) fn concluded(run: &Run) -> Vec<String> {
    let id = &run.id;
    match run.conclusion() {
        Conclusion::Succeeded => vec![format!("run {id} succeeded")],
        Conclusion::Stuck(cause) => vec![
            format!("run {id} is stuck: {cause}"),
            format!("its Job is still there: mend what is amiss, or end it with `daphnia cancel {id}`"),
        ],
        Conclusion::Failed(cause) => vec![format!("run {id} failed: {cause}")],
        Conclusion::TimedOut(state) => vec![format!("run {id} is not over in time ({state}); it goes on")],
        Conclusion::Detached => vec![format!("run {id} goes on; `daphnia show {id}` tells how it ends")],
    }
}

/// Tells how waiting ended for what did not become ready.
pub(super) fn unready(readiness: &Readiness) {
    let Readiness { id, state, .. } = readiness;
    let because = |cause: &str| if cause.is_empty() { String::new() } else { format!(": {cause}") };
    match state {
        State::Ready | State::Failed { .. } => {}
        State::TimedOut { cause } => {
            tell(BAD, "timed out", &format!("{id} is not ready in time{}", because(cause)));
        }
        State::Undecided { cause } => {
            tell(WARNING, "left", &format!("{id} is not ready yet{}", because(cause)));
        }
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
