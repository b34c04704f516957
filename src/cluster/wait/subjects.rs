//! What to watch while waiting.

use super::ready;
use super::watch::Subject;
use super::world::World;
use crate::cluster::Cluster;
use crate::cluster::call::{Call, encode};
use crate::cluster::kinds::Resource;
use crate::cluster::refusal::Attempt;
use crate::diagnostic::Diagnostics;
use crate::object::{Object, ObjectId};
use crate::yaml::{Node, Value};

impl Cluster {
    /// Says what to watch: the objects, their pods, and what their events warn of.
    pub(super) async fn subjects(
        &self,
        objects: &[ObjectId],
        world: &mut World,
    ) -> Result<Vec<Subject>, Diagnostics> {
        let mut groups: Vec<(String, Vec<&ObjectId>)> = Vec::new();
        let mut pods: Vec<(String, Option<String>)> = Vec::new();
        for id in objects.iter().filter(|id| ready::rule(id).is_some()) {
            let resource = self.resource_of(id).await?;
            let path = resource.path(id.namespace.as_deref());
            match groups.iter_mut().find(|(known, _)| *known == path) {
                Some((_, ids)) => ids.push(id),
                None => groups.push((path, vec![id])),
            }
            if let Some(namespace) = id.namespace.as_ref().filter(|_| ready::has_pods(id)) {
                pods.push((namespace.clone(), self.pod_labels(id, &resource).await?));
            }
        }
        let mut subjects = Vec::new();
        for (path, ids) in groups {
            let fields = match ids.as_slice() {
                [only] => Some(format!("metadata.name={}", only.name)),
                _ => None,
            };
            world.add_objects(&ids);
            let is_quiet = !subjects.is_empty();
            subjects.push(Subject { path, fields, labels: None, is_quiet });
        }
        let mut namespaces: Vec<String> = pods.iter().map(|(namespace, _)| namespace.clone()).collect();
        namespaces.sort();
        namespaces.dedup();
        for namespace in namespaces {
            let root = format!("/api/v1/namespaces/{}", encode(&namespace));
            let mut selectors: Vec<Option<String>> =
                pods.iter().filter(|(of, _)| *of == namespace).map(|(_, labels)| labels.clone()).collect();
            // A few are watched one by one; of many, all pods together are less work.
            if selectors.len() > 4 || selectors.contains(&None) {
                selectors = vec![None];
            }
            for labels in selectors {
                world.add_pods();
                subjects.push(Subject { path: format!("{root}/pods"), fields: None, labels, is_quiet: true });
            }
            world.add_events();
            let warnings = Some("type=Warning".to_owned());
            subjects.push(Subject {
                path: format!("{root}/events"),
                fields: warnings,
                labels: None,
                is_quiet: true,
            });
        }
        Ok(subjects)
    }

    async fn resource_of(&self, id: &ObjectId) -> Result<Resource, Diagnostics> {
        let object = Object { id: id.clone(), node: Node::new(Value::Null, self.place) };
        match self.resource(&object).await? {
            Some(resource) => Ok(resource),
            None => Err(self.unserved(&object).await.into()),
        }
    }

    /// Returns the selector of an object's pods.
    async fn pod_labels(&self, id: &ObjectId, resource: &Resource) -> Result<Option<String>, Diagnostics> {
        if id.kind == "Job" {
            return Ok(Some(format!("job-name={}", id.name)));
        }
        if id.kind == "Pod" {
            return Ok(None);
        }
        let object = match self.call(&Call::get(&resource.object_path(id))).await {
            Ok(object) => object,
            Err(failure) if failure.is_code(404) => return Ok(None),
            Err(failure) => {
                return Err(self.explain(&failure, &Attempt::new(&format!("wait for `{id}`"))));
            }
        };
        let has_expressions = object.pointer("/spec/selector/matchExpressions").is_some();
        let labels = object.pointer("/spec/selector/matchLabels").and_then(serde_json::Value::as_object);
        Ok(labels.filter(|_| !has_expressions).map(|labels| {
            let pairs =
                labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
            pairs.collect::<Vec<_>>().join(",")
        }))
    }
}
