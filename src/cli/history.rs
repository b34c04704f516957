//! `daphnia history`, `show`, `logs`, `cancel`: the records of runs.

use clap::Args;

use super::dispatch::log_prefix;
use super::server::{ServerArgs, narrator};
use super::{Session, Status};
use crate::history;
use crate::object::Masks;
use crate::report::LogPrefix;

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

/// Print the log of a run: all of it, and on to its end if it still runs
///
/// When its Job is gone, the end of the log is in the record.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  daphnia logs nightly-report-x7k2p -n reports")]
pub(super) struct LogsArgs {
    /// A run, as `daphnia history` names it
    #[arg(value_name = "RUN")]
    run: String,

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
    let listed = session.block_on(async {
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
    let found = session.block_on(async {
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

pub(super) fn logs(args: &LogsArgs) -> Status {
    let session = Session::default();
    let followed = session.block_on(async {
        let cluster = session.connect(&args.server, narrator(None)).await?;
        let found = history::get(&cluster, &args.run, args.server.namespace.as_deref()).await;
        let mut record = session.told(found)?;
        let prefix = record.stored_job().map_or(LogPrefix::PodAndContainer, log_prefix);
        let cluster = session.connect(&args.server, narrator(Some(prefix))).await?;
        session.told(history::follow(&cluster, &mut record).await)
    });
    match followed {
        Ok(()) => Status::DONE,
        Err(status) => status,
    }
}

pub(super) fn cancel(args: &CancelArgs) -> Status {
    let session = Session::default();
    let cancelled = session.block_on(async {
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
