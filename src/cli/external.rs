//! `KUBECTL_EXTERNAL_DIFF`: a program of the user's that shows two folders, as `kubectl diff` calls it.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Session, Status};
use crate::diagnostic::Diagnostic;
use crate::diff::{Action, ChangeSet};
use crate::object::ObjectId;
use crate::report::shown_after;
use crate::yaml::{self, Node};

const VARIABLE: &str = "KUBECTL_EXTERNAL_DIFF";

/// Returns the program and its arguments, if there is one. There is no shell, so nothing in them is special.
pub(super) fn program() -> Option<Vec<String>> {
    let command = std::env::var(VARIABLE).ok()?;
    let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty()).then_some(words)
}

/// Writes what changes into two folders, secrets masked, and has the program show them. Its status is the result:
/// 0 no change, 1 changes.
pub(super) fn show(session: &Session, program: &[String], changes: &ChangeSet, all: bool) -> Status {
    let shown = program.join(" ");
    match run(program, changes, all) {
        Ok(Some(0)) => Status::DONE,
        Ok(Some(1)) => Status::FOUND,
        Ok(code) => {
            let how =
                code.map_or("was ended by a signal".to_owned(), |code| format!("exited with status {code}"));
            let finding = Diagnostic::unable("external-diff", format!("`{shown}` {how}"));
            session.refuse(finding.help(format!("`{VARIABLE}` names it; it must exit with 0 or 1")))
        }
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.split(" (os error").next().unwrap_or_default().to_lowercase();
            let finding = Diagnostic::unable("external-diff", format!("`{shown}` cannot be run: {reason}"));
            session.refuse(
                finding.help(format!("`{VARIABLE}` names it; unset it for the diff of daphnia's own")),
            )
        }
    }
}

fn run(program: &[String], changes: &ChangeSet, all: bool) -> std::io::Result<Option<i32>> {
    let live = tempfile::Builder::new().prefix("LIVE-").tempdir()?;
    let merged = tempfile::Builder::new().prefix("MERGED-").tempdir()?;
    for change in changes.changes.iter().filter(|change| change.action != Action::Unchanged) {
        let name = file_name(&change.id);
        write(&live.path().join(&name), change.before.as_ref())?;
        write(&merged.path().join(&name), shown_after(change, all))?;
    }
    let (first, arguments) = program.split_first().unwrap_or((&program[0], &[]));
    let status = Command::new(first).args(arguments).arg(live.path()).arg(merged.path()).status()?;
    Ok(status.code())
}

/// What is not there is an empty file.
fn write(path: &Path, node: Option<&Node>) -> std::io::Result<()> {
    fs::write(path, node.map(yaml::write).unwrap_or_default())
}

/// `batch.v1.Job.reports.nightly-report`, as kubectl names it.
fn file_name(id: &ObjectId) -> String {
    let group = if id.group().is_empty() { String::new() } else { format!("{}.", id.group()) };
    let namespace = id.namespace.as_deref().unwrap_or_default();
    let name = format!("{group}{}.{}.{namespace}.{}", id.version(), id.kind, id.name);
    name.replace(['/', '\0'], "_")
}
