//! `docs/adding-a-kind.md` holds what it says: its files make a kind, its commands print what it shows, and its tables
//! have all keywords and formats that the code knows.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::folder::Folder;
use crate::page::{files, session};

fn page() -> String {
    fs::read_to_string(root().join("docs/adding-a-kind.md")).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with the files that the page shows: a configuration, a schema, a template and an example.
fn folder() -> Folder {
    files(&page(), 4)
}

#[test]
fn its_commands_print_what_it_shows() {
    assert!(session(&page(), &folder()) > 4);
}

#[test]
fn its_kind_is_sound() {
    let folder = folder();
    let run = folder.run(&["validate", "platform/examples/smoke-test.yaml", "--deny", "warnings"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    let example = folder.read("platform/examples/smoke-test.yaml");
    let folder = folder.with("plain.yaml", &example.replace("https://", "http://"));
    assert_eq!(folder.run(&["validate", "plain.yaml"]).codes(), ["warning[plain-http]"]);
    assert_eq!(folder.run(&["validate", "plain.yaml", "--fix"]).status, 0);
    assert_eq!(folder.read("plain.yaml"), example);
    let text = folder.run(&["run", "plain.yaml", "--env", "A=b"]).stderr;
    assert!(text.contains("a SmokeTest has no place for `--env`"), "{text}");
}

/// Every text in quotes in the sources that looks like a keyword of ours.
fn keywords_in_code() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(path).unwrap();
                let quoted = text.split('"').filter(|word| word.starts_with("x-") && word.len() > 2);
                found.extend(
                    quoted
                        .filter(|w| w.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
                        .map(str::to_owned),
                );
            }
        }
    }
    found
}

#[test]
fn its_tables_have_every_keyword_and_every_format() {
    let page = page();
    let is_listed =
        |name: &str| page.contains(&format!("\n| `{name}` |")) || page.contains(&format!("\n| `{name}`, "));
    let meta: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(root().join("src/catalog/meta.json")).unwrap()).unwrap();
    let known: Vec<&String> = meta["properties"].as_object().unwrap().keys().collect();
    let others = [
        "embedded-resource",
        "int-or-string",
        "list-type",
        "map-type",
        "patch-merge-key",
        "patch-strategy",
        "preserve-unknown-fields",
    ];
    for keyword in keywords_in_code() {
        let is_kubernetes = others.iter().any(|other| keyword == format!("x-kubernetes-{other}"));
        assert!(is_kubernetes || is_listed(&keyword), "the page lacks `{keyword}`");
        assert!(is_kubernetes || known.contains(&&keyword), "meta.json lacks `{keyword}`");
    }
    for part in ["rule", "lint"] {
        for field in meta["$defs"][part]["properties"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("`{field}`")), "the page lacks `{field}`");
        }
    }
    for format in daphnia::schema::format::names() {
        assert!(is_listed(format), "the page lacks the format `{format}`");
    }
}
