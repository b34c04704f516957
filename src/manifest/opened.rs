//! A candidate that is being checked: opened and closed in the order of the texts, examined on any thread between.

use std::sync::Arc;

use super::profiles::{Decider, Part};
use super::references::Others;
use super::{Candidate, Flawed, Manifest, check_object, embed, lints, references, rules, values};
use crate::catalog::Kind;
use crate::catalog::shape::Shape;
use crate::diagnostic::{Diagnostic, Diagnostics, has_errors};
use crate::kubernetes::custom::Definitions;
use crate::lint;
use crate::source::{Place, Sources};
use crate::workers::Workers;
use crate::yaml::{Node, Value};

/// The lint on secrets that are written down.
const SECRET_LITERAL: &str = "secret-literal";

/// A candidate with what its profiles fill in, and what was found so far.
pub(super) struct Opened {
    candidate: Candidate,
    parts: Vec<Part>,
    findings: Vec<Diagnostic>,
}

/// What rules say of a candidate, and what is to be said if there is nothing worse.
struct Told {
    findings: Vec<Diagnostic>,
    remarks: Vec<Diagnostic>,
}

impl Opened {
    pub fn open(
        mut candidate: Candidate,
        decider: &mut Decider<'_>,
        secrets: &mut Vec<Place>,
        sources: &Sources,
    ) -> Opened {
        let mut findings = Vec::new();
        let node = &mut candidate.node;
        let Some(kind) = &candidate.kind else {
            secret_data(node, secrets);
            return Opened { candidate, parts: Vec::new(), findings };
        };
        values::secret_places(node, kind.shape(), secrets);
        let parts = decider.parts(node, kind, candidate.is_exported, &mut findings);
        let filled = decider.fill(node, kind, &parts, &mut findings);
        findings.extend(filled.err().into_iter().flat_map(|Diagnostics(more)| more));
        embed::embed(node, kind.shape(), sources, &mut findings);
        Opened { candidate, parts, findings }
    }

    /// Checks what needs nothing but each candidate. To compile a schema and its rules takes longer than all else
    /// that is done for a few: then the two go on side by side.
    pub fn examine(
        opened: Vec<Opened>,
        workers: Workers,
        definitions: &Definitions,
        sources: &Sources,
    ) -> Vec<Opened> {
        let by_schema = |one: &Opened| one.by_schema(definitions, sources);
        let by_rules = |one: &Opened| one.by_rules(sources);
        let is_plain = opened.iter().all(|one| one.candidate.kind.is_none());
        if is_plain || workers.count(opened.len()) > 1 {
            return workers.map(opened, |one| {
                let (schema, rules) = (by_schema(&one), by_rules(&one));
                one.told(schema, rules)
            });
        }
        let all_by_rules = || opened.iter().map(by_rules).collect::<Vec<_>>();
        let all_by_schema = || opened.iter().map(by_schema).collect::<Vec<_>>();
        let (rules, schemas) = workers.both(all_by_rules, all_by_schema);
        let told = opened.into_iter().zip(schemas.into_iter().zip(rules));
        told.map(|(one, (schema, rules))| one.told(schema, rules)).collect()
    }

    fn by_schema(&self, definitions: &Definitions, sources: &Sources) -> Vec<Diagnostic> {
        let Candidate { kind, node, .. } = &self.candidate;
        match kind {
            Some(kind) => kind.schema().check(node, sources),
            None => check_object(node, definitions, sources),
        }
    }

    fn by_rules(&self, sources: &Sources) -> Told {
        let Candidate { kind, node, .. } = &self.candidate;
        match kind {
            Some(kind) => Told {
                findings: rules::check(node, kind.shape()),
                remarks: lints::check(node, kind.shape(), sources),
            },
            None => Told { findings: Vec::new(), remarks: lint::check_object(node) },
        }
    }

    fn told(mut self, by_schema: Vec<Diagnostic>, by_rules: Told) -> Opened {
        self.findings.extend(by_schema);
        self.findings.extend(by_rules.findings);
        self.candidate.remarks.extend(by_rules.remarks);
        self
    }

    pub fn is_exported(&self) -> bool {
        self.candidate.is_exported
    }

    /// Makes the manifests that hold, and says all that was found.
    pub fn close(
        self,
        others: &Others<'_>,
        decider: &mut Decider<'_>,
        secrets: &mut Vec<Place>,
        sources: &Sources,
    ) -> (Vec<Manifest>, Option<Flawed>, Vec<Diagnostic>) {
        let Opened { candidate, parts, mut findings } = self;
        let Candidate { kind, mut node, remarks, is_exported } = candidate;
        let choices = match &kind {
            Some(kind) => {
                references::resolve(&mut node, kind.shape(), others, &mut findings);
                parts.into_iter().map(|part| (part.index, part.choices)).collect()
            }
            None => vec![(None, decider.of_object(&node, &mut findings))],
        };
        let is_flawed = has_errors(&findings);
        secrets.extend(told_secrets(&remarks));
        findings.extend(remarks);
        let whole = |node| completed(kind.clone(), node, is_exported, sources);
        if is_flawed {
            let flawed = kind.as_ref().and_then(|kind| {
                let open = open_places(&node, kind.shape());
                let told = told_places(&node, kind.shape(), &findings);
                (!open.is_empty()).then(|| Flawed { manifest: whole(node), open, told })
            });
            return (Vec::new(), flawed, findings);
        }
        let whole = whole(node);
        let copies = std::iter::repeat_n(whole, choices.len()).zip(choices);
        let manifests = copies.map(|(mut manifest, (index, choices))| {
            manifest.index = index;
            match decider.patches(&choices, &manifest) {
                Ok(patches) => manifest.patches = patches,
                Err(Diagnostics(more)) => findings.extend(more),
            }
            manifest
        });
        (manifests.collect(), None, findings)
    }
}

/// Makes the manifest, with its kind's defaults, and no part of it chosen yet.
fn completed(kind: Option<Arc<Kind>>, mut node: Node, is_exported: bool, sources: &Sources) -> Manifest {
    let given = match &kind {
        Some(kind) => {
            let given = node.clone();
            values::complete(&mut node, kind.shape(), "", sources);
            given
        }
        // No template sees it.
        None => Node::new(Value::Null, node.place),
    };
    Manifest { kind, node, given, index: None, is_exported, patches: Vec::new() }
}

/// Finds what a kind passes on to Kubernetes as it is: fields that its schema does not declare, and values of which
/// it says no more than their type.
fn open_places(node: &Node, shape: Shape<'_>) -> Vec<Place> {
    let mut open = Vec::new();
    rules::visit(rules::root(node), shape, &mut |spot, shape| {
        let Some(map) = spot.node.as_map() else { return };
        let is_open = shape.properties().is_empty() && shape.values().is_none();
        let undeclared = map.entries.iter().filter(|(key, _)| is_open || shape.property(&key.text).is_none());
        open.extend(undeclared.flat_map(|(key, value)| [key.place, value.place]));
    });
    open
}

/// Lists where something is told: the places of findings and, where these stand at the keys of maps, the maps.
fn told_places(node: &Node, shape: Shape<'_>, findings: &[Diagnostic]) -> Vec<Place> {
    let mut told: Vec<Place> = findings.iter().filter_map(|finding| finding.place).collect();
    rules::visit(rules::root(node), shape, &mut |spot, _| {
        if findings.iter().any(|finding| finding.place == Some(spot.place)) {
            told.push(spot.node.place);
        }
    });
    told
}

/// A value that a lint calls a secret is not shown while saying so.
fn told_secrets(findings: &[Diagnostic]) -> impl Iterator<Item = Place> + '_ {
    findings.iter().filter(|finding| finding.code == SECRET_LITERAL).filter_map(|finding| finding.place)
}

/// The values of a Kubernetes Secret are secret whether or not the rest of it is right.
pub(super) fn secret_data(node: &Node, secrets: &mut Vec<Place>) {
    if node.get("kind").and_then(Node::as_str) == Some("Secret") {
        let values = ["data", "stringData"].into_iter().filter_map(|field| node.get(field)?.as_map());
        secrets.extend(values.flat_map(|map| map.iter()).map(|(_, value)| value.place));
    }
}
