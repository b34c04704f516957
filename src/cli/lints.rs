//! Options about `daphnia.toml` and lints, which commands share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::{Session, Status, completions};
use crate::catalog::Catalog;
use crate::config::{Choice, Config};
use crate::diagnostic::Diagnostic;
use crate::lint::{Levels, LintLevel, WARNINGS};

/// Which `daphnia.toml` holds.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ConfigArgs {
    /// Read this configuration instead of the nearest `daphnia.toml`
    #[arg(long, value_name = "FILE", conflicts_with = "no_config", help_heading = "Configuration")]
    config: Option<PathBuf>,

    /// Read no `daphnia.toml`
    #[arg(long, help_heading = "Configuration")]
    no_config: bool,
}

impl ConfigArgs {
    /// The same in another place: `find` says what the file is called there, `None` if there is none.
    pub(super) fn moved(&self, find: impl Fn(&Path) -> Option<PathBuf>) -> ConfigArgs {
        let Some(file) = &self.config else { return self.clone() };
        let config = find(file);
        ConfigArgs { no_config: config.is_none(), config }
    }
}

/// How much lints weigh.
#[derive(Debug, Default, Args)]
pub(super) struct LintArgs {
    /// Make a lint an error; `warnings` for all of them
    #[arg(long, value_name = "LINT", value_delimiter = ',', help_heading = "Lints", add = ArgValueCandidates::new(completions::lints))]
    deny: Vec<String>,

    /// Make a lint a warning
    #[arg(long, value_name = "LINT", value_delimiter = ',', help_heading = "Lints", add = ArgValueCandidates::new(completions::lints))]
    warn: Vec<String>,

    /// Say nothing of a lint
    #[arg(long, value_name = "LINT", value_delimiter = ',', help_heading = "Lints", add = ArgValueCandidates::new(completions::lints))]
    allow: Vec<String>,
}

impl Session {
    /// Makes a session that knows the kinds of the configuration, too.
    pub(super) fn open(config: &ConfigArgs) -> Result<Session, Status> {
        let mut session = Session::default();
        match session.configure(config) {
            Ok(_) => Ok(session),
            Err(findings) => Err(session.refuse_all(&findings)),
        }
    }

    /// Reads the configuration.
    pub(super) fn configure(&mut self, config: &ConfigArgs) -> Result<Config, Vec<Diagnostic>> {
        let choice = match &config.config {
            Some(path) => Choice::File(path.clone()),
            None if config.no_config => Choice::None,
            None => Choice::Nearest,
        };
        let config = Config::load(&choice, &self.sources)?;
        self.catalog = Arc::new(Catalog::new(&config));
        Ok(config)
    }

    /// Reads the configuration, and settles what each lint weighs.
    pub(super) fn settings(
        &mut self,
        config: &ConfigArgs,
        lints: &LintArgs,
    ) -> Result<(Config, Levels), Vec<Diagnostic>> {
        let config = self.configure(config)?;
        let mut levels = Levels::new(&self.catalog);
        let mut findings = configure(&mut levels, &config);
        findings.extend(lints.apply(&mut levels));
        if findings.is_empty() { Ok((config, levels)) } else { Err(findings) }
    }
}

fn configure(levels: &mut Levels, config: &Config) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let (all, single): (Vec<_>, Vec<_>) = config.lints.iter().partition(|(name, _)| name.value == WARNINGS);
    for (name, level) in all.into_iter().chain(single) {
        let Some(level) = LintLevel::parse(&level.value) else { continue };
        if let Err(finding) = levels.set(&name.value, level, &config.name) {
            findings.push(finding.at(name.place));
        }
    }
    findings
}

impl LintArgs {
    fn apply(&self, levels: &mut Levels) -> Vec<Diagnostic> {
        let chosen = [
            ("--deny", LintLevel::Deny, &self.deny),
            ("--warn", LintLevel::Warn, &self.warn),
            ("--allow", LintLevel::Allow, &self.allow),
        ];
        let mut given: Vec<(&str, &str, LintLevel)> = Vec::new();
        for (flag, level, names) in chosen {
            given.extend(names.iter().map(|name| (name.as_str(), flag, level)));
        }
        // What is said of one lint outweighs what is said of all.
        given.sort_by_key(|(name, ..)| *name != WARNINGS);
        let mut findings = Vec::new();
        for (index, (name, flag, level)) in given.iter().enumerate() {
            let other = given[..index].iter().find(|(known, other, _)| known == name && other != flag);
            if let Some((_, other, _)) = other {
                let message = format!("`{name}` is given to `{other}` and to `{flag}`");
                findings.push(Diagnostic::unable("lint-level", message).help("give it to one of them"));
            }
            findings.extend(levels.set(name, *level, &format!("`{flag}`")).err().map(|finding| *finding));
        }
        findings
    }
}
