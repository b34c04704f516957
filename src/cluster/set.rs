//! A named set of objects, kept in the cluster the way KEP-3659 (ApplySet) has it, so that kubectl knows it too: a
//! Secret as its parent, which says what kinds and namespaces to look in, and a label on each member.

mod members;

use std::collections::BTreeSet;

use base64::Engine as _;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::Cluster;
use super::call::{Call, encode};
use super::json::text;
use super::refusal::Attempt;
use crate::diagnostic::{Class, Diagnostic, Diagnostics};
use crate::diff::Observed;
use crate::object::{ObjectId, Plan};
use crate::source::Place;
use crate::yaml::{Key, Map, Node, Value};

pub use members::Member;

/// The label of members; its value is the set's id.
pub const PART_OF: &str = "applyset.kubernetes.io/part-of";
const ID: &str = "applyset.kubernetes.io/id";
const TOOLING: &str = "applyset.kubernetes.io/tooling";
const KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";
const OUR_TOOLING: &str = concat!("daphnia/", env!("CARGO_PKG_VERSION"));
/// Not the manager of objects: who applies the parent's Secret by itself must not fight with its set.
const MANAGER: &str = "daphnia-applyset";

/// A set, and what its parent in the cluster says.
#[derive(Debug, Clone)]
pub struct Set {
    pub name: String,
    pub namespace: String,
    id: String,
    /// As the server holds it; `None` if there is none yet.
    parent: Option<Json>,
}

impl Set {
    /// Looks a set up by its name, in the namespace of the context. One that another tool has made is refused, unless
    /// it is to be adopted.
    pub async fn find(cluster: &Cluster, name: &str, is_adopting: bool) -> Result<Set, Diagnostics> {
        let namespace = cluster.namespace().to_owned();
        let set = Set { name: name.to_owned(), id: id(name, &namespace), namespace, parent: None };
        let what = format!("read the set `{name}`");
        let parent = match cluster.call(&Call::get(&set.path())).await {
            Ok(parent) => parent,
            Err(failure) if failure.is_code(404) => return Ok(set),
            Err(failure) => return Err(cluster.explain(&failure, &Attempt::new(&what))),
        };
        set.ensure_parent(&parent, is_adopting)?;
        Ok(Set { parent: Some(parent), ..set })
    }

    pub fn exists(&self) -> bool {
        self.parent.is_some()
    }

    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets/{}", encode(&self.namespace), encode(&self.name))
    }

    fn ensure_parent(&self, parent: &Json, is_adopting: bool) -> Result<(), Diagnostics> {
        let Set { name, namespace, .. } = self;
        let id = text(&parent["metadata"]["labels"], &pointer(ID));
        if id != self.id {
            let message = format!("the Secret `{namespace}/{name}` is not the parent of a set");
            return Err(Diagnostic::unable("no-set", message)
                .help("it is used for something else: choose another `--set-name`")
                .into());
        }
        let tooling = text(&parent["metadata"]["annotations"], &pointer(TOOLING));
        let tool = tooling.split('/').next().unwrap_or_default();
        if tool == "daphnia" || is_adopting {
            return Ok(());
        }
        let message = match tooling {
            "" => format!("the set `{name}` in `{namespace}` does not say which tool keeps it"),
            tooling => format!("the set `{name}` in `{namespace}` is kept by `{tooling}`"),
        };
        Err(Diagnostic::error("other-tooling", message)
            .class(Class::Conflict)
            .help("take it over with `--adopt-set`; the other tool then refuses it, as this one does now")
            .into())
    }

    /// Makes every object of a plan a member.
    pub fn mark(&self, plan: &mut Plan, place: Place) {
        for object in &mut plan.objects {
            let key = |text: &str| Key::new(text, place);
            let Some(metadata) =
                object.node.as_map_mut().and_then(|map| map.get_mut("metadata")?.as_map_mut())
            else {
                continue;
            };
            if metadata.get("labels").and_then(Node::as_map).is_none() {
                metadata.set(key("labels"), Node::new(Value::Map(Map::default()), place));
            }
            if let Some(labels) = metadata.get_mut("labels").and_then(Node::as_map_mut) {
                labels.set(key(PART_OF), Node::string(&self.id, place));
            }
        }
    }

    /// Refuses to take objects out of other sets.
    pub fn ensure_own(&self, observed: &[Observed]) -> Result<(), Diagnostics> {
        let strangers = observed.iter().filter_map(|one| {
            let other = one.live.as_ref()?.at(["metadata", "labels", PART_OF])?.as_str()?;
            (other != self.id).then(|| {
                let message = format!("`{}` belongs to another set, `{other}`", one.desired.id);
                Diagnostic::error("other-set", message)
                    .class(Class::Conflict)
                    .at(one.desired.origin(["metadata", "name"]))
                    .help(format!(
                        "apply it with that set, or take it out: \
                         `kubectl label {} {}{} {PART_OF}-`",
                        one.desired.id.kind.to_lowercase(),
                        one.desired.id.name,
                        one.desired.id.namespace.as_ref().map(|n| format!(" -n {n}")).unwrap_or_default(),
                    ))
            })
        });
        let strangers: Vec<Diagnostic> = strangers.collect();
        if strangers.is_empty() { Ok(()) } else { Err(Diagnostics(strangers)) }
    }

    /// Lets the set have at least these objects. This comes before they are applied, so that whatever happens, all
    /// that was applied is found again.
    pub async fn widen(&mut self, cluster: &Cluster, objects: &[ObjectId]) -> Result<(), Diagnostics> {
        let mut scope = Scope::of(objects, &self.namespace);
        let known = self.scope();
        scope.kinds.extend(known.kinds);
        scope.namespaces.extend(known.namespaces);
        self.keep(cluster, &scope).await
    }

    /// Lets the set have these objects and no others.
    pub async fn narrow(&mut self, cluster: &Cluster, objects: &[ObjectId]) -> Result<(), Diagnostics> {
        self.keep(cluster, &Scope::of(objects, &self.namespace)).await
    }

    /// Deletes the set's parent, when no member is left.
    pub async fn dissolve(self, cluster: &Cluster) -> Result<(), Diagnostics> {
        let Some(parent) = &self.parent else { return Ok(()) };
        let options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions",
            "preconditions": {"uid": parent["metadata"]["uid"]},
        });
        match cluster.call(&Call::delete(&self.path(), &options)).await {
            Err(failure) if !failure.is_code(404) => {
                let what = format!("delete the set `{}`", self.name);
                Err(cluster.explain(&failure, &Attempt::new(&what)))
            }
            _ => Ok(()),
        }
    }

    /// What the parent says.
    fn scope(&self) -> Scope {
        let annotation = |name: &str| {
            let parent = self.parent.as_ref();
            let list = parent.map(|parent| text(&parent["metadata"]["annotations"], &pointer(name)));
            let parts = list.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect::<BTreeSet<String>>()
        };
        Scope { kinds: annotation(KINDS), namespaces: annotation(NAMESPACES) }
    }

    async fn keep(&mut self, cluster: &Cluster, scope: &Scope) -> Result<(), Diagnostics> {
        let tooling =
            self.parent.as_ref().map(|parent| text(&parent["metadata"]["annotations"], &pointer(TOOLING)));
        if tooling == Some(OUR_TOOLING) && self.scope() == *scope {
            return Ok(());
        }
        let join = |parts: &BTreeSet<String>| parts.iter().cloned().collect::<Vec<_>>().join(",");
        let parent = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": self.name, "namespace": self.namespace, "labels": {ID: self.id},
                "annotations": {
                    TOOLING: OUR_TOOLING, KINDS: join(&scope.kinds), NAMESPACES: join(&scope.namespaces),
                },
            },
        });
        // Who else has written to it has no business there.
        let call = Call::apply(&self.path(), &parent).query("fieldManager", MANAGER).query("force", "true");
        let kept = cluster.call(&call).await.map_err(|failure| {
            let what = format!("write the set `{}`", self.name);
            cluster.explain(&failure, &Attempt::new(&what))
        })?;
        self.parent = Some(kept);
        Ok(())
    }
}

/// Which kinds a set has, as `Kind.group`, and in which namespaces beside its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Scope {
    kinds: BTreeSet<String>,
    namespaces: BTreeSet<String>,
}

impl Scope {
    fn of(objects: &[ObjectId], own_namespace: &str) -> Scope {
        let kinds = objects.iter().map(|id| match id.group() {
            "" => id.kind.clone(),
            group => format!("{}.{group}", id.kind),
        });
        let namespaces = objects.iter().filter_map(|id| id.namespace.clone());
        Scope {
            kinds: kinds.collect(),
            namespaces: namespaces.filter(|namespace| namespace != own_namespace).collect(),
        }
    }
}

/// Returns the id of a set whose parent is a Secret.
fn id(name: &str, namespace: &str) -> String {
    let hash = Sha256::digest(format!("{name}.{namespace}.Secret."));
    format!("applyset-{}-v1", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash))
}

fn pointer(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_names_kinds_and_the_namespaces_beside_its_own() {
        let id = |api_version: &str, kind: &str, namespace: Option<&str>| ObjectId {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: "x".to_owned(),
        };
        let objects = [
            id("v1", "Namespace", None),
            id("v1", "ConfigMap", Some("own")),
            id("batch/v1", "Job", Some("other")),
            id("batch/v1", "Job", Some("own")),
        ];
        let scope = Scope::of(&objects, "own");
        assert_eq!(scope.kinds.into_iter().collect::<Vec<_>>(), ["ConfigMap", "Job.batch", "Namespace"]);
        assert_eq!(scope.namespaces.into_iter().collect::<Vec<_>>(), ["other"]);
    }
}
