//! Observed → applied, with a record of each Job that this starts.

use base64::Engine as _;
use jiff::Timestamp;

use super::isolate::Copies;
use super::{KEEP, RunRecord, RunState, digest};
use crate::cluster::{
    ApplyOptions, Cluster, Failure, Outcome, Progress, Readiness, WaitOptions, apply, ensure_allowed,
    fresh_suffix, wait,
};
use crate::diagnostic::Diagnostics;
use crate::diff::{Observed, Prediction};
use crate::object::{Object, ObjectId};
use crate::yaml::Node;

#[derive(Debug, Clone)]
pub struct ExecuteOptions {
    pub apply: ApplyOptions,
    /// `None` not to wait.
    pub wait: Option<WaitOptions>,
    pub parameters: Vec<String>,
    pub keep: usize,
}

impl Default for ExecuteOptions {
    fn default() -> Self {
        Self {
            apply: ApplyOptions::default(),
            wait: Some(WaitOptions::default()),
            parameters: Vec::new(),
            keep: KEEP,
        }
    }
}

/// What was done, and how it ended.
#[derive(Debug, Clone, Default)]
pub struct Execution {
    pub outcomes: Vec<Outcome>,
    /// Of each object, in the same order; empty if nobody was to wait.
    pub readiness: Vec<Readiness>,
    /// The runs of the Jobs that were started.
    pub runs: Vec<String>,
}

/// Applies what was observed, waits for it, and leaves a record of each Job that this starts.
pub async fn execute(
    cluster: &Cluster,
    observed: &[Observed],
    options: &ExecuteOptions,
) -> Result<Execution, Diagnostics> {
    let objects: Vec<Object> = observed.iter().map(|one| one.desired.clone()).collect();
    execute_as(cluster, observed, &objects, options, None).await
}

/// What a run has beside its own Job.
pub struct Dispatch<'a> {
    /// The Job under the name that it has in its manifest.
    pub stored: &'a Object,
    pub copies: Copies,
}

pub async fn execute_as(
    cluster: &Cluster,
    observed: &[Observed],
    rendered: &[Object],
    options: &ExecuteOptions,
    dispatch: Option<&Dispatch<'_>>,
) -> Result<Execution, Diagnostics> {
    ensure_allowed(observed, &options.apply)?;
    // A record is written before its Job, but after the namespace of both.
    let first_job = observed.iter().position(|one| one.desired.id.kind == "Job").unwrap_or(observed.len());
    let (before, jobs) = observed.split_at(first_job);
    let mut outcomes = apply(cluster, before, &options.apply).await?;
    let mut records = Vec::new();
    for one in jobs.iter().filter(|one| is_started(one)) {
        let mut record = new_record(cluster, one, rendered, &options.parameters).await;
        if let Some(Dispatch { stored, .. }) = dispatch {
            record.id.clone_from(&one.desired.id.name);
            record.job.clone_from(&stored.id.name);
            record.digest = digest(stored, rendered);
        }
        match cluster.keep(&record).await {
            Ok(()) => records.push(record),
            Err(failure) => cluster.warn_once(no_record(&record, &failure)),
        }
    }
    let applied = apply(cluster, jobs, &options.apply).await;
    let applied = match applied {
        Ok(applied) => applied,
        Err(errors) => {
            let why = errors.0.first().map(|error| error.message.clone()).unwrap_or_default();
            for record in &mut records {
                give_up(cluster, record, &why).await;
            }
            if let Some(Dispatch { copies, .. }) = dispatch {
                copies.discard(cluster).await;
            }
            return Err(errors);
        }
    };
    if let Some(Dispatch { copies, .. }) = dispatch {
        for outcome in applied.iter().filter(|outcome| outcome.id.kind == "Job") {
            copies.belong_to(cluster, &outcome.id, uid(outcome)).await;
        }
    }
    let mut records = without_runs_of_others(cluster, records, &applied).await;
    for record in &mut records {
        note_uid(cluster, record, &applied).await;
        let (run, job) = (record.id.clone(), record.object.clone());
        cluster.tell(Progress::Dispatched { run, job });
    }
    outcomes.extend(applied);
    let mut execution = Execution {
        outcomes,
        readiness: Vec::new(),
        runs: records.iter().map(|record| record.id.clone()).collect(),
    };
    if let Some(wait_options) = &options.wait {
        let ids: Vec<ObjectId> =
            observed.iter().filter(|one| is_awaited(one)).map(|one| one.desired.id.clone()).collect();
        execution.readiness = wait(cluster, &ids, wait_options).await?;
        for record in &mut records {
            finish(cluster, record, &mut execution.readiness, options.keep).await;
        }
    }
    Ok(execution)
}

fn is_started(observed: &Observed) -> bool {
    let is_new = observed.live.is_none() && !matches!(observed.prediction, Prediction::Done { .. });
    let is_suspended = observed.desired.node.at(["spec", "suspend"]).and_then(Node::as_bool) == Some(true);
    let is_job = observed.desired.id.kind == "Job";
    is_job && !is_suspended && (is_new || matches!(observed.prediction, Prediction::Replacement { .. }))
}

fn is_awaited(observed: &Observed) -> bool {
    !(observed.live.is_none() && matches!(observed.prediction, Prediction::Done { .. }))
}

async fn new_record(
    cluster: &Cluster,
    observed: &Observed,
    rendered: &[Object],
    parameters: &[String],
) -> RunRecord {
    let job = &observed.desired;
    let stem: String = job.id.name.chars().take(super::run::LONGEST_NAME - 6).collect();
    RunRecord {
        id: format!("{stem}-{}", fresh_suffix()),
        job: job.id.name.clone(),
        object: job.id.clone(),
        uid: String::new(),
        who: cluster.who().await,
        started: Timestamp::now(),
        ended: None,
        digest: digest(job, rendered),
        parameters: mask(parameters, rendered),
        state: RunState::Running,
        cause: String::new(),
        exit_code: None,
        containers: Vec::new(),
        objects: rendered.iter().map(|object| object.node.clone()).collect(),
        log: Vec::new(),
        is_short: false,
    }
}

/// Takes the values of the rendered Secrets out of what was given on the command line.
fn mask(parameters: &[String], rendered: &[Object]) -> Vec<String> {
    let secrets = rendered.iter().filter(|object| object.id.kind == "Secret");
    let data = secrets.filter_map(|secret| secret.node.get("data")?.as_map());
    let values = data.flat_map(|data| data.iter().filter_map(|(_, value)| value.as_str()));
    let decoded = values.filter_map(|value| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(value).ok()?;
        String::from_utf8(bytes).ok()
    });
    // Shorter ones would take half of every word with them.
    let values: Vec<String> = decoded.filter(|value| value.len() >= 4).collect();
    let masked = parameters.iter().map(|parameter| {
        values.iter().fold(parameter.clone(), |text, value| text.replace(value.as_str(), "<masked>"))
    });
    masked.collect()
}

fn no_record(record: &RunRecord, failure: &Failure) -> String {
    format!("this run of `{}` leaves no record: {}", record.job, failure.describe())
}

/// Of two who apply the same at once, one starts the Job, and its record is that of the run.
async fn without_runs_of_others(
    cluster: &Cluster,
    records: Vec<RunRecord>,
    applied: &[Outcome],
) -> Vec<RunRecord> {
    let mut own = Vec::new();
    for record in records {
        if applied.iter().any(|outcome| outcome.id == record.object && outcome.is_new) {
            own.push(record);
        } else if let Err(failure) = cluster.discard(&record).await {
            let why = failure.describe();
            cluster.warn_once(format!("cannot delete the record of a run that others started: {why}"));
        }
    }
    own
}

fn uid(outcome: &Outcome) -> &str {
    let live = outcome.live.as_ref();
    live.and_then(|live| live.at(["metadata", "uid"])).and_then(Node::as_str).unwrap_or_default()
}

async fn note_uid(cluster: &Cluster, record: &mut RunRecord, applied: &[Outcome]) {
    let Some(outcome) = applied.iter().find(|outcome| outcome.id == record.object) else { return };
    record.uid = uid(outcome).to_owned();
    let short = RunRecord { is_short: true, ..record.clone() };
    if let Err(failure) = cluster.save(&short).await {
        cluster.warn_once(no_record(record, &failure));
    }
}

async fn give_up(cluster: &Cluster, record: &mut RunRecord, why: &str) {
    record.state = RunState::Failed;
    record.cause = format!("it was not started: {why}");
    record.ended = Some(Timestamp::now());
    if let Err(failure) = cluster.save(record).await {
        cluster.warn_once(no_record(record, &failure));
    }
}

pub async fn finish(cluster: &Cluster, record: &mut RunRecord, readiness: &mut [Readiness], keep: usize) {
    let found = readiness.iter_mut().find(|readiness| readiness.id == record.object);
    let Some(result) = found.and_then(|readiness| readiness.job.as_mut()) else { return };
    if result.log.is_empty() {
        result.log = super::complete::log_of(cluster, record).await;
    }
    if !result.succeeded
        && let Ok(mut kept) = super::read(cluster, &record.id, record.namespace()).await
        && kept.state == RunState::Cancelled
    {
        result.cause = format!("it was {}", kept.cause);
        kept.containers.clone_from(&result.containers);
        kept.log.clone_from(&result.log);
        if let Err(failure) = cluster.save(&kept).await {
            cluster.warn_once(no_record(&kept, &failure));
        }
        return;
    }
    record.conclude(result);
    if let Err(failure) = cluster.save(record).await {
        return cluster.warn_once(no_record(record, &failure));
    }
    cluster.prune_records(record.namespace(), &record.job, keep).await;
}
