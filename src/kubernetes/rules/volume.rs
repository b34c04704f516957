//! Volumes, and where containers mount them.

use super::pod::Pod;
use super::{Findings, bounded, container, earlier, field, fields, is_true, items, storage, text, unique};
use crate::schema::format::quantity;
use crate::yaml::{Node, Value};

const FILE_FIELDS: &[&str] =
    &["metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations"];

pub(super) fn volumes(spec: &Node, findings: &mut Findings<'_>) {
    let volumes = items(spec, "volumes");
    unique(volumes, "name", findings);
    for volume in volumes {
        if let Some(limit) = fields(volume, &["emptyDir", "sizeLimit"])
            && limit.as_str().and_then(quantity).is_some_and(|q| q.is_negative())
                | matches!(&limit.value, Value::Number(n) if n.as_f64() < Some(0.0))
        {
            findings.broken(limit, "must be from 0 up", "write for example `1Gi`");
        }
        for source in ["configMap", "secret"] {
            let Some(source) = field(volume, source) else { continue };
            items(source, "items").iter().for_each(|item| descending(field(item, "path"), findings));
        }
        if let Some(path) = fields(volume, &["hostPath", "path"])
            && path.as_str().is_some_and(has_backstep)
        {
            findings.broken(path, "must not contain `..`", "write the path without steps back");
        }
        let api = field(volume, "downwardAPI");
        api.map_or(&[][..], |api| items(api, "items")).iter().for_each(|item| file(item, findings));
        if let Some(projected) = field(volume, "projected") {
            sources(projected, findings);
        }
        if let Some(ephemeral) = field(volume, "ephemeral") {
            match fields(ephemeral, &["volumeClaimTemplate", "spec"]) {
                Some(claim) => storage::claim_spec(claim, findings),
                None => findings.missing(
                    ephemeral,
                    "volumeClaimTemplate",
                    "the claim of this volume is made from it",
                    "add it with `spec.accessModes` and `spec.resources.requests.storage`",
                ),
            }
        }
    }
}

/// A file with a fact about the pod.
fn file(item: &Node, findings: &mut Findings<'_>) {
    descending(field(item, "path"), findings);
    match (field(item, "fieldRef"), field(item, "resourceFieldRef")) {
        (None, None) => {
            findings.broken(item, "must have `fieldRef` or `resourceFieldRef`", "add one of them");
        }
        (Some(_), Some(second)) => {
            findings.broken(second, "cannot be given beside `fieldRef`", "write an item for each");
        }
        _ => container::source_of(item, FILE_FIELDS, findings),
    }
}

fn sources(projected: &Node, findings: &mut Findings<'_>) {
    for source in items(projected, "sources") {
        let given = super::entries(Some(source)).count();
        if given > 1 {
            findings.broken(source, "has more than one source", "write an item for each");
        }
        for name in ["configMap", "secret"] {
            let Some(source) = field(source, name) else { continue };
            if text(source, "name").is_empty() {
                findings.missing(source, "name", "it says which to take", "add its `name`");
            }
        }
        if let Some(token) = field(source, "serviceAccountToken") {
            bounded(field(token, "expirationSeconds"), 600, 1 << 32, findings);
            descending(field(token, "path"), findings);
            if text(token, "path").is_empty() {
                findings.missing(token, "path", "it is the token's file", "add `path: token`");
            }
        }
    }
    let paths = || {
        let kinds = |source| ["configMap", "secret", "downwardAPI"].map(|kind| field(source, kind));
        items(projected, "sources").iter().flat_map(kinds).flatten().flat_map(|source| items(source, "items"))
    };
    for (index, item) in paths().enumerate() {
        if field(item, "fieldRef").is_some() || field(item, "key").is_none() {
            file(item, findings);
        } else {
            descending(field(item, "path"), findings);
        }
        let Some(path) = field(item, "path").filter(|path| path.as_str() != Some("")) else { continue };
        if let Some(first) = earlier(paths().take(index), "path", path) {
            findings.duplicate(path, first);
        }
    }
}

pub(super) fn mounts(container: &Node, pod: Pod<'_>, findings: &mut Findings<'_>) {
    let (mounts, devices) = (items(container, "volumeMounts"), items(container, "volumeDevices"));
    unique(mounts, "mountPath", findings);
    unique(devices, "devicePath", findings);
    unique(devices, "name", findings);
    for mount in mounts {
        known(mount, pod, findings);
        descending(field(mount, "subPath"), findings);
        descending(field(mount, "subPathExpr"), findings);
        if let (false, Some(second)) = (text(mount, "subPath").is_empty(), field(mount, "subPathExpr")) {
            findings.broken(second, "cannot be given beside `subPath`", "keep one of the two");
        }
        let privileged = field(container, "securityContext").is_some_and(|c| is_true(c, "privileged"));
        if let Some(node) = field(mount, "mountPropagation")
            && node.as_str() == Some("Bidirectional")
            && !privileged
        {
            findings.broken(
                node,
                "can be `Bidirectional` in privileged containers only",
                "write `HostToContainer`, or set `securityContext.privileged: true`",
            );
        }
        for (name, path) in [("name", "name"), ("mountPath", "devicePath")] {
            let Some(node) = field(mount, name) else { continue };
            if let Some(first) = earlier(devices.iter(), path, node) {
                findings.duplicate(node, first);
            }
        }
    }
    for device in devices {
        known(device, pod, findings);
        let volume = pod.volume(text(device, "name"));
        let is_claim =
            |v: &Node| ["persistentVolumeClaim", "ephemeral", "spec"].iter().any(|n| field(v, n).is_some());
        if let (Some(name), Some(false)) = (field(device, "name"), volume.map(is_claim)) {
            findings.broken(
                name,
                "is no claim's volume, and only such a one can be a device",
                "mount it with `volumeMounts`",
            );
        }
    }
}

fn known(mount: &Node, pod: Pod<'_>, findings: &mut Findings<'_>) {
    let Some(node) = field(mount, "name") else { return };
    let name = node.as_str().unwrap_or_default();
    if pod.volume(name).is_some() {
        return;
    }
    let volumes = items(pod.spec, "volumes");
    let near = crate::diagnostic::did_you_mean(name, volumes.iter().map(|volume| text(volume, "name")));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("add a volume `{name}` to the pod's `volumes`"),
    };
    findings.broken(node, format!("names no volume of this pod: there is no `{name}`"), help).code =
        "unknown-volume".into();
}

fn has_backstep(path: &str) -> bool {
    path.split('/').any(|part| part == "..")
}

/// Reports a path that does not lead down from where it starts.
pub(super) fn descending(node: Option<&Node>, findings: &mut Findings<'_>) {
    let Some((node, path)) = node.and_then(|node| Some((node, node.as_str()?))) else { return };
    if path.starts_with('/') || has_backstep(path) {
        findings.broken(
            node,
            "must be a relative path without `..`",
            "write it without a leading `/` and `..`",
        );
    }
}
