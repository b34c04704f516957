//! Objects → are they ready, and if not, why not.

mod pods;
mod ready;
mod result;
mod subjects;
mod waiting;
mod watch;
mod world;

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{BoxStream, SelectAll};
use tokio::time::Instant;

use self::ready::Status;
use self::waiting::Waiting;
use self::watch::{Update, watch};
use self::world::World;
use super::logs::{LogLine, Logs};
use super::{Cluster, Progress};
use crate::cluster::json::text;
use crate::diagnostic::Diagnostics;
use crate::object::ObjectId;

pub use self::pods::{exits, index};
pub use self::ready::has_pods;
pub use self::result::{is_over, outline};

#[derive(Debug, Clone, Default)]
pub struct WaitOptions {
    /// For ever, if there is none.
    pub timeout: Option<Duration>,
    /// Pass on every line that the containers of Jobs write.
    pub logs: bool,
}

/// How waiting for one object ended.
#[derive(Debug, Clone)]
pub struct Readiness {
    pub id: ObjectId,
    pub state: State,
    pub note: Option<String>,
    /// Of a Job that has ended.
    pub job: Option<JobResult>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Ready,
    Failed {
        cause: String,
    },
    /// Still not ready when time ran out.
    TimedOut {
        cause: String,
    },
    /// Still not ready when another one failed.
    Undecided {
        cause: String,
    },
}

/// How a Job ended.
#[derive(Debug, Clone)]
pub struct JobResult {
    pub job: ObjectId,
    pub succeeded: bool,
    /// It has not ended, but cannot go on.
    pub is_stuck: bool,
    /// One sentence; empty if it succeeded.
    pub cause: String,
    /// Of the container that decided; `None` if none did.
    pub exit_code: Option<i32>,
    pub containers: Vec<ContainerExit>,
    pub counts: JobCounts,
    pub started: Option<String>,
    pub ended: Option<String>,
    /// The end of what its containers wrote, if it was read.
    pub log: Vec<LogLine>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobCounts {
    pub active: i64,
    pub ready: i64,
    pub succeeded: i64,
    pub failed: i64,
    /// `None` if the first success ends the Job.
    pub completions: Option<i64>,
    pub parallelism: i64,
    /// `0-2,5`
    pub completed_indexes: String,
    pub failed_indexes: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerExit {
    pub pod: String,
    pub container: String,
    pub index: Option<u32>,
    pub exit_code: i32,
    /// `Completed`, `Error`, `OOMKilled`, …
    pub reason: String,
    pub message: String,
    pub memory_limit: Option<String>,
    pub restarts: i64,
    pub started: String,
    pub ended: String,
    /// The last line that it wrote, where it is known.
    pub last_line: Option<String>,
}

/// How long after its Job's end a pod may take to say how it ended, and its log to be read to the end.
const AFTERMATH: Duration = Duration::from_secs(3);
const AFTERMATH_OF_LOGS: Duration = Duration::from_secs(30);

/// How often to look at the clock.
const TICK: Duration = Duration::from_millis(250);

/// Waits until all objects are ready or one has failed.
pub async fn wait(
    cluster: &Cluster,
    objects: &[ObjectId],
    options: &WaitOptions,
) -> Result<Vec<Readiness>, Diagnostics> {
    let mut wait = Wait::new(cluster, objects, options).await?;
    let end = options.timeout.map(|timeout| Instant::now() + timeout);
    let mut tick = tokio::time::interval(TICK);
    loop {
        if let Some(readiness) = wait.assess(Instant::now()).await {
            return Ok(readiness);
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return Ok(wait.time_out());
        }
        tokio::select! {
            Some(updates) = wait.updates.next() => {
                for (subject, update) in updates {
                    wait.world.heed(cluster, subject, update)?;
                }
                wait.read_logs();
            }
            () = wait.logs.run() => {}
            _ = tick.tick() => {}
        }
    }
}

/// Whether an object of this kind is not ready at once.
pub fn is_waited_for(id: &ObjectId) -> bool {
    ready::rule(id).is_some()
}

struct Wait<'a> {
    cluster: &'a Cluster,
    world: World,
    updates: futures::stream::ReadyChunks<SelectAll<BoxStream<'a, (usize, Update)>>>,
    logs: Logs<'a>,
    has_logs: bool,
    waiting: Vec<Waiting>,
}

impl<'a> Wait<'a> {
    async fn new(
        cluster: &'a Cluster,
        objects: &[ObjectId],
        options: &WaitOptions,
    ) -> Result<Wait<'a>, Diagnostics> {
        let waiting = objects.iter().cloned().map(Waiting::new).collect();
        let mut world = World::default();
        let mut updates = SelectAll::new();
        for subject in cluster.subjects(objects, &mut world).await? {
            let number = updates.len();
            updates.push(watch(cluster, subject).map(move |update| (number, update)).boxed());
        }
        let updates = updates.ready_chunks(256);
        Ok(Wait { cluster, world, updates, logs: Logs::new(cluster), has_logs: options.logs, waiting })
    }

    fn read_logs(&mut self) {
        if !self.has_logs {
            return;
        }
        for waiting in self.waiting.iter().filter(|waiting| waiting.id.kind == "Job") {
            for pod in self.world.pods_of(&waiting.id) {
                self.logs.heed(&waiting.id, &pod.object, pod.is_gone);
            }
        }
    }

    /// Looks at every object; returns how all ended, if they did.
    async fn assess(&mut self, now: Instant) -> Option<Vec<Readiness>> {
        if !self.world.is_complete() {
            return None;
        }
        for waiting in &mut self.waiting {
            if waiting.decided.is_none() {
                waiting.assess(self.cluster, &self.world, now);
            } else {
                waiting.tell_job(self.cluster, &self.world);
            }
        }
        self.conclude_settled(now).await;
        let is_failed = |waiting: &Waiting| matches!(waiting.decided, Some((Status::Failed(_), _)));
        let has_failed = self.waiting.iter().any(is_failed);
        let is_over = |waiting: &Waiting| match waiting.decided {
            Some(_) => waiting.concluded.is_some(),
            // Once one has failed, nothing more is awaited.
            None => has_failed,
        };
        self.waiting.iter().all(is_over).then(|| {
            let undecided = |waiting: &Waiting| waiting.ended(State::Undecided { cause: waiting.reason() });
            self.waiting.iter().map(|w| w.concluded.clone().unwrap_or_else(|| undecided(w))).collect()
        })
    }

    /// Tells of every object how it ended as soon as all is known about it.
    async fn conclude_settled(&mut self, now: Instant) {
        for index in 0..self.waiting.len() {
            let waiting = &self.waiting[index];
            if let Some((status, _)) = &waiting.decided
                && waiting.concluded.is_none()
                && self.is_settled(waiting, now)
            {
                let readiness = self.conclude(waiting, status).await;
                self.waiting[index].concluded = Some(readiness);
            }
        }
    }

    /// Whether all is known about how an object ended.
    fn is_settled(&self, waiting: &Waiting, now: Instant) -> bool {
        let Some((_, since)) = waiting.decided.as_ref().filter(|_| waiting.id.kind == "Job") else {
            return true;
        };
        let limit = if self.has_logs { AFTERMATH_OF_LOGS } else { AFTERMATH };
        let is_over = |pod: &world::Pod| {
            pod.is_gone || matches!(text(&pod.object, "/status/phase"), "Succeeded" | "Failed")
        };
        let is_job_over = self.world.is_gone(&waiting.id)
            || self.world.object(&waiting.id).is_none_or(result::is_over)
            || matches!(waiting.decided, Some((Status::Ready(Some(_)), _)));
        let are_pods_over = waiting.is_stuck || (is_job_over && self.world.pods_of(&waiting.id).all(is_over));
        now >= *since + limit || (are_pods_over && self.logs.is_drained())
    }

    async fn conclude(&self, waiting: &Waiting, status: &Status) -> Readiness {
        let id = waiting.id.clone();
        let (state, note) = match status {
            Status::Ready(note) => (State::Ready, note.clone()),
            Status::Failed(cause) => (State::Failed { cause: cause.clone() }, None),
            Status::Waiting(cause) => (State::Undecided { cause: cause.clone() }, None),
        };
        let is_ended = matches!(status, Status::Ready(None) | Status::Failed(_));
        if id.kind != "Job" || !is_ended {
            return Readiness { id, state, note, job: None };
        }
        let job = self.cluster.job_result(&self.world, waiting, &self.logs).await;
        if job.succeeded {
            self.cluster.tell(Progress::Ready { id: id.clone(), note: None });
            return Readiness { id, state, note, job: Some(job) };
        }
        let cause = job.cause.clone();
        self.cluster.tell(Progress::Failed { id: id.clone(), cause: cause.clone() });
        let state = State::Failed { cause };
        Readiness { id, state, note, job: Some(job) }
    }

    fn time_out(&self) -> Vec<Readiness> {
        let readiness = self.waiting.iter().map(|waiting| match (&waiting.concluded, &waiting.decided) {
            (Some(readiness), _) => readiness.clone(),
            (None, Some((Status::Ready(note), _))) => {
                Readiness { note: note.clone(), ..waiting.ended(State::Ready) }
            }
            _ => waiting.ended(State::TimedOut { cause: waiting.reason() }),
        });
        readiness.collect()
    }
}
