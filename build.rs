//! Lists the files that are embedded, so that an added schema, template or example is noticed without Rust.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Folder, file ending, generated file and name of the table in it.
const FOLDERS: &[(&str, &str, &str, &str)] = &[
    ("schemas", "json", "embedded.rs", "SCHEMAS"),
    ("templates", "yaml", "embedded.rs", "TEMPLATES"),
    ("templates/profiles", "yaml", "embedded.rs", "PROFILES"),
    ("examples", "yaml", "embedded.rs", "EXAMPLES"),
    ("schemas/kubernetes", "gz", "kubernetes.rs", "FILES"),
];

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    for generated in ["embedded.rs", "kubernetes.rs"] {
        let folders = FOLDERS.iter().filter(|(_, _, file, _)| *file == generated);
        let code: String =
            folders.map(|(folder, ending, _, name)| table(&root, folder, ending, name)).collect();
        fs::write(out.join(generated), code).expect("OUT_DIR is writable");
    }
}

fn table(root: &Path, folder: &str, ending: &str, name: &str) -> String {
    if root.join(folder).exists() {
        println!("cargo:rerun-if-changed={folder}");
    }
    let mut files: Vec<PathBuf> = fs::read_dir(root.join(folder))
        .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.retain(|path| path.extension().is_some_and(|e| e == ending));
    files.sort();
    let mut code = format!("pub static {name}: &[(&str, &[u8])] = &[\n");
    for file in files {
        let plain = |part: Option<&OsStr>| {
            part.and_then(OsStr::to_str).expect("embedded files have plain names").to_owned()
        };
        let (stem, path) = (plain(file.file_stem()), format!("/{folder}/{}", plain(file.file_name())));
        // Where the checkout is, is asked when this is compiled: a target folder may serve several.
        let _ = writeln!(
            code,
            "    ({stem:?}, include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))),"
        );
    }
    code.push_str("];\n");
    code
}
