//! What a user is told about each manifest in `tests/invalid`.

use std::fs;
use std::process::Command;

/// Runs where the manifests are, so that reports name files as short as a user does.
fn told(file: &str) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_daphnia"))
        .current_dir("tests/invalid")
        .env("NO_COLOR", "1")
        .args(["validate", file])
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn what_is_wrong_is_told() {
    let mut files: Vec<String> = fs::read_dir("tests/invalid")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 40, "there are only {} of them", files.len());
    for file in files {
        let (status, text) = told(&file);
        assert_eq!(status, Some(1), "{file}");
        insta::with_settings!({
            snapshot_path => "snapshots/invalid", prepend_module_to_snapshot => false, omit_expression => true,
        }, {
            insta::assert_snapshot!(file.trim_end_matches(".yaml").to_owned(), text);
        });
    }
}
