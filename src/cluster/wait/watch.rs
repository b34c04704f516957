//! A list and its changes, for as long as someone looks.

use std::pin::Pin;
use std::time::Duration;

use futures::io::AsyncBufRead;
use futures::stream::{BoxStream, StreamExt as _};
use futures::{AsyncBufReadExt as _, stream};
use serde_json::Value as Json;

use crate::cluster::call::Call;
use crate::cluster::json::text;
use crate::cluster::request::Failure;
use crate::cluster::{Cluster, Progress};

/// What to watch.
#[derive(Debug, Clone)]
pub struct Subject {
    pub path: String,
    pub fields: Option<String>,
    pub labels: Option<String>,
    /// Whether to tell of breaks; one that does is enough.
    pub is_quiet: bool,
}

#[derive(Debug)]
pub enum Update {
    /// All there is.
    Listed(Vec<Json>),
    Changed(Json),
    /// In its last state.
    Gone(Json),
    /// There will be no more.
    Lost(Failure),
}

/// The server ends each watch after this time, and we open the next; a dead connection shows soon after.
const WATCH_SECONDS: u64 = 120;
const IDLE: Duration = Duration::from_secs(WATCH_SECONDS + 15);
/// A control plane that is being upgraded is away for a minute or two.
const PAUSES: [u64; 10] = [0, 1, 2, 5, 10, 10, 20, 20, 30, 30];

type Lines = Pin<Box<dyn AsyncBufRead + Send>>;

enum Phase {
    List,
    Open { version: String },
    Read { version: String, lines: Lines },
    Lose(Failure),
    End,
}

struct Watch<'a> {
    cluster: &'a Cluster,
    subject: Subject,
    phase: Phase,
    /// Breaks in a row without anything in between.
    breaks: usize,
}

pub fn watch(cluster: &Cluster, subject: Subject) -> BoxStream<'_, Update> {
    let watch = Watch { cluster, subject, phase: Phase::List, breaks: 0 };
    stream::unfold(watch, |mut watch| async move { watch.next().await.map(|update| (update, watch)) }).boxed()
}

impl Watch<'_> {
    async fn next(&mut self) -> Option<Update> {
        loop {
            match std::mem::replace(&mut self.phase, Phase::End) {
                Phase::End => return None,
                Phase::Lose(failure) => return Some(Update::Lost(failure)),
                Phase::List => {
                    let Subject { path, fields, labels, .. } = &self.subject;
                    match self.cluster.list_at(path, fields.as_deref(), labels.as_deref()).await {
                        Ok((items, version)) => {
                            self.phase = Phase::Open { version };
                            return Some(Update::Listed(items));
                        }
                        Err(failure) => self.interrupted(failure, Phase::List).await,
                    }
                }
                Phase::Open { version } => match self.cluster.stream(&self.open(&version)).await {
                    Ok(lines) => {
                        self.breaks = 0;
                        self.phase = Phase::Read { version, lines: Box::pin(lines) };
                    }
                    Err(failure) if failure.is_code(410) => self.phase = Phase::List,
                    Err(failure) => self.interrupted(failure, Phase::Open { version }).await,
                },
                Phase::Read { version, mut lines } => match read(&mut lines).await {
                    Some(event) => {
                        if let Some(update) = self.heed(&event, version, lines) {
                            return Some(update);
                        }
                    }
                    None => {
                        // A server that hangs up on everyone is not helped by haste.
                        tokio::time::sleep(Duration::from_millis(200)).await;
                        self.phase = Phase::Open { version };
                    }
                },
            }
        }
    }

    fn open(&self, version: &str) -> Call {
        let mut call = Call::watch(&self.subject.path)
            .query("watch", "true")
            .query("allowWatchBookmarks", "true")
            .query("timeoutSeconds", WATCH_SECONDS.to_string())
            .query("resourceVersion", version);
        if let Some(fields) = &self.subject.fields {
            call = call.query("fieldSelector", fields);
        }
        if let Some(labels) = &self.subject.labels {
            call = call.query("labelSelector", labels);
        }
        call
    }

    fn heed(&mut self, event: &Json, version: String, lines: Lines) -> Option<Update> {
        self.breaks = 0;
        let object = &event["object"];
        let version = match text(object, "/metadata/resourceVersion") {
            "" => version,
            next => next.to_owned(),
        };
        let update = match text(event, "/type") {
            "ADDED" | "MODIFIED" => Some(Update::Changed(object.clone())),
            "DELETED" => Some(Update::Gone(object.clone())),
            "ERROR" => {
                // Too old a version, most of the time: begin anew.
                self.phase = Phase::List;
                return None;
            }
            _ => None,
        };
        self.phase = Phase::Read { version, lines };
        update
    }

    /// Waits a while before the next try, or gives up.
    async fn interrupted(&mut self, failure: Failure, next: Phase) {
        let is_final = failure.status().is_some_and(|status| matches!(status.code, 400..=409));
        if is_final || self.breaks >= PAUSES.len() {
            self.phase = Phase::Lose(failure);
            return;
        }
        let after = Duration::from_secs(PAUSES[self.breaks]);
        self.breaks += 1;
        if !after.is_zero() && !self.subject.is_quiet {
            let what = format!("watch {}", self.subject.path);
            self.cluster.tell(Progress::Retrying { what, cause: failure.describe(), after });
        }
        tokio::time::sleep(after).await;
        self.phase = next;
    }
}

/// Reads one event; `None` at the end, however it came.
async fn read(lines: &mut Lines) -> Option<Json> {
    let mut line = Vec::new();
    let read = tokio::time::timeout(IDLE, lines.read_until(b'\n', &mut line)).await;
    match read {
        Ok(Ok(length)) if length > 0 => serde_json::from_slice(&line).ok(),
        _ => None,
    }
}
