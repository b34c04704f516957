//! `valueFrom`: a field of another manifest of the same run, put in its place.

use std::borrow::Cow;

use super::library::{Library, name_of};
use super::opened::secret_data;
use super::recognize;
use super::values::{camel_case, secret_places};
use crate::catalog::Catalog;
use crate::catalog::shape::Shape;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::yaml::{Key, Node, Value, path_steps};

/// Where a reference without `fieldPath` looks, in this order.
const USUAL_FIELDS: &[&str] = &["spec.name", "metadata.name"];

/// What references may mean: the manifests of the run, then those of a library.
pub(super) struct Others<'a> {
    pub given: Vec<Node>,
    pub library: &'a dyn Library,
    pub catalog: &'a Catalog,
}

impl Others<'_> {
    fn find(&self, name: &str, kind: Option<&str>) -> Option<Cow<'_, Node>> {
        let is_meant = |node: &Node| {
            let is_kind = |kind| node.get("kind").and_then(Node::as_str) == Some(kind);
            name_of(node) == Some(name) && kind.is_none_or(is_kind)
        };
        let given = self.given.iter().find(|node| is_meant(node)).map(Cow::Borrowed);
        given.or_else(|| {
            let more = self.library.named(name).into_iter();
            let read = more.filter_map(|document| {
                Some(recognize(document.root, self.catalog, &mut Vec::new()).ok()?.node)
            });
            read.into_iter().find(is_meant).map(Cow::Owned)
        })
    }

    fn names(&self) -> Vec<String> {
        let given = self.given.iter().filter_map(name_of).map(str::to_owned);
        given.chain(self.library.names()).collect()
    }
}

/// Replaces every `valueFrom` by the `value` that it refers to.
pub(super) fn resolve(
    node: &mut Node,
    shape: Shape<'_>,
    others: &Others<'_>,
    findings: &mut Vec<Diagnostic>,
) {
    match &mut node.value {
        Value::List(items) => {
            if let Some(item_shape) = shape.items() {
                items.iter_mut().for_each(|item| resolve(item, item_shape, others, findings));
            }
        }
        Value::Map(map) => {
            let is_reference =
                |name: &str| shape.property(name).is_some_and(|s| s.keyword("x-reference").is_some());
            let takes_secrets =
                shape.property("value").is_some_and(|value| value.keyword("x-secret").is_some());
            for (key, value) in &mut map.entries {
                if is_reference(&key.text) {
                    match look_up(value, takes_secrets, others) {
                        Ok(found) => {
                            *key = Key::new("value", key.place);
                            *value = found;
                        }
                        Err(finding) => findings.push(*finding),
                    }
                } else if let Some(field) = shape.property(&key.text) {
                    resolve(value, field, others, findings);
                }
            }
        }
        _ => {}
    }
}

fn look_up(reference: &Node, takes_secrets: bool, others: &Others<'_>) -> Result<Node, Box<Diagnostic>> {
    let text = |field: &str| reference.get(field).and_then(Node::as_str);
    // A reference without a name has been reported by the schema.
    let Some(name) = text("name") else { return Ok(Node::string("", reference.place)) };
    let name_place = reference.get("name").map_or(reference.place, |name| name.place);
    let wanted_kind = text("kind");
    let Some(other) = others.find(name, wanted_kind) else {
        let kind = wanted_kind.unwrap_or("manifest");
        let names = others.names();
        let message = format!("there is no {kind} named `{name}` among the manifests of this run");
        let finding = Diagnostic::error("unresolved-reference", message).at(name_place).label("not found");
        return Err(Box::new(match did_you_mean(name, names.iter().map(String::as_str)) {
            // No edit: which of two things was meant is for the author to say.
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help(
                "name the file that has it too, list its folder under `manifests` in daphnia.toml, or write the value itself",
            ),
        }));
    };
    let paths: Vec<&str> = text("fieldPath").map_or(USUAL_FIELDS.to_vec(), |path| vec![path]);
    let found = paths.iter().find_map(|path| follow(&other, path));
    if let Some(secret) = found.filter(|node| !takes_secrets && is_secret(node, &other, others.catalog)) {
        let message = format!("what `{name}` has there is a secret, and this is no place for one");
        let finding = Diagnostic::error("unresolved-reference", message)
            .at(reference.get("fieldPath").map_or(name_place, |path| path.place))
            .label("a secret")
            .related(secret.place, "written here")
            .help("put the variable under `secrets`");
        return Err(Box::new(finding));
    }
    match found.map(|node| &node.value) {
        Some(Value::String(value)) => Ok(Node::string(value.clone(), reference.place)),
        Some(Value::Number(number)) => Ok(Node::string(number.to_string(), reference.place)),
        Some(Value::Bool(flag)) => Ok(Node::string(flag.to_string(), reference.place)),
        _ => Err(Box::new(
            Diagnostic::error(
                "unresolved-reference",
                format!("`{name}` has no text at `{}`", paths.join("` or `")),
            )
            .at(reference.get("fieldPath").map_or(name_place, |path| path.place))
            .label("no such value")
            .help(match text("fieldPath").filter(|path| path.starts_with("status.")) {
                Some(_) => {
                    "a `status` is known only after a deployment: give the path of a field of its manifest"
                }
                None => "give the path of a text or a number in `fieldPath`",
            }),
        )),
    }
}

fn is_secret(node: &Node, root: &Node, catalog: &Catalog) -> bool {
    let kind = root.get("kind").and_then(Node::as_str).and_then(|kind| catalog.kind(kind)?.ok());
    let mut secrets = Vec::new();
    secret_data(root, &mut secrets);
    if let Some(kind) = kind {
        secret_places(root, kind.shape(), &mut secrets);
    }
    secrets.contains(&node.place)
}

/// Follows a path as people write it: in either case, through names of list items, and to what `{value: x}` holds.
fn follow<'n>(root: &'n Node, path: &str) -> Option<&'n Node> {
    let steps = path_steps(path)?;
    let found =
        steps.into_iter().map(|range| &path[range]).try_fold(root, |node, step| match &node.value {
            Value::Map(map) => map.get(step).or_else(|| map.get(&camel_case(step))),
            Value::List(items) => {
                let is_named = |item: &&Node| item.get("name").and_then(Node::as_str) == Some(step);
                items.iter().find(is_named).or_else(|| items.get(step.parse::<usize>().ok()?))
            }
            _ => None,
        })?;
    Some(found.get("value").unwrap_or(found))
}
