//! A record whose writer went away → a record of how the Job ended.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::evidence::{Evidence, evidence};
use super::isolate::tidy_run;
use super::{JOB_LABEL, RunRecord, RunState};
use crate::cluster::json::{items, text};
use crate::cluster::{Cluster, ContainerExit, JobResult, LogLine, encode, exits, is_over, outline};
use crate::diff::FIELD_MANAGER;

impl RunRecord {
    /// Takes over how the Job ended.
    pub fn conclude(&mut self, result: &JobResult) {
        self.state = match result {
            result if result.succeeded => RunState::Succeeded,
            result if result.is_stuck => RunState::Stuck,
            _ => RunState::Failed,
        };
        self.cause.clone_from(&result.cause);
        self.exit_code = result.exit_code;
        self.containers.clone_from(&result.containers);
        if !result.log.is_empty() {
            self.log.clone_from(&result.log);
        }
        let ended = result.ended.as_ref().and_then(|time| time.parse().ok());
        self.ended = self.state.is_final().then(|| ended.unwrap_or_else(Timestamp::now));
    }
}

/// Brings a record up to date that says that its Job runs.
pub async fn complete(cluster: &Cluster, record: &mut RunRecord) {
    if record.state.is_final() {
        return;
    }
    if let Some(now) = look(cluster, record).await {
        replace(cluster, record, now).await;
    }
}

/// Ends the record of a Job that still runs and is about to go, for another takes its name.
pub async fn end_replaced(cluster: &Cluster, record: &mut RunRecord) {
    let mut now = record.clone();
    now.log = log_of(cluster, record).await;
    now.state = RunState::Cancelled;
    now.cause = "it was replaced while it ran: a changed Job was applied".to_owned();
    now.ended = Some(Timestamp::now());
    replace(cluster, record, now).await;
}

async fn replace(cluster: &Cluster, record: &mut RunRecord, mut now: RunRecord) {
    if now.is_short && now.state.is_final() {
        // The long form is written back whole, so it has to be there.
        let Ok(long) = super::read(cluster, &record.id, record.namespace()).await else { return };
        now.objects = long.objects;
        if now.log.is_empty() {
            now.log = long.log;
        }
        now.is_short = false;
    }
    if let Err(failure) = cluster.save(&now).await {
        cluster.warn_once(format!(
            "cannot bring the record of run `{}` up to date: {}",
            now.id,
            failure.describe()
        ));
    }
    *record = now;
}

/// Returns what has become of the run, if there is news.
async fn look(cluster: &Cluster, record: &RunRecord) -> Option<RunRecord> {
    let job = match cluster.job(&record.object).await.ok()? {
        Some(job) => is_its_job(cluster, record, &job).await?.then_some(job),
        None => None,
    };
    let Some(job) = job else {
        return if is_young(record) { None } else { Some(without_job(cluster, record).await) };
    };
    let mut now = record.clone();
    text(&job, "/metadata/uid").clone_into(&mut now.uid);
    if !is_over(&job) {
        return (now.uid != record.uid).then_some(now);
    }
    let pods = pods_of(cluster, &now).await;
    let log = cluster.log_tails(&pods).await;
    let mut containers: Vec<ContainerExit> = pods.iter().flat_map(exits).collect();
    for exit in &mut containers {
        let is_its = |line: &&LogLine| line.pod == exit.pod && line.container == exit.container;
        let last = log.iter().rfind(|line| is_its(line) && !line.line.trim().is_empty());
        exit.last_line = last.map(|line| line.line.clone());
    }
    let result = outline(&record.object, &job, containers, None, false);
    now.conclude(&JobResult { log, ..result });
    Some(now)
}

/// Says what can be known of a run whose Job is not there.
async fn without_job(cluster: &Cluster, record: &RunRecord) -> RunRecord {
    let mut now = record.clone();
    let (state, cause, ended) = match evidence(cluster, record).await {
        Evidence::Succeeded(time) => (RunState::Succeeded, String::new(), time),
        Evidence::Failed(cause, time) => (RunState::Failed, cause, time),
        Evidence::None if record.uid.is_empty() => {
            let cause = "it was not started: who was to start it was interrupted";
            (RunState::Failed, cause.to_owned(), None)
        }
        _ => (RunState::Lost, "its Job is gone, and nobody saw how it ended".to_owned(), None),
    };
    if record.uid.is_empty() {
        tidy_run(cluster, record).await;
    }
    (now.state, now.cause) = (state, cause);
    now.ended = Some(ended.unwrap_or_else(Timestamp::now));
    now
}

/// Returns what is left of a run's pods.
async fn pods_of(cluster: &Cluster, record: &RunRecord) -> Vec<Json> {
    let path = format!("/api/v1/namespaces/{}/pods", encode(record.namespace()));
    let selector = format!("job-name={}", record.object.name);
    cluster.list(&path, None, Some(&selector)).await.unwrap_or_default()
}

/// Returns the end of what a run's pods wrote, as far as it is still there.
pub async fn log_of(cluster: &Cluster, record: &RunRecord) -> Vec<LogLine> {
    cluster.log_tails(&pods_of(cluster, record).await).await
}

/// A record comes before its Job, so for a while there may be none yet.
pub fn is_young(record: &RunRecord) -> bool {
    record.uid.is_empty() && Timestamp::now().duration_since(record.started).as_secs() < YOUTH
}

/// How many seconds pass at most between a record, or what a run has for itself, and the Job.
pub const YOUTH: i64 = 60;

/// Whether a Job is that of the record; `None` if it cannot be told now.
async fn is_its_job(cluster: &Cluster, record: &RunRecord, job: &Json) -> Option<bool> {
    let uid = text(job, "/metadata/uid");
    if !record.uid.is_empty() {
        return Some(uid == record.uid);
    }
    // The writer went between the two: what it made since is its Job, unless that is another's.
    let created: Option<Timestamp> = text(job, "/metadata/creationTimestamp").parse().ok();
    let is_since = |record: &RunRecord| match (created, record.written) {
        (Some(created), Some(written)) => created >= written,
        (Some(created), None) => created.duration_since(record.started).as_secs() >= -5,
        (None, _) => false,
    };
    let is_ours = items(job, "/metadata/managedFields").iter().any(|entry| entry["manager"] == FIELD_MANAGER);
    if !is_ours || !is_since(record) {
        return Some(false);
    }
    let others =
        cluster.records(Some(record.namespace()), &format!("{JOB_LABEL}={}", record.job)).await.ok()?;
    let is_of_another = |other: &RunRecord| {
        let is_nearer = other.uid.is_empty()
            && !other.state.is_final()
            && other.written > record.written
            && is_since(other);
        other.id != record.id && other.object == record.object && (other.uid == uid || is_nearer)
    };
    Some(!others.iter().any(is_of_another))
}
