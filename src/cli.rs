//! Arguments, exit status; each command a few calls of stages.

mod against;
mod apply;
mod completions;
mod delete;
mod diff;
mod dispatch;
mod explain;
mod external;
mod files;
mod formats;
mod git;
mod history;
mod kinds;
mod lints;
mod plan;
mod profiles;
mod rbac;
mod render;
mod run;
mod server;
mod set;
mod starter;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use clap_complete::engine::ArgValueCandidates;

use crate::catalog::Catalog;
use crate::config::Config;
use crate::diagnostic::{Class, Diagnostic, Level, has_errors};
use crate::document::{Documents, documents};
use crate::lint::hide_unread;
use crate::manifest::{Choice, Folders, Manifests, Override, Target, Tasks, manifests, targets};
use crate::object::{Plan, withhold};
use crate::profile::{self, Chosen};
use crate::report::Report;
use crate::source::Sources;
use crate::workers::Workers;

/// Validate, render, diff, apply and run Kubernetes jobs from high-level manifests
#[derive(Debug, Parser)]
#[command(name = "daphnia", version, arg_required_else_help = true, max_term_width = 100, after_help = EXIT_STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_STATUS: &str = "\
Exit status:
  0    done; `diff`: no change
  1    `validate`: findings; `diff`: changes; `apply`, `run`: failed
  2    the work could not be tried (usage, files, configuration)
  3    conflict with another manager
  4    the server is unreachable, or forbids
  70   timed out
  130  interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    Validate(validate::ValidateArgs),
    Render(render::RenderArgs),
    Diff(diff::DiffArgs),
    Apply(apply::ApplyArgs),
    Delete(delete::DeleteArgs),
    Run(run::RunArgs),
    Rerun(run::RerunArgs),
    Rbac(rbac::RbacArgs),
    History(history::HistoryArgs),
    Show(history::ShowArgs),
    Logs(history::LogsArgs),
    Cancel(history::CancelArgs),
    Explain(explain::ExplainArgs),
    Schema(kinds::SchemaArgs),
    Kinds(kinds::KindsArgs),
    Profiles(profiles::ProfilesArgs),
    Init(kinds::InitArgs),
    Completions(completions::CompletionsArgs),
}

/// What a run ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(u8);

impl Status {
    pub const DONE: Status = Status(0);
    /// Findings, changes or a failed job: what the command looks for was found.
    pub const FOUND: Status = Status(1);
    pub const TIMED_OUT: Status = Status(70);
    pub const INTERRUPTED: Status = Status(130);
    pub const TERMINATED: Status = Status(143);

    fn is_interruption(self) -> bool {
        self == Status::INTERRUPTED || self == Status::TERMINATED
    }

    /// Where 1 means "there are changes", an error must not be 1.
    fn as_error(self) -> Status {
        if self == Status::FOUND { Status(2) } else { self }
    }

    fn of(class: Class) -> Status {
        match class {
            Class::Finding | Class::Failed => Status::FOUND,
            Class::Unable => Status(2),
            Class::Conflict => Status(3),
            Class::Unreachable => Status(4),
            Class::TimedOut => Status(70),
        }
    }

    /// Returns the status that the worst of these errors asks for: what kept the work from being tried outweighs
    /// what was found.
    fn of_findings(findings: &[Diagnostic]) -> Status {
        let errors = findings.iter().filter(|finding| finding.level == Level::Error);
        Status::of_classes(errors.map(|finding| finding.class))
    }

    fn of_classes(classes: impl Iterator<Item = Class>) -> Status {
        classes
            .map(Status::of)
            .max_by_key(|status| match status.0 {
                1 => 0,
                other => u8::MAX - other,
            })
            .unwrap_or(Status::DONE)
    }
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    completions::answer();
    let status = match Cli::parse().command {
        Command::Validate(args) => validate::validate(&args),
        Command::Render(args) => render::render(&args),
        Command::Diff(args) => diff::diff(&args),
        Command::Apply(args) => apply::apply(&args),
        Command::Delete(args) => delete::delete(&args),
        Command::Run(args) => run::run(&args),
        Command::Rerun(args) => run::rerun(&args),
        Command::Rbac(args) => rbac::rbac(&args),
        Command::History(args) => history::history(&args),
        Command::Show(args) => history::show(&args),
        Command::Logs(args) => history::logs(&args),
        Command::Cancel(args) => history::cancel(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Schema(args) => kinds::schema(&args),
        Command::Kinds(args) => kinds::kinds(&args),
        Command::Profiles(args) => profiles::profiles(&args),
        Command::Init(args) => kinds::init(&args),
        Command::Completions(args) => completions::completions(&args),
    };
    ExitCode::from(status.0)
}

/// Which manifests, and what to change in them.
#[derive(Debug, Clone, Args)]
struct Input {
    /// Files or folders with manifests; `-` reads standard input
    #[arg(value_name = "FILE", required_unless_present = "files")]
    paths: Vec<PathBuf>,

    /// The same, as kubectl spells it
    #[arg(short = 'f', long = "filename", id = "files", value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Set a field of the manifest, for example `spec.backoffLimit=3`
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,

    /// Apply a profile, after those that the manifest names; may be given several times
    #[arg(long = "profile", value_name = "NAME", value_delimiter = ',', add = ArgValueCandidates::new(completions::profiles))]
    profiles: Vec<String>,

    /// Only this task of a function, by its name or action
    #[arg(long, value_name = "ACTION")]
    task: Option<String>,

    #[command(flatten)]
    config: lints::ConfigArgs,
}

impl Input {
    fn all_paths(&self) -> Vec<PathBuf> {
        self.paths.iter().chain(&self.files).cloned().collect()
    }

    fn tasks(&self) -> Tasks<'_> {
        self.task.as_deref().map_or(Tasks::All, Tasks::Named)
    }

    /// The changes as given, for a record; what they change may be secret, so values stay out.
    fn parameters(&self) -> Vec<String> {
        let paths = self.set.iter().map(|set| set.split_once('=').map_or(set.as_str(), |(path, _)| path));
        let task = self.task.iter().map(|task| format!("--task {task}"));
        let profiles = self.profiles.iter().map(|name| format!("--profile {name}"));
        task.chain(profiles).chain(paths.map(|path| format!("--set {path}"))).collect()
    }
}

/// What the commands share: the texts, the kinds, the printer.
#[derive(Debug, Default)]
struct Session {
    /// What a command changes in the manifest beside `--set`.
    overrides: Vec<Override>,
    /// What was read already, and stands for the files.
    given: Option<Documents>,
    /// Whether it reads what is compared with, and not what is to be.
    is_earlier: bool,
    /// A profile that is left out, whoever asks for it.
    without: Option<String>,
    /// Whether it dispatches one task.
    is_running: bool,
    /// The clusters that the manifests name.
    targets: Vec<Target>,
    sources: Sources,
    catalog: Arc<Catalog>,
    report: Report,
}

impl Session {
    /// Reads and checks the manifests; all findings of all of them, but for what only `validate` tells.
    fn manifests(&mut self, input: &Input) -> (Manifests, Vec<Diagnostic>) {
        let (config, levels) = match self.settings(&input.config, &lints::LintArgs::default()) {
            Ok(settings) => settings,
            Err(findings) => return (Manifests::default(), findings),
        };
        let profiles = match self.profiles(input, &config) {
            Ok(profiles) => profiles,
            Err(findings) => return (Manifests::default(), findings),
        };
        let mut overrides = Vec::new();
        let given = self.given.take();
        let read = given.unwrap_or_else(|| documents(&input.all_paths(), &self.sources, Workers::All));
        let Documents { mut documents, mut findings, sources } = read;
        if self.is_earlier {
            documents.iter_mut().for_each(|document| withhold(&mut document.root));
        }
        let unread = hide_unread(&mut findings, &self.sources);
        for argument in &input.set {
            match Override::set(argument, &self.sources) {
                Ok(one) => overrides.push(one),
                Err(finding) => findings.push(*finding),
            }
        }
        overrides.append(&mut self.overrides);
        let library = Folders::new(&config, &self.sources);
        let tasks = if self.is_running { Tasks::ToRun(input.task.as_deref()) } else { input.tasks() };
        let workers = Workers::All;
        let choice = Choice { overrides: &overrides, tasks, profiles, workers };
        let (manifests, problems) = manifests(documents, &choice, &library, &self.catalog, &self.sources);
        findings.extend(problems);
        // A function without a task is there, though nothing comes of it.
        let is_told = findings.iter().any(|finding| finding.code == "no-task");
        if manifests.manifests.is_empty() && !has_errors(&findings) && !is_told {
            findings.push(no_manifest());
        }
        let mut findings = levels.weigh(findings, &sources, &self.sources);
        findings.retain(|finding| finding.level != Level::Warning);
        self.report.secrets = [unread, manifests.secrets.clone()].concat();
        (manifests, findings)
    }

    /// Does work in another session, so that its texts are beside those of this one.
    fn lend_sources<T>(&mut self, mut other: Session, work: impl FnOnce(&mut Session) -> T) -> T {
        other.sources = std::mem::take(&mut self.sources);
        let done = work(&mut other);
        self.sources = other.sources;
        done
    }

    /// Lists the profiles that every manifest has.
    fn profiles(&self, input: &Input, config: &Config) -> Result<Chosen, Vec<Diagnostic>> {
        let names = |text: &str, place| {
            let name = |name: &str| profile::Choice { name: name.to_owned(), place };
            profile::names(text).map(name).collect::<Vec<_>>()
        };
        let team = config.profiles.iter().flat_map(|name| names(&name.value, Some(name.place)));
        let asked = input.profiles.iter().flat_map(|name| names(name, None));
        let (team, asked): (Vec<_>, Vec<_>) = (team.collect(), asked.collect());
        let mut findings = Vec::new();
        for choice in team.iter().chain(&asked) {
            match self.catalog.profile(&choice.name) {
                Ok(Some(_)) => {}
                Ok(None) => findings.push(profile::unknown(choice, &self.catalog).class(Class::Unable)),
                Err(flaws) => findings.extend(flaws.tell(&self.sources)),
            }
        }
        let chosen = |choices: Vec<profile::Choice>| choices.into_iter().map(|choice| choice.name).collect();
        if findings.is_empty() {
            Ok(Chosen { team: chosen(team), asked: chosen(asked), without: self.without.clone() })
        } else {
            Err(findings)
        }
    }

    /// Reads, checks and renders; findings are printed, and an error ends the run.
    fn plan(&mut self, input: &Input) -> Result<Plan, Status> {
        let (manifests, mut findings) = self.manifests(input);
        if has_errors(&findings) {
            self.report.findings(&findings, &self.sources);
            return Err(Status::of_findings(&findings));
        }
        self.targets = targets(&manifests.manifests);
        match crate::render::render(manifests, &self.sources, Workers::All) {
            Ok(plan) => {
                self.report.findings(&findings, &self.sources);
                Ok(plan)
            }
            Err(problems) => {
                findings.extend(problems.0);
                self.report.findings(&findings, &self.sources);
                Err(Status::of_findings(&findings))
            }
        }
    }
}

fn no_manifest() -> Diagnostic {
    Diagnostic::unable("no-input", "there is no manifest in what was given").help("name another file")
}
