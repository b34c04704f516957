//! Findings about sizes: numbers, lengths, counts.

use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value as Json;

use super::explain::{Case, Explainer, Rank, words};
use crate::diagnostic::Diagnostic;

impl<'a> Explainer<'a> {
    pub fn limit(&self, case: &Case<'a>, kind: &Kind) -> (Rank, Diagnostic) {
        let bound = |name: &str| case.holder.and_then(|holder| holder.get(name)).map(Json::to_string);
        let range = |words: &str, limit: &Json| match (bound("minimum"), bound("maximum")) {
            (Some(low), Some(high)) => format!("must be between {low} and {high}"),
            _ => format!("must be {words} {limit}"),
        };
        let (rank, code, rule, label) = match kind {
            Kind::Minimum { limit } => (Rank::Value, "out-of-range", range("at least", limit), "too small"),
            Kind::Maximum { limit } => (Rank::Value, "out-of-range", range("at most", limit), "too large"),
            Kind::ExclusiveMinimum { limit } => {
                (Rank::Value, "out-of-range", format!("must be more than {limit}"), "too small")
            }
            Kind::ExclusiveMaximum { limit } => {
                (Rank::Value, "out-of-range", format!("must be less than {limit}"), "too large")
            }
            Kind::MultipleOf { multiple_of } => {
                (Rank::Value, "out-of-range", format!("must be a multiple of {multiple_of}"), "no multiple")
            }
            Kind::MinLength { limit: 1 } => {
                (Rank::Length, "wrong-length", "must not be empty".to_owned(), "empty")
            }
            Kind::MinLength { limit } => {
                (Rank::Length, "wrong-length", format!("must have at least {limit} characters"), "too short")
            }
            Kind::MaxLength { limit } => {
                (Rank::Length, "wrong-length", format!("must have at most {limit} characters"), "too long")
            }
            Kind::MinItems { limit } => {
                (Rank::Length, "wrong-length", count("at least", *limit, "item"), "too few items")
            }
            Kind::MaxItems { limit } => {
                (Rank::Length, "wrong-length", count("at most", *limit, "item"), "too many items")
            }
            Kind::AdditionalItems { limit } => {
                (Rank::Length, "wrong-length", count("at most", *limit as u64, "item"), "too many items")
            }
            Kind::MinProperties { limit } => {
                (Rank::Length, "wrong-length", count("at least", *limit, "field"), "too few fields")
            }
            Kind::MaxProperties { limit } => {
                (Rank::Length, "wrong-length", count("at most", *limit, "field"), "too many fields")
            }
            kind => (
                Rank::Other,
                "not-allowed",
                format!("breaks the rule `{}`", kind.keyword()),
                "not allowed here",
            ),
        };
        let rule = words(case.holder, "x-message").map_or(rule, str::to_owned);
        let diagnostic = Diagnostic::error(code, format!("{} {rule}", case.spot.subject()))
            .at(case.spot.place(self.sources))
            .label(label);
        (rank, diagnostic)
    }
}

fn count(bound: &str, limit: u64, what: &str) -> String {
    format!("must have {bound} {limit} {what}{}", if limit == 1 { "" } else { "s" })
}
