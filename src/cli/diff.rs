//! `daphnia diff`: what an apply would change.

use std::path::PathBuf;

use clap::Args;

use super::server::{ServerArgs, block_on, narrator};
use super::set::SetArgs;
use super::{Input, Session, Status};
use crate::cluster::{Cluster, ObserveOptions, observe};
use crate::diagnostic::Diagnostics;
use crate::diff::Observed;
use crate::history::settle;
use crate::object::Plan;

/// Show what an apply would change in the cluster, and change nothing
///
/// The server is asked by a dry-run, so its defaults never show as changes. Values of Secrets are masked.
/// Exit status: 0 no change, 1 changes, more than 1 an error.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia diff job.yaml\n  daphnia diff k8s/ --context staging\n  daphnia diff job.yaml --set spec.image.tag=v2 --all"
)]
pub(super) struct DiffArgs {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    set: SetArgs,

    /// Show what the server changes of its own, too: its defaults, webhooks
    #[arg(long)]
    all: bool,

    /// Only read; what an apply would make of it is computed here
    ///
    /// This is what happens, too, where the right to patch is missing, which a dry-run needs.
    #[arg(long)]
    read_only: bool,

    /// Save what is shown, for `daphnia apply FILE` to do it, or nothing if an object changes until then
    ///
    /// The file holds the values of Secrets, so only you can read it.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

pub(super) fn diff(args: &DiffArgs) -> Status {
    let mut session = Session::default();
    let plan = session.plan(&args.input).and_then(|plan| session.ensure_named(&plan).map(|()| plan));
    let mut plan = match plan {
        Ok(plan) => plan,
        Err(status) => return status.as_error(),
    };
    let observed = block_on(async {
        let cluster = session.connect(&args.server, narrator(None)).await?;
        let set = session.join(&cluster, &args.set, &mut plan).await?;
        let observed = session.told(foresee(&session, &cluster, &plan, args.read_only).await)?;
        let observed = session.told(settle(&cluster, observed).await)?;
        let leaving = session.leaving(&cluster, set.as_ref(), &args.set, &observed).await?;
        if let Some(path) = &args.save {
            let parameters = args.input.parameters();
            session.save_plan(path, &cluster, &args.set, &parameters, (&observed, &leaving))?;
        }
        Ok((observed, leaving))
    });
    let (observed, leaving) = match observed {
        Ok(observed) => observed,
        Err(status) => return status.as_error(),
    };
    let changes = crate::diff::diff(&observed, &leaving.objects(), &session.sources);
    session.report.changes(&changes, args.all);
    if changes.is_empty() { Status::DONE } else { Status::FOUND }
}

/// Asks the server what would become of the objects; without the right to ask, computes it.
async fn foresee(
    session: &Session,
    cluster: &Cluster,
    plan: &Plan,
    is_read_only: bool,
) -> Result<Vec<Observed>, Diagnostics> {
    let by_reading = ObserveOptions { read_only: true, ..ObserveOptions::default() };
    if is_read_only {
        return observe(cluster, plan, &by_reading).await;
    }
    let errors = match observe(cluster, plan, &ObserveOptions::default()).await {
        Ok(observed) => return Ok(observed),
        Err(errors) => errors,
    };
    let is_forbidden = errors.0.iter().all(|error| error.code == "forbidden");
    if !is_forbidden {
        return Err(errors);
    }
    match observe(cluster, plan, &by_reading).await {
        Ok(observed) => {
            session
                .report
                .note("only reading, for lack of the right to patch: the server's own changes do not show");
            Ok(observed)
        }
        Err(_) => Err(errors),
    }
}
