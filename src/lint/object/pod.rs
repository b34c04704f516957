//! Lints on pods and their containers.

use super::{Container, Part};
use crate::diagnostic::Diagnostic;
use crate::lint::is_secret_literal;
use crate::yaml::Node;

pub(super) fn default_service_account(pod: Part<'_>) -> Option<Diagnostic> {
    let is_given = pod.text("serviceAccountName").is_some_and(|name| name != "default");
    (!is_given).then(|| {
        pod.lacks(
            "default-service-account",
            "the pods act as the namespace's default service account",
            "set `serviceAccountName` to an account with the rights that this workload needs",
        )
    })
}

pub(super) fn missing_limits(container: &Container<'_>) -> Vec<Diagnostic> {
    let has = |node: &Node, resource: &str| {
        node.at(["resources", "limits", resource]).is_some_and(|limit| !limit.is_null())
    };
    let lacks = |resource: &&str| !has(container.node, resource) && !has(container.pod, resource);
    let missing: Vec<&str> = ["cpu", "memory"].into_iter().filter(lacks).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let name = container.text("name").unwrap_or_default();
    let message = format!("the container `{name}` has no limit of {}", missing.join(" and "));
    let finding = Diagnostic::warning("missing-limits", message)
        .at(container.node.get("name").map_or(container.node.place, |name| name.place))
        .help("set `resources.limits` to the most that it needs");
    vec![finding]
}

pub(super) fn latest_tag(container: &Container<'_>) -> Vec<Diagnostic> {
    let Some(node) = container.node.get("image") else { return Vec::new() };
    let image = node.as_str().unwrap_or_default();
    let name = image.rsplit('/').next().unwrap_or_default();
    let is_open = name.ends_with(":latest") || !name.contains(':');
    if image.is_empty() || image.contains('@') || image.contains(['$', '{']) || !is_open {
        return Vec::new();
    }
    let finding =
        Diagnostic::warning("latest-tag", format!("`{image}` may be another image at the next run"))
            .at(node.place)
            .help("name a version, or pin the image by its digest");
    vec![finding]
}

pub(super) fn secret_literal(container: &Container<'_>) -> Vec<Diagnostic> {
    let literal = |variable: &'_ Node| {
        let name = variable.get("name")?.as_str()?;
        let value = variable.get("value")?;
        is_secret_literal(name, value.as_str()?).then(|| {
            Diagnostic::warning(
                "secret-literal",
                format!("`{name}` holds a secret that everyone can read here"),
            )
            .at(value.place)
            .help("keep it in a Secret, and refer to it with `valueFrom.secretKeyRef`")
        })
    };
    container.variables().filter_map(literal).collect()
}

pub(super) fn secret_in_env(container: &Container<'_>) -> Vec<Diagnostic> {
    let from_secret = |variable: &Node| {
        let reference = variable.at(["valueFrom", "secretKeyRef"])?;
        let name = variable.get("name")?.as_str()?;
        let message = format!("`{name}` puts a secret where child processes and crash dumps find it");
        Some(
            Diagnostic::warning("secret-in-env", message)
                .at(variable.get("name").map_or(reference.place, |name| name.place))
                .help("mount the Secret as a file"),
        )
    };
    container.variables().filter_map(from_secret).collect()
}

/// `500m` of memory is half a byte.
pub(super) fn milli_memory(container: &Container<'_>) -> Vec<Diagnostic> {
    let amounts = ["limits", "requests"].into_iter().filter_map(|part| {
        let node = container.node.at(["resources", part, "memory"])?;
        let text = node.as_str().filter(|text| text.ends_with('m'))?;
        let number = text.trim_end_matches('m');
        let message = format!("`{text}` of memory is {number} thousandths of a byte");
        let finding = Diagnostic::warning("milli-memory", message);
        Some(finding.at(node.place).help(format!("write `{number}Mi` for mebibytes")))
    });
    amounts.collect()
}

pub(super) fn relative_mount_path(container: &Container<'_>) -> Vec<Diagnostic> {
    let mounts = container.node.get("volumeMounts").and_then(Node::as_list).unwrap_or_default();
    let relative = mounts.iter().filter_map(|mount| {
        let node = mount.get("mountPath")?;
        let path = node.as_str().filter(|path| !path.starts_with('/') && !path.contains(['$', ':']))?;
        let length = (node.place.end - node.place.start) as usize;
        let absolute = format!("/{}", path.trim_start_matches("./"));
        let finding = Diagnostic::warning(
            "relative-mount-path",
            format!("`{path}` is no absolute path; it is mounted at `{absolute}`"),
        )
        .at(node.place);
        // Quotes and escapes stay as they are: only a bare path is rewritten.
        Some(if length == path.len() {
            finding.fix(format!("write `{absolute}`"), node.place, absolute)
        } else {
            finding.help(format!("write `{absolute}`"))
        })
    });
    relative.collect()
}

impl<'n> Container<'n> {
    fn text(&self, name: &str) -> Option<&'n str> {
        self.node.get(name)?.as_str()
    }

    fn variables(&self) -> impl Iterator<Item = &'n Node> + use<'n> {
        self.node.get("env").and_then(Node::as_list).unwrap_or_default().iter()
    }
}
