//! A CustomResourceDefinition → what a server that has it would refuse of its resources, as far as schemas say it.

mod complete;
mod structural;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;

use super::{Definitions as Published, kind};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::schema::Schema;
use crate::source::{SourceKind, Sources};
use crate::yaml::Node;

/// An API whose file holds the definition of `ObjectMeta`, and not much else.
const SMALL_API: &str = "coordination.k8s.io/v1";
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// What defines the resources of one kind.
#[derive(Debug)]
pub struct Definition {
    pub group: String,
    pub kind: String,
    versions: Vec<Version>,
}

#[derive(Debug)]
struct Version {
    name: String,
    is_served: bool,
    /// Whether the server keeps a status that only controllers write.
    has_status: bool,
    /// The structural schema, as it is written.
    written: Json,
    compiled: OnceLock<Option<Schema>>,
}

/// A resource as the server sees it, and the structural schema that it was completed by.
pub struct Completed<'d> {
    pub node: Node,
    pub schema: &'d Json,
}

impl Definition {
    /// Reads a definition; `None` if the object is none, or lacks what makes it one.
    pub fn read(object: &Node) -> Option<Definition> {
        let text = |path: &[&str]| object.at(path.iter().copied()).and_then(Node::as_str).map(str::to_owned);
        if text(&["kind"])? != "CustomResourceDefinition"
            || text(&["apiVersion"])? != "apiextensions.k8s.io/v1"
        {
            return None;
        }
        let versions = object.at(["spec", "versions"])?.as_list()?.iter().filter_map(Version::read);
        Some(Definition {
            group: text(&["spec", "group"])?,
            kind: text(&["spec", "names", "kind"])?,
            versions: versions.collect(),
        })
    }

    /// Checks a resource of this kind. What is there to be completed is returned if its schema allows it.
    pub fn check(&self, object: &Node, sources: &Sources) -> (Vec<Diagnostic>, Option<Completed<'_>>) {
        let api_version = object.get("apiVersion").and_then(Node::as_str).unwrap_or_default();
        let name = api_version.split_once('/').map_or("", |(_, version)| version);
        let Some(version) = self.versions.iter().find(|version| version.name == name && version.is_served)
        else {
            return (vec![self.unserved(object, name, sources)], None);
        };
        let compile = || structural::compile(&version.written, api_version, &self.kind, version.has_status);
        let Some(schema) = version.compiled.get_or_init(compile) else {
            return (vec![self.unusable(object)], None);
        };
        let (node, mut findings) = complete::complete(object, &version.written);
        findings.extend(schema.check(&node, sources));
        super::rules::check(&node, api_version, &self.kind, &mut findings, sources);
        findings.sort_by_key(|finding| finding.place);
        let completed = findings.is_empty().then_some(Completed { node, schema: &version.written });
        (findings, completed)
    }

    fn unserved(&self, object: &Node, name: &str, sources: &Sources) -> Diagnostic {
        let place = object.get("apiVersion").map_or(object.place, |node| node.place);
        let is_known = self.versions.iter().any(|version| version.name == name);
        let message = match is_known {
            true => format!("`{}/{name}` of {} is defined, and not served", self.group, self.kind),
            false => format!("the definition of {} has no version `{name}`", self.kind),
        };
        let served: Vec<&str> =
            self.versions.iter().filter(|version| version.is_served).map(|v| v.name.as_str()).collect();
        let finding = Diagnostic::error("unknown-kind", message).at(place).label("not served");
        let near = did_you_mean(name, served.iter().copied()).or(served.first().copied());
        match near.filter(|_| served.len() == 1 && sources.get(place.source).kind == SourceKind::Manifest) {
            Some(only) => {
                let text = format!("{}/{only}", self.group);
                finding.fix(format!("write `{text}`"), place, text)
            }
            None => finding.help(format!("its served versions: {}", served.join(", "))),
        }
    }

    fn unusable(&self, object: &Node) -> Diagnostic {
        let message = format!("the schema that defines {} cannot be used", self.kind);
        Diagnostic::note("unchecked-kind", message)
            .at(object.get("kind").map_or(object.place, |node| node.place))
            .label("passed as it is")
            .help("check the CustomResourceDefinition itself: its schema must be structural")
    }
}

impl Version {
    fn read(version: &Node) -> Option<Version> {
        Some(Version {
            name: version.get("name")?.as_str()?.to_owned(),
            is_served: version.get("served").and_then(Node::as_bool).unwrap_or(false),
            has_status: version.at(["subresources", "status"]).is_some(),
            written: version.at(["schema", "openAPIV3Schema"]).map(Node::to_json).unwrap_or_default(),
            compiled: OnceLock::new(),
        })
    }
}

/// The strict schema of `ObjectMeta`, with all that it refers to.
fn metadata() -> &'static Json {
    static PARSED: OnceLock<Json> = OnceLock::new();
    PARSED.get_or_init(|| Published::read(SMALL_API).closure(META)["$defs"].take())
}

type Ask = dyn Fn(&str, &str) -> Option<Arc<Definition>> + Send + Sync;

/// Definitions, found by the group and kind of what they define.
#[derive(Clone, Default)]
pub struct Definitions {
    known: BTreeMap<(String, String), Arc<Definition>>,
    /// Asked for what is not known.
    beyond: Option<Arc<Ask>>,
}

impl Definitions {
    /// Definitions that are found elsewhere when they are asked for.
    pub fn beyond(
        ask: impl Fn(&str, &str) -> Option<Arc<Definition>> + Send + Sync + 'static,
    ) -> Definitions {
        Definitions { known: BTreeMap::new(), beyond: Some(Arc::new(ask)) }
    }

    /// Adds a definition; the first one of a kind stays.
    pub fn add(&mut self, definition: Arc<Definition>) {
        let key = (definition.group.clone(), definition.kind.clone());
        self.known.entry(key).or_insert(definition);
    }

    pub fn known(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.known.values()
    }

    pub fn find(&self, group: &str, kind: &str) -> Option<Arc<Definition>> {
        let known = self.known.get(&(group.to_owned(), kind.to_owned())).cloned();
        known.or_else(|| self.beyond.as_ref()?(group, kind))
    }

    /// Finds what defines an object; `None` for Kubernetes' own kinds, and for what no definition is known of.
    pub fn of(&self, object: &Node) -> Option<Arc<Definition>> {
        let text = |field: &str| object.get(field).and_then(Node::as_str);
        let (api_version, name) = (text("apiVersion")?, text("kind")?);
        let (group, _) = api_version.split_once('/').filter(|(group, _)| group.contains('.'))?;
        if kind(api_version, name).is_some() { None } else { self.find(group, name) }
    }
}

impl std::fmt::Debug for Definitions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Definitions").field("known", &self.known.keys()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
