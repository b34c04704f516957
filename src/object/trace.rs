//! A path into an object → the field there, where its value comes from, and through which lines it came.

use std::fmt;

use super::{Object, ObjectId, Plan};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::source::{Place, SourceId, SourceKind, Sources};
use crate::yaml::{self, Node, Value};

/// Which field of which object: `Job/migrate:spec.backoffLimit`, `job/batch/migrate`, `Job.spec.backoffLimit`.
#[derive(Debug)]
pub struct Address<'a> {
    kind: &'a str,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    path: &'a str,
}

/// A field of a rendered object.
#[derive(Debug)]
pub struct Trace<'o> {
    pub object: &'o ObjectId,
    /// `spec.template.spec.containers[0].image`; empty for the whole object.
    pub path: String,
    /// The steps of the path as schemas know them: names without the numbers of items.
    pub fields: Vec<&'o str>,
    pub node: &'o Node,
    /// The lines of templates and profiles that put the value here, the innermost of each text.
    pub through: Vec<Place>,
}

impl<'a> Address<'a> {
    pub fn parse(text: &'a str) -> Address<'a> {
        let start = &text[..text.find('[').unwrap_or(text.len())];
        // A name may have colons in it, and dots.
        match start.rfind(':') {
            Some(at) => Address::new(&text[..at], &text[at + 1..]),
            None if start.contains('/') => Address::new(text, ""),
            None => {
                text.split_once('.').map_or(Address::new(text, ""), |(kind, path)| Address::new(kind, path))
            }
        }
    }

    fn new(object: &'a str, path: &'a str) -> Address<'a> {
        let mut steps = object.splitn(3, '/');
        let kind = steps.next().unwrap_or_default();
        let (namespace, name) = match (steps.next(), steps.next()) {
            (namespace, Some(name)) => (namespace, Some(name)),
            (name, None) => (None, name),
        };
        Address { kind, namespace, name, path: path.trim_start_matches('.') }
    }

    /// Says whether it can only mean a field of an object, and not one of a kind.
    pub fn is_of_object(&self) -> bool {
        self.name.is_some()
    }

    fn is_met_by(&self, id: &ObjectId) -> bool {
        let plain = |text: &str| text.replace(['-', '_'], "").to_lowercase();
        (plain(&id.kind) == plain(self.kind) || format!("{}s", plain(&id.kind)) == plain(self.kind))
            && self.name.is_none_or(|name| name == id.name)
            && self.namespace.is_none_or(|namespace| Some(namespace) == id.namespace.as_deref())
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = [Some(self.kind), self.namespace, self.name];
        f.write_str(&steps.into_iter().flatten().collect::<Vec<_>>().join("/"))
    }
}

impl Plan {
    /// Finds a field of one of the objects.
    pub fn trace<'o>(
        &'o self,
        address: &Address<'o>,
        sources: &Sources,
    ) -> Result<Trace<'o>, Box<Diagnostic>> {
        let found: Vec<&Object> =
            self.objects.iter().filter(|object| address.is_met_by(&object.id)).collect();
        match found[..] {
            [object] => object.trace(address.path, sources),
            [] => Err(self.no_object(address)),
            _ => {
                let message = format!("`{address}` may mean {} of the objects", found.len());
                let names = found.iter().map(|object| written(&object.id)).collect::<Vec<_>>();
                Err(Box::new(
                    Diagnostic::unable("unknown-object", message)
                        .help(format!("name one of {}", names.join(", "))),
                ))
            }
        }
    }

    fn no_object(&self, address: &Address<'_>) -> Box<Diagnostic> {
        let names: Vec<String> = self.objects.iter().map(|object| written(&object.id)).collect();
        let message = format!("there is no object `{address}` among those that are rendered");
        let finding = Diagnostic::unable("unknown-object", message);
        let asked = address.to_string();
        Box::new(match did_you_mean(&asked, names.iter().map(String::as_str)) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help(format!("there is {}", names.join(", "))),
        })
    }
}

impl Object {
    fn trace<'o>(&'o self, path: &'o str, sources: &Sources) -> Result<Trace<'o>, Box<Diagnostic>> {
        let Some(steps) = yaml::path_steps(path) else {
            let message = format!("`{path}` is no path to a field");
            return Err(Box::new(Diagnostic::unable("unknown-field", message).help(
                "write names separated by dots, `[0]` or `[name]` for list items: `spec.template.spec.containers[0].image`",
            )));
        };
        let mut node = &self.node;
        let mut pointer = String::new();
        let mut fields = Vec::new();
        let mut places = Vec::new();
        for step in steps.into_iter().map(|range| &path[range]) {
            let (key, place, next) = child(node, step).ok_or_else(|| self.no_field(node, &pointer, step))?;
            if matches!(node.value, Value::Map(_)) {
                fields.push(step);
            }
            pointer.push_str(&format!("/{}", key.replace('~', "~0").replace('/', "~1")));
            places.push(place);
            node = next;
        }
        let through = through(&places, node.place, sources);
        Ok(Trace { object: &self.id, path: yaml::pointer_to_path(&pointer), fields, node, through })
    }

    fn no_field(&self, node: &Node, pointer: &str, step: &str) -> Box<Diagnostic> {
        let path = yaml::pointer_to_path(pointer);
        let here = if path.is_empty() { String::new() } else { format!("`{path}` of ") };
        let message = format!("{here}{} has no `{step}`", self.id);
        let finding = Diagnostic::unable("unknown-field", message);
        let names: Vec<&str> = match &node.value {
            Value::Map(map) => map.keys().collect(),
            Value::List(items) => items.iter().filter_map(name).collect(),
            _ => return Box::new(finding.help(format!("it is a {}", node.type_name()))),
        };
        Box::new(match did_you_mean(step, names.iter().copied()) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None if names.is_empty() => finding.help("it has items, which are numbered from 0"),
            None => finding.help(format!("it has {}", names.join(", "))),
        })
    }
}

/// `Job/batch/migrate`, as an address names it.
fn written(id: &ObjectId) -> String {
    let steps = [Some(&id.kind), id.namespace.as_ref(), Some(&id.name)];
    steps.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("/")
}

fn name(item: &Node) -> Option<&str> {
    item.get("name").and_then(Node::as_str)
}

/// Finds a field or an item: what its step is, where that was written, and what it holds.
fn child<'n>(node: &'n Node, step: &str) -> Option<(String, Place, &'n Node)> {
    match &node.value {
        Value::Map(map) => {
            let (key, value) = map.entries.iter().find(|(key, _)| key.text == step)?;
            Some((key.text.to_string(), key.place, value))
        }
        Value::List(items) => {
            let by_number = step.parse().ok().filter(|index| *index < items.len());
            let index = by_number.or_else(|| items.iter().position(|item| name(item) == Some(step)))?;
            Some((index.to_string(), items[index].place, &items[index]))
        }
        _ => None,
    }
}

fn through(places: &[Place], origin: Place, sources: &Sources) -> Vec<Place> {
    let is_ours = |place: &&Place| {
        place.source != SourceId::NONE
            && matches!(sources.get(place.source).kind, SourceKind::Template | SourceKind::Profile)
    };
    let mut seen = vec![origin.source];
    let mut through = Vec::new();
    for place in places.iter().rev().filter(is_ours) {
        if !seen.contains(&place.source) {
            seen.push(place.source);
            through.push(*place);
        }
    }
    through
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_in_each_of_its_forms() {
        for (text, expected) in [
            ("Job/migrate:spec.a[0].b", ("Job", None, Some("migrate"), "spec.a[0].b")),
            ("job/batch/migrate", ("job", Some("batch"), Some("migrate"), "")),
            ("Job.spec.suspend", ("Job", None, None, "spec.suspend")),
            ("Job:.spec", ("Job", None, None, "spec")),
            ("ClusterRole/log:reader:rules[0]", ("ClusterRole", None, Some("log:reader"), "rules[0]")),
            ("ConfigMap/run.sh:data[\"a:b/c\"]", ("ConfigMap", None, Some("run.sh"), "data[\"a:b/c\"]")),
            ("Job.metadata.labels['a/b']", ("Job", None, None, "metadata.labels['a/b']")),
        ] {
            let Address { kind, namespace, name, path } = Address::parse(text);
            assert_eq!((kind, namespace, name, path), expected, "{text}");
        }
    }
}
