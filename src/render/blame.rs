//! What is wrong with a patched object → the patch of a profile that made it so.

use std::slice;

use super::encode_secret;
use crate::diagnostic::Diagnostic;
use crate::kubernetes::custom::Definitions;
use crate::manifest::check_object;
use crate::profile::{Patch, patch};
use crate::source::{Place, SourceKind, Sources};
use crate::yaml::Node;

/// An object before its patches.
pub(super) struct Unpatched<'u> {
    pub node: Node,
    pub patches: &'u [Patch],
    pub is_rendered: bool,
    /// The name of the manifest that it is made of.
    pub manifest: Place,
}

impl Unpatched<'_> {
    /// Points at what a profile makes wrong, and at the manifest that it does so to.
    pub fn blame(&self, finding: Diagnostic, definitions: &Definitions, sources: &Sources) -> Diagnostic {
        let finding = self.at_patch(finding, definitions, sources);
        let kind = |place: Place| sources.get(place.source).kind;
        let is_of_profile = finding.place.is_some_and(|place| kind(place) == SourceKind::Profile);
        let is_written = |place| matches!(kind(place), SourceKind::Manifest | SourceKind::Argument);
        if is_of_profile && !finding.places().any(is_written) {
            return finding.related(self.manifest, "in what this becomes");
        }
        finding
    }

    /// Points at the first patch with which there is this finding, unless it points into a profile already.
    fn at_patch(&self, mut finding: Diagnostic, definitions: &Definitions, sources: &Sources) -> Diagnostic {
        let is_in_profile = |place: Place| sources.get(place.source).kind == SourceKind::Profile;
        if finding.places().any(is_in_profile) {
            return finding;
        }
        let is_found = |node: &Node| {
            let mut node = node.clone();
            if self.is_rendered {
                encode_secret(&mut node);
            }
            let findings = check_object(&node, definitions, sources);
            findings.iter().any(|other| other.code == finding.code && other.message == finding.message)
        };
        let mut node = self.node.clone();
        if is_found(&node) {
            return finding;
        }
        let culprit = self.patches.iter().find(|one| {
            patch(&mut node, slice::from_ref(one), sources, &mut Vec::new());
            is_found(&node)
        });
        let Some(culprit) = culprit else { return finding };
        let label = std::mem::replace(
            &mut finding.label,
            format!("the profile `{}` makes it so here", culprit.profile),
        );
        if let Some(place) = finding.place.replace(culprit.key.place) {
            let label = if label.is_empty() { "found here".to_owned() } else { label };
            finding.related.insert(0, (place, label));
        }
        finding.fix = None;
        finding
    }
}
