//! Amounts: requests and limits, quotas, ranges.

use super::{Findings, entries, field, items, text};
use crate::schema::format::{Quantity, quantity};
use crate::yaml::{Key, Node, Value};

const STANDARD: &[&str] = &["cpu", "memory", "ephemeral-storage"];
const MULTIPLES: &[&str] =
    &["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

pub(super) fn amount(node: &Node) -> Option<Quantity> {
    match &node.value {
        Value::String(text) => quantity(text),
        Value::Number(number) => quantity(&number.to_string()),
        _ => None,
    }
}

fn written(node: &Node) -> String {
    node.as_str().map_or_else(|| node.to_json().to_string(), str::to_owned)
}

fn is_standard(name: &str) -> bool {
    STANDARD.contains(&name) || name.starts_with("hugepages-")
}

/// Requests and limits of a container.
pub(super) fn requirements(resources: &Node, findings: &mut Findings<'_>) {
    let (limits, requests) = (field(resources, "limits"), field(resources, "requests"));
    for (key, node) in entries(limits).chain(entries(requests)) {
        resource_name(key, node, findings);
        let is_whole = |amount: Quantity| amount.nanos() % 1_000_000_000 == 0;
        if key.text.contains('/') && !amount(node).is_none_or(is_whole) {
            findings.broken(node, "must be a whole number: it counts devices", "write for example `1`");
        }
    }
    for (key, request) in entries(requests) {
        let Some(limit) = limits.and_then(|limits| field(limits, &key.text)) else {
            if !STANDARD.contains(&key.text.as_str()) {
                findings.broken(
                    request,
                    format!("needs a limit of `{}` as well: this resource is not shared", key.text),
                    format!("add `{}: {}` to `limits`", key.text, written(request)),
                );
            }
            continue;
        };
        compare(&key.text, request, limit, findings);
    }
}

fn compare(name: &str, request: &Node, limit: &Node, findings: &mut Findings<'_>) {
    let (Some(asked), Some(most)) = (amount(request), amount(limit)) else { return };
    let must_equal = !STANDARD.contains(&name);
    if asked > most || (must_equal && asked != most) {
        let relation = if must_equal { "be the same as" } else { "not be above" };
        let place = findings.place(limit);
        let finding = findings.broken(
            request,
            format!("of {} must {relation} the limit of {}", written(request), written(limit)),
            "raise the limit or lower the request",
        );
        finding.code = "request-above-limit".into();
        finding.related.push((place, "this is the limit".into()));
    }
}

fn resource_name(key: &Key, node: &Node, findings: &mut Findings<'_>) {
    let name = key.text.as_str();
    let is_own = |domain: &str| domain == "kubernetes.io" || domain.ends_with(".kubernetes.io");
    let is_fine = match name.split_once('/') {
        None => is_standard(name),
        Some((domain, _)) => {
            let is_label =
                crate::schema::format::check("label-key", name).is_none_or(|result| result.is_ok());
            is_label && (is_own(domain) || !name.starts_with("requests."))
        }
    };
    if !is_fine {
        findings.broken(
            node,
            format!("gives an amount of `{name}`, which is no resource of containers"),
            "use cpu, memory, ephemeral-storage, hugepages-SIZE, or a name with a domain such as `nvidia.com/gpu`",
        );
    }
}

/// A value that is taken from a container's requests or limits.
pub(super) fn reference(reference: &Node, findings: &mut Findings<'_>) {
    let name = text(reference, "resource");
    let bare = name.strip_prefix("limits.").or_else(|| name.strip_prefix("requests."));
    if let Some(node) = field(reference, "resource").filter(|_| !bare.is_some_and(is_standard)) {
        findings.broken(
            node,
            format!("cannot be `{name}`"),
            "write `limits.` or `requests.` and cpu, memory, ephemeral-storage or hugepages-SIZE",
        );
    }
    let Some(divisor) = field(reference, "divisor") else { return };
    let allowed = if bare == Some("cpu") { &["1", "1m"][..] } else { MULTIPLES };
    let is_allowed =
        |given: Quantity| given == Quantity::ZERO || allowed.iter().any(|a| quantity(a) == Some(given));
    if amount(divisor).is_some_and(|given| !is_allowed(given)) {
        findings.broken(
            divisor,
            format!("cannot be {}", written(divisor)),
            format!("possible: {}", allowed.join(", ")),
        );
    }
}

pub(super) fn limit_range(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    super::unique(items(spec, "limits"), "type", findings);
    for limit in items(spec, "limits") {
        let kind = text(limit, "type");
        for name in ["default", "defaultRequest"].iter().filter(|_| kind == "Pod") {
            if let Some(node) =
                field(limit, name).filter(|node| node.as_map().is_some_and(|map| !map.is_empty()))
            {
                findings.broken(node, "cannot be given with `type: Pod`", "give it with `type: Container`");
            }
        }
        let has_storage = |name| field(limit, name).is_some_and(|node| field(node, "storage").is_some());
        if kind == "PersistentVolumeClaim" && !has_storage("min") && !has_storage("max") {
            findings.missing(
                limit,
                "max",
                "a limit of claims is one of `storage`",
                "add `max: {storage: 10Gi}`",
            );
        }
        for (low, high) in [
            ("min", "max"),
            ("min", "defaultRequest"),
            ("min", "default"),
            ("defaultRequest", "default"),
            ("defaultRequest", "max"),
            ("default", "max"),
        ] {
            let higher = field(limit, high);
            for (key, less) in entries(field(limit, low)) {
                let Some(more) = higher.and_then(|higher| field(higher, &key.text)) else { continue };
                if amount(less) > amount(more) {
                    let place = findings.place(more);
                    let finding = findings.broken(
                        less,
                        format!(
                            "of {} must not be above `{high}`, which is {}",
                            written(less),
                            written(more)
                        ),
                        "raise the one or lower the other",
                    );
                    finding.related.push((place, format!("`{high}` is here")));
                }
            }
        }
        for (_, ratio) in entries(field(limit, "maxLimitRequestRatio")) {
            if amount(ratio) < quantity("1") {
                findings.broken(ratio, "must be 1 or more", "a limit is never below its request");
            }
        }
    }
}

pub(super) fn quota(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    for (_, node) in entries(field(spec, "hard")) {
        if amount(node).is_some_and(Quantity::is_negative) {
            findings.broken(node, "must be from 0 up", "write an amount from 0 up");
        }
    }
}
