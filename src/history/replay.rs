//! A record → its log once more, or the same run once more.

use super::RunRecord;
use super::execute::finish;
use super::references::used;
use crate::cluster::json::text;
use crate::cluster::{Cluster, Progress, WaitOptions, wait};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::object::{Object, ObjectId, Plan};
use crate::yaml::Node;

impl RunRecord {
    /// The Job as it is in its manifest; `None` if it was too long to be kept.
    pub fn stored_job(&self) -> Option<&Node> {
        self.objects.iter().find(|node| {
            let text = |path: [&str; 2]| node.at(path).and_then(Node::as_str);
            let is_named = |name: &str| name == self.job || name.trim_end_matches(['-', '.']) == self.job;
            node.get("kind").and_then(Node::as_str) == Some("Job")
                && text(["metadata", "name"]).or(text(["metadata", "generateName"])).is_some_and(is_named)
        })
    }
}

/// Returns what a run was: its Job, and of the other objects of its record those that the Job uses.
pub fn replay(record: &RunRecord) -> Result<(Plan, ObjectId), Diagnostics> {
    let Some(job) = record.stored_job().cloned().and_then(Object::new) else {
        let message = format!("the record of run `{}` does not hold its Job", record.id);
        let error = Diagnostic::unable("record-incomplete", message);
        return Err(error.help("it was too large to be kept: run it from its manifest").into());
    };
    let objects: Vec<Object> = record.objects.iter().cloned().filter_map(Object::new).collect();
    let mut replayed: Vec<Object> = used(&job, &objects).into_iter().cloned().collect();
    let id = job.id.clone();
    replayed.push(job);
    Ok((Plan::new(replayed), id))
}

/// Tells every line that a run writes and has written, to its end. When its Job or its pods are gone, there is what
/// the record has kept.
pub async fn follow(cluster: &Cluster, record: &mut RunRecord) -> Result<(), Diagnostics> {
    let job = cluster.job(&record.object).await.ok().flatten();
    let is_there = job.is_some_and(|job| text(&job, "/metadata/uid") == record.uid);
    let mut is_told = false;
    if is_there {
        let options = WaitOptions { timeout: None, logs: true };
        let mut readiness = wait(cluster, std::slice::from_ref(&record.object), &options).await?;
        if let Some(result) = readiness.first_mut().and_then(|one| one.job.as_mut()) {
            is_told = !result.log.is_empty();
            if !record.state.is_final() {
                finish(cluster, record, result, usize::MAX).await;
            }
        }
    }
    if !is_told {
        record.log.iter().for_each(|line| cluster.tell(Progress::Log(line.clone())));
    }
    Ok(())
}
