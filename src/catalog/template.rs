//! The text of a template or a profile, and what it means by the names of others.

use std::borrow::Cow;
use std::sync::Arc;

use super::embedded::{self, Embedded, text_of};
use super::flaws::Flaws;
use super::folder::{Folder, TEMPLATES, Text};
use crate::source::SourceKind;

/// Where kinds and profiles come from.
#[derive(Debug, Clone)]
pub(super) enum Home {
    BuiltIn,
    Folder(Arc<Folder>),
}

/// A template or a profile, and where what it imports is found.
#[derive(Debug, Clone)]
pub struct Template {
    /// What it is to whoever reads of it: a template, or a profile.
    pub kind: SourceKind,
    /// How messages call it: `kubernetes-job.yaml`, `platform/templates/web-app.yaml`, `spot`. No two have the same.
    pub name: String,
    pub text: Cow<'static, str>,
    pub(super) home: Home,
}

impl Template {
    /// Returns the template that `{% import "file" %}` means in this one: of the same folder, else a built-in one.
    pub fn import(&self, file: &str) -> Result<Option<Template>, Flaws> {
        match self.home.template(file)? {
            None => Home::BuiltIn.template(file),
            found => Ok(found),
        }
    }
}

impl Home {
    pub(super) fn folder(&self) -> Option<&Arc<Folder>> {
        if let Home::Folder(folder) = self { Some(folder) } else { None }
    }

    pub(super) fn template(&self, file: &str) -> Result<Option<Template>, Flaws> {
        self.text(TEMPLATES, embedded::TEMPLATES, file)
    }

    pub(super) fn text(&self, part: &str, table: Embedded, file: &str) -> Result<Option<Template>, Flaws> {
        // A name leads nowhere but below the folder.
        if file.split(['/', '\\']).any(|step| step == "..") || file.starts_with(['/', '\\']) {
            return Ok(None);
        }
        let found = match self {
            Home::Folder(folder) => folder.read(part, file).transpose()?,
            Home::BuiltIn => {
                let text = file.strip_suffix(".yaml").and_then(|stem| text_of(table, stem));
                text.map(|text| Text { name: file.to_owned(), text: Cow::Borrowed(text) })
            }
        };
        Ok(found.map(|Text { name, text }| Template {
            kind: SourceKind::Template,
            name,
            text,
            home: self.clone(),
        }))
    }
}
