//! The profiles that there are, as a list for people.

use crate::catalog::{Catalog, Flaws, Template};
use crate::source::SourceId;
use crate::yaml;

/// A line of the list of profiles.
#[derive(Debug)]
pub struct ProfileLine {
    pub name: String,
    pub description: String,
    /// `daphnia`, or the file that it comes from.
    pub source: String,
}

/// Lists the profiles, and what keeps others from being used.
pub fn list(catalog: &Catalog) -> (Vec<ProfileLine>, Vec<Flaws>) {
    let mut lines = Vec::new();
    let mut flaws = Vec::new();
    for name in catalog.profiles() {
        match catalog.profile(&name) {
            Ok(Some(Template { name: file, text, .. })) => {
                let source = if file == name { "daphnia".to_owned() } else { file };
                lines.push(ProfileLine { name, description: description(&text), source });
            }
            Ok(None) => {}
            Err(more) => flaws.push(more),
        }
    }
    (lines, flaws)
}

/// Reads the description alone: all else may depend on the manifest.
fn description(text: &str) -> String {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("description:"));
    let Some(first) = lines.next() else { return String::new() };
    let more = lines.take_while(|line| line.starts_with([' ', '\t']));
    let part = std::iter::once(first).chain(more).collect::<Vec<_>>().join("\n");
    let (documents, _) = yaml::read(SourceId::NONE, &part);
    let root = documents.into_iter().next().map(|document| document.root);
    let described =
        root.and_then(|root| root.get("description").and_then(|node| node.as_str().map(str::to_owned)));
    described.unwrap_or_default().trim().to_owned()
}
