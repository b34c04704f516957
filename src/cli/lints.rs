//! Options about `daphnia.toml` and lints, which commands share.

use std::path::PathBuf;

use clap::Args;

use super::Session;
use crate::config::{Choice, Config};
use crate::diagnostic::Diagnostic;
use crate::document::{Document, documents};
use crate::lint::{Levels, LintLevel};
use crate::source::Sources;

/// Which `daphnia.toml` holds.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// Read this configuration instead of the nearest `daphnia.toml`
    #[arg(long, value_name = "FILE", conflicts_with = "no_config", help_heading = "Configuration")]
    config: Option<PathBuf>,

    /// Read no `daphnia.toml`
    #[arg(long, help_heading = "Configuration")]
    no_config: bool,
}

/// How much lints weigh.
#[derive(Debug, Default, Args)]
pub(super) struct LintArgs {
    /// Make a lint an error; `warnings` for all of them
    #[arg(long, value_name = "LINT", value_delimiter = ',', help_heading = "Lints")]
    deny: Vec<String>,

    /// Make a lint a warning
    #[arg(long, value_name = "LINT", value_delimiter = ',', help_heading = "Lints")]
    warn: Vec<String>,

    /// Say nothing of a lint
    #[arg(long, value_name = "LINT", value_delimiter = ',', help_heading = "Lints")]
    allow: Vec<String>,
}

impl Session {
    /// Reads the configuration, and settles what each lint weighs.
    pub(super) fn settings(
        &self,
        config: &ConfigArgs,
        lints: &LintArgs,
    ) -> Result<(Config, Levels), Vec<Diagnostic>> {
        let choice = match &config.config {
            Some(path) => Choice::File(path.clone()),
            None if config.no_config => Choice::None,
            None => Choice::Nearest,
        };
        let config = Config::load(&choice, &self.sources)?;
        let mut levels = Levels::new(&self.catalog);
        let mut findings = configure(&mut levels, &config);
        findings.extend(lints.apply(&mut levels));
        if findings.is_empty() { Ok((config, levels)) } else { Err(findings) }
    }
}

fn configure(levels: &mut Levels, config: &Config) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (name, level) in &config.lints {
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
        let mut findings = Vec::new();
        let mut seen: Vec<(&str, &str)> = Vec::new();
        for (flag, level, names) in chosen {
            for name in names {
                let other = seen.iter().find(|(known, other)| known == name && *other != flag);
                if let Some((_, other)) = other {
                    let message = format!("`{name}` is given to `{other}` and to `{flag}`");
                    findings.push(Diagnostic::unable("unknown-lint", message).help("give it to one of them"));
                }
                seen.push((name, flag));
                findings.extend(levels.set(name, level, &format!("`{flag}`")).err().map(|finding| *finding));
            }
        }
        findings
    }
}

/// Reads the documents in the folders that the configuration names.
pub(super) fn library(config: &Config, sources: &Sources) -> Vec<Document> {
    let paths: Vec<PathBuf> = config.manifests.iter().map(|path| path.value.clone()).collect();
    documents(&paths, sources).documents
}
