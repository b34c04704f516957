//! A patch into a tree, as Kubernetes' strategic merge does it; what a manifest says is never undone in silence.

use super::wrong;
use crate::catalog::shape::Shape;
use crate::diagnostic::Diagnostic;
use crate::schema::format::quantity;
use crate::source::{Place, SourceKind, Sources};
use crate::yaml::{Key, Map, Node, Value};

/// What a patch may say of the map that it stands in, as in Kubernetes' strategic merge.
const DIRECTIVE: &str = "$patch";
/// Lists that Kubernetes replaces as a whole, though each of their items stands for itself.
const UNITED: &[&str] = &["tolerations", "envFrom", "drop"];
/// Fields of one map of which only one can be.
const EITHER: &[(&str, &str)] = &[("value", "valueFrom"), ("valueFrom", "value")];

/// A field of an object, and where the profile patches it.
#[derive(Debug, Clone)]
pub(super) struct Field {
    name: String,
    path: String,
    at: Place,
}

impl Field {
    pub fn root(key: &Key) -> Field {
        Field { name: String::new(), path: String::new(), at: key.place }
    }

    pub fn below(&self, name: &str, at: Place) -> Field {
        let path = match (self.path.as_str(), name.contains(['.', '/'])) {
            (path, true) => format!("{path}[\"{name}\"]"),
            ("", false) => name.to_owned(),
            (path, false) => format!("{path}.{name}"),
        };
        Field { name: name.to_owned(), path, at }
    }

    pub fn item(&self, index: usize) -> Field {
        Field { path: format!("{}[{index}]", self.path), ..self.clone() }
    }
}

pub(super) struct Merge<'m> {
    pub profile: &'m str,
    pub sources: &'m Sources,
    pub findings: &'m mut Vec<Diagnostic>,
}

impl Merge<'_> {
    pub fn value(&mut self, node: &mut Node, patch: &Node, shape: Option<Shape<'_>>, field: &Field) {
        match (&mut node.value, &patch.value) {
            (Value::Map(map), Value::Map(patch_map)) => match self.directive(patch_map) {
                Some(Directive::Replace) => self.replace(node, &plain(patch), field),
                // Whoever holds the map has deleted it already, unless nothing holds it.
                Some(Directive::Delete) => self.findings.push(
                    wrong(format!("`{DIRECTIVE}: delete` cannot stand here"), Some(field.at))
                        .help("an object as a whole, and its pod, cannot be deleted by a patch"),
                ),
                None => self.map(map, patch_map, shape, field),
            },
            (Value::List(items), Value::List(patches)) => match self.strategy(shape, field) {
                Strategy::Keyed(key, retains) => self.keyed(items, patches, shape, field, &key, retains),
                Strategy::United => {
                    for patch in patches {
                        if !items.iter().any(|item| is_equal(item, patch)) {
                            items.push(patch.clone());
                        }
                    }
                }
                Strategy::Replaced => self.replace(node, patch, field),
            },
            _ => self.replace(node, patch, field),
        }
    }

    fn map(&mut self, map: &mut Map, patch: &Map, shape: Option<Shape<'_>>, field: &Field) {
        if shape.is_some_and(|shape| retains_keys(shape)) {
            self.retain(map, patch, None, field);
        }
        for (key, value) in patch.entries.iter().filter(|(key, _)| key.text != DIRECTIVE) {
            let below = field.below(&key.text, key.place);
            if let Some((_, other)) = EITHER.iter().find(|(one, _)| *one == key.text) {
                self.remove(map, other, &below);
            }
            let deleted = value.as_map().and_then(|map| self.directive(map)) == Some(Directive::Delete);
            match map.get_mut(&key.text) {
                _ if deleted => self.remove(map, &key.text, &below),
                Some(node) => {
                    self.value(node, value, shape.and_then(|shape| shape.property(&key.text)), &below)
                }
                None => map.entries.push((key.clone(), plain(value))),
            }
        }
    }

    /// Items of one key are one item.
    fn keyed(
        &mut self,
        items: &mut Vec<Node>,
        patches: &[Node],
        shape: Option<Shape<'_>>,
        field: &Field,
        key: &str,
        retains: bool,
    ) {
        let item_shape = shape.and_then(Shape::items);
        for patch in patches {
            let Some(name) = patch.get(key).filter(|name| !name.is_null()) else {
                let message = format!("an item of `{}` has no `{key}`, by which it is merged", field.path);
                self.findings.push(wrong(message, Some(patch.place)).label(format!("lacks `{key}`")));
                continue;
            };
            let position =
                items.iter().position(|item| item.get(key).is_some_and(|other| is_equal(other, name)));
            let directive = patch.as_map().and_then(|map| self.directive(map));
            let Some(index) = position else {
                if directive != Some(Directive::Delete) {
                    items.push(plain(patch));
                }
                continue;
            };
            let at =
                patch.as_map().and_then(|map| map.entries.first()).map_or(field.at, |(key, _)| key.place);
            let below = Field { at, ..field.item(index) };
            if directive == Some(Directive::Delete) {
                if self.may_change(&items[index], &below) {
                    items.remove(index);
                }
                continue;
            }
            let both = (items[index].as_map_mut(), patch.as_map());
            if let (Some(item), Some(patch), true) = (both.0, both.1, retains) {
                self.retain(item, patch, Some(key), &below);
            }
            self.value(&mut items[index], patch, item_shape, &below);
        }
    }

    /// Of fields that exclude each other, such as the sources of a volume, the patch says which.
    fn retain(&mut self, map: &mut Map, patch: &Map, key: Option<&str>, field: &Field) {
        let has_own = patch.keys().any(|name| Some(name) != key && name != DIRECTIVE);
        let stale = map.keys().filter(|name| Some(*name) != key && patch.get(name).is_none());
        let stale: Vec<String> = stale.filter(|_| has_own).map(str::to_owned).collect();
        for name in stale {
            let below = field.below(&name, field.at);
            self.remove(map, &name, &below);
        }
    }

    fn remove(&mut self, map: &mut Map, name: &str, field: &Field) {
        if map.get(name).is_some_and(|node| self.may_change(node, field)) {
            map.remove(name);
        }
    }

    fn replace(&mut self, node: &mut Node, patch: &Node, field: &Field) {
        if !is_same(node, patch, field) && self.may_change(node, field) {
            *node = patch.clone();
        }
    }

    /// What a manifest or the command line says is theirs, and told of where a profile has decided otherwise.
    fn may_change(&mut self, node: &Node, field: &Field) -> bool {
        let Some(place) = written(node, self.sources) else { return true };
        let message = format!("`{}` is decided by the profile `{}`", field.path, self.profile);
        self.findings.push(
            Diagnostic::error("locked", message)
                .at(place)
                .label("says something else")
                .related(field.at, "decided here")
                .help("leave it out here, or leave the profile out; a profile's patches win over manifests and `--set`"),
        );
        false
    }

    fn directive(&mut self, map: &Map) -> Option<Directive> {
        let node = map.get(DIRECTIVE)?;
        match node.as_str() {
            Some("replace") => Some(Directive::Replace),
            Some("delete") => Some(Directive::Delete),
            Some("merge") => None,
            _ => {
                let finding = wrong(format!("`{DIRECTIVE}` cannot be this"), Some(node.place));
                let finding = finding.help("write `replace`, `delete` or `merge`");
                if !self.findings.contains(&finding) {
                    self.findings.push(finding);
                }
                None
            }
        }
    }

    fn strategy(&self, shape: Option<Shape<'_>>, field: &Field) -> Strategy {
        let Some(shape) = shape else { return Strategy::Replaced };
        let strategy = shape.text("x-kubernetes-patch-strategy").unwrap_or_default();
        match shape.text("x-kubernetes-patch-merge-key") {
            Some(key) if strategy.contains("merge") => {
                Strategy::Keyed(key.to_owned(), strategy.contains("retainKeys"))
            }
            _ if strategy.contains("merge") || UNITED.contains(&field.name.as_str()) => Strategy::United,
            _ => Strategy::Replaced,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Replace,
    Delete,
}

/// How two lists become one.
enum Strategy {
    /// By a field of their items; whether an item's other fields exclude each other.
    Keyed(String, bool),
    United,
    Replaced,
}

/// Says of a map whether its fields exclude each other; of a list, its items' do.
fn retains_keys(shape: Shape<'_>) -> bool {
    let is_map = shape.items().is_none();
    is_map
        && shape.text("x-kubernetes-patch-strategy").is_some_and(|strategy| strategy.contains("retainKeys"))
}

/// Returns the first place in a tree that somebody wrote for this object.
fn written(node: &Node, sources: &Sources) -> Option<Place> {
    let is_written = |place: Place| {
        place.source != crate::source::SourceId::NONE
            && matches!(sources.get(place.source).kind, SourceKind::Manifest | SourceKind::Argument)
    };
    if is_written(node.place) {
        return Some(node.place);
    }
    match &node.value {
        Value::List(items) => items.iter().find_map(|item| written(item, sources)),
        Value::Map(map) => map.entries.iter().find_map(|(_, item)| written(item, sources)),
        _ => None,
    }
}

/// Says whether two values are the same, in whatever order their fields stand.
fn is_equal(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_equal(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            let is_in = |(key, a): (&str, &Node)| b.get(key).is_some_and(|b| is_equal(a, b));
            a.entries.len() == b.entries.len() && a.iter().all(is_in)
        }
        (a, b) => a == b,
    }
}

/// The same, for amounts, of which `1` and `1000m` are one.
fn is_same(one: &Node, other: &Node, field: &Field) -> bool {
    let is_amount =
        [".limits.", ".requests.", ".limits[", ".requests["].iter().any(|part| field.path.contains(part));
    is_equal(one, other) || is_amount && amount(one).is_some_and(|one| Some(one) == amount(other))
}

fn amount(node: &Node) -> Option<i128> {
    match &node.value {
        Value::String(text) => Some(quantity(text)?.nanos()),
        Value::Number(number) => Some(quantity(&number.to_string())?.nanos()),
        _ => None,
    }
}

/// The tree without what it says of merging.
fn plain(node: &Node) -> Node {
    let value = match &node.value {
        Value::List(items) => Value::List(items.iter().map(plain).collect()),
        Value::Map(map) => {
            let entries = map.entries.iter().filter(|(key, _)| key.text != DIRECTIVE);
            Value::Map(Map { entries: entries.map(|(key, item)| (key.clone(), plain(item))).collect() })
        }
        other => other.clone(),
    };
    Node::new(value, node.place)
}
