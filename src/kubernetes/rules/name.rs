//! Names of objects, and the size of what describes them.

use super::{Findings, entries, field, formatted, text};
use crate::yaml::Node;

const MAX_ANNOTATIONS: usize = 256 * 1024;

pub(super) fn metadata(object: &Node, group: &str, kind: &str, findings: &mut Findings<'_>) {
    let Some(metadata) = field(object, "metadata") else { return };
    let annotations = field(metadata, "annotations");
    let size: usize =
        entries(annotations).map(|(key, value)| key.text.len() + value.as_str().map_or(0, str::len)).sum();
    if let Some(node) = annotations.filter(|_| size > MAX_ANNOTATIONS) {
        findings.broken(
            node,
            format!("has {size} bytes; all annotations together may have {MAX_ANNOTATIONS}"),
            "keep large texts in a ConfigMap",
        );
    }
    let is_cluster_wide = super::super::kind(text(object, "apiVersion"), kind).is_some_and(|k| !k.namespaced);
    if !is_cluster_wide {
        formatted(field(metadata, "namespace"), "dns-label", findings);
    }
    if group == "rbac.authorization.k8s.io" {
        path_segment(field(metadata, "name"), findings);
    }
}

/// What may stand between slashes of a URL.
fn path_segment(name: Option<&Node>, findings: &mut Findings<'_>) {
    let Some((node, name)) = name.and_then(|node| Some((node, node.as_str()?))) else { return };
    if matches!(name, "." | "..") || name.contains(['/', '%']) {
        findings.broken(node, "must not be `.` or `..` and have no `/` and `%`", "choose another name");
    }
}
