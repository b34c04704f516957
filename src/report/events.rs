//! What happens → JSON, a line for each event, in a shape that stays: `docs/events.schema.json` describes it.

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::changes;
use super::json::tell;
use super::region::escaped;
use crate::cluster::{JobCounts, LogLine, Progress, Readiness, State};
use crate::diagnostic::Diagnostic;
use crate::diff::{Action, ChangeSet, Reason};
use crate::history::{Conclusion, Run};
use crate::object::ObjectId;
use crate::source::{Place, Sources};

/// Grows when a reader of the old shape could stumble over the new one.
const VERSION: u32 = 1;

/// Writes an event with what belongs to it.
fn line(event: &str, members: &Json) -> String {
    let mut all = Map::new();
    all.insert("event".to_owned(), json!(event));
    all.insert("time".to_owned(), json!(Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()));
    all.extend(members.as_object().cloned().unwrap_or_default());
    escaped(&format!("{}\n", Json::Object(all)))
}

pub(super) fn began(command: &str) -> String {
    line("began", &json!({"version": VERSION, "command": command}))
}

pub(super) fn connected(server: &str, context: Option<&str>, namespace: &str) -> String {
    line("connected", &json!({"server": server, "context": context, "namespace": namespace}))
}

pub(super) fn finding(finding: &Diagnostic, sources: &Sources, secrets: &[Place]) -> String {
    line("finding", &json!({"finding": tell(finding, sources, secrets)}))
}

pub(super) fn note(message: &str) -> String {
    line("note", &json!({"message": message}))
}

pub(super) fn ended(status: u8) -> String {
    line("ended", &json!({"status": status}))
}

/// What did not become ready, though it did not fail either.
pub(super) fn unready(readiness: &Readiness) -> Option<String> {
    let (outcome, cause) = match &readiness.state {
        State::Ready | State::Failed { .. } => return None,
        State::TimedOut { cause } => ("timed-out", cause),
        State::Undecided { cause } => ("undecided", cause),
    };
    let members = json!({"object": object(&readiness.id), "outcome": outcome, "cause": cause});
    Some(line("unready", &members))
}

/// What a run has other than what is stored.
pub(super) fn differs(changes: &ChangeSet, sources: &Sources) -> String {
    line("differs", &json!({"changes": changes::json::tree(changes, false, sources)}))
}

/// How a run ended, or that it has not.
pub(super) fn concluded(run: &Run) -> String {
    let (outcome, cause) = match run.conclusion() {
        Conclusion::Succeeded => ("succeeded", None),
        Conclusion::Stuck(cause) => ("stuck", Some(cause)),
        Conclusion::Failed(cause) => ("failed", Some(cause)),
        Conclusion::TimedOut(state) => ("timed-out", Some(state)),
        Conclusion::Detached => ("detached", None),
    };
    let members = json!({
        "object": object(&run.job), "run": run.id, "outcome": outcome, "cause": cause, "exitCode": run.exit_code(),
    });
    line("concluded", &members)
}

pub(super) fn progress(progress: &Progress) -> String {
    match progress {
        Progress::Warning(message) => line("warning", &json!({"message": message})),
        Progress::Retrying { what, cause, after } => {
            line("retrying", &json!({"request": what, "cause": cause, "seconds": after.as_secs_f64()}))
        }
        Progress::Applied { id, action } => {
            let because: &[Reason] = if let Action::Replaced { because } = action { because } else { &[] };
            let because: Vec<Json> = because.iter().map(reason).collect();
            let action = action.to_string();
            line("applied", &json!({"object": object(id), "action": action, "because": because}))
        }
        Progress::Deleting { id } => line("deleting", &json!({"object": object(id)})),
        Progress::Deleted { id } => line("deleted", &json!({"object": object(id)})),
        Progress::Dispatched { run, job } => line("started", &json!({"object": object(job), "run": run})),
        Progress::Waiting { id, state } => line("waiting", &json!({"object": object(id), "state": state})),
        Progress::Trouble { id, cause } => line("trouble", &json!({"object": object(id), "cause": cause})),
        Progress::Counts { id, counts } => {
            line("progress", &json!({"object": object(id), "counts": job_counts(counts)}))
        }
        Progress::Ready { id, note } => line("ready", &json!({"object": object(id), "note": note})),
        Progress::Failed { id, cause } => line("failed", &json!({"object": object(id), "cause": cause})),
        Progress::PodStarted { id, pod, index } => {
            line("pod-started", &json!({"object": object(id), "pod": pod, "index": index}))
        }
        Progress::Log(LogLine { pod, container, index, time, line: text }) => {
            let logged = time.map(|time| time.to_string());
            let members =
                json!({"pod": pod, "container": container, "index": index, "logged": logged, "line": text});
            line("log", &members)
        }
    }
}

fn object(id: &ObjectId) -> Json {
    json!({"apiVersion": id.api_version, "kind": id.kind, "namespace": id.namespace, "name": id.name})
}

fn reason(reason: &Reason) -> Json {
    let (name, field) = match reason {
        Reason::Immutable(field) => ("immutable", Some(field)),
        Reason::Failed => ("failed", None),
        Reason::Rerun => ("rerun", None),
        Reason::Terminating => ("terminating", None),
    };
    json!({"reason": name, "field": field})
}

fn job_counts(counts: &JobCounts) -> Json {
    json!({
        "active": counts.active,
        "ready": counts.ready,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "completions": counts.completions,
        "parallelism": counts.parallelism,
        "completedIndexes": counts.completed_indexes,
        "failedIndexes": counts.failed_indexes,
    })
}
