//! `daphnia.toml` → Config: what a team has settled for all its manifests.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::source::{Place, Source, SourceId, SourceKind, Sources};

const FILE: &str = "daphnia.toml";
const KEYS: &[&str] = &["kinds", "lints", "manifests", "profile"];

/// A value and where it stands in the file.
#[derive(Debug, Clone)]
pub struct Placed<T> {
    pub value: T,
    pub place: Place,
}

/// What `daphnia.toml` says; empty without one.
#[derive(Debug, Default)]
pub struct Config {
    /// The file's name, for messages.
    pub name: String,
    /// Names of lints, each with the level it should have.
    pub lints: Vec<(Placed<String>, Placed<String>)>,
    /// Folders with kinds and profiles of the team's own.
    pub kinds: Vec<Placed<PathBuf>>,
    /// Profiles of every manifest.
    pub profiles: Vec<Placed<String>>,
    /// Folders and files whose manifests references may mean.
    pub manifests: Vec<Placed<PathBuf>>,
}

/// Which file to read.
#[derive(Debug, Clone, Default)]
pub enum Choice {
    /// The nearest `daphnia.toml`, from the current folder upward to the repository's root.
    #[default]
    Nearest,
    File(PathBuf),
    None,
}

impl Config {
    pub fn load(choice: &Choice, sources: &Sources) -> Result<Config, Vec<Diagnostic>> {
        let path = match choice {
            Choice::None => return Ok(Config::default()),
            Choice::File(path) => path.clone(),
            Choice::Nearest => match nearest() {
                Some(path) => path,
                None => return Ok(Config::default()),
            },
        };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.split(" (os error").next().unwrap_or_default().to_lowercase();
            let finding = Diagnostic::unable("bad-config", format!("`{name}` cannot be read: {reason}"));
            vec![finding.help("check the path given to `--config`")]
        })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let id = sources.add(Source::new(SourceKind::Manifest, name.clone(), text));
        Reader { id, folder, config: Config { name, ..Config::default() }, findings: Vec::new() }
            .read(&sources.get(id).text)
    }
}

/// Looks for the file where people expect it; above a repository lies somebody else's.
fn nearest() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let mut shown = PathBuf::new();
    for folder in here.ancestors() {
        if folder.join(FILE).is_file() {
            return Some(shown.join(FILE));
        }
        if folder.join(".git").exists() {
            return None;
        }
        shown.push("..");
    }
    None
}

struct Reader {
    id: SourceId,
    folder: PathBuf,
    config: Config,
    findings: Vec<Diagnostic>,
}

impl Reader {
    fn read(mut self, text: &str) -> Result<Config, Vec<Diagnostic>> {
        match DeTable::parse(text) {
            Ok(table) => self.table(table.get_ref()),
            Err(error) => {
                let finding = self.wrong(error.message().trim(), error.span().unwrap_or(0..0));
                self.findings.push(finding.help("see https://toml.io for how TOML is written"));
            }
        }
        if self.findings.is_empty() { Ok(self.config) } else { Err(self.findings) }
    }

    fn table(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "lints" => self.lints(value),
                "kinds" => self.kinds(value),
                "profile" => self.profiles(value),
                "manifests" => self.config.manifests = self.paths("manifests", value),
                other => {
                    let finding = self.wrong(&format!("unknown key `{other}`"), key.span());
                    self.findings.push(match did_you_mean(other, KEYS.iter().copied()) {
                        Some(near) => finding.label(format!("did you mean `{near}`?")),
                        None => finding.help(format!("known keys: {}", KEYS.join(", "))),
                    });
                }
            }
        }
    }

    fn lints(&mut self, value: &Spanned<DeValue<'_>>) {
        let Some(table) = value.get_ref().as_table() else {
            let finding = self.wrong("`lints` is a table", value.span());
            return self
                .findings
                .push(finding.help("write `[lints]`, and below it lines like `latest-tag = \"deny\"`"));
        };
        for (key, level) in table {
            match level.get_ref().as_str().filter(|word| ["allow", "warn", "deny"].contains(word)) {
                Some(word) => {
                    let name = self.placed(key.get_ref().to_string(), key.span());
                    let level = self.placed(word.to_owned(), level.span());
                    self.config.lints.push((name, level));
                }
                None => {
                    let message = format!("the level of `{}` cannot be this", key.get_ref());
                    let finding = self.wrong(&message, level.span());
                    self.findings.push(finding.help("levels: \"allow\", \"warn\", \"deny\""));
                }
            }
        }
    }

    fn kinds(&mut self, value: &Spanned<DeValue<'_>>) {
        let mut folders: Vec<Placed<PathBuf>> = Vec::new();
        for folder in self.paths("kinds", value) {
            let shown = folder.value.display();
            let has_part = ["schemas", "templates"].iter().any(|part| folder.value.join(part).is_dir());
            let message = if !has_part {
                format!("`{shown}` has neither a folder `schemas` nor a folder `templates`")
            } else if folders.iter().any(|known| known.value == folder.value) {
                format!("`{shown}` is listed twice")
            } else {
                folders.push(folder);
                continue;
            };
            let finding = Diagnostic::unable("bad-config", message).at(folder.place);
            self.findings.push(finding.help("name each folder that holds `schemas/` and `templates/` once"));
        }
        self.config.kinds = folders;
    }

    fn profiles(&mut self, value: &Spanned<DeValue<'_>>) {
        let name = |item: &Spanned<DeValue<'_>>| {
            item.get_ref().as_str().map(|name| self.placed(name.to_owned(), item.span()))
        };
        let names: Option<Vec<_>> = match value.get_ref().as_array() {
            Some(items) => items.iter().map(name).collect(),
            None => name(value).map(|name| vec![name]),
        };
        match names {
            Some(names) => self.config.profiles = names,
            None => {
                let finding =
                    self.wrong("`profile` is the name of a profile, or a list of names", value.span());
                self.findings.push(finding.help("write `profile = \"restricted\"`"));
            }
        }
    }

    fn paths(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Vec<Placed<PathBuf>> {
        let items = value.get_ref().as_array();
        let Some(items) = items.filter(|items| items.iter().all(|item| item.get_ref().is_str())) else {
            let finding = self.wrong(&format!("`{key}` is a list of folders"), value.span());
            self.findings.push(finding.help(format!("write `{key} = [\"platform\"]`")));
            return Vec::new();
        };
        let mut paths = Vec::new();
        for item in items.iter() {
            let path = self.folder.join(item.get_ref().as_str().unwrap_or_default());
            let placed = self.placed(path, item.span());
            if placed.value.exists() {
                paths.push(placed);
            } else {
                let message = format!("there is no file or folder `{}`", placed.value.display());
                let finding = self.wrong(&message, item.span());
                self.findings.push(finding.help("paths start from the folder that daphnia.toml is in"));
            }
        }
        paths
    }

    fn placed<T>(&self, value: T, span: std::ops::Range<usize>) -> Placed<T> {
        Placed { value, place: Place::new(self.id, span) }
    }

    fn wrong(&self, message: &str, span: std::ops::Range<usize>) -> Diagnostic {
        Diagnostic::unable("bad-config", message).at(Place::new(self.id, span))
    }
}
