//! `daphnia diff`: what an apply would change.

use std::mem::ManuallyDrop;
use std::path::PathBuf;

use clap::Args;

use super::against::{Against, against};
use super::server::{ServerArgs, narrator};
use super::set::SetArgs;
use super::{Input, Session, Status, external};
use crate::cluster::foresee;
use crate::diagnostic::did_you_mean;
use crate::diff::{ChangeSet, Mode, between};
use crate::history::settle;
use crate::object::Plan;
use crate::report::ChangeFormat;

/// Show what an apply would change in the cluster, and change nothing
///
/// The server is asked by a dry-run, so its defaults never show as changes; without the right to patch, which a
/// dry-run needs, the cluster is only read. With --against no cluster is asked at all. The last line says which it
/// was. Values of Secrets are masked, and those of variables that look like secrets. The heading of each hunk says
/// where the change was written. KUBECTL_EXTERNAL_DIFF is honoured as kubectl does.
/// Exit status: 0 no change, 1 changes, more than 1 an error.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia diff job.yaml\n  daphnia diff k8s/ --context staging -o summary\n  daphnia diff job.yaml --set spec.image.tag=v2 --all\n  daphnia diff k8s/ --against git:main\n  daphnia diff k8s/ --against git:main... -o json\n  daphnia diff job.yaml --against rendered/"
)]
pub(super) struct DiffArgs {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    set: SetArgs,

    /// How to show it: unified diffs, a line for each object, or JSON
    #[arg(short, long, value_name = "patch|summary|json", value_parser = format)]
    output: Option<ChangeFormat>,

    /// Show what the server changes of its own, too: its defaults, webhooks
    #[arg(long)]
    all: bool,

    /// Only read; what an apply would make of it is computed here
    ///
    /// This is what happens, too, where the right to patch is missing, which a dry-run needs.
    #[arg(long)]
    read_only: bool,

    /// Compare with a file, a folder or a git revision instead of a cluster
    ///
    /// `git:main` renders the same paths as they were there, with the daphnia.toml of then, and so shows what a
    /// pull request changes; `git:main...` means where the current branch left main, `git:main:PATH` another path.
    /// A folder may hold manifests or what `render` wrote.
    #[arg(
        long,
        value_name = "PATH|git:REV[:PATH]",
        value_parser = against,
        conflicts_with_all = ["read_only", "kubeconfig", "context", "set_name", "save"]
    )]
    against: Option<Against>,

    /// Save what is shown, for `daphnia apply FILE` to do it, or nothing if an object changes until then
    ///
    /// The file holds the values of Secrets, so only you can read it.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

fn format(argument: &str) -> Result<ChangeFormat, String> {
    const FORMATS: [(&str, ChangeFormat); 3] =
        [("patch", ChangeFormat::Patch), ("summary", ChangeFormat::Summary), ("json", ChangeFormat::Json)];
    let found = FORMATS.iter().find(|(name, _)| *name == argument);
    found.map(|(_, format)| *format).ok_or_else(|| {
        match did_you_mean(argument, FORMATS.map(|(name, _)| name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "the formats are patch, summary and json".to_owned(),
        }
    })
}

pub(super) fn diff(args: &DiffArgs) -> Status {
    let mut session = Session::default();
    session.link.server = args.against.is_none().then(|| args.server.options());
    let changes = session
        .plan(&args.input)
        .and_then(|plan| session.ensure_named(&plan).map(|()| plan))
        .and_then(|plan| session.changes(plan, args));
    match changes {
        Ok(changes) => session.show(&changes, args),
        Err(status) => status.as_error(),
    }
}

impl Session {
    fn changes(&mut self, mut plan: Plan, args: &DiffArgs) -> Result<ChangeSet, Status> {
        if let Some(against) = &args.against {
            let label = against.to_string();
            let before = self.earlier(&args.input, against, &label)?;
            let namespace = args.server.namespace.as_deref();
            return Ok(between([before, plan], label, namespace, &self.sources));
        }
        let (observed, leaving, mode) = self.block_on(async {
            let cluster = self.connect(&args.server, narrator(None)).await?;
            let set = self.join(&cluster, &args.set, &mut plan).await?;
            let (observed, mode) = self.told(foresee(&cluster, plan, args.read_only).await)?;
            if mode == Mode::ReadOnly && !args.read_only {
                self.report.note(
                    "only reading, for lack of the right to patch: the server's own changes do not show",
                );
            }
            let observed = self.told(settle(&cluster, observed).await)?;
            let leaving = self.leaving(&cluster, set.as_ref(), &args.set, &observed).await?;
            if let Some(path) = &args.save {
                let parameters = args.input.parameters();
                self.save_plan(path, &cluster, &args.set, &parameters, (&observed, &leaving))?;
            }
            Ok((observed, leaving, mode))
        })?;
        // The process ends soon: to take so many trees apart would be for nothing.
        let observed = ManuallyDrop::new(observed);
        let changes = crate::diff::diff(&observed, &leaving.objects(), &self.sources);
        Ok(ChangeSet { mode, ..changes })
    }

    fn show(&self, changes: &ChangeSet, args: &DiffArgs) -> Status {
        let program = external::program().filter(|_| args.output.is_none());
        if let Some(program) = program.filter(|_| !changes.is_empty()) {
            self.report.change_notes(changes, &self.sources);
            return external::show(self, &program, changes, args.all);
        }
        let format = args.output.unwrap_or(ChangeFormat::Patch);
        self.report.changes(changes, &self.sources, format, args.all);
        if changes.is_empty() { Status::DONE } else { Status::FOUND }
    }
}
