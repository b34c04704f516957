//! Pods and their events → what keeps them from running, and how their containers ended.

use std::fmt;
use std::time::Duration;

use serde_json::Value as Json;

use super::ContainerExit;
use crate::cluster::json::{items, number, text};

/// Something that keeps an object from becoming ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub cause: String,
    /// After how long it is hopeless to wait on; `None` if it may pass.
    pub patience: Option<Duration>,
}

const AT_ONCE: Option<Duration> = Some(Duration::ZERO);
/// What was just created may take a moment to be seen by every node.
const SHORTLY: Option<Duration> = Some(Duration::from_secs(4));
/// One more try by the kubelet.
const ONE_RETRY: Option<Duration> = Some(Duration::from_secs(15));

/// A pod that crashes this often does not come up by itself.
const CRASHES: i64 = 3;

/// Returns what keeps a pod from running.
pub fn trouble(pod: &Json, events: &[&Json]) -> Option<Trouble> {
    if matches!(text(pod, "/status/phase"), "Succeeded" | "Failed") {
        return None;
    }
    unschedulable(pod)
        .or_else(|| statuses(pod).find_map(|(status, spec)| waiting(pod, status, spec, events)))
        .or_else(|| mount(pod, events))
        .or_else(|| statuses(pod).find_map(|(status, _)| unhealthy(pod, status, events)))
}

/// Every container's status with its specification, init containers first.
fn statuses(pod: &Json) -> impl Iterator<Item = (&Json, &Json)> {
    let lists = [("initContainerStatuses", "initContainers"), ("containerStatuses", "containers")];
    lists.into_iter().flat_map(move |(statuses, specs)| {
        let specs = items(pod, &format!("/spec/{specs}"));
        items(pod, &format!("/status/{statuses}")).iter().map(move |status| {
            let spec = specs.iter().find(|spec| spec["name"] == status["name"]);
            (status, spec.unwrap_or(&Json::Null))
        })
    })
}

fn name(pod: &Json) -> &str {
    text(pod, "/metadata/name")
}

fn unschedulable(pod: &Json) -> Option<Trouble> {
    let conditions = items(pod, "/status/conditions");
    let condition = conditions.iter().find(|c| c["type"] == "PodScheduled" && c["status"] == "False")?;
    if condition["reason"] != "Unschedulable" {
        return None;
    }
    // What follows is about preemption.
    let why = text(condition, "/message").split(". ").next().unwrap_or_default().trim_end_matches('.');
    // More nodes may come.
    Some(Trouble { cause: format!("pod `{}` cannot be scheduled: {why}", name(pod)), patience: None })
}

fn waiting(pod: &Json, status: &Json, spec: &Json, events: &[&Json]) -> Option<Trouble> {
    let reason = text(status, "/state/waiting/reason");
    let message = text(status, "/state/waiting/message");
    let container = format!("container `{}` of pod `{}`", text(status, "/name"), name(pod));
    let image = match text(spec, "/image") {
        "" => text(status, "/image"),
        image => image,
    };
    let (cause, patience) = match reason {
        "InvalidImageName" => (format!("`{image}` of {container} is not a valid image name"), AT_ONCE),
        "ErrImageNeverPull" => (
            format!("image `{image}` of {container} is not on the node, and its pull policy is Never"),
            AT_ONCE,
        ),
        "ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable" => pull(image, &container, message),
        "CreateContainerConfigError" => {
            let is_slow = message.contains("failed to sync");
            let patience = if is_slow { None } else { SHORTLY };
            (format!("{container} cannot be set up: {}", configuration(message)), patience)
        }
        "CreateContainerError" | "RunContainerError" => {
            (format!("{container} cannot be started: {}", start(message)), ONE_RETRY)
        }
        "CrashLoopBackOff" => {
            let exit = exit(pod, status, &status["lastState"]["terminated"], spec)?;
            let restarts = number(status, "/restartCount").unwrap_or_default();
            let is_kept_up = text(pod, "/spec/restartPolicy") == "Always";
            let patience = if is_kept_up && restarts >= CRASHES { AT_ONCE } else { None };
            // Who is killed for a probe says nothing of it.
            let probe = probe(pod, status, events).filter(|probe| probe.kind != "readiness");
            let because = probe.map(|probe| format!(" since its {probe}")).unwrap_or_default();
            (format!("{}{because}", exit.sentence()), patience)
        }
        _ => return None,
    };
    Some(Trouble { cause, patience })
}

fn pull(image: &str, container: &str, message: &str) -> (String, Option<Duration>) {
    let lower = message.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["not found", "manifest unknown", "name unknown", "does not exist"]) && !has(&["authoriz"]) {
        return (format!("image `{image}` of {container} was not found"), AT_ONCE);
    }
    if has(&["unauthorized", "denied", "forbidden", "authoriz", "no basic auth"]) {
        return (
            format!("the registry does not let {container} pull image `{image}`: is its pull secret set?"),
            AT_ONCE,
        );
    }
    if has(&["no such host"]) {
        return (format!("the registry of image `{image}` of {container} has no address"), ONE_RETRY);
    }
    let why = message.rsplit("failed to do request: ").next().unwrap_or(message);
    (format!("image `{image}` of {container} cannot be pulled: {why}"), ONE_RETRY)
}

/// `couldn't find key x in Secret a/b`, `secret "x" not found` in the words used elsewhere.
fn configuration(message: &str) -> String {
    let key = message.strip_prefix("couldn't find key ").and_then(|rest| rest.split_once(" in "));
    if let Some((key, (kind, name))) = key.and_then(|(key, rest)| Some((key, rest.split_once(' ')?))) {
        let name = name.rsplit('/').next().unwrap_or(name);
        return format!("{kind} `{name}` has no key `{key}`");
    }
    for (kind, title) in [("secret", "Secret"), ("configmap", "ConfigMap")] {
        let name =
            message.split_once(&format!("{kind} \"")).and_then(|(_, rest)| rest.split_once("\" not found"));
        if let Some((name, _)) = name {
            return format!("{title} `{name}` does not exist");
        }
    }
    message.to_owned()
}

/// `… exec: "x": executable file not found in $PATH: unknown` → what matters of it.
fn start(message: &str) -> String {
    let from = message.find("exec: \"").map_or(message, |at| &message[at..]);
    from.trim_end_matches(": unknown").trim().to_owned()
}

/// What a container's probe said when it last failed.
struct Probe<'a> {
    /// `readiness`, `liveness`, `startup`
    kind: String,
    why: &'a str,
}

impl fmt::Display for Probe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} probe fails: {}", self.kind, self.why)
    }
}

/// A probe that fails shows in events alone.
fn probe<'a>(pod: &Json, status: &Json, events: &[&'a Json]) -> Option<Probe<'a>> {
    let container = format!("{{{}}}", text(status, "/name"));
    let failed = events.iter().rev().find(|event| {
        event["involvedObject"]["uid"] == pod["metadata"]["uid"]
            && text(event, "/reason") == "Unhealthy"
            && text(event, "/involvedObject/fieldPath").ends_with(&container)
    })?;
    let (kind, why) = text(failed, "/message").split_once(" probe ")?;
    let why = why.split_once(": ").map_or(why, |(_, why)| why).trim();
    Some(Probe { kind: kind.to_lowercase(), why: if why.is_empty() { "it says nothing" } else { why } })
}

/// A container that runs and is not ready.
fn unhealthy(pod: &Json, status: &Json, events: &[&Json]) -> Option<Trouble> {
    if !status["state"]["running"].is_object() || status["ready"] == true {
        return None;
    }
    let probe = probe(pod, status, events)?;
    let container = text(status, "/name");
    let cause = format!("container `{container}` of pod `{}` is not ready: its {probe}", name(pod));
    // It may come up yet.
    Some(Trouble { cause, patience: None })
}

/// A volume that cannot be mounted shows in events alone.
fn mount(pod: &Json, events: &[&Json]) -> Option<Trouble> {
    let is_starting = text(pod, "/status/phase") == "Pending" && !text(pod, "/spec/nodeName").is_empty();
    let failed = events.iter().rev().filter(|_| is_starting).find(|event| {
        event["involvedObject"]["uid"] == pod["metadata"]["uid"]
            && matches!(
                text(event, "/reason"),
                "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox"
            )
    })?;
    let message = text(failed, "/message");
    let volume = message.split_once("for volume \"").and_then(|(_, rest)| rest.split_once('"'));
    let why = message.split_once("\" : ").map_or(message, |(_, why)| why);
    let cause = match volume {
        Some((volume, _)) => {
            format!("pod `{}` cannot mount volume `{volume}`: {}", name(pod), configuration(why))
        }
        None => format!("pod `{}` cannot start: {why}", name(pod)),
    };
    let is_missing = why.contains("not found") || why.contains("non-existent");
    let patience =
        if volume.is_some() && is_missing && !why.contains("failed to sync") { SHORTLY } else { None };
    Some(Trouble { cause, patience })
}

/// Returns what the controller of some pods complains of when it cannot create them.
pub fn refused(uid: &str, events: &[&Json]) -> Option<Trouble> {
    let event = events.iter().rev().find(|event| {
        text(event, "/involvedObject/uid") == uid && text(event, "/reason") == "FailedCreate"
    })?;
    refused_by(text(event, "/message"))
}

/// Reads such a complaint.
pub fn refused_by(message: &str) -> Option<Trouble> {
    let why = message.split_once("is forbidden: ").map_or(message, |(_, why)| why);
    let why = why.trim_start_matches("Error creating: ");
    let is_passing = why.contains("failed calling webhook") || why.contains("timeout");
    Some(Trouble {
        cause: format!("its pods are refused: {why}"),
        patience: if is_passing { None } else { SHORTLY },
    })
}

/// Returns how each container of a pod ended, in the pod's order, those that ended last time before a restart
/// among them.
pub fn exits(pod: &Json) -> Vec<ContainerExit> {
    let ended = statuses(pod).filter_map(|(status, spec)| {
        let now = &status["state"]["terminated"];
        let last = &status["lastState"]["terminated"];
        exit(pod, status, if now.is_object() { now } else { last }, spec)
    });
    ended.collect()
}

fn exit(pod: &Json, status: &Json, ended: &Json, spec: &Json) -> Option<ContainerExit> {
    let code = number(ended, "/exitCode")?;
    Some(ContainerExit {
        pod: name(pod).to_owned(),
        container: text(status, "/name").to_owned(),
        index: index(pod),
        exit_code: i32::try_from(code).unwrap_or(-1),
        reason: text(ended, "/reason").to_owned(),
        message: text(ended, "/message").trim().to_owned(),
        memory_limit: Some(text(spec, "/resources/limits/memory").to_owned())
            .filter(|limit| !limit.is_empty()),
        restarts: number(status, "/restartCount").unwrap_or_default(),
        started: text(ended, "/startedAt").to_owned(),
        ended: text(ended, "/finishedAt").to_owned(),
        last_line: None,
    })
}

/// Returns the index of a pod of an Indexed Job.
pub fn index(pod: &Json) -> Option<u32> {
    let index = pod.pointer("/metadata/annotations/batch.kubernetes.io~1job-completion-index");
    index.and_then(Json::as_str).and_then(|index| index.parse().ok())
}

impl ContainerExit {
    /// `container `main` of pod `x` (index 2) exited with code 3`
    pub fn sentence(&self) -> String {
        let index = self.index.map(|index| format!(" (index {index})")).unwrap_or_default();
        let who = format!("container `{}` of pod `{}`{index}", self.container, self.pod);
        match self.reason.as_str() {
            "OOMKilled" => {
                let limit = self.memory_limit.as_deref().map(|limit| format!(" (limit {limit})"));
                format!("{who} ran out of memory{}", limit.unwrap_or_default())
            }
            "StartError" | "ContainerCannotRun" => format!("{who} could not start: {}", start(&self.message)),
            _ => {
                let words = self.last_line.as_deref().map(|line| format!(": {line}")).unwrap_or_default();
                format!("{who} exited with code {}{words}", self.exit_code)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubelet_messages_are_put_plainly() {
        let plain = |message: &str| configuration(message);
        assert_eq!(plain("couldn't find key k in Secret shop/creds"), "Secret `creds` has no key `k`");
        assert_eq!(plain("secret \"creds\" not found"), "Secret `creds` does not exist");
        assert_eq!(plain("configmap \"settings\" not found"), "ConfigMap `settings` does not exist");
        assert_eq!(plain("something else"), "something else");
        let runc = "failed to create shim task: exec: \"nope\": executable file not found in $PATH: unknown";
        assert_eq!(start(runc), "exec: \"nope\": executable file not found in $PATH");
    }

    #[test]
    fn only_what_cannot_pass_is_given_up_at_once() {
        let patience = |message: &str| pull("x:1", "container `c`", message).1;
        assert_eq!(patience("rpc error: code = NotFound desc = x:1: not found"), AT_ONCE);
        assert_eq!(patience("failed to authorize: 401 Unauthorized"), AT_ONCE);
        assert_eq!(
            patience("pull access denied, repository does not exist or may require authorization"),
            AT_ONCE
        );
        assert_eq!(patience("dial tcp 127.0.0.1:1: connect: connection refused"), ONE_RETRY);
    }

    #[test]
    fn a_pod_that_cannot_be_scheduled_may_be_later() {
        let message = "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available.";
        let pod = serde_json::json!({"metadata": {"name": "p"}, "status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]}});
        let trouble = trouble(&pod, &[]).unwrap();
        assert_eq!(trouble.cause, "pod `p` cannot be scheduled: 0/1 nodes are available: 1 Insufficient cpu");
        assert_eq!(trouble.patience, None);
    }
}
