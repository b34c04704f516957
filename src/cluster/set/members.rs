//! A set → the objects that are in it.

use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt as _;

use super::{PART_OF, Set};
use crate::cluster::Cluster;
use crate::cluster::call::{Call, encode};
use crate::cluster::json::text;
use crate::cluster::kinds::{Resource, read_resources};
use crate::cluster::list::PAGE;
use crate::cluster::observe::{CONCURRENCY, Look, Target, gather, named};
use crate::cluster::refusal::Attempt;
use crate::diagnostic::Diagnostics;
use crate::kubernetes;
use crate::object::{ObjectId, Plan};
use crate::yaml::Node;

/// An object that is there, and where the API serves it.
#[derive(Debug, Clone)]
pub struct Member {
    pub id: ObjectId,
    pub live: Node,
    pub(crate) resource: Resource,
}

impl Member {
    /// Whether others lose what they have when it goes: all that is in a namespace, all resources of a definition.
    pub fn holds_others(&self) -> bool {
        self.is_namespace() || self.is_definition()
    }

    pub fn is_namespace(&self) -> bool {
        self.id.group().is_empty() && self.id.kind == "Namespace"
    }

    pub fn is_definition(&self) -> bool {
        self.id.group() == "apiextensions.k8s.io" && self.id.kind == "CustomResourceDefinition"
    }
}

impl Set {
    /// Returns the members that are not among these objects.
    pub async fn leavers(&self, cluster: &Cluster, stay: &[ObjectId]) -> Result<Vec<Member>, Diagnostics> {
        // The version of an API says how an object is written, not which it is.
        let key =
            |id: &ObjectId| (id.group().to_owned(), id.kind.clone(), id.namespace.clone(), id.name.clone());
        let stay: HashSet<_> = stay.iter().map(key).collect();
        let members = self.members(cluster).await?;
        Ok(members.into_iter().filter(|member| !stay.contains(&key(&member.id))).collect())
    }

    /// Returns all members, in the order in which they would be applied.
    pub async fn members(&self, cluster: &Cluster) -> Result<Vec<Member>, Diagnostics> {
        let scope = self.scope();
        let mut places = Vec::new();
        for kind in &scope.kinds {
            let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
            let Some(resource) = cluster.resource_of_kind(group, kind).await? else { continue };
            if resource.is_namespaced {
                let namespaces = std::iter::once(&self.namespace).chain(&scope.namespaces);
                places.extend(namespaces.map(|namespace| (resource.clone(), Some(namespace.clone()))));
            } else {
                places.push((resource, None));
            }
        }
        let selector = format!("{PART_OF}={}", self.id);
        let lists = futures::stream::iter(&places)
            .map(|(resource, namespace)| cluster.labelled(resource, namespace.as_deref(), &selector))
            .buffered(CONCURRENCY);
        let lists = gather(lists.collect().await)?;
        let mut members: Vec<Member> = lists.into_iter().flatten().collect();
        members.sort_by_key(|member| crate::object::wave(&member.id));
        Ok(members)
    }
}

impl Cluster {
    async fn labelled(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<Member>, Diagnostics> {
        let list = Call::list(&resource.path(namespace)).query("labelSelector", selector);
        let (kind, namespace, place) = (resource.clone(), namespace.map(str::to_owned), self.place());
        let make = move |item: Node| {
            let id = ObjectId {
                api_version: kind.api_version.to_string(),
                kind: kind.kind.to_string(),
                namespace: namespace.clone(),
                name: item.at(["metadata", "name"])?.as_str()?.to_owned(),
            };
            let member = (!has_controller(&item)).then(|| named(item, &id, place))?;
            Some(Member { id, live: member, resource: kind.clone() })
        };
        let members = self.each_item(&list, PAGE, make).await.map_err(|failure| {
            let what = format!("list the `{}` of the set", resource.plural);
            self.explain(&failure, &Attempt::new(&what))
        })?;
        Ok(members.0)
    }

    /// Returns where a kind is served, in whichever version; `None` if the server does not have it.
    async fn resource_of_kind(&self, group: &str, kind: &str) -> Result<Option<Resource>, Diagnostics> {
        let is_it = |version: &str| version.split_once('/').map_or("", |(group, _)| group) == group;
        let built_in = kubernetes::kinds().filter(|(version, name, _)| *name == kind && is_it(version));
        let is_early = |version: &str| version.contains("alpha") || version.contains("beta");
        if let Some((version, ..)) = built_in.min_by_key(|(version, ..)| is_early(version)) {
            return Ok(crate::cluster::kinds::built_in(version, kind));
        }
        let explain = |failure| self.explain(&failure, &Attempt::new("ask what the server serves"));
        let served = match self.call(&Call::get(&format!("/apis/{}", encode(group)))).await {
            Ok(served) => served,
            // Its definition is gone, and its objects with it.
            Err(failure) if failure.is_code(404) => return Ok(None),
            Err(failure) => return Err(explain(failure)),
        };
        let version = text(&served, "/preferredVersion/groupVersion").to_owned();
        let list = match self.call(&Call::get(&format!("/apis/{version}"))).await {
            Ok(list) => list,
            Err(failure) if failure.is_code(404) => return Ok(None),
            Err(failure) => return Err(explain(failure)),
        };
        Ok(read_resources(&list, &version).into_iter().find(|resource| resource.kind == kind))
    }

    /// Finds those of a plan's objects that are there.
    pub async fn found(&self, plan: &Plan) -> Result<Vec<Member>, Diagnostics> {
        let mut targets = Vec::new();
        for object in &plan.objects {
            // What the server does not serve cannot be there.
            let Some(resource) = self.resource(object).await? else { continue };
            targets.push(self.target(object.clone(), (resource, false)));
        }
        let look: Look<Member> = Arc::new(|Target { object, resource, .. }: &Target, live| Member {
            id: object.id.clone(),
            live,
            resource: resource.clone(),
        });
        Ok(self.live(&Arc::new(targets), &look).await?.into_iter().flatten().collect())
    }
}

/// What a controller has made goes with its owner, whatever labels it was given.
fn has_controller(item: &Node) -> bool {
    let owners = item.at(["metadata", "ownerReferences"]).and_then(Node::as_list).unwrap_or_default();
    owners.iter().any(|owner| owner.get("controller").and_then(Node::as_bool) == Some(true))
}
