//! A Job of a plan → a run that is followed to its end, for the commands that start or follow one.

use std::io::IsTerminal as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::Args;

use super::server::{OutputArgs, ServerArgs, duration, interruption};
use super::{Session, Status};
use crate::cluster::{Cluster, Listener, Progress};
use crate::history::{Conclusion, Run, RunOptions, cancel, run};
use crate::object::{ObjectId, Plan};
use crate::report::LogPrefix;
use crate::yaml::Node;

/// How a run is followed.
#[derive(Debug, Args)]
pub(super) struct FollowArgs {
    /// Do not wait for its end
    #[arg(long)]
    detach: bool,

    /// Stop waiting after this time, for example 15m; the Job goes on
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,

    /// Exit with the container's exit code if the job fails
    #[arg(long)]
    propagate_exit_code: bool,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// What is to run.
pub(super) struct Dispatch {
    pub plan: Plan,
    pub job: ObjectId,
    /// What was changed, for the record.
    pub parameters: Vec<String>,
    pub force_conflicts: bool,
}

impl Session {
    pub(super) fn dispatch(
        &self,
        server: &ServerArgs,
        dispatch: &Dispatch,
        follow: &FollowArgs,
    ) -> Result<Status, Status> {
        self.link.runtime().block_on(self.run_to_end(server, dispatch, follow))
    }

    /// Runs and waits; an interruption asks what is to become of the Job.
    async fn run_to_end(
        &self,
        server: &ServerArgs,
        dispatch: &Dispatch,
        follow: &FollowArgs,
    ) -> Result<Status, Status> {
        let Dispatch { plan, job, .. } = dispatch;
        let dispatched = Arc::new(OnceLock::new());
        let object = plan.objects.iter().find(|object| object.id == *job);
        let prefix = object.map_or(LogPrefix::None, |object| log_prefix(&object.node));
        let tell = self.teller(Some(prefix));
        let noted = Arc::clone(&dispatched);
        let listener: Listener = Arc::new(move |progress| {
            if let Progress::Dispatched { run, .. } = &progress {
                let _ = noted.set(run.clone());
            }
            tell(progress);
        });
        let cluster = self.connect(server, listener).await?;
        let options = RunOptions {
            timeout: follow.timeout,
            parameters: dispatch.parameters.clone(),
            force_conflicts: dispatch.force_conflicts,
            wait: !follow.detach,
            ..RunOptions::default()
        };
        tokio::select! {
            result = run(&cluster, plan, job, &options) => {
                let run = self.told(result)?;
                Ok(self.conclude(&run, follow.propagate_exit_code))
            }
            status = interruption() => {
                self.settle_interrupted(&cluster, dispatched.get(), job.namespace.as_deref()).await;
                Err(status)
            }
        }
    }

    /// On a terminal, asks once whether the Job is to go on; else it goes on.
    async fn settle_interrupted(&self, cluster: &Cluster, run: Option<&String>, namespace: Option<&str>) {
        let Some(run) = run else {
            self.report.note("interrupted before the Job was started");
            return;
        };
        let can_ask =
            !self.report.tells_events && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        if can_ask
            && self.report.is_confirmed(&format!("interrupted. Cancel run {run}? Without it, it goes on."))
        {
            if self.told(cancel(cluster, run, namespace).await).is_ok() {
                self.report.note(&format!("run {run} is cancelled"));
            }
        } else {
            self.report.note(&format!("interrupted; run {run} goes on: `daphnia show {run}` tells how it ends, `daphnia cancel {run}` stops it"));
        }
    }

    fn conclude(&self, run: &Run, propagates_exit_code: bool) -> Status {
        self.report.concluded(run);
        match run.conclusion() {
            Conclusion::Succeeded | Conclusion::Detached => Status::DONE,
            Conclusion::Stuck(_) => Status::FOUND,
            Conclusion::Failed(_) => {
                let code = run.exit_code().and_then(|code| u8::try_from(code).ok());
                let code = code.filter(|code| *code != 0 && propagates_exit_code);
                code.map_or(Status::FOUND, Status)
            }
            Conclusion::TimedOut(_) => Status::TIMED_OUT,
        }
    }
}

/// How the log lines of a Job's containers have to be told apart.
pub(super) fn log_prefix(job: &Node) -> LogPrefix {
    let spec = |field: &str| job.at(["spec", field]).and_then(Node::as_i64).unwrap_or(1);
    let count = |field: &str| {
        job.at(["spec", "template", "spec", field]).and_then(Node::as_list).map_or(0, <[Node]>::len)
    };
    if count("containers") + count("initContainers") > 1 {
        LogPrefix::PodAndContainer
    } else if spec("completions") > 1 || spec("parallelism") > 1 {
        LogPrefix::Pod
    } else {
        LogPrefix::None
    }
}
