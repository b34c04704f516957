//! Jobs → runs, each with a record.

use std::time::Duration;

use super::execute::{Dispatch, ExecuteOptions, execute_as};
use super::isolate::{Copies, isolate, tidy_job};
use super::references::references;
use super::{JOB_LABEL, KEEP, RUN_LABEL};
use crate::cluster::{
    ApplyOptions, Cluster, JobResult, ObserveOptions, Readiness, WaitOptions, fresh_suffix, observe,
};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::object::{Object, ObjectId, Plan};
use crate::yaml::{Key, Map, Node, Value};

#[derive(Debug, Clone)]
pub struct RunOptions {
    pub timeout: Option<Duration>,
    /// What was given on the command line, for the record.
    pub parameters: Vec<String>,
    pub force_conflicts: bool,
    /// Whether to wait for the end; else the run goes on by itself.
    pub wait: bool,
    /// How many records of the job to keep.
    pub keep: usize,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { timeout: None, parameters: Vec::new(), force_conflicts: false, wait: true, keep: KEEP }
    }
}

/// A run that was dispatched.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: String,
    pub job: ObjectId,
    /// How it ended; `None` if time ran out first, or nobody was to wait.
    pub result: Option<JobResult>,
    /// What it was waiting for when time ran out.
    pub waiting_for: Option<String>,
}

/// How a run stands when nobody waits for it any more, with the cause where there is one to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion<'r> {
    Succeeded,
    /// It cannot get on, and its Job is still there.
    Stuck(&'r str),
    Failed(&'r str),
    /// It goes on, and was waiting for this.
    TimedOut(&'r str),
    /// It goes on, and nobody was to wait.
    Detached,
}

impl Run {
    pub fn conclusion(&self) -> Conclusion<'_> {
        match (&self.result, &self.waiting_for) {
            (Some(result), _) if result.succeeded => Conclusion::Succeeded,
            (Some(result), _) if result.is_stuck => Conclusion::Stuck(&result.cause),
            (Some(result), _) => Conclusion::Failed(&result.cause),
            (None, Some(state)) => Conclusion::TimedOut(state),
            (None, None) => Conclusion::Detached,
        }
    }

    /// The exit code of the container that ended it.
    pub fn exit_code(&self) -> Option<i32> {
        self.result.as_ref()?.exit_code
    }
}

/// Runs a Job of a plan now, under a fresh name. What else is in the plan is applied first, but for other Jobs and
/// for ConfigMaps and Secrets of the Job that would change: of these it gets copies.
pub async fn run(
    cluster: &Cluster,
    plan: &Plan,
    job: &ObjectId,
    options: &RunOptions,
) -> Result<Run, Diagnostics> {
    // The way an apply would write them, so that both come to the same digest.
    let rendered: Vec<Object> = cluster.prepared(plan.clone()).await?;
    let position = plan.objects.iter().position(|object| object.id == *job);
    let Some(stored) = position.and_then(|position| rendered.get(position)) else {
        return Err(
            Diagnostic::unable("no-job", format!("there is no `{job}` among what was rendered")).into()
        );
    };
    ensure_dispatchable(stored)?;
    let others = rendered.iter().filter(|object| object.id.kind != "Job");
    let recorded: Vec<&Object> = others.clone().chain([stored]).collect();
    let fresh = fresh(stored);
    let (id, job) = (fresh.id.name.clone(), fresh.id.clone());
    let plan = Plan::new(others.cloned().chain([fresh.clone()]).collect());
    let mut observed = observe(cluster, plan, &ObserveOptions::default()).await?;
    if !references(&stored.node).is_empty() {
        tidy_job(cluster, stored).await;
    }
    let mut dispatch = Dispatch { stored, copies: Copies::default() };
    if let Some((objects, copies)) = isolate(&fresh, &observed) {
        observed = observe(cluster, Plan::new(objects), &ObserveOptions::default()).await?;
        dispatch.copies = copies;
    }
    let execute_options = ExecuteOptions {
        apply: ApplyOptions { force_conflicts: options.force_conflicts, ..ApplyOptions::default() },
        wait: options.wait.then_some(WaitOptions { timeout: options.timeout, logs: true }),
        parameters: options.parameters.clone(),
        keep: options.keep,
        rerun: true,
    };
    let mut execution = execute_as(cluster, &observed, &recorded, &execute_options, Some(&dispatch)).await?;
    let readiness = execution.readiness.iter_mut().find(|readiness| readiness.id == job);
    let (result, waiting_for) = match readiness {
        Some(readiness) => (readiness.job.take(), reason(readiness)),
        None => (None, None),
    };
    Ok(Run { id, job, result, waiting_for })
}

fn reason(readiness: &Readiness) -> Option<String> {
    match &readiness.state {
        crate::cluster::State::TimedOut { cause } => Some(cause.clone()),
        _ => None,
    }
}

fn ensure_dispatchable(job: &Object) -> Result<(), Diagnostics> {
    let spec = |field: &str| job.node.at(["spec", field]);
    if let Some(suspend) = spec("suspend").filter(|suspend| suspend.as_bool() == Some(true)) {
        return Err(Diagnostic::unable(
            "suspended",
            format!("`{}` is suspended: it would not start", job.id),
        )
        .at(suspend.place)
        .help("run it with `--set spec.suspend=false`")
        .into());
    }
    if let Some(manual) = spec("manualSelector").filter(|manual| manual.as_bool() == Some(true)) {
        return Err(Diagnostic::unable("manual-selector", format!("`{}` selects its pods itself", job.id))
            .at(manual.place)
            .help("two runs would take each other's pods: leave `manualSelector` and `selector` out")
            .into());
    }
    Ok(())
}

/// A Job's name becomes a label of its pods and the beginning of their names.
pub const LONGEST_NAME: usize = 63;

/// Returns a copy of a Job under a name that nothing has yet, labelled as a run.
fn fresh(stored: &Object) -> Object {
    let mut object = stored.clone();
    let place = stored.node.place;
    let number = |field: &str| stored.node.at(["spec", field]).and_then(Node::as_i64);
    let is_indexed = stored.node.at(["spec", "completionMode"]).and_then(Node::as_str) == Some("Indexed");
    let highest = number("completions").unwrap_or(1).max(1) - 1;
    let reserved = if is_indexed { highest.to_string().len() + 1 } else { 0 };
    let suffix = format!("-{}", fresh_suffix());
    let room = LONGEST_NAME - suffix.len() - reserved;
    let stem: String = stored.id.name.chars().take(room).collect();
    let name = format!("{}{suffix}", stem.trim_end_matches(['-', '.']));
    let job: String = stored.id.name.chars().take(LONGEST_NAME).collect();
    if let Some(metadata) = object.node.as_map_mut().and_then(|map| map.get_mut("metadata")?.as_map_mut()) {
        let key = |text: &str| Key::new(text, place);
        metadata.remove("generateName");
        metadata.set(key("name"), Node::string(&name, place));
        if metadata.get("labels").and_then(Node::as_map).is_none() {
            metadata.set(key("labels"), Node::new(Value::Map(Map::default()), place));
        }
        if let Some(labels) = metadata.get_mut("labels").and_then(Node::as_map_mut) {
            labels.set(key(JOB_LABEL), Node::string(job, place));
            labels.set(key(RUN_LABEL), Node::string(&name, place));
        }
    }
    object.id.name = name;
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Place, Source, SourceKind, Sources};

    fn job(name: &str, spec: serde_json::Value) -> Object {
        let place = Place::new(Sources::default().add(Source::new(SourceKind::Manifest, "t", "")), 0..0);
        let json = serde_json::json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec});
        Object::new(Node::from_json(&json, place)).unwrap()
    }

    #[test]
    fn a_fresh_name_leaves_room_for_the_pods_of_every_index() {
        let long = "n".repeat(63);
        assert_eq!(fresh(&job(&long, serde_json::json!({}))).id.name.len(), 63);
        let indexed = serde_json::json!({"completionMode": "Indexed", "completions": 101});
        let fresh = fresh(&job(&long, indexed));
        assert_eq!(fresh.id.name.len() + "-100".len(), 63);
        assert_eq!(fresh.node.at(["metadata", "name"]).unwrap().as_str(), Some(fresh.id.name.as_str()));
        assert_eq!(fresh.node.at(["metadata", "labels", JOB_LABEL]).unwrap().as_str(), Some(long.as_str()));
    }

    #[test]
    fn what_would_not_start_is_refused() {
        assert!(ensure_dispatchable(&job("j", serde_json::json!({"suspend": true}))).is_err());
        assert!(ensure_dispatchable(&job("j", serde_json::json!({"suspend": false}))).is_ok());
    }
}
