//! `daphnia validate`: findings, each at its line; and the edits that mend them.

use clap::Args;

use super::formats::{FormatArgs, Writer};
use super::lints::LintArgs;
use super::{Input, Session, Status, no_manifest};
use crate::check::{Check, Checked, Found, Tally};
use crate::diagnostic::Diagnostic;
use crate::document::{InputFile, Strictness, files};
use crate::report::{plural, summary};

/// Check manifests against their schemas and rules, and what they render to
///
/// Prints every problem at its line and column. Nothing but the files is read: no cluster, no network. Lints are
/// advice: they are printed, and fail only if they are denied. A comment beside or above a field lets one pass
/// there: `# daphnia: allow(LINT) reason`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia validate job.yaml\n  daphnia validate k8s/ --deny warnings\n  daphnia validate 'k8s/**/*.yaml' --fix --diff\n  helm template chart/ | daphnia validate -\n  daphnia validate k8s/ --format github --output sarif=findings.sarif"
)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    lints: LintArgs,

    #[command(flatten)]
    formats: FormatArgs,

    /// Make the edits that are safe, and change nothing else in the files
    #[arg(long, conflicts_with = "set")]
    fix: bool,

    /// With `--fix`: show the edits and leave the files as they are
    #[arg(long, requires = "fix")]
    diff: bool,

    /// Take every document for a manifest: none is passed over
    #[arg(long)]
    strict: bool,
}

pub(super) fn validate(args: &ValidateArgs) -> Status {
    let mut session = Session::default();
    let (config, levels) = match session.settings(&args.input.config, &args.lints) {
        Ok(settings) => settings,
        Err(findings) => return session.refuse_all(&findings),
    };
    let profiles = match session.profiles(&args.input, &config) {
        Ok(profiles) => profiles,
        Err(findings) => return session.refuse_all(&findings),
    };
    let (files, problems) = files(&args.input.all_paths());
    if let Some(finding) = args.unwritable(&files) {
        return session.refuse(finding);
    }
    let check = Check {
        catalog: &session.catalog,
        levels: &levels,
        config: &config,
        strictness: if args.strict { Strictness::Strict } else { Strictness::Lenient },
        is_fixing: args.fix,
        sets: &args.input.set,
        tasks: args.input.tasks(),
        profiles: &profiles,
        print: &|found| args.formats.pages(found),
    };
    let mut writer = args.formats.writer(args.diff);
    let mut tally = Tally::default();
    let mut unwritten = Vec::new();
    check.check(&files, &mut |checked| {
        tally.add(&checked.tally);
        unwritten.extend(args.tell(&session, &checked, &mut writer));
    });
    let mut findings = problems;
    findings.extend(unwritten);
    if tally.occupied + tally.errors + findings.len() == 0 {
        findings.push(no_manifest());
    }
    tally.count(&findings);
    let found = Found { file: None, findings: &findings, sources: &session.sources, secrets: &[] };
    writer.add(&session.report, &args.formats.pages(&found));
    let problems = writer.finish(&session.report);
    session.report.findings(&problems, &session.sources);
    tally.count(&problems);
    args.conclude(&session, &tally);
    Status::of_classes(tally.classes.iter().copied())
}

impl ValidateArgs {
    fn unwritable(&self, files: &[InputFile]) -> Option<Diagnostic> {
        let is_writing = self.fix && !self.diff && files.iter().any(InputFile::is_stdin);
        is_writing.then(|| {
            Diagnostic::unable("unwritable", "`--fix` writes files, and standard input is none")
                .help("name the file, or add `--diff` to see the edits")
        })
    }

    /// Prints what was found in a file, and writes or shows its edits.
    fn tell(&self, session: &Session, checked: &Checked, writer: &mut Writer<'_>) -> Option<Diagnostic> {
        writer.add(&session.report, &checked.pages);
        let mended = checked.mended.as_ref()?;
        if self.diff {
            session.report.edits(mended);
            return None;
        }
        mended.file.replace(&mended.after).err().map(|finding| *finding)
    }

    fn conclude(&self, session: &Session, tally: &Tally) {
        if tally.mended > 0 {
            let verb = if self.diff { "would be mended" } else { "mended" };
            session.report.note(&format!("{} {verb}", plural(tally.mended, "finding")));
        }
        session.report.note(&summary(tally));
    }
}
