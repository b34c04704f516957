//! Findings about sizes: numbers, lengths, counts.

use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value as Json;

use super::explain::{Case, Explainer, Rank};
use super::words::said;
use crate::diagnostic::Diagnostic;

impl<'a> Explainer<'a> {
    pub fn limit(&self, case: &Case<'a>, kind: &Kind) -> (Rank, Diagnostic) {
        let (rank, code, rule, label) = if let Some((rule, label)) = number_limit(case, kind) {
            (Rank::Value, "out-of-range", rule, label)
        } else if let Some((rule, label)) = size_limit(kind) {
            (Rank::Length, "wrong-length", rule, label)
        } else {
            (Rank::Other, "not-allowed", format!("breaks the rule `{}`", kind.keyword()), "not allowed here")
        };
        let rule = said(case.holder, "x-message").map_or(rule, str::to_owned);
        let diagnostic = Diagnostic::error(code, format!("{} {rule}", case.spot.subject()))
            .at(case.spot.place(self.sources))
            .label(label);
        (rank, diagnostic)
    }
}

fn number_limit(case: &Case<'_>, kind: &Kind) -> Option<(String, &'static str)> {
    let bound = |name: &str| case.holder.and_then(|holder| holder.get(name));
    let bits = match bound("maximum") {
        Some(high) if *high == i32::MAX => Some(32),
        Some(high) if *high == i64::MAX => Some(64),
        _ => None,
    };
    let is_signed = bound("minimum").is_some_and(|low| *low == i32::MIN || *low == i64::MIN);
    let range = |words: &str, limit: &Json| match (bound("minimum"), bound("maximum"), bits) {
        (_, Some(high), Some(bits)) if limit == high || is_signed => format!("must fit into {bits} bits"),
        (Some(low), Some(high), None) => format!("must be between {low} and {high}"),
        _ => format!("must be {words} {limit}"),
    };
    Some(match kind {
        Kind::Minimum { limit } => (range("at least", limit), "too small"),
        Kind::Maximum { limit } => (range("at most", limit), "too large"),
        Kind::ExclusiveMinimum { limit } => (format!("must be more than {limit}"), "too small"),
        Kind::ExclusiveMaximum { limit } => (format!("must be less than {limit}"), "too large"),
        Kind::MultipleOf { multiple_of } => (format!("must be a multiple of {multiple_of}"), "no multiple"),
        _ => return None,
    })
}

fn size_limit(kind: &Kind) -> Option<(String, &'static str)> {
    Some(match kind {
        Kind::MinLength { limit: 1 } => ("must not be empty".to_owned(), "empty"),
        Kind::MinLength { limit } => (count("at least", *limit, "character"), "too short"),
        Kind::MaxLength { limit } => (count("at most", *limit, "character"), "too long"),
        Kind::MinItems { limit } => (count("at least", *limit, "item"), "too few items"),
        Kind::MaxItems { limit } => (count("at most", *limit, "item"), "too many items"),
        Kind::AdditionalItems { limit } => (count("at most", *limit as u64, "item"), "too many items"),
        Kind::MinProperties { limit } => (count("at least", *limit, "field"), "too few fields"),
        Kind::MaxProperties { limit } => (count("at most", *limit, "field"), "too many fields"),
        _ => return None,
    })
}

fn count(bound: &str, limit: u64, what: &str) -> String {
    format!("must have {bound} {limit} {what}{}", if limit == 1 { "" } else { "s" })
}
