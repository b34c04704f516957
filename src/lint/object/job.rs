//! Lints on Jobs and CronJobs.

use super::Part;
use crate::diagnostic::Diagnostic;

/// More retries than anybody waits for.
const MANY_RETRIES: i64 = 100;

pub(super) fn missing_time_zone(cron_job: Part<'_>) -> Option<Diagnostic> {
    let schedule = cron_job.field("schedule")?;
    let is_given = cron_job.field("timeZone").is_some()
        || schedule.node.as_str().is_some_and(|text| text.contains("TZ=") || text.starts_with("@every"));
    (!is_given).then(|| {
        Diagnostic::warning(
            "missing-time-zone",
            "the schedule is in the time zone of whatever machine runs the control plane",
        )
        .at(schedule.node.place)
        .help("set `timeZone`, for example `Etc/UTC`")
    })
}

pub(super) fn missing_starting_deadline(cron_job: Part<'_>) -> Option<Diagnostic> {
    cron_job.field("startingDeadlineSeconds").is_none().then(|| {
        cron_job.lacks(
            "missing-starting-deadline",
            "runs that were missed are started however late; after 100 missed ones none is started any more",
            "set `startingDeadlineSeconds`, for example 600",
        )
    })
}

pub(super) fn concurrent_runs(cron_job: Part<'_>) -> Option<Diagnostic> {
    let policy = cron_job.field("concurrencyPolicy");
    let is_decided = policy.is_some_and(|policy| policy.node.as_str() != Some("Allow"));
    (!is_decided).then(|| {
        Diagnostic::warning("concurrent-runs", "a run starts while the one before is still going")
            .at(policy.map_or(cron_job.key, |policy| policy.node.place))
            .help("set `concurrencyPolicy: Forbid`, or `Replace`, unless runs can go side by side")
    })
}

pub(super) fn no_failed_history(cron_job: Part<'_>) -> Option<Diagnostic> {
    let limit = cron_job.field("failedJobsHistoryLimit").filter(|limit| limit.node.as_i64() == Some(0))?;
    Some(
        Diagnostic::warning("no-failed-history", "failed runs are deleted at once, and their logs with them")
            .at(limit.node.place)
            .help("keep at least one: `failedJobsHistoryLimit: 1`"),
    )
}

pub(super) fn missing_deadline(job: Part<'_>) -> Option<Diagnostic> {
    job.field("activeDeadlineSeconds").is_none().then(|| {
        job.lacks(
            "missing-deadline",
            "this job has no deadline: if it hangs, it hangs for ever",
            "set `activeDeadlineSeconds`, for example 3600",
        )
    })
}

pub(super) fn missing_ttl(job: Part<'_>) -> Option<Diagnostic> {
    job.field("ttlSecondsAfterFinished").is_none().then(|| {
        job.lacks(
            "missing-ttl",
            "this job stays in the cluster after it has finished",
            "set `ttlSecondsAfterFinished`, for example 86400",
        )
    })
}

pub(super) fn default_backoff(job: Part<'_>) -> Option<Diagnostic> {
    let is_decided = ["backoffLimit", "backoffLimitPerIndex"].iter().any(|name| job.field(name).is_some());
    (!is_decided).then(|| {
        job.lacks(
            "default-backoff",
            "this job is retried 6 times, since nothing says how often",
            "set `backoffLimit`; 0 if a second run would do harm",
        )
    })
}

pub(super) fn endless_backoff(job: Part<'_>) -> Option<Diagnostic> {
    let limit = job.field("backoffLimit").filter(|limit| limit.node.as_i64() > Some(MANY_RETRIES))?;
    let message = format!("this job is retried {} times before it has failed", limit.node.as_i64()?);
    Some(
        Diagnostic::warning("endless-backoff", message)
            .at(limit.node.place)
            .help("lower `backoffLimit`: retries are up to six minutes apart"),
    )
}

pub(super) fn unindexed_completions(job: Part<'_>) -> Option<Diagnostic> {
    let completions = job.field("completions").filter(|count| count.node.as_i64() > Some(1))?;
    let is_split = job.number("parallelism") > Some(1) && job.field("completionMode").is_none();
    is_split.then(|| {
        Diagnostic::warning("unindexed-completions", "no pod can tell which part of the work is its own")
            .at(completions.node.place)
            .help("set `completionMode: Indexed`, or `NonIndexed` if pods take their work from a queue")
    })
}

pub(super) fn parallelism_exceeds_completions(job: Part<'_>) -> Option<Diagnostic> {
    let completions = job.number("completions")?;
    let parallelism = job.field("parallelism")?.node;
    let is_more = parallelism.as_i64() > Some(completions) && completions > 0;
    is_more.then(|| {
        let message = format!("never more than {completions} pods run, however many are asked for");
        Diagnostic::warning("parallelism-exceeds-completions", message).at(parallelism.place).fix(
            "lower `parallelism` to `completions`",
            parallelism.place,
            completions.to_string(),
        )
    })
}

pub(super) fn on_failure_loses_logs(pod: Part<'_>) -> Option<Diagnostic> {
    let policy = pod.field("restartPolicy").filter(|policy| policy.node.as_str() == Some("OnFailure"))?;
    Some(
        Diagnostic::warning(
            "on-failure-loses-logs",
            "with `OnFailure` the pod is deleted when the job has failed, and its logs with it",
        )
        .at(policy.node.place)
        .help("set `restartPolicy: Never`, which keeps failed pods"),
    )
}
