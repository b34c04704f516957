//! What is wrong with files of a kind, kept with their texts until some run tells it.

use std::sync::Arc;

use super::folder::Text;
use crate::diagnostic::{Class, Diagnostic};
use crate::source::{Place, Source, SourceId, SourceKind, Sources};

/// Findings about files that are read once, for however many runs' texts.
#[derive(Debug, Clone)]
pub struct Flaws {
    sources: Arc<Sources>,
    findings: Arc<[Diagnostic]>,
}

impl Flaws {
    /// Keeps findings; whatever they say, they mean that the kind cannot be used.
    pub fn new(sources: &Arc<Sources>, findings: Vec<Diagnostic>) -> Flaws {
        let unusable = |finding: Diagnostic| Diagnostic { code: "bad-kind".into(), ..finding };
        let findings = findings.into_iter().map(|finding| unusable(finding).class(Class::Unable));
        Flaws { sources: Arc::clone(sources), findings: findings.collect() }
    }

    /// Keeps a finding as it is.
    pub(super) fn one(sources: &Arc<Sources>, finding: Diagnostic) -> Flaws {
        Flaws { sources: Arc::clone(sources), findings: Arc::new([finding]) }
    }

    /// Keeps a finding that is in no text.
    pub(super) fn of(finding: Diagnostic) -> Flaws {
        Flaws { sources: Arc::default(), findings: Arc::new([finding]) }
    }

    /// Keeps a finding about a whole file.
    pub(super) fn at_start(text: Text, finding: Diagnostic) -> Flaws {
        let sources = Sources::default();
        let id = sources.add(Source::new(SourceKind::Manifest, text.name, text.text));
        Flaws { sources: Arc::new(sources), findings: Arc::new([finding.at(Place::new(id, 0..0))]) }
    }

    /// Brings the findings, and the texts that they are in, among the texts of a run.
    pub fn tell(&self, sources: &Sources) -> Vec<Diagnostic> {
        let mut moved: Vec<(SourceId, SourceId)> = Vec::new();
        let mut to_here = |place: Place| {
            let known = moved.iter().find(|(old, _)| *old == place.source).map(|(_, new)| *new);
            let source = known.unwrap_or_else(|| {
                let text = self.sources.get(place.source);
                let new = sources.add(Source::new(text.kind, text.name.clone(), text.text.clone()));
                moved.push((place.source, new));
                new
            });
            Place { source, ..place }
        };
        let mut told = self.findings.to_vec();
        for finding in &mut told {
            finding.place = finding.place.map(&mut to_here);
            finding.related.iter_mut().for_each(|(place, _)| *place = to_here(*place));
            let edits = finding.fix.iter_mut().flat_map(|fix| &mut fix.edits);
            edits.for_each(|edit| edit.place = to_here(edit.place));
        }
        told
    }
}
