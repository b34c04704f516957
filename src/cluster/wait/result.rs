//! An ended Job → how it ended, in one sentence.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::ready::{Status, counts};
use super::world::World;
use super::{ContainerExit, JobCounts, JobResult, Waiting, pods};
use crate::cluster::Cluster;
use crate::cluster::json::{condition, number, text};
use crate::cluster::logs::Logs;
use crate::object::ObjectId;

impl Cluster {
    pub(super) async fn job_result(&self, world: &World, waiting: &Waiting, logs: &Logs<'_>) -> JobResult {
        let empty = Json::Null;
        let job = world.object(&waiting.id).unwrap_or(&empty);
        let mut containers: Vec<ContainerExit> =
            world.pods_of(&waiting.id).flat_map(|pod| pods::exits(&pod.object)).collect();
        for exit in &mut containers {
            exit.last_line = logs.last_line(&exit.pod, &exit.container);
        }
        if let Some(exit) = decisive(&containers).map(|index| &mut containers[index])
            && exit.last_line.is_none()
        {
            exit.last_line = self.last_line(&waiting.id, &exit.pod, &exit.container).await;
        }
        let words = match &waiting.decided {
            Some((Status::Failed(words), _)) => words.as_str(),
            _ => "",
        };
        let stuck = waiting.is_stuck.then_some(words);
        let mut result = outline(&waiting.id, job, containers, stuck, world.is_gone(&waiting.id));
        let pods: HashSet<&str> =
            world.pods_of(&waiting.id).map(|pod| text(&pod.object, "/metadata/name")).collect();
        result.log = logs.tail(|pod| pods.contains(pod));
        result
    }
}

/// Whether a Job has ended, its pods and all.
pub fn is_over(job: &Json) -> bool {
    condition(job, "Complete").or_else(|| condition(job, "Failed")).is_some()
}

/// Says how a Job ended. `stuck` is what keeps it from going on, if it has not ended by itself.
pub fn outline(
    id: &ObjectId,
    job: &Json,
    containers: Vec<ContainerExit>,
    stuck: Option<&str>,
    is_gone: bool,
) -> JobResult {
    let counts = counts(job);
    let complete = condition(job, "Complete").or_else(|| condition(job, "SuccessCriteriaMet"));
    let failed = condition(job, "Failed").or_else(|| condition(job, "FailureTarget"));
    let culprit = decisive(&containers).map(|index| &containers[index]).filter(|exit| exit.exit_code != 0);
    let succeeded = complete.is_some();
    let cause = match (stuck, failed) {
        _ if succeeded => String::new(),
        (Some(stuck), _) => stuck.to_owned(),
        (None, Some(failed)) => sentence(job, failed, culprit, &counts),
        (None, None) if is_gone => "it was deleted while it ran".to_owned(),
        (None, None) => "it does not exist".to_owned(),
    };
    // Time, not a container, decided a Job that ran too long: how it was stopped says nothing.
    let is_late = failed.is_some_and(|failed| failed["reason"] == "DeadlineExceeded");
    let culprit_code = culprit.filter(|_| !is_late).map(|exit| exit.exit_code);
    let exit_code = if succeeded { Some(0) } else { culprit_code };
    let ended = complete.or(failed).map(|condition| text(condition, "/lastTransitionTime"));
    let time = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    JobResult {
        job: id.clone(),
        succeeded,
        is_stuck: stuck.is_some(),
        cause,
        exit_code,
        counts,
        started: time(text(job, "/status/startTime")),
        ended: time(text(job, "/status/completionTime")).or_else(|| ended.and_then(time)),
        containers,
        log: Vec::new(),
    }
}

/// The container that decided how the Job ended: the last that failed.
fn decisive(containers: &[ContainerExit]) -> Option<usize> {
    let failed = containers.iter().enumerate().filter(|(_, exit)| exit.exit_code != 0);
    // Containers that were stopped because of another's failure end after it, by a signal.
    failed
        .max_by_key(|(_, exit)| {
            (!matches!(exit.exit_code, 137 | 143) || exit.reason == "OOMKilled", exit.ended.clone())
        })
        .map(|(i, _)| i)
}

fn sentence(job: &Json, failed: &Json, culprit: Option<&ContainerExit>, counts: &JobCounts) -> String {
    let message = text(failed, "/message");
    let exit = culprit.map(ContainerExit::sentence);
    let after = |words: String| match &exit {
        Some(exit) => format!("{exit}; {words}"),
        None => words,
    };
    match text(failed, "/reason") {
        "BackoffLimitExceeded" => {
            let limit = number(job, "/spec/backoffLimit").unwrap_or(6);
            match &exit {
                Some(exit) if limit == 0 => exit.clone(),
                _ => after(format!("its backoffLimit of {limit} is used up")),
            }
        }
        "DeadlineExceeded" => match number(job, "/spec/activeDeadlineSeconds") {
            Some(seconds) => format!("it ran longer than {seconds} s (activeDeadlineSeconds)"),
            None => message.to_owned(),
        },
        "FailedIndexes" | "MaxFailedIndexesExceeded" => {
            after(format!("failed indexes: {}", counts.failed_indexes))
        }
        "PodFailurePolicy" => after(format!("the pod failure policy fails the Job for that: {message}")),
        _ => after(message.to_owned()),
    }
}
