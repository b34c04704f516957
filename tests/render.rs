//! Every example, and the variants in `tests/render`, as the Kubernetes objects that they become.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn rendered(path: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_daphnia")).arg("render").arg(path).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {told}", path.display());
    String::from_utf8(output.stdout).unwrap()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    files
}

#[test]
fn manifests_become_objects() {
    for path in [files("examples"), files("tests/render")].concat() {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        insta::with_settings!({
            snapshot_path => "snapshots/render", prepend_module_to_snapshot => false, omit_expression => true,
        }, {
            insta::assert_snapshot!(name, rendered(&path));
        });
    }
}

/// A selector can never be changed, so nothing that may be changed in a manifest may reach it.
#[test]
fn labels_do_not_reach_selectors() {
    for kind in ["kubernetes-deployment", "kubernetes-stateful-set", "kubernetes-daemon-set"] {
        let [with, without] = ["labelled", "plain"].map(|case| {
            let text = rendered(Path::new(&format!("tests/render/{kind}_{case}.yaml")));
            let (_, rest) = text.split_once("    matchLabels:\n").expect("there is a selector");
            rest.lines().take_while(|line| line.starts_with("      ")).map(str::to_owned).collect::<Vec<_>>()
        });
        assert_eq!(with, without, "{kind}");
        assert!(!with.is_empty(), "{kind}");
    }
}
