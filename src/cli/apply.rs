//! `daphnia apply`: make the cluster what the manifests say, and wait until it is.

use std::mem::ManuallyDrop;
use std::time::Duration;

use clap::Args;

use super::plan::SavedPlan;
use super::server::{ServerArgs, TellArgs, duration, status_of};
use super::set::{Leaving, SetArgs, ids};
use super::{Input, Session, Status};
use crate::cluster::{
    self, ApplyOptions, Cluster, ObserveOptions, RemoveOptions, Set, WaitOptions, ensure_allowed, observe,
    remove,
};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::diff::{Conflict, Observed, Prediction, adopt};
use crate::history::{ExecuteOptions, execute, settle};
use crate::object::{ObjectId, Plan};
use crate::report::{ChangeFormat, plural};

/// Apply manifests to the cluster and wait until everything is ready and every Job has ended
///
/// Every object is tried by a dry-run first; if one is refused, nothing is changed. On a terminal the changes are
/// shown and confirmed; with --yes, or without a terminal, there is no question. A plan that `daphnia diff --save`
/// has written is applied as it was shown, or, if an object has changed since, not at all.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia apply job.yaml\n  daphnia apply k8s/ --yes --timeout 15m\n  daphnia apply job.yaml --no-wait\n  daphnia apply k8s/ --set-name shop --prune\n  daphnia apply k8s/ --yes -o json | jq 'select(.event == \"failed\")'\n  daphnia apply plan.json   # as saved by `daphnia diff --save plan.json`"
)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    set: SetArgs,

    #[command(flatten)]
    tell: TellArgs,

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
    Session::tell_and_ask(&args.tell, "apply", |session| {
        session.link.server = Some(args.server.options());
        let work = session.work(args)?;
        session.block_on(session.apply(work, args)).inspect_err(|status| {
            if status.is_interruption() {
                session.report.note("interrupted; what was applied stays, and the next apply does the rest");
            }
        })
    })
}

/// What is to be applied: what the manifests say now, or what was saved.
struct Work {
    plan: Plan,
    set: SetArgs,
    server: ServerArgs,
    parameters: Vec<String>,
    saved: Option<SavedPlan>,
}

impl ApplyArgs {
    fn execution(&self, parameters: Vec<String>) -> ExecuteOptions {
        ExecuteOptions {
            apply: ApplyOptions {
                force_conflicts: self.force_conflicts,
                replace: self.replace,
                ..ApplyOptions::default()
            },
            wait: (!self.no_wait).then_some(WaitOptions { timeout: self.timeout, logs: false }),
            parameters,
            rerun: self.rerun,
            ..ExecuteOptions::default()
        }
    }
}

impl Session {
    fn work(&mut self, args: &ApplyArgs) -> Result<Work, Status> {
        let (mut server, parameters) = (args.server.clone(), args.input.parameters());
        let Some(mut saved) = self.saved_plan(&args.input.all_paths())? else {
            let plan = self.plan(&args.input)?;
            self.ensure_named(&plan)?;
            return Ok(Work { plan, set: args.set.clone(), server, parameters, saved: None });
        };
        if !parameters.is_empty() || args.set.set_name.is_some() || args.rerun || server.namespace.is_some() {
            let message =
                "a saved plan is applied as it is: it takes no other manifests, values, set or namespace";
            let finding = Diagnostic::unable("usage", message);
            return Err(self.refuse(finding.help("give these to `daphnia diff --save`")));
        }
        server.namespace = Some(saved.namespace.clone());
        let plan = Plan { objects: std::mem::take(&mut saved.objects) };
        let (set, parameters) = (saved.set.clone(), saved.parameters.clone());
        Ok(Work { plan, set, server, parameters, saved: Some(saved) })
    }

    async fn apply(&self, work: Work, args: &ApplyArgs) -> Result<Status, Status> {
        let Work { mut plan, set: set_args, server, parameters, saved } = work;
        let cluster = self.connect(&server, self.teller(None)).await?;
        if let Some(saved) = &saved {
            saved.ensure_same_cluster(&cluster).map_err(|finding| self.refuse(*finding))?;
        }
        let mut set = self.join(&cluster, &set_args, &mut plan).await?;
        let options = ObserveOptions { rerun: args.rerun, ..ObserveOptions::default() };
        let mut observed = self.told(observe(&cluster, plan, &options).await)?;
        if !args.rerun {
            observed = self.told(settle(&cluster, observed).await)?;
        }
        let leaving = self.leaving(&cluster, set.as_ref(), &set_args, &observed).await?;
        if let Some(saved) = &saved {
            self.ensure_unmoved(saved, &observed, &leaving)?;
        }
        let options = args.execution(parameters);
        self.told(ensure_allowed(&observed, &options.apply))?;
        // A saved plan has been looked at.
        if args.tell.can_ask() && saved.is_none() && !self.is_agreed(&cluster, &observed, &leaving) {
            self.report.note("nothing was changed");
            return Ok(Status::FOUND);
        }
        self.tell_beforehand(&observed, args);
        let members = ids(&observed);
        if let Some(set) = &mut set {
            self.told(make_room(&cluster, set, &mut observed, &options.apply).await)?;
            self.told(set.widen(&cluster, &members).await)?;
        }
        // The process ends soon: to take so many trees apart would be for nothing.
        let observed = ManuallyDrop::new(observed);
        let execution = self.told(execute(&cluster, &observed, &options).await)?;
        self.report.unready(&execution.readiness);
        let status = status_of(&execution.readiness);
        if let Some(set) = set.as_mut().filter(|_| set_args.prune) {
            self.prune(&cluster, set, &members, leaving, status, args).await?;
        }
        Ok(status)
    }

    /// Shows what is about to happen and asks.
    fn is_agreed(&self, cluster: &Cluster, observed: &[Observed], leaving: &Leaving) -> bool {
        let changes = crate::diff::diff(observed, &leaving.objects(), &self.sources);
        self.report.changes(&changes, &self.sources, ChangeFormat::Patch, false);
        let place = cluster.context().unwrap_or(cluster.server());
        changes.is_empty() || self.report.is_confirmed(&format!("apply this to {place}?"))
    }

    /// Deletes what has left the set, once all that is in it is as it is to be.
    async fn prune(
        &self,
        cluster: &Cluster,
        set: &mut Set,
        members: &[ObjectId],
        leaving: Leaving,
        status: Status,
        args: &ApplyArgs,
    ) -> Result<(), Status> {
        let Leaving { go, stay } = leaving;
        if status != Status::DONE {
            if !go.is_empty() {
                self.report.note(&format!(
                    "not all is ready, so nothing is pruned yet: {} of the set left",
                    plural(go.len(), "object")
                ));
            }
            return Ok(());
        }
        let wait = (!args.no_wait).then_some(ApplyOptions::default().timeout);
        self.told(remove(cluster, &go, &RemoveOptions { is_pruning: true, wait }).await)?;
        let all: Vec<ObjectId> = members.iter().cloned().chain(stay.into_iter().map(|m| m.id)).collect();
        self.told(set.narrow(cluster, &all).await)
    }
}

/// Makes the namespace of a set, if it comes with the set itself.
async fn make_room(
    cluster: &Cluster,
    set: &Set,
    observed: &mut Vec<Observed>,
    options: &ApplyOptions,
) -> Result<(), Diagnostics> {
    let is_its = |one: &Observed| {
        one.desired.id.kind == "Namespace" && one.desired.id.name == set.namespace && one.live.is_none()
    };
    let Some(index) = observed.iter().position(is_its) else { return Ok(()) };
    let namespace = observed.remove(index);
    cluster::apply(cluster, std::slice::from_ref(&namespace), options).await?;
    Ok(())
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
