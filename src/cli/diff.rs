//! `daphnia diff`: what an apply would change.

use clap::Args;

use super::server::{ServerArgs, block_on, narrator};
use super::{Input, Session, Status};
use crate::cluster::{ObserveOptions, observe};
use crate::history::settle;

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

    /// Show what the server changes of its own, too: its defaults, webhooks
    #[arg(long)]
    all: bool,
}

pub(super) fn diff(args: &DiffArgs) -> Status {
    let mut session = Session::default();
    let plan = match session.plan(&args.input) {
        Ok(plan) => plan,
        Err(status) => return status.as_error(),
    };
    let observed = block_on(async {
        let cluster = session.connect(&args.server, narrator(None)).await?;
        let observed = session.told(observe(&cluster, &plan, &ObserveOptions::default()).await)?;
        Ok(settle(&cluster, observed).await)
    });
    let observed = match observed {
        Ok(observed) => observed,
        Err(status) => return status.as_error(),
    };
    let changes = crate::diff::diff(&observed, &[], &session.sources);
    session.report.changes(&changes, args.all);
    if changes.is_empty() { Status::DONE } else { Status::FOUND }
}
