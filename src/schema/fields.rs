//! Findings about the fields of a map: which are unknown, missing, misnamed or not allowed.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::{Map, Value as Json};

use super::explain::{Case, Explainer, Finding, Rank};
use super::words::{few, plain, said};
use super::{format, mend};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::source::SourceKind;
use crate::yaml::{Key, Value};

/// How many fields are named where all cannot be.
const SHOWN_FIELDS: usize = 8;
/// How deep a field is looked for that stands in the wrong place.
const SEARCH_DEPTH: usize = 5;

impl<'a> Explainer<'a> {
    pub fn unexpected(&self, case: &Case<'a>, unexpected: &[String]) -> Vec<Finding> {
        unexpected
            .iter()
            .map(|name| Finding::new(&case.pointer, Rank::Fields, self.unknown_field(case, name)))
            .collect()
    }

    /// `unevaluatedProperties` also names each property whose own value was refused, and all those beside it that
    /// the same part of the schema declares; those are echoes.
    pub fn unevaluated(&self, case: &Case<'a>, unexpected: &[String]) -> Vec<Finding> {
        let known = case.holder.map_or(Vec::new(), |holder| self.known(holder));
        unexpected
            .iter()
            .map(|name| {
                let pointer = match known.contains(&name.as_str()) {
                    true => case.pointer.clone(),
                    false => format!("{}/{}", case.pointer, name.replace('~', "~0").replace('/', "~1")),
                };
                Finding {
                    is_echo: true,
                    ..Finding::new(pointer, Rank::Fields, self.unknown_field(case, name))
                }
            })
            .collect()
    }

    fn unknown_field(&self, case: &Case<'a>, name: &str) -> Diagnostic {
        let spot = &case.spot;
        let Some(map) = spot.node.as_map() else {
            return Diagnostic::error("unknown-field", format!("unknown field `{name}`")).at(spot.heading());
        };
        let place = map.key(name).map_or(spot.heading(), |key| key.place);
        let shown = self.key_text(spot.node, name);
        let message = format!("unknown field `{shown}`{}", spot.inside());
        let diagnostic = Diagnostic::error("unknown-field", message).at(place);
        let known = case.holder.map_or(Vec::new(), |holder| self.known(holder));
        if known.contains(&name) {
            let mut diagnostic = diagnostic.label("not possible together with the fields beside it");
            diagnostic.message = format!("`{}` is not possible here", spot.below(&shown));
            return diagnostic;
        }
        let free: Vec<&str> = known.iter().copied().filter(|field| map.get(field).is_none()).collect();
        if let Some(near) = did_you_mean(name, free.iter().copied()) {
            let diagnostic = diagnostic.label("not a field here");
            return match map.key(name) {
                Some(key) => mend::rename(diagnostic, key, near, self.sources),
                None => diagnostic,
            };
        }
        if let Some(given) = did_you_mean(name, known) {
            let words = match self.sources.get(place.source).kind {
                SourceKind::Argument => format!("did you mean `{given}`?"),
                _ => format!("a field with a similar name is given already: `{given}`"),
            };
            return diagnostic.label("not a field here").help(words);
        }
        let diagnostic = match self.home(name, spot.path.as_str()) {
            Some(home) => diagnostic.help(format!("there is such a field elsewhere: {home}")),
            None => diagnostic,
        };
        let fields: Vec<String> = free.iter().map(|field| format!("`{field}`")).collect();
        let diagnostic = diagnostic.label("not a field here");
        match fields.len() {
            0 if map.entries.len() > 1 => {
                diagnostic.help("all fields that are possible here are given already")
            }
            0 => diagnostic.help("remove it: no fields are possible here"),
            _ => diagnostic.help(format!("possible here: {}", few(&fields, SHOWN_FIELDS))),
        }
    }

    fn known(&self, holder: &'a Json) -> Vec<&'a str> {
        // The combinations beside `additionalProperties` do not widen it; those beside `unevaluatedProperties` do.
        if holder.get("unevaluatedProperties").is_some() {
            return self.lookup().properties(holder).into_iter().map(|(name, _)| name).collect();
        }
        holder
            .get("properties")
            .and_then(Json::as_object)
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect()
    }

    /// Says where else a field of this name is known, if that is one or two places.
    fn home(&self, name: &str, here: &str) -> Option<String> {
        let paths = self.lookup().paths_of(name, SEARCH_DEPTH);
        let others: Vec<String> = paths
            .iter()
            .filter(|path| path.rsplit_once('.').map_or("", |p| p.0) != here)
            .map(|p| format!("`{p}`"))
            .collect();
        (1..=2).contains(&others.len()).then(|| others.join(" and "))
    }

    pub fn missing(&self, case: &Case<'a>, name: &str, location: &str) -> Finding {
        let spot = &case.spot;
        let key = |name: &str| spot.node.as_map().and_then(|map| map.key(name));
        let asking = || {
            let asked = case.holder?.get("dependentRequired")?.as_object()?;
            let needs = |names: &Json| names.as_array().is_some_and(|names| names.iter().any(|n| n == name));
            asked.iter().find_map(|(asking, names)| key(asking).filter(|_| needs(names)))
        };
        let diagnostic = if let Some(null) = key(name) {
            let path = spot.below(&self.key_text(spot.node, name));
            Diagnostic::error("missing-field", format!("`{path}` needs a value"))
                .at(null.place)
                .label("has no value")
        } else if let Some(asking) = location.ends_with("/dependentRequired").then(asking).flatten() {
            let by = self.key_text(spot.node, &asking.text);
            Diagnostic::error(
                "missing-field",
                format!("missing field `{name}`{}, which `{by}` needs", spot.inside()),
            )
            .at(asking.place)
            .label(format!("needs `{name}` beside it"))
        } else {
            Diagnostic::error("missing-field", format!("missing field `{name}`{}", spot.inside()))
                .at(spot.heading())
                .label(format!("lacks `{name}`"))
        };
        let why = said(case.holder, "x-message").map(str::to_owned);
        let diagnostic =
            why.into_iter().chain([self.line_to_add(case, name)]).fold(diagnostic, Diagnostic::help);
        Finding { lacks: vec![name.to_owned()], ..Finding::new(&case.pointer, Rank::Fields, diagnostic) }
    }

    /// Writes the line that is missing, as far as the schema says what it may be.
    pub fn line_to_add(&self, case: &Case<'a>, name: &str) -> String {
        let lookup = self.lookup();
        let property = case
            .holder
            .and_then(|holder| lookup.property(holder, name))
            .or_else(|| lookup.property(lookup.at(&case.pointer)?, name));
        let Some(property) = property else { return format!("add `{name}`") };
        let example = lookup
            .annotation(property, "examples")
            .and_then(|examples| examples.get(0))
            .or_else(|| lookup.annotation(property, "default"))
            .or_else(|| lookup.values(property).filter(|values| values.len() == 1).map(|values| values[0]))
            .filter(|value| !value.is_object() && !value.is_array() && !value.is_null());
        let line = match example {
            Some(Json::String(text)) => format!("add `{name}: {}`", mend::scalar(text)),
            Some(value) => format!("add `{name}: {}`", plain(value)),
            None => format!("add `{name}`"),
        };
        match lookup.annotation(property, "description").and_then(Json::as_str) {
            Some(description) => format!("{line}: {}", first_sentence(description)),
            None => line,
        }
    }

    pub fn bad_key(&self, case: &Case<'a>, error: &ValidationError<'_>) -> Finding {
        let spot = &case.spot;
        let value = error.instance();
        let name = value.as_str().unwrap_or_default();
        let key = spot.node.as_map().and_then(|map| map.key(name));
        let at = format!("key `{name}`{}", spot.inside());
        let diagnostic = match (error.kind(), key) {
            (Kind::Enum { options }, _) => {
                let known: Vec<&str> =
                    options.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
                let shown: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                let diagnostic = Diagnostic::error("unknown-field", format!("unknown {at}"))
                    .label("not a key here")
                    .help(format!("possible keys: {}", few(&shown, SHOWN_FIELDS)));
                match (key, did_you_mean(name, known)) {
                    (Some(key), Some(near)) => mend::rename(diagnostic, key, near, self.sources),
                    _ => diagnostic,
                }
            }
            (kind, _) => {
                let holder = self.lookup().holder(error.schema_path().as_str());
                let (code, message, label) = key_words(kind, name, &at, said(holder, "x-pattern-message"));
                Diagnostic::error(code, message).label(label)
            }
        };
        let place = key.map_or(spot.heading(), |key| key.place);
        Finding::new(&case.pointer, Rank::Fields, diagnostic.at(place))
    }

    pub fn forbidden(&self, case: &Case<'a>) -> Finding {
        let spot = &case.spot;
        let place = spot.key.map_or(spot.node.place, |key| key.place);
        let diagnostic = Diagnostic::error("not-allowed", format!("{} is not allowed here", spot.subject()))
            .at(place)
            .label("not allowed here")
            .help("remove it");
        Finding::new(&case.pointer, Rank::Type, diagnostic)
    }

    /// Explains `not`, which mostly forbids fields, alone or together.
    pub fn not(&self, case: &Case<'a>, schema: &Json) -> Finding {
        let spot = &case.spot;
        let why = said(case.holder, "x-message").map(|why| match spot.path.as_str() {
            "" => why.to_owned(),
            _ => format!("{}: {why}", spot.subject()),
        });
        let names =
            schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        let keys: Vec<&Key> =
            names.filter_map(|name| spot.node.as_map().and_then(|map| map.key(name))).collect();
        let diagnostic = match keys.as_slice() {
            [_, _, ..] => self.not_together(case, &keys, why),
            [only] => {
                let path = spot.below(&self.key_text(spot.node, &only.text));
                let message = why.unwrap_or_else(|| format!("`{path}` is not allowed here"));
                Diagnostic::error("not-allowed", message).at(only.place).label("not allowed here")
            }
            [] => {
                let message = why.unwrap_or_else(|| match (&spot.node.value, self.lookup().values(schema)) {
                    (Value::String(text), Some(_)) => format!("{} cannot be `{text}`", spot.subject()),
                    _ => format!("{} has a value that is not allowed", spot.subject()),
                });
                Diagnostic::error("not-allowed", message)
                    .at(spot.place(self.sources))
                    .label("not allowed here")
            }
        };
        Finding::new(&case.pointer, if keys.is_empty() { Rank::Other } else { Rank::Fields }, diagnostic)
    }

    fn not_together(&self, case: &Case<'a>, keys: &[&Key], why: Option<String>) -> Diagnostic {
        let name = |key: &&Key| format!("`{}`", self.key_text(case.spot.node, &key.text));
        let names: Vec<String> = keys.iter().map(name).collect();
        let message = why.unwrap_or_else(|| {
            format!("{} cannot be given together{}", names.join(" and "), case.spot.inside())
        });
        let mut places: Vec<_> = keys.iter().map(|key| key.place).collect();
        places.sort();
        let (first, last) = (places[0], places[places.len() - 1]);
        Diagnostic::error("too-many-of", message)
            .at(last)
            .label("cannot be given together")
            .related(first, "with this")
            .help("remove one of them")
    }
}

/// Says what is wrong with a key: code, message, label.
fn key_words(kind: &Kind, name: &str, at: &str, said: Option<&str>) -> (&'static str, String, String) {
    let form = |why: &str, noun: &str| ("wrong-format", format!("{at}: {why}"), format!("not {noun}"));
    match kind {
        _ if format::is_placeholder(name) => {
            let message = format!("the {at} looks like a placeholder that was not filled");
            ("placeholder", message, "a placeholder".into())
        }
        Kind::Format { format } => {
            let why = format::check(format, name).and_then(Result::err).unwrap_or_default();
            form(&why, format::noun(format).unwrap_or("a valid key"))
        }
        Kind::Pattern { pattern } => {
            form(said.unwrap_or(&format!("it does not have the form `{pattern}`")), "of the form due here")
        }
        Kind::MaxLength { limit } => {
            ("wrong-length", format!("the {at} is longer than {limit} characters"), "shorten it".into())
        }
        _ => ("not-allowed", format!("the {at} is not allowed"), "not allowed here".into()),
    }
}

fn first_sentence(text: &str) -> &str {
    let text = text.split_once(". ").map_or(text, |(first, _)| first);
    text.lines().next().unwrap_or_default().trim_end_matches('.')
}
