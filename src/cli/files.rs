//! Files as products: there whole, or not at all.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Writes a file so that no reader ever sees a part of it. What is no regular file, such as `/dev/stdout` or a
/// pipe, is written to as it is.
pub(super) fn replace_file(path: &Path, text: &str) -> Result<(), String> {
    let is_special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    if is_special {
        return fs::write(path, text).map_err(|error| words(&error));
    }
    // A link stays a link; what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let unfinished = unfinished(&path);
    let written = write_new(&unfinished, text).and_then(|()| fs::rename(&unfinished, &path));
    written.map_err(|error| {
        let _ = fs::remove_file(&unfinished);
        words(&error)
    })
}

/// Names what a file is called until it is whole.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.unfinished", std::process::id()))
}

pub(super) fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The reason without the system's number for it.
pub(super) fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
