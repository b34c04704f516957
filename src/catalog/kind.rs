//! A kind: its schema, its template, its example.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;

use super::embedded::{self, built_in_common, parse_schema, text_of};
use super::flaws::Flaws;
use super::folder::{EXAMPLES, Folder, SCHEMAS, TEMPLATES};
use super::inline::COMMON;
use super::shape::Shape;
use super::template::{Home, Template};
use super::written::Written;
use super::{examine, inline, pascal_case};
use crate::diagnostic::Diagnostic;
use crate::schema::Schema;
use crate::source::Sources;

/// A kind of manifest. One from a folder has been examined: its schema can be used.
#[derive(Debug)]
pub struct Kind {
    /// Kebab-case, as its files are called: `kubernetes-job`.
    pub name: String,
    home: Home,
    json: Arc<Json>,
    compiled: OnceLock<Arc<Schema>>,
    /// The schema's files, if they are the user's own.
    written: Option<Written>,
    template: OnceLock<Result<Template, Flaws>>,
    rules: OnceLock<Option<Flaws>>,
}

impl Kind {
    pub(super) fn built_in(name: &str) -> Option<Kind> {
        let mut json = parse_schema(name)?;
        inline::inline(&mut json, None, built_in_common());
        Some(Kind::new(name, Home::BuiltIn, json, None))
    }

    pub(super) fn of_folder(name: &str, folder: &Arc<Folder>) -> Result<Kind, Flaws> {
        let mut texts = Vec::new();
        for file in [format!("{name}.json").as_str(), COMMON] {
            texts.extend(folder.read(SCHEMAS, file).transpose()?);
        }
        let written = Written::read(&texts)?;
        let common = built_in_common();
        let findings = examine::examine(&written, &pascal_case(name), &common);
        if !findings.is_empty() {
            return Err(written.flaws(findings));
        }
        let mut json = written.files[0].json.clone();
        inline::inline(&mut json, written.files.get(1).map(|file| file.json.clone()), common);
        let schema = examine::compile(&json, &written).map_err(|findings| written.flaws(findings))?;
        let kind = Kind::new(name, Home::Folder(Arc::clone(folder)), json, Some(written));
        let _ = kind.compiled.set(Arc::new(schema));
        Ok(kind)
    }

    fn new(name: &str, home: Home, json: Json, written: Option<Written>) -> Kind {
        let (compiled, template, rules) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Kind { name: name.to_owned(), home, json: Arc::new(json), compiled, written, template, rules }
    }

    /// Returns the schema's root.
    pub fn shape(&self) -> Shape<'_> {
        Shape::root(&self.json)
    }

    /// Returns the schema as it is written, with what it shares inside.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// Returns the folder that the kind comes from; `None` if it is built in.
    pub fn folder(&self) -> Option<String> {
        self.home.folder().map(|folder| folder.path().display().to_string())
    }

    /// Returns the schema, compiled on first use.
    pub fn schema(&self) -> Arc<Schema> {
        let compile = || Schema::compile(Arc::clone(&self.json)).map(Arc::new);
        let compiled = self.compiled.get_or_init(|| {
            compile().unwrap_or_else(|wrong| {
                panic!("the built-in schema `{}` does not compile: {}", self.name, wrong.message)
            })
        });
        Arc::clone(compiled)
    }

    /// Looks once, and only at schemas of the user's own, whether rules can be used; `examine` knows their language.
    pub fn ensure_rules(&self, examine: impl FnOnce(&Written) -> Option<Flaws>) -> Result<(), Flaws> {
        let flaws = self.rules.get_or_init(|| self.written.as_ref().and_then(examine));
        flaws.clone().map_or(Ok(()), Err)
    }

    pub fn api_versions(&self) -> Vec<&str> {
        let accepted = &self.json["properties"]["apiVersion"];
        match (&accepted["enum"], &accepted["const"]) {
            (Json::Array(values), _) => values.iter().filter_map(Json::as_str).collect(),
            (_, Json::String(value)) => vec![value.as_str()],
            _ => Vec::new(),
        }
    }

    /// Returns the kind's template, read once.
    pub fn template(&self) -> Result<&Template, Flaws> {
        let file = format!("{}.yaml", self.name);
        let read = || {
            let found = self.home.template(&file)?;
            found.ok_or_else(|| self.lacks("template", TEMPLATES))
        };
        self.template.get_or_init(read).as_ref().map_err(Flaws::clone)
    }

    /// Returns a manifest of this kind to start from.
    pub fn example(&self) -> Result<Cow<'static, str>, Flaws> {
        let Some(folder) = self.home.folder() else {
            return Ok(text_of(embedded::EXAMPLES, &self.name).unwrap_or_default().into());
        };
        let read = folder.read(EXAMPLES, &format!("{}.yaml", self.name));
        read.transpose()?.map(|text| text.text).ok_or_else(|| self.lacks("example", EXAMPLES))
    }

    /// Moves what is wrong with a field's default to the line of the schema that says it, if that is the user's own.
    pub fn at_default(&self, finding: Diagnostic, field: &str, sources: &Sources) -> Diagnostic {
        let place = self.written.as_ref().and_then(|written| Some((written, written.default_of(field)?)));
        let Some((written, place)) = place else { return finding };
        let finding = finding.at(place).help(format!("it is the default of `{field}`"));
        Flaws::one(&written.sources, finding.clone()).tell(sources).pop().unwrap_or(finding)
    }

    fn lacks(&self, what: &str, part: &str) -> Flaws {
        let file = format!("{}.yaml", self.name);
        let shown = self.home.folder().map_or(file.clone(), |f| f.file(part, &file).display().to_string());
        let message = format!("the kind `{}` has no {what}: there is no `{shown}`", pascal_case(&self.name));
        let finding = Diagnostic::unable("bad-kind", message).help(format!("write `{shown}`"));
        match &self.written {
            Some(written) => written.flaws(vec![finding.at(written.start()).label("the kind's schema")]),
            None => Flaws::of(finding),
        }
    }
}
