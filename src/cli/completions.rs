//! `daphnia completions`: scripts with which shells complete; they ask this program for what can stand there.

use std::ffi::OsStr;

use clap::{Args, CommandFactory as _};
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{CompleteEnv, Shells};

use super::lints::{ConfigArgs, LintArgs};
use super::{Cli, Session, Status};
use crate::explain::{Topic, kinds as list_kinds, topic_steps};

/// With it a shell asks for completions instead of a run.
const VARIABLE: &str = "DAPHNIA_COMPLETE";
const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// Print a script with which a shell completes commands, options, kinds and fields
///
/// The script asks `daphnia` itself, so the kinds of the nearest `daphnia.toml` are completed, too. Let the shell read
/// it when it starts, so that both are always of one version.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  source <(daphnia completions bash)          # in ~/.bashrc\n  source <(daphnia completions zsh)           # in ~/.zshrc\n  daphnia completions fish | source           # in ~/.config/fish/config.fish\n  eval (daphnia completions elvish | slurp)   # in ~/.config/elvish/rc.elv\n  daphnia completions powershell | Out-String | Invoke-Expression   # in $PROFILE"
)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_parser = SHELLS)]
    shell: String,
}

pub(super) fn completions(args: &CompletionsArgs) -> Status {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let written = shells
        .completer(&args.shell)
        .map(|shell| shell.write_registration(VARIABLE, "daphnia", "daphnia", "daphnia", &mut script));
    debug_assert!(matches!(written, Some(Ok(()))), "the shell is one of those that are listed");
    Session::default().report.product(&String::from_utf8_lossy(&script));
    Status::DONE
}

/// Answers a shell and ends the process, if it is a shell that asks.
pub(super) fn answer() {
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).bin("daphnia").completer("daphnia").complete();
}

/// Completes a kind, and behind its name the path of a field.
pub(super) fn topics(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let Some((path, last)) = current.rsplit_once('.') else { return kinds(&current, true) };
    let session = session();
    let Some((kind, steps)) = topic_steps(path) else { return Vec::new() };
    let Ok(topic) = Topic::find(kind, None, &session.catalog, &session.sources) else { return Vec::new() };
    let Ok(explanation) = topic.explain(&steps) else { return Vec::new() };
    let fields = explanation.fields.into_iter().filter(|field| starts(&field.name, last));
    fields.map(|field| candidate(format!("{path}.{}", field.name), &field.description)).collect()
}

/// Completes one of our kinds.
pub(super) fn own_kinds(current: &OsStr) -> Vec<CompletionCandidate> {
    kinds(&current.to_string_lossy(), false)
}

/// Completes one of our kinds, or of Kubernetes' own.
pub(super) fn all_kinds(current: &OsStr) -> Vec<CompletionCandidate> {
    kinds(&current.to_string_lossy(), true)
}

fn kinds(current: &str, with_kubernetes: bool) -> Vec<CompletionCandidate> {
    let session = session();
    let (kinds, _) = list_kinds(&session.catalog, with_kubernetes && !current.is_empty());
    let fitting = kinds.into_iter().filter(|kind| starts(&kind.kind, current));
    fitting.map(|kind| candidate(kind.kind, &kind.description)).collect()
}

/// Lists the lints.
pub(super) fn lints() -> Vec<CompletionCandidate> {
    let mut session = Session::default();
    let Ok((_, levels)) = session.settings(&ConfigArgs::default(), &LintArgs::default()) else {
        return Vec::new();
    };
    levels.all().keys().map(CompletionCandidate::new).collect()
}

/// Lists the profiles.
pub(super) fn profiles() -> Vec<CompletionCandidate> {
    session().catalog.profiles().into_iter().map(CompletionCandidate::new).collect()
}

/// A configuration that is wrong is told of by commands, not in the middle of a line that is being typed.
fn session() -> Session {
    let mut session = Session::default();
    let _ = session.configure(&ConfigArgs::default());
    session
}

fn starts(name: &str, current: &str) -> bool {
    name.get(..current.len()).is_some_and(|start| start.eq_ignore_ascii_case(current))
}

fn candidate(value: String, description: &str) -> CompletionCandidate {
    let first = description.split(['\n', ';']).next().unwrap_or_default();
    let first = first.split_once(". ").map_or(first, |(sentence, _)| sentence);
    CompletionCandidate::new(value).help((!first.is_empty()).then(|| first.to_owned().into()))
}
