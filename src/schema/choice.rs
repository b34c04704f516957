//! Which branch of a `oneOf` or `anyOf` a value was meant to fit.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value as Json;

use super::lookup::Lookup;
use crate::yaml::{Map, Node, Value};

/// The errors of one branch; none if it accepts.
pub(super) type Refusal = Vec<ValidationError<'static>>;

/// What a node that fits no branch was meant to be.
pub(super) enum Meant<'s> {
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

/// The branches of one `oneOf` or `anyOf` and what each refuses.
pub(super) struct Choice<'s, 'e> {
    pub lookup: Lookup<'s>,
    pub branches: &'s [Json],
    pub refusals: &'e [Refusal],
    /// JSON pointer of the value that they refuse.
    pub pointer: &'e str,
}

impl<'s> Choice<'s, '_> {
    pub fn meant(&self, node: &Node) -> Meant<'s> {
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
    pub fn rivals(&self, index: usize, node: &Node, name: &str) -> bool {
        let is_known = self.branches.iter().any(|branch| self.lookup.property(branch, name).is_some());
        is_known && node.as_map().is_some_and(|map| self.own(index, map, name).is_some())
    }

    /// Returns the field by which a branch differs from those that know `rival`.
    pub fn own<'m>(&self, index: usize, map: &'m Map, rival: &str) -> Option<&'m str> {
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
