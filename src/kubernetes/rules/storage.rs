//! Storage: what there is, what is claimed of it, and the classes of it.

use super::{
    Findings, affinity, bounded, distinct, entries, field, fields, formatted, items, resources, selector,
    text, unique,
};
use crate::yaml::Node;

pub(super) fn claim(object: &Node, findings: &mut Findings<'_>) {
    match field(object, "spec") {
        Some(spec) => claim_spec(spec, findings),
        None => findings.missing(object, "spec", "it says what is claimed", "add `spec` with `accessModes`"),
    }
}

pub(super) fn claim_spec(spec: &Node, findings: &mut Findings<'_>) {
    access(spec, "a claim", findings);
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

fn access(spec: &Node, what: &str, findings: &mut Findings<'_>) {
    let modes = items(spec, "accessModes");
    if modes.is_empty() {
        findings.missing(
            spec,
            "accessModes",
            format!("{what} says how it is accessed"),
            "add `accessModes: [ReadWriteOnce]`",
        );
    }
    let alone = modes.iter().find(|mode| mode.as_str() == Some("ReadWriteOncePod"));
    if let Some(alone) = alone.filter(|alone| modes.iter().any(|mode| mode.value != alone.value)) {
        findings.broken(alone, "cannot be given beside other modes", "keep one access mode");
    }
}

/// Fields of a volume that are no source of it.
const NO_SOURCES: &[&str] = &[
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
];

pub(super) fn persistent_volume(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else {
        return findings.missing(object, "spec", "it says what the volume is", "add `spec` with `capacity`");
    };
    access(spec, "a volume", findings);
    capacity(spec, findings);
    let mut sources = entries(Some(spec)).filter(|(key, _)| !NO_SOURCES.contains(&key.text.as_str()));
    match (sources.next(), sources.next()) {
        (None, _) => findings.missing(
            spec,
            "csi",
            "a volume has a source",
            "add for example `csi`, `nfs`, `local` or `hostPath`",
        ),
        (Some((key, first)), Some((_, second))) => {
            let place = findings.place(first);
            let words = format!("cannot be given beside `{}`: a volume has one source", key.text);
            let finding = findings.broken(second, words, "keep one of them");
            finding.related.push((place, "the other source is here".into()));
        }
        (Some((key, source)), None) => volume_source(spec, &key.text, source, findings),
    }
    match field(spec, "nodeAffinity").map(|affinity| (affinity, field(affinity, "required"))) {
        Some((_, Some(required))) => affinity::node_terms(required, findings),
        Some((affinity, None)) => findings.missing(
            affinity,
            "required",
            "it says which nodes reach the volume",
            "add `required: {nodeSelectorTerms: […]}`, or remove `nodeAffinity`",
        ),
        None => {}
    }
    for name in ["storageClassName", "volumeAttributesClassName"] {
        if let Some(node) = field(spec, name).filter(|node| node.as_str() != Some("")) {
            formatted(Some(node), "dns-subdomain", findings);
        }
    }
}

fn capacity(spec: &Node, findings: &mut Findings<'_>) {
    let Some(storage) = fields(spec, &["capacity", "storage"]) else {
        return findings.missing(
            field(spec, "capacity").unwrap_or(spec),
            "capacity.storage",
            "a volume says how large it is",
            "add `capacity: {storage: 1Gi}`",
        );
    };
    if resources::amount(storage).is_some_and(|amount| amount.nanos() <= 0) {
        findings.broken(storage, "must be above 0", "write for example `1Gi`");
    }
    for (_, other) in entries(field(spec, "capacity")).filter(|(key, _)| key.text != "storage") {
        findings.broken(other, "is no capacity of a volume", "give `storage` alone");
    }
}

fn volume_source(spec: &Node, name: &str, source: &Node, findings: &mut Findings<'_>) {
    let steps_back =
        |node: &&Node| node.as_str().is_some_and(|path| path.split('/').any(|part| part == ".."));
    match name {
        "hostPath" | "local" => {
            if let Some(path) = field(source, "path").filter(steps_back) {
                findings.broken(path, "must not contain `..`", "write the path without steps back");
            }
            if name == "local" && field(spec, "nodeAffinity").is_none() {
                findings.missing(spec, "nodeAffinity", "a local volume is on a node", "say on which");
            }
            if let Some(policy) = field(spec, "persistentVolumeReclaimPolicy")
                && policy.as_str() == Some("Recycle")
                && name == "hostPath"
                && text(source, "path") == "/"
            {
                findings.broken(policy, "cannot be `Recycle` for the path `/`", "write `Retain`");
            }
        }
        "nfs" => {
            needed(source, &["server"], findings);
            if let Some(path) =
                field(source, "path").filter(|path| path.as_str().is_some_and(|p| !p.starts_with('/')))
            {
                findings.broken(path, "must be an absolute path", "write it with a `/` in front");
            }
        }
        "csi" => {
            needed(source, &["driver", "volumeHandle"], findings);
            if !text(source, "driver").is_empty() {
                formatted(field(source, "driver"), "dns-subdomain", findings);
            }
            let secrets = entries(Some(source)).filter(|(key, _)| {
                // The server does not look at this one.
                key.text.ends_with("SecretRef") && key.text != "nodeStageSecretRef"
            });
            secrets.for_each(|(_, secret)| needed(secret, &["name", "namespace"], findings));
        }
        "iscsi" => bounded(field(source, "lun"), 0, 255, findings),
        _ => {}
    }
}

/// Reports fields that are not there, or empty.
fn needed(node: &Node, names: &[&str], findings: &mut Findings<'_>) {
    for name in names.iter().filter(|name| text(node, name).is_empty()) {
        findings.missing(node, name, "it cannot be empty", format!("add `{name}`"));
    }
}

pub(super) fn storage_class(object: &Node, findings: &mut Findings<'_>) {
    match field(object, "provisioner").filter(|node| node.as_str() != Some("")) {
        None => needed(object, &["provisioner"], findings),
        Some(node) => {
            // The part before the slash may have any case.
            let lower = node.as_str().unwrap_or_default().to_lowercase();
            if let Some(Err(why)) = crate::schema::format::check("label-key", &lower) {
                findings.broken(node, "must be a name such as `example.com/disks`", why);
            }
        }
    }
    for (key, node) in entries(field(object, "parameters")) {
        if key.text.is_empty() {
            findings.broken(node, "has an empty name", "name the parameter, or remove it");
        }
    }
    let terms = items(object, "allowedTopologies");
    for (index, term) in terms.iter().enumerate() {
        let expressions = items(term, "matchLabelExpressions");
        unique(expressions, "key", findings);
        for expression in expressions {
            let values = items(expression, "values");
            if values.is_empty() {
                findings.missing(expression, "values", "a topology names its values", "add `values`");
            }
            distinct(values, findings);
        }
        if expressions.is_empty() {
            findings.missing(term, "matchLabelExpressions", "a topology is one of labels", "add it");
        } else if terms[..index].iter().any(|other| same(other, term)) {
            findings.broken(term, "is the same as one before it", "remove it");
        }
    }
}

fn same(a: &Node, b: &Node) -> bool {
    a.to_json() == b.to_json()
}
