//! Manifests → Plan: templates expand them, Kubernetes' own schemas check what comes out.

mod template;

use base64::Engine as _;

use self::template::Templates;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Diagnostics, has_errors};
use crate::kubernetes;
use crate::manifest::{Manifest, Manifests};
use crate::object::{Object, Plan};
use crate::source::Sources;
use crate::yaml::{Key, Node, Value};

/// Renders manifests. All problems of all of them are reported at once.
pub fn render(manifests: Manifests, catalog: &Catalog, sources: &Sources) -> Result<Plan, Diagnostics> {
    let mut templates = Templates::new(sources);
    let mut objects: Vec<Object> = Vec::new();
    let mut findings = Vec::new();
    for manifest in manifests.manifests {
        match expand(manifest, &mut templates, catalog, sources) {
            Ok(more) => more.into_iter().for_each(|object| add(object, &mut objects, &mut findings)),
            Err(Diagnostics(more)) => findings.extend(more),
        }
    }
    if has_errors(&findings) { Err(Diagnostics(findings)) } else { Ok(Plan::new(objects)) }
}

fn expand(
    manifest: Manifest,
    templates: &mut Templates<'_>,
    catalog: &Catalog,
    sources: &Sources,
) -> Result<Vec<Object>, Diagnostics> {
    let Some(kind) = &manifest.kind else {
        let place = manifest.node.place;
        return match Object::new(in_usual_order(manifest.node)) {
            Some(object) => Ok(vec![object]),
            None => {
                Err(Diagnostic::error("missing-name", "this object has no `metadata.name`").at(place).into())
            }
        };
    };
    let (name, text) = kind.template();
    let given = manifest.given.get("spec").cloned().unwrap_or(Node::new(Value::Null, manifest.node.place));
    let fields = manifest.node.as_map().map(|map| map.entries.clone()).unwrap_or_default();
    let mut variables: Vec<(&str, Node)> =
        fields.iter().map(|(key, node)| (key.text.as_str(), node.clone())).collect();
    variables.push(("given", given));
    let nodes =
        templates.render(&name, text, catalog, variables).map_err(|finding| Diagnostics(vec![*finding]))?;
    let mut findings = Vec::new();
    let mut objects = Vec::new();
    for mut node in nodes {
        encode_secret(&mut node);
        findings.extend(kubernetes::check(&node, sources));
        let place = node.place;
        match Object::new(node) {
            Some(object) => objects.push(object),
            None => findings.push(
                Diagnostic::error("template", "the template renders something that is no Kubernetes object")
                    .at(place)
                    .help("give it `apiVersion`, `kind` and `metadata.name`"),
            ),
        }
    }
    if has_errors(&findings) { Err(Diagnostics(findings)) } else { Ok(objects) }
}

/// Adds an object, unless the same one is there: several manifests may make their common namespace.
fn add(object: Object, objects: &mut Vec<Object>, findings: &mut Vec<Diagnostic>) {
    let Some(first) = objects.iter().find(|other| other.id == object.id) else {
        objects.push(object);
        return;
    };
    if first.node.to_json() == object.node.to_json() {
        return;
    }
    let finding =
        Diagnostic::error("duplicate-object", format!("{} is made twice, and differently", object.id))
            .at(object.origin(["metadata", "name"]))
            .label("made again here")
            .related(first.origin(["metadata", "name"]), "first made here")
            .help("rename one of the two");
    findings.push(finding);
}

/// Turns `stringData` into `data`: a server merges the former into the latter and so can never take a key away.
fn encode_secret(node: &mut Node) {
    if node.get("kind").and_then(Node::as_str) != Some("Secret") {
        return;
    }
    let Some(map) = node.as_map_mut() else { return };
    let Some(mut encoded) = map.remove("stringData") else { return };
    for (_, value) in encoded.as_map_mut().into_iter().flat_map(|map| &mut map.entries) {
        if let Value::String(text) = &mut value.value {
            *text = base64::engine::general_purpose::STANDARD.encode(text.as_bytes());
        }
    }
    let place = encoded.place;
    match map.get_mut("data").and_then(Node::as_map_mut) {
        Some(data) => {
            for (key, value) in
                encoded.as_map_mut().map(|map| std::mem::take(&mut map.entries)).unwrap_or_default()
            {
                data.set(key, value);
            }
        }
        None => map.set(Key { text: "data".to_owned(), place }, encoded),
    }
}

/// `apiVersion`, `kind` and `metadata` first, as in Kubernetes' own documentation.
fn in_usual_order(mut node: Node) -> Node {
    if let Some(map) = node.as_map_mut() {
        let rank = |key: &str| {
            ["apiVersion", "kind", "metadata", "spec"].iter().position(|k| *k == key).unwrap_or(4)
        };
        map.entries.sort_by_key(|(key, _)| rank(&key.text));
    }
    node
}
