//! `daphnia run`: dispatch a job now, under a fresh name, with its log and its result.

use std::io::IsTerminal as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::Args;

use super::server::{ServerArgs, duration, interruption, narrator};
use super::{Input, Session, Status};
use crate::cluster::{Cluster, Listener, Progress};
use crate::diagnostic::Diagnostic;
use crate::history::{Run, RunOptions, cancel, run as dispatch};
use crate::manifest::Override;
use crate::object::{Object, ObjectId, Plan};
use crate::report::LogPrefix;

/// Run a job now, under a fresh name, and follow it to its end
///
/// Every line of its containers goes to standard output, from the first; progress goes to standard error. The
/// run leaves a record, which `daphnia history` lists when the Job itself is gone. What is changed here changes
/// nothing in the stored manifest.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia run job.yaml\n  daphnia run job.yaml --env LOG_LEVEL=debug --set spec.parallelism=2\n  daphnia run job.yaml -- --from 2026-01-01"
)]
pub(super) struct RunArgs {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    server: ServerArgs,

    /// Set an environment variable of the container
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,

    /// Run another image
    #[arg(long, value_name = "REFERENCE")]
    image: Option<String>,

    /// Which Job, if the manifests have several
    #[arg(long, value_name = "NAME")]
    job: Option<String>,

    /// Do not wait for its end
    #[arg(long)]
    detach: bool,

    /// Stop waiting after this time, for example 15m; the Job goes on
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,

    /// Exit with the container's exit code if the job fails
    #[arg(long)]
    propagate_exit_code: bool,

    /// Take over fields that another manager owns
    #[arg(long)]
    force_conflicts: bool,

    /// Arguments for the container
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
}

pub(super) fn run(args: &RunArgs) -> Status {
    let mut session = Session { is_running: true, ..Session::default() };
    if let Err(status) = session.add_run_overrides(args) {
        return status;
    }
    let plan = match session.plan(&args.input) {
        Ok(plan) => plan,
        Err(status) => return status,
    };
    let job = match the_job(&plan, args.job.as_deref()) {
        Ok(job) => job,
        Err(finding) => return session.refuse(*finding),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system gives a process an event queue");
    match runtime.block_on(follow(&session, &plan, &job, args)) {
        Ok(status) | Err(status) => status,
    }
}

impl Session {
    fn add_run_overrides(&mut self, args: &RunArgs) -> Result<(), Status> {
        for argument in &args.env {
            let one = Override::env(argument, &self.sources).map_err(|finding| self.refuse(*finding))?;
            self.overrides.push(one);
        }
        if let Some(image) = &args.image {
            self.overrides.push(Override::image(image, &self.sources));
        }
        if !args.args.is_empty() {
            self.overrides.push(Override::args(&args.args, &self.sources));
        }
        Ok(())
    }
}

fn the_job(plan: &Plan, name: Option<&str>) -> Result<ObjectId, Box<Diagnostic>> {
    let jobs: Vec<&Object> = plan.objects.iter().filter(|object| object.id.kind == "Job").collect();
    let names: Vec<&str> = jobs.iter().map(|job| job.id.name.as_str()).collect();
    let chosen: Vec<&&Object> =
        jobs.iter().filter(|job| name.is_none_or(|name| job.id.name == name)).collect();
    match chosen.as_slice() {
        [job] => Ok(job.id.clone()),
        [] if jobs.is_empty() => Err(Box::new(
            Diagnostic::unable("no-job", "these manifests render no Job").help("name a file with a job"),
        )),
        [] => Err(Box::new(
            Diagnostic::unable("no-job", format!("there is no Job `{}`", name.unwrap_or_default()))
                .help(format!("there are {}", names.join(", "))),
        )),
        _ => Err(Box::new(
            Diagnostic::unable("no-job", "these manifests render several Jobs")
                .help(format!("choose one with `--job`: {}", names.join(", "))),
        )),
    }
}

/// Runs and waits; an interruption asks what is to become of the Job.
async fn follow(session: &Session, plan: &Plan, job: &ObjectId, args: &RunArgs) -> Result<Status, Status> {
    let dispatched = Arc::new(OnceLock::new());
    let tell = narrator(Some(log_prefix(plan, job)));
    let noted = Arc::clone(&dispatched);
    let listener: Listener = Arc::new(move |progress| {
        if let Progress::Dispatched { run, .. } = &progress {
            let _ = noted.set(run.clone());
        }
        tell(progress);
    });
    let cluster = session.connect(&args.server, listener).await?;
    let options = RunOptions {
        timeout: args.timeout,
        parameters: parameters(args),
        force_conflicts: args.force_conflicts,
        wait: !args.detach,
        ..RunOptions::default()
    };
    tokio::select! {
        result = dispatch(&cluster, plan, job, &options) => {
            let run = session.told(result)?;
            Ok(session.conclude(&run, args))
        }
        status = interruption() => {
            let namespace = plan.objects.iter().find(|object| object.id == *job).and_then(|o| o.id.namespace.clone());
            session.settle_interrupted(&cluster, dispatched.get(), namespace.as_deref()).await;
            Err(status)
        }
    }
}

impl Session {
    /// On a terminal, asks once whether the Job is to go on; else it goes on.
    async fn settle_interrupted(&self, cluster: &Cluster, run: Option<&String>, namespace: Option<&str>) {
        let Some(run) = run else {
            self.report.note("interrupted before the Job was started");
            return;
        };
        let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
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
}

impl Session {
    fn conclude(&self, run: &Run, args: &RunArgs) -> Status {
        match (&run.result, &run.waiting_for) {
            (Some(result), _) if result.succeeded => {
                self.report.note(&format!("run {} succeeded", run.id));
                Status::DONE
            }
            (Some(result), _) if result.is_stuck => {
                self.report.note(&format!("run {} is stuck: {}", run.id, result.cause));
                self.report.note(&format!(
                    "its Job is still there: mend what is amiss, or end it with `daphnia cancel {}`",
                    run.id
                ));
                Status::FOUND
            }
            (Some(result), _) => {
                self.report.note(&format!("run {} failed: {}", run.id, result.cause));
                let code =
                    result.exit_code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0);
                code.filter(|_| args.propagate_exit_code).map_or(Status::FOUND, Status)
            }
            (None, Some(state)) => {
                self.report.note(&format!("run {} is not over in time ({state}); it goes on", run.id));
                Status::TIMED_OUT
            }
            (None, None) => {
                self.report
                    .note(&format!("run {} goes on; `daphnia show {}` tells how it ends", run.id, run.id));
                Status::DONE
            }
        }
    }
}

fn log_prefix(plan: &Plan, job: &ObjectId) -> LogPrefix {
    let object = plan.objects.iter().find(|object| object.id == *job);
    let spec = |field: &str| object.and_then(|object| object.node.at(["spec", field])?.as_i64()).unwrap_or(1);
    let count = |field: &str| {
        object
            .and_then(|o| Some(o.node.at(["spec", "template", "spec", field])?.as_list()?.len()))
            .unwrap_or(0)
    };
    if count("containers") + count("initContainers") > 1 {
        LogPrefix::PodAndContainer
    } else if spec("completions") > 1 || spec("parallelism") > 1 {
        LogPrefix::Pod
    } else {
        LogPrefix::None
    }
}

/// What was changed, for the record; values may be secret.
fn parameters(args: &RunArgs) -> Vec<String> {
    let mut parameters = args.input.parameters();
    let names = args.env.iter().map(|env| env.split_once('=').map_or(env.as_str(), |(name, _)| name));
    parameters.extend(names.map(|name| format!("--env {name}")));
    parameters.extend(args.image.iter().map(|image| format!("--image {image}")));
    if !args.args.is_empty() {
        parameters.push(format!("-- {}", args.args.join(" ")));
    }
    parameters
}
