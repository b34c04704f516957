//! One container's log → its lines, whatever becomes of the connection.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::AsyncBufReadExt as _;
use futures::io::AsyncBufRead;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use tokio::sync::watch;

use super::cursor::Cursor;
use super::{Container, LogLine, Seen, Way};
use crate::cluster::call::{Call, encode};
use crate::cluster::json::{items, text};
use crate::cluster::request::{Failure, chain};
use crate::cluster::{Cluster, Progress, wait};
use crate::object::ObjectId;

/// Reads a container's instances one after another, for as long as someone tells of new ones.
pub async fn read(cluster: &Cluster, container: Arc<Container>) {
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

/// A runtime may say that a container has ended before it has written all that the container wrote. So long after
/// that it has.
const LATE: SignedDuration = SignedDuration::from_secs(60);

async fn read_instance(
    cluster: &Cluster,
    container: &Container,
    seen: &mut watch::Receiver<Seen>,
    instance: &str,
    cursor: &mut Cursor,
) {
    let mut tries = 0;
    let mut has_been_read = false;
    loop {
        let now = seen.borrow_and_update().clone();
        let Some(way) = now.way_to(instance) else {
            if !has_been_read {
                warn_of_former(cluster, container);
            }
            return;
        };
        let is_old = now.ended.is_some_and(|ended| Timestamp::now().duration_since(ended) > LATE);
        let is_last = way != Way::Follow && (has_been_read || is_old);
        let before = cursor.position();
        let outcome = open_and_read(cluster, container, (way, is_last), cursor).await;
        if way == Way::Follow {
            // Its end may be that of the connection alone: what came of the container decides.
            let news = tokio::time::timeout(PAUSE * 2, seen.changed()).await;
            if outcome.is_err() && news.is_err() {
                tokio::time::sleep(PAUSE).await;
            }
            continue;
        }
        match outcome {
            Ok(()) if is_last && (is_old || cursor.position() == before) => return,
            Ok(()) => has_been_read = true,
            Err(failure) => {
                tries += 1;
                if is_lost(cluster, container, cursor, (&failure, tries)) {
                    return;
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Says whether it is in vain to ask for a log once more, and warns of what is not read.
fn is_lost(
    cluster: &Cluster,
    container: &Container,
    cursor: &Cursor,
    (failure, tries): (&Failure, usize),
) -> bool {
    if failure.is_code(404) {
        // Deleted while it was read, it was read to its end.
        if cursor.time.is_none() {
            warn_gone(cluster, container);
        }
        return true;
    }
    let is_lost = tries == TRIES || failure.is_code(403);
    if is_lost {
        let Container { pod, name, .. } = container;
        let why = failure.describe();
        cluster.warn_once(format!("cannot read the log of container `{name}` of pod `{pod}`: {why}"));
    }
    is_lost
}

async fn open_and_read(
    cluster: &Cluster,
    container: &Container,
    (way, is_last): (Way, bool),
    cursor: &mut Cursor,
) -> Result<(), Failure> {
    let call = container.call().query("timestamps", "true");
    let mut call = match way {
        Way::Follow => call.query("follow", "true"),
        Way::Whole => call,
        Way::Previous => call.query("previous", "true"),
    };
    if let Some(time) = cursor.time {
        call = call.query("sinceTime", time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    }
    let mut stream = cluster.stream(&call).await?;
    cursor.rewind();
    let mut line = Vec::new();
    loop {
        line.clear();
        let is_whole =
            next_line(&mut stream, &mut line).await.map_err(|error| Failure::Unreachable(chain(&error)))?;
        if line.is_empty() {
            return Ok(());
        }
        // What ends without a break is still being written.
        if is_whole || is_last {
            pass_on(cluster, container, cursor, &line);
        }
    }
}

/// A line that does not end is passed on in pieces of this size.
const LONGEST_LINE: usize = 1 << 20;

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

/// What a kubelet sends in place of a log that it has no more.
const NO_LOG: &str = "unable to retrieve container logs for ";

fn warn_of_former(cluster: &Cluster, Container { pod, name, .. }: &Container) {
    cluster.warn_once(format!("the log of a former run of container `{name}` of pod `{pod}` is gone"));
}

fn warn_gone(cluster: &Cluster, Container { pod, name, .. }: &Container) {
    cluster.warn_once(format!("the log of container `{name}` of pod `{pod}` is gone"));
}

fn pass_on(cluster: &Cluster, container: &Container, cursor: &mut Cursor, bytes: &[u8]) {
    let (time, line) = split_time(bytes);
    if time.is_none() && line.starts_with(NO_LOG) {
        return warn_gone(cluster, container);
    }
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
    pub(in crate::cluster) async fn last_line(
        &self,
        job: &ObjectId,
        pod: &str,
        container: &str,
    ) -> Option<String> {
        let namespace = job.namespace.as_deref().unwrap_or(self.namespace());
        let call = log_call(namespace, pod, container).query("tailLines", "1").query("limitBytes", "1000");
        let mut stream = self.stream(&call).await.ok()?;
        let mut line = Vec::new();
        next_line(&mut stream, &mut line).await.ok()?;
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        Some(line).filter(|line| !line.is_empty() && !line.starts_with(NO_LOG))
    }
}
