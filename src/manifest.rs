//! Document → Manifest: what its kind's schema and rules accept, with defaults filled in. Only this module makes one.

mod custom;
mod each;
mod embed;
mod expression;
mod library;
mod lints;
mod opened;
mod overrides;
mod platform;
mod profiles;
mod references;
mod rules;
mod target;
mod values;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use custom::check as check_object;
pub use each::Tasks;
pub use library::{Folders, Library, definitions, name_of};
use opened::Opened;
pub use overrides::Override;
use profiles::Decider;
pub use profiles::variables;
use references::Others;
pub use rules::examine as examine_rules;
pub use target::{Target, names_a_target, targets};

use crate::catalog::shape::Shape;
use crate::catalog::{Catalog, Flaws, Kind};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::document::Document;
use crate::kubernetes;
use crate::kubernetes::custom::{Definition, Definitions};
use crate::lint;
use crate::profile::{Chosen, Patch, Profiles};
use crate::source::{Place, Sources};
use crate::workers::Workers;
use crate::yaml::Node;

/// A manifest that its kind accepts.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// `None` for a Kubernetes object, which stands for itself.
    pub kind: Option<Arc<Kind>>,
    /// With defaults; every declared field is there, absent ones as null.
    pub node: Node,
    /// As written, in canonical spelling; null for a Kubernetes object, which no template sees.
    pub given: Node,
    /// Which item of its kind's list (`x-each`) it is for.
    pub index: Option<usize>,
    /// Whether it was assembled from documents that a platform exports, whose profiles it alone may know.
    pub is_exported: bool,
    /// What its profiles decide of what it becomes.
    pub patches: Vec<Patch>,
}

/// The manifests of one run, and where their secrets stand in the texts.
#[derive(Debug, Default)]
pub struct Manifests {
    pub manifests: Vec<Manifest>,
    /// Those that their kind does not accept, for what else may be wrong with them.
    pub flawed: Vec<Flawed>,
    pub secrets: Vec<Place>,
    /// What custom resources are checked by.
    pub definitions: Definitions,
}

/// A manifest that its kind does not accept.
#[derive(Debug)]
pub struct Flawed {
    pub manifest: Manifest,
    /// The parts of which its schema says nothing, since they are Kubernetes' own.
    pub open: Vec<Place>,
    /// Where something is told already.
    pub told: Vec<Place>,
}

/// What is wanted of the manifests, beside what they say.
#[derive(Debug, Default)]
pub struct Choice<'a> {
    pub overrides: &'a [Override],
    pub tasks: Tasks<'a>,
    /// Profiles that every manifest has.
    pub profiles: Chosen,
    pub workers: Workers,
}

/// A document whose kind is known, before anything is checked.
struct Candidate {
    kind: Option<Arc<Kind>>,
    node: Node,
    /// What is to be said of the text, if there is nothing worse to say.
    remarks: Vec<Diagnostic>,
    /// Whether it was assembled from documents that a platform exports.
    is_exported: bool,
}

impl Candidate {
    /// Whether `run` can dispatch it.
    fn can_run(&self) -> bool {
        match &self.kind {
            Some(kind) => kind.shape().own("x-run").is_some(),
            None => self.node.get("kind").and_then(Node::as_str) == Some("Job"),
        }
    }
}

/// Checks documents and makes manifests of those that hold. All problems of all documents are reported at once.
pub fn manifests(
    documents: Vec<Document>,
    choice: &Choice<'_>,
    library: &dyn Library,
    catalog: &Catalog,
    sources: &Sources,
) -> (Manifests, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let mut candidates = Vec::new();
    let mut unusable = BTreeSet::new();
    for (document, is_exported) in platform::assemble(documents, library, &mut findings) {
        let remarks = lint::check_document(&document, sources);
        match recognize(document.root, catalog, &mut findings) {
            Ok(mut candidate) => {
                if let Some(kind) = candidate.kind.as_ref().filter(|_| is_exported) {
                    values::unquote_integers(&mut candidate.node, kind.shape());
                }
                candidates.push(Candidate { remarks, is_exported, ..candidate });
            }
            Err(Unrecognized::Document(finding)) => findings.push(*finding),
            // However many manifests are of the kind, what is wrong with it is told once.
            Err(Unrecognized::Kind(name, flaws)) => {
                let is_new = unusable.insert(name);
                findings.extend(is_new.then(|| flaws.tell(sources)).into_iter().flatten());
            }
        }
    }
    let chosen = each::pick(&mut candidates, choice.tasks);
    if let Err(finding) = chosen.and_then(|()| apply_overrides(&mut candidates, choice)) {
        findings.push(*finding);
    }
    let has_references = candidates.iter().any(|candidate| candidate.kind.is_some());
    let given = candidates.iter().filter(|_| has_references).map(|candidate| candidate.node.clone());
    let others = Others { given: given.collect(), library, catalog };
    let mut result = Manifests::default();
    let mut definitions = library.definitions();
    let given = candidates.iter().filter_map(|candidate| Definition::read(&candidate.node));
    given.for_each(|definition| definitions.add(Arc::new(definition)));
    let profiles = Profiles::new(catalog, sources);
    let mut decider = Decider { profiles, chosen: &choice.profiles, catalog, sources };
    let opened = candidates.into_iter();
    let opened = opened.map(|candidate| Opened::open(candidate, &mut decider, &mut result.secrets, sources));
    for examined in Opened::examine(opened.collect(), choice.workers, &definitions, sources) {
        let is_exported = examined.is_exported();
        let (manifests, flawed, problems) =
            examined.close(&others, &mut decider, &mut result.secrets, sources);
        for problem in problems {
            // A function may be part of several manifests, each with a run of its own.
            if !is_exported || !findings.contains(&problem) {
                findings.push(problem);
            }
        }
        result.manifests.extend(manifests);
        result.flawed.extend(flawed);
    }
    result.definitions = definitions;
    (result, findings)
}

/// Why a document is no candidate: it is not as it should be, or its kind is not.
enum Unrecognized {
    Document(Box<Diagnostic>),
    Kind(String, Flaws),
}

impl From<Diagnostic> for Unrecognized {
    fn from(finding: Diagnostic) -> Self {
        Unrecognized::Document(Box::new(finding))
    }
}

/// Says whether a document only makes sense beside all others of a run: a platform's documents make one manifest
/// together, and what is wrong with a kind is told once.
pub fn is_joint(document: &Document, catalog: &Catalog) -> bool {
    let kind = document.root.get("kind").and_then(Node::as_str);
    platform::is_exported(&document.root)
        || kind.is_some_and(|kind| matches!(catalog.kind(kind), Some(Err(_))))
}

/// Finds the kind of a document and brings it into canonical spelling.
fn recognize(
    mut node: Node,
    catalog: &Catalog,
    findings: &mut Vec<Diagnostic>,
) -> Result<Candidate, Unrecognized> {
    let Some(map) = node.as_map() else {
        let message = format!("a manifest is a map with `apiVersion` and `kind`, not a {}", node.type_name());
        return Err(Diagnostic::error("not-a-manifest", message).at(node.place).into());
    };
    let text = |field: &str| map.get(field).and_then(Node::as_str);
    let Some(kind_name) = text("kind") else {
        return Err(missing_kind(&node, "kind", catalog).into());
    };
    let Some(api_version) = map.get("apiVersion").or(map.get("api_version")).and_then(Node::as_str) else {
        return Err(missing_kind(&node, "apiVersion", catalog).into());
    };
    match catalog.kind(kind_name).filter(|kind| is_meant(kind, api_version, kind_name)) {
        Some(Ok(kind)) => {
            let wrong = |flaws| Unrecognized::Kind(kind_name.to_owned(), flaws);
            kind.ensure_rules(rules::examine).map_err(wrong)?;
            values::canonicalize(&mut node, kind.shape(), findings);
            Ok(Candidate { kind: Some(kind), node, remarks: Vec::new(), is_exported: false })
        }
        Some(Err(flaws)) => Err(Unrecognized::Kind(kind_name.to_owned(), flaws)),
        None if kubernetes::is_served(api_version, kind_name) => {
            Ok(Candidate { kind: None, node, remarks: Vec::new(), is_exported: false })
        }
        None => match misspelt(api_version, kind_name, catalog) {
            None if !is_our_group(api_version) => {
                Ok(Candidate { kind: None, node, remarks: Vec::new(), is_exported: false })
            }
            _ => Err(unknown_kind(&node, kind_name, catalog).into()),
        },
    }
}

/// A team may have a kind whose name others have, too: theirs are not meant by it.
fn is_meant(kind: &Result<Arc<Kind>, Flaws>, api_version: &str, name: &str) -> bool {
    let Ok(kind) = kind else { return !kubernetes::is_served(api_version, name) };
    let accepted = kind.api_versions();
    let is_near = || did_you_mean(api_version, accepted.iter().copied()).is_some();
    kind.folder().is_none()
        || accepted.contains(&api_version)
        || !kubernetes::is_served(api_version, name) && (has_group(&accepted, api_version) || is_near())
}

fn has_group(accepted: &[&str], api_version: &str) -> bool {
    let group = |version: &str| version.rsplit_once('/').map(|(group, _)| group.to_owned());
    accepted.iter().any(|version| group(version) == group(api_version))
}

/// Finds a kind of this group whose name is almost this one.
fn misspelt(api_version: &str, name: &str, catalog: &Catalog) -> Option<Arc<Kind>> {
    let kinds = catalog.kinds();
    let near = did_you_mean(name, kinds.iter().map(String::as_str))?;
    catalog.kind(near)?.ok().filter(|kind| has_group(&kind.api_versions(), api_version))
}

/// API groups that no Kubernetes server has.
fn is_our_group(api_version: &str) -> bool {
    let group = api_version.split('/').next().unwrap_or_default();
    ["project-planton.org", "planton.dev", "daphnia.dev"]
        .iter()
        .any(|domain| group == *domain || group.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
}

fn missing_kind(node: &Node, field: &str, catalog: &Catalog) -> Diagnostic {
    let key = node.as_map().and_then(|map| map.entries.first()).map_or(node.place, |(key, _)| key.place);
    let near = node.as_map().into_iter().flat_map(|map| map.entries.iter());
    let misspelt = near.map(|(key, _)| key).find(|key| did_you_mean(&key.text, [field]).is_some());
    match misspelt {
        Some(key) => Diagnostic::error("missing-field", format!("this document has no `{field}`"))
            .at(key.place)
            .label(format!("did you mean `{field}`?"))
            .fix(format!("rename the field to `{field}`"), key.place, field),
        None => Diagnostic::error("missing-field", format!("this document has no `{field}`")).at(key).help(
            format!(
                "a manifest starts with `apiVersion` and `kind`: a Kubernetes object's, or one of {}",
                catalog.kinds().join(", ")
            ),
        ),
    }
}

fn unknown_kind(node: &Node, kind: &str, catalog: &Catalog) -> Diagnostic {
    let place = node.get("kind").map_or(node.place, |kind| kind.place);
    let kinds = catalog.kinds();
    let diagnostic = Diagnostic::error("unknown-kind", format!("there is no kind `{kind}`")).at(place);
    match did_you_mean(kind, kinds.iter().map(String::as_str)) {
        Some(near) => {
            diagnostic.label(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), place, near)
        }
        None => diagnostic.label("not a kind").help(format!("known kinds: {}", kinds.join(", "))),
    }
}

/// An override names a field, not a manifest, so there must be one manifest that it can mean: the only one, or of
/// those that `run` has read the only one that can be run.
fn apply_overrides(candidates: &mut [Candidate], choice: &Choice<'_>) -> Result<(), Box<Diagnostic>> {
    let Some(first) = choice.overrides.first() else { return Ok(()) };
    let count = candidates.len();
    let is_running = matches!(choice.tasks, Tasks::ToRun(_));
    let mut meant: Vec<&mut Candidate> = candidates.iter_mut().collect();
    if count > 1 && is_running {
        meant.retain(|candidate| candidate.can_run());
    }
    let [candidate] = meant.as_mut_slice() else {
        let message = format!("`{}` changes one manifest, and {count} were read", first.option());
        let which = if is_running { "one that can be run" } else { "one document that could be read" };
        let error = Diagnostic::unable("bad-override", message);
        return Err(Box::new(error.help(format!("name a file with {which}"))));
    };
    let shape = candidate.kind.as_ref().map(|kind| kind.shape());
    let text = |field: &str| candidate.node.get(field).and_then(Node::as_str);
    let own =
        text("apiVersion").zip(text("kind")).and_then(|(version, kind)| kubernetes::schema(version, kind));
    let name = text("kind").unwrap_or_default().to_owned();
    for one in choice.overrides {
        if let Some(shape) = shape {
            one.ensure_place(&name, shape)?;
        }
        one.apply(&mut candidate.node, shape.or(own.map(|schema| Shape::root(schema.json()))))?;
    }
    if let Some(shape) = shape {
        values::canonicalize(&mut candidate.node, shape, &mut Vec::new());
    }
    Ok(())
}
