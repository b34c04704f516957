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
mod link;
mod lints;
mod plan;
mod profiles;
mod rbac;
mod render;
mod run;
mod server;
mod session;
mod set;
mod starter;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use clap_complete::engine::ArgValueCandidates;

use self::session::{Session, no_manifest};
use crate::diagnostic::{Class, Diagnostic, Level};
use crate::manifest::Tasks;

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
