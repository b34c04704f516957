//! Patches of a profile into the object that a template, or somebody's hand, made.

use super::merge::{Field, Merge};
use crate::catalog::shape::Shape;
use crate::diagnostic::Diagnostic;
use crate::kubernetes;
use crate::source::Sources;
use crate::yaml::{Key, Map, Node, Value};

/// Fields of Kubernetes objects that a profile decides.
#[derive(Debug, Clone)]
pub struct Patch {
    pub profile: String,
    pub target: Target,
    /// `None` for all that have what is patched.
    pub kinds: Option<Vec<String>>,
    /// Where the profile says what is patched: `pod`, `container`, `main`, `patch`.
    pub key: Key,
    pub tree: Node,
}

/// What of an object is patched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Object,
    /// The pod, or the template of pods: its spec and, under `metadata`, its metadata.
    Pod,
    /// Each container of the pod, those that initialize it included.
    Container,
    /// The first container of the pod, which does the work; others stand beside it.
    Main,
}

/// Any kind, in `kinds`.
pub(super) const ANY: &str = "*";

/// Merges patches into an object. What they would undo of a manifest is an error.
pub fn patch(object: &mut Node, patches: &[Patch], sources: &Sources, findings: &mut Vec<Diagnostic>) {
    if patches.is_empty() {
        return;
    }
    let text =
        |node: &Node, field: &str| node.get(field).and_then(Node::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text(object, "apiVersion"), text(object, "kind"));
    let shape = kubernetes::structure(&api_version, &kind).map(|json| Shape::root(json));
    for patch in patches {
        let is_meant = |kinds: &Vec<String>| kinds.iter().any(|named| *named == kind || named == ANY);
        if !patch.kinds.as_ref().is_none_or(is_meant) {
            continue;
        }
        let mut merge = Merge { profile: &patch.profile, sources, findings };
        match patch.target {
            Target::Object => merge.value(object, &patch.tree, shape, &Field::root(&patch.key)),
            Target::Pod => {
                if let Some((pod, shape, field)) = pod(object, &api_version, &kind, shape, &patch.key) {
                    patch_pod(pod, patch, shape, &field, &mut merge);
                }
            }
            Target::Container | Target::Main => {
                if let Some((pod, shape, field)) = pod(object, &api_version, &kind, shape, &patch.key) {
                    patch_containers(pod, patch, shape, &field, &mut merge);
                }
            }
        }
    }
}

/// The way from an object to its pod template; a Pod is its own.
fn pod_path(api_version: &str, kind: &str) -> Option<&'static [&'static str]> {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    match (group, kind) {
        ("batch", "CronJob") => Some(&["spec", "jobTemplate", "spec", "template"]),
        ("batch", "Job")
        | ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("", "ReplicationController") => Some(&["spec", "template"]),
        ("", "Pod") => Some(&[]),
        ("", "PodTemplate") => Some(&["template"]),
        _ => None,
    }
}

type Found<'n, 's> = (&'n mut Node, Option<Shape<'s>>, Field);

fn pod<'n, 's>(
    object: &'n mut Node,
    api_version: &str,
    kind: &str,
    shape: Option<Shape<'s>>,
    key: &Key,
) -> Option<Found<'n, 's>> {
    let mut found: Found<'n, 's> = (object, shape, Field::root(key));
    for step in pod_path(api_version, kind)? {
        let (node, shape, field) = found;
        let next = node.as_map_mut()?.get_mut(step)?;
        found = (next, shape.and_then(|shape| shape.property(step)), field.below(step, key.place));
    }
    Some(found)
}

/// `metadata` is that of the pod; all else stands in its spec.
fn patch_pod(pod: &mut Node, patch: &Patch, shape: Option<Shape<'_>>, field: &Field, merge: &mut Merge<'_>) {
    let Value::Map(map) = &patch.tree.value else { return };
    let (metadata, spec): (Vec<_>, Vec<_>) =
        map.entries.iter().cloned().partition(|(key, _)| key.text == "metadata");
    let wrap = |entries| Node::new(Value::Map(Map { entries }), patch.tree.place);
    let mut entries = metadata;
    if !spec.is_empty() {
        entries.push((Key::new("spec", patch.key.place), wrap(spec)));
    }
    merge.value(pod, &wrap(entries), shape, field);
}

fn patch_containers(
    pod: &mut Node,
    patch: &Patch,
    shape: Option<Shape<'_>>,
    field: &Field,
    merge: &mut Merge<'_>,
) {
    let shape = shape.and_then(|shape| shape.property("spec"));
    let Some(spec) = pod.as_map_mut().and_then(|map| map.get_mut("spec")) else { return };
    let (lists, most) = match patch.target {
        Target::Main => (&["containers"][..], 1),
        _ => (&["initContainers", "containers"][..], usize::MAX),
    };
    for list in lists {
        let items = spec.as_map_mut().and_then(|map| map.get_mut(list)).and_then(Node::as_list_mut);
        let shape = shape.and_then(|shape| shape.property(list)?.items());
        let field = field.below("spec", patch.key.place).below(list, patch.key.place);
        for (index, item) in items.into_iter().flatten().take(most).enumerate() {
            merge.value(item, &patch.tree, shape, &field.item(index));
        }
    }
}
