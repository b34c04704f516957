//! Claims of storage.

use super::{Findings, field, fields, formatted, items, resources, selector, text};
use crate::yaml::Node;

pub(super) fn claim(object: &Node, findings: &mut Findings<'_>) {
    match field(object, "spec") {
        Some(spec) => claim_spec(spec, findings),
        None => findings.missing(object, "spec", "it says what is claimed", "add `spec` with `accessModes`"),
    }
}

pub(super) fn claim_spec(spec: &Node, findings: &mut Findings<'_>) {
    let modes = items(spec, "accessModes");
    if modes.is_empty() {
        findings.missing(
            spec,
            "accessModes",
            "a claim says how it is accessed",
            "add `accessModes: [ReadWriteOnce]`",
        );
    }
    let alone = modes.iter().find(|mode| mode.as_str() == Some("ReadWriteOncePod"));
    if let Some(alone) = alone.filter(|alone| modes.iter().any(|mode| mode.value != alone.value)) {
        findings.broken(alone, "cannot be given beside other modes", "keep one access mode");
    }
    match fields(spec, &["resources", "requests", "storage"]) {
        None => findings.missing(
            field(spec, "resources").unwrap_or(spec),
            "requests.storage",
            "a claim says how much it wants",
            "add `resources: {requests: {storage: 1Gi}}`",
        ),
        Some(storage) if resources::amount(storage).is_some_and(|amount| amount.nanos() <= 0) => {
            findings.broken(storage, "must be above 0", "write for example `1Gi`");
        }
        Some(_) => {}
    }
    if !text(spec, "storageClassName").is_empty() {
        formatted(field(spec, "storageClassName"), "dns-subdomain", findings);
    }
    if let Some(given) = field(spec, "selector") {
        selector::check(given, findings);
    }
}
