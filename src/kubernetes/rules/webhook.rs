//! Webhooks that the server asks about objects, or to convert them.

use super::{Findings, bounded, distinct, field, formatted, items, selector, text, unique};
use crate::yaml::Node;

/// The reviews that the server can send.
const REVIEWS: &[&str] = &["v1", "v1beta1"];

pub(super) fn configuration(object: &Node, findings: &mut Findings<'_>) {
    let webhooks = items(object, "webhooks");
    unique(webhooks, "name", findings);
    for webhook in webhooks {
        if let Some(name) = field(webhook, "name") {
            formatted(Some(name), "dns-subdomain", findings);
            if name.as_str().is_some_and(|name| name.split('.').count() < 3) {
                findings.broken(
                    name,
                    "must be a domain of three parts or more",
                    "write for example `pods.example.com`",
                );
            }
        }
        if let Some(effects) = field(webhook, "sideEffects")
            .filter(|node| !matches!(node.as_str(), Some("None" | "NoneOnDryRun")))
        {
            findings.broken(effects, "must be `None` or `NoneOnDryRun`", "a dry-run must have no effects");
        }
        reviews(webhook, "admissionReviewVersions", findings);
        bounded(field(webhook, "timeoutSeconds"), 1, 30, findings);
        if let Some(config) = field(webhook, "clientConfig") {
            client(config, findings);
        }
        items(webhook, "rules").iter().for_each(|rule| self::rule(rule, findings));
        for name in ["namespaceSelector", "objectSelector"] {
            if let Some(given) = field(webhook, name) {
                selector::check(given, findings);
            }
        }
        conditions(items(webhook, "matchConditions"), findings);
    }
}

fn conditions(conditions: &[Node], findings: &mut Findings<'_>) {
    unique(conditions, "name", findings);
    for condition in conditions {
        formatted(field(condition, "name"), "label-key", findings);
        if text(condition, "expression").trim().is_empty() {
            findings.missing(condition, "expression", "a condition asks something", "add `expression`");
        }
    }
}

/// Checks the versions of what is sent to a webhook.
pub(super) fn reviews(parent: &Node, name: &str, findings: &mut Findings<'_>) {
    let versions = items(parent, name);
    let is_known = |version: &Node| version.as_str().is_some_and(|version| REVIEWS.contains(&version));
    match field(parent, name).filter(|_| !versions.is_empty()) {
        None => findings.missing(
            parent,
            name,
            "it says which reviews the webhook understands",
            format!("add `{name}: [v1]`"),
        ),
        Some(node) if !versions.iter().any(is_known) => {
            findings.broken(node, "must have `v1` or `v1beta1`", "the server sends no others");
        }
        Some(_) => {}
    }
    distinct(versions, findings);
}

/// Checks how a webhook is reached.
pub(super) fn client(config: &Node, findings: &mut Findings<'_>) {
    match (field(config, "url"), field(config, "service")) {
        (None, None) | (Some(_), Some(_)) => {
            findings.broken(config, "must have either `url` or `service`", "say once where the webhook is");
        }
        (Some(url), None) => self::url(url, findings),
        (None, Some(service)) => {
            bounded(field(service, "port"), 1, 65535, findings);
            let path = text(service, "path");
            let inner = path.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
            let is_fine = match inner {
                Some("") => path == "/",
                Some(inner) => inner.split('/').all(|part| !part.is_empty()),
                None => path.is_empty(),
            };
            if let Some(node) = field(service, "path").filter(|_| !is_fine) {
                findings.broken(
                    node,
                    "must be an absolute path without empty parts",
                    "write for example `/check`",
                );
            }
        }
    }
}

fn url(node: &Node, findings: &mut Findings<'_>) {
    let Some(url) = node.as_str() else { return };
    let rest = url.strip_prefix("https://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let why = match () {
        () if !url.starts_with("https://") => "must begin with `https://`",
        () if host.is_empty() => "must name a host",
        () if host.contains('@') => "must not name a user",
        () if url.contains('?') => "must not have a query",
        () if url.contains('#') => "must not have a fragment",
        () => return,
    };
    findings.broken(node, why, "write for example `https://hooks.example.com/check`");
}

fn rule(rule: &Node, findings: &mut Findings<'_>) {
    for name in ["operations", "apiGroups", "apiVersions", "resources"] {
        let list = items(rule, name);
        if list.is_empty() {
            findings.missing(rule, name, "a rule says what it is about", format!("add `{name}`"));
        }
        let is_all = |item: &Node| item.as_str() == Some("*");
        if let Some(node) =
            field(rule, name).filter(|_| name != "resources" && list.len() > 1 && list.iter().any(is_all))
        {
            findings.broken(node, "has `*` beside others", "keep `*` alone, or remove it");
        }
    }
    if let Some(node) = field(rule, "resources") {
        resources(node, items(rule, "resources"), findings);
    }
}

/// What is meant by a wildcard cannot be named again.
fn resources(node: &Node, list: &[Node], findings: &mut Findings<'_>) {
    let names = || list.iter().filter_map(Node::as_str);
    let has = |wanted: &str| names().any(|name| name == wanted);
    if has("*/*") && list.len() > 1 {
        findings.broken(node, "has `*/*` beside others", "keep `*/*` alone, or remove it");
        return;
    }
    if has("*") && names().any(|name| name != "*" && !name.contains('/')) {
        findings.broken(node, "has `*` beside other resources", "keep `*`, or name the resources");
    }
    for item in list {
        let Some((resource, part)) = item.as_str().and_then(|name| name.split_once('/')) else { continue };
        let all_parts = part != "*" && has(&format!("{resource}/*"));
        if all_parts || (resource != "*" && has(&format!("*/{part}"))) {
            findings.broken(item, "is meant by a wildcard of this list already", "remove it");
        }
    }
}
