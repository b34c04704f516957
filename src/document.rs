//! Source → Document: files, folders and standard input, read into trees; well-formed, not yet trusted.

mod files;

use std::path::PathBuf;

pub use files::{InputFile, files, read_beside};

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::source::{Place, Source, SourceId, SourceKind, Sources};
use crate::workers::Workers;
use crate::yaml::{self, Node};

/// The lint on files that are templates of something else.
pub const UNRENDERED_TEMPLATE: &str = "unrendered-template";

/// One YAML or JSON document.
#[derive(Debug, Clone)]
pub struct Document {
    pub root: Node,
    /// Unquoted scalars that YAML 1.1 and 1.2 readers understand differently.
    pub ambiguous: Vec<Place>,
}

/// What was read of some files.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    pub documents: Vec<Document>,
    pub findings: Vec<Diagnostic>,
    pub sources: Vec<SourceId>,
}

/// How much a file may be without being a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Files that hold no object are passed over.
    Lenient,
    /// Every document is a manifest.
    Strict,
}

/// Reads every document of the named files (folders with all below them, `-` for standard input).
pub fn documents(paths: &[PathBuf], sources: &Sources, workers: Workers) -> Documents {
    let (files, findings) = files(paths);
    let mut read = Documents { findings, ..Documents::default() };
    // Texts have their numbers in the order of files, whoever reads them.
    let texts =
        files.iter().map(|file| file.read().and_then(|bytes| to_source(&file.name(), bytes, sources)));
    let texts: Vec<_> = texts.collect();
    // Of many files each is read by one, and a single long one by all.
    let within = if workers.count(texts.len()) > 1 { Workers::One } else { workers };
    let parsed = workers.map(texts, |id| id.map(|id| (id, parse(id, sources, within))));
    for (file, parsed) in files.iter().zip(parsed) {
        read.take(file, parsed, Strictness::Lenient, sources);
    }
    read
}

/// What a file holds, and what is wrong with its text.
type Parsed = (SourceId, (Vec<Document>, Vec<Diagnostic>));

impl Documents {
    /// Adds the documents of a file, and its source. Documents that hold nothing are passed over.
    pub fn add(
        &mut self,
        file: &InputFile,
        bytes: Vec<u8>,
        strictness: Strictness,
        sources: &Sources,
        workers: Workers,
    ) {
        let parsed = to_source(&file.name(), bytes, sources).map(|id| (id, parse(id, sources, workers)));
        self.take(file, parsed, strictness, sources);
    }

    fn take(
        &mut self,
        file: &InputFile,
        parsed: Result<Parsed, Box<Diagnostic>>,
        strictness: Strictness,
        sources: &Sources,
    ) {
        let (id, (documents, findings)) = match parsed {
            Ok(parsed) => parsed,
            Err(finding) => {
                self.sources.extend(finding.place.map(|place| place.source));
                return self.findings.push(*finding);
            }
        };
        self.sources.push(id);
        let text = &sources.get(id).text;
        let is_strict = strictness == Strictness::Strict || file.is_stdin();
        if !findings.is_empty() && !file.is_named && !is_strict && !looks_like_object(text) {
            return;
        }
        if let Some(template) = findings.first().and_then(|_| template(id, text)) {
            return self.findings.push(template);
        }
        self.findings.extend(findings);
        if is_strict || documents.is_empty() || documents.iter().any(|document| is_object(&document.root)) {
            self.documents.extend(documents);
        } else if file.is_named {
            let message = format!("`{}` holds no Kubernetes object and is passed over", file.name());
            let note = Diagnostic::note("no-object", message).at(documents[0].root.place);
            self.findings.push(note.help("an object has `apiVersion` and `kind`; `--strict` asks for both"));
        }
    }
}

/// Reads the documents of one source.
pub fn parse(id: SourceId, sources: &Sources, workers: Workers) -> (Vec<Document>, Vec<Diagnostic>) {
    let source = sources.get(id);
    let (read, findings) = yaml::read_by(workers, id, &source.text);
    let present = read.into_iter().filter(|document| !document.root.is_null());
    let mut documents = Vec::new();
    for document in present {
        push_document(document.root, document.ambiguous, &mut documents);
    }
    (documents, findings)
}

/// A `List` stands for its items, and so does a list of documents.
fn push_document(root: Node, ambiguous: Vec<Place>, documents: &mut Vec<Document>) {
    let is_list = root.get("kind").and_then(Node::as_str) == Some("List")
        && root.get("apiVersion").and_then(Node::as_str) == Some("v1");
    let is_of_documents =
        |items: &&[Node]| !items.is_empty() && items.iter().all(|item| item.get("kind").is_some());
    let listed = root.as_list().filter(is_of_documents);
    match listed.or(root.get("items").and_then(Node::as_list).filter(|_| is_list)) {
        Some(items) => {
            for item in items {
                let is_inside =
                    |place: &&Place| item.place.start <= place.start && place.end <= item.place.end;
                let own = ambiguous.iter().filter(is_inside).copied().collect();
                push_document(item.clone(), own, documents);
            }
        }
        None => documents.push(Document { root, ambiguous }),
    }
}

/// Says whether a document is meant to be a Kubernetes object or a manifest, well made or not.
fn is_object(root: &Node) -> bool {
    let Some(map) = root.as_map() else { return false };
    let text = |field: &str| map.get(field).and_then(Node::as_str);
    let api_version = text("apiVersion").unwrap_or_default();
    // Files of kustomize, Helm and kubectl look like objects, and are none.
    let is_chart = map.get("kind").is_none() && map.get("name").is_some() && map.get("version").is_some();
    let is_kubeconfig = api_version == "v1" && text("kind") == Some("Config");
    // kustomize itself fills in its apiVersion.
    let is_kustomization = api_version.starts_with("kustomize.config.k8s.io/")
        || api_version.is_empty() && matches!(text("kind"), Some("Kustomization" | "Component"));
    if is_kustomization || is_chart || is_kubeconfig {
        return false;
    }
    let is_head = |key: &str| key.eq_ignore_ascii_case("kind") || did_you_mean(key, ["apiVersion"]).is_some();
    map.keys().any(is_head) || (map.get("metadata").is_some() && map.get("spec").is_some())
}

/// The same, for a text that cannot be read.
fn looks_like_object(text: &str) -> bool {
    let heads = ["apiVersion:", "kind:", "\"apiVersion\"", "\"kind\""];
    text.lines().any(|line| heads.iter().any(|head| line.trim_start_matches(['{', ' ']).starts_with(head)))
}

/// One finding for a text that cannot be read because something has yet to fill it in.
fn template(id: SourceId, text: &str) -> Option<Diagnostic> {
    let start = text.find("{{").filter(|start| text[*start..].contains("}}"))?;
    let line = text[start..].lines().next().unwrap_or_default();
    let length = line.find("}}").map_or(line.len(), |end| end + 2);
    let message = "this is a template: it becomes YAML when its `{{ … }}` are filled in";
    Some(
        Diagnostic::warning(UNRENDERED_TEMPLATE, message)
            .at(Place::new(id, start..start + length))
            .label("not filled in")
            .help("check what it renders to: `helm template CHART | daphnia validate -`")
            .help("if the braces are meant literally, quote the value"),
    )
}

fn to_source(name: &str, bytes: Vec<u8>, sources: &Sources) -> Result<SourceId, Box<Diagnostic>> {
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
