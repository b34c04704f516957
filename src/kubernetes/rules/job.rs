//! Jobs and CronJobs.

use super::{Findings, field, fields, is_true, number, pod, selector, text};
use crate::yaml::Node;

const MANY: i64 = 100_000;
const MANY_PARALLEL: i64 = 10_000;
const MAX_CRON_JOB_NAME: usize = 52;
const MAX_POD_NAME: usize = 63;
/// Labels that the server writes to the pods of a Job.
const UID_LABELS: &[&str] = &["controller-uid", "batch.kubernetes.io/controller-uid"];
const NAME_LABELS: &[&str] = &["job-name", "batch.kubernetes.io/job-name"];

pub(super) fn job(object: &Node, findings: &mut Findings<'_>) {
    let Some(spec) = field(object, "spec") else { return };
    own_selector(object, spec, findings);
    job_spec(spec, true, findings);
    let name = fields(object, &["metadata", "name"]);
    if let (Some(node), Some(completions)) = (name, number(spec, "completions").filter(|n| *n > 0)) {
        indexed_name(node, spec, completions, findings);
    }
}

pub(super) fn cron_job(object: &Node, findings: &mut Findings<'_>) {
    if let Some(name) = fields(object, &["metadata", "name"])
        && name.as_str().is_some_and(|name| name.len() > MAX_CRON_JOB_NAME)
    {
        findings.broken(
            name,
            format!("must have at most {MAX_CRON_JOB_NAME} characters"),
            "its Jobs' names are this one and 11 characters more; shorten it",
        );
    }
    let Some(spec) = field(object, "spec") else { return };
    if let Some(zone) = field(spec, "timeZone") {
        time_zone(zone, findings);
    }
    let Some(spec) = fields(spec, &["jobTemplate", "spec"]) else { return };
    if let Some(given) = field(spec, "selector") {
        findings.broken(given, "cannot be given in a CronJob", "remove it: each Job gets its own");
    }
    if let Some(given) = field(spec, "manualSelector").filter(|_| is_true(spec, "manualSelector")) {
        findings.broken(given, "cannot be true in a CronJob", "remove it: each Job gets its own selector");
    }
    job_spec(spec, false, findings);
}

fn time_zone(node: &Node, findings: &mut Findings<'_>) {
    let Some(name) = node.as_str() else { return };
    if name.eq_ignore_ascii_case("local") || jiff::tz::TimeZone::get(name).is_err() {
        findings.broken(
            node,
            format!("cannot be `{name}`: no such time zone is known"),
            "write a name of the IANA list, such as `Etc/UTC` or `Europe/Rome`",
        );
    }
}

fn own_selector(object: &Node, spec: &Node, findings: &mut Findings<'_>) {
    let given = field(spec, "selector");
    if is_true(spec, "manualSelector") {
        match given {
            None => findings.missing(
                spec,
                "selector",
                "`manualSelector` is true",
                "add a selector that matches the template's labels, or remove `manualSelector`",
            ),
            Some(given) => {
                selector::check(given, findings);
                selector::must_match(given, field(spec, "template"), findings);
            }
        }
        return;
    }
    if let Some(given) = given.filter(|given| !selector::is_empty(given)) {
        findings.broken(
            given,
            "cannot be given: the server makes it",
            "remove it, or set `manualSelector: true` if this Job is to adopt pods",
        );
    }
    let labels = fields(spec, &["template", "metadata", "labels"]);
    for (key, value) in super::entries(labels) {
        let is_name = NAME_LABELS.contains(&key.text.as_str())
            && fields(object, &["metadata", "name"]).is_none_or(|name| name.value != value.value);
        if is_name || UID_LABELS.contains(&key.text.as_str()) {
            findings.broken(value, "is a label that the server sets", "remove it");
        }
    }
}

fn job_spec(spec: &Node, is_job: bool, findings: &mut Findings<'_>) {
    if let Some(manager) = field(spec, "managedBy") {
        let name = manager.as_str().unwrap_or_default();
        if name.len() > 63 || !name.contains('/') {
            findings.broken(
                manager,
                "must be a domain and a path of at most 63 characters together",
                "write it as `example.com/controller`",
            );
        }
    }
    if text(spec, "completionMode") == "Indexed" {
        indexed(spec, is_job, findings)
    } else {
        not_indexed(spec, findings)
    }
    if let (Some(max), None) = (field(spec, "maxFailedIndexes"), field(spec, "backoffLimitPerIndex")) {
        findings.broken(
            max,
            "needs `backoffLimitPerIndex` beside it",
            "add `backoffLimitPerIndex: 0` or more",
        );
    }
    if let Some(replacement) = field(spec, "podReplacementPolicy")
        && field(spec, "podFailurePolicy").is_some()
        && replacement.as_str() != Some("Failed")
    {
        findings.broken(
            replacement,
            "must be `Failed` beside `podFailurePolicy`",
            "write `Failed`, or leave it out",
        );
    }
    super::failure::policies(spec, findings);
    let Some(template) = field(spec, "template") else { return };
    pod::template(template, findings);
    let Some(pod) = field(template, "spec") else { return };
    let policy = field(pod, "restartPolicy");
    match policy.and_then(Node::as_str).unwrap_or_default() {
        "OnFailure" | "Never" => {}
        "" => findings.missing(
            pod,
            "restartPolicy",
            "a Job's pods cannot be restarted always, which is the default",
            "add `restartPolicy: Never`, or `OnFailure`",
        ),
        other => {
            let words = format!("cannot be `{other}` in a Job");
            findings.broken(policy.unwrap_or(pod), words, "write `Never` or `OnFailure`");
        }
    }
    if let (Some(policy), Some(failure)) = (policy, field(spec, "podFailurePolicy"))
        && policy.as_str() == Some("OnFailure")
    {
        let place = findings.place(failure);
        let finding = findings.broken(
            policy,
            "must be `Never` when `podFailurePolicy` is given",
            "write `restartPolicy: Never`",
        );
        finding.related.push((place, "asks for it".into()));
    }
}

fn not_indexed(spec: &Node, findings: &mut Findings<'_>) {
    for name in ["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"] {
        if let Some(node) = field(spec, name) {
            findings.broken(
                node,
                "needs `completionMode: Indexed`",
                "add `completionMode: Indexed`, or remove it",
            );
        }
    }
}

fn indexed(spec: &Node, is_job: bool, findings: &mut Findings<'_>) {
    // Where neither is given in a Job, both are 1; in a CronJob the server does not fill them in first.
    let Some(completions) =
        number(spec, "completions").or((is_job && number(spec, "parallelism").is_none()).then_some(1))
    else {
        return findings.missing(
            spec,
            "completions",
            "`completionMode` is Indexed",
            "add `completions` with the number of indexes",
        );
    };
    let is_large = completions > MANY && field(spec, "backoffLimitPerIndex").is_some();
    let limit = if is_large { MANY_PARALLEL } else { MANY };
    let why = if is_large { " of more than 100000 completions with `backoffLimitPerIndex`" } else { "" };
    if let Some(node) = field(spec, "parallelism").filter(|node| node.as_i64() > Some(limit)) {
        findings.broken(
            node,
            format!("must be at most {limit} in an Indexed Job{why}"),
            "lower it, or split the Job",
        );
    }
    let max = field(spec, "maxFailedIndexes");
    if let Some(node) = max.filter(|node| node.as_i64() > Some(limit.min(completions))) {
        let most = limit.min(completions);
        findings.broken(node, format!("must be at most {most} here"), "lower it");
    }
    if is_large && max.is_none() {
        findings.missing(
            spec,
            "maxFailedIndexes",
            "there are more than 100000 completions with `backoffLimitPerIndex`",
            "add `maxFailedIndexes` of at most 10000",
        );
    }
}

/// The pod of the highest index is named after the Job, and its name must be a DNS label.
fn indexed_name(node: &Node, spec: &Node, completions: i64, findings: &mut Findings<'_>) {
    let Some(name) = node.as_str().filter(|_| text(spec, "completionMode") == "Indexed") else { return };
    let digits = (completions - 1).max(1).ilog10() as usize + 1;
    if name.len() + 1 + digits > MAX_POD_NAME {
        findings.broken(
            node,
            format!("must have at most {} characters in this Indexed Job", MAX_POD_NAME - 1 - digits),
            format!("its last pod is named `{name}-{}`, which may have {MAX_POD_NAME}", completions - 1),
        );
    } else if name.contains('.') {
        findings.broken(node, "cannot have a `.` in an Indexed Job", "write `-`: pods' names have no dots");
    }
}
