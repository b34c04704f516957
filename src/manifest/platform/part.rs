//! One document of a platform: what it is, what it is called, and what it refers to.

use super::{entry, kubernetes_name};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::document::Document;
use crate::source::Place;
use crate::yaml::{Map, Node};

const ACTIONS: &[&str] = &["job", "serve", "build", "deploy"];
/// What documents of a platform have beside what they say; what the server writes there is read and not used.
const TOP: &[&str] =
    &["kind", "metadata", "spec", "status", "user", "project", "name", "id", "key", "extensions"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    Function,
    Task(String),
    /// The action, if its kind says it.
    Run(Option<String>),
}

/// A function, a task or a run.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub role: Role,
    pub root: Node,
    pub ambiguous: Vec<Place>,
    /// Of a function inside a project's document.
    project: Option<Node>,
}

/// Says whether a document is one of a platform: they have a `kind` and no `apiVersion`.
pub(in super::super) fn is_exported(root: &Node) -> bool {
    let kind = root.get("kind").and_then(Node::as_str).unwrap_or_default();
    let is_own = kind == "project" || kind == "container" || kind.starts_with("container+");
    is_own && root.get("apiVersion").is_none() && root.get("api_version").is_none()
}

impl Part {
    /// Reads a document; one of a project has any number of functions.
    pub fn read(document: Document) -> Result<Vec<Part>, Box<Diagnostic>> {
        let Document { root, ambiguous } = document;
        let kind = root.get("kind").and_then(Node::as_str).unwrap_or_default().to_owned();
        if kind == "project" {
            return Ok(embedded(&root, &ambiguous));
        }
        if let Some(unknown) = root.as_map().and_then(unknown_field) {
            return Err(Box::new(unknown));
        }
        let role = role(&kind).ok_or_else(|| Box::new(unknown_kind(&root, &kind)))?;
        let part = Part { role, root, ambiguous, project: None };
        if part.role == Role::Function && part.name().is_none_or(|name| kubernetes_name(name).is_empty()) {
            return Err(Box::new(part.lacks_name()));
        }
        Ok(vec![part])
    }

    pub fn name(&self) -> Option<&str> {
        self.name_node()?.as_str()
    }

    pub fn name_node(&self) -> Option<&Node> {
        let own = entry(&self.root, "name").or_else(|| self.metadata("name"));
        own.or_else(|| entry(&self.root, "id"))
    }

    pub fn name_place(&self) -> Place {
        self.name_node().or_else(|| entry(&self.root, "kind")).map_or(self.root.place, |node| node.place)
    }

    pub fn id(&self) -> Option<&str> {
        entry(&self.root, "id")?.as_str()
    }

    pub fn project(&self) -> Option<&Node> {
        let own = entry(&self.root, "project").or_else(|| self.metadata("project"));
        own.or(self.project.as_ref())
    }

    pub fn metadata(&self, field: &str) -> Option<&Node> {
        entry(entry(&self.root, "metadata")?, field)
    }

    pub fn spec(&self, field: &str) -> Option<&Node> {
        entry(entry(&self.root, "spec")?, field)
    }

    pub fn spec_map(&self) -> Option<&Map> {
        entry(&self.root, "spec")?.as_map()
    }

    pub fn action(&self) -> Option<&str> {
        match &self.role {
            Role::Task(action) => Some(action),
            Role::Run(action) => action.as_deref(),
            Role::Function => None,
        }
    }

    pub fn kind_place(&self) -> Place {
        entry(&self.root, "kind").map_or(self.root.place, |kind| kind.place)
    }

    pub fn lacks(&self, field: &str) -> Diagnostic {
        Diagnostic::error("missing-field", format!("missing field `{field}` in `spec`"))
            .at(self.kind_place())
            .label(format!("lacks `{field}`"))
            .help(format!(
                "add `{field}: container://PROJECT/NAME:ID`, or put the document below its function"
            ))
    }

    fn lacks_name(&self) -> Diagnostic {
        match self.name_node() {
            Some(name) => {
                Diagnostic::error("wrong-format", "a function's name has a letter or a digit in it")
                    .at(name.place)
                    .label("no name")
            }
            None => Diagnostic::error("missing-field", "missing field `name`")
                .at(self.kind_place())
                .label("lacks `name`")
                .help("add `name`: what the function is called"),
        }
    }
}

fn role(kind: &str) -> Option<Role> {
    let rest = kind.strip_prefix("container")?;
    let (action, is_run) = rest.strip_suffix(":run").map_or((rest, false), |action| (action, true));
    let action = action.strip_prefix('+');
    match action {
        None if rest.is_empty() => Some(Role::Function),
        // As runs of any action were called until 2025.
        Some("run") if !is_run => Some(Role::Run(None)),
        Some(action) if ACTIONS.contains(&action) => Some(match is_run {
            true => Role::Run(Some(action.to_owned())),
            false => Role::Task(action.to_owned()),
        }),
        _ => None,
    }
}

fn unknown_kind(root: &Node, kind: &str) -> Diagnostic {
    let tasks = ACTIONS.iter().map(|action| format!("container+{action}"));
    let runs = ACTIONS.iter().map(|action| format!("container+{action}:run"));
    let known: Vec<String> = std::iter::once("container".to_owned()).chain(tasks).chain(runs).collect();
    let place = root.get("kind").map_or(root.place, |kind| kind.place);
    let finding = Diagnostic::error("unknown-kind", format!("there is no kind `{kind}`")).at(place);
    match did_you_mean(kind, known.iter().map(String::as_str)) {
        Some(near) => {
            finding.label(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), place, near)
        }
        None => finding.label("not a kind").help(format!("known kinds: {}", known.join(", "))),
    }
}

fn unknown_field(map: &Map) -> Option<Diagnostic> {
    let (key, _) = map.entries.iter().find(|(key, value)| {
        !TOP.contains(&key.text.as_str()) && !key.text.starts_with("x-") && !value.is_null()
    })?;
    let finding = Diagnostic::error("unknown-field", format!("unknown field `{}`", key.text))
        .at(key.place)
        .label("not a field here");
    Some(match did_you_mean(&key.text, TOP.iter().copied()) {
        Some(near) => finding.fix(format!("a field with a similar name exists: `{near}`"), key.place, near),
        None => finding.help(format!("possible fields: {}", TOP.join(", "))),
    })
}

/// The functions that a project's document has inside; a function that is only named there has a document of its own.
fn embedded(project: &Node, ambiguous: &[Place]) -> Vec<Part> {
    let functions = project.at(["spec", "functions"]).and_then(Node::as_list).unwrap_or_default();
    let is_own = |node: &&Node| {
        node.get("kind").and_then(Node::as_str) == Some("container") && entry(node, "spec").is_some()
    };
    let name = entry(project, "name").or_else(|| project.at(["metadata", "name"]));
    let parts = functions.iter().filter(is_own).map(|node| {
        let is_inside = |place: &&Place| node.place.start <= place.start && place.end <= node.place.end;
        Part {
            role: Role::Function,
            root: node.clone(),
            ambiguous: ambiguous.iter().filter(is_inside).copied().collect(),
            project: name.cloned(),
        }
    });
    parts.filter(|part| part.name().is_some()).collect()
}

/// `container://project/name:id`, or `container+job://project/id`.
pub(super) struct Reference<'n> {
    pub project: Option<&'n str>,
    pub name: &'n str,
    id: Option<&'n str>,
    text: &'n str,
    pub place: Place,
}

impl<'n> Reference<'n> {
    pub fn read(node: &'n Node) -> Result<Reference<'n>, Box<Diagnostic>> {
        let wrong = || {
            Box::new(
                Diagnostic::error("wrong-format", "this refers to nothing")
                    .at(node.place)
                    .label("not a reference")
                    .help("write `container://PROJECT/NAME:ID` for a function, `container+job://PROJECT/ID` for a task"),
            )
        };
        let text = node.as_str().ok_or_else(wrong)?;
        let (_, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (project, name) = rest.split_once('/').ok_or_else(wrong)?;
        let (name, id) = name.split_once(':').map_or((name, None), |(name, id)| (name, Some(id)));
        if name.is_empty() {
            return Err(wrong());
        }
        Ok(Reference { project: Some(project), name, id, text, place: node.place })
    }

    pub fn text(&self) -> &str {
        self.text
    }

    /// What a document does not say of itself, it may be.
    pub fn means(&self, part: &Part) -> bool {
        let is_same = |own: Option<&str>, wanted: Option<&str>| {
            own.zip(wanted).is_none_or(|(own, wanted)| own == wanted)
        };
        let is_named = part.name() == Some(self.name) || part.id() == Some(self.name);
        is_named
            && is_same(part.project().and_then(Node::as_str), self.project)
            && (part.role != Role::Function || is_same(part.id(), self.id))
            && self.text.split("://").next() == entry(&part.root, "kind").and_then(Node::as_str)
    }
}
