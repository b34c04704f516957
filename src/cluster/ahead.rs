//! Lists that are asked for while the manifests are still being checked, so that the server works meanwhile. Who then
//! wants such a list takes the answer that is under way.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Uri;
use tokio::task::JoinHandle;

use super::call::Call;
use super::connect::Connection;
use super::kinds::{Resource, built_in};
use super::list::{page, page_for};
use super::request::{Answer, Failure, send};
use crate::document::Document;
use crate::manifest::names_a_target;
use crate::yaml::Node;

/// Objects of one kind that a plan will have, and will be compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    resource: Resource,
    namespace: Option<String>,
    objects: usize,
}

impl Listing {
    /// Returns those that documents tell of. If one says which cluster it is meant for, it is to be known first that
    /// it means this one.
    pub fn of(documents: &[Document]) -> Vec<Listing> {
        if documents.iter().any(|document| names_a_target(&document.root)) {
            return Vec::new();
        }
        let mut counts: BTreeMap<(&str, &str, Option<&str>), usize> = BTreeMap::new();
        for Document { root, .. } in documents {
            let text = |field| root.get(field).and_then(Node::as_str);
            let namespace = root.at(["metadata", "namespace"]).and_then(Node::as_str);
            if let (Some(version), Some(kind)) = (text("apiVersion"), text("kind")) {
                *counts.entry((version, kind, namespace)).or_default() += 1;
            }
        }
        let listings = counts.into_iter().filter_map(|((version, kind, namespace), objects)| {
            let namespace = namespace.map(str::to_owned);
            Some(Listing { resource: built_in(version, kind)?, namespace, objects })
        });
        listings.collect()
    }
}

/// Answers by what was asked.
#[derive(Default)]
pub(super) struct UnderWay(Mutex<HashMap<Uri, JoinHandle<Result<Answer, Failure>>>>);

impl UnderWay {
    pub(super) fn take(&self, asked: &Uri) -> Option<JoinHandle<Result<Answer, Failure>>> {
        self.answers().remove(asked)
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<Uri, JoinHandle<Result<Answer, Failure>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Asks for lists, and does not wait for the answers.
    pub fn look_ahead(&self, listings: &[Listing]) {
        let mut lists: BTreeMap<String, usize> = BTreeMap::new();
        for Listing { resource, namespace, objects } in listings {
            let namespace = namespace.as_deref().unwrap_or(&self.namespace);
            *lists.entry(resource.path(Some(namespace))).or_default() += objects;
        }
        // A single object is asked for by its name, which is no work for the server.
        for (path, objects) in lists.into_iter().filter(|(_, objects)| *objects > 1) {
            let Ok(request) = page(&Call::list(&path), page_for(objects)).request() else { continue };
            let (asked, client) = (request.uri().clone(), self.client.clone());
            let answer = tokio::spawn(async move { send(&client, request).await });
            self.under_way.answers().insert(asked, answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;
    use crate::source::{Source, SourceKind, Sources};
    use crate::workers::Workers;

    fn listings(text: &str) -> Vec<(String, Option<String>, usize)> {
        let sources = Sources::default();
        let id = sources.add(Source::new(SourceKind::Manifest, "test.yaml", text));
        let (documents, _) = parse(id, &sources, Workers::One);
        let listings = Listing::of(&documents).into_iter();
        listings.map(|one| (one.resource.plural.to_string(), one.namespace, one.objects)).collect()
    }

    #[test]
    fn documents_tell_which_lists_will_be_wanted() {
        let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a, namespace: shop}\n---\n";
        let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n---\n";
        let others = "apiVersion: example.com/v1\nkind: Thing\n---\nkind: Job\n---\n- 1\n---\n";
        assert_eq!(
            listings(&[job, job, map, others].concat()),
            [("jobs".to_owned(), Some("shop".to_owned()), 2), ("configmaps".to_owned(), None, 1)]
        );
    }

    #[test]
    fn nothing_is_asked_ahead_for_manifests_that_name_their_cluster() {
        let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n---\n";
        let by_label = "apiVersion: v1\nkind: Secret\n\
                        metadata: {name: s, labels: {kubernetes.planton.dev/context: production}}\n";
        let by_field = "apiVersion: kubernetes.planton.dev/v1\nkind: KubernetesJob\n\
                        spec: {targetCluster: {clusterName: production}}\n";
        assert_eq!(listings(map).len(), 1);
        for named in [by_label, by_field] {
            assert_eq!(listings(&[map, named].concat()), []);
        }
    }
}
