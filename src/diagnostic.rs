//! What is wrong, where, what to do about it, and the edit that mends it.

use std::borrow::Cow;

use crate::source::Place;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warning,
    Note,
}

/// What a failure means to the process that called us; each class has one exit status (see `cli`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Class {
    /// Something in the input is wrong.
    #[default]
    Finding,
    /// The work could not be tried: usage, files, configuration.
    Unable,
    /// The cluster took the request and the work failed.
    Failed,
    /// Another manager owns what was to be changed, or it changed meanwhile.
    Conflict,
    /// The server does not answer, or does not let us.
    Unreachable,
    /// Time ran out.
    TimedOut,
}

/// A replacement of the text at a place; an empty place inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub place: Place,
    pub text: String,
}

/// Edits that mend what a diagnostic reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What the edit does, as an imperative: "quote the value".
    pub message: String,
    pub edits: Vec<Edit>,
}

/// One problem. `Box`ed inside `Result`s by way of [`Diagnostics`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub level: Level,
    pub class: Class,
    /// Kebab-case and stable: `unknown-field`.
    pub code: Cow<'static, str>,
    pub message: String,
    pub place: Option<Place>,
    /// Printed under the place: what is wrong right there.
    pub label: String,
    /// Other places that explain this one, each with its words.
    pub related: Vec<(Place, String)>,
    /// The next step, one sentence each.
    pub help: Vec<String>,
    pub fix: Option<Fix>,
}

impl Diagnostic {
    pub fn new(level: Level, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            level,
            class: Class::default(),
            code: code.into(),
            message: message.into(),
            place: None,
            label: String::new(),
            related: Vec::new(),
            help: Vec::new(),
            fix: None,
        }
    }

    pub fn error(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Level::Error, code, message)
    }

    pub fn warning(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Level::Warning, code, message)
    }

    pub fn note(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Level::Note, code, message)
    }

    /// An error that kept the work from being tried.
    pub fn unable(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::error(code, message).class(Class::Unable)
    }

    pub fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Where it is, then the places that explain it.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        self.place.into_iter().chain(self.related.iter().map(|(place, _)| *place))
    }

    pub fn at_opt(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub fn related(mut self, place: Place, words: impl Into<String>) -> Self {
        self.related.push((place, words.into()));
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    pub fn fix(mut self, message: impl Into<String>, place: Place, text: impl Into<String>) -> Self {
        self.fix = Some(Fix { message: message.into(), edits: vec![Edit { place, text: text.into() }] });
        self
    }
}

/// What a stage returns instead of its product: at least one error, maybe warnings beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.level == Level::Error)
}

/// Returns the candidate that `word` is most likely a misspelling of.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(word);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count().min(folded.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Case and separators are what people get wrong first, so they cost nothing.
fn fold(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_and_nothing_far() {
        let fields = ["command", "completions", "backoffLimit"];
        assert_eq!(did_you_mean("comand", fields), Some("command"));
        assert_eq!(did_you_mean("backoff_limit", fields), Some("backoffLimit"));
        assert_eq!(did_you_mean("schedule", fields), None);
        assert_eq!(did_you_mean("x", fields), None);
    }
}
