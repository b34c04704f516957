//! Kubernetes' own YAML reader reads what the writer writes, as values and as keys.

use daphnia::source::{Place, Source, SourceKind, Sources};
use daphnia::yaml::{self, Node};
use serde_json::{Map, Value as Json, json};

use super::harness::{cluster_or_skip, success};

#[path = "../support/hostile.rs"]
mod hostile;

fn config_map(data: Map<String, Json>) -> String {
    let json =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "hostile"}, "data": data});
    let id = Sources::default().add(Source::new(SourceKind::Manifest, "t", ""));
    yaml::write(&Node::from_json(&json, Place::new(id, 0..0)))
}

#[test]
fn hostile_strings_reach_kubernetes_as_they_are() {
    let Some(cluster) = cluster_or_skip() else { return };
    let strings = hostile::strings();
    let values =
        strings.iter().enumerate().map(|(i, text)| (format!("k{i}"), Json::from(text.as_str()))).collect();
    let keys =
        strings.iter().enumerate().map(|(i, text)| (text.clone(), Json::from(format!("v{i}")))).collect();
    for data in [values, keys] {
        let written = config_map(Map::clone(&data));
        let arguments = ["label", "--local", "-f", "-", "-o", "json", "read=back"];
        let read: Json = serde_json::from_str(&success(cluster.kubectl_with(&arguments, &written))).unwrap();
        let read = read["data"].as_object().unwrap();
        for (key, value) in &data {
            assert_eq!(read.get(key), Some(value), "{key:?}: {value:?}");
        }
        assert_eq!(read.len(), data.len());
    }
}
