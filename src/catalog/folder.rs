//! A folder of the user's own kinds and profiles → the texts in it, each read when it is asked for.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::flaws::Flaws;
use crate::diagnostic::Diagnostic;

/// `schemas/`, `templates/`, `templates/profiles/`, `examples/` below one folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    schemas: OnceLock<Vec<String>>,
    profiles: OnceLock<Vec<String>>,
}

/// A text that is embedded, or was read from a folder.
#[derive(Debug, Clone)]
pub struct Text {
    /// How messages call it: `kubernetes-job.yaml`, `platform/templates/web-app.yaml`.
    pub name: String,
    pub text: Cow<'static, str>,
}

pub(super) const SCHEMAS: &str = "schemas";
pub(super) const TEMPLATES: &str = "templates";
pub(super) const PROFILES: &str = "templates/profiles";
pub(super) const EXAMPLES: &str = "examples";

impl Folder {
    pub(super) fn new(path: PathBuf) -> Folder {
        Folder { path, schemas: OnceLock::new(), profiles: OnceLock::new() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self, part: &str, file: &str) -> PathBuf {
        self.path.join(part).join(file)
    }

    /// Reads a file; `None` if there is none of this name.
    pub(super) fn read(&self, part: &str, file: &str) -> Option<Result<Text, Flaws>> {
        let path = self.file(part, file);
        let name = path.display().to_string();
        match std::fs::read(&path) {
            Ok(bytes) => Some(match String::from_utf8(bytes) {
                Ok(text) => Ok(Text { name, text: Cow::Owned(text) }),
                Err(_) => Err(unreadable(&name, "it is not UTF-8")),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => Some(Err(unreadable(&name, &reason(&error)))),
        }
    }

    /// Lists the names of the schemas, without their ending, in their order.
    pub(super) fn schemas(&self) -> &[String] {
        self.schemas.get_or_init(|| self.stems(SCHEMAS, "json"))
    }

    pub(super) fn profiles(&self) -> &[String] {
        self.profiles.get_or_init(|| self.stems(PROFILES, "yaml"))
    }

    /// What cannot be listed cannot be read either, and is told of then.
    fn stems(&self, part: &str, ending: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path.join(part)).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut stems: Vec<String> = names
            .filter(|name| !name.starts_with('.'))
            .filter_map(|name| Some(name.strip_suffix(ending)?.strip_suffix('.')?.to_owned()))
            .collect();
        stems.sort();
        stems
    }
}

fn unreadable(name: &str, why: &str) -> Flaws {
    let finding = Diagnostic::unable("unreadable", format!("`{name}` cannot be read: {why}"));
    Flaws::of(finding.help("check the file, and the folders under `kinds` in daphnia.toml"))
}

fn reason(error: &std::io::Error) -> String {
    let reason = error.to_string();
    reason.split(" (os error").next().unwrap_or_default().to_lowercase()
}
