//! Pods → every line that their containers write, once and in order.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::io::AsyncBufRead;
use futures::stream::FuturesUnordered;
use futures::{AsyncBufReadExt as _, FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use serde_json::Value as Json;
use tokio::sync::watch;

use super::json::{items, text};
use super::request::{Call, Failure, encode};
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

/// A line that does not end is passed on in pieces of this size.
const LONGEST_LINE: usize = 1 << 20;

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
    is_gone: bool,
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
                    self.readers.push(read(self.cluster, Arc::clone(&container)).boxed());
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
}

/// Reads a container's instances one after another, for as long as someone tells of new ones.
async fn read(cluster: &Cluster, container: Arc<Container>) {
    let mut seen = container.seen.subscribe();
    let mut cursor = Cursor::default();
    loop {
        let done = container.read.load(Ordering::Relaxed);
        let next = seen.wait_for(|seen| seen.instances.len() > done).await;
        let Ok(instance) = next.map(|seen| seen.instances[done].clone()) else { return };
        read_instance(cluster, &container, &mut seen, &instance, &mut cursor).await;
        container.read.store(done + 1, Ordering::Relaxed);
    }
}

/// How often to try again when a log that should be there is not.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(500);

async fn read_instance(
    cluster: &Cluster,
    container: &Container,
    seen: &mut watch::Receiver<Seen>,
    instance: &str,
    cursor: &mut Cursor,
) {
    let mut tries = 0;
    loop {
        let now = seen.borrow_and_update().clone();
        let is_current = now.current.as_ref().is_some_and(|(id, _)| id == instance);
        let is_running = is_current && !now.is_gone && now.current.as_ref().is_some_and(|(_, runs)| *runs);
        let is_previous = now.previous.as_deref() == Some(instance);
        if !is_current && !is_previous {
            let Container { pod, name, .. } = container;
            cluster
                .warn_once(format!("the log of a former run of container `{name}` of pod `{pod}` is gone"));
            return;
        }
        let outcome = open_and_read(cluster, container, is_running, is_previous, cursor).await;
        if is_running {
            // Its end may be that of the connection alone: what came of the container decides.
            let news = tokio::time::timeout(PAUSE * 2, seen.changed()).await;
            if outcome.is_err() && news.is_err() {
                tokio::time::sleep(PAUSE).await;
            }
            continue;
        }
        let Err(failure) = outcome else { return };
        if failure.is_code(404) && cursor.time.is_some() {
            // It was deleted while it was read.
            return;
        }
        tries += 1;
        if tries == TRIES || failure.is_code(404) || failure.is_code(403) {
            let Container { pod, name, .. } = container;
            let why = failure.describe();
            cluster.warn_once(format!("cannot read the log of container `{name}` of pod `{pod}`: {why}"));
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn open_and_read(
    cluster: &Cluster,
    container: &Container,
    is_running: bool,
    is_previous: bool,
    cursor: &mut Cursor,
) -> Result<(), Failure> {
    let mut call = container.call().query("timestamps", "true");
    if is_running {
        call = call.query("follow", "true");
    }
    if is_previous {
        call = call.query("previous", "true");
    }
    if let Some(time) = cursor.time {
        call = call.query("sinceTime", time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    }
    let mut stream = cluster.stream(&call).await?;
    cursor.rewind();
    let mut line = Vec::new();
    loop {
        line.clear();
        let is_whole = next_line(&mut stream, &mut line)
            .await
            .map_err(|error| Failure::Unreachable(super::request::chain(&error)))?;
        if line.is_empty() {
            return Ok(());
        }
        // What ends without a break is still being written, as long as the container runs.
        if is_whole || !is_running {
            pass_on(cluster, container, cursor, &line);
        }
    }
}

/// Reads up to a line break, which it leaves out; returns whether there was one. Nothing read is the end.
async fn next_line(stream: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> std::io::Result<bool> {
    loop {
        let chunk = stream.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(false);
        }
        let found = chunk.iter().position(|byte| *byte == b'\n');
        let take = found.map_or(chunk.len(), |at| at + 1);
        line.extend_from_slice(&chunk[..take]);
        stream.consume_unpin(take);
        if found.is_some() || line.len() >= LONGEST_LINE {
            return Ok(true);
        }
    }
}

fn pass_on(cluster: &Cluster, container: &Container, cursor: &mut Cursor, bytes: &[u8]) {
    let (time, line) = split_time(bytes);
    if time.is_some_and(|time| !cursor.is_new(time)) {
        return;
    }
    if !line.trim().is_empty() {
        *container.last_line.lock().unwrap_or_else(PoisonError::into_inner) = Some(line.clone());
    }
    let Container { pod, name, index, .. } = container;
    let line = LogLine { pod: pod.clone(), container: name.clone(), index: *index, time, line };
    container.tail.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
    cluster.tell(Progress::Log(line));
}

/// Splits a line as the kubelet sends it into time and text.
fn split_time(bytes: &[u8]) -> (Option<Timestamp>, String) {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let stamped = text.split_once(' ').and_then(|(time, line)| Some((time.parse().ok()?, line)));
    match stamped {
        Some((time, line)) => (Some(time), line.to_owned()),
        None => (None, text.to_owned()),
    }
}

impl Container {
    fn call(&self) -> Call {
        log_call(&self.namespace, &self.pod, &self.name)
    }
}

fn log_call(namespace: &str, pod: &str, container: &str) -> Call {
    let path = format!("/api/v1/namespaces/{}/pods/{}/log", encode(namespace), encode(pod));
    Call::get(&path).query("container", container)
}

/// How much of the end of each log to read when nobody saw the rest.
const TAIL_LINES: &str = "1000";
const TAIL_BYTES: &str = "262144";
const MOST_TAILS: usize = 50;

impl Cluster {
    /// Returns the end of what the containers of some pods wrote, as far as it is still there.
    pub(crate) async fn log_tails(&self, pods: &[Json]) -> Vec<LogLine> {
        let mut lines = Vec::new();
        let containers = pods.iter().flat_map(|pod| {
            let statuses = ["initContainerStatuses", "containerStatuses"];
            let statuses = statuses.into_iter().flat_map(|list| items(pod, &format!("/status/{list}")));
            statuses.map(move |status| (pod, text(status, "/name")))
        });
        for (pod, container) in containers.take(MOST_TAILS) {
            let (name, index) = (text(pod, "/metadata/name"), wait::index(pod));
            let call = log_call(text(pod, "/metadata/namespace"), name, container)
                .query("timestamps", "true")
                .query("tailLines", TAIL_LINES)
                .query("limitBytes", TAIL_BYTES);
            let Ok(mut stream) = self.stream(&call).await else { continue };
            let mut line = Vec::new();
            while next_line(&mut stream, &mut line).await.is_ok() && !line.is_empty() {
                let (time, words) = split_time(&line);
                let (pod, container) = (name.to_owned(), container.to_owned());
                lines.push(LogLine { pod, container, index, time, line: words });
                line.clear();
            }
        }
        lines
    }

    /// Returns the last line that a container wrote, if it can be had at once.
    pub(super) async fn last_line(&self, job: &ObjectId, pod: &str, container: &str) -> Option<String> {
        let namespace = job.namespace.as_deref().unwrap_or(&self.namespace);
        let call = log_call(namespace, pod, container).query("tailLines", "1").query("limitBytes", "1000");
        let mut stream = self.stream(&call).await.ok()?;
        let mut line = Vec::new();
        next_line(&mut stream, &mut line).await.ok()?;
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        Some(line).filter(|line| !line.is_empty())
    }
}

/// How far a log has been read. A log is opened again after a break from the second of the last line on, so
/// some lines come twice.
#[derive(Debug, Default)]
struct Cursor {
    time: Option<Timestamp>,
    /// How many lines bear that time.
    count: usize,
    /// How many of them have come again, while the rest is still to come.
    again: Option<usize>,
}

impl Cursor {
    fn rewind(&mut self) {
        self.again = self.time.map(|_| 0);
    }

    fn is_new(&mut self, time: Timestamp) -> bool {
        if let (Some(again), Some(last)) = (self.again, self.time) {
            if time < last {
                return false;
            }
            if time == last && again < self.count {
                self.again = Some(again + 1);
                return false;
            }
            // From here on all is new, even if the node's clock is set back.
            self.again = None;
        }
        self.count = if self.time == Some(time) { self.count + 1 } else { 1 };
        self.time = Some(time);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_come_again_are_known() {
        let time = |second: i64| Timestamp::from_second(second).unwrap();
        let mut cursor = Cursor::default();
        assert!([1, 2, 2].into_iter().all(|second| cursor.is_new(time(second))));
        cursor.rewind();
        let new: Vec<bool> =
            [1, 2, 2, 2, 3, 2].into_iter().map(|second| cursor.is_new(time(second))).collect();
        assert_eq!(new, [false, false, false, true, true, true]);
    }

    #[test]
    fn instances_of_a_restarted_container_are_told_apart() {
        let mut seen = Seen::default();
        let running = serde_json::json!({"containerID": "c1", "state": {"running": {}}});
        assert!(seen.update(&running, false));
        let waiting = serde_json::json!({"containerID": "c1", "state": {"waiting": {}},
            "lastState": {"terminated": {"containerID": "c1"}}});
        assert!(seen.update(&waiting, false));
        assert_eq!(seen.current, Some(("c1".to_owned(), false)));
        let again = serde_json::json!({"containerID": "c2", "state": {"running": {}},
            "lastState": {"terminated": {"containerID": "c1"}}});
        assert!(seen.update(&again, false));
        assert_eq!(seen.instances, ["c1", "c2"]);
        assert_eq!((seen.current, seen.previous), (Some(("c2".to_owned(), true)), Some("c1".to_owned())));
    }
}
