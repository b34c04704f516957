//! How many pods there should be, and how many may be missing.

use super::{Findings, bounded, field, number, selector};
use crate::yaml::Node;

pub(super) fn autoscaler(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    let least = field(spec, "minReplicas");
    bounded(least, 1, i64::MAX, findings);
    let (Some(least), Some(most)) = (least, field(spec, "maxReplicas")) else { return };
    if most.as_i64() < least.as_i64() {
        let place = findings.place(least);
        let finding = findings.broken(
            most,
            format!("must not be below `minReplicas`, which is {}", number(spec, "minReplicas").unwrap_or(1)),
            "raise `maxReplicas` or lower `minReplicas`",
        );
        finding.related.push((place, "`minReplicas` is here".into()));
    }
}

pub(super) fn disruption_budget(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    if let (Some(least), Some(most)) = (field(spec, "minAvailable"), field(spec, "maxUnavailable")) {
        let place = findings.place(least);
        let finding = findings.broken(most, "cannot be given beside `minAvailable`", "keep one of the two");
        finding.related.push((place, "given here".into()));
    }
    for name in ["minAvailable", "maxUnavailable"] {
        let percent = |node: &Node| node.as_str()?.strip_suffix('%')?.parse::<i64>().ok();
        if let Some(node) = field(spec, name).filter(|node| percent(node) > Some(100)) {
            findings.broken(node, "must not be above 100%", "write at most `100%`");
        }
    }
    if let Some(given) = field(spec, "selector") {
        selector::check(given, findings);
    }
}
