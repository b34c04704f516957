//! What is known of the objects that are waited for, of their pods, and of events.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value as Json;

use super::pods::{self, Trouble};
use super::watch::Update;
use crate::cluster::Cluster;
use crate::cluster::json::{items, text};
use crate::cluster::refusal::Attempt;
use crate::diagnostic::Diagnostics;
use crate::object::ObjectId;

/// A pod in its last known state.
#[derive(Debug)]
pub struct Pod {
    pub object: Json,
    pub is_gone: bool,
}

#[derive(Debug)]
enum Subject {
    Objects(Vec<ObjectId>),
    Pods,
    Events,
}

#[derive(Debug, Default)]
pub struct World {
    subjects: Vec<Subject>,
    listed: HashSet<usize>,
    objects: HashMap<ObjectId, Json>,
    gone: HashSet<ObjectId>,
    pods: BTreeMap<String, Pod>,
    events: BTreeMap<String, Json>,
}

impl World {
    pub fn add_objects(&mut self, ids: &[&ObjectId]) {
        self.subjects.push(Subject::Objects(ids.iter().map(|id| (*id).clone()).collect()));
    }

    pub fn add_pods(&mut self) {
        self.subjects.push(Subject::Pods);
    }

    pub fn add_events(&mut self) {
        self.subjects.push(Subject::Events);
    }

    /// Whether everything was listed once.
    pub fn is_complete(&self) -> bool {
        self.listed.len() == self.subjects.len()
    }

    pub fn object(&self, id: &ObjectId) -> Option<&Json> {
        self.objects.get(id)
    }

    pub fn was_seen(&self, id: &ObjectId) -> bool {
        self.objects.contains_key(id)
    }

    pub fn is_gone(&self, id: &ObjectId) -> bool {
        self.gone.contains(id)
    }

    pub fn heed(&mut self, cluster: &Cluster, subject: usize, update: Update) -> Result<(), Diagnostics> {
        match update {
            Update::Lost(failure) => {
                self.listed.insert(subject);
                let what = match &self.subjects[subject] {
                    Subject::Objects(ids) => {
                        let what = format!("watch `{}`", ids[0]);
                        return Err(cluster.explain(&failure, &Attempt::new(&what)));
                    }
                    Subject::Pods => "pods, so there may be no word on why something fails",
                    Subject::Events => "events, so there may be no word on why pods are not started",
                };
                let why = failure.describe();
                cluster.warn_once(format!("cannot watch {what}: {why}"));
            }
            Update::Listed(all) => {
                self.listed.insert(subject);
                self.list(subject, all);
            }
            Update::Changed(object) => self.set(subject, object, false),
            Update::Gone(object) => self.set(subject, object, true),
        }
        Ok(())
    }

    fn list(&mut self, subject: usize, all: Vec<Json>) {
        // After a break: what is no longer listed went in the meantime.
        match &self.subjects[subject] {
            Subject::Objects(ids) => {
                let is_there =
                    |id: &ObjectId| all.iter().any(|object| text(object, "/metadata/name") == id.name);
                let gone = ids.iter().filter(|id| self.objects.contains_key(id) && !is_there(id));
                self.gone.extend(gone.cloned());
            }
            Subject::Pods if self.subjects.iter().filter(|s| matches!(s, Subject::Pods)).count() == 1 => {
                for (uid, pod) in &mut self.pods {
                    pod.is_gone |= !all.iter().any(|object| text(object, "/metadata/uid") == uid);
                }
            }
            Subject::Pods | Subject::Events => {}
        }
        for object in all {
            self.set(subject, object, false);
        }
    }

    fn set(&mut self, subject: usize, object: Json, is_gone: bool) {
        let uid = text(&object, "/metadata/uid").to_owned();
        match &self.subjects[subject] {
            Subject::Objects(ids) => {
                let Some(id) = ids.iter().find(|id| text(&object, "/metadata/name") == id.name) else {
                    return;
                };
                let known = self.objects.get(id).map(|known| text(known, "/metadata/uid"));
                if known.is_some_and(|known| known != uid) {
                    // Its successor has its name, but was not what is waited for.
                    self.gone.insert(id.clone());
                    return;
                }
                if is_gone {
                    self.gone.insert(id.clone());
                }
                self.objects.insert(id.clone(), object);
            }
            Subject::Pods => {
                self.pods.insert(uid, Pod { object, is_gone });
            }
            Subject::Events if is_gone => {
                self.events.remove(&uid);
            }
            Subject::Events => {
                self.events.insert(uid, object);
            }
        }
    }

    /// Returns the pods of an object, those that are gone among them, oldest first.
    pub fn pods_of(&self, id: &ObjectId) -> impl Iterator<Item = &Pod> {
        let object = self.objects.get(id);
        let mut found: Vec<&Pod> = self
            .pods
            .values()
            .filter(|pod| object.is_some_and(|object| is_of(&pod.object, id, object)))
            .collect();
        found.sort_by_key(|pod| {
            let created = text(&pod.object, "/metadata/creationTimestamp");
            (created, pods::index(&pod.object), text(&pod.object, "/metadata/name"))
        });
        found.into_iter()
    }

    /// Returns the pods of the newest revision of an object.
    pub fn current_pods(&self, id: &ObjectId) -> Vec<&Json> {
        let pods: Vec<&Json> = self.pods_of(id).filter(|pod| !pod.is_gone).map(|pod| &pod.object).collect();
        let revision = |pod: &Json| {
            let label = |name: &str| text(pod, &format!("/metadata/labels/{name}")).to_owned();
            (label("pod-template-hash"), label("controller-revision-hash"))
        };
        let Some(newest) = pods.last().map(|pod| revision(pod)) else { return pods };
        pods.into_iter().filter(|pod| revision(pod) == newest).collect()
    }

    /// Returns what keeps an object from becoming ready, what is surest first.
    pub fn troubles(&self, id: &ObjectId, object: &Json) -> Vec<Trouble> {
        let mut events: Vec<&Json> = self.events.values().collect();
        events.sort_by_key(|event| {
            let at = |field: &str| text(event, field).to_owned();
            at("/lastTimestamp").max(at("/eventTime"))
        });
        let pods = self.current_pods(id);
        let mut troubles: Vec<Trouble> = pods.iter().filter_map(|pod| pods::trouble(pod, &events)).collect();
        let is_short_of_pods = !pods.iter().any(|pod| text(pod, "/status/phase") != "Failed");
        if is_short_of_pods {
            troubles.extend(pods::refused(text(object, "/metadata/uid"), &events));
        }
        let conditions = items(object, "/status/conditions");
        let failure = conditions.iter().find(|c| c["type"] == "ReplicaFailure" && c["status"] == "True");
        if let Some(failure) = failure.filter(|_| is_short_of_pods) {
            troubles.extend(pods::refused_by(text(failure, "/message")));
        }
        troubles.sort_by_key(|trouble| trouble.patience.is_none());
        troubles.dedup();
        troubles
    }
}

fn is_of(pod: &Json, id: &ObjectId, object: &Json) -> bool {
    let uid = &object["metadata"]["uid"];
    if id.kind == "Pod" {
        return pod["metadata"]["uid"] == *uid;
    }
    let owners = items(pod, "/metadata/ownerReferences");
    if id.kind != "Deployment" {
        return owners.iter().any(|owner| owner["uid"] == *uid);
    }
    // Between them is a ReplicaSet, whose name begins with the Deployment's and ends with a hash.
    let hash = text(pod, "/metadata/labels/pod-template-hash");
    let set = format!("{}-{hash}", id.name);
    owners.iter().any(|owner| text(owner, "/kind") == "ReplicaSet" && text(owner, "/name") == set)
}
