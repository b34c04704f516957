//! A record whose writer went away → a record of how the Job ended.

use serde_json::Value as Json;

use super::{RunRecord, RunState};
use crate::cluster::json::text;
use crate::cluster::{Call, Cluster, ContainerExit, JobResult, LogLine, encode, exits, is_over, outline};

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
        self.ended = self.state.is_final().then(|| ended.unwrap_or_else(jiff::Timestamp::now));
    }
}

/// Brings a record up to date that says that its Job runs.
pub async fn complete(cluster: &Cluster, record: &mut RunRecord) {
    if record.state.is_final() {
        return;
    }
    let Some(mut now) = look(cluster, record).await else { return };
    if now.is_short {
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

/// Returns what has become of the run, if it is over.
async fn look(cluster: &Cluster, record: &RunRecord) -> Option<RunRecord> {
    let mut now = record.clone();
    let namespace = encode(record.namespace());
    let name = encode(&record.object.name);
    let job =
        match cluster.call(&Call::get(&format!("/apis/batch/v1/namespaces/{namespace}/jobs/{name}"))).await {
            Ok(job) if is_its_job(record, &job) => job,
            Err(failure) if !failure.is_code(404) => return None,
            _ if is_young(record) => return None,
            _ => {
                now.state = RunState::Lost;
                now.cause = "its Job is gone, and nobody saw how it ended".to_owned();
                now.ended = Some(jiff::Timestamp::now());
                return Some(now);
            }
        };
    if !is_over(&job) {
        return None;
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
fn is_young(record: &RunRecord) -> bool {
    record.uid.is_empty() && jiff::Timestamp::now().duration_since(record.started).as_secs() < 60
}

fn is_its_job(record: &RunRecord, job: &Json) -> bool {
    if !record.uid.is_empty() {
        return text(job, "/metadata/uid") == record.uid;
    }
    // The writer went between the two; what was made since is its Job. Clocks differ a little.
    let created: Option<jiff::Timestamp> = text(job, "/metadata/creationTimestamp").parse().ok();
    created.is_some_and(|created| created.duration_since(record.started).as_secs() >= -5)
}
