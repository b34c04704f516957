//! Kubernetes' own kinds: what they are called, where they are served, and their schemas, all embedded.

mod conform;
pub mod custom;
mod gone;
mod rules;

pub use conform::check;

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value as Json, json};

use crate::schema::{Schema, references};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/kubernetes.rs"));
}

const INDEX: &str = include_str!("../schemas/kubernetes/index.json");

/// A kind that the server has.
#[derive(Debug)]
pub struct KindInfo {
    /// Its name in paths: `jobs`.
    pub plural: String,
    pub namespaced: bool,
    definition: String,
    schema: OnceLock<Option<Schema>>,
    structure: OnceLock<Arc<Json>>,
}

/// A group and version such as `batch/v1`, with what is read of it so far.
#[derive(Debug, Default)]
struct Group {
    kinds: BTreeMap<String, KindInfo>,
    definitions: OnceLock<Definitions>,
}

struct Index {
    kubernetes: String,
    groups: BTreeMap<String, Group>,
}

fn index() -> &'static Index {
    static PARSED: OnceLock<Index> = OnceLock::new();
    PARSED.get_or_init(|| {
        let json: Json = serde_json::from_str(INDEX).unwrap_or_default();
        let groups = json["groups"].as_object().into_iter().flatten();
        Index {
            kubernetes: json["kubernetes"].as_str().unwrap_or_default().to_owned(),
            groups: groups.map(|(name, kinds)| (name.clone(), group(kinds))).collect(),
        }
    })
}

fn group(kinds: &Json) -> Group {
    let kinds = kinds.as_object().into_iter().flatten().map(|(name, kind)| {
        let text = |field: &str| kind[field].as_str().unwrap_or_default().to_owned();
        let info = KindInfo {
            plural: text("plural"),
            namespaced: kind["namespaced"] == true,
            definition: text("definition"),
            schema: OnceLock::new(),
            structure: OnceLock::new(),
        };
        (name.clone(), info)
    });
    Group { kinds: kinds.collect(), definitions: OnceLock::new() }
}

/// Returns the Kubernetes version that the embedded schemas are of, such as `v1.36.3`.
pub fn version() -> &'static str {
    &index().kubernetes
}

/// Returns what is known of a kind; `None` for custom resources and for what is gone.
pub fn kind(api_version: &str, kind: &str) -> Option<&'static KindInfo> {
    index().groups.get(api_version)?.kinds.get(kind)
}

/// Says whether Kubernetes itself has, or once had, this kind.
pub fn is_served(api_version: &str, name: &str) -> bool {
    kind(api_version, name).is_some() || gone::find(api_version, name).is_some()
}

/// Lists all kinds that the server has, each with the group and version that serves it.
pub fn kinds() -> impl Iterator<Item = (&'static str, &'static str, &'static KindInfo)> {
    let groups = index().groups.iter();
    groups.flat_map(|(version, group)| {
        group.kinds.iter().map(move |(kind, info)| (version.as_str(), kind.as_str(), info))
    })
}

/// Lists where kinds of this name are served, whatever case it is written in.
pub fn kinds_named(name: &str) -> Vec<(&'static str, &'static str)> {
    let groups = index().groups.iter();
    let kinds = groups.flat_map(|(version, group)| group.kinds.keys().map(move |kind| (version, kind)));
    kinds
        .filter(|(_, kind)| kind.eq_ignore_ascii_case(name))
        .map(|(version, kind)| (version.as_str(), kind.as_str()))
        .collect()
}

/// Returns which of the kinds of a name is meant if nothing more is said: the core group's, else the newest.
pub fn newest(name: &str) -> Option<(&'static str, &'static str)> {
    kinds_named(name).into_iter().max_by_key(|(version, _)| !version.contains('/'))
}

/// Returns a kind's strict schema, which is compiled when it is first asked for.
pub fn schema(api_version: &str, name: &str) -> Option<&'static Schema> {
    let structure = structure(api_version, name)?;
    let compile = || Schema::compile(Arc::clone(structure)).ok();
    kind(api_version, name)?.schema.get_or_init(compile).as_ref()
}

/// Returns a kind's schema as it is written, for what it says of merging.
pub fn structure(api_version: &str, name: &str) -> Option<&'static Arc<Json>> {
    let group = index().groups.get(api_version)?;
    let info = group.kinds.get(name)?;
    let definitions = || group.definitions.get_or_init(|| Definitions::read(api_version));
    Some(info.structure.get_or_init(|| Arc::new(definitions().closure(&info.definition))))
}

/// Returns a kind's schema with everything that is known of its fields, for people to read: its `$defs` hold
/// descriptions, and `$ref` leads to the kind itself.
pub fn described(api_version: &str, name: &str) -> Option<Json> {
    let info = kind(api_version, name)?;
    let mut described: Json = serde_json::from_str(&unpack(&file(api_version))?).ok()?;
    let texts: Json = serde_json::from_str(&unpack(&format!("{}.descriptions", file(api_version)))?).ok()?;
    for (definition, texts) in texts.as_object()? {
        for (field, text) in texts.as_object()? {
            let described = &mut described["$defs"][definition];
            let part = if field.is_empty() { described } else { &mut described["properties"][field] };
            part["description"] = text.clone();
        }
    }
    Some(json!({"$ref": format!("#/$defs/{}", info.definition), "$defs": described["$defs"].take()}))
}

/// Names the file of a group and version: `batch_v1`, `core_v1`.
fn file(api_version: &str) -> String {
    if api_version.contains('/') { api_version.replace('/', "_") } else { format!("core_{api_version}") }
}

fn unpack(name: &str) -> Option<String> {
    let stem = format!("{name}.json");
    let (_, bytes) = embedded::FILES.iter().find(|(file, _)| *file == stem)?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(*bytes).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The definitions of one group and version, each still a text. A definition is a line of its file, so that a
/// kind costs no more than what it refers to.
#[derive(Debug)]
struct Definitions {
    text: String,
    lines: HashMap<String, Range<usize>>,
}

impl Definitions {
    fn read(api_version: &str) -> Definitions {
        let text = unpack(&file(api_version)).unwrap_or_default();
        let mut lines = HashMap::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            if let Some((name, _)) = line.strip_prefix('"').and_then(|rest| rest.split_once("\":")) {
                let value = start + name.len() + 3..start + line.trim_end_matches(['\n', ',']).len();
                lines.insert(name.to_owned(), value);
            }
            start += line.len();
        }
        Definitions { text, lines }
    }

    fn parse(&self, name: &str) -> Json {
        let line = self.lines.get(name).and_then(|range| self.text.get(range.clone()));
        line.and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
    }

    /// Returns the schema of one definition with only the definitions that it needs.
    fn closure(&self, definition: &str) -> Json {
        let mut needed = Map::new();
        let mut open = vec![definition.to_owned()];
        while let Some(name) = open.pop() {
            if needed.contains_key(&name) {
                continue;
            }
            let mut schema = self.parse(&name);
            prune(&mut schema, name == definition);
            references(&schema, &mut open);
            needed.insert(name, schema);
        }
        let mut closure = Map::new();
        closure.insert("$ref".to_owned(), format!("#/$defs/{definition}").into());
        closure.insert("$defs".to_owned(), Json::Object(needed));
        Json::Object(closure)
    }
}

/// Opens what people do not write: the server's own part of an object. It ignores a status that is given, and
/// these are a third of all definitions.
fn prune(schema: &mut Json, is_kind: bool) {
    let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) else { return };
    let server = [("status", "object", is_kind), ("managedFields", "array", true)];
    for (name, due, is_server) in server {
        if is_server && properties.contains_key(name) {
            properties.insert(name.to_owned(), json!({"type": due}));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_what_serves_them() {
        let job = kind("batch/v1", "Job").unwrap();
        assert_eq!((job.plural.as_str(), job.namespaced), ("jobs", true));
        assert!(!kind("v1", "Namespace").unwrap().namespaced);
        assert!(kind("batch/v1", "Pod").is_none());
        assert_eq!(kinds_named("job"), [("batch/v1", "Job")]);
        assert_eq!(kinds_named("Event"), [("events.k8s.io/v1", "Event"), ("v1", "Event")]);
        assert_eq!((newest("event"), newest("pods")), (Some(("v1", "Event")), None));
        assert!(is_served("batch/v1beta1", "CronJob") && !is_served("example.com/v1", "Job"));
        assert!(version().starts_with("v1."));
    }

    #[test]
    fn every_kind_has_a_schema_that_compiles() {
        for (api_version, group) in &index().groups {
            for kind in group.kinds.keys() {
                assert!(schema(api_version, kind).is_some(), "{api_version} {kind}");
            }
        }
    }

    #[test]
    fn fields_are_described() {
        let described = described("batch/v1", "Job").unwrap();
        let text =
            &described["$defs"]["io.k8s.api.batch.v1.JobSpec"]["properties"]["backoffLimit"]["description"];
        assert!(text.as_str().unwrap().contains("retries"), "{text}");
    }
}
