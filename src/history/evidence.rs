//! A Job that is gone → what the cluster still knows of how it ended.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::RunRecord;
use crate::cluster::json::text;
use crate::cluster::{Cluster, encode};

/// What events tell of a Job that is gone.
pub enum Evidence {
    Succeeded(Option<Timestamp>),
    Failed(String, Option<Timestamp>),
    /// It was there, but there is no word of its end.
    Started,
    /// There is no word of it at all.
    None,
    /// Events may not be read, or are too old to be there still.
    Unknown,
}

/// How long API servers keep events, if they are not told otherwise; a little less.
const KEPT: i64 = 55 * 60;

/// The reasons that the Job controller gives for the end of a Job that failed.
const FAILURES: &[&str] = &[
    "BackoffLimitExceeded",
    "DeadlineExceeded",
    "FailedIndexes",
    "MaxFailedIndexesExceeded",
    "PodFailurePolicy",
];

/// Looks for events of a record's Job.
pub async fn evidence(cluster: &Cluster, record: &RunRecord) -> Evidence {
    let path = format!("/api/v1/namespaces/{}/events", encode(record.namespace()));
    let mut fields = format!("involvedObject.kind=Job,involvedObject.name={}", record.object.name);
    if !record.uid.is_empty() {
        fields.push_str(&format!(",involvedObject.uid={}", record.uid));
    }
    let Ok(events) = cluster.list(&path, Some(&fields), None).await else { return Evidence::Unknown };
    weigh(record, &events, Timestamp::now())
}

fn weigh(record: &RunRecord, events: &[Json], now: Timestamp) -> Evidence {
    let began = record.written.unwrap_or(record.started);
    // Without an uid, whatever had its name since.
    let is_its = |event: &&Json| !record.uid.is_empty() || time(event).is_some_and(|time| time >= began);
    let events: Vec<&Json> = events.iter().filter(is_its).collect();
    for event in &events {
        let reason = text(event, "/reason");
        if reason == "Completed" {
            return Evidence::Succeeded(time(event));
        }
        if FAILURES.contains(&reason) {
            return Evidence::Failed(text(event, "/message").to_owned(), time(event));
        }
    }
    match events.is_empty() {
        false => Evidence::Started,
        true if now.duration_since(began).as_secs() < KEPT => Evidence::None,
        true => Evidence::Unknown,
    }
}

fn time(event: &Json) -> Option<Timestamp> {
    let field = |pointer: &str| text(event, pointer).parse().ok();
    field("/lastTimestamp").or_else(|| field("/eventTime")).or_else(|| field("/firstTimestamp"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Place, Source, SourceKind, Sources};
    use serde_json::json;

    fn record(uid: &str) -> RunRecord {
        let place = Place::new(Sources::default().add(Source::new(SourceKind::Cluster, "t", "")), 0..0);
        let summary = json!({"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": uid,
            "started": "2026-01-01T10:00:00Z", "state": "running"});
        let secret = json!({"metadata": {
            "labels": {"daphnia.dev/run": "j-x", "daphnia.dev/job": "j"},
            "creationTimestamp": "2026-01-01T10:00:00Z",
            "annotations": {"daphnia.dev/record": summary.to_string()},
        }});
        RunRecord::read(&secret, place).unwrap()
    }

    #[test]
    fn events_tell_how_a_job_ended_that_is_gone() {
        let now = "2026-01-01T10:30:00Z".parse().unwrap();
        let event =
            |reason: &str, time: &str| json!({"reason": reason, "message": "m", "lastTimestamp": time});
        let started = event("SuccessfulCreate", "2026-01-01T10:00:01Z");
        let weigh = |uid: &str, events: &[Json]| weigh(&record(uid), events, now);
        let completed = event("Completed", "2026-01-01T10:00:09Z");
        let done = weigh("u", &[started.clone(), completed.clone()]);
        assert!(
            matches!(done, Evidence::Succeeded(Some(time)) if time.to_string() == "2026-01-01T10:00:09Z")
        );
        let failed = weigh("u", &[event("BackoffLimitExceeded", "2026-01-01T10:00:09Z")]);
        assert!(matches!(failed, Evidence::Failed(why, _) if why == "m"));
        assert!(matches!(weigh("", &[started]), Evidence::Started));
        // Of an earlier Job of this name.
        let before = event("Completed", "2026-01-01T09:59:59Z");
        assert!(matches!(weigh("", &[before]), Evidence::None));
        let late = "2026-01-01T12:00:00Z".parse().unwrap();
        assert!(matches!(super::weigh(&record("u"), &[], late), Evidence::Unknown));
    }
}
