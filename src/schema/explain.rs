//! Validation errors → findings: which place, which words, which edit.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value as Json;

use super::lookup::Lookup;
use super::spot::{Spot, written};
use super::words::{few, join_or, plain, said, with_article};
use super::{format, mend};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::source::Sources;
use crate::yaml::{Node, Value};

/// Only the most telling of the findings about one value is shown; those about a map's fields all are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Fields,
    Type,
    Value,
    Length,
    Form,
    Pattern,
    Other,
}

pub(super) struct Finding {
    /// JSON pointer of the value that it is about.
    pub pointer: String,
    pub rank: Rank,
    /// Whether it only follows from findings about the value itself.
    pub is_echo: bool,
    /// The fields of which one is missing; a misspelt one may be among those that are there.
    pub lacks: Vec<String>,
    pub diagnostic: Diagnostic,
}

impl Finding {
    pub fn new(pointer: impl Into<String>, rank: Rank, diagnostic: Diagnostic) -> Self {
        Self { pointer: pointer.into(), rank, is_echo: false, lacks: Vec::new(), diagnostic }
    }
}

/// Drops what others explain better, and sorts by place.
pub(super) fn arrange(findings: Vec<Finding>) -> Vec<Diagnostic> {
    let is_said_better = |finding: &Finding| {
        findings.iter().any(|other| {
            let is_same = other.pointer == finding.pointer;
            let mends = || other.diagnostic.fix.iter().flat_map(|fix| &fix.edits);
            if is_same && mends().any(|edit| finding.lacks.contains(&edit.text)) {
                return true;
            }
            let is_below =
                other.pointer.strip_prefix(&finding.pointer).is_some_and(|rest| rest.starts_with('/'));
            if finding.is_echo {
                !other.is_echo && (is_same || is_below)
            } else {
                let about_value = finding.rank != Rank::Fields && other.rank != Rank::Fields;
                about_value && is_same && other.rank < finding.rank
            }
        })
    };
    let kept: Vec<bool> = findings.iter().map(|finding| !is_said_better(finding)).collect();
    let mut diagnostics: Vec<Diagnostic> = findings
        .into_iter()
        .zip(kept)
        .filter(|(_, kept)| *kept)
        .map(|(finding, _)| finding.diagnostic)
        .collect();
    diagnostics.sort_by(|a, b| (a.place, &a.code, &a.message).cmp(&(b.place, &b.code, &b.message)));
    diagnostics.dedup_by(|a, b| a.place == b.place && a.message == b.message);
    diagnostics
}

/// What explaining needs to know.
pub(super) struct Explainer<'a> {
    pub schema: &'a Json,
    pub root: &'a Node,
    pub sources: &'a Sources,
}

/// One error with what it is about.
pub(super) struct Case<'a> {
    pub pointer: String,
    pub spot: Spot<'a>,
    /// The part of the schema that refuses.
    pub holder: Option<&'a Json>,
}

impl<'a> Explainer<'a> {
    pub fn lookup(&self) -> Lookup<'a> {
        Lookup(self.schema)
    }

    pub fn case_of(&self, error: &ValidationError<'_>) -> Case<'a> {
        let pointer = error.instance_path().as_str();
        let holder = self.lookup().holder(error.schema_path().as_str());
        Case { pointer: pointer.to_owned(), spot: Spot::find(self.root, pointer, self.sources), holder }
    }

    pub fn explain(&self, error: &ValidationError<'_>) -> Vec<Finding> {
        let case = self.case_of(error);
        match error.kind() {
            Kind::AdditionalProperties { unexpected } => self.unexpected(&case, unexpected),
            Kind::UnevaluatedProperties { unexpected } => self.unevaluated(&case, unexpected),
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                vec![self.missing(&case, name, error.schema_path().as_str())]
            }
            Kind::PropertyNames { error } => vec![self.bad_key(&case, error)],
            Kind::OneOfNotValid { context } | Kind::AnyOf { context } => {
                self.no_branch(&case, error.kind().keyword(), context)
            }
            Kind::OneOfMultipleValid { context } => vec![self.many_branches(&case, context)],
            Kind::FalseSchema => vec![self.forbidden(&case)],
            Kind::Not { schema } => vec![self.not(&case, schema)],
            kind => self.value(&case, kind),
        }
    }

    /// Explains an error about one value alone.
    fn value(&self, case: &Case<'a>, kind: &Kind) -> Vec<Finding> {
        let (rank, diagnostic) = match kind {
            Kind::Type { kind } => {
                // The schema's own order reads better than the validator's.
                let own = case.holder.and_then(|holder| holder.get("type")?.as_array());
                let own: Vec<&str> = own.into_iter().flatten().filter_map(Json::as_str).collect();
                let due = if own.is_empty() { type_names(kind) } else { own };
                (Rank::Type, self.wrong_type(case, &due))
            }
            Kind::Enum { options } => {
                let values: Vec<&Json> = options.as_array().into_iter().flatten().collect();
                (Rank::Value, self.unknown_value(case, &values))
            }
            Kind::Constant { expected_value } => {
                (Rank::Value, self.unknown_value(case, &[expected_value.as_ref()]))
            }
            Kind::Format { format } => (Rank::Form, self.wrong_form(case, format)),
            Kind::Pattern { pattern } => (Rank::Pattern, self.wrong_pattern(case, pattern)),
            Kind::UniqueItems => (Rank::Other, self.duplicate(case)),
            kind => self.limit(case, kind),
        };
        vec![Finding::new(&case.pointer, rank, diagnostic)]
    }

    pub fn wrong_type(&self, case: &Case<'a>, due: &[&str]) -> Diagnostic {
        let spot = &case.spot;
        if let Some(placeholder) = self.placeholder(case) {
            return placeholder;
        }
        let due: Vec<&str> = due.iter().copied().filter(|name| *name != "null").collect();
        let expected = join_or(due.iter().map(|name| with_article(name).to_owned()));
        let found = match &spot.node.value {
            Value::Number(number) if due.contains(&"integer") => number.to_string(),
            _ => with_article(spot.node.type_name()).to_owned(),
        };
        let message = format!("{} must be {expected}, not {found}", spot.subject());
        let diagnostic = Diagnostic::error("wrong-type", message)
            .at(spot.place(self.sources))
            .label(format!("expected {expected}"));
        mend::retype(diagnostic, spot.node, &due, case.holder, self)
    }

    pub fn unknown_value(&self, case: &Case<'a>, values: &[&Json]) -> Diagnostic {
        let spot = &case.spot;
        let is_text_due = !values.is_empty() && values.iter().all(|value| value.is_string());
        if is_text_due && matches!(spot.node.value, Value::Bool(_) | Value::Number(_)) {
            return self.wrong_type(case, &["string"]);
        }
        if let Some(placeholder) = self.placeholder(case) {
            return placeholder;
        }
        let shown: Vec<String> =
            values.iter().filter(|value| **value != "").map(|value| format!("`{}`", plain(value))).collect();
        let found = match &spot.node.value {
            Value::List(_) | Value::Map(_) => with_article(spot.node.type_name()).to_owned(),
            Value::String(text) if text.is_empty() => "empty".to_owned(),
            _ => format!("`{}`", plain(&spot.node.to_json())),
        };
        let (message, label) = match shown.as_slice() {
            [only] => (format!("{} must be {only}, not {found}", spot.subject()), format!("expected {only}")),
            _ => {
                (format!("{} cannot be {found}", spot.subject()), "not one of the possible values".to_owned())
            }
        };
        let mut diagnostic =
            Diagnostic::error("unknown-value", message).at(spot.place(self.sources)).label(label);
        if shown.len() > 1 {
            diagnostic = diagnostic.help(format!("possible values: {}", few(&shown, 12)));
        }
        let word = spot.node.as_str().unwrap_or_default();
        let near =
            did_you_mean(word, values.iter().filter_map(|value| value.as_str()).filter(|v| !v.is_empty()));
        match near {
            Some(near) => mend::replace_value(diagnostic, spot.node, near, self.sources),
            None => diagnostic,
        }
    }

    fn wrong_form(&self, case: &Case<'a>, name: &str) -> Diagnostic {
        let spot = &case.spot;
        if let Some(placeholder) = self.placeholder(case) {
            return placeholder;
        }
        let text = spot.node.as_str().unwrap_or_default();
        let why = match format::check(name, text) {
            Some(Err(why)) => why,
            _ => format!("`{text}` is no valid {name}"),
        };
        let label =
            format::noun(name).map_or_else(|| format!("not a valid {name}"), |noun| format!("not {noun}"));
        let diagnostic = Diagnostic::error("wrong-format", format!("{}: {why}", spot.subject()))
            .at(spot.place(self.sources))
            .label(label);
        // A number or boolean in quotes may only have been meant without them.
        let due = case.holder.map_or(Vec::new(), |holder| self.lookup().types(holder));
        mend::unquote(diagnostic, spot.node, &due, self.sources)
    }

    fn wrong_pattern(&self, case: &Case<'a>, pattern: &str) -> Diagnostic {
        if let Some(placeholder) = self.placeholder(case) {
            return placeholder;
        }
        let spot = &case.spot;
        let message = match said(case.holder, "x-pattern-message") {
            Some(why) => format!("{}: {why}", spot.subject()),
            None => format!("{} does not have the form `{pattern}`", spot.subject()),
        };
        Diagnostic::error("wrong-format", message)
            .at(spot.place(self.sources))
            .label("not of the form due here")
    }

    fn placeholder(&self, case: &Case<'a>) -> Option<Diagnostic> {
        let spot = &case.spot;
        let text = spot.node.as_str().filter(|text| format::is_placeholder(text))?;
        let message = format!("{} looks like a placeholder that was not filled: `{text}`", spot.subject());
        Some(
            Diagnostic::error("placeholder", message)
                .at(spot.place(self.sources))
                .label("a placeholder")
                .help("replace it by the value that is meant"),
        )
    }

    fn duplicate(&self, case: &Case<'a>) -> Diagnostic {
        let items = case.spot.node.as_list().unwrap_or_default();
        let values: Vec<Json> = items.iter().map(Node::to_json).collect();
        let pair = (1..items.len()).find_map(|second| {
            (0..second).find(|first| values[*first] == values[second]).map(|first| (first, second))
        });
        let message = format!("{} has the same item twice", case.spot.subject());
        let diagnostic = Diagnostic::error("duplicate-item", message).help("keep one of them");
        match pair {
            Some((first, second)) => diagnostic
                .at(items[second].place)
                .label("given again here")
                .related(items[first].place, "first given here"),
            None => diagnostic.at(case.spot.heading()),
        }
    }

    /// Writes a key of a map as its file does.
    pub fn key_text(&self, node: &Node, name: &str) -> String {
        let key = node.as_map().and_then(|map| map.key(name));
        key.map_or_else(|| name.to_owned(), |key| written(key, self.sources))
    }
}

fn type_names(kind: &TypeKind) -> Vec<&'static str> {
    match kind {
        TypeKind::Single(one) => vec![one.as_str()],
        TypeKind::Multiple(set) => set.iter().map(|one| one.as_str()).collect(),
    }
}
