//! When an object of a kind is ready, and when it never will be.

use serde_json::Value as Json;

use super::JobCounts;
use crate::cluster::json::{condition, items, number, text};
use crate::object::ObjectId;

/// What an object's own status says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    Ready(Option<String>),
    Waiting(String),
    Failed(String),
}

type Rule = fn(&Json) -> Status;

/// Kinds that are not ready at once.
const RULES: &[(&str, &str, Rule)] = &[
    ("batch", "Job", job),
    ("apps", "Deployment", deployment),
    ("apps", "StatefulSet", stateful_set),
    ("apps", "DaemonSet", daemon_set),
    ("apps", "ReplicaSet", replica_set),
    ("", "Pod", pod),
    ("", "PersistentVolumeClaim", claim),
    ("apiextensions.k8s.io", "CustomResourceDefinition", definition),
];

pub fn rule(id: &ObjectId) -> Option<Rule> {
    let found = RULES.iter().find(|(group, kind, _)| *group == id.group() && *kind == id.kind);
    found.map(|(_, _, rule)| *rule)
}

pub fn has_pods(id: &ObjectId) -> bool {
    matches!(
        (id.group(), id.kind.as_str()),
        ("batch", "Job") | ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("", "Pod")
    )
}

/// Whether a workload that is ready has shown that it stays so. A container without a probe is ready the moment it
/// starts, though it may crash the next.
pub fn is_proven(id: &ObjectId, object: &Json) -> bool {
    let is_workload = id.group() == "apps";
    let containers = items(object, "/spec/template/spec/containers");
    !is_workload
        || number(object, "/spec/minReadySeconds").unwrap_or_default() > 0
        || containers.iter().all(|container| container["readinessProbe"].is_object())
}

fn ready() -> Status {
    Status::Ready(None)
}

fn job(job: &Json) -> Status {
    if condition(job, "Complete").or_else(|| condition(job, "SuccessCriteriaMet")).is_some() {
        return ready();
    }
    if let Some(failed) = condition(job, "Failed").or_else(|| condition(job, "FailureTarget")) {
        return Status::Failed(text(failed, "/message").to_owned());
    }
    if job.pointer("/spec/suspend") == Some(&Json::Bool(true)) {
        let queue = job.pointer("/metadata/labels/kueue.x-k8s.io~1queue-name").and_then(Json::as_str);
        return match queue {
            Some(queue) => Status::Waiting(format!("waits to be admitted by the queue `{queue}`")),
            None => Status::Ready(Some("suspended".to_owned())),
        };
    }
    Status::Waiting(counts(job).sentence())
}

pub fn counts(job: &Json) -> JobCounts {
    let status = |field: &str| number(job, &format!("/status/{field}")).unwrap_or_default();
    // Pods that are over are counted a little later than they are listed as such.
    let ended = |field: &str| {
        let uncounted = items(job, &format!("/status/uncountedTerminatedPods/{field}")).len();
        status(field) + i64::try_from(uncounted).unwrap_or_default()
    };
    JobCounts {
        active: status("active"),
        ready: status("ready"),
        succeeded: ended("succeeded"),
        failed: ended("failed"),
        completions: number(job, "/spec/completions"),
        parallelism: number(job, "/spec/parallelism").unwrap_or(1),
        completed_indexes: text(job, "/status/completedIndexes").to_owned(),
        failed_indexes: text(job, "/status/failedIndexes").to_owned(),
    }
}

impl JobCounts {
    fn sentence(&self) -> String {
        let JobCounts { active, succeeded, failed, completions, .. } = self;
        if *active == 0 && *succeeded == 0 && *failed == 0 {
            return "no pod yet".to_owned();
        }
        let done = match completions {
            Some(all) => format!("{succeeded} of {all} done"),
            None => format!("{succeeded} done"),
        };
        let failures = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
        format!("{done}, {active} active{failures}")
    }
}

fn is_observed(object: &Json) -> bool {
    number(object, "/status/observedGeneration") >= number(object, "/metadata/generation")
}

fn deployment(object: &Json) -> Status {
    if !is_observed(object) {
        return Status::Waiting("not looked at yet".to_owned());
    }
    let conditions = crate::cluster::json::items(object, "/status/conditions");
    if conditions.iter().any(|condition| condition["reason"] == "ProgressDeadlineExceeded") {
        let seconds = number(object, "/spec/progressDeadlineSeconds").unwrap_or(600);
        return Status::Failed(format!("no progress within {seconds} s (progressDeadlineSeconds)"));
    }
    let wanted = number(object, "/spec/replicas").unwrap_or(1);
    let status = |field: &str| number(object, &format!("/status/{field}")).unwrap_or_default();
    let (updated, all, available) =
        (status("updatedReplicas"), status("replicas"), status("availableReplicas"));
    if updated < wanted {
        return Status::Waiting(format!("{updated} of {wanted} replicas updated"));
    }
    if all > updated {
        return Status::Waiting(format!("{} old replicas are still there", all - updated));
    }
    if available < wanted {
        return Status::Waiting(format!("{available} of {wanted} replicas available"));
    }
    ready()
}

fn stateful_set(object: &Json) -> Status {
    if !is_observed(object) {
        return Status::Waiting("not looked at yet".to_owned());
    }
    let wanted = number(object, "/spec/replicas").unwrap_or(1);
    let status = |field: &str| number(object, &format!("/status/{field}")).unwrap_or_default();
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Status::Ready(Some("its pods are updated when they are deleted (OnDelete)".to_owned()));
    }
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or_default();
    if status("readyReplicas") < wanted {
        return Status::Waiting(format!("{} of {wanted} replicas ready", status("readyReplicas")));
    }
    let to_update = (wanted - partition).max(0);
    let is_current = text(object, "/status/currentRevision") == text(object, "/status/updateRevision");
    if !is_current && status("updatedReplicas") < to_update {
        return Status::Waiting(format!("{} of {to_update} replicas updated", status("updatedReplicas")));
    }
    ready()
}

fn daemon_set(object: &Json) -> Status {
    if !is_observed(object) {
        return Status::Waiting("not looked at yet".to_owned());
    }
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Status::Ready(Some("its pods are updated when they are deleted (OnDelete)".to_owned()));
    }
    let status = |field: &str| number(object, &format!("/status/{field}")).unwrap_or_default();
    let wanted = status("desiredNumberScheduled");
    if status("updatedNumberScheduled") < wanted {
        return Status::Waiting(format!("{} of {wanted} pods updated", status("updatedNumberScheduled")));
    }
    if status("numberAvailable") < wanted {
        return Status::Waiting(format!("{} of {wanted} pods available", status("numberAvailable")));
    }
    ready()
}

fn replica_set(object: &Json) -> Status {
    let wanted = number(object, "/spec/replicas").unwrap_or(1);
    let available = number(object, "/status/availableReplicas").unwrap_or_default();
    if !is_observed(object) || available < wanted {
        return Status::Waiting(format!("{available} of {wanted} replicas available"));
    }
    ready()
}

fn pod(pod: &Json) -> Status {
    match text(pod, "/status/phase") {
        "Succeeded" => ready(),
        "Failed" => Status::Failed(text(pod, "/status/message").to_owned()),
        _ if condition(pod, "Ready").is_some() => ready(),
        "" => Status::Waiting("pending".to_owned()),
        phase => Status::Waiting(phase.to_lowercase()),
    }
}

fn claim(claim: &Json) -> Status {
    match text(claim, "/status/phase") {
        "Bound" => ready(),
        "Lost" => Status::Failed("its volume is lost".to_owned()),
        // Many classes bind a claim only once a pod uses it.
        _ => Status::Ready(Some("not bound to a volume yet".to_owned())),
    }
}

fn definition(definition: &Json) -> Status {
    if condition(definition, "Established").is_some() {
        return ready();
    }
    let conditions = crate::cluster::json::items(definition, "/status/conditions");
    let refused = conditions.iter().find(|c| c["type"] == "NamesAccepted" && c["status"] == "False");
    match refused {
        Some(refused) => Status::Failed(text(refused, "/message").to_owned()),
        None => Status::Waiting("not established yet".to_owned()),
    }
}
