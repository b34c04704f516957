//! Source → Document: files, folders and standard input, read into trees; well-formed, not yet trusted.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::source::{Place, Source, SourceId, SourceKind, Sources};
use crate::yaml::{self, Node};

/// Offsets in a text are kept in 32 bits; no manifest comes near this.
const MAX_BYTES: u64 = 1 << 30;
const STDIN: &str = "-";

/// One YAML or JSON document.
#[derive(Debug, Clone)]
pub struct Document {
    pub root: Node,
    /// Unquoted scalars that YAML 1.1 and 1.2 readers understand differently.
    pub ambiguous: Vec<Place>,
}

/// Reads every document of the named files (folders with all below them, `-` for standard input). Documents that
/// hold nothing are passed over.
pub fn documents(paths: &[PathBuf], sources: &Sources) -> (Vec<Document>, Vec<Diagnostic>) {
    let mut documents = Vec::new();
    let mut findings = Vec::new();
    for path in paths {
        match read_path(path, sources) {
            Ok(ids) => {
                for id in ids {
                    let (more, problems) = parse(id, sources);
                    documents.extend(more);
                    findings.extend(problems);
                }
            }
            Err(finding) => findings.push(*finding),
        }
    }
    (documents, findings)
}

/// Reads the documents of one source.
pub fn parse(id: SourceId, sources: &Sources) -> (Vec<Document>, Vec<Diagnostic>) {
    let source = sources.get(id);
    let (read, findings) = yaml::read(id, &source.text);
    let present = read.into_iter().filter(|document| !document.root.is_null());
    let mut documents = Vec::new();
    for document in present {
        push_document(document.root, document.ambiguous, &mut documents);
    }
    (documents, findings)
}

/// A `List` stands for its items.
fn push_document(root: Node, ambiguous: Vec<Place>, documents: &mut Vec<Document>) {
    let is_list = root.get("kind").and_then(Node::as_str) == Some("List")
        && root.get("apiVersion").and_then(Node::as_str) == Some("v1");
    match root.get("items").and_then(Node::as_list).filter(|_| is_list) {
        Some(items) => {
            for item in items {
                push_document(item.clone(), ambiguous.clone(), documents);
            }
        }
        None => documents.push(Document { root, ambiguous }),
    }
}

fn read_path(path: &Path, sources: &Sources) -> Result<Vec<SourceId>, Box<Diagnostic>> {
    if path.as_os_str() == STDIN {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(MAX_BYTES).read_to_end(&mut bytes);
        read.map_err(|error| unreadable("standard input", &error))?;
        return Ok(vec![add("<stdin>", bytes, sources)?]);
    }
    let shown = path.display().to_string();
    let metadata = std::fs::metadata(path).map_err(|error| missing(path, &error))?;
    if metadata.is_dir() {
        let mut files = Vec::new();
        list_folder(path, &mut files).map_err(|error| unreadable(&shown, &error))?;
        if files.is_empty() {
            let message = format!("the folder `{shown}` has no .yaml, .yml or .json file");
            return Err(Box::new(
                Diagnostic::unable("no-input", message).help("name a file, or another folder"),
            ));
        }
        return files.iter().map(|file| read_file(file, sources)).collect();
    }
    Ok(vec![read_file(path, sources)?])
}

fn read_file(path: &Path, sources: &Sources) -> Result<SourceId, Box<Diagnostic>> {
    let shown = path.display().to_string();
    let size = std::fs::metadata(path).map_err(|error| unreadable(&shown, &error))?.len();
    if size > MAX_BYTES {
        let message = format!("`{shown}` has more than {} MiB", MAX_BYTES >> 20);
        return Err(Box::new(Diagnostic::unable("too-large", message).help("split the file")));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(&shown, &error))?;
    add(&shown, bytes, sources)
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

fn add(name: &str, bytes: Vec<u8>, sources: &Sources) -> Result<SourceId, Box<Diagnostic>> {
    String::from_utf8(bytes).map(|text| sources.add(Source::new(SourceKind::Manifest, name, text))).map_err(
        |error| {
            let start = error.utf8_error().valid_up_to();
            let byte = error.as_bytes()[start];
            let id = sources.add(Source::new(
                SourceKind::Manifest,
                name,
                String::from_utf8_lossy(error.as_bytes()),
            ));
            let length = sources.get(id).text[start..].chars().next().map_or(0, char::len_utf8);
            Box::new(
                Diagnostic::error("not-utf-8", format!("the byte 0x{byte:02x} is not UTF-8"))
                    .at(Place::new(id, start..start + length))
                    .label("not text")
                    .help("save the file as UTF-8"),
            )
        },
    )
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
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default().to_lowercase();
    Box::new(
        Diagnostic::unable("unreadable", format!("`{name}` cannot be read: {reason}"))
            .help("check its permissions, and that it is a file"),
    )
}
