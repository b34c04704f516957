//! Kubernetes objects, where each of their fields comes from, and the order in which they are applied.

mod trace;

use std::collections::HashMap;
use std::fmt;

pub use trace::{Address, Trace};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::lint::is_secret_literal;
use crate::source::Place;
use crate::yaml::{Node, Value};

/// What identifies an object in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    pub api_version: String,
    pub kind: String,
    /// `None` for cluster-scoped objects, and for objects whose manifest leaves the namespace to the context.
    pub namespace: Option<String>,
    pub name: String,
}

impl ObjectId {
    /// Returns the API group, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    pub fn version(&self) -> &str {
        self.api_version.split_once('/').map_or(self.api_version.as_str(), |(_, version)| version)
    }
}

/// `Job batch-jobs/data-migration`, `Namespace batch-jobs`.
impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// An object as it is to be. The place of every node in it is that node's origin: a manifest, a template, a
/// profile, a default or an argument.
#[derive(Debug, Clone)]
pub struct Object {
    pub id: ObjectId,
    pub node: Node,
}

impl Object {
    /// Reads the identity of a Kubernetes object; `None` if it lacks an apiVersion, a kind or a name. One that the
    /// server is to name goes by what its `generateName` begins with.
    pub fn new(node: Node) -> Option<Object> {
        let text = |path: &[&str]| node.at(path.iter().copied()).and_then(Node::as_str).map(str::to_owned);
        let id = ObjectId {
            api_version: text(&["apiVersion"])?,
            kind: text(&["kind"])?,
            namespace: text(&["metadata", "namespace"]),
            name: text(&["metadata", "name"]).or_else(|| {
                Some(text(&["metadata", "generateName"])?.trim_end_matches(['-', '.']).to_owned())
            })?,
        };
        Some(Object { id, node })
    }

    /// Returns the origin of the field at a path such as `["spec", "backoffLimit"]`, or of the nearest field
    /// around it.
    pub fn origin<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Place {
        let mut node = &self.node;
        for step in path {
            match node.at([step]) {
                Some(next) => node = next,
                None => break,
            }
        }
        node.place
    }
}

/// Objects in apply order.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub objects: Vec<Object>,
}

impl Plan {
    /// Sorts objects into apply order; within a wave they keep the order they came in.
    pub fn new(mut objects: Vec<Object>) -> Plan {
        objects.sort_by_cached_key(|object| wave(&object.id));
        Plan { objects }
    }
}

/// Kinds that others need: namespaces and definitions first, then what pods refer to.
const WAVES: &[&[(&str, &str)]] = &[
    &[
        ("", "Namespace"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("scheduling.k8s.io", "PriorityClass"),
    ],
    &[
        ("", "ServiceAccount"),
        ("", "Secret"),
        ("", "ConfigMap"),
        ("", "PersistentVolume"),
        ("", "PersistentVolumeClaim"),
        ("", "LimitRange"),
        ("", "ResourceQuota"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io", "Role"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
        ("storage.k8s.io", "StorageClass"),
    ],
];

/// Returns in which group of objects this one is applied: all of one group must be there before the next is sent.
pub fn wave(id: &ObjectId) -> usize {
    let is_in = |kinds: &&[(&str, &str)]| kinds.contains(&(id.group(), id.kind.as_str()));
    WAVES.iter().position(is_in).unwrap_or(WAVES.len())
}

/// Returns what the server tells an object from others of the same name by; empty if there is none.
pub fn uid(object: &Node) -> &str {
    object.at(["metadata", "uid"]).and_then(Node::as_str).unwrap_or_default()
}

/// Replaces secret values by markers that tell equal from different within one run. The numbers follow the
/// order of appearance, so the same input gives the same output, and a marker says nothing about its value.
#[derive(Debug, Default)]
pub struct Masks {
    seen: HashMap<String, usize>,
}

impl Masks {
    /// Returns the marker for a secret value. It is no base64, so no API server takes it as Secret data.
    pub fn marker(&mut self, secret: &str) -> String {
        let next = self.seen.len() + 1;
        format!("{MARKER}{}>", self.seen.entry(secret.to_owned()).or_insert(next))
    }

    /// Masks the values of a Secret, and what `kubectl apply` has copied of them into an annotation.
    pub fn mask(&mut self, object: &mut Node) {
        if object.get("kind").and_then(Node::as_str) != Some("Secret") {
            return;
        }
        let Some(map) = object.as_map_mut() else { return };
        for (field, is_encoded) in [("data", true), ("stringData", false)] {
            let Some(values) = map.get_mut(field).and_then(Node::as_map_mut) else { continue };
            for (_, value) in &mut values.entries {
                let marker = self.marker(value.as_str().unwrap_or_default());
                value.value = Value::String(marker.into());
                if !is_encoded {
                    // Any string is valid here, so the marker goes where no server takes it.
                    value.value = Value::List(vec![value.clone()]);
                }
            }
        }
        self.mask_copies(object);
    }

    /// Replaces the values of Secrets, and those of variables that look like secrets.
    pub fn mask_all(&mut self, object: &mut Node) {
        self.mask(object);
        self.mask_literals(object);
    }

    /// Masks what is written into an environment though its name says that it is a secret, as the lint
    /// `secret-literal` finds it.
    fn mask_literals(&mut self, object: &mut Node) {
        if self.mask_variables(object) {
            self.mask_copies(object);
        }
    }

    fn mask_variables(&mut self, node: &mut Node) -> bool {
        match &mut node.value {
            Value::Map(map) => {
                let secret = match (map.get("name"), map.get("value")) {
                    (Some(name), Some(value)) => name.as_str().zip(value.as_str()),
                    _ => None,
                };
                let secret = secret.filter(|(name, value)| is_secret_literal(name, value));
                let marker = secret.map(|(_, value)| value.to_owned()).map(|value| self.marker(&value));
                if let (Some(marker), Some(value)) = (marker, map.get_mut("value")) {
                    value.value = Value::String(marker.into());
                    return true;
                }
                // Each is looked at, whatever was found before.
                map.entries.iter_mut().filter_map(|(_, node)| self.mask_variables(node).then_some(())).count()
                    > 0
            }
            Value::List(items) => {
                items.iter_mut().filter_map(|item| self.mask_variables(item).then_some(())).count() > 0
            }
            _ => false,
        }
    }

    fn mask_copies(&mut self, object: &mut Node) {
        let metadata = object.as_map_mut().and_then(|map| map.get_mut("metadata")).and_then(Node::as_map_mut);
        let annotations = metadata.and_then(|map| map.get_mut("annotations")).and_then(Node::as_map_mut);
        for (key, copy) in annotations.into_iter().flat_map(|map| &mut map.entries) {
            if COPIES.contains(&key.text.as_str()) {
                copy.value = Value::String(self.marker(copy.as_str().unwrap_or_default()).into());
            }
        }
    }
}

const MARKER: &str = "<masked ";
const STAND_IN: &str = "masked by daphnia";

/// Puts stand-ins that are valid values in place of the markers in a Secret that was rendered earlier.
pub fn withhold(object: &mut Node) {
    if object.get("kind").and_then(Node::as_str) != Some("Secret") {
        return;
    }
    let Some(map) = object.as_map_mut() else { return };
    for (field, is_encoded) in [("data", true), ("stringData", false)] {
        let values = map.get_mut(field).and_then(Node::as_map_mut).map(|map| &mut map.entries);
        for (_, value) in values.into_iter().flatten() {
            let marker = value.as_list().and_then(<[Node]>::first).unwrap_or(value);
            if marker.as_str().is_some_and(|text| text.starts_with(MARKER)) {
                let stand_in = if is_encoded { STANDARD.encode(STAND_IN) } else { STAND_IN.to_owned() };
                value.value = Value::String(stand_in.into());
            }
        }
    }
}

/// Whether a value of a Secret's `data` stands for one that was masked.
pub fn is_withheld(value: &Node) -> bool {
    value.as_str().is_some_and(|text| text == STANDARD.encode(STAND_IN))
}

/// Where appliers keep a whole copy of what they were given.
const COPIES: &[&str] = &["kubectl.kubernetes.io/last-applied-configuration", "kapp.k14s.io/original"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, SourceKind, Sources};

    fn node(json: serde_json::Value) -> Node {
        let id = Sources::default().add(Source::new(SourceKind::Manifest, "t", ""));
        Node::from_json(&json, Place::new(id, 0..0))
    }

    fn object(api_version: &str, kind: &str, name: &str) -> Object {
        let json = serde_json::json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
        Object::new(node(json)).unwrap()
    }

    #[test]
    fn namespaces_come_first_and_workloads_last() {
        let plan = Plan::new(vec![
            object("batch/v1", "Job", "j"),
            object("v1", "ConfigMap", "b"),
            object("v1", "ConfigMap", "a"),
            object("v1", "Namespace", "n"),
        ]);
        let waves = plan.objects.chunk_by(|a, b| wave(&a.id) == wave(&b.id));
        let names: Vec<Vec<_>> =
            waves.map(|wave| wave.iter().map(|object| object.id.name.as_str()).collect()).collect();
        assert_eq!(names, [vec!["n"], vec!["b", "a"], vec!["j"]]);
    }

    #[test]
    fn masks_tell_equal_from_different_and_leave_other_kinds_alone() {
        let mut masks = Masks::default();
        let mut secret =
            node(serde_json::json!({"kind": "Secret", "data": {"a": "eA==", "b": "eA==", "c": "eQ=="}}));
        masks.mask(&mut secret);
        let expected = serde_json::json!({"a": "<masked 1>", "b": "<masked 1>", "c": "<masked 2>"});
        assert_eq!(secret.get("data").unwrap().to_json(), expected);
        let mut map = node(serde_json::json!({"kind": "ConfigMap", "data": {"a": "eA=="}}));
        masks.mask(&mut map);
        assert_eq!(map.at(["data", "a"]).unwrap().as_str(), Some("eA=="));
    }
}
