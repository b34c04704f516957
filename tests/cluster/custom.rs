//! What a definition makes of its resources is what the server makes of them, in both directions.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use daphnia::diagnostic::has_errors;
use daphnia::kubernetes::custom::{Definition, Definitions};
use daphnia::manifest::check_object;
use daphnia::source::{Source, SourceKind, Sources};
use daphnia::yaml::{self, Node};

use super::harness::{cluster_or_skip, eventually, success};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/custom").join(name)
}

fn read(name: &str, sources: &Sources) -> Vec<Node> {
    let text = fs::read_to_string(file(name)).expect("a fixture can be read");
    let id = sources.add(Source::new(SourceKind::Manifest, name, text.clone()));
    let (documents, findings) = yaml::read(id, &text);
    assert!(findings.is_empty(), "{findings:?}");
    documents.into_iter().map(|document| document.root).collect()
}

/// The resources of a file, each with whether it passes here and with what was found.
fn checked(name: &str) -> Vec<(String, bool, String)> {
    let sources = Sources::default();
    let mut definitions = Definitions::default();
    for object in read("definition.yaml", &sources) {
        definitions.add(Arc::new(Definition::read(&object).expect("it is a definition")));
    }
    let check = |object: &Node| {
        let found = check_object(object, &definitions, &sources);
        assert!(found.iter().all(|finding| finding.place.is_some()), "{found:?}");
        let messages: Vec<&str> = found.iter().map(|finding| finding.message.as_str()).collect();
        let name = object.at(["metadata", "name"]).and_then(Node::as_str).unwrap_or_default().to_owned();
        (name, !has_errors(&found), messages.join("; "))
    };
    read(name, &sources).iter().map(check).collect()
}

#[test]
fn resources_are_refused_as_their_files_say() {
    for (name, is_ok) in [("taken.yaml", true), ("refused.yaml", false)] {
        for (resource, passes, messages) in checked(name) {
            assert_eq!(passes, is_ok, "{resource}: {messages}");
        }
    }
}

#[test]
fn the_server_agrees_about_custom_resources() {
    let Some(cluster) = cluster_or_skip() else { return };
    let namespace = cluster.namespace();
    let definition = file("definition.yaml");
    success(cluster.kubectl(&["apply", "-f", definition.to_str().expect("plain names")]));
    eventually("the definition is served", || {
        let served = cluster.kubectl(&["get", "widgets.custom.example.com", "-A"]);
        served.status.success().then_some(())
    });
    let mut wrong = Vec::new();
    for name in ["taken.yaml", "refused.yaml"] {
        let path = file(name);
        let path = path.to_str().expect("plain names");
        let output =
            namespace.kubectl(&["create", "--dry-run=server", "--validate=strict", "-o", "name", "-f", path]);
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let taken: BTreeSet<&str> =
            lines.lines().filter_map(|line| line.split_once('/').map(|(_, n)| n)).collect();
        for (resource, passes, messages) in checked(name) {
            if taken.contains(resource.as_str()) != passes {
                let refusals = String::from_utf8_lossy(&output.stderr).into_owned();
                let says = refusals
                    .lines()
                    .find(|line| line.contains(&format!("\"{resource}\"")))
                    .unwrap_or("takes it");
                wrong.push(format!("{resource}: the server {says}; here {messages:?}"));
            }
        }
    }
    cluster.kubectl(&["delete", "-f", definition.to_str().expect("plain names"), "--wait=false"]);
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong.join("\n"));
}
