//! Records of runs, kept in the cluster: who ran what, when, with what, and how it ended.

mod complete;
mod digest;
mod evidence;
mod execute;
mod isolate;
mod open;
mod record;
mod references;
mod replay;
mod run;
mod settle;
mod store;

pub use digest::digest;
pub use execute::{ExecuteOptions, Execution, execute};
pub use record::{RunRecord, RunState};
pub use replay::{follow, replay};
pub use run::{Conclusion, Run, RunOptions, run};
pub use settle::settle;

use crate::cluster::{Attempt, Call, Cluster, ContainerExit, LogLine, delete};
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::object::ObjectId;

/// How many records of one job are kept.
pub const KEEP: usize = 20;

const SECRET_TYPE: &str = "daphnia.dev/run.v1";
const JOB_LABEL: &str = "daphnia.dev/job";
const RUN_LABEL: &str = "daphnia.dev/run";
const DIGEST_LABEL: &str = "daphnia.dev/digest";

/// Returns the records of a namespace, or of all, newest first, without what is long: objects, containers, log.
pub async fn list(
    cluster: &Cluster,
    namespace: Option<&str>,
    job: Option<&str>,
) -> Result<Vec<RunRecord>, Diagnostics> {
    let selector = match job {
        Some(job) => format!("{RUN_LABEL},{JOB_LABEL}={job}"),
        None => RUN_LABEL.to_owned(),
    };
    let mut records = cluster.records(namespace, &selector).await.map_err(|failure| {
        let mut errors = cluster.explain(&failure, &Attempt::new("read the records of runs"));
        if namespace.is_none() && failure.is_code(403) {
            let help = "or ask for those of one namespace with `--namespace`".to_owned();
            errors.0.iter_mut().for_each(|error| error.help.push(help.clone()));
        }
        errors
    })?;
    for record in &mut records {
        complete::complete(cluster, record).await;
    }
    Ok(records)
}

/// Returns a record with all that it holds; without a namespace, whichever has it.
pub async fn get(cluster: &Cluster, id: &str, namespace: Option<&str>) -> Result<RunRecord, Diagnostics> {
    let mut record = match namespace {
        Some(namespace) => read(cluster, id, namespace).await?,
        None => find(cluster, id).await?,
    };
    complete::complete(cluster, &mut record).await;
    Ok(record)
}

/// Looks in the context's namespace, then everywhere if that is allowed.
async fn find(cluster: &Cluster, id: &str) -> Result<RunRecord, Diagnostics> {
    let here = read(cluster, id, cluster.namespace()).await;
    if here.is_ok() {
        return here;
    }
    let everywhere = cluster.records(None, &format!("{RUN_LABEL}={id}")).await.unwrap_or_default();
    match everywhere.first() {
        Some(found) => read(cluster, id, found.namespace()).await,
        None => here,
    }
}

async fn read(cluster: &Cluster, id: &str, namespace: &str) -> Result<RunRecord, Diagnostics> {
    let what = format!("read the record of run `{id}`");
    let answer = match cluster.call(&Call::get(&store::path(namespace, id))).await {
        Ok(answer) => answer,
        Err(failure) if failure.is_code(404) => return Err(no_such_run(cluster, id, namespace).await.into()),
        Err(failure) => return Err(cluster.explain(&failure, &Attempt::new(&what))),
    };
    RunRecord::read(&answer, cluster.place())
        .ok_or_else(|| Diagnostic::unable("record-broken", format!("cannot {what}: it is damaged")).into())
}

async fn no_such_run(cluster: &Cluster, id: &str, namespace: &str) -> Diagnostic {
    let error =
        Diagnostic::unable("unknown-run", format!("there is no run `{id}` in the namespace `{namespace}`"));
    let known = cluster.records(Some(namespace), RUN_LABEL).await.unwrap_or_default();
    let ids = known.iter().map(|record| record.id.as_str());
    match did_you_mean(id, ids) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => match known.iter().find(|record| record.job == id) {
            Some(newest) => error.help(format!("the last run of the job `{id}` is `{}`", newest.id)),
            None => error.help("`daphnia history` lists the runs; `--namespace` chooses where"),
        },
    }
}

/// Stops a run by deleting its Job. Its record stays, if there is one.
pub async fn cancel(cluster: &Cluster, id: &str, namespace: Option<&str>) -> Result<(), Diagnostics> {
    let mut record = match get(cluster, id, namespace).await {
        Ok(record) => record,
        Err(errors) => return cancel_unrecorded(cluster, id, namespace, errors).await,
    };
    if record.state.is_final() {
        let message = format!("the run `{id}` is over already: {}", record.state);
        return Err(Diagnostic::unable("run-over", message).into());
    }
    let who = cluster.who().await;
    record.state = RunState::Cancelled;
    record.cause = format!("cancelled by {who}");
    record.ended = Some(jiff::Timestamp::now());
    // First the record, so that whoever waits for the Job learns why it went.
    cluster
        .save(&record)
        .await
        .map_err(|failure| cluster.explain(&failure, &Attempt::new(&format!("cancel run `{id}`"))))?;
    delete(cluster, &record.object, None).await?;
    Ok(())
}

/// Who may keep no records runs Jobs all the same, and what is labelled as this run is its Job.
async fn cancel_unrecorded(
    cluster: &Cluster,
    id: &str,
    namespace: Option<&str>,
    errors: Diagnostics,
) -> Result<(), Diagnostics> {
    let namespace = namespace.unwrap_or(cluster.namespace());
    match cluster.run_job(namespace, id).await {
        Ok(Some(job)) => delete(cluster, &job.id, None).await.map(|_| ()),
        _ => Err(errors),
    }
}
