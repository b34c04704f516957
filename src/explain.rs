//! Kind and field → what its schema says of it, for people to read; and the schema itself, for editors.

mod field;
mod rule;

use std::ops::Range;

use serde_json::{Map, Value as Json};

pub use field::{Explanation, FieldLine};
pub use rule::RuleLine;

use crate::catalog::shape::Shape;
use crate::catalog::{Catalog, Flaws};
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::kubernetes;
use crate::schema::retain_needed;
use crate::source::Sources;
use crate::yaml;

/// Under which the schemas are published; an identifier, and nothing that is fetched.
const BASE: &str = "https://daphnia.dev/schemas";
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A kind that can be explained: one of ours, or one of Kubernetes' own.
#[derive(Debug)]
pub struct Topic {
    pub kind: String,
    pub api_versions: Vec<String>,
    /// Other groups and versions that serve a kind of this name.
    pub others: Vec<String>,
    id: String,
    json: Json,
}

/// A line of the list of kinds.
#[derive(Debug)]
pub struct KindLine {
    pub kind: String,
    pub api_versions: Vec<String>,
    pub description: String,
    /// `daphnia`, `kubernetes`, or the folder that it comes from.
    pub source: String,
}

impl Topic {
    /// Finds a kind by its name: any case, `kubernetes-job` or `KubernetesJob`, `Job` or `jobs`.
    pub fn find(
        name: &str,
        api_version: Option<&str>,
        catalog: &Catalog,
        sources: &Sources,
    ) -> Result<Topic, Diagnostics> {
        let ours = catalog.kinds().into_iter().find(|kind| folded(kind) == folded(name));
        if let Some(kind) = ours.and_then(|kind| catalog.kind(&kind)) {
            let kind = kind.map_err(|flaws| Diagnostics(flaws.tell(sources)))?;
            return Ok(Topic {
                kind: kind.shape().text("title").unwrap_or(name).to_owned(),
                api_versions: kind.api_versions().into_iter().map(str::to_owned).collect(),
                others: Vec::new(),
                id: format!("{BASE}/{}.json", kind.name),
                json: kind.json().clone(),
            });
        }
        Topic::of_kubernetes(name, api_version).ok_or_else(|| unknown(name, api_version, catalog).into())
    }

    /// A name that several groups have means the core group's, else the newest version's.
    fn of_kubernetes(name: &str, api_version: Option<&str>) -> Option<Topic> {
        let is_named = |kind: &str, plural: &str| kind.eq_ignore_ascii_case(name) || plural == folded(name);
        let mut found: Vec<(&str, &str)> = kubernetes::kinds()
            .filter(|(_, kind, info)| is_named(kind, &info.plural))
            .map(|(version, kind, _)| (version, kind))
            .collect();
        found.sort_by_key(|(version, _)| !version.contains('/'));
        let wanted = |(version, _): &&(&str, &str)| api_version.is_none_or(|wanted| wanted == *version);
        let (version, kind) = *found.iter().rev().find(wanted)?;
        let json = kubernetes::described(version, kind)?;
        Some(Topic {
            kind: kind.to_owned(),
            api_versions: vec![version.to_owned()],
            others: found.iter().map(|(v, _)| (*v).to_owned()).filter(|v| v != version).collect(),
            id: format!("{BASE}/kubernetes/{version}/{kind}.json"),
            json,
        })
    }

    /// Explains the kind, or the field that a path such as `["spec", "image"]` leads to.
    pub fn explain(&self, path: &[&str]) -> Result<Explanation, Box<Diagnostic>> {
        field::explain(self, path)
    }

    /// Returns the schema as it is published: it names its draft and itself, and refers to nothing outside.
    pub fn schema(&self) -> Json {
        let mut schema = Map::new();
        schema.insert("$schema".to_owned(), DRAFT.into());
        schema.insert("$id".to_owned(), self.id.as_str().into());
        schema.insert("title".to_owned(), self.kind.as_str().into());
        for (keyword, value) in self.json.as_object().into_iter().flatten() {
            if !schema.contains_key(keyword) {
                schema.insert(keyword.clone(), value.clone());
            }
        }
        let definitions = schema.remove("$defs");
        let mut schema = Json::Object(schema);
        if let Some(Json::Object(mut definitions)) = definitions {
            retain_needed(&mut definitions, &schema);
            schema["$defs"] = Json::Object(definitions);
        }
        schema
    }

    fn shape(&self) -> Shape<'_> {
        Shape::root(&self.json)
    }
}

/// Splits `Job.spec.containers[0].image` into the kind and the fields of its path; `None` if it is no path. An item of a
/// list has no schema of its own: `containers[0]`, `containers.0` and `containers[main]` are the field `containers`.
pub fn topic_steps(topic: &str) -> Option<(&str, Vec<&str>)> {
    let is_item = |step: &Range<usize>| {
        topic[..step.start].ends_with('[') || topic[step.clone()].parse::<usize>().is_ok()
    };
    let steps = yaml::path_steps(topic)?.into_iter();
    let mut named = steps.filter(|step| !is_item(step)).map(|step| &topic[step]);
    Some((named.next().unwrap_or_default(), named.collect()))
}

/// Lists the kinds: ours, and on demand Kubernetes' own; and what is wrong with those that cannot be used.
pub fn kinds(catalog: &Catalog, with_kubernetes: bool) -> (Vec<KindLine>, Vec<Flaws>) {
    let mut lines = Vec::new();
    let mut flaws = Vec::new();
    for name in catalog.kinds() {
        match catalog.kind(&name) {
            Some(Ok(kind)) => lines.push(KindLine {
                kind: name,
                api_versions: kind.api_versions().into_iter().map(str::to_owned).collect(),
                description: kind.shape().text("description").unwrap_or_default().to_owned(),
                source: kind.folder().unwrap_or_else(|| "daphnia".to_owned()),
            }),
            Some(Err(wrong)) => flaws.push(wrong),
            None => {}
        }
    }
    let others = kubernetes::kinds().filter(|_| with_kubernetes).map(|(version, kind, _)| {
        let described = kubernetes::described(version, kind).unwrap_or_default();
        KindLine {
            kind: kind.to_owned(),
            api_versions: vec![version.to_owned()],
            description: Shape::root(&described).text("description").unwrap_or_default().to_owned(),
            source: "kubernetes".to_owned(),
        }
    });
    lines.extend(others);
    (lines, flaws)
}

fn unknown(name: &str, api_version: Option<&str>, catalog: &Catalog) -> Diagnostic {
    let in_group = api_version.map(|version| format!(" in `{version}`")).unwrap_or_default();
    let finding = Diagnostic::unable("unknown-kind", format!("there is no kind `{name}`{in_group}"));
    let ours = catalog.kinds();
    let kubernetes = kubernetes::kinds().map(|(_, kind, _)| kind);
    match did_you_mean(name, ours.iter().map(String::as_str).chain(kubernetes)) {
        Some(near) if near == name => finding.help("leave `--api-version` out"),
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help("`daphnia kinds --all` lists all kinds"),
    }
}

fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}
