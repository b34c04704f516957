//! ConfigMaps, Secrets and roles.

use super::{Findings, entries, field, fields, formatted, items, text};
use crate::yaml::Node;

const MAX_SIZE: usize = 1024 * 1024;

pub(super) fn config_map(object: &Node, findings: &mut Findings<'_>) {
    let (data, binary) = (field(object, "data"), field(object, "binaryData"));
    for (key, node) in entries(data) {
        if let Some(other) = binary.and_then(|binary| field(binary, &key.text)) {
            let place = findings.place(other);
            let finding = findings.broken(node, "is in `binaryData` too", "keep one of the two");
            finding.code = "duplicate-name".into();
            finding.related.push((place, "the other is here".into()));
        }
    }
    let size = entries(data).map(|(_, node)| length(node)).sum::<usize>()
        + entries(binary).map(|(_, node)| decoded(node)).sum::<usize>();
    keys(data, findings);
    keys(binary, findings);
    too_large(data.or(binary), size, findings);
}

pub(super) fn secret(object: &Node, findings: &mut Findings<'_>) {
    let (data, plain) = (field(object, "data"), field(object, "stringData"));
    let given = |key: &str| [plain, data].into_iter().flatten().find_map(|data| field(data, key));
    let hidden = |key: &str| plain.is_some_and(|plain| field(plain, key).is_some());
    let size = entries(plain).map(|(_, node)| length(node)).sum::<usize>()
        + entries(data).filter(|(key, _)| !hidden(&key.text)).map(|(_, node)| decoded(node)).sum::<usize>();
    keys(data, findings);
    keys(plain, findings);
    too_large(data.or(plain), size, findings);
    let needs: &[&str] = match text(object, "type") {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/basic-auth" if given("username").or(given("password")).is_none() => &["username"],
        "kubernetes.io/service-account-token" => {
            let account = fields(object, &["metadata", "annotations", "kubernetes.io/service-account.name"]);
            if account.and_then(Node::as_str).unwrap_or_default().is_empty() {
                findings.missing(
                    field(object, "metadata").unwrap_or(object),
                    "annotations",
                    "a token's Secret names its account",
                    "add the annotation `kubernetes.io/service-account.name`",
                );
            }
            &[]
        }
        _ => &[],
    };
    if let [key @ (".dockerconfigjson" | ".dockercfg")] = needs {
        docker(key, plain, data, findings);
    }
    for key in needs.iter().filter(|key| given(key).is_none()) {
        findings.missing(
            data.or(plain).unwrap_or(object),
            key,
            format!("a Secret of type {} has it", text(object, "type")),
            "add it, or write `type: Opaque`",
        );
    }
}

/// Credentials of registries must be a JSON object.
fn docker(key: &str, plain: Option<&Node>, data: Option<&Node>, findings: &mut Findings<'_>) {
    use base64::Engine;
    let is_object = |bytes: &[u8]| {
        serde_json::from_slice::<Option<serde_json::Map<String, serde_json::Value>>>(bytes).is_ok()
    };
    let (node, is_fine) = match plain.and_then(|plain| field(plain, key)) {
        Some(node) => (node, is_object(node.as_str().unwrap_or_default().as_bytes())),
        None => {
            let Some(node) = data.and_then(|data| field(data, key)) else { return };
            let text: String = node.as_str().unwrap_or_default().split_whitespace().collect();
            let bytes = base64::engine::general_purpose::STANDARD.decode(text);
            (node, bytes.is_ok_and(|bytes| is_object(&bytes)))
        }
    };
    if !is_fine {
        findings.broken(node, "must be a JSON object", "write it as `docker login` does: `{\"auths\": {…}}`");
    }
}

fn keys(data: Option<&Node>, findings: &mut Findings<'_>) {
    for (key, node) in entries(data) {
        if let Some(Err(why)) = crate::schema::format::check("config-key", &key.text) {
            findings.broken(node, "has a key that cannot be a file's name", why);
        }
    }
}

fn length(node: &Node) -> usize {
    node.as_str().map_or(0, str::len)
}

/// Counts what base64 stands for.
fn decoded(node: &Node) -> usize {
    let text = node.as_str().unwrap_or_default();
    let letters = text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'=').count();
    letters * 3 / 4
}

fn too_large(data: Option<&Node>, size: usize, findings: &mut Findings<'_>) {
    if let Some(node) = data.filter(|_| size > MAX_SIZE) {
        findings.broken(
            node,
            format!("has {size} bytes; it may have {MAX_SIZE}"),
            "split it, or keep the data in a volume",
        );
    }
}

pub(super) fn role(object: &Node, findings: &mut Findings<'_>) {
    for rule in items(object, "rules") {
        let urls =
            field(rule, "nonResourceURLs").filter(|urls| urls.as_list().is_some_and(|l| !l.is_empty()));
        if items(rule, "verbs").is_empty() {
            findings.broken(rule, "has no `verbs`", "add what is allowed, for example `verbs: [get]`");
        }
        if let Some(urls) = urls {
            if text(object, "kind") == "Role" {
                findings.broken(urls, "cannot be in a Role", "put it into a ClusterRole");
            } else if !items(rule, "resources").is_empty() || !items(rule, "apiGroups").is_empty() {
                findings.broken(urls, "cannot be given beside resources", "write a rule for each");
            }
            continue;
        }
        for name in ["apiGroups", "resources"].iter().filter(|name| items(rule, name).is_empty()) {
            findings.missing(
                rule,
                name,
                "a rule is about resources",
                "add it, for example `[\"\"]` or `[pods]`",
            );
        }
    }
}

pub(super) fn role_binding(object: &Node, findings: &mut Findings<'_>) {
    let is_namespaced = text(object, "kind") == "RoleBinding";
    if let Some(kind) = fields(object, &["roleRef", "kind"])
        && kind.as_str() != Some("ClusterRole")
        && (kind.as_str() != Some("Role") || !is_namespaced)
    {
        let help = if is_namespaced { "write `Role` or `ClusterRole`" } else { "write `ClusterRole`" };
        findings.broken(kind, "is no role that can be bound here", help);
    }
    if let Some(reference) = field(object, "roleRef").filter(|reference| text(reference, "name").is_empty()) {
        findings.missing(reference, "name", "it says which role is bound", "add the role's `name`");
    }
    for subject in items(object, "subjects") {
        let (kind, name) = (text(subject, "kind"), field(subject, "name"));
        let group = field(subject, "apiGroup").filter(|group| group.as_str() != Some(""));
        if text(subject, "name").is_empty() {
            findings.missing(subject, "name", "it says who is bound", "add the subject's `name`");
        }
        match kind {
            "ServiceAccount" => {
                formatted(name, "dns-subdomain", findings);
                if let Some(group) = group {
                    findings.broken(group, "must be empty for a ServiceAccount", "remove it");
                }
                if text(subject, "namespace").is_empty() && !is_namespaced {
                    findings.missing(
                        subject,
                        "namespace",
                        "a ServiceAccount is in one",
                        "add the account's `namespace`",
                    );
                }
            }
            "User" | "Group" => {
                if let Some(group) = group.filter(|g| g.as_str() != Some("rbac.authorization.k8s.io")) {
                    findings.broken(group, "must be `rbac.authorization.k8s.io`", "write that, or remove it");
                }
            }
            _ => {
                let node = field(subject, "kind").unwrap_or(subject);
                findings.broken(
                    node,
                    "must be `ServiceAccount`, `User` or `Group`",
                    "write one of the three",
                );
            }
        }
    }
}
