//! Jobs that are about to start → a record for each, the same one for all who start them at once.

use std::collections::HashMap;

use futures::StreamExt as _;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::execute::{Dispatch, ExecuteOptions};
use super::references::used;
use super::settle::{done, labelled};
use super::store::Kept;
use super::{JOB_LABEL, RunRecord, RunState, complete, digest};
use crate::cluster::{Attempt, CONCURRENCY, Cluster, Failure, suffix};
use crate::diagnostic::Diagnostics;
use crate::diff::Observed;
use crate::object::{Object, ObjectId, uid};

/// A Job that is about to start, and its record.
pub struct Start {
    pub record: RunRecord,
    /// Whether the record is in the cluster.
    pub is_kept: bool,
    /// Of the Job that it replaces; else empty.
    pub replaced: String,
}

pub enum Opened {
    Start(Box<Start>),
    /// It has had its run meanwhile: what to tell of it.
    Done(ObjectId, String),
}

/// Writes a record for each Job before it starts, so that a crash leaves word of it. Who may keep none goes on
/// without; any other failure ends it, for nothing has started yet.
pub async fn open(
    cluster: &Cluster,
    starting: &[&Observed],
    rendered: &[&Object],
    options: &ExecuteOptions,
    dispatch: Option<&Dispatch<'_>>,
) -> Result<Vec<Opened>, Diagnostics> {
    if starting.is_empty() {
        return Ok(Vec::new());
    }
    let earlier = if dispatch.is_some() { HashMap::new() } else { earlier(cluster, starting).await? };
    let who = &cluster.who().await;
    let opened = futures::stream::iter(starting)
        .map(|one| {
            let earlier = earlier.get(&one.desired.id).map(Vec::as_slice).unwrap_or_default();
            async move {
                let job = dispatch.map_or(&one.desired, |dispatch| dispatch.stored);
                let mut record = new_record(&one.desired.id, job, rendered, options, who);
                let replaced = if is_replaced(one) { live_uid(one).to_owned() } else { String::new() };
                record.id = match dispatch {
                    Some(_) => one.desired.id.name.clone(),
                    None => id(&record, &replaced, earlier),
                };
                if !is_replaced(one) {
                    // One that is there was suspended until now.
                    live_uid(one).clone_into(&mut record.uid);
                }
                open_one(cluster, record, earlier, options.rerun, replaced).await
            }
        })
        .buffered(CONCURRENCY);
    opened.collect::<Vec<_>>().await.into_iter().collect()
}

async fn open_one(
    cluster: &Cluster,
    record: RunRecord,
    earlier: &[RunRecord],
    is_rerun: bool,
    replaced: String,
) -> Result<Opened, Diagnostics> {
    let start = |record: RunRecord, is_kept| {
        Ok(Opened::Start(Box::new(Start { record, is_kept, replaced: replaced.clone() })))
    };
    if !is_rerun && let Some(note) = done(earlier.iter(), &record.object, &record.digest) {
        return Ok(Opened::Done(record.object, note));
    }
    // Someone else is about to start the same, or was: one run has one record.
    let is_same = |other: &&RunRecord| {
        let is_open = !other.state.is_final() && (other.uid.is_empty() || other.uid != replaced);
        is_open && other.digest == record.digest
    };
    if let Some(other) = earlier.iter().find(is_same) {
        return start(other.clone(), true);
    }
    match cluster.keep(&record).await {
        Ok(Kept::New(written)) => start(RunRecord { written, ..record }, true),
        Ok(Kept::Taken(other)) if other.digest != record.digest || other.object != record.object => {
            cluster.warn_once(format!("this run of `{}` leaves no record: its id is taken", record.job));
            start(record, false)
        }
        Ok(Kept::Taken(other)) if other.state == RunState::Succeeded => {
            let note = format!("succeeded meanwhile as run `{}`", other.id);
            Ok(Opened::Done(record.object, note))
        }
        Ok(Kept::Taken(other)) => start(*other, true),
        Err(failure) if failure.is_code(403) || failure.is_code(413) || failure.is_code(422) => {
            cluster.warn_once(no_record(&record, &failure));
            start(record, false)
        }
        Err(failure) => {
            let what = format!("write the record of `{}` before it starts", record.object);
            Err(cluster.explain(&failure, &Attempt::new(&what)))
        }
    }
}

pub fn no_record(record: &RunRecord, failure: &Failure) -> String {
    format!("this run of `{}` leaves no record: {}", record.job, failure.describe())
}

/// Returns the records of earlier runs of these Jobs, newest first. Of those that still run, it is looked up
/// first how they ended; what runs until it is replaced ends by that.
async fn earlier(
    cluster: &Cluster,
    starting: &[&Observed],
) -> Result<HashMap<ObjectId, Vec<RunRecord>>, Diagnostics> {
    let mut namespaces: HashMap<&str, Vec<&Observed>> = HashMap::new();
    for one in starting {
        let namespace = one.desired.id.namespace.as_deref().unwrap_or_default();
        namespaces.entry(namespace).or_default().push(one);
    }
    let mut earlier: HashMap<ObjectId, Vec<RunRecord>> = HashMap::new();
    for (namespace, jobs) in namespaces {
        let names = jobs.iter().map(|one| one.desired.id.name.as_str());
        let records = match cluster.records(Some(namespace), &labelled(JOB_LABEL, names)).await {
            Ok(records) => records,
            // What cannot be read cannot be written either, and that is told.
            Err(failure) if failure.is_code(403) => continue,
            Err(failure) => {
                return Err(cluster.explain(&failure, &Attempt::new("read the records of runs")));
            }
        };
        for mut record in records {
            let Some(one) = jobs.iter().find(|one| one.desired.id == record.object) else { continue };
            complete::complete(cluster, &mut record).await;
            let is_live = !record.uid.is_empty() && record.uid == live_uid(one);
            if is_live && is_replaced(one) && !record.state.is_final() {
                complete::end_replaced(cluster, &mut record).await;
            }
            earlier.entry(record.object.clone()).or_default().push(record);
        }
    }
    Ok(earlier)
}

/// Whether the Job that is there goes, so that another can have its name.
fn is_replaced(observed: &Observed) -> bool {
    matches!(observed.prediction, crate::diff::Prediction::Replacement { .. })
}

fn live_uid(observed: &Observed) -> &str {
    observed.live.as_ref().map(uid).unwrap_or_default()
}

/// Returns an id that all come to who start the same Job after the same runs.
fn id(record: &RunRecord, replaced: &str, earlier: &[RunRecord]) -> String {
    let newest = earlier.iter().find(|other| other.digest == record.digest);
    let newest = newest.map_or("", |other| other.id.as_str());
    let hash = Sha256::digest(format!("{} {} {replaced} {newest}", record.object, record.digest));
    let number = hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
    let stem: String = record.object.name.chars().take(super::run::LONGEST_NAME - 6).collect();
    format!("{stem}-{}", suffix(number))
}

/// `job` is as in its manifest. Of the others, a record has what the Job uses: a set may start many Jobs.
fn new_record(
    object: &ObjectId,
    job: &Object,
    rendered: &[&Object],
    options: &ExecuteOptions,
    who: &str,
) -> RunRecord {
    RunRecord {
        id: String::new(),
        job: job.id.name.clone(),
        object: object.clone(),
        uid: String::new(),
        who: who.to_owned(),
        started: Timestamp::now(),
        written: None,
        ended: None,
        digest: digest(job, rendered),
        parameters: mask(&options.parameters, rendered),
        state: RunState::Running,
        cause: String::new(),
        exit_code: None,
        containers: Vec::new(),
        objects: used(job, rendered).into_iter().chain([job]).map(|object| object.node.clone()).collect(),
        log: Vec::new(),
        is_short: false,
    }
}

/// Takes the values of the rendered Secrets out of what was given on the command line.
fn mask(parameters: &[String], rendered: &[&Object]) -> Vec<String> {
    use base64::Engine as _;
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
