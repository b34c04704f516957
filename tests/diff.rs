//! What is shown of a change: `diff/<case>` holds an object as it is to be, as a server held it, and as that server
//! said that it would become. `DAPHNIA_BLESS=1` writes what is expected anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use daphnia::diff::{Change, Observed, Prediction, changed_immutable_fields, diff, is_applied, merge};
use daphnia::object::Object;
use daphnia::source::{Source, SourceKind, Sources};
use daphnia::yaml::{Node, read, write};

#[test]
fn every_case_is_shown_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff");
    let mut cases: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    for case in cases {
        let shown = show(&case);
        let expected = case.join("expected.txt");
        if std::env::var_os("DAPHNIA_BLESS").is_some() {
            fs::write(&expected, &shown).unwrap();
        }
        let expected = fs::read_to_string(expected).unwrap_or_default();
        assert_eq!(shown, expected, "{}", case.display());
    }
}

#[test]
fn what_a_server_predicts_counts_as_applied() {
    for case in ["created", "changed-and-contested", "replaced", "secret", "admission", "given-up"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff").join(case);
        let sources = Sources::default();
        let of = |name: &str| node(&sources, &folder, name);
        let (Some(desired), Some(predicted)) = (of("desired"), of("predicted")) else { panic!("{case}") };
        // It was dry-run under another name, by itself.
        if case != "replaced" {
            assert!(is_applied(&desired, &predicted), "{case}");
        }
        // What another has taken over and we no longer want is no change.
        if let Some(live) = of("live").filter(|_| case != "given-up") {
            assert!(!is_applied(&desired, &live), "{case}");
        }
    }
}

/// Without a server, all but its defaults is predicted as it does.
#[test]
fn a_merge_is_what_the_server_would_do() {
    for case in ["changed-and-contested", "secret"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff").join(case);
        let sources = Sources::default();
        let of = |name: &str| node(&sources, &folder, name).unwrap();
        let merged = merge(&of("live"), &of("desired"));
        for part in ["spec", "data"] {
            let of_part = |node: &Node| node.get(part).map(Node::to_json);
            assert_eq!(of_part(&merged), of_part(&of("predicted")), "{case}");
        }
    }
}

fn node(sources: &Sources, folder: &Path, name: &str) -> Option<Node> {
    let text = fs::read_to_string(folder.join(format!("{name}.yaml"))).ok()?;
    let kind = if name == "desired" { SourceKind::Manifest } else { SourceKind::Cluster };
    let id = sources.add(Source::new(kind, format!("{name}.yaml"), text.clone()));
    let (documents, findings) = read(id, &text);
    assert!(findings.is_empty(), "{findings:?}");
    documents.into_iter().next().map(|document| document.root)
}

fn show(folder: &Path) -> String {
    let sources = Sources::default();
    let of = |name: &str| node(&sources, folder, name);
    let desired = Object::new(of("desired").unwrap()).unwrap();
    let (live, predicted) = (of("live"), of("predicted").unwrap());
    let because = live.as_ref().map(|live| changed_immutable_fields(&desired, live, &predicted));
    let prediction = match because {
        Some(because) if !because.is_empty() => Prediction::Replacement { node: predicted, because },
        _ => Prediction::Server(predicted),
    };
    let observed = Observed { desired, live, prediction, conflicts: Vec::new() };
    let changes = diff(&[observed], &[], &sources);
    changes.changes.iter().map(|change| show_change(change, &sources)).collect()
}

fn show_change(change: &Change, sources: &Sources) -> String {
    let mut text = format!("{}: {:?}\n", change.id, change.action);
    let value = |node: &Option<Node>| node.as_ref().map_or("nothing".to_owned(), |n| n.to_json().to_string());
    for field in &change.fields {
        let place = field.place.map_or("nowhere".to_owned(), |place| sources.describe(place));
        let owner = field.owner.as_ref().map_or(String::new(), |owner| format!(", was {owner}'s"));
        let (before, after) = (value(&field.before), value(&field.after));
        let _ = writeln!(text, "  {}: {before} -> {after} [{}, {place}{owner}]", field.path, field.cause);
    }
    for (title, node) in [("before", &change.before), ("after", &change.after)] {
        if let Some(node) = node {
            let _ = write!(text, "--- {title}\n{}", write(node));
        }
    }
    text
}
