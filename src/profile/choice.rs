//! Which profiles a manifest has: the team's, its own, and those that the command line adds.

use super::wrong;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::source::Place;
use crate::yaml::{Node, Value};

/// Where a Kubernetes object names its profiles, and any other manifest may.
pub const ANNOTATION: &str = "daphnia.dev/profile";

/// A profile that something asks for, and where.
#[derive(Debug, Clone)]
pub struct Choice {
    pub name: String,
    /// `None` if it was asked for outside of the texts of this run.
    pub place: Option<Place>,
}

/// Profiles that apply to every manifest; their names are known.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// `profile` in `daphnia.toml`.
    pub team: Vec<String>,
    /// `--profile`.
    pub asked: Vec<String>,
    /// One that is left out, whoever asks for it.
    pub without: Option<String>,
}

/// Lists the profiles of a manifest in the order in which they apply: the team's, then those of the annotation, of
/// the manifest's `profile`, and of the command line. `holder` is the part of the manifest with that field.
pub fn choices(
    manifest: &Node,
    holder: Option<&Node>,
    chosen: &Chosen,
    findings: &mut Vec<Diagnostic>,
) -> Vec<Choice> {
    let named = |name: &String| Choice { name: name.clone(), place: None };
    let annotation = manifest.at(["metadata", "annotations", ANNOTATION]);
    let field = holder.and_then(|holder| holder.get("profile"));
    let mut choices: Vec<Choice> = chosen.team.iter().map(named).collect();
    for node in [annotation, field].into_iter().flatten() {
        match names_in(node) {
            Some(more) => choices.extend(more),
            // A field of the wrong type is told by its schema.
            None if Some(node) == annotation => {
                let message = format!("`{ANNOTATION}` holds names of profiles, separated by commas");
                findings.push(Diagnostic::error("wrong-type", message).at(node.place).label("not a string"));
            }
            None => {}
        }
    }
    choices.extend(chosen.asked.iter().map(named));
    choices.retain(|choice| chosen.without.as_ref() != Some(&choice.name));
    choices
}

/// Reads a name, names separated by commas, or a list of names.
pub(super) fn names_in(node: &Node) -> Option<Vec<Choice>> {
    match &node.value {
        Value::Null => Some(Vec::new()),
        Value::String(text) => {
            Some(names(text).map(|name| Choice { name: name.to_owned(), place: Some(node.place) }).collect())
        }
        Value::List(items) => {
            let choice =
                |item: &Node| Some(Choice { name: item.as_str()?.to_owned(), place: Some(item.place) });
            items.iter().map(choice).collect()
        }
        _ => None,
    }
}

/// Splits `restricted,spot`.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// Says that there is no profile of this name, and which there are.
pub fn unknown(choice: &Choice, catalog: &Catalog) -> Diagnostic {
    let known = catalog.profiles();
    let finding = wrong(format!("there is no profile `{}`", choice.name), choice.place);
    let finding = Diagnostic { code: "unknown-profile".into(), ..finding };
    let near = did_you_mean(&choice.name, known.iter().map(String::as_str));
    let near = near.map(|near| format!("did you mean `{near}`?"));
    let finding = match (near, choice.place) {
        (Some(near), Some(_)) => finding.label(near),
        (Some(near), None) => finding.help(near),
        (None, _) => finding.label("not a profile"),
    };
    finding.help(format!("known profiles: {}", known.join(", ")))
}
