//! Lists the files that are embedded, so that an added schema, template or example is noticed without Rust.

use std::fmt::Write as _;
use std::{env, fs, path::Path};

/// Folder, file ending, name of the generated table.
const FOLDERS: &[(&str, &str, &str)] =
    &[("schemas", "json", "SCHEMAS"), ("templates", "yaml", "TEMPLATES"), ("examples", "yaml", "EXAMPLES")];

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let mut code = String::new();
    for (folder, ending, table) in FOLDERS {
        println!("cargo:rerun-if-changed={folder}");
        let mut files: Vec<_> = fs::read_dir(Path::new(&root).join(folder))
            .map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect())
            .unwrap_or_default();
        files.retain(|path: &std::path::PathBuf| path.extension().is_some_and(|e| e == *ending));
        files.sort();
        let _ = writeln!(code, "pub static {table}: &[(&str, &[u8])] = &[");
        for file in files {
            let name =
                file.file_stem().and_then(|name| name.to_str()).expect("embedded files have plain names");
            let _ = writeln!(code, "    ({name:?}, include_bytes!({:?})),", file.display().to_string());
        }
        let _ = writeln!(code, "];");
    }
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("embedded.rs"), code).expect("OUT_DIR is writable");
}
