//! Findings about `oneOf` and `anyOf`: which branch was meant, and what that one refuses.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value as Json;

use super::explain::{Case, Explainer, Finding, Rank, join_or, with_article};
use super::lookup::Lookup;
use crate::diagnostic::Diagnostic;
use crate::source::Place;
use crate::yaml::{Map, Node, Value};

/// The errors of one branch; none if it accepts.
type Refusal = Vec<ValidationError<'static>>;

/// What a node that fits no branch was meant to be.
enum Meant<'s> {
    /// One branch, by its index.
    Branch(usize),
    /// No branch takes its type.
    Types(Vec<&'s str>),
    /// Each branch lacks only fields: one set of names for each.
    Missing(Vec<Vec<String>>),
    /// A field that tells the branches apart has a value that none of them takes.
    Value(&'s str, Vec<&'s Json>),
    /// It is itself one of few values, and none of them.
    Values(Vec<&'s Json>),
    Nothing,
}

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
        Finding::new(&case.pointer, Rank::Fields, diagnostic)
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

/// The branches of one `oneOf` or `anyOf` and what each refuses.
struct Choice<'s, 'e> {
    lookup: Lookup<'s>,
    branches: &'s [Json],
    refusals: &'e [Refusal],
    pointer: &'e str,
}

impl<'s> Choice<'s, '_> {
    fn meant(&self, node: &Node) -> Meant<'s> {
        let all: Vec<usize> = (0..self.branches.len()).collect();
        let mut fitting: Vec<usize> = all.iter().copied().filter(|i| self.takes_type(*i, node)).collect();
        match fitting.as_slice() {
            [] => return self.by_type(&all, node),
            [only] => return Meant::Branch(*only),
            _ => {}
        }
        if let Some(sets) = self.missing(&fitting) {
            return Meant::Missing(sets);
        }
        if let Some(map) = node.as_map() {
            match self.discriminate(&fitting, map) {
                Ok(kept) => fitting = kept,
                Err((property, values)) => return Meant::Value(property, values),
            }
            return self.best(&fitting, map);
        }
        let values: Option<Vec<Vec<&Json>>> =
            fitting.iter().map(|i| self.lookup.values(&self.branches[*i])).collect();
        match (values, fitting.as_slice()) {
            (Some(values), _) => Meant::Values(values.concat()),
            (None, [only]) => Meant::Branch(*only),
            _ if node.as_list().is_some() => self.least(&fitting).map_or(Meant::Nothing, Meant::Branch),
            _ => Meant::Nothing,
        }
    }

    fn takes_type(&self, index: usize, node: &Node) -> bool {
        let types = self.lookup.types(&self.branches[index]);
        let own: &[&str] = match &node.value {
            Value::Null => &["null"],
            Value::Bool(_) => &["boolean"],
            Value::Number(number) if number.is_f64() => &["number"],
            Value::Number(_) => &["integer", "number"],
            Value::String(_) => &["string"],
            Value::List(_) => &["array"],
            Value::Map(_) => &["object"],
        };
        types.is_empty() || own.iter().any(|name| types.contains(name))
    }

    /// Chooses where no branch takes the type: a scalar was meant as another scalar.
    fn by_type(&self, all: &[usize], node: &Node) -> Meant<'s> {
        let mut union = Vec::new();
        for name in all.iter().flat_map(|i| self.lookup.types(&self.branches[*i])) {
            if !union.contains(&name) {
                union.push(name);
            }
        }
        let is_scalar = |name: &str| matches!(name, "string" | "integer" | "number" | "boolean");
        let scalars: Vec<usize> = all
            .iter()
            .copied()
            .filter(|i| self.lookup.types(&self.branches[*i]).iter().any(|name| is_scalar(name)))
            .collect();
        match (&node.value, scalars.as_slice()) {
            (Value::Number(_) | Value::Bool(_), [only]) => Meant::Branch(*only),
            _ => Meant::Types(union),
        }
    }

    /// Returns the fields that each branch lacks, if lacking them is all that is wrong.
    fn missing(&self, fitting: &[usize]) -> Option<Vec<Vec<String>>> {
        let name = |error: &ValidationError<'_>| match error.kind() {
            Kind::Required { property } if error.instance_path().as_str() == self.pointer => {
                property.as_str().map(str::to_owned)
            }
            _ => None,
        };
        fitting.iter().map(|i| self.refusals[*i].iter().map(name).collect()).collect()
    }

    /// Keeps the branches whose constants and enums the map's fields match.
    fn discriminate(&self, fitting: &[usize], map: &Map) -> Result<Vec<usize>, (&'s str, Vec<&'s Json>)> {
        let mut kept: Vec<usize> = fitting.to_vec();
        for (key, node) in map.iter() {
            let taken = |i: &usize| {
                let (name, property) =
                    self.lookup.properties(&self.branches[*i]).into_iter().find(|(name, _)| *name == key)?;
                self.lookup.values(property).map(|values| (name, values))
            };
            let known: Vec<_> = kept.iter().filter_map(taken).collect();
            let Some((name, _)) = known.first().filter(|_| known.len() == kept.len()) else { continue };
            let json = node.to_json();
            let matching: Vec<usize> = kept
                .iter()
                .copied()
                .filter(|i| taken(i).is_some_and(|(_, values)| values.contains(&&json)))
                .collect();
            if matching.is_empty() {
                let mut values = Vec::new();
                known.iter().flat_map(|(_, values)| values).for_each(|value| {
                    if !values.contains(value) {
                        values.push(*value);
                    }
                });
                return Err((*name, values));
            }
            kept = matching;
        }
        Ok(kept)
    }

    /// Chooses the branch that knows most of the map's fields, then the one that refuses least.
    fn best(&self, fitting: &[usize], map: &Map) -> Meant<'s> {
        if let [only] = fitting {
            return Meant::Branch(*only);
        }
        let known = |i: usize| {
            let properties = self.lookup.properties(&self.branches[i]);
            map.keys().filter(|key| properties.iter().any(|(name, _)| name == key)).count()
        };
        let most = fitting.iter().map(|i| known(*i)).max().unwrap_or(0);
        let best: Vec<usize> = fitting.iter().copied().filter(|i| known(*i) == most).collect();
        match self.least(&best) {
            Some(index) if most > 0 || fitting.iter().all(|i| self.is_open(*i)) => Meant::Branch(index),
            _ => Meant::Nothing,
        }
    }

    /// A branch that names no fields cannot be told from others by them.
    fn is_open(&self, index: usize) -> bool {
        self.lookup.properties(&self.branches[index]).is_empty()
    }

    /// Returns the branch with the fewest errors, and among equals the one whose errors lie deepest.
    fn least(&self, among: &[usize]) -> Option<usize> {
        among.iter().copied().min_by_key(|i| {
            let depth = |error: &ValidationError<'_>| error.instance_path().as_str().matches('/').count();
            let deepest = self.refusals[*i].iter().map(depth).max().unwrap_or(0);
            (self.refusals[*i].len(), usize::MAX - deepest)
        })
    }

    /// Says whether a field that one branch does not know is another branch's way of saying the same.
    fn rivals(&self, index: usize, node: &Node, name: &str) -> bool {
        let is_known = self.branches.iter().any(|branch| self.lookup.property(branch, name).is_some());
        is_known && node.as_map().is_some_and(|map| self.own(index, map, name).is_some())
    }

    /// Returns the field by which a branch differs from those that know `rival`.
    fn own<'m>(&self, index: usize, map: &'m Map, rival: &str) -> Option<&'m str> {
        let others: Vec<&Json> =
            self.branches.iter().filter(|branch| self.lookup.property(branch, rival).is_some()).collect();
        let properties = self.lookup.properties(&self.branches[index]);
        let is_own = |key: &&str| {
            properties.iter().any(|(name, _)| name == key)
                && others.iter().all(|branch| self.lookup.property(branch, key).is_none())
        };
        map.keys().find(is_own)
    }
}
