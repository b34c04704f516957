//! `daphnia history`, `show`, `cancel`: the records of runs.

use clap::Args;

use super::server::{ServerArgs, block_on, narrator};
use super::{Session, Status};
use crate::history;
use crate::object::Masks;

/// List runs: when, by whom, with what, and how they ended
///
/// Records are kept in the cluster, as Secrets beside the jobs, and outlive them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  daphnia history\n  daphnia history nightly-report -n reports")]
pub(super) struct HistoryArgs {
    /// Only the runs of this job
    #[arg(value_name = "JOB")]
    job: Option<String>,

    #[command(flatten)]
    server: ServerArgs,
}

/// Show a run: its parameters, containers, objects and the end of its log
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia show nightly-report-x7k2p -n reports\n  daphnia show nightly-report-x7k2p -n reports --log"
)]
pub(super) struct ShowArgs {
    /// A run, as `daphnia history` names it
    #[arg(value_name = "RUN")]
    run: String,

    /// Only the log
    #[arg(long)]
    log: bool,

    #[command(flatten)]
    server: ServerArgs,
}

/// Stop a run by deleting its Job; its record stays
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  daphnia cancel nightly-report-x7k2p -n reports")]
pub(super) struct CancelArgs {
    /// A run, as `daphnia history` names it
    #[arg(value_name = "RUN")]
    run: String,

    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn history(args: &HistoryArgs) -> Status {
    let session = Session::default();
    let listed = block_on(async {
        let cluster = session.connect(&args.server, narrator(None)).await?;
        // Without --namespace, all namespaces: who asks for a history seldom knows where.
        session.told(history::list(&cluster, args.server.namespace.as_deref(), args.job.as_deref()).await)
    });
    match listed {
        Ok(records) => {
            session.report.records(&records);
            Status::DONE
        }
        Err(status) => status,
    }
}

pub(super) fn show(args: &ShowArgs) -> Status {
    let session = Session::default();
    let found = block_on(async {
        let cluster = session.connect(&args.server, narrator(None)).await?;
        session.told(history::get(&cluster, &args.run, args.server.namespace.as_deref()).await)
    });
    match found {
        Ok(mut record) => {
            let mut masks = Masks::default();
            record.objects.iter_mut().for_each(|object| masks.mask(object));
            session.report.record(&record, args.log);
            Status::DONE
        }
        Err(status) => status,
    }
}

pub(super) fn cancel(args: &CancelArgs) -> Status {
    let session = Session::default();
    let cancelled = block_on(async {
        let cluster = session.connect(&args.server, narrator(None)).await?;
        session.told(history::cancel(&cluster, &args.run, args.server.namespace.as_deref()).await)
    });
    match cancelled {
        Ok(()) => {
            session.report.note(&format!("run {} is cancelled", args.run));
            Status::DONE
        }
        Err(status) => status,
    }
}
