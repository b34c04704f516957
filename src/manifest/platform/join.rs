//! A function, its tasks and a run → the manifest that says the same.

use super::part::{Part, Role};
use super::{entry, kubernetes_name};
use crate::diagnostic::Diagnostic;
use crate::document::Document;
use crate::manifest::values::camel_case;
use crate::source::Place;
use crate::yaml::{Key, Map, Node, Value};

/// What a run repeats of its function.
const OF_FUNCTION: &[&str] = &["image", "baseImage", "imagePullPolicy", "command", "source"];
/// What only a platform needs of a task or a run.
const REFERENCES: &[&str] = &["function", "task", "localExecution"];
/// The most characters of a run's id that its objects are called by, and those that a task's name may have.
const RUN_ID: usize = 8;
const LONGEST_NAME: usize = 52;

/// A task as it is to be done: as it stands, or as a run changes it.
pub(super) struct Joined<'p> {
    pub task: Option<&'p Part>,
    pub run: Option<&'p Part>,
}

pub(super) fn join(function: &Part, tasks: &[Joined<'_>], findings: &mut Vec<Diagnostic>) -> Document {
    let place = function.root.place;
    let name = function.name().unwrap_or_default();
    let mut metadata = Map::default();
    metadata
        .set(key("name", function.name_place()), Node::string(kubernetes_name(name), function.name_place()));
    let mut spec = canonical(function.spec_map());
    let about = [
        ("project", function.project()),
        ("description", function.metadata("description")),
        ("labels", function.metadata("labels")),
    ];
    for (field, node) in about {
        if let Some(node) = node.filter(|_| spec.get(field).is_none()) {
            spec.set(key(field, node.place), node.clone());
        }
    }
    let mut items = Vec::new();
    let mut ambiguous = function.ambiguous.clone();
    for joined in tasks {
        items.push(joined.item(kubernetes_name(name), &mut spec, findings));
        ambiguous.extend(joined.parts().flat_map(|part| part.ambiguous.clone()));
    }
    spec.set(key("tasks", place), Node::new(Value::List(items), place));
    let kind = function.kind_place();
    let entries = vec![
        (key("apiVersion", kind), Node::string("daphnia.dev/v1", kind)),
        (key("kind", kind), Node::string(super::KIND, kind)),
        (key("metadata", function.name_place()), Node::new(Value::Map(metadata), function.name_place())),
        (
            key("spec", place),
            Node::new(Value::Map(spec), entry(&function.root, "spec").map_or(place, |s| s.place)),
        ),
    ];
    Document { root: Node::new(Value::Map(Map { entries }), place), ambiguous }
}

impl Joined<'_> {
    fn parts(&self) -> impl Iterator<Item = &Part> {
        [self.task, self.run].into_iter().flatten()
    }

    fn item(&self, function: String, shared: &mut Map, findings: &mut Vec<Diagnostic>) -> Node {
        let last = self.run.or(self.task);
        let place = last
            .map_or(crate::source::Place::new(crate::source::SourceId::NONE, 0..0), |part| part.root.place);
        let action = self.parts().find_map(Part::action).unwrap_or_default().to_owned();
        let mut item = Map::default();
        let at = last.map_or(place, Part::kind_place);
        item.set(key("action", at), Node::string(&action, at));
        if let Some(run) = self.run {
            item.entries.extend(run_name(run, &function, &action));
        }
        for part in self.parts() {
            let mut fields = canonical(part.spec_map());
            // In a catalog, what a task is to be run with stands in its template.
            if let Some(template) = fields.remove("template").as_ref().and_then(Node::as_map) {
                canonical(Some(template)).entries.into_iter().for_each(|(key, node)| item.set(key, node));
            }
            for (key, node) in fields.entries {
                let is_of_function =
                    matches!(part.role, Role::Run(_)) && OF_FUNCTION.contains(&key.text.as_str());
                if REFERENCES.contains(&key.text.as_str()) {
                    findings.extend(local(&key, &node));
                } else if is_of_function {
                    findings.extend(of_function(key, node, &action, shared, &mut item));
                } else {
                    item.set(key, node);
                }
            }
        }
        Node::new(Value::Map(item), place)
    }
}

/// A run of its own has objects of its own, called by the beginning of its id.
fn run_name(run: &Part, function: &str, action: &str) -> Option<(Key, Node)> {
    let node = entry(&run.root, "id").or_else(|| run.name_node())?;
    let id: String = kubernetes_name(node.as_str()?).chars().take(RUN_ID).collect();
    let room = LONGEST_NAME - action.len() - RUN_ID - 2;
    let stem: String = function.chars().take(room).collect();
    let name = format!("{}-{action}-{}", stem.trim_end_matches('-'), id.trim_end_matches('-'));
    Some((key("name", node.place), Node::string(name, node.place)))
}

/// A run does not change its function: what it repeats, the function may leave out, and says otherwise alone.
fn of_function(key: Key, node: Node, action: &str, shared: &mut Map, item: &mut Map) -> Option<Diagnostic> {
    match shared.get(&key.text) {
        None => shared.set(key, node),
        Some(own) if own.to_json() == node.to_json() => {}
        // A build takes them as its own.
        Some(_) if action == "build" && ["image", "baseImage"].contains(&key.text.as_str()) => {
            item.set(key, node)
        }
        Some(own) => {
            let message = format!("a run does not change the function's `{}`", key.text);
            return Some(
                Diagnostic::warning("no-effect", message)
                    .at(node.place)
                    .related(own.place, "what the function says")
                    .help("change the function, or remove it here"),
            );
        }
    }
    None
}

fn local(key: &Key, node: &Node) -> Option<Diagnostic> {
    let is_local = key.text == "localExecution" && node.as_bool() == Some(true);
    is_local.then(|| {
        Diagnostic::warning(
            "no-effect",
            "a local execution is a matter of the platform's own library; this runs in the cluster",
        )
        .at(key.place)
        .help("remove it")
    })
}

/// The fields that are there, in one spelling, so that a run finds those of its task.
fn canonical(map: Option<&Map>) -> Map {
    let entries = map.into_iter().flat_map(|map| &map.entries).filter(|(_, node)| !node.is_null());
    let mut canonical = Map::default();
    for (key, node) in entries {
        let text = camel_case(&key.text);
        match canonical.get(&text) {
            // Two spellings of one field are told by those who know the fields.
            Some(_) => canonical.entries.push((key.clone(), node.clone())),
            None => canonical.set(Key::new(text, key.place), node.clone()),
        }
    }
    canonical
}

fn key(text: &str, place: Place) -> Key {
    Key::new(text, place)
}
