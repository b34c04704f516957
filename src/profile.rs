//! Profiles, and the manifest that they are for → defaults and patches. A profile is what a team decides once.

mod choice;
mod fill;
mod list;
mod merge;
mod patch;
mod read;

use std::collections::HashMap;

use crate::catalog::{Catalog, Template};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{Place, SourceKind, Sources};
use crate::template::Templates;
use crate::yaml::{Node, Value};

pub use choice::{ANNOTATION, Choice, Chosen, choices, names, unknown};
pub use fill::fill;
pub use list::{ProfileLine, list};
pub use patch::{Patch, Target, patch};
use read::Parts;

/// How many profiles may extend each other in a row.
const DEPTH: usize = 32;

/// What the profiles of one manifest come to, in the order in which they apply.
#[derive(Debug, Default)]
pub struct Decisions {
    pub defaults: Vec<Defaults>,
    pub patches: Vec<Patch>,
}

/// Fields that a profile fills in where a manifest leaves them out.
#[derive(Debug)]
pub struct Defaults {
    pub profile: String,
    pub fields: Node,
}

/// The profiles of a run; each is read once, and rendered for every manifest.
pub struct Profiles<'a> {
    catalog: &'a Catalog,
    sources: &'a Sources,
    known: HashMap<String, Option<Template>>,
    /// Made when a manifest has a profile: few do.
    templates: Option<Templates<'a>>,
}

impl<'a> Profiles<'a> {
    pub fn new(catalog: &'a Catalog, sources: &'a Sources) -> Self {
        Self { catalog, sources, known: HashMap::new(), templates: None }
    }

    /// Renders the chosen profiles, and those that they extend, for a manifest with these fields.
    pub fn decide(
        &mut self,
        choices: &[Choice],
        fields: &[(String, Node)],
    ) -> Result<Decisions, Diagnostics> {
        let mut walk = Walk { fields, open: Vec::new(), done: Vec::new(), decisions: Decisions::default() };
        let mut findings = Vec::new();
        for choice in choices {
            if let Err(Diagnostics(more)) = self.add(choice, &mut walk) {
                findings.extend(more);
            }
        }
        if findings.is_empty() { Ok(walk.decisions) } else { Err(Diagnostics(findings)) }
    }

    /// Adds what a profile extends, then the profile itself, each only once.
    fn add(&mut self, choice: &Choice, walk: &mut Walk<'_>) -> Result<(), Diagnostics> {
        let name = choice.name.as_str();
        if walk.open.iter().any(|open| open == name) {
            return Err(cycle(choice, &walk.open).into());
        }
        if walk.done.iter().any(|done| done == name) {
            return Ok(());
        }
        if walk.open.len() == DEPTH {
            let message = format!("the profile `{}` extends others more than {DEPTH} deep", walk.open[0]);
            return Err(wrong(message, choice.place).help("extend them from one profile").into());
        }
        let Some(template) = self.find(name)? else {
            return Err(unknown(choice, self.catalog).into());
        };
        let parts = self.read(name, &template, walk.fields)?;
        walk.open.push(name.to_owned());
        for extended in &parts.extends {
            self.add(extended, walk)?;
        }
        walk.open.pop();
        walk.done.push(name.to_owned());
        let defaults = parts.defaults.map(|fields| Defaults { profile: name.to_owned(), fields });
        walk.decisions.defaults.extend(defaults);
        walk.decisions.patches.extend(parts.patches);
        Ok(())
    }

    /// Returns the template of a profile; `None` if there is no profile of this name.
    pub fn find(&mut self, name: &str) -> Result<Option<Template>, Diagnostics> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let found = self.catalog.profile(name).map_err(|flaws| Diagnostics(flaws.tell(self.sources)))?;
        Ok(self.known.entry(name.to_owned()).or_insert(found).clone())
    }

    fn read(
        &mut self,
        name: &str,
        template: &Template,
        fields: &[(String, Node)],
    ) -> Result<Parts, Diagnostics> {
        let templates = self.templates.get_or_insert_with(|| Templates::new(self.sources));
        let mut documents = templates.render(template, fields.to_vec())?;
        for document in &mut documents {
            let place = document.place;
            decide_here(document, place, self.sources);
        }
        read::read(name, documents, self.catalog)
    }
}

/// The profiles that were added so far, and those that are being added.
struct Walk<'w> {
    fields: &'w [(String, Node)],
    open: Vec<String>,
    done: Vec<String>,
    decisions: Decisions,
}

/// What a profile takes over from the manifest is its decision, too, on the line where it does.
fn decide_here(node: &mut Node, line: Place, sources: &Sources) {
    let is_own =
        |place: Place| matches!(sources.get(place.source).kind, SourceKind::Profile | SourceKind::Template);
    if !is_own(node.place) {
        node.place = line;
    }
    let here = node.place;
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| decide_here(item, here, sources)),
        Value::Map(map) => map.entries.iter_mut().for_each(|(key, item)| {
            if !is_own(key.place) {
                key.place = here;
            }
            decide_here(item, key.place, sources);
        }),
        _ => {}
    }
}

fn cycle(choice: &Choice, open: &[String]) -> Diagnostic {
    let name = choice.name.as_str();
    let start = open.iter().position(|open| open == name).unwrap_or(0);
    let way: Vec<String> =
        open[start..].iter().map(String::as_str).chain([name]).map(|step| format!("`{step}`")).collect();
    wrong(format!("the profile {} extends itself: {}", way[0], way.join(" → ")), choice.place)
        .help("take one of the names out of its `extends`")
}

/// Something that whoever keeps the profile has to mend.
fn wrong(message: impl Into<String>, place: Option<Place>) -> Diagnostic {
    Diagnostic::error("bad-profile", message).at_opt(place)
}
