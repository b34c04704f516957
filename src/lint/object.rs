//! What plain Kubernetes objects could do better: a table of small functions, since there may be very many objects.

mod job;
mod pod;

use super::LintLevel;
use crate::diagnostic::Diagnostic;
use crate::source::Place;
use crate::yaml::Node;

/// A part of an object, with the place of the key that it stands under.
#[derive(Debug, Clone, Copy)]
struct Part<'n> {
    node: &'n Node,
    key: Place,
}

/// What a lint looks at.
enum Subject {
    CronJob(fn(Part<'_>) -> Option<Diagnostic>),
    /// The spec of a Job, or the one that a CronJob makes.
    Job(fn(Part<'_>) -> Option<Diagnostic>),
    /// The spec of a Job that nothing else cleans up.
    LoneJob(fn(Part<'_>) -> Option<Diagnostic>),
    /// The spec of a Job's pods.
    JobPod(fn(Part<'_>) -> Option<Diagnostic>),
    Pod(fn(Part<'_>) -> Option<Diagnostic>),
    Container(fn(&Container<'_>) -> Vec<Diagnostic>),
}

pub(super) struct ObjectLint {
    pub name: &'static str,
    pub level: LintLevel,
    subject: Subject,
}

/// A container, and the pod that it is in.
struct Container<'n> {
    node: &'n Node,
    pod: &'n Node,
}

const fn warn(name: &'static str, subject: Subject) -> ObjectLint {
    ObjectLint { name, level: LintLevel::Warn, subject }
}

const fn quiet(name: &'static str, subject: Subject) -> ObjectLint {
    ObjectLint { name, level: LintLevel::Allow, subject }
}

pub(super) const LINTS: &[ObjectLint] = &[
    warn("missing-time-zone", Subject::CronJob(job::missing_time_zone)),
    warn("missing-starting-deadline", Subject::CronJob(job::missing_starting_deadline)),
    warn("concurrent-runs", Subject::CronJob(job::concurrent_runs)),
    warn("no-failed-history", Subject::CronJob(job::no_failed_history)),
    warn("missing-deadline", Subject::Job(job::missing_deadline)),
    warn("missing-ttl", Subject::LoneJob(job::missing_ttl)),
    warn("default-backoff", Subject::Job(job::default_backoff)),
    warn("endless-backoff", Subject::Job(job::endless_backoff)),
    warn("unindexed-completions", Subject::Job(job::unindexed_completions)),
    warn("parallelism-exceeds-completions", Subject::Job(job::parallelism_exceeds_completions)),
    warn("on-failure-loses-logs", Subject::JobPod(job::on_failure_loses_logs)),
    quiet("default-service-account", Subject::Pod(pod::default_service_account)),
    quiet("secret-in-env", Subject::Container(pod::secret_in_env)),
    warn("missing-limits", Subject::Container(pod::missing_limits)),
    warn("latest-tag", Subject::Container(pod::latest_tag)),
    warn("secret-literal", Subject::Container(pod::secret_literal)),
    warn("milli-memory", Subject::Container(pod::milli_memory)),
    warn("relative-mount-path", Subject::Container(pod::relative_mount_path)),
];

/// Looks for what could be better in an object that Kubernetes accepts.
pub fn check(object: &Node) -> Vec<Diagnostic> {
    let Some(parts) = Parts::of(object) else { return Vec::new() };
    let mut findings = Vec::new();
    for lint in LINTS {
        match lint.subject {
            Subject::CronJob(look) => findings.extend(parts.cron_job.and_then(look)),
            Subject::Job(look) => findings.extend(parts.job.and_then(look)),
            Subject::LoneJob(look) if parts.cron_job.is_none() => findings.extend(parts.job.and_then(look)),
            Subject::JobPod(look) if parts.job.is_some() => findings.extend(look(parts.pod)),
            Subject::Pod(look) => findings.extend(look(parts.pod)),
            Subject::Container(look) => findings.extend(parts.containers().flat_map(|one| look(&one))),
            Subject::LoneJob(_) | Subject::JobPod(_) => {}
        }
    }
    findings
}

/// The parts of a workload that lints look at.
struct Parts<'n> {
    cron_job: Option<Part<'n>>,
    job: Option<Part<'n>>,
    pod: Part<'n>,
}

impl<'n> Parts<'n> {
    fn of(object: &'n Node) -> Option<Parts<'n>> {
        let kind = object.get("kind")?.as_str()?;
        let group = object.get("apiVersion")?.as_str()?.split_once('/').map_or("", |(group, _)| group);
        let root = Part { node: object, key: object.place };
        let none = None;
        match (group, kind) {
            ("batch", "CronJob") => {
                let cron_job = root.field("spec")?;
                let job = cron_job.field("jobTemplate")?.field("spec")?;
                Some(Parts { cron_job: Some(cron_job), job: Some(job), pod: job.pod()? })
            }
            ("batch", "Job") => {
                let job = root.field("spec")?;
                Some(Parts { cron_job: none, job: Some(job), pod: job.pod()? })
            }
            ("apps", _) | ("", "ReplicationController") => {
                Some(Parts { cron_job: none, job: none, pod: root.field("spec")?.pod()? })
            }
            ("", "Pod") => Some(Parts { cron_job: none, job: none, pod: root.field("spec")? }),
            ("", "PodTemplate") => Some(Parts { cron_job: none, job: none, pod: root.pod()? }),
            _ => None,
        }
    }

    fn containers(&self) -> impl Iterator<Item = Container<'n>> {
        let pod = self.pod.node;
        let lists = ["initContainers", "containers"].into_iter().filter_map(|list| pod.get(list)?.as_list());
        lists.flatten().map(move |node| Container { node, pod })
    }
}

impl<'n> Part<'n> {
    /// Returns a field that is there and not null.
    fn field(self, name: &str) -> Option<Part<'n>> {
        let map = self.node.as_map()?;
        let node = map.get(name).filter(|node| !node.is_null())?;
        Some(Part { node, key: map.key(name)?.place })
    }

    fn pod(self) -> Option<Part<'n>> {
        self.field("template")?.field("spec")
    }

    fn number(self, name: &str) -> Option<i64> {
        self.field(name)?.node.as_i64()
    }

    fn text(self, name: &str) -> Option<&'n str> {
        self.field(name)?.node.as_str()
    }

    /// Reports what is missing at the key of the part that misses it.
    fn lacks(self, name: &'static str, message: &str, help: &str) -> Diagnostic {
        Diagnostic::warning(name, message).at(self.key).help(help)
    }
}
