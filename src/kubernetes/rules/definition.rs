//! Definitions of custom resources.

mod structural;

use super::{Findings, entries, field, fields, formatted, is_true, items, text, unique, webhook};
use crate::yaml::{Node, Value};

const COLUMN_TYPES: &[&str] = &["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: &[&str] =
    &["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
/// Groups that are Kubernetes' own.
const PROTECTED: &[&str] = &["k8s.io", "kubernetes.io"];

pub(super) fn definition(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    let (group, names) = (text(spec, "group"), field(spec, "names"));
    if let Some(node) = field(spec, "group") {
        formatted(Some(node), "dns-subdomain", findings);
        if !group.contains('.') {
            findings.broken(node, "must be a domain", "write for example `example.com`");
        }
    }
    if let Some(names) = names {
        own_name(object, names, group, findings);
        self::names(names, findings);
    }
    let is_protected =
        PROTECTED.iter().any(|domain| group == *domain || group.ends_with(&format!(".{domain}")));
    let approval = fields(object, &["metadata", "annotations", "api-approved.kubernetes.io"]);
    if let Some(node) = field(spec, "group").filter(|_| approval.is_none() && is_protected) {
        findings.broken(
            node,
            "is one of Kubernetes' own groups",
            "choose a domain of yours, or add the annotation `api-approved.kubernetes.io`",
        );
    }
    if let Some(node) =
        field(spec, "preserveUnknownFields").filter(|_| is_true(spec, "preserveUnknownFields"))
    {
        findings.broken(
            node,
            "cannot be true",
            "write `x-kubernetes-preserve-unknown-fields: true` where the schema is to be open",
        );
    }
    versions(spec, findings);
    if let Some(conversion) = field(spec, "conversion") {
        self::conversion(conversion, findings);
    }
}

fn own_name(object: &Node, names: &Node, group: &str, findings: &mut Findings<'_>) {
    let due = format!("{}.{group}", text(names, "plural"));
    if let Some(name) = fields(object, &["metadata", "name"]).filter(|name| name.as_str() != Some(&due)) {
        findings.broken(
            name,
            "must be the plural of the kind, a dot, and the group",
            format!("write `{due}`"),
        );
    }
}

fn names(names: &Node, findings: &mut Findings<'_>) {
    let labels = ["plural", "singular"].iter().filter_map(|name| field(names, name));
    let lists = items(names, "shortNames").iter().chain(items(names, "categories"));
    for node in labels.chain(lists) {
        label(node, node.as_str().unwrap_or_default(), findings);
    }
    // These may have any case.
    for node in ["kind", "listKind"].iter().filter_map(|name| field(names, name)) {
        label(node, &node.as_str().unwrap_or_default().to_lowercase(), findings);
    }
    if let Some(node) = field(names, "listKind")
        .filter(|node| !text(names, "kind").is_empty() && node.as_str() == Some(text(names, "kind")))
    {
        findings.broken(node, "must not be the kind itself", format!("write `{}List`", text(names, "kind")));
    }
}

/// Names of a definition are lowercase labels that begin with a letter.
fn label(node: &Node, name: &str, findings: &mut Findings<'_>) {
    let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_fine = (1..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.bytes().all(is_inner);
    if !is_fine {
        findings.broken(
            node,
            "must be a lowercase name of letters, digits and `-` that begins with a letter",
            "write for example `backups`",
        );
    }
}

fn versions(spec: &Node, findings: &mut Findings<'_>) {
    let versions = items(spec, "versions");
    unique(versions, "name", findings);
    let mut stored = versions.iter().filter(|version| is_true(version, "storage"));
    match (stored.next(), stored.next()) {
        (None, _) => {
            let node = field(spec, "versions").unwrap_or(spec);
            findings.broken(
                node,
                "must have one version with `storage: true`",
                "say which version is stored",
            );
        }
        (Some(first), Some(second)) => {
            let place = findings.place(field(first, "storage").unwrap_or(first));
            let node = field(second, "storage").unwrap_or(second);
            let finding = findings.broken(node, "cannot be true in two versions", "keep one of the two");
            finding.related.push((place, "the other is here".into()));
        }
        (Some(_), None) => {}
    }
    for version in versions {
        if let Some(name) = field(version, "name") {
            label(name, name.as_str().unwrap_or_default(), findings);
        }
        match fields(version, &["schema", "openAPIV3Schema"]) {
            Some(schema) => structural::root(schema, findings),
            None => findings.missing(
                version,
                "schema.openAPIV3Schema",
                "a version says what its resources are",
                "add `schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}`",
            ),
        }
        if let Some(node) = field(version, "deprecationWarning").filter(|_| !is_true(version, "deprecated")) {
            findings.broken(node, "needs `deprecated: true` beside it", "add that, or remove the warning");
        }
        if let Some(scale) = fields(version, &["subresources", "scale"]) {
            self::scale(scale, findings);
        }
        items(version, "additionalPrinterColumns").iter().for_each(|column| self::column(column, findings));
    }
}

fn scale(scale: &Node, findings: &mut Findings<'_>) {
    for (name, root) in
        [("specReplicasPath", ".spec."), ("statusReplicasPath", ".status."), ("labelSelectorPath", ".s")]
    {
        let is_optional = name == "labelSelectorPath";
        match field(scale, name).filter(|node| node.as_str() != Some("")) {
            None if is_optional => {}
            None => {
                findings.missing(scale, name, "it cannot be empty", format!("add `{name}: {root}replicas`"))
            }
            Some(node) if node.as_str().is_some_and(|path| !path.starts_with(root)) => {
                findings.broken(
                    node,
                    format!("must be a path below `{}`", root.trim_end_matches('.')),
                    "write for example `.spec.replicas`",
                );
            }
            Some(_) => {}
        }
    }
}

fn column(column: &Node, findings: &mut Findings<'_>) {
    for (name, known) in [("type", COLUMN_TYPES), ("format", COLUMN_FORMATS)] {
        let node = field(column, name).filter(|node| node.as_str() != Some(""));
        if let Some(node) = node.filter(|node| node.as_str().is_some_and(|text| !known.contains(&text))) {
            findings.broken(
                node,
                "is none that a column can have",
                format!("possible: {}", known.join(", ")),
            );
        }
    }
    for name in ["name", "jsonPath"].iter().filter(|name| text(column, name).is_empty()) {
        findings.missing(column, name, "it cannot be empty", format!("add `{name}`"));
    }
    let path = field(column, "jsonPath").filter(|node| node.as_str() != Some(""));
    if let Some(node) = path.filter(|node| node.as_str().is_some_and(|path| !path.starts_with('.'))) {
        findings.broken(node, "must begin with `.`", "write for example `.spec.replicas`");
    }
}

fn conversion(conversion: &Node, findings: &mut Findings<'_>) {
    let hook = field(conversion, "webhook");
    if text(conversion, "strategy") != "Webhook" {
        if let Some(hook) = hook {
            findings.broken(hook, "needs `strategy: Webhook`", "set that strategy, or remove it");
        }
        return;
    }
    let Some(hook) = hook else {
        return findings.missing(
            conversion,
            "webhook",
            "`strategy` is Webhook",
            "add `webhook` with `clientConfig` and `conversionReviewVersions`",
        );
    };
    webhook::reviews(hook, "conversionReviewVersions", findings);
    match field(hook, "clientConfig") {
        Some(config) => webhook::client(config, findings),
        None => findings.missing(hook, "clientConfig", "it says where the webhook is", "add it"),
    }
}

/// Says whether a part of a schema is true.
fn says(schema: &Node, keyword: &str) -> bool {
    matches!(schema.get(keyword).map(|node| &node.value), Some(Value::Bool(true)))
}

/// Lists the properties that a schema declares.
fn properties(schema: &Node) -> impl Iterator<Item = (&str, &Node)> {
    entries(field(schema, "properties")).map(|(key, node)| (key.text.as_str(), node))
}
