//! `daphnia profiles`: which there are, what one says, and what it does to manifests.

use std::path::PathBuf;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use serde_json::{Value as Json, json};

use super::kinds::ListFormat;
use super::lints::ConfigArgs;
use super::{Input, Session, Status, completions};
use crate::diagnostic::{Class, Diagnostics};
use crate::diff::between;
use crate::document::documents;
use crate::profile::{self, Choice};
use crate::report::ChangeFormat;
use crate::workers::Workers;

/// List profiles, print one, or show what it does to a manifest
///
/// A profile is what a team decides once: fields that manifests may leave out, and patches of the Kubernetes objects
/// that they become. With a file it is a diff of what the manifests become without the profile and with it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia profiles\n  daphnia profiles restricted\n  daphnia profiles restricted job.yaml\n  daphnia profiles -o json"
)]
pub(super) struct ProfilesArgs {
    /// A profile
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(completions::profiles))]
    name: Option<String>,

    /// Files or folders with manifests; `-` reads standard input
    #[arg(value_name = "FILE")]
    paths: Vec<PathBuf>,

    /// Output format of the list
    #[arg(short, long, value_enum, default_value_t = ListFormat::Table, conflicts_with = "name")]
    output: ListFormat,

    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn profiles(args: &ProfilesArgs) -> Status {
    let mut session = match Session::open(&args.config) {
        Ok(session) => session,
        Err(status) => return status,
    };
    let done = match &args.name {
        None => session.list(args.output),
        Some(name) if args.paths.is_empty() => session.print(name),
        Some(name) => return session.compare(name, args).unwrap_or_else(|status| status),
    };
    done.map_or_else(|Diagnostics(findings)| session.refuse_all(&findings), |()| Status::DONE)
}

impl Session {
    fn list(&self, format: ListFormat) -> Result<(), Diagnostics> {
        let (profiles, flaws) = profile::list(&self.catalog);
        match format {
            ListFormat::Table => self.report.profiles(&profiles),
            ListFormat::Json => {
                let list = profiles.iter().map(|profile| {
                    json!({
                        "name": profile.name, "description": profile.description, "source": profile.source,
                    })
                });
                self.report.product_json(&list.collect::<Json>());
            }
        }
        let findings: Vec<_> = flaws.iter().flat_map(|flaws| flaws.tell(&self.sources)).collect();
        if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
    }

    fn print(&self, name: &str) -> Result<(), Diagnostics> {
        let found = self.catalog.profile(name).map_err(|flaws| Diagnostics(flaws.tell(&self.sources)))?;
        let choice = Choice { name: name.to_owned(), place: None };
        let Some(template) = found else {
            return Err(profile::unknown(&choice, &self.catalog).class(Class::Unable).into());
        };
        self.report.text(&template.text);
        Ok(())
    }

    /// Shows what manifests become with a profile, beside what they become without.
    fn compare(&mut self, name: &str, args: &ProfilesArgs) -> Result<Status, Status> {
        let input = |profiles| Input {
            paths: args.paths.clone(),
            files: Vec::new(),
            set: Vec::new(),
            profiles,
            task: None,
            config: args.config.clone(),
        };
        // A misspelt name is told before anything is compared.
        let read = documents(&args.paths, &self.sources, Workers::All);
        self.given = Some(read.clone());
        let with = self.plan(&input(vec![name.to_owned()]))?;
        self.given = Some(read);
        self.without = Some(name.to_owned());
        let without = self.plan(&input(Vec::new()))?;
        let changes = between([without, with], format!("the same without {name}"), None, &self.sources);
        self.report.changes(&changes, &self.sources, ChangeFormat::Patch, false);
        Ok(Status::DONE)
    }
}
