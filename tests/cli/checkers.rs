//! Programs and schemas of others, fetched once by `tests/tools/install`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::desk::in_root;

type Found = OnceLock<Result<PathBuf, String>>;

/// The folder of Node's packages, or `None`, told loudly, if they cannot be had. In CI that fails.
pub fn npm() -> Option<&'static Path> {
    static FOUND: Found = OnceLock::new();
    find(&FOUND, "npm", "FORMATS AND EDITORS")
}

/// The folder of Python's packages.
pub fn pip() -> Option<&'static Path> {
    static FOUND: Found = OnceLock::new();
    find(&FOUND, "pip", "PRE-COMMIT")
}

fn find(found: &'static Found, which: &str, what: &str) -> Option<&'static Path> {
    let install = || {
        let run = Command::new(in_root("tests/tools/install")).arg(which).output();
        let output = run.map_err(|error| error.to_string())?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
        if output.status.success() { Ok(text(output.stdout).into()) } else { Err(text(output.stderr)) }
    };
    let result = found.get_or_init(|| {
        let result = install();
        if let Err(why) = &result {
            // Unlike `eprintln!`, this is seen even if the test passes.
            let _ = writeln!(std::io::stderr(), "TESTS OF {what} ARE SKIPPED: {why}");
        }
        result
    });
    let is_required = ["CI", "DAPHNIA_TEST_CLUSTER"].iter().any(|name| match std::env::var(name) {
        Ok(value) => *name == "CI" || value == "required",
        Err(_) => false,
    });
    match result {
        Ok(folder) => Some(folder),
        Err(why) if is_required => panic!("{why}"),
        Err(_) => None,
    }
}

/// Runs `tests/tools/check.mjs`.
pub fn check(folder: &Path, arguments: &[&str]) -> Value {
    let mut node = Command::new("node");
    let output = node.arg(in_root("tests/tools/check.mjs")).arg(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Checks JSON by a schema, formats included.
pub fn assert_valid(schema: &Value, json: &Value) {
    let validator = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(json).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}\n{json:#}", errors.join("\n"));
}
