//! A run's Job and what it uses → a run that changes nothing that is stored: what it would change, it gets as
//! copies of its own, which go with its Job.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::complete::YOUTH;
use super::references::{Reference, references, rename};
use super::{JOB_LABEL, RUN_LABEL, RunRecord, SECRET_TYPE};
use crate::cluster::json::{items, text};
use crate::cluster::{Call, Cluster, delete, encode};
use crate::diff::{Observed, Prediction};
use crate::object::{Object, ObjectId};
use crate::yaml::{Key, Map, Node, Value};

/// Objects that a run has for itself.
#[derive(Debug, Clone, Default)]
pub struct Copies {
    pub ids: Vec<ObjectId>,
}

/// Gives the Job of a run copies of those ConfigMaps and Secrets that an apply would change. Returns the objects
/// of the run anew; what only the Job uses is no longer among them.
pub fn isolate(job: &Object, observed: &[Observed]) -> Option<(Vec<Object>, Copies)> {
    let used = references(&job.node);
    let is_changed = |one: &&Observed| {
        let id = &one.desired.id;
        matches!(id.kind.as_str(), "ConfigMap" | "Secret")
            && id.namespace == job.id.namespace
            && used.contains(&reference(id))
            && !matches!(one.prediction, Prediction::Same)
    };
    let changed: Vec<&Object> = observed.iter().filter(is_changed).map(|one| &one.desired).collect();
    if changed.is_empty() {
        return None;
    }
    let suffix = job.id.name.rsplit('-').next().unwrap_or_default();
    let names: BTreeMap<Reference, String> = changed
        .iter()
        .map(|object| (reference(&object.id), format!("{}-{suffix}", object.id.name)))
        .collect();
    let mut fresh = job.clone();
    rename(&mut fresh.node, &names);
    let others: Vec<&Object> =
        observed.iter().map(|one| &one.desired).filter(|object| object.id != job.id).collect();
    let is_used_elsewhere = |id: &ObjectId| {
        others.iter().any(|other| other.id != *id && references(&other.node).contains(&reference(id)))
    };
    let is_there = |id: &ObjectId| observed.iter().any(|one| one.desired.id == *id && one.live.is_some());
    let is_kept = |object: &&&Object| {
        let id = &object.id;
        !names.contains_key(&reference(id)) || (!is_there(id) && is_used_elsewhere(id))
    };
    let copies: Vec<Object> =
        changed.iter().map(|object| copy(object, &names[&reference(&object.id)], &fresh)).collect();
    let ids = copies.iter().map(|copy| copy.id.clone()).collect();
    let kept = others.iter().filter(is_kept).map(|object| (*object).clone());
    Some((kept.chain(copies).chain([fresh]).collect(), Copies { ids }))
}

fn reference(id: &ObjectId) -> Reference {
    (id.kind.clone(), id.name.clone())
}

fn copy(object: &Object, name: &str, job: &Object) -> Object {
    let mut copy = object.clone();
    let place = object.node.place;
    let key = |text: &str| Key::new(text, place);
    if let Some(metadata) = copy.node.as_map_mut().and_then(|map| map.get_mut("metadata")?.as_map_mut()) {
        metadata.set(key("name"), Node::string(name, place));
        if metadata.get("labels").and_then(Node::as_map).is_none() {
            metadata.set(key("labels"), Node::new(Value::Map(Map::default()), place));
        }
        if let Some(labels) = metadata.get_mut("labels").and_then(Node::as_map_mut) {
            for label in [JOB_LABEL, RUN_LABEL] {
                let value = job.node.at(["metadata", "labels", label]).and_then(Node::as_str);
                labels.set(key(label), Node::string(value.unwrap_or_default(), place));
            }
        }
    }
    copy.id.name = name.to_owned();
    copy
}

impl Copies {
    /// Lets the copies go when the Job goes.
    pub async fn belong_to(&self, cluster: &Cluster, job: &ObjectId, uid: &str) {
        for id in &self.ids {
            if let Err(failure) = cluster.call(&Call::merge(&path(id), &ownership(job, uid))).await {
                let why = failure.describe();
                cluster.warn_once(format!("`{id}` will not go with the run, delete it afterwards: {why}"));
            }
        }
    }

    /// Takes the copies back when the Job could not be started.
    pub async fn discard(&self, cluster: &Cluster) {
        for id in &self.ids {
            if delete(cluster, id, None).await.is_err() {
                cluster.warn_once(format!("`{id}` is left behind, delete it"));
            }
        }
    }
}

fn ownership(job: &ObjectId, uid: &str) -> Json {
    let owner = json!([{"apiVersion": job.api_version, "kind": job.kind, "name": job.name, "uid": uid}]);
    json!({"metadata": {"ownerReferences": owner}})
}

fn path(id: &ObjectId) -> String {
    let namespace = encode(id.namespace.as_deref().unwrap_or_default());
    let plural = if id.kind == "Secret" { "secrets" } else { "configmaps" };
    format!("/api/v1/namespaces/{namespace}/{plural}/{}", encode(&id.name))
}

/// Deals with the copies that earlier runs of a job have left behind, for whoever ran them was interrupted.
pub async fn tidy_job(cluster: &Cluster, job: &Object) {
    let namespace = job.id.namespace.as_deref().unwrap_or_default();
    let name: String = job.id.name.chars().take(super::run::LONGEST_NAME).collect();
    tidy(cluster, namespace, &format!("{JOB_LABEL}={name},{RUN_LABEL}"), true).await;
}

/// The same of a run that is known to have come to nothing.
pub async fn tidy_run(cluster: &Cluster, record: &RunRecord) {
    tidy(cluster, record.namespace(), &format!("{RUN_LABEL}={}", record.id), false).await;
}

/// Copies whose Job is there go with it; those without one go now, unless they are so new that it may still come.
async fn tidy(cluster: &Cluster, namespace: &str, selector: &str, spares_young: bool) {
    for (plural, kind) in [("configmaps", "ConfigMap"), ("secrets", "Secret")] {
        let list = Call::list_metadata(&format!("/api/v1/namespaces/{}/{plural}", encode(namespace)));
        let mut list = list.query("labelSelector", selector);
        if kind == "Secret" {
            list = list.query("fieldSelector", format!("type!={SECRET_TYPE}"));
        }
        // Who may not see them has none: copies are made by who may.
        let (copies, _) = cluster.pages(&list).await.unwrap_or_default();
        for copy in copies.iter().filter(|copy| items(copy, "/metadata/ownerReferences").is_empty()) {
            let id = ObjectId {
                api_version: "v1".to_owned(),
                kind: kind.to_owned(),
                namespace: Some(namespace.to_owned()),
                name: text(copy, "/metadata/name").to_owned(),
            };
            tidy_one(cluster, copy, id, spares_young).await;
        }
    }
}

async fn tidy_one(cluster: &Cluster, copy: &Json, id: ObjectId, spares_young: bool) {
    let run = text(copy, "/metadata/labels/daphnia.dev~1run");
    let namespace = id.namespace.clone().unwrap_or_default();
    let created: Option<Timestamp> = text(copy, "/metadata/creationTimestamp").parse().ok();
    let is_young = created.is_none_or(|created| Timestamp::now().duration_since(created).as_secs() < YOUTH);
    let copies = Copies { ids: vec![id] };
    match cluster.run_job(&namespace, run).await {
        Ok(Some(job)) => copies.belong_to(cluster, &job.id, &job.uid).await,
        Ok(None) if !(is_young && spares_young) => copies.discard(cluster).await,
        _ => {}
    }
}
