//! `daphnia run`, `rerun`: dispatch a job now, under a fresh name, with its log and its result.

use std::sync::Arc;

use clap::Args;

use super::dispatch::{Dispatch, FollowArgs};
use super::server::ServerArgs;
use super::{Input, Session, Status};
use crate::cluster::cronjob;
use crate::diagnostic::{Diagnostic, has_errors};
use crate::diff::{Action, ChangeSet, between};
use crate::document::{Documents, documents, parse};
use crate::history;
use crate::manifest::Override;
use crate::object::{Object, ObjectId, Plan};
use crate::render::render;
use crate::source::{Source, SourceKind};
use crate::workers::Workers;
use crate::yaml;

/// Run a job now, under a fresh name, and follow it to its end
///
/// Every line of its containers goes to standard output, from the first; progress goes to standard error. The
/// run leaves a record, which `daphnia history` lists when the Job itself is gone. What is changed here is shown
/// first, on standard error, and changes nothing that is stored.
#[derive(Debug, Args)]
#[command(
    mut_arg("paths", |paths| paths.required_unless_present_any(["files", "from"])),
    // What is changed goes to the end, and these come after the files.
    mut_arg("args", |args| args),
    after_help = "Examples:\n  daphnia run job.yaml\n  daphnia run job.yaml --env LOG_LEVEL=debug --set spec.parallelism=2\n  daphnia run job.yaml -- --from 2026-01-01\n  daphnia run --from cronjob/nightly-report -n reports\n  daphnia run job.yaml -o json | jq -r 'select(.event == \"log\").line'"
)]
pub(super) struct RunArgs {
    #[command(flatten)]
    input: Input,

    /// Run what a CronJob of the cluster would start next, instead of a manifest
    #[arg(long, value_name = "cronjob/NAME", value_parser = cronjob_name, conflicts_with_all = ["paths", "files", "task"])]
    from: Option<String>,

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

    #[command(flatten)]
    follow: FollowArgs,

    /// Take over fields that another manager owns
    #[arg(long)]
    force_conflicts: bool,

    /// Arguments for the container
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
}

/// Run exactly what an earlier run was, under a fresh name
///
/// The Job, and the ConfigMaps and Secrets that it uses, are those of the record, whatever became of them since;
/// what is stored in the cluster stays as it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  daphnia rerun nightly-report-x7k2p -n reports")]
pub(super) struct RerunArgs {
    /// A run, as `daphnia history` names it
    #[arg(value_name = "RUN")]
    run: String,

    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    follow: FollowArgs,
}

pub(super) fn run(args: &RunArgs) -> Status {
    let session = Session { is_running: true, ..Session::default() };
    session.tell(args.follow.output, "run", |session| session.run(args))
}

pub(super) fn rerun(args: &RerunArgs) -> Status {
    Session::default().tell(args.follow.output, "rerun", |session| session.rerun(args))
}

impl RunArgs {
    /// Whether it runs something else than what is stored.
    fn changes_something(&self) -> bool {
        let Input { set, profiles, .. } = &self.input;
        let lists = [set, profiles, &self.env, &self.args];
        self.image.is_some() || lists.iter().any(|list| !list.is_empty())
    }
}

/// Reads `cronjob/NAME`, as kubectl spells it.
fn cronjob_name(argument: &str) -> Result<String, String> {
    match argument.split_once('/') {
        Some(("cronjob" | "cronjobs" | "cj" | "cronjob.batch", name)) if !name.is_empty() => {
            Ok(name.to_owned())
        }
        _ => Err("write `cronjob/NAME`; a Job runs from its manifest, and a run again with `daphnia rerun`"
            .to_owned()),
    }
}

impl Session {
    fn rerun(&self, args: &RerunArgs) -> Result<Status, Status> {
        let record = self.block_on(async {
            let cluster = self.connect(&args.server, self.teller(None)).await?;
            self.told(history::get(&cluster, &args.run, args.server.namespace.as_deref()).await)
        })?;
        let (plan, job) = self.told(history::replay(&record))?;
        let mut parameters = vec![format!("rerun of {}", record.id)];
        parameters.extend(record.parameters);
        let dispatch = Dispatch { plan, job, parameters, force_conflicts: false };
        self.dispatch(&args.server, &dispatch, &args.follow)
    }

    fn run(&mut self, args: &RunArgs) -> Result<Status, Status> {
        self.add_run_overrides(args)?;
        let stored = match &args.from {
            Some(name) => self.started_by(name, &args.server)?,
            None => documents(&args.input.all_paths(), &self.sources, Workers::All),
        };
        let compared = args.changes_something().then(|| stored.clone());
        self.given = Some(stored);
        let plan = self.plan(&args.input)?;
        let job = the_job(&plan, args.job.as_deref()).map_err(|finding| self.refuse(*finding))?;
        if let Some(stored) = compared {
            self.show_what_differs(stored, &plan, &job, args);
        }
        let force_conflicts = args.force_conflicts;
        let dispatch = Dispatch { plan, job, parameters: parameters(args), force_conflicts };
        self.dispatch(&args.server, &dispatch, &args.follow)
    }

    /// Reads what a CronJob of the cluster would start, as a manifest with lines that can be pointed at.
    fn started_by(&self, name: &str, server: &ServerArgs) -> Result<Documents, Status> {
        let job = self.block_on(async {
            let cluster = self.connect(server, self.teller(None)).await?;
            self.told(cronjob(&cluster, name, server.namespace.as_deref()).await)
        })?;
        let text = yaml::write(&job.node);
        let id = self.sources.add(Source::new(SourceKind::Cluster, format!("cronjob/{name}"), text));
        let (documents, findings) = parse(id, &self.sources, Workers::One);
        Ok(Documents { documents, findings, sources: vec![id] })
    }

    /// Prints what the run has other than what is stored.
    fn show_what_differs(&mut self, stored: Documents, plan: &Plan, job: &ObjectId, args: &RunArgs) {
        let input = Input { set: Vec::new(), profiles: Vec::new(), ..args.input.clone() };
        let Some(stored) = self.stored_plan(stored, &input) else {
            return self
                .report
                .note("what is stored has errors that are mended here, so they are not compared");
        };
        let namespace = args.server.namespace.as_deref();
        let ChangeSet { mode, mut changes } =
            between([stored, plan.clone()], "stored".to_owned(), namespace, &self.sources);
        // Of several Jobs one runs, and what it runs as is new, so nothing is replaced.
        changes.retain(|change| change.id.kind != "Job" || change.id.name == job.name);
        for change in &mut changes {
            if matches!(change.action, Action::Replaced { .. }) {
                change.action = Action::Configured;
            }
        }
        self.report.differences(&ChangeSet { mode, changes }, &self.sources);
    }

    /// Renders what is stored, in a session of its own, since what is changed here is no part of it.
    fn stored_plan(&mut self, stored: Documents, input: &Input) -> Option<Plan> {
        let catalog = Arc::clone(&self.catalog);
        let session = Session { given: Some(stored), is_running: true, catalog, ..Session::default() };
        self.lend_sources(session, |session| {
            let (manifests, findings) = session.manifests(input);
            if has_errors(&findings) { None } else { render(manifests, &session.sources, Workers::All).ok() }
        })
    }

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
        [] if jobs.is_empty() => Err(Box::new(no_job(plan))),
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

fn no_job(plan: &Plan) -> Diagnostic {
    let error = Diagnostic::unable("no-job", "these manifests render no Job");
    match plan.objects.iter().find(|object| object.id.kind == "CronJob") {
        Some(cron) => error.help(format!(
            "`daphnia apply` the CronJob, then `daphnia run --from cronjob/{}` starts what it would start",
            cron.id.name
        )),
        None => error.help("name a file with a job"),
    }
}

/// What was changed, for the record; values may be secret.
fn parameters(args: &RunArgs) -> Vec<String> {
    let mut parameters: Vec<String> = args.from.iter().map(|name| format!("--from cronjob/{name}")).collect();
    parameters.extend(args.input.parameters());
    let names = args.env.iter().map(|env| env.split_once('=').map_or(env.as_str(), |(name, _)| name));
    parameters.extend(names.map(|name| format!("--env {name}")));
    parameters.extend(args.image.iter().map(|image| format!("--image {image}")));
    if !args.args.is_empty() {
        parameters.push(format!("-- {}", args.args.join(" ")));
    }
    parameters
}
