//! Which path of the API serves a kind.

use serde_json::Value as Json;

use super::Cluster;
use super::call::{Call, encode};
use super::refusal::Attempt;
use super::request::Failure;
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::kubernetes;
use crate::object::{Object, ObjectId};
use crate::yaml::Text;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub api_version: Text,
    pub kind: Text,
    pub plural: Text,
    pub is_namespaced: bool,
}

impl Resource {
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Returns the path of all objects of the kind, in one namespace or in all.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group().is_empty() { "api" } else { "apis" };
        match namespace.filter(|_| self.is_namespaced) {
            Some(namespace) => {
                format!("/{root}/{}/namespaces/{}/{}", self.api_version, encode(namespace), self.plural)
            }
            None => format!("/{root}/{}/{}", self.api_version, self.plural),
        }
    }

    pub fn object_path(&self, id: &ObjectId) -> String {
        format!("{}/{}", self.path(id.namespace.as_deref()), encode(&id.name))
    }
}

/// Returns the resource of a kind that every server has.
pub fn built_in(api_version: &str, kind: &str) -> Option<Resource> {
    let info = kubernetes::kind(api_version, kind)?;
    Some(Resource {
        api_version: api_version.into(),
        kind: kind.into(),
        plural: info.plural.as_str().into(),
        is_namespaced: info.namespaced,
    })
}

impl Cluster {
    /// Returns the resource of an object's kind; `None` if the server does not serve it.
    pub(crate) async fn resource(&self, object: &Object) -> Result<Option<Resource>, Diagnostics> {
        let id = &object.id;
        if let Some(resource) = built_in(&id.api_version, &id.kind) {
            return Ok(Some(resource));
        }
        let served = self.served(object).await?;
        Ok(served.into_iter().find(|resource| resource.kind == id.kind))
    }

    /// Returns what the server serves of the object's group and version, asked once.
    async fn served(&self, object: &Object) -> Result<Vec<Resource>, Diagnostics> {
        let version = &object.id.api_version;
        if let Some(known) = self.memory().resources.get(version) {
            return Ok(known.clone());
        }
        let root = if object.id.group().is_empty() { "api" } else { "apis" };
        let resources = match self.call(&Call::get(&format!("/{root}/{version}"))).await {
            Ok(list) => read_resources(&list, version),
            Err(failure) if failure.is_code(404) => Vec::new(),
            Err(failure) => {
                return Err(self.explain(&failure, &Attempt::new("ask what the server serves")));
            }
        };
        self.memory().resources.insert(version.clone(), resources.clone());
        Ok(resources)
    }

    /// A definition may have come since we asked.
    pub(crate) fn forget_resources(&self) {
        self.memory().resources.clear();
    }

    /// Warns that a definition is not there yet, if none of its API group is: whoever misspells a kind meets others
    /// of the group. Of the resource, only what the object says is known.
    pub(crate) async fn lacking(&self, object: &Object) -> Result<Resource, Diagnostics> {
        let ObjectId { api_version, kind, namespace, .. } = &object.id;
        let group = object.id.group();
        let answer = self.call(&Call::get(&format!("/apis/{}", encode(group)))).await;
        if !answer.is_err_and(|failure| failure.is_code(404)) {
            return Err(self.unserved(object).await.into());
        }
        self.warn_once(format!(
            "`{}` does not serve `{kind}` in `{api_version}`, so an apply would be refused: install its \
             CustomResourceDefinition, or add it to what you apply",
            self.server()
        ));
        let plural = format!("{}s", kind.to_lowercase());
        Ok(Resource {
            api_version: api_version.into(),
            kind: kind.into(),
            plural: plural.into(),
            is_namespaced: namespace.is_some(),
        })
    }

    /// Says that the server does not serve the object's kind, and what it serves instead.
    pub(crate) async fn unserved(&self, object: &Object) -> Diagnostic {
        let id = &object.id;
        let message = format!("`{}` does not serve `{}` in `{}`", self.server(), id.kind, id.api_version);
        let error = Diagnostic::unable("kind-unserved", message).at(object.origin(["kind"]));
        let served = self.served(object).await.unwrap_or_default();
        let kinds = served.iter().map(|resource| resource.kind.as_str());
        if let Some(kind) = did_you_mean(&id.kind, kinds) {
            return error.help(format!("did you mean `{kind}`?"));
        }
        if id.group().is_empty() {
            return error.help("is it a Kubernetes API server, and does it have this version of the API?");
        }
        let versions = match self.call(&Call::get(&format!("/apis/{}", id.group()))).await {
            Ok(group) => versions(&group),
            Err(Failure::Refused(_)) if served.is_empty() => {
                return error.help(format!(
                    "no API group `{}` is there: install its CustomResourceDefinition, or add it to what you apply",
                    id.group()
                ));
            }
            Err(_) => Vec::new(),
        };
        match versions.as_slice() {
            [] => error,
            versions => error.help(format!("the server has {} of this group", versions.join(", "))),
        }
    }
}

pub fn read_resources(list: &Json, api_version: &str) -> Vec<Resource> {
    let items = list["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let resources = items.iter().filter_map(|item| {
        let plural = item["name"].as_str()?;
        let is_subresource = plural.contains('/');
        (!is_subresource).then(|| Resource {
            api_version: api_version.into(),
            kind: item["kind"].as_str().unwrap_or_default().into(),
            plural: plural.into(),
            is_namespaced: item["namespaced"].as_bool().unwrap_or(true),
        })
    });
    resources.collect()
}

fn versions(group: &Json) -> Vec<String> {
    let items = group["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| Some(format!("`{}`", item["groupVersion"].as_str()?))).collect()
}
