//! What the commands share: from arguments to manifests and a plan, and the printer.

use std::sync::Arc;

use super::link::Link;
use super::{Input, Status, lints};
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

/// What the commands share: the texts, the kinds, the printer.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// What a command changes in the manifest beside `--set`.
    pub(super) overrides: Vec<Override>,
    /// What was read already, and stands for the files.
    pub(super) given: Option<Documents>,
    /// Whether it reads what is compared with, and not what is to be.
    pub(super) is_earlier: bool,
    /// A profile that is left out, whoever asks for it.
    pub(super) without: Option<String>,
    /// Whether it dispatches one task.
    pub(super) is_running: bool,
    /// The clusters that the manifests name.
    pub(super) targets: Vec<Target>,
    pub(super) link: Link,
    pub(super) sources: Sources,
    pub(super) catalog: Arc<Catalog>,
    pub(super) report: Report,
}

impl Session {
    /// Reads and checks the manifests; all findings of all of them, but for what only `validate` tells.
    pub(super) fn manifests(&mut self, input: &Input) -> (Manifests, Vec<Diagnostic>) {
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
        self.link.begin(&documents);
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
    pub(super) fn lend_sources<T>(&mut self, mut other: Session, work: impl FnOnce(&mut Session) -> T) -> T {
        other.sources = std::mem::take(&mut self.sources);
        let done = work(&mut other);
        self.sources = other.sources;
        done
    }

    /// Lists the profiles that every manifest has.
    pub(super) fn profiles(&self, input: &Input, config: &Config) -> Result<Chosen, Vec<Diagnostic>> {
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
    pub(super) fn plan(&mut self, input: &Input) -> Result<Plan, Status> {
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

pub(super) fn no_manifest() -> Diagnostic {
    Diagnostic::unable("no-input", "there is no manifest in what was given").help("name another file")
}
