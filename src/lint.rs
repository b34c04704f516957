//! Lints: names and levels of best practice, what plain Kubernetes objects are told, and what becomes of a lint's
//! finding in the end.

mod comments;
mod document;
mod object;
mod secret;
mod unread;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;

pub use document::check as check_document;
pub use object::check as check_object;
pub use secret::is_secret_literal;
pub use unread::hide_unread;

use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Level, did_you_mean};
use crate::source::{SourceId, Sources};

/// An inline `allow` that has nothing to allow.
const UNUSED_ALLOW: &str = "unused-allow";
/// All of them: `--deny warnings`.
pub const WARNINGS: &str = "warnings";
/// Lints that belong to no schema and to no object: name and level.
const OTHERS: &[(&str, LintLevel)] = &[
    (document::AMBIGUOUS_SCALAR, LintLevel::Warn),
    (crate::document::UNRENDERED_TEMPLATE, LintLevel::Deny),
    (UNUSED_ALLOW, LintLevel::Warn),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LintLevel {
    Allow,
    Warn,
    Deny,
}

impl LintLevel {
    pub fn parse(word: &str) -> Option<LintLevel> {
        match word {
            "allow" => Some(LintLevel::Allow),
            "warn" => Some(LintLevel::Warn),
            "deny" => Some(LintLevel::Deny),
            _ => None,
        }
    }
}

/// One lint's level and, where it was chosen, by whom and after how many other choices.
#[derive(Debug, Clone)]
struct Setting {
    level: LintLevel,
    chosen: Option<String>,
    order: usize,
}

/// All lints there are, and how much each weighs in this run.
#[derive(Debug)]
pub struct Levels {
    catalog: Arc<Catalog>,
    /// Their own levels, by name; collected when a name is asked for, since that reads every schema.
    known: OnceLock<BTreeMap<String, LintLevel>>,
    chosen: BTreeMap<String, Setting>,
    warnings: Setting,
    choices: usize,
}

impl Levels {
    /// Every lint of the catalog's schemas, and those that are code, at its own level.
    pub fn new(catalog: &Arc<Catalog>) -> Levels {
        Levels {
            catalog: Arc::clone(catalog),
            known: OnceLock::new(),
            chosen: BTreeMap::new(),
            warnings: Setting { level: LintLevel::Warn, chosen: None, order: 0 },
            choices: 0,
        }
    }

    /// Lists the lints and the level that each has of itself.
    pub fn all(&self) -> &BTreeMap<String, LintLevel> {
        self.known.get_or_init(|| {
            let mut known = BTreeMap::new();
            let mut add = |name: &str, level: LintLevel| {
                known.insert(name.to_owned(), level);
            };
            // A kind that cannot be used is told of where it is used.
            let kinds = self.catalog.kinds();
            for kind in kinds.iter().filter_map(|name| self.catalog.kind(name)?.ok()) {
                collect(kind.json(), &mut add);
            }
            in_code().for_each(|(name, level)| add(name, level));
            known
        })
    }

    fn setting(&self, name: &str) -> Option<Setting> {
        let own = |level| Setting { level, chosen: None, order: 0 };
        self.chosen.get(name).cloned().or_else(|| self.own(name).map(own))
    }

    /// Returns the level that a lint has of itself, without a look at the schemas for those that are code.
    fn own(&self, name: &str) -> Option<LintLevel> {
        in_code()
            .find(|(lint, _)| *lint == name)
            .map(|(_, level)| level)
            .or_else(|| self.all().get(name).copied())
    }

    /// Sets the level of a lint; `by` says who chose it: `--deny`, `daphnia.toml`. Later choices win.
    pub fn set(&mut self, name: &str, level: LintLevel, by: &str) -> Result<(), Box<Diagnostic>> {
        self.choices += 1;
        let setting = Setting { level, chosen: Some(by.to_owned()), order: self.choices };
        if name == WARNINGS {
            self.warnings = setting;
            return Ok(());
        }
        if !self.all().contains_key(name) {
            return Err(Box::new(self.unknown(name)));
        }
        self.chosen.insert(name.to_owned(), setting);
        Ok(())
    }

    fn unknown(&self, name: &str) -> Diagnostic {
        let finding = Diagnostic::unable("unknown-lint", format!("there is no lint `{name}`"));
        match did_you_mean(name, self.all().keys().map(String::as_str).chain([WARNINGS])) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => {
                let names: Vec<&str> = self.all().keys().map(String::as_str).collect();
                finding.help(format!("lints: {}; or `{WARNINGS}` for all", names.join(", ")))
            }
        }
    }

    /// Weighs findings: drops what is allowed, raises what is denied, and tells of comments in these texts that
    /// allow nothing.
    pub fn weigh(&self, findings: Vec<Diagnostic>, texts: &[SourceId], sources: &Sources) -> Vec<Diagnostic> {
        let mut weighed = Vec::new();
        let mut allows = Vec::new();
        for id in texts {
            allows.extend(comments::allows(*id, sources, &mut weighed));
        }
        // Where something is wrong, that comes first: advice is for what works, unless it is an order.
        let errors = findings.iter().filter(|finding| finding.level == Level::Error);
        let wrong: BTreeSet<SourceId> = errors.filter_map(|error| Some(error.place?.source)).collect();
        let is_early = |finding: &Diagnostic| {
            let is_wrong = finding.place.is_some_and(|place| wrong.contains(&place.source));
            let is_advice =
                || self.own(&finding.code).is_some() && self.weight(&finding.code).level != LintLevel::Deny;
            is_wrong && finding.level == Level::Warning && is_advice()
        };
        for finding in findings.into_iter().filter(|finding| !is_early(finding)) {
            if finding.level != Level::Warning || !comments::is_allowed(&finding, &mut allows, sources) {
                weighed.extend(self.raise(finding));
            }
        }
        for allow in allows {
            let is_looked_at = !wrong.contains(&allow.comment.source);
            for finding in allow.leftovers(is_looked_at, &|name| self.unknown_name(name)) {
                weighed.extend(self.raise(finding));
            }
        }
        weighed
    }

    fn unknown_name(&self, name: &str) -> Option<Diagnostic> {
        (!self.all().contains_key(name))
            .then(|| Diagnostic { class: crate::diagnostic::Class::Finding, ..self.unknown(name) })
    }

    /// Returns what a warning weighs: as its lint, or as all warnings.
    fn weight(&self, name: &str) -> Setting {
        let is_own = |own: &Setting| own.level != LintLevel::Warn || own.order > self.warnings.order;
        self.setting(name).filter(is_own).unwrap_or_else(|| self.warnings.clone())
    }

    /// Gives a warning the level of its lint.
    fn raise(&self, mut finding: Diagnostic) -> Option<Diagnostic> {
        if finding.level != Level::Warning {
            return Some(finding);
        }
        let setting = self.weight(&finding.code);
        match setting.level {
            LintLevel::Allow => return None,
            LintLevel::Warn => {}
            LintLevel::Deny => {
                finding.level = Level::Error;
                let because =
                    setting.chosen.as_ref().map(|by| format!("`{}` is denied by {by}", finding.code));
                finding.help.extend(because);
            }
        }
        Some(finding)
    }
}

fn in_code() -> impl Iterator<Item = (&'static str, LintLevel)> {
    object::LINTS.iter().map(|lint| (lint.name, lint.level)).chain(OTHERS.iter().copied())
}

fn collect(json: &Json, add: &mut dyn FnMut(&str, LintLevel)) {
    match json {
        Json::Object(members) => {
            for lint in members.get("x-lints").and_then(Json::as_array).into_iter().flatten() {
                let level = lint["level"].as_str().and_then(LintLevel::parse).unwrap_or(LintLevel::Warn);
                add(lint["name"].as_str().unwrap_or_default(), level);
            }
            members.values().for_each(|member| collect(member, add));
        }
        Json::Array(items) => items.iter().for_each(|item| collect(item, add)),
        _ => {}
    }
}
