//! Arguments → files: each file once, in the order given, folders and patterns in the order of names.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::source::{Source, SourceKind};

const STDIN: &str = "-";
/// Offsets in a text are kept in 32 bits; no manifest comes near this.
const MAX_BYTES: u64 = 1 << 30;

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    path: PathBuf,
    /// Whether the user named this very file, not only a folder or a pattern.
    pub is_named: bool,
}

impl InputFile {
    pub fn is_stdin(&self) -> bool {
        self.path.as_os_str() == STDIN
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How messages call it.
    pub fn name(&self) -> String {
        if self.is_stdin() { "<stdin>".to_owned() } else { self.path.display().to_string() }
    }

    pub fn read(&self) -> Result<Vec<u8>, Box<Diagnostic>> {
        let name = self.name();
        if self.is_stdin() {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().take(MAX_BYTES).read_to_end(&mut bytes);
            return read.map(|_| bytes).map_err(|error| unreadable("standard input", &error));
        }
        let size = std::fs::metadata(&self.path).map_err(|error| unreadable(&name, &error))?.len();
        if size > MAX_BYTES {
            let message = format!("`{name}` has more than {} MiB", MAX_BYTES >> 20);
            return Err(Box::new(Diagnostic::unable("too-large", message).help("split the file")));
        }
        std::fs::read(&self.path).map_err(|error| unreadable(&name, &error))
    }

    /// Replaces the file's content in one step: a reader sees the old text or the new, whatever happens between.
    pub fn replace(&self, text: &str) -> Result<(), Box<Diagnostic>> {
        let write = || -> std::io::Result<()> {
            let target = std::fs::canonicalize(&self.path)?;
            let folder = target.parent().unwrap_or(Path::new("/"));
            let name = target.file_name().unwrap_or_default().to_string_lossy();
            let beside = folder.join(format!(".{name}.{}.tmp", std::process::id()));
            let written = write_new(&beside, &target, text).and_then(|()| std::fs::rename(&beside, &target));
            if written.is_err() {
                let _ = std::fs::remove_file(&beside);
            }
            written
        };
        write().map_err(|error| {
            let message = format!("`{}` cannot be written: {}", self.name(), reason(&error));
            Box::new(Diagnostic::unable("unwritable", message).help("check the permissions of its folder"))
        })
    }
}

fn write_new(path: &Path, like: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.set_permissions(std::fs::metadata(like)?.permissions())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Finds the files that arguments mean: files, folders with all below them, patterns that the shell left alone, `-`.
pub fn files(arguments: &[PathBuf]) -> (Vec<InputFile>, Vec<Diagnostic>) {
    let mut files: Vec<InputFile> = Vec::new();
    let mut findings = Vec::new();
    for argument in arguments {
        match expand(argument) {
            Ok(more) => files.extend(more),
            Err(finding) => findings.push(*finding),
        }
    }
    let mut seen = HashSet::new();
    files.retain(|file| seen.insert(std::fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone())));
    (files, findings)
}

fn expand(argument: &Path) -> Result<Vec<InputFile>, Box<Diagnostic>> {
    let named = |path: &Path| vec![InputFile { path: path.to_owned(), is_named: true }];
    if argument.as_os_str() == STDIN {
        return Ok(named(argument));
    }
    match std::fs::metadata(argument) {
        Ok(metadata) if metadata.is_dir() => folder(argument),
        Ok(_) => Ok(named(argument)),
        Err(error) => match argument.to_str().filter(|text| text.contains(['*', '?', '['])) {
            Some(pattern) => matching(pattern),
            None => Err(missing(argument, &error)),
        },
    }
}

/// Reads a file in the folder of a text or below. A manifest is often somebody else's, so no path and no link leads out
/// of its folder.
pub fn read_beside(source: &Source, path: &str) -> Result<Vec<u8>, String> {
    let folder = match source.kind {
        SourceKind::Manifest => Path::new(&source.name).parent().unwrap_or(Path::new("")),
        _ => Path::new(""),
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let whole = folder.join(path).canonicalize().map_err(|error| reason(&error))?;
    let folder = folder.canonicalize().map_err(|error| reason(&error))?;
    if !whole.starts_with(&folder) {
        return Err("it lies outside of the manifest's folder".to_owned());
    }
    if !whole.is_file() {
        return Err("it is no file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(&whole).map_err(|error| reason(&error))?;
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
    Ok(bytes)
}

fn matching(pattern: &str) -> Result<Vec<InputFile>, Box<Diagnostic>> {
    let paths = glob::glob(pattern).map_err(|error| {
        let message = format!("`{pattern}` is no pattern: {}", error.msg);
        Box::new(Diagnostic::unable("no-such-file", message).help("`*`, `?`, `**/` and `[a-z]` can be used"))
    })?;
    let mut files = Vec::new();
    for path in paths.flatten() {
        if path.is_dir() {
            files.extend(folder(&path).unwrap_or_default());
        } else {
            files.push(InputFile { path, is_named: false });
        }
    }
    if files.is_empty() {
        let message = format!("no file matches `{pattern}`");
        return Err(Box::new(
            Diagnostic::unable("no-such-file", message).help("check the pattern, or name a folder"),
        ));
    }
    Ok(files)
}

fn folder(path: &Path) -> Result<Vec<InputFile>, Box<Diagnostic>> {
    let shown = path.display().to_string();
    let mut paths = Vec::new();
    list_folder(path, &mut paths).map_err(|error| unreadable(&shown, &error))?;
    if paths.is_empty() {
        let message = format!("the folder `{shown}` has no .yaml, .yml or .json file");
        return Err(Box::new(Diagnostic::unable("no-input", message).help("name a file, or another folder")));
    }
    Ok(paths.into_iter().map(|path| InputFile { path, is_named: false }).collect())
}

fn list_folder(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // Symbolic links to folders are not followed: they may lead in a circle.
        if entry.file_type()?.is_dir() {
            list_folder(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json") {
            files.push(path);
        }
    }
    Ok(())
}

fn missing(path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    let shown = path.display().to_string();
    if error.kind() != std::io::ErrorKind::NotFound {
        return unreadable(&shown, error);
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| {
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        })
        .unwrap_or_default();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let near = crate::diagnostic::did_you_mean(&name, names.iter().map(String::as_str));
    let diagnostic = Diagnostic::unable("no-such-file", format!("there is no file or folder `{shown}`"));
    Box::new(match near {
        Some(near) => diagnostic.help(format!("did you mean `{}`?", folder.join(near).display())),
        None => diagnostic.help("check the path, or write `-` for standard input"),
    })
}

fn unreadable(name: &str, error: &std::io::Error) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::unable("unreadable", format!("`{name}` cannot be read: {}", reason(error)))
            .help("check its permissions, and that it is a file"),
    )
}

fn reason(error: &std::io::Error) -> String {
    let reason = error.to_string();
    reason.split(" (os error").next().unwrap_or_default().to_lowercase()
}
