//! One object that is waited for: what is known of it, and what was told.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::ready::{self, Status};
use super::world::World;
use super::{JobCounts, Readiness, State, pods};
use crate::cluster::{Cluster, Progress};
use crate::object::ObjectId;

/// How long a workload without probes has to stay ready.
const TRIAL: Duration = Duration::from_secs(3);

/// One object that is waited for.
pub struct Waiting {
    pub id: ObjectId,
    pub decided: Option<(Status, Instant)>,
    /// Set when all is known about how it ended.
    pub concluded: Option<Readiness>,
    pub is_stuck: bool,
    /// What was last told.
    told: String,
    told_trouble: String,
    told_counts: JobCounts,
    /// Since when it has been ready without a break.
    ready_since: Option<Instant>,
    /// Since when each trouble has lasted.
    troubles: HashMap<String, Instant>,
}

impl Waiting {
    pub fn new(id: ObjectId) -> Waiting {
        Waiting {
            id,
            decided: None,
            concluded: None,
            is_stuck: false,
            told: String::new(),
            told_trouble: String::new(),
            told_counts: JobCounts::default(),
            ready_since: None,
            troubles: HashMap::new(),
        }
    }

    pub fn ended(&self, state: State) -> Readiness {
        Readiness { id: self.id.clone(), state, note: None, job: None }
    }

    pub fn reason(&self) -> String {
        if self.told_trouble.is_empty() { self.told.clone() } else { self.told_trouble.clone() }
    }

    pub fn assess(&mut self, cluster: &Cluster, world: &World, now: Instant) {
        let Some(rule) = ready::rule(&self.id) else {
            return self.decide(cluster, Status::Ready(None), now);
        };
        let Some(object) = world.object(&self.id) else {
            let cause =
                if world.was_seen(&self.id) { "it was deleted meanwhile" } else { "it does not exist" };
            return self.decide(cluster, Status::Failed(cause.to_owned()), now);
        };
        self.tell_job(cluster, world);
        let status = rule(object);
        if matches!(status, Status::Ready(_)) && self.is_on_trial(object, now) {
            return;
        }
        let Status::Waiting(state) = &status else {
            let status = self.with_cause(status, world);
            return self.decide(cluster, status, now);
        };
        if world.is_gone(&self.id) {
            return self.decide(cluster, Status::Failed("it was deleted meanwhile".to_owned()), now);
        }
        self.ready_since = None;
        if *state != self.told {
            self.told.clone_from(state);
            cluster.tell(Progress::Waiting { id: self.id.clone(), state: state.clone() });
        }
        let troubles = world.troubles(&self.id, object);
        self.troubles.retain(|cause, _| troubles.iter().any(|trouble| trouble.cause == *cause));
        for trouble in troubles {
            let since = *self.troubles.entry(trouble.cause.clone()).or_insert(now);
            if trouble.patience.is_some_and(|patience| now >= since + patience) {
                self.is_stuck = true;
                return self.decide(cluster, Status::Failed(trouble.cause), now);
            }
            if !self.told_trouble.eq(&trouble.cause) {
                self.told_trouble.clone_from(&trouble.cause);
                cluster.tell(Progress::Trouble { id: self.id.clone(), cause: trouble.cause });
            }
        }
        if self.troubles.is_empty() {
            self.told_trouble.clear();
        }
    }

    /// What has just become ready may crash at once, and is looked at a little longer; what was ready all along is
    /// not.
    fn is_on_trial(&mut self, object: &serde_json::Value, now: Instant) -> bool {
        if self.told.is_empty() || ready::is_proven(&self.id, object) {
            return false;
        }
        now < *self.ready_since.get_or_insert(now) + TRIAL
    }

    /// A controller that gives up says that it does; its pods say why.
    fn with_cause(&self, status: Status, world: &World) -> Status {
        let Status::Failed(words) = status else { return status };
        if self.id.kind == "Job" {
            return Status::Failed(words);
        }
        let pods = world.current_pods(&self.id);
        let exit = pods.iter().flat_map(|pod| pods::exits(pod)).find(|exit| exit.exit_code != 0);
        let cause = exit
            .map(|exit| exit.sentence())
            .or_else(|| Some(self.told_trouble.clone()).filter(|trouble| !trouble.is_empty()))
            .or_else(|| Some(world.troubles(&self.id, world.object(&self.id)?).into_iter().next()?.cause));
        Status::Failed(match cause {
            Some(cause) if words.is_empty() => cause,
            Some(cause) => format!("{words}: {cause}"),
            None if words.is_empty() => "it failed".to_owned(),
            None => words,
        })
    }

    pub fn tell_job(&mut self, cluster: &Cluster, world: &World) {
        let Some(object) = world.object(&self.id).filter(|_| self.id.kind == "Job") else { return };
        let counts = ready::counts(object);
        if counts != self.told_counts {
            self.told_counts = counts.clone();
            cluster.tell(Progress::Counts { id: self.id.clone(), counts });
        }
    }

    fn decide(&mut self, cluster: &Cluster, status: Status, now: Instant) {
        let id = self.id.clone();
        match &status {
            // Of a Job is told when it is known how it ended.
            Status::Ready(None) | Status::Failed(_) if id.kind == "Job" => {}
            Status::Ready(note) => cluster.tell(Progress::Ready { id, note: note.clone() }),
            Status::Failed(cause) => cluster.tell(Progress::Failed { id, cause: cause.clone() }),
            Status::Waiting(_) => {}
        }
        self.decided = Some((status, now));
    }
}
