//! The embedded schemas of Kubernetes are those that the server publishes, made strict.
//! `DAPHNIA_UPDATE_SCHEMAS=1` writes them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde_json::{Map, Value, json};

use super::harness::{Cluster, cluster_or_skip, success};
use super::strict::{definition, identify};

#[test]
fn kubernetes_schemas_are_those_of_the_server() {
    let Some(cluster) = cluster_or_skip() else { return };
    let version = raw(cluster, "/version")["gitVersion"].as_str().expect("a server has a version").to_owned();
    let committed = fs::read_to_string(folder().join("index.json")).unwrap_or_default();
    let update = std::env::var("DAPHNIA_UPDATE_SCHEMAS").is_ok_and(|value| value == "1");
    let is_same_version = committed.contains(&format!("\"{version}\""));
    if !update && !is_same_version {
        eprintln!(
            "SCHEMAS ARE NOT COMPARED: the server is {version}, and the schemas are of another version"
        );
        return;
    }
    let files = generate(cluster, &version);
    if update {
        fs::create_dir_all(folder()).expect("the folder of schemas can be made");
        files.iter().for_each(|(name, text)| write(name, text));
        return;
    }
    for (name, text) in &files {
        assert!(
            read(name).as_deref() == Some(text),
            "{name} is stale; write it with DAPHNIA_UPDATE_SCHEMAS=1"
        );
    }
    let names: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    for entry in fs::read_dir(folder()).expect("the folder of schemas is there") {
        let name = entry.expect("the folder can be read").file_name();
        assert!(
            names.contains(name.to_str().expect("plain names")),
            "{name:?} is of no API that the server has"
        );
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas/kubernetes")
}

fn read(name: &str) -> Option<String> {
    let bytes = fs::read(folder().join(name)).ok()?;
    let mut text = String::new();
    if name.ends_with(".gz") {
        GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).ok()?;
        return Some(text);
    }
    String::from_utf8(bytes).ok()
}

/// Writes a file unless it says the same already: compressed bytes may differ from version to version.
fn write(name: &str, text: &str) {
    if read(name).as_deref() == Some(text) {
        return;
    }
    let mut bytes = text.as_bytes().to_vec();
    if name.ends_with(".gz") {
        let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        writer.write_all(&bytes).expect("memory can be written");
        bytes = writer.finish().expect("memory can be written");
    }
    fs::write(folder().join(name), bytes).expect("the schema can be written");
}

fn raw(cluster: &Cluster, path: &str) -> Value {
    let text = success(cluster.kubectl(&["get", "--raw", path]));
    serde_json::from_str(&text).expect("the server answers in JSON")
}

/// Makes every file: for each group and version its schema and its descriptions, and the index of all kinds.
fn generate(cluster: &Cluster, version: &str) -> Vec<(String, String)> {
    let published = raw(cluster, "/openapi/v3");
    let paths = published["paths"].as_object().expect("the server lists its APIs");
    let mut index = Map::new();
    let mut files = Vec::new();
    for path in paths.keys() {
        let Some(group_version) = group_version(path) else { continue };
        let document = raw(cluster, &format!("/openapi/v3/{path}"));
        let discovery = raw(cluster, &format!("/{path}"));
        let api = Api::new(&group_version, &document["components"]["schemas"], &discovery);
        if api.kinds.is_empty() {
            continue;
        }
        let name = file_name(&group_version);
        files.push((format!("{name}.json.gz"), api.schema(version)));
        files.push((format!("{name}.descriptions.json.gz"), compact(api.descriptions())));
        index.insert(group_version.clone(), Value::Object(api.kinds));
    }
    let mut index = json!({"kubernetes": version, "groups": index});
    index.sort_all_objects();
    files.push(("index.json".to_owned(), format!("{index:#}\n")));
    files
}

/// `batch/v1` from `apis/batch/v1`, for the APIs that Kubernetes itself has.
fn group_version(path: &str) -> Option<String> {
    let is_version =
        |text: &str| text.starts_with('v') && text[1..].starts_with(|c: char| c.is_ascii_digit());
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["api", version] if is_version(version) => Some((*version).to_owned()),
        ["apis", group, version]
            if is_version(version) && (!group.contains('.') || group.ends_with(".k8s.io")) =>
        {
            Some(format!("{group}/{version}"))
        }
        _ => None,
    }
}

fn file_name(group_version: &str) -> String {
    match group_version.split_once('/') {
        Some((group, version)) => format!("{group}_{version}"),
        None => format!("core_{group_version}"),
    }
}

fn compact(mut value: Value) -> String {
    value.sort_all_objects();
    value.to_string()
}

/// One group and version as the server publishes it.
struct Api<'s> {
    group_version: &'s str,
    schemas: &'s Map<String, Value>,
    /// What can be created: name of the kind → definition, plural, namespaced.
    kinds: Map<String, Value>,
}

impl<'s> Api<'s> {
    fn new(group_version: &'s str, schemas: &'s Value, discovery: &Value) -> Self {
        let schemas = schemas.as_object().expect("an API has schemas");
        let mut kinds = Map::new();
        for resource in discovery["resources"].as_array().into_iter().flatten() {
            let (Some(plural), Some(kind)) = (resource["name"].as_str(), resource["kind"].as_str()) else {
                continue;
            };
            let can_create =
                resource["verbs"].as_array().is_some_and(|verbs| verbs.contains(&json!("create")));
            if plural.contains('/') || !can_create {
                continue;
            }
            let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
            let identity = json!({"group": group, "kind": kind, "version": version});
            let is_of_kind = |schema: &Value| {
                let kinds = schema["x-kubernetes-group-version-kind"].as_array();
                kinds.is_some_and(|kinds| kinds.contains(&identity))
            };
            let definition = schemas.iter().find(|(_, schema)| is_of_kind(schema)).map(|(name, _)| name);
            let definition = definition.unwrap_or_else(|| panic!("{group_version} {kind} has no schema"));
            let entry =
                json!({"definition": definition, "plural": plural, "namespaced": resource["namespaced"]});
            kinds.insert(kind.to_owned(), entry);
        }
        Api { group_version, schemas, kinds }
    }

    /// Lists the definitions that the kinds need.
    fn needed(&self) -> BTreeSet<&'s str> {
        let mut needed = BTreeSet::new();
        let mut open: Vec<String> =
            self.kinds.values().filter_map(|kind| kind["definition"].as_str()).map(str::to_owned).collect();
        while let Some(name) = open.pop() {
            let (name, schema) = self.schemas.get_key_value(&name).expect("a reference leads somewhere");
            if needed.insert(name.as_str()) {
                references(schema, &mut open);
            }
        }
        needed
    }

    /// Writes the schema with one line for each definition, so that a reader can take only those it needs.
    fn schema(&self, version: &str) -> String {
        let mut definitions: Map<String, Value> = self
            .needed()
            .into_iter()
            .map(|name| (name.to_owned(), definition(name, &self.schemas[name])))
            .collect();
        let mut nested = Vec::new();
        definitions.values().for_each(|schema| references(schema, &mut nested));
        for (kind, entry) in &self.kinds {
            let name = entry["definition"].as_str().expect("a kind has a definition");
            // What also stands inside other objects needs no apiVersion and kind there.
            assert!(!nested.iter().any(|other| other == name), "{name} is nested in another object");
            identify(&mut definitions[name], self.group_version, kind);
        }
        let lines: Vec<String> = definitions
            .into_iter()
            .map(|(name, schema)| format!("{}:{}", json!(name), compact(schema)))
            .collect();
        let (version, kinds) = (json!(version), compact(Value::Object(self.kinds.clone())));
        format!("{{\"kubernetes\":{version},\"kinds\":{kinds},\"$defs\":{{\n{}\n}}}}\n", lines.join(",\n"))
    }

    /// What the fields mean, apart from the schema, which is read far more often: definition → field → text.
    fn descriptions(&self) -> Value {
        let text = |schema: &Value| schema.get("description").cloned();
        let all = self.needed().into_iter().map(|name| {
            let schema = &self.schemas[name];
            let fields = schema["properties"].as_object().into_iter().flatten();
            let own = text(schema).map(|text| (String::new(), text));
            let texts: Map<String, Value> = fields
                .filter_map(|(field, property)| text(property).map(|text| (field.clone(), text)))
                .chain(own)
                .collect();
            (name.to_owned(), Value::Object(texts))
        });
        Value::Object(all.collect())
    }
}

fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next());
            found.extend(reference.map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
