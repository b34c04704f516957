//! The order of modules in `lib.rs` is a promise: each uses only those above it, and each outside library has one
//! owner.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which modules may name which crate.
const OWNERS: &[(&str, &[&str])] = &[
    ("granit_parser", &["yaml"]),
    ("serde_saphyr", &["yaml"]),
    ("annotate_snippets", &["report"]),
    ("similar", &["report"]),
    ("indicatif", &["report"]),
    ("jsonschema", &["schema"]),
    ("cel", &["manifest"]),
    ("toml", &["config"]),
    ("glob", &["document"]),
    ("minijinja", &["template"]),
    ("kube", &["cluster"]),
    ("k8s_openapi", &["cluster"]),
    ("http", &["cluster"]),
    ("clap", &["cli"]),
    ("strsim", &["diagnostic"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn modules() -> Vec<String> {
    let lib = fs::read_to_string(root().join("lib.rs")).unwrap();
    lib.lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned))
        .collect()
}

/// The text of each module, tests inside it and comments left out.
fn texts() -> BTreeMap<String, String> {
    modules()
        .into_iter()
        .map(|module| {
            let mut text = read(&root().join(format!("{module}.rs")));
            let mut folders = vec![root().join(&module)];
            while let Some(folder) = folders.pop() {
                for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                    let path = entry.path();
                    if path.is_dir() { folders.push(path) } else { text.push_str(&read(&path)) }
                }
            }
            (module, text)
        })
        .collect()
}

fn read(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

fn uses(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + path.len()..].chars().next();
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !is_word(before) && before != Some(':') && !is_word(after)
    })
}

#[test]
fn a_module_uses_only_modules_listed_before_it() {
    let order = modules();
    assert!(order.len() > 8, "lib.rs lists its modules as `pub mod name;`");
    let mut wrong = Vec::new();
    for (module, text) in texts() {
        let position = order.iter().position(|other| *other == module).unwrap();
        for later in &order[position + 1..] {
            if uses(&text, &format!("crate::{later}")) {
                wrong.push(format!("`{module}` uses `{later}`, which stands below it in lib.rs"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_outside_library_has_one_owner() {
    let mut wrong = Vec::new();
    for (module, text) in texts() {
        for (library, owners) in OWNERS {
            if !owners.contains(&module.as_str()) && is_crate_path(&text, library) {
                wrong.push(format!("`{module}` uses `{library}`, which belongs to {}", owners.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `kube::` as a crate, not the end of some other word or path.
fn is_crate_path(text: &str, library: &str) -> bool {
    let path = format!("{library}::");
    text.match_indices(&path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn only_the_report_writes_to_streams() {
    for (module, text) in texts() {
        for printer in
            ["println!", "eprintln!", "print!(", "eprint!(", "dbg!", "io::stdout().w", "io::stderr().w"]
        {
            let is_used = text.contains(printer);
            assert!(!is_used || module == "report", "`{module}` prints with `{printer}`; only `report` may");
        }
    }
}

#[test]
fn only_few_modules_read_files() {
    for (module, text) in texts() {
        let may = ["document", "catalog", "cli", "config", "cluster"].contains(&module.as_str());
        assert!(may || !text.contains("fs::"), "`{module}` reads or writes files");
    }
}
