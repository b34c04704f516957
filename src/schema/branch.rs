//! Findings about `oneOf` and `anyOf`: what the branch that was meant refuses.

use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value as Json;

use super::choice::{Choice, Meant, Refusal};
use super::explain::{Case, Explainer, Finding, Rank};
use super::lookup::Lookup;
use super::words::{join_or, with_article};
use crate::diagnostic::Diagnostic;
use crate::source::Place;
use crate::yaml::Map;

impl<'a> Explainer<'a> {
    pub fn no_branch(&self, case: &Case<'a>, keyword: &str, refusals: &[Refusal]) -> Vec<Finding> {
        let branches = case.holder.and_then(|holder| holder.get(keyword)).and_then(Json::as_array);
        let branches = branches.map_or(&[][..], Vec::as_slice);
        if branches.len() != refusals.len() {
            return vec![self.no_form(case, branches)];
        }
        let choice = Choice { lookup: self.lookup(), branches, refusals, pointer: &case.pointer };
        match choice.meant(case.spot.node) {
            Meant::Branch(index) => self.branch(case, &choice, index),
            Meant::Types(types) => {
                vec![Finding::new(&case.pointer, Rank::Type, self.wrong_type(case, &types))]
            }
            Meant::Missing(sets) => vec![self.missing_one(case, &sets)],
            Meant::Value(property, values) => {
                let pointer = format!("{}/{property}", case.pointer);
                let spot = super::spot::Spot::find(self.root, &pointer, self.sources);
                let inner = Case { pointer: pointer.clone(), spot, holder: None };
                vec![Finding::new(pointer, Rank::Value, self.unknown_value(&inner, &values))]
            }
            Meant::Values(values) => {
                vec![Finding::new(&case.pointer, Rank::Value, self.unknown_value(case, &values))]
            }
            Meant::Nothing => vec![self.no_form(case, branches)],
        }
    }

    /// Reports what the branch that was meant refuses. A field that another branch knows is one too many.
    fn branch(&self, case: &Case<'a>, choice: &Choice<'a, '_>, index: usize) -> Vec<Finding> {
        let mut findings = Vec::new();
        for error in &choice.refusals[index] {
            let Kind::AdditionalProperties { unexpected } = error.kind() else {
                findings.extend(self.explain(error));
                continue;
            };
            let is_here = error.instance_path().as_str() == case.pointer;
            let rival = |name: &str| is_here && choice.rivals(index, case.spot.node, name);
            let (too_many, unknown): (Vec<_>, Vec<_>) =
                unexpected.iter().cloned().partition(|name| rival(name));
            if !unknown.is_empty() {
                let mut inner = self.case_of(error);
                inner.holder = inner.holder.or(case.holder);
                findings.extend(self.unexpected(&inner, &unknown));
            }
            if let (Some(second), Some(map)) = (too_many.first(), case.spot.node.as_map()) {
                let own = choice.own(index, map, second);
                let names: Vec<&str> = own.into_iter().chain([second.as_str()]).collect();
                findings.push(self.too_many(case, map, &names));
            }
        }
        findings
    }

    fn missing_one(&self, case: &Case<'a>, sets: &[Vec<String>]) -> Finding {
        let named =
            |set: &Vec<String>| set.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" with ");
        let names = join_or(sets.iter().map(named));
        let message = format!("{} needs one of {names}", case.spot.subject());
        let mut diagnostic = Diagnostic::error("missing-field", message)
            .at(case.spot.heading())
            .label(format!("lacks one of {names}"));
        for name in sets.iter().filter_map(|set| set.first()).take(3) {
            diagnostic = diagnostic.help(self.line_to_add(case, name));
        }
        Finding { lacks: sets.concat(), ..Finding::new(&case.pointer, Rank::Fields, diagnostic) }
    }

    /// Explains that several branches of a `oneOf` accept.
    pub fn many_branches(&self, case: &Case<'a>, refusals: &[Refusal]) -> Finding {
        let lookup = self.lookup();
        let branches = case.holder.and_then(|holder| holder.get("oneOf")).and_then(Json::as_array);
        let branches = branches.map_or(&[][..], Vec::as_slice);
        let valid: Vec<&Json> =
            branches.iter().zip(refusals).filter(|(_, refusal)| refusal.is_empty()).map(|(b, _)| b).collect();
        if let Some(map) = case.spot.node.as_map() {
            let required: Vec<Vec<&str>> = valid.iter().map(|branch| lookup.required(branch)).collect();
            let telling = |index: usize| {
                let others = required.iter().enumerate().filter(move |(other, _)| *other != index);
                let is_own = move |name: &&&str| others.clone().all(|(_, names)| !names.contains(name));
                required[index].iter().find(is_own).copied()
            };
            let names: Vec<&str> = (0..valid.len()).filter_map(telling).collect();
            if names.len() > 1 {
                return self.too_many(case, map, &names);
            }
        }
        let forms = self.forms(&valid.into_iter().cloned().collect::<Vec<_>>());
        let message = format!("{} could be {forms}; it must be only one of them", case.spot.subject());
        let diagnostic = Diagnostic::error("too-many-of", message)
            .at(case.spot.place(self.sources))
            .label("fits more than one form");
        Finding::new(&case.pointer, Rank::Other, diagnostic)
    }

    fn too_many(&self, case: &Case<'a>, map: &Map, names: &[&str]) -> Finding {
        let mut given: Vec<(Place, String)> = names
            .iter()
            .filter_map(|name| map.key(name))
            .map(|key| (key.place, self.key_text(case.spot.node, &key.text)))
            .collect();
        given.sort();
        let listed: Vec<String> = given.iter().map(|(_, name)| format!("`{name}`")).collect();
        let message = format!("only one of {} may be given{}", listed.join(", "), case.spot.inside());
        let mut diagnostic = Diagnostic::error("too-many-of", message).help("keep one and remove the others");
        let mut places = given.iter();
        let first = places.next();
        if let Some((place, _)) = places.next().or(first) {
            diagnostic = diagnostic.at(*place).label("one too many");
        }
        if let (Some((place, _)), true) = (first, given.len() > 1) {
            diagnostic = diagnostic.related(*place, "given here already");
        }
        Finding::new(&case.pointer, Rank::Fields, diagnostic)
    }

    fn no_form(&self, case: &Case<'a>, branches: &[Json]) -> Finding {
        let message = format!("{} must be {}", case.spot.subject(), self.forms(branches));
        let diagnostic = Diagnostic::error("wrong-form", message)
            .at(case.spot.place(self.sources))
            .label("has none of the possible forms");
        Finding::new(&case.pointer, Rank::Type, diagnostic)
    }

    /// Names the forms that branches describe: their titles, or else their types.
    fn forms(&self, branches: &[Json]) -> String {
        // Branches given by value may not outlive the schema, so they are looked at on their own.
        let name = |branch: &Json| {
            let target = branch.get("$ref").and_then(Json::as_str).and_then(|r| r.strip_prefix('#'));
            let branch = target.and_then(|pointer| self.schema.pointer(pointer)).unwrap_or(branch);
            let title = branch.get("title").and_then(Json::as_str).map(str::to_owned);
            title.or_else(|| {
                let types = Lookup(branch).types(branch);
                let words: Vec<String> = types.iter().map(|name| with_article(name).to_owned()).collect();
                (!words.is_empty()).then(|| join_or(words.into_iter()))
            })
        };
        let mut names: Vec<String> = branches.iter().filter_map(name).collect();
        names.dedup();
        if names.is_empty() { "of another form".into() } else { join_or(names.into_iter()) }
    }
}
