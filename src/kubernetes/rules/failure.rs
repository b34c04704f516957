//! When a Job has failed, and when it has succeeded early.

use super::{Findings, bounded, field, fields, formatted, items, number, text};
use crate::yaml::Node;

const MAX_RULES: usize = 20;
const MAX_VALUES: usize = 255;

pub(super) fn policies(spec: &Node, findings: &mut Findings<'_>) {
    if let Some(policy) = field(spec, "podFailurePolicy") {
        let rules = items(policy, "rules");
        at_most(field(policy, "rules"), MAX_RULES, findings);
        rules.iter().for_each(|rule| failure(rule, spec, findings));
    }
    let policy = field(spec, "successPolicy").filter(|_| text(spec, "completionMode") == "Indexed");
    let completions = number(spec, "completions").or(number(spec, "parallelism").is_none().then_some(1));
    if let (Some(policy), Some(completions)) = (policy, completions) {
        at_most(field(policy, "rules"), MAX_RULES, findings);
        if items(policy, "rules").is_empty() {
            findings.broken(policy, "needs a rule", "add a rule, or remove `successPolicy`");
        }
        items(policy, "rules").iter().for_each(|rule| success(rule, completions, findings));
    }
}

fn at_most(list: Option<&Node>, max: usize, findings: &mut Findings<'_>) {
    let Some(node) = list else { return };
    if node.as_list().is_some_and(|items| items.len() > max) {
        findings.broken(node, format!("may have at most {max} items"), "unite some of them");
    }
}

fn failure(rule: &Node, spec: &Node, findings: &mut Findings<'_>) {
    if let Some(action) = field(rule, "action")
        && action.as_str() == Some("FailIndex")
        && field(spec, "backoffLimitPerIndex").is_none()
    {
        findings.broken(
            action,
            "needs `backoffLimitPerIndex` in the Job",
            "add `backoffLimitPerIndex`, or choose another action",
        );
    }
    let (codes, conditions) = (field(rule, "onExitCodes"), items(rule, "onPodConditions"));
    if codes.is_some() != conditions.is_empty() {
        findings.broken(
            rule,
            "must have either `onExitCodes` or `onPodConditions`",
            "write one rule for each",
        );
    }
    at_most(field(rule, "onPodConditions"), MAX_RULES, findings);
    for condition in conditions {
        formatted(field(condition, "type"), "label-key", findings);
        if let Some(status) = field(condition, "status")
            && !matches!(status.as_str(), Some("True" | "False" | "Unknown"))
        {
            findings.broken(
                status,
                "must be `True`, `False` or `Unknown`",
                "quote it: a bare True is a boolean",
            );
        }
    }
    if let Some(codes) = codes {
        exit_codes(codes, spec, findings);
    }
}

fn exit_codes(codes: &Node, spec: &Node, findings: &mut Findings<'_>) {
    if let (Some(name), Some(pod)) = (field(codes, "containerName"), fields(spec, &["template", "spec"])) {
        let mut containers = items(pod, "containers").iter().chain(items(pod, "initContainers"));
        if !containers.any(|container| field(container, "name").is_some_and(|n| n.value == name.value)) {
            findings.broken(name, "names no container of this pod", "write the name of a container");
        }
    }
    let values = items(codes, "values");
    at_most(field(codes, "values"), MAX_VALUES, findings);
    for (index, value) in values.iter().enumerate() {
        if value.as_i64() == Some(0) && text(codes, "operator") == "In" {
            findings.broken(value, "cannot be 0 with `operator: In`", "0 is success; remove it");
        }
        if let Some(previous) = index.checked_sub(1).map(|index| &values[index]) {
            if previous.as_i64() == value.as_i64() {
                findings.duplicate(value, previous);
            } else if previous.as_i64() > value.as_i64() {
                findings.broken(value, "is not in ascending order", "sort the exit codes");
            }
        }
    }
}

fn success(rule: &Node, completions: i64, findings: &mut Findings<'_>) {
    let (count, indexes) = (field(rule, "succeededCount"), field(rule, "succeededIndexes"));
    if count.is_none() && indexes.is_none() {
        findings.broken(rule, "must have `succeededCount` or `succeededIndexes`", "add one of them");
    }
    let mut most = completions;
    if let Some((node, text)) = indexes.and_then(|node| Some((node, node.as_str()?))) {
        match count_indexes(text, completions) {
            Some(total) => most = most.min(total),
            None => {
                let words = format!("must list indexes below {completions} in ascending order");
                findings.broken(node, words, "write for example `0,2-4`");
            }
        }
    }
    bounded(count, 0, most, findings);
}

/// Counts the indexes of `0,2-4`.
fn count_indexes(text: &str, completions: i64) -> Option<i64> {
    let (mut total, mut last) = (0, -1);
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (from.parse::<i64>().ok()?, to.parse::<i64>().ok()?);
        if from <= last || to < from || to >= completions {
            return None;
        }
        total += to - from + 1;
        last = to;
    }
    Some(total)
}
