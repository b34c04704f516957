//! `daphnia delete`: take what manifests have made, or a whole set, out of the cluster.

use std::time::Duration;

use clap::Args;

use super::server::{ServerArgs, TellArgs, duration};
use super::set::{HolderArgs, Leaving};
use super::{Input, Session, Status};
use crate::cluster::{Cluster, Member, RemoveOptions, Set, remove};
use crate::object::Plan;

/// Delete what manifests have made, or all that is in a set
///
/// What was applied last goes first, and what has pods goes once they are gone. What is not there is no error.
/// Namespaces and CustomResourceDefinitions stay, with what is in them, unless they are asked for; the records of
/// runs stay, too. On a terminal it lists what goes and asks.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia delete job.yaml\n  daphnia delete k8s/ --yes --include-namespaces\n  daphnia delete --set-name shop -n shop",
    // A set has its objects without being told.
    mut_arg("paths", |paths| paths.required_unless_present_any(["files", "set_name"]))
)]
pub(super) struct DeleteArgs {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    tell: TellArgs,

    /// Do not wait until objects are gone
    #[arg(long)]
    no_wait: bool,

    /// How long to wait until an object is gone
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    timeout: Duration,

    /// Delete all that is in the set of this name, and the set; no files are named then
    #[arg(long, value_name = "NAME", conflicts_with_all = ["paths", "files", "set"])]
    set_name: Option<String>,

    /// Delete a set that another tool keeps
    #[arg(long, requires = "set_name")]
    adopt_set: bool,

    #[command(flatten)]
    holders: HolderArgs,
}

pub(super) fn delete(args: &DeleteArgs) -> Status {
    Session::tell_and_ask(&args.tell, "delete", |session| {
        let plan = match &args.set_name {
            Some(_) => None,
            None => Some(session.plan(&args.input)?),
        };
        plan.iter().try_for_each(|plan| session.ensure_named(plan))?;
        session.block_on(session.delete_all(plan.as_ref(), args)).inspect_err(|status| {
            if status.is_interruption() {
                session
                    .report
                    .note("interrupted; what is deleted is gone, and the next delete does the rest");
            }
        })
    })
}

impl Session {
    async fn delete_all(&self, plan: Option<&Plan>, args: &DeleteArgs) -> Result<Status, Status> {
        let cluster = self.connect(&args.server, self.teller(None)).await?;
        match (plan, &args.set_name) {
            (Some(plan), _) => {
                let found = self.told(cluster.found(plan).await)?;
                self.delete(&cluster, found, args).await.map(|_| Status::DONE)
            }
            (None, name) => self.delete_set(&cluster, name.as_deref().unwrap_or_default(), args).await,
        }
    }

    async fn delete_set(&self, cluster: &Cluster, name: &str, args: &DeleteArgs) -> Result<Status, Status> {
        let set = self.told(Set::find(cluster, name, args.adopt_set).await)?;
        if !set.exists() {
            self.report.note(&format!("there is no set `{name}` in the namespace `{}`", set.namespace));
            return Ok(Status::DONE);
        }
        let members = self.told(set.members(cluster).await)?;
        let kept = self.delete(cluster, members, args).await?;
        if kept.is_empty() {
            self.told(set.dissolve(cluster).await)?;
        }
        Ok(Status::DONE)
    }

    /// Deletes what may go, and returns what stays.
    async fn delete(
        &self,
        cluster: &Cluster,
        found: Vec<Member>,
        args: &DeleteArgs,
    ) -> Result<Vec<Member>, Status> {
        let Leaving { go, stay } = args.holders.part(found);
        self.tell_kept(&stay);
        if go.is_empty() {
            self.report.note("there is nothing to delete");
            return Ok(stay);
        }
        if args.tell.can_ask() {
            go.iter().rev().for_each(|member| self.report.note(&format!("delete     {}", member.id)));
            let place = cluster.context().unwrap_or(cluster.server());
            if !self.report.is_confirmed(&format!("delete this from {place}?")) {
                self.report.note("nothing was deleted");
                return Err(Status::FOUND);
            }
        }
        let options = RemoveOptions { is_pruning: false, wait: (!args.no_wait).then_some(args.timeout) };
        self.told(remove(cluster, &go, &options).await)?;
        Ok(stay)
    }
}
