//! Observed → applied, with a record of each Job that this starts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use futures::StreamExt as _;
use jiff::Timestamp;

use super::isolate::Copies;
use super::open::{Opened, Start, no_record, open};
use super::settle::labelled;
use super::{JOB_LABEL, KEEP, RunRecord, RunState, complete};
use crate::cluster::json::text;
use crate::cluster::{
    ApplyOptions, CONCURRENCY, Cluster, JobResult, Outcome, Progress, Readiness, WaitOptions, apply,
    ensure_allowed, wait,
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
    /// Run Jobs again that have had their run.
    pub rerun: bool,
}

impl Default for ExecuteOptions {
    fn default() -> Self {
        Self {
            apply: ApplyOptions::default(),
            wait: Some(WaitOptions::default()),
            parameters: Vec::new(),
            keep: KEEP,
            rerun: false,
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
    let objects: Vec<&Object> = observed.iter().map(|one| &one.desired).collect();
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
    rendered: &[&Object],
    options: &ExecuteOptions,
    dispatch: Option<&Dispatch<'_>>,
) -> Result<Execution, Diagnostics> {
    ensure_allowed(observed, &options.apply)?;
    let (before, rest) = observed.split_at(first_with_record(observed, dispatch));
    let mut outcomes = apply(cluster, before, &options.apply).await?;
    let starting: Vec<&Observed> = rest.iter().filter(|one| is_started(one)).collect();
    let mut starts = Vec::new();
    let mut done = BTreeMap::new();
    for opened in open(cluster, &starting, rendered, options, dispatch).await? {
        match opened {
            Opened::Start(start) => starts.push(*start),
            Opened::Done(job, note) => {
                done.insert(job, note);
            }
        }
    }
    let rest = without(rest, &done);
    match apply(cluster, &rest, &options.apply).await {
        Ok(applied) => outcomes.extend(applied),
        Err(errors) => {
            sort_out(cluster, &mut starts, dispatch, &errors).await;
            return Err(errors);
        }
    }
    for start in &mut starts {
        let outcome = outcomes.iter().find(|outcome| outcome.id == start.record.object);
        outcome.map_or("", |outcome| &outcome.uid).clone_into(&mut start.record.uid);
    }
    each(&mut starts, |start| start.has_started(cluster, dispatch)).await;
    let mut execution = Execution {
        outcomes,
        readiness: Vec::new(),
        runs: starts.iter().filter(|start| start.is_kept).map(|start| start.record.id.clone()).collect(),
    };
    let awaited: Vec<ObjectId> =
        before.iter().chain(&*rest).filter(|one| is_awaited(one)).map(|one| one.desired.id.clone()).collect();
    if let Some(wait_options) = &options.wait {
        execution.readiness = wait(cluster, &awaited, wait_options).await?;
        finish_all(cluster, &mut starts, &mut execution.readiness, options.keep).await;
    }
    let others = rest.iter().filter(|one| {
        one.live.is_some() && !starts.iter().any(|start| start.record.object == one.desired.id)
    });
    complete_others(cluster, others.map(|one| &one.desired)).await;
    Ok(execution)
}

/// Where records have to be written: after the namespace of the Jobs, before the Jobs, and before what a run has
/// for itself, so that a crash leaves nothing of which there is no record.
fn first_with_record(observed: &[Observed], dispatch: Option<&Dispatch<'_>>) -> usize {
    let has_copies = dispatch.is_some_and(|dispatch| !dispatch.copies.ids.is_empty());
    let is_first = |one: &Observed| {
        let id = &one.desired.id;
        id.kind == "Job" || (has_copies && id.namespace.is_some())
    };
    observed.iter().position(is_first).unwrap_or(observed.len())
}

/// Leaves alone what has had its run meanwhile.
fn without<'a>(observed: &'a [Observed], done: &BTreeMap<ObjectId, String>) -> Cow<'a, [Observed]> {
    if done.is_empty() {
        return Cow::Borrowed(observed);
    }
    let mut observed = observed.to_vec();
    for one in &mut observed {
        if let Some(note) = done.get(&one.desired.id) {
            one.prediction = Prediction::Done { note: note.clone() };
        }
    }
    Cow::Owned(observed)
}

fn is_started(observed: &Observed) -> bool {
    let is_suspended = |node: &Node| node.at(["spec", "suspend"]).and_then(Node::as_bool) == Some(true);
    let starts = match (&observed.prediction, &observed.live) {
        (Prediction::Done { .. } | Prediction::Same, _) => false,
        (Prediction::Replacement { .. }, _) | (_, None) => true,
        // It is there and stays, and starts if it has not so far.
        (_, Some(live)) => is_suspended(live) && live.at(["status", "startTime"]).is_none(),
    };
    observed.desired.id.kind == "Job" && starts && !is_suspended(&observed.desired.node)
}

fn is_awaited(observed: &Observed) -> bool {
    !matches!(observed.prediction, Prediction::Done { .. })
}

/// Does something about several at once.
async fn each<'a, T: 'a, F: Future<Output = ()>>(
    items: impl IntoIterator<Item = &'a mut T>,
    work: impl Fn(&'a mut T) -> F,
) {
    futures::stream::iter(items).for_each_concurrent(CONCURRENCY, work).await;
}

impl Start {
    /// Notes which Job it is. Without this, whoever looks finds it by its time.
    async fn has_started(&mut self, cluster: &Cluster, dispatch: Option<&Dispatch<'_>>) {
        let record = &self.record;
        if let Some(Dispatch { copies, .. }) = dispatch {
            copies.belong_to(cluster, &record.object, &record.uid).await;
        }
        if self.is_kept || dispatch.is_some() {
            let (run, job) = (record.id.clone(), record.object.clone());
            cluster.tell(Progress::Dispatched { run, job });
        }
        if !self.is_kept {
            return;
        }
        let short = RunRecord { is_short: true, ..record.clone() };
        if let Err(failure) = cluster.save(&short).await {
            cluster.warn_once(no_record(record, &failure));
        }
    }

    async fn has_not_started(
        &mut self,
        cluster: &Cluster,
        dispatch: Option<&Dispatch<'_>>,
        errors: &Diagnostics,
    ) {
        if let Some(Dispatch { copies, .. }) = dispatch {
            copies.discard(cluster).await;
        }
        if !self.is_kept {
            return;
        }
        let record = &mut self.record;
        let why = errors.0.first().map(|error| error.message.as_str()).unwrap_or_default();
        record.state = RunState::Failed;
        record.cause = format!("it was not started: {why}");
        record.ended = Some(Timestamp::now());
        if let Err(failure) = cluster.save(record).await {
            cluster.warn_once(no_record(record, &failure));
        }
    }
}

/// After a failure on the way, finds out which Jobs have started all the same. Where the server cannot be asked,
/// whoever looks next does.
async fn sort_out(
    cluster: &Cluster,
    starts: &mut [Start],
    dispatch: Option<&Dispatch<'_>>,
    errors: &Diagnostics,
) {
    if errors.0.iter().all(|error| error.code == "unreachable") {
        return;
    }
    each(starts, |start| async move {
        match cluster.job(&start.record.object).await {
            Ok(Some(job)) if text(&job, "/metadata/uid") != start.replaced => {
                text(&job, "/metadata/uid").clone_into(&mut start.record.uid);
                start.has_started(cluster, dispatch).await;
            }
            Ok(_) => start.has_not_started(cluster, dispatch, errors).await,
            Err(_) => {}
        }
    })
    .await;
}

/// Concludes the records of Jobs that earlier applies have started and not seen through.
async fn complete_others<'a>(cluster: &Cluster, objects: impl Iterator<Item = &'a Object>) {
    let is_run = |object: &&Object| {
        let is_suspended = object.node.at(["spec", "suspend"]).and_then(Node::as_bool) == Some(true);
        object.id.kind == "Job" && !is_suspended
    };
    let mut namespaces: BTreeMap<&str, Vec<&ObjectId>> = BTreeMap::new();
    for object in objects.filter(is_run) {
        namespaces.entry(object.id.namespace.as_deref().unwrap_or_default()).or_default().push(&object.id);
    }
    for (namespace, jobs) in namespaces {
        let selector = labelled(JOB_LABEL, jobs.iter().map(|id| id.name.as_str()));
        // Who may not read records has none to conclude.
        let mut records = cluster.records(Some(namespace), &selector).await.unwrap_or_default();
        records.retain(|record| jobs.contains(&&record.object));
        each(&mut records, |record| complete::complete(cluster, record)).await;
    }
}

async fn finish_all(cluster: &Cluster, starts: &mut [Start], readiness: &mut [Readiness], keep: usize) {
    let mut ended: Vec<(&mut RunRecord, &mut JobResult)> = Vec::new();
    let mut kept: BTreeMap<ObjectId, &mut RunRecord> = starts
        .iter_mut()
        .filter(|start| start.is_kept)
        .map(|start| (start.record.object.clone(), &mut start.record))
        .collect();
    for one in readiness {
        if let (Some(record), Some(result)) = (kept.remove(&one.id), one.job.as_mut()) {
            ended.push((record, result));
        }
    }
    each(&mut ended, |(record, result)| finish(cluster, record, result, keep)).await;
}

/// Concludes the record of a run that was seen through.
pub async fn finish(cluster: &Cluster, record: &mut RunRecord, result: &mut JobResult, keep: usize) {
    if result.log.is_empty() {
        result.log = complete::log_of(cluster, record).await;
    }
    if !result.succeeded
        && let Ok(mut kept) = super::read(cluster, &record.id, record.namespace()).await
        && kept.state == RunState::Cancelled
    {
        result.cause = format!("it was {}", kept.cause.trim_start_matches("it was "));
        kept.containers.clone_from(&result.containers);
        kept.log.clone_from(&result.log);
        if let Err(failure) = cluster.save(&kept).await {
            cluster.warn_once(no_record(&kept, &failure));
        }
        return;
    }
    if record.is_short
        && let Ok(long) = super::read(cluster, &record.id, record.namespace()).await
    {
        // It was written by another who started the same.
        record.objects = long.objects;
        record.is_short = false;
    }
    record.conclude(result);
    if let Err(failure) = cluster.save(record).await {
        return cluster.warn_once(no_record(record, &failure));
    }
    cluster.prune_records(record.namespace(), &record.job, keep).await;
}
