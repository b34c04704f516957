//! What is refused of an object for its own sake is what the server refuses, in both directions.
//!
//! `rules/<kind>_<what>.yaml` holds objects that the server refuses, `…_ok.yaml` near neighbours that it takes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use daphnia::diagnostic::has_errors;
use daphnia::kubernetes;
use daphnia::source::{Source, SourceKind, Sources};
use daphnia::yaml::{self, Node};

use super::harness::{TestNamespace, cluster_or_skip};

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/rules");
    let entries = fs::read_dir(folder).expect("the fixtures are there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a fixture can be read").path()).collect();
    files.sort();
    files
}

/// The objects of a file, each with whether it passes here and with what was found.
fn checked(file: &Path) -> Vec<(String, bool, String)> {
    let text = fs::read_to_string(file).expect("a fixture can be read");
    let sources = Sources::default();
    let id = sources.add(Source::new(SourceKind::Manifest, file.display().to_string(), text.clone()));
    let (documents, findings) = yaml::read(id, &text);
    assert!(findings.is_empty(), "{}: {findings:?}", file.display());
    let check = |object: &Node| {
        let found = kubernetes::check(object, &sources);
        for finding in &found {
            assert!(finding.place.is_some(), "no place: {}", finding.message);
        }
        let messages: Vec<&str> = found.iter().map(|finding| finding.message.as_str()).collect();
        (identity(object), !has_errors(&found), messages.join("; "))
    };
    documents.iter().map(|document| check(&document.root)).collect()
}

fn identity(object: &Node) -> String {
    let text = |path: &[&str]| object.at(path.iter().copied()).and_then(Node::as_str).unwrap_or_default();
    format!("{}/{}", text(&["kind"]).to_lowercase(), text(&["metadata", "name"]))
}

/// Asks the server which of all objects it would take, in one call; objects of one kind have different names.
fn taken(namespace: &TestNamespace, files: &[PathBuf]) -> (BTreeSet<String>, String) {
    let mut args = vec!["create", "--dry-run=server", "--validate=strict", "-o", "name"];
    args.extend(files.iter().flat_map(|file| ["-f", file.to_str().expect("plain names")]));
    let output = namespace.kubectl(&args);
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let plain = |line: &str| {
        let (kind, name) = line.split_once('/')?;
        Some(format!("{}/{name}", kind.split('.').next().unwrap_or(kind)))
    };
    (lines.lines().filter_map(plain).collect(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn objects_are_refused_for_what_the_server_refuses() {
    let mut wrong = Vec::new();
    for file in fixtures() {
        let is_ok = file.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("_ok"));
        for (object, passes, messages) in checked(&file) {
            if passes != is_ok {
                wrong.push(format!("{}: {object}: {messages}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "not as their files' names say:\n{}", wrong.join("\n"));
}

#[test]
fn the_server_agrees_about_rules() {
    let Some(cluster) = cluster_or_skip() else { return };
    let namespace = cluster.namespace();
    let mut wrong = Vec::new();
    let files = fixtures();
    let (taken, refusals) = taken(&namespace, &files);
    for file in &files {
        for (object, passes, messages) in checked(file) {
            if taken.contains(&object) != passes {
                let (kind, name) = object.split_once('/').expect("an object has an identity");
                let is_of =
                    |line: &&str| line.to_lowercase().contains(kind) && line.contains(&format!("\"{name}\""));
                let says = refusals.lines().find(is_of);
                let says = says.unwrap_or("takes it");
                wrong.push(format!("{}: {object}: the server {says}; here {messages:?}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong.join("\n"));
}
