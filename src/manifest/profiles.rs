//! The profiles of a manifest → the defaults that they fill in, and the patches that wait for what it becomes.

use std::sync::Arc;

use super::each::{self, Each};
use super::{Manifest, values};
use crate::catalog::shape::Shape;
use crate::catalog::{Catalog, Kind};
use crate::diagnostic::{Diagnostic, Diagnostics, Level};
use crate::profile::{Choice, Chosen, Decisions, Patch, Profiles, choices, fill, unknown};
use crate::source::Sources;
use crate::yaml::{Key, Node, Value};

/// Where profiles are found, and which of them all manifests have.
pub(super) struct Decider<'a> {
    pub profiles: Profiles<'a>,
    pub chosen: &'a Chosen,
    pub catalog: &'a Catalog,
    pub sources: &'a Sources,
}

/// What profiles decide of one manifest: the part of it that has the field `profile`.
#[derive(Debug)]
pub(super) struct Part {
    /// Which item of its kind's list it is.
    pub index: Option<usize>,
    path: Vec<String>,
    pub choices: Vec<Choice>,
}

impl Decider<'_> {
    /// Lists the parts of a manifest that profiles are for, each with its profiles.
    pub fn parts(
        &mut self,
        node: &Node,
        kind: &Kind,
        is_exported: bool,
        findings: &mut Vec<Diagnostic>,
    ) -> Vec<Part> {
        let indexes = match each::count(node, kind) {
            Some(count) => (0..count).map(Some).collect(),
            None => vec![None],
        };
        let mut parts = Vec::new();
        for index in indexes {
            let path = path(kind, index);
            let names_profiles = shape_at(kind.shape(), &path)
                .and_then(|shape| shape.property("profile"))
                .is_some_and(|field| field.keyword("x-profile").is_some());
            let holder = node.at(path.iter().map(String::as_str)).filter(|_| names_profiles);
            let choices = self.known(choices(node, holder, self.chosen, findings), is_exported, findings);
            parts.push(Part { index, path, choices });
        }
        parts
    }

    /// Lists the profiles of a Kubernetes object.
    pub fn of_object(&mut self, object: &Node, findings: &mut Vec<Diagnostic>) -> Vec<Choice> {
        self.known(choices(object, None, self.chosen, findings), false, findings)
    }

    /// Leaves out what there is not, which is told once for each place. A platform may know profiles of its own.
    fn known(&mut self, all: Vec<Choice>, is_exported: bool, findings: &mut Vec<Diagnostic>) -> Vec<Choice> {
        let mut known = Vec::new();
        for choice in all {
            match self.profiles.find(&choice.name) {
                Ok(Some(_)) => known.push(choice),
                Ok(None) => {
                    let mut finding = unknown(&choice, self.catalog);
                    if is_exported {
                        finding.level = Level::Warning;
                        finding.help.push(
                            "nothing of it is here: what the platform's own profile adds is left out".into(),
                        );
                    }
                    if !findings.contains(&finding) {
                        findings.push(finding);
                    }
                }
                Err(Diagnostics(more)) => findings.extend(more),
            }
        }
        known
    }

    /// Fills in the defaults of the profiles, before anything is checked.
    pub fn fill(
        &mut self,
        node: &mut Node,
        kind: &Arc<Kind>,
        parts: &[Part],
        findings: &mut Vec<Diagnostic>,
    ) -> Result<(), Diagnostics> {
        let shape = kind.shape();
        let name = node.get("kind").and_then(Node::as_str).unwrap_or_default().to_owned();
        for part in parts.iter().filter(|part| !part.choices.is_empty()) {
            let mut seen = node.clone();
            values::complete(&mut seen, shape, "", self.sources);
            let manifest = Manifest {
                kind: Some(Arc::clone(kind)),
                node: seen,
                given: node.clone(),
                index: part.index,
                is_exported: false,
                patches: Vec::new(),
            };
            let Decisions { defaults, .. } = self.profiles.decide(&part.choices, &variables(&manifest))?;
            let Some(shape) = shape_at(shape, &part.path) else { continue };
            let Some(holder) = at_mut(node, &part.path) else { continue };
            // A later profile has the last word, so what it says is filled in first.
            for mut defaults in defaults.into_iter().rev() {
                values::canonicalize(&mut defaults.fields, shape, findings);
                let is_elsewhere = |field: &str| self.is_field_of_another(field, &name);
                fill(holder, &defaults, shape, &name, &is_elsewhere, findings);
            }
        }
        Ok(())
    }

    /// A default is for the kinds that have its field.
    fn is_field_of_another(&self, field: &str, kind: &str) -> bool {
        let has_field = |name: String| {
            let Some(Ok(other)) = self.catalog.kind(&name) else { return false };
            let first = other.shape().own("x-each").map(|_| 0);
            let shape = shape_at(other.shape(), &path(&other, first));
            shape.is_some_and(|shape| shape.properties().iter().any(|(known, _)| *known == field))
        };
        self.catalog.kinds().into_iter().filter(|name| name != kind).any(has_field)
    }

    /// Returns what the profiles patch of what a manifest becomes.
    pub fn patches(&mut self, choices: &[Choice], manifest: &Manifest) -> Result<Vec<Patch>, Diagnostics> {
        if choices.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.profiles.decide(choices, &variables(manifest))?.patches)
    }
}

/// The way to the part of a manifest that names its profiles, and that defaults are for.
fn path(kind: &Kind, index: Option<usize>) -> Vec<String> {
    let item = Each::of(kind.shape()).zip(index);
    match item {
        Some((each, index)) => {
            each.list.iter().map(|step| (*step).to_owned()).chain([index.to_string()]).collect()
        }
        None => vec!["spec".to_owned()],
    }
}

fn shape_at<'s>(shape: Shape<'s>, path: &[String]) -> Option<Shape<'s>> {
    path.iter().try_fold(shape, |shape, step| match step.parse::<usize>() {
        Ok(_) => shape.items(),
        Err(_) => shape.property(step),
    })
}

fn at_mut<'n>(node: &'n mut Node, path: &[String]) -> Option<&'n mut Node> {
    path.iter().try_fold(node, |node, step| match &mut node.value {
        Value::Map(map) => map.get_mut(step),
        Value::List(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// What templates and profiles see of a manifest: its fields, `given` for its spec as it is written, and `task`, or
/// whatever its kind calls the items that it is made for.
pub fn variables(manifest: &Manifest) -> Vec<(String, Node)> {
    let place = manifest.node.place;
    let null = || Node::new(Value::Null, place);
    let mut variables: Vec<(String, Node)> = vec![("task".to_owned(), null())];
    let mut set = |name: &str, node: Node| match variables.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => *old = node,
        None => variables.push((name.to_owned(), node)),
    };
    for name in ["metadata", "spec"] {
        set(name, null());
    }
    for (key, node) in manifest.node.as_map().into_iter().flat_map(|map| &map.entries) {
        set(&key.text, node.clone());
    }
    let given = if manifest.kind.is_some() { &manifest.given } else { &manifest.node };
    set("given", given.get("spec").cloned().unwrap_or(null()));
    if manifest.kind.is_none() {
        set("metadata", with_fields(manifest.node.get("metadata").cloned().unwrap_or(null())));
    }
    if let Some((name, item)) = manifest.item() {
        set(name, item.clone());
    }
    variables
}

/// The metadata of an object, in which each field that profiles may ask for is there.
fn with_fields(mut metadata: Node) -> Node {
    let place = metadata.place;
    if let Some(map) = metadata.as_map_mut() {
        for name in ["name", "namespace", "labels", "annotations"] {
            if map.get(name).is_none() {
                map.set(Key::new(name, place), Node::new(Value::Null, place));
            }
        }
    }
    metadata
}
