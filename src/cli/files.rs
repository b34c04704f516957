//! Files as products: there whole, or not at all.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;

/// The first line of every file in a folder that was written here, by which it is known again.
const MARK: &str = "# Written by `daphnia render`; what is changed here is lost with the next one.\n";

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

/// The same, so that nobody but its owner can read it.
pub(super) fn replace_private_file(path: &Path, text: &str) -> Result<(), String> {
    let unfinished = unfinished(path);
    let _ = fs::remove_file(&unfinished);
    let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished);
    let written = written.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    });
    written.map_err(|error| {
        let _ = fs::remove_file(&unfinished);
        words(&error)
    })
}

/// Writes files to a folder: all of them, or none if one cannot be written or would overwrite what is not ours.
/// Returns the names of files that an earlier call has left there and this one does not know.
pub(super) fn write_folder(
    folder: &Path,
    files: &[(String, String)],
    force: bool,
) -> Result<Vec<String>, Box<Diagnostic>> {
    let refuse = |error: std::io::Error| {
        let message = format!("the folder `{}` cannot be written: {}", folder.display(), words(&error));
        Box::new(Diagnostic::unable("unwritable", message).help("name another folder with `-o`"))
    };
    fs::create_dir_all(folder).map_err(refuse)?;
    let foreign = files.iter().find(|(name, _)| !force && is_foreign(&folder.join(name)));
    if let Some((name, _)) = foreign {
        let shown = folder.join(name).display().to_string();
        let message = format!("`{shown}` is there already, and `daphnia render` did not write it");
        let finding = Diagnostic::unable("would-overwrite", message);
        return Err(Box::new(finding.help("name another folder, or overwrite it with `--force`")));
    }
    let targets: Vec<(PathBuf, PathBuf, &str)> = files
        .iter()
        .map(|(name, text)| (folder.join(name), text))
        .map(|(path, text)| (unfinished(&path), path, text.as_str()))
        .collect();
    let written = targets
        .iter()
        .try_for_each(|(unfinished, _, text)| write_new(unfinished, &format!("{MARK}{text}")))
        .and_then(|()| targets.iter().try_for_each(|(unfinished, path, _)| fs::rename(unfinished, path)));
    written.map_err(|error| {
        targets.iter().for_each(|(unfinished, ..)| drop(fs::remove_file(unfinished)));
        refuse(error)
    })?;
    Ok(stale(folder, files))
}

/// Says whether something is there that was not written here.
fn is_foreign(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Err(_) => false,
        Ok(metadata) if !metadata.is_file() => true,
        Ok(_) => !is_marked(path),
    }
}

fn is_marked(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes.starts_with(MARK.as_bytes()))
}

fn stale(folder: &Path, files: &[(String, String)]) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_stale = |name: &String| {
        name.ends_with(".yaml") && files.iter().all(|(n, _)| n != name) && is_marked(&folder.join(name))
    };
    let mut stale: Vec<String> = names.filter(is_stale).collect();
    stale.sort();
    stale
}

/// Names what a file is called until it is whole.
fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.unfinished", std::process::id()))
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The reason without the system's number for it.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
