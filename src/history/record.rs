//! A record ↔ the Secret that holds it.

use std::fmt;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::store::name;
use super::{ContainerExit, DIGEST_LABEL, JOB_LABEL, LogLine, ObjectId, RUN_LABEL, SECRET_TYPE};
use crate::source::Place;
use crate::yaml::Node;

/// Who ran what, when, with what, and how it ended.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Unique in its namespace.
    pub id: String,
    /// The job's name in its manifest.
    pub job: String,
    /// The Job in the cluster.
    pub object: ObjectId,
    /// Empty until the Job is there.
    pub uid: String,
    pub who: String,
    pub started: Timestamp,
    /// When the record was written first, by the server's clock.
    pub written: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub digest: String,
    /// As given on the command line.
    pub parameters: Vec<String>,
    pub state: RunState,
    /// One sentence; empty unless it failed.
    pub cause: String,
    pub exit_code: Option<i32>,
    pub containers: Vec<ContainerExit>,
    /// The Job and what it uses, as rendered, with the values of secrets: mask them before showing.
    pub objects: Vec<Node>,
    /// The end of what its containers wrote.
    pub log: Vec<LogLine>,
    /// Whether containers, objects and log were left out when it was read.
    pub is_short: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    Running,
    /// The Job is there but cannot go on.
    Stuck,
    Succeeded,
    Failed,
    Cancelled,
    /// The Job went before anyone saw how it ended.
    Lost,
}

const STATES: [RunState; 6] = [
    RunState::Running,
    RunState::Stuck,
    RunState::Succeeded,
    RunState::Failed,
    RunState::Cancelled,
    RunState::Lost,
];

impl RunState {
    /// Whether nothing more will come of the run.
    pub fn is_final(self) -> bool {
        !matches!(self, RunState::Running | RunState::Stuck)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RunState::Running => "running",
            RunState::Stuck => "stuck",
            RunState::Succeeded => "succeeded",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
            RunState::Lost => "lost",
        })
    }
}

const SUMMARY: &str = "daphnia.dev/record";

/// A Secret holds a mebibyte, base64 and all; these leave room.
const MOST_OBJECTS: usize = 320 << 10;
const MOST_LOG: usize = 256 << 10;
const MOST_CONTAINERS: usize = 1000;

impl RunRecord {
    pub fn namespace(&self) -> &str {
        self.object.namespace.as_deref().unwrap_or("default")
    }

    pub fn write(&self) -> Json {
        let mut data = serde_json::Map::new();
        let encode = |bytes: Option<Vec<u8>>| Json::from(bytes.map(|bytes| STANDARD.encode(bytes)));
        data.insert("objects.json.gz".into(), encode(pack(&self.write_objects(), MOST_OBJECTS)));
        data.insert("containers.json.gz".into(), encode(pack(&self.write_containers(), MOST_OBJECTS)));
        data.insert("log.gz".into(), encode(pack_end(&self.write_log(), MOST_LOG)));
        data.retain(|_, value| !value.is_null());
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": SECRET_TYPE,
            "metadata": {
                "name": name(&self.id),
                "namespace": self.namespace(),
                "labels": {
                    JOB_LABEL: self.job,
                    RUN_LABEL: self.id,
                    // A label holds 63 characters, one less than the whole.
                    DIGEST_LABEL: self.digest_label(),
                    "app.kubernetes.io/managed-by": "daphnia",
                },
                "annotations": {SUMMARY: self.summary().to_string()},
            },
            "data": data,
        })
    }

    pub fn digest_label(&self) -> &str {
        digest_label(&self.digest)
    }

    /// The short form, which lists read without the rest.
    fn summary(&self) -> Json {
        json!({
            "apiVersion": self.object.api_version, "kind": self.object.kind, "name": self.object.name,
            "uid": self.uid, "who": self.who,
            "started": self.started.to_string(), "ended": self.ended.map(|time| time.to_string()),
            "digest": self.digest, "parameters": self.parameters,
            "state": self.state.to_string(), "cause": self.cause, "exitCode": self.exit_code,
        })
    }

    fn write_objects(&self) -> Vec<u8> {
        Json::Array(self.objects.iter().map(Node::to_json).collect()).to_string().into_bytes()
    }

    fn write_containers(&self) -> Vec<u8> {
        // Failures first, so that they are what is kept of very many.
        let mut sorted: Vec<&ContainerExit> = self.containers.iter().collect();
        sorted.sort_by_key(|exit| exit.exit_code == 0);
        let exits = sorted.into_iter().take(MOST_CONTAINERS).map(|exit| {
            json!({
                "pod": exit.pod, "container": exit.container, "index": exit.index,
                "exitCode": exit.exit_code, "reason": exit.reason, "message": exit.message,
                "memoryLimit": exit.memory_limit, "restarts": exit.restarts,
                "started": exit.started, "ended": exit.ended, "lastLine": exit.last_line,
            })
        });
        Json::Array(exits.collect()).to_string().into_bytes()
    }

    fn write_log(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for line in &self.log {
            let time = line.time.map_or("-".to_owned(), |time| time.to_string());
            let index = line.index.map_or("-".to_owned(), |index| index.to_string());
            // Writing to memory does not fail.
            let _ = writeln!(text, "{time} {} {} {index} {}", line.pod, line.container, line.line);
        }
        text
    }

    /// Reads a record, or the short form of one; `None` if it is none of ours.
    pub fn read(secret: &Json, place: Place) -> Option<RunRecord> {
        let text = |pointer: &str| secret.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
        let summary: Json = serde_json::from_str(&text("/metadata/annotations/daphnia.dev~1record")?).ok()?;
        let of = |field: &str| summary[field].as_str().unwrap_or_default().to_owned();
        let state = STATES.into_iter().find(|state| state.to_string() == of("state"))?;
        let parameters = summary["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let data = &secret["data"];
        let unpack = |field: &str| unpack(data[field].as_str()?);
        let list = |field: &str| match unpack(field).and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            Some(Json::Array(items)) => items,
            _ => Vec::new(),
        };
        let log = unpack("log.gz").unwrap_or_default();
        Some(RunRecord {
            id: text("/metadata/labels/daphnia.dev~1run")?,
            job: text("/metadata/labels/daphnia.dev~1job")?,
            object: ObjectId {
                api_version: of("apiVersion"),
                kind: of("kind"),
                namespace: text("/metadata/namespace"),
                name: of("name"),
            },
            uid: of("uid"),
            who: of("who"),
            started: of("started").parse().ok()?,
            written: text("/metadata/creationTimestamp").and_then(|time| time.parse().ok()),
            ended: of("ended").parse().ok(),
            digest: of("digest"),
            parameters: parameters.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            state,
            cause: of("cause"),
            exit_code: summary["exitCode"].as_i64().and_then(|code| i32::try_from(code).ok()),
            containers: list("containers.json.gz").iter().map(read_exit).collect(),
            objects: list("objects.json.gz").iter().map(|json| Node::from_json(json, place)).collect(),
            log: String::from_utf8_lossy(&log).lines().filter_map(read_line).collect(),
            is_short: data.is_null(),
        })
    }
}

pub fn digest_label(digest: &str) -> &str {
    digest.get(..40).unwrap_or(digest)
}

fn read_exit(json: &Json) -> ContainerExit {
    let text = |field: &str| json[field].as_str().unwrap_or_default().to_owned();
    let optional = |field: &str| json[field].as_str().map(str::to_owned);
    ContainerExit {
        pod: text("pod"),
        container: text("container"),
        index: json["index"].as_u64().and_then(|index| u32::try_from(index).ok()),
        exit_code: json["exitCode"].as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or(-1),
        reason: text("reason"),
        message: text("message"),
        memory_limit: optional("memoryLimit"),
        restarts: json["restarts"].as_i64().unwrap_or_default(),
        started: text("started"),
        ended: text("ended"),
        last_line: optional("lastLine"),
    }
}

fn read_line(text: &str) -> Option<LogLine> {
    let mut parts = text.splitn(5, ' ');
    let time = parts.next()?.parse().ok();
    let (pod, container) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let index = parts.next()?.parse().ok();
    Some(LogLine { pod, container, index, time, line: parts.next()?.to_owned() })
}

fn pack(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().filter(|packed| packed.len() <= most)
}

/// Packs as much of the end as fits, in whole lines.
fn pack_end(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut rest = bytes;
    loop {
        if let Some(packed) = pack(rest, most) {
            return Some(packed);
        }
        let middle = rest.len() / 2;
        let line = rest[middle..].iter().position(|byte| *byte == b'\n')?;
        rest = &rest[middle + line + 1..];
    }
}

/// No record of ours holds more than this, so more is no record of ours.
const MOST_UNPACKED: u64 = 64 << 20;

fn unpack(text: &str) -> Option<Vec<u8>> {
    let packed = STANDARD.decode(text).ok()?;
    let mut bytes = Vec::new();
    GzDecoder::new(packed.as_slice()).take(MOST_UNPACKED).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, SourceKind, Sources};

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let place = Place::new(Sources::default().add(Source::new(SourceKind::Cluster, "t", "")), 0..0);
        let id = |name: &str| ObjectId {
            api_version: "batch/v1".to_owned(),
            kind: "Job".to_owned(),
            namespace: Some("a".to_owned()),
            name: name.to_owned(),
        };
        let line = LogLine {
            pod: "p".to_owned(),
            container: "c".to_owned(),
            index: Some(2),
            time: Some(Timestamp::UNIX_EPOCH),
            line: " two  words".to_owned(),
        };
        let record = RunRecord {
            id: "j-x".to_owned(),
            job: "j".to_owned(),
            object: id("j-x"),
            uid: "u".to_owned(),
            who: "me".to_owned(),
            started: Timestamp::UNIX_EPOCH,
            written: None,
            ended: None,
            digest: "d".repeat(64),
            parameters: vec!["--set a=b".to_owned()],
            state: RunState::Failed,
            cause: "no".to_owned(),
            exit_code: Some(3),
            containers: Vec::new(),
            objects: vec![Node::from_json(&json!({"a": 1}), place)],
            log: vec![line],
            is_short: false,
        };
        let read = RunRecord::read(&record.write(), place).unwrap();
        assert_eq!(format!("{read:?}"), format!("{record:?}"));
    }

    #[test]
    fn of_a_long_log_the_end_is_kept() {
        let noise = |i: u32| i.wrapping_mul(2_654_435_761);
        let text: String = (0..50_000).map(|i| format!("{:x}{:x}\n", noise(i), noise(i + 7))).collect();
        let packed = pack_end(text.as_bytes(), 100_000).unwrap();
        let kept = unpack(&STANDARD.encode(packed)).unwrap();
        assert!(kept.len() > 50_000 && text.as_bytes().ends_with(&kept));
    }
}
