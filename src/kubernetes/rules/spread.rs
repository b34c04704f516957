//! How pods are spread.

use super::{Findings, bounded, field, selector};
use crate::yaml::Node;

pub(super) fn constraints(constraints: &[Node], findings: &mut Findings<'_>) {
    for (index, constraint) in constraints.iter().enumerate() {
        let both = |node: &Node| ["topologyKey", "whenUnsatisfiable"].map(|name| node.get(name).cloned());
        let first = (index > 0).then(|| both(constraint)).and_then(|own| {
            constraints[..index].iter().find(|other| {
                let other = both(other);
                own.iter()
                    .zip(&other)
                    .all(|(a, b)| a.as_ref().map(|n| &n.value) == b.as_ref().map(|n| &n.value))
            })
        });
        if let (Some(first), Some(key)) = (first, field(constraint, "topologyKey")) {
            findings.duplicate(key, field(first, "topologyKey").unwrap_or(first));
        }
        bounded(field(constraint, "minDomains"), 1, i64::MAX, findings);
        if let Some(domains) = field(constraint, "minDomains")
            && super::text(constraint, "whenUnsatisfiable") != "DoNotSchedule"
        {
            findings.broken(domains, "needs `whenUnsatisfiable: DoNotSchedule`", "set that, or remove it");
        }
        if let Some(given) = field(constraint, "labelSelector") {
            selector::check(given, findings);
        }
        if let Some(keys) =
            field(constraint, "matchLabelKeys").filter(|k| k.as_list().is_some_and(|k| !k.is_empty()))
            && field(constraint, "labelSelector").is_none()
        {
            findings.broken(keys, "needs `labelSelector` beside it", "add a `labelSelector`, or remove it");
        }
    }
}
