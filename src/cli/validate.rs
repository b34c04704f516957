//! `daphnia validate`: findings, each at its line.

use clap::Args;

use super::formats::FormatArgs;
use super::{Input, Session, Status};
use crate::diagnostic::{Diagnostic, has_errors};
use crate::report::{plural, summary};

/// Check manifests against their schemas and rules, and what they render to
///
/// Prints every problem at its line and column. Nothing but the files is read: no cluster, no network.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia validate job.yaml\n  daphnia validate k8s/\n  cat job.yaml | daphnia validate -\n  daphnia validate k8s/ --format github --output sarif=findings.sarif"
)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    formats: FormatArgs,
}

pub(super) fn validate(args: &ValidateArgs) -> Status {
    let mut session = Session::default();
    let (manifests, mut findings) = session.manifests(&args.input);
    let count = manifests.manifests.len();
    // What renders to something that Kubernetes refuses is not valid either.
    if let Err(problems) = crate::render::render(manifests, &session.catalog, &session.sources) {
        findings.extend(problems.0);
    }
    if count == 0 && findings.is_empty() {
        findings.push(
            Diagnostic::unable("no-input", "there is no manifest in what was given")
                .help("name another file"),
        );
    }
    let problems = args.formats.publish(&session, &findings);
    if has_errors(&findings) {
        session.report.note(&format!("{} found", summary(&findings)));
    } else {
        session.report.note(&format!("{} valid", plural(count, "manifest")));
    }
    findings.extend(problems);
    Status::of_findings(&findings)
}
