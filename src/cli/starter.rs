//! A kind's example → a manifest to start from, whose comments say what the fields mean.

use crate::catalog::shape::Shape;
use crate::catalog::{Catalog, Kind};
use crate::config::Config;
use crate::document;
use crate::kubernetes;
use crate::manifest::{Choice, Folders, manifests};
use crate::render::render;
use crate::source::{Source, SourceId, SourceKind, Sources};
use crate::workers::Workers;
use crate::yaml::{self, Node, Value};

/// Comments stand at the manifest's top fields, and at those of its `spec`; deeper ones would bury it.
const DEPTH: usize = 2;
/// A longer description is cut after its first sentence.
const LONG: usize = 200;

/// Writes the example of a kind.
pub(super) fn starter(kind: &Kind, example: &str) -> String {
    annotated(kind.shape().text("title").unwrap_or(&kind.name), kind.shape(), example)
}

/// Writes an object of one of Kubernetes' own kinds, which an example becomes; `None` if no example does.
pub(super) fn object_starter(api_version: &str, kind: &str, catalog: &Catalog) -> Option<String> {
    let described = kubernetes::described(api_version, kind)?;
    let mut names = catalog.kinds();
    // `KubernetesJob` becomes a better Job than what becomes one among others.
    names.sort_by_key(|name| !name.ends_with(kind));
    let mut object = names.iter().find_map(|name| {
        let example = catalog.kind(name)?.ok()?.example().ok()?;
        rendered(&example, catalog).into_iter().find(|object| {
            let is = |field: &str, text: &str| object.get(field).and_then(Node::as_str) == Some(text);
            is("apiVersion", api_version) && is("kind", kind)
        })
    })?;
    forget(&mut object);
    Some(annotated(kind, Shape::root(&described), &yaml::write(&object)))
}

fn rendered(example: &str, catalog: &Catalog) -> Vec<Node> {
    let sources = Sources::default();
    let id = sources.add(Source::new(SourceKind::Manifest, "example", example));
    let (documents, _) = document::parse(id, &sources, Workers::One);
    let config = Config::default();
    let library = Folders::new(&config, &sources);
    let (found, _) = manifests(documents, &Choice::default(), &library, catalog, &sources);
    let plan = render(found, &sources, Workers::One).ok();
    plan.into_iter().flat_map(|plan| plan.objects).map(|object| object.node).collect()
}

/// Drops the labels and annotations that say by what an object is made.
fn forget(node: &mut Node) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(forget),
        Value::Map(map) => {
            let is_ours =
                |key: &str| key == "app.kubernetes.io/managed-by" || key.starts_with("daphnia.dev/");
            map.entries.retain(|(key, _)| !is_ours(&key.text));
            map.entries.iter_mut().for_each(|(_, value)| forget(value));
            let is_empty = |node: &Node| node.as_map().is_some_and(|map| map.entries.is_empty());
            let is_notes = |key: &str| matches!(key, "labels" | "annotations");
            map.entries.retain(|(key, value)| !(is_notes(&key.text) && is_empty(value)));
        }
        _ => {}
    }
}

/// Writes a comment above each field, and the fields that are left out at the end.
fn annotated(title: &str, shape: Shape<'_>, example: &str) -> String {
    let (documents, _) = yaml::read(SourceId::NONE, example);
    let Some(root) = documents.first().map(|document| &document.root) else { return example.to_owned() };
    let mut notes = Vec::new();
    collect(root, shape, 1, example, &mut notes);
    notes.sort();
    let mut text = format!("# `daphnia explain {title}` says more of every field.\n");
    let mut rest = 0;
    for (line_start, note) in notes {
        text.push_str(&example[rest..line_start]);
        text.push_str(&note);
        rest = line_start;
    }
    text.push_str(&example[rest..]);
    text.push_str(&left_out(root, shape));
    text
}

/// Collects comments, each with the start of the line that it goes above.
fn collect(node: &Node, shape: Shape<'_>, depth: usize, text: &str, notes: &mut Vec<(usize, String)>) {
    for (key, value) in node.as_map().into_iter().flat_map(|map| &map.entries) {
        let Some(field) = shape.property(&key.text) else { continue };
        let start = key.place.range().start;
        let line_start = text[..start].rfind('\n').map_or(0, |index| index + 1);
        let indent = &text[line_start..start];
        let is_commented =
            text[..line_start].lines().next_back().is_some_and(|line| line.trim().starts_with('#'));
        let description = field.text("description").filter(|_| is_told(&key.text, depth) && !is_commented);
        if let Some(description) = description.filter(|_| indent.trim().is_empty()) {
            notes.push((line_start, format!("{indent}# {}\n", said(description))));
        }
        if depth < DEPTH {
            collect(value, field, depth + 1, text, notes);
        }
    }
}

/// Says what a description says in a line: Kubernetes' own go on for paragraphs.
fn said(description: &str) -> String {
    let first = description.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    match first.split_once(". ") {
        Some((sentence, _)) if first.len() > LONG => format!("{sentence}."),
        _ => first,
    }
}

/// What every Kubernetes manifest starts with needs no words.
fn is_told(field: &str, depth: usize) -> bool {
    depth > 1 || !["apiVersion", "kind", "metadata", "spec"].contains(&field)
}

/// Lists the fields of `spec` that the example leaves out, as comments in it. They need `spec` to be the last
/// field, in block style.
fn left_out(root: &Node, shape: Shape<'_>) -> String {
    let Some((key, spec)) = root.as_map().and_then(|map| map.entries.last()) else { return String::new() };
    let fields = shape.property(&key.text).map(|field| field.properties()).unwrap_or_default();
    let mut text = String::new();
    for (name, field) in fields.into_iter().filter(|(name, _)| spec.get(name).is_none()) {
        let default = field.keyword("default").filter(|default| !default.is_object());
        let default = default.map(|default| format!(" {default}")).unwrap_or_default();
        let description = said(field.text("description").unwrap_or_default());
        text.push_str(&format!("  # {name}:{default}  # {description}\n"));
    }
    if text.is_empty() { text } else { format!("\n  # Also possible:\n{text}") }
}
