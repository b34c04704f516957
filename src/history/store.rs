//! The records of a cluster: read, written, deleted.

use serde_json::{Value as Json, json};

use super::{JOB_LABEL, RUN_LABEL, RunRecord, SECRET_TYPE};
use crate::cluster::json::text;
use crate::cluster::{Call, Cluster, Failure, encode};
use crate::object::ObjectId;

/// The name of the Secret that holds a record.
pub fn name(id: &str) -> String {
    format!("daphnia-run-{id}")
}

pub fn path(namespace: &str, id: &str) -> String {
    format!("/api/v1/namespaces/{}/secrets/{}", encode(namespace), encode(&name(id)))
}

/// What became of a record that was to be new.
pub enum Kept {
    /// It is there now, and this is when, by the server's clock.
    New(Option<jiff::Timestamp>),
    /// Its id is taken, by this one.
    Taken(Box<RunRecord>),
}

impl Cluster {
    /// Returns the records that a label selector chooses, newest first, in their short form.
    pub(super) async fn records(
        &self,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<RunRecord>, Failure> {
        let path = match namespace {
            Some(namespace) => format!("/api/v1/namespaces/{}/secrets", encode(namespace)),
            None => "/api/v1/secrets".to_owned(),
        };
        let call = Call::list_metadata(&path)
            .query("fieldSelector", format!("type={SECRET_TYPE}"))
            .query("labelSelector", selector);
        let (items, _) = self.pages(&call).await?;
        let mut records: Vec<RunRecord> =
            items.iter().filter_map(|item| RunRecord::read(item, self.place())).collect();
        records.sort_by_key(|record| std::cmp::Reverse(record.started));
        Ok(records)
    }

    /// Writes a new record. Its id is one that only its own start can have, so it may be sent twice.
    pub(super) async fn keep(&self, record: &RunRecord) -> Result<Kept, Failure> {
        let secrets = format!("/api/v1/namespaces/{}/secrets", encode(record.namespace()));
        let call = Call::create(&secrets, &record.write()).query("fieldManager", "daphnia").repeatable();
        let failure = match self.call(&call).await {
            Ok(kept) => return Ok(Kept::New(text(&kept, "/metadata/creationTimestamp").parse().ok())),
            Err(failure) if !failure.is_code(409) => return Err(failure),
            Err(failure) => failure,
        };
        let found = self.call(&Call::get(&path(record.namespace(), &record.id))).await?;
        let found = RunRecord::read(&found, self.place()).ok_or(failure)?;
        Ok(Kept::Taken(Box::new(found)))
    }

    /// Writes what has changed of a record.
    pub(super) async fn save(&self, record: &RunRecord) -> Result<(), Failure> {
        let mut patch = record.write();
        if let Some(patch) = patch.as_object_mut().filter(|_| record.is_short) {
            // What was not read must not be overwritten.
            patch.remove("data");
        }
        self.call(&Call::merge(&path(record.namespace(), &record.id), &patch)).await.map(|_| ())
    }

    /// Deletes all but the newest records of a job.
    pub(super) async fn prune_records(&self, namespace: &str, job: &str, keep: usize) {
        let records = match self.records(Some(namespace), &format!("{JOB_LABEL}={job}")).await {
            Ok(records) => records,
            Err(failure) => {
                return self.warn_once(format!("cannot list old records: {}", failure.describe()));
            }
        };
        let old = records.iter().filter(|record| record.state.is_final()).skip(keep);
        for record in old {
            if let Err(failure) = self.discard(record).await {
                return self.warn_once(format!("cannot delete old records: {}", failure.describe()));
            }
        }
    }

    async fn discard(&self, record: &RunRecord) -> Result<(), Failure> {
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
        match self.call(&Call::delete(&path(record.namespace(), &record.id), &options)).await {
            Err(failure) if !failure.is_code(404) => Err(failure),
            _ => Ok(()),
        }
    }

    /// Returns who we are to the server.
    pub(super) async fn who(&self) -> String {
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let call = Call::create("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review).repeatable();
        let answer = self.call(&call).await.unwrap_or_default();
        match text(&answer, "/status/userInfo/username") {
            "" => "unknown".to_owned(),
            name => name.to_owned(),
        }
    }

    /// Returns a Job as the server holds it; `None` if there is none.
    pub(super) async fn job(&self, id: &ObjectId) -> Result<Option<Json>, Failure> {
        let namespace = encode(id.namespace.as_deref().unwrap_or("default"));
        let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs/{}", encode(&id.name));
        match self.call(&Call::get(&path)).await {
            Ok(job) => Ok(Some(job)),
            Err(failure) if failure.is_code(404) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Returns the Job that is labelled as a run.
    pub(super) async fn run_job(&self, namespace: &str, run: &str) -> Result<Option<RunJob>, Failure> {
        let id = ObjectId {
            api_version: "batch/v1".to_owned(),
            kind: "Job".to_owned(),
            namespace: Some(namespace.to_owned()),
            name: run.to_owned(),
        };
        let job = self.job(&id).await?.filter(|job| job["metadata"]["labels"][RUN_LABEL] == run);
        Ok(job.map(|job| RunJob { id, uid: text(&job, "/metadata/uid").to_owned() }))
    }
}

/// The Job of a run.
pub struct RunJob {
    pub id: ObjectId,
    pub uid: String,
}
