//! Manifests → the clusters that they say they are meant for.

use super::Manifest;
use crate::source::Place;
use crate::yaml::Node;

/// What a manifest says of its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub name: String,
    pub place: Place,
    /// Whether the name is that of a context, rather than that of a context or a cluster.
    pub is_context: bool,
}

/// Returns the clusters that manifests name, in the order of the manifests.
pub fn targets(manifests: &[Manifest]) -> Vec<Target> {
    manifests
        .iter()
        .flat_map(|manifest| by_field(manifest).into_iter().chain(by_label(&manifest.node)))
        .collect()
}

/// Says whether a document that is to become a manifest may name a cluster.
pub fn names_a_target(root: &Node) -> bool {
    root.at(["spec", "targetCluster"]).is_some() || by_label(root).is_some()
}

fn by_field(manifest: &Manifest) -> Option<Target> {
    manifest.kind.as_ref()?;
    target(manifest.node.at(["spec", "targetCluster", "clusterName"])?, false)
}

fn by_label(root: &Node) -> Option<Target> {
    let labels = root.at(["metadata", "labels"])?.as_map()?;
    let (_, name) = labels.iter().find(|(key, _)| names_a_context(key))?;
    target(name, true)
}

fn target(node: &Node, is_context: bool) -> Option<Target> {
    let name = node.as_str().filter(|name| !name.is_empty())?;
    Some(Target { name: name.to_owned(), place: node.place, is_context })
}

/// `kubernetes.planton.dev/context`: of the labels that steer the origin's tool, the one that steers this one too.
fn names_a_context(key: &str) -> bool {
    let domain = key.strip_prefix("kubernetes.").and_then(|rest| rest.strip_suffix("/context"));
    domain.is_some_and(|domain| {
        ["project-planton.org", "planton.dev"]
            .iter()
            .any(|own| domain.strip_suffix(own).is_some_and(|sub| sub.is_empty() || sub.ends_with('.')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_label_of_the_origin_names_a_context() {
        assert!(names_a_context("kubernetes.planton.dev/context"));
        assert!(names_a_context("kubernetes.project-planton.org/context"));
        assert!(names_a_context("kubernetes.eu.planton.dev/context"));
        assert!(!names_a_context("kubernetes.notplanton.dev/context"));
        assert!(!names_a_context("planton.dev/context"));
        assert!(!names_a_context("kubernetes.example.com/context"));
    }
}
