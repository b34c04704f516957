//! `daphnia apply`: make the cluster what the manifests say, and wait until it is.

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args;

use super::server::{ServerArgs, block_on, duration, narrator, status_of};
use super::{Input, Session, Status};
use crate::cluster::{ApplyOptions, ObserveOptions, WaitOptions, observe};
use crate::diff::{Conflict, Observed, Prediction, adopt};
use crate::history::{ExecuteOptions, execute, settle};
use crate::object::Plan;

/// Apply manifests to the cluster and wait until everything is ready and every Job has ended
///
/// Every object is tried by a dry-run first; if one is refused, nothing is changed. On a terminal the changes are
/// shown and confirmed; with --yes, or without a terminal, there is no question.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia apply job.yaml\n  daphnia apply k8s/ --yes --timeout 15m\n  daphnia apply job.yaml --no-wait"
)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    server: ServerArgs,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    /// Do not wait until objects are ready
    #[arg(long)]
    no_wait: bool,

    /// How long to wait, for example 15m; without it, until everything is ready or something has failed
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,

    /// Take over fields that another manager owns
    #[arg(long)]
    force_conflicts: bool,

    /// Delete and create anew objects other than Jobs, too, where an immutable field changes
    #[arg(long)]
    replace: bool,

    /// Run Jobs again that have had their run
    #[arg(long)]
    rerun: bool,
}

pub(super) fn apply(args: &ApplyArgs) -> Status {
    let mut session = Session::default();
    let plan = session.plan(&args.input).and_then(|plan| session.ensure_named(&plan).map(|()| plan));
    let plan = match plan {
        Ok(plan) => plan,
        Err(status) => return status,
    };
    match block_on(apply_plan(&session, &plan, args)) {
        Ok(status) | Err(status) => {
            if status.is_interruption() {
                session.report.note("interrupted; what was applied stays, and the next apply does the rest");
            }
            status
        }
    }
}

async fn apply_plan(session: &Session, plan: &Plan, args: &ApplyArgs) -> Result<Status, Status> {
    let cluster = session.connect(&args.server, narrator(None)).await?;
    let options = ObserveOptions { rerun: args.rerun, ..ObserveOptions::default() };
    let mut observed = session.told(observe(&cluster, plan, &options).await)?;
    if !args.rerun {
        observed = settle(&cluster, observed).await;
    }
    if !args.yes && std::io::stdin().is_terminal() {
        let changes = crate::diff::diff(&observed, &[], &session.sources);
        session.report.changes(&changes, false);
        let place = cluster.context().unwrap_or(cluster.server()).to_owned();
        if !changes.is_empty() && !session.report.is_confirmed(&format!("apply this to {place}?")) {
            session.report.note("nothing was changed");
            return Ok(Status::FOUND);
        }
    }
    session.tell_beforehand(&observed, args);
    let options = ExecuteOptions {
        apply: ApplyOptions {
            force_conflicts: args.force_conflicts,
            replace: args.replace,
            ..ApplyOptions::default()
        },
        wait: (!args.no_wait).then_some(WaitOptions { timeout: args.timeout, logs: false }),
        parameters: args.input.parameters(),
        ..ExecuteOptions::default()
    };
    let execution = session.told(execute(&cluster, &observed, &options).await)?;
    session.report.unready(&execution.readiness);
    Ok(status_of(&execution.readiness))
}

impl Session {
    /// What is left out, and what is taken from others.
    fn tell_beforehand(&self, observed: &[Observed], args: &ApplyArgs) {
        for one in observed {
            let id = &one.desired.id;
            if let Prediction::Done { note } = &one.prediction {
                self.report.note(&format!("{id}: {note}"));
            }
            if !matches!(one.prediction, Prediction::Replacement { .. })
                && one.live.as_ref().is_some_and(adopt::is_applied_by_client)
            {
                self.report.note(&format!("{id}: takes over what `kubectl apply` has set"));
            }
            for conflict in one.conflicts.iter().filter(|_| args.force_conflicts) {
                let Conflict { field, manager, .. } = conflict;
                self.report.note(&format!("{id}: takes `{field}` over from `{manager}`"));
            }
        }
    }
}
