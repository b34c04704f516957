//! Pods → every line that their containers write, once and in order.

mod cursor;
mod read;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use serde_json::Value as Json;
use tokio::sync::watch;

use super::json::{items, text};
use super::{Cluster, Progress, wait};
use crate::object::ObjectId;

/// A line that a container wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub pod: String,
    pub container: String,
    /// Of a pod of an Indexed Job.
    pub index: Option<u32>,
    pub time: Option<Timestamp>,
    /// Without its line break. Bytes that are not UTF-8 are replaced; control characters are not.
    pub line: String,
}

/// The logs of some pods.
pub struct Logs<'a> {
    cluster: &'a Cluster,
    containers: HashMap<(String, String), Arc<Container>>,
    pods: HashSet<String>,
    readers: FuturesUnordered<BoxFuture<'a, ()>>,
    tail: Arc<Mutex<Tail>>,
}

/// The end of what was read, for the record.
#[derive(Default)]
struct Tail {
    lines: VecDeque<LogLine>,
    bytes: usize,
}

const LONGEST_TAIL: usize = 4 << 20;

struct Container {
    namespace: String,
    pod: String,
    name: String,
    index: Option<u32>,
    seen: watch::Sender<Seen>,
    /// How many of its instances have been read to their end.
    read: AtomicUsize,
    last_line: Mutex<Option<String>>,
    tail: Arc<Mutex<Tail>>,
}

/// The instances of a container, one for each time it was started, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    instances: Vec<String>,
    /// The one that the kubelet means when it is asked for the log, and whether it still runs.
    current: Option<(String, bool)>,
    /// The one that it means when it is asked for the log before.
    previous: Option<String>,
    /// When the last of them ended that has.
    ended: Option<Timestamp>,
    is_gone: bool,
}

/// How the kubelet is asked for the log of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Follow,
    /// It has ended.
    Whole,
    Previous,
}

impl<'a> Logs<'a> {
    pub fn new(cluster: &'a Cluster) -> Logs<'a> {
        Logs {
            cluster,
            containers: HashMap::new(),
            pods: HashSet::new(),
            readers: FuturesUnordered::new(),
            tail: Arc::default(),
        }
    }

    /// Takes note of a pod's state, and starts reading what has started.
    pub fn heed(&mut self, job: &ObjectId, pod: &Json, is_gone: bool) {
        let uid = text(pod, "/metadata/uid");
        for list in ["initContainerStatuses", "containerStatuses"] {
            for status in items(pod, &format!("/status/{list}")) {
                let key = (uid.to_owned(), text(status, "/name").to_owned());
                let container = self.containers.entry(key).or_insert_with(|| {
                    let tail = Arc::clone(&self.tail);
                    let container = Arc::new(Container::new(pod, status, tail));
                    self.readers.push(read::read(self.cluster, Arc::clone(&container)).boxed());
                    container
                });
                container.seen.send_if_modified(|seen| seen.update(status, is_gone));
                let has_started = !container.seen.borrow().instances.is_empty();
                if has_started && self.pods.insert(uid.to_owned()) {
                    let pod = container.pod.clone();
                    let index = container.index;
                    self.cluster.tell(Progress::PodStarted { id: job.clone(), pod, index });
                }
            }
        }
    }

    /// Reads. Returns now and then, and never if there is nothing to read.
    pub async fn run(&mut self) {
        if self.readers.next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether everything that was started has been read to its end.
    pub fn is_drained(&self) -> bool {
        let is_read = |container: &Arc<Container>| {
            let instances = container.seen.borrow().instances.len();
            container.read.load(Ordering::Relaxed) >= instances
        };
        self.containers.values().all(is_read)
    }

    /// Returns the end of what one job's pods wrote, in the order in which it was read.
    pub fn tail(&self, is_of: impl Fn(&str) -> bool) -> Vec<LogLine> {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.lines.iter().filter(|line| is_of(&line.pod)).cloned().collect()
    }

    pub fn last_line(&self, pod: &str, container: &str) -> Option<String> {
        let found = self.containers.values().find(|known| known.pod == pod && known.name == container)?;
        found.last_line.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Tail {
    fn push(&mut self, line: LogLine) {
        self.bytes += line.line.len();
        self.lines.push_back(line);
        while self.bytes > LONGEST_TAIL {
            let Some(first) = self.lines.pop_front() else { break };
            self.bytes -= first.line.len();
        }
    }
}

impl Container {
    fn new(pod: &Json, status: &Json, tail: Arc<Mutex<Tail>>) -> Container {
        Container {
            namespace: text(pod, "/metadata/namespace").to_owned(),
            pod: text(pod, "/metadata/name").to_owned(),
            name: text(status, "/name").to_owned(),
            index: wait::index(pod),
            seen: watch::Sender::new(Seen::default()),
            read: AtomicUsize::new(0),
            last_line: Mutex::new(None),
            tail,
        }
    }
}

impl Seen {
    /// Returns whether there is news.
    fn update(&mut self, status: &Json, is_gone: bool) -> bool {
        let before = self.clone();
        self.is_gone = is_gone;
        let ended =
            ["state", "lastState"].map(|state| text(status, &format!("/{state}/terminated/finishedAt")));
        self.ended = ended.iter().find_map(|time| time.parse().ok());
        let id = |pointer: &str| Some(text(status, pointer).to_owned()).filter(|id| !id.is_empty());
        let last = id("/lastState/terminated/containerID");
        let running = status.pointer("/state/running").and_then(|_| id("/containerID"));
        let ended = id("/state/terminated/containerID");
        for instance in [&last, &ended, &running].into_iter().flatten() {
            if !self.instances.contains(instance) {
                self.instances.push(instance.clone());
            }
        }
        let current = running.map(|id| (id, true)).or_else(|| ended.map(|id| (id, false)));
        if current.is_some() {
            self.previous = last;
            self.current = current;
        } else {
            // While it waits for a restart, the log is that of the instance before.
            self.previous = None;
            self.current = last.map(|id| (id, false));
        }
        *self != before
    }

    /// Returns how to ask for the log of an instance; `None` if the kubelet no longer has it.
    fn way_to(&self, instance: &str) -> Option<Way> {
        match &self.current {
            Some((id, runs)) if id == instance => {
                Some(if *runs && !self.is_gone { Way::Follow } else { Way::Whole })
            }
            _ => (self.previous.as_deref() == Some(instance)).then_some(Way::Previous),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_of_a_restarted_container_are_told_apart() {
        let mut seen = Seen::default();
        let running = serde_json::json!({"containerID": "c1", "state": {"running": {}}});
        assert!(seen.update(&running, false));
        let waiting = serde_json::json!({"containerID": "c1", "state": {"waiting": {}},
            "lastState": {"terminated": {"containerID": "c1"}}});
        assert!(seen.update(&waiting, false));
        assert_eq!((seen.way_to("c1"), seen.way_to("c0")), (Some(Way::Whole), None));
        let again = serde_json::json!({"containerID": "c2", "state": {"running": {}},
            "lastState": {"terminated": {"containerID": "c1"}}});
        assert!(seen.update(&again, false));
        assert_eq!(seen.instances, ["c1", "c2"]);
        assert_eq!((seen.way_to("c2"), seen.way_to("c1")), (Some(Way::Follow), Some(Way::Previous)));
    }
}
