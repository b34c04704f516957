//! Manifests → Plan: templates expand them, profiles patch what comes out, and Kubernetes' own schemas check it.

mod blame;

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;

use crate::catalog::Kind;
use crate::diagnostic::{Diagnostic, Diagnostics, has_errors};
use crate::kubernetes::custom::Definitions;
use crate::manifest::{Flawed, Manifest, Manifests, check_object, variables};
use crate::object::{Object, ObjectId, Plan};
use crate::profile::patch;
use crate::source::{Place, SourceKind, Sources};
use crate::template::Templates;
use crate::workers::{Workers, map_with};
use crate::yaml::{Key, Node, Value};
use blame::Unpatched;

/// Renders manifests. All problems of all of them are reported at once.
pub fn render(manifests: Manifests, sources: &Sources, workers: Workers) -> Result<Plan, Diagnostics> {
    let Manifests { manifests, definitions, .. } = manifests;
    let kinds: Vec<Option<Arc<Kind>>> = manifests.iter().map(|manifest| manifest.kind.clone()).collect();
    let mut templates = Templates::new(sources);
    // Texts have their numbers in the order of manifests, whoever renders them.
    let ready = manifests.into_iter().map(|manifest| (prepare(&manifest, &mut templates, sources), manifest));
    let ready: Vec<_> = ready.collect();
    let threads = templates.share(workers.count(ready.len()));
    let expanded = map_with(threads, ready, |templates, (prepared, manifest)| {
        prepared.and_then(|()| expand(manifest, templates, &definitions, sources))
    });
    let mut rendered = Rendered::with_room_for(kinds.len());
    let mut findings = Vec::new();
    for (kind, expanded) in kinds.iter().zip(expanded) {
        match (kind, expanded) {
            (_, Ok(more)) => findings.extend(more.into_iter().filter_map(|object| rendered.add(object))),
            (None, Err(Diagnostics(more))) => findings.extend(more),
            (Some(kind), Err(Diagnostics(more))) => {
                findings.extend(more.into_iter().map(|finding| at_its_cause(finding, kind, sources)));
            }
        }
    }
    if has_errors(&findings) { Err(Diagnostics(findings)) } else { Ok(Plan::new(rendered.objects)) }
}

/// Compiles the template of a manifest.
fn prepare(manifest: &Manifest, templates: &mut Templates<'_>, sources: &Sources) -> Result<(), Diagnostics> {
    let Some(kind) = &manifest.kind else { return Ok(()) };
    templates.prepare(kind.template().map_err(|flaws| Diagnostics(flaws.tell(sources)))?)
}

/// Says what Kubernetes refuses in the open parts of manifests that are wrong elsewhere.
pub fn refusals(flawed: Vec<Flawed>, definitions: &Definitions, sources: &Sources) -> Vec<Diagnostic> {
    let mut templates = Templates::new(sources);
    let mut findings: Vec<Diagnostic> = Vec::new();
    for Flawed { manifest, open, told } in flawed {
        let prepared = prepare(&manifest, &mut templates, sources);
        let expanded = prepared.and_then(|()| expand(manifest, &mut templates, definitions, sources));
        let Err(Diagnostics(refused)) = expanded else { continue };
        let is_open = |place: Place| open.iter().any(|part| part.overlaps(place)) && !told.contains(&place);
        for refusal in refused.into_iter().filter(|refusal| refusal.place.is_some_and(is_open)) {
            if !findings.contains(&refusal) {
                findings.push(refusal);
            }
        }
    }
    findings
}

fn expand(
    manifest: Manifest,
    templates: &mut Templates<'_>,
    definitions: &Definitions,
    sources: &Sources,
) -> Result<Vec<Object>, Diagnostics> {
    let name = manifest.node.at(["metadata", "name"]).unwrap_or(&manifest.node).place;
    let is_checked = manifest.kind.is_none() && manifest.patches.is_empty();
    let nodes = match &manifest.kind {
        Some(kind) => {
            let template = kind.template().map_err(|flaws| Diagnostics(flaws.tell(sources)))?;
            templates.render(template, variables(&manifest))?
        }
        None => vec![in_usual_order(manifest.node)],
    };
    let is_rendered = manifest.kind.is_some();
    let mut findings = Vec::new();
    let mut objects = Vec::new();
    for mut node in nodes {
        let unpatched = (!manifest.patches.is_empty()).then(|| Unpatched {
            node: node.clone(),
            patches: &manifest.patches,
            is_rendered,
            manifest: name,
        });
        patch(&mut node, &manifest.patches, sources, &mut findings);
        if is_rendered {
            encode_secret(&mut node);
        }
        // What a profile would undo is told as that, not as what has come of it.
        if !is_checked && !has_errors(&findings) {
            let refused = check_object(&node, definitions, sources);
            findings.extend(refused.into_iter().map(|finding| match &unpatched {
                Some(unpatched) => unpatched.blame(finding, definitions, sources),
                None => finding,
            }));
        }
        let place = node.place;
        match Object::new(node) {
            Some(object) => objects.push(object),
            None if !is_rendered => findings
                .push(Diagnostic::error("missing-name", "this object has no `metadata.name`").at(place)),
            None => findings.push(
                Diagnostic::error("template", "the template renders something that is no Kubernetes object")
                    .at(place)
                    .help("give it `apiVersion`, `kind` and `metadata.name`"),
            ),
        }
    }
    if has_errors(&findings) { Err(Diagnostics(findings)) } else { Ok(objects) }
}

/// What a default makes wrong is told where the schema says the default.
fn at_its_cause(finding: Diagnostic, kind: &Kind, sources: &Sources) -> Diagnostic {
    let cause = finding.place.map(|place| sources.get(place.source));
    match cause.filter(|cause| cause.kind == SourceKind::Default) {
        Some(default) => kind.at_default(finding, &default.name, sources),
        None => finding,
    }
}

/// The objects so far, and where each stands.
struct Rendered {
    objects: Vec<Object>,
    positions: HashMap<ObjectId, usize>,
}

impl Rendered {
    fn with_room_for(count: usize) -> Rendered {
        Rendered { objects: Vec::with_capacity(count), positions: HashMap::with_capacity(count) }
    }

    /// Adds an object, unless the same one is there: several manifests may make their common namespace.
    fn add(&mut self, object: Object) -> Option<Diagnostic> {
        let is_generated = object.node.at(["metadata", "name"]).is_none();
        let known = self.positions.get(&object.id).filter(|_| !is_generated);
        let Some(first) = known.map(|position| &self.objects[*position]) else {
            self.positions.insert(object.id.clone(), self.objects.len());
            self.objects.push(object);
            return None;
        };
        if first.node.to_json() == object.node.to_json() {
            return None;
        }
        let help = match object.id.kind.as_str() {
            "Namespace" => "remove `createNamespace: true` from one of the two, or rename one",
            _ => "rename one of the two",
        };
        let message = format!("{} is made twice, and differently", object.id);
        Some(
            Diagnostic::error("duplicate-object", message)
                .at(object.origin(["metadata", "name"]))
                .label("made again here")
                .related(first.origin(["metadata", "name"]), "first made here")
                .help(help),
        )
    }
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
            *text = base64::engine::general_purpose::STANDARD.encode(text.as_bytes()).into();
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
        None => map.set(Key::new("data", place), encoded),
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
