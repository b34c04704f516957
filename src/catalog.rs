//! Kinds and profiles: built in, and from the user's own folders. A kind is data: a schema, a template, an example.

mod circle;
mod examine;
mod flaws;
mod folder;
mod inline;
pub mod shape;
mod written;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::Value as Json;

pub use flaws::Flaws;
use folder::{EXAMPLES, Folder, Home, PROFILES, SCHEMAS, TEMPLATES, Text};
use inline::COMMON;
pub use written::Written;

use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::schema::Schema;
use crate::source::SourceKind;
use shape::Shape;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// A kind of manifest. One from a folder has been examined: its schema can be used.
#[derive(Debug)]
pub struct Kind {
    /// Kebab-case, as its files are called: `kubernetes-job`.
    pub name: String,
    home: Home,
    json: Json,
    compiled: OnceLock<Arc<Schema>>,
    /// The schema's files, if they are the user's own.
    written: Option<Written>,
    template: OnceLock<Result<Template, Flaws>>,
    rules: OnceLock<Option<Flaws>>,
}

impl Kind {
    fn built_in(name: &str) -> Option<Kind> {
        let mut json = parse_schema(name)?;
        inline::inline(&mut json, None, built_in_common());
        Some(Kind::new(name, Home::BuiltIn, json, None))
    }

    fn of_folder(name: &str, folder: &Arc<Folder>) -> Result<Kind, Flaws> {
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
        Kind { name: name.to_owned(), home, json, compiled, written, template, rules }
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
        let compile = || Schema::compile(self.json.clone()).map(Arc::new);
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

/// A template or a profile, and where what it imports is found.
#[derive(Debug, Clone)]
pub struct Template {
    /// What it is to whoever reads of it: a template, or a profile.
    pub kind: SourceKind,
    /// How messages call it: `kubernetes-job.yaml`, `platform/templates/web-app.yaml`, `spot`. No two have the same.
    pub name: String,
    pub text: Cow<'static, str>,
    home: Home,
}

impl Template {
    /// Returns the template that `{% import "file" %}` means in this one: of the same folder, else a built-in one.
    pub fn import(&self, file: &str) -> Result<Option<Template>, Flaws> {
        match self.home.template(file)? {
            None => Home::BuiltIn.template(file),
            found => Ok(found),
        }
    }
}

impl Home {
    fn folder(&self) -> Option<&Arc<Folder>> {
        if let Home::Folder(folder) = self { Some(folder) } else { None }
    }

    fn template(&self, file: &str) -> Result<Option<Template>, Flaws> {
        self.text(TEMPLATES, embedded::TEMPLATES, file)
    }

    fn text(&self, part: &str, table: Embedded, file: &str) -> Result<Option<Template>, Flaws> {
        // A name leads nowhere but below the folder.
        if file.split(['/', '\\']).any(|step| step == "..") || file.starts_with(['/', '\\']) {
            return Ok(None);
        }
        let found = match self {
            Home::Folder(folder) => folder.read(part, file).transpose()?,
            Home::BuiltIn => {
                let text = file.strip_suffix(".yaml").and_then(|stem| text_of(table, stem));
                text.map(|text| Text { name: file.to_owned(), text: Cow::Borrowed(text) })
            }
        };
        Ok(found.map(|Text { name, text }| Template {
            kind: SourceKind::Template,
            name,
            text,
            home: self.clone(),
        }))
    }
}

type Embedded = &'static [(&'static str, &'static [u8])];
type Loaded = Option<Result<Arc<Kind>, Flaws>>;

/// All kinds and profiles of this run. Files are read when something asks for what is in them.
#[derive(Debug, Default)]
pub struct Catalog {
    folders: Vec<Arc<Folder>>,
    kinds: Mutex<BTreeMap<String, Loaded>>,
}

impl Catalog {
    /// Takes the built-in kinds, and those of the folders that the configuration names.
    pub fn new(config: &Config) -> Catalog {
        let folders = config.kinds.iter().map(|path| Arc::new(Folder::new(path.value.clone())));
        Catalog { folders: folders.collect(), kinds: Mutex::default() }
    }

    /// Returns the kind that takes manifests with this `kind`, whatever their `apiVersion`; or what keeps it from
    /// being used.
    pub fn kind(&self, kind: &str) -> Option<Result<Arc<Kind>, Flaws>> {
        let name = kebab_case(kind);
        if pascal_case(&name) != kind || format!("{name}.json") == COMMON {
            return None;
        }
        let mut kinds = self.kinds.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kinds.entry(name).or_insert_with_key(|name| self.load(name)).clone()
    }

    fn load(&self, name: &str) -> Loaded {
        let built_in = Kind::built_in(name).map(|kind| Ok(Arc::new(kind)));
        let homes: Vec<&Arc<Folder>> =
            self.folders.iter().filter(|folder| folder.schemas().iter().any(|stem| stem == name)).collect();
        match (built_in, homes.as_slice()) {
            (built_in, []) => built_in.or_else(|| self.misnamed(name).map(Err)),
            (None, [folder]) => Some(Kind::of_folder(name, folder).map(Arc::new)),
            (built_in, [folder, ..]) => {
                let folder = if built_in.is_none() { homes[1] } else { folder };
                let other = built_in.is_none().then(|| homes[0].file(SCHEMAS, &format!("{name}.json")));
                let message = match other {
                    Some(other) => format!("this kind has another schema: `{}`", other.display()),
                    None => format!("`{}` is a kind that is built in", pascal_case(name)),
                };
                let help = "rename one of the two: the file, and the `kind` in it";
                Some(Err(clash(folder, SCHEMAS, &format!("{name}.json"), &message, help)))
            }
        }
    }

    /// Finds a schema that must be the kind's, had it the right name.
    fn misnamed(&self, name: &str) -> Option<Flaws> {
        let plain = |stem: &str| stem.replace(['-', '_'], "").to_lowercase();
        let found = |folder: &Arc<Folder>| {
            let stem = folder.schemas().iter().find(|stem| plain(stem) == plain(name))?;
            Some((Arc::clone(folder), format!("{stem}.json")))
        };
        let (folder, file) = self.folders.iter().find_map(found)?;
        let message = format!("the schema of `{}` is called `{name}.json`", pascal_case(name));
        Some(clash(&folder, SCHEMAS, &file, &message, "rename the file"))
    }

    /// Lists the kinds' names as manifests write them: those that are built in, then those of the folders.
    pub fn kinds(&self) -> Vec<String> {
        let built_in = embedded::SCHEMAS.iter().map(|(name, _)| *name);
        let of_folders = self.folders.iter().flat_map(|folder| folder.schemas()).map(String::as_str);
        let mut seen = BTreeSet::new();
        let names = built_in.chain(of_folders).filter(|name| format!("{name}.json") != COMMON);
        names.map(pascal_case).filter(|name| seen.insert(name.clone())).collect()
    }

    /// Returns a profile by its name: a template, and where it comes from.
    pub fn profile(&self, name: &str) -> Result<Option<Template>, Flaws> {
        let file = format!("{name}.yaml");
        let built_in = Home::BuiltIn.text(PROFILES, embedded::PROFILES, &file)?;
        let homes: Vec<&Arc<Folder>> =
            self.folders.iter().filter(|folder| folder.profiles().iter().any(|stem| stem == name)).collect();
        let as_profile = |profile: Template| Template { kind: SourceKind::Profile, ..profile };
        match (built_in, homes.as_slice()) {
            (built_in, []) => {
                Ok(built_in.map(|profile| Template { name: name.to_owned(), ..as_profile(profile) }))
            }
            (None, [folder]) => {
                Ok(Home::Folder(Arc::clone(folder)).text(PROFILES, &[], &file)?.map(as_profile))
            }
            (built_in, [folder, ..]) => {
                let folder = if built_in.is_none() { homes[1] } else { folder };
                let message = match built_in {
                    Some(_) => format!("`{name}` is a profile that is built in"),
                    None => format!(
                        "there is another profile `{name}`: `{}`",
                        homes[0].file(PROFILES, &file).display()
                    ),
                };
                Err(clash(folder, PROFILES, &file, &message, "rename one of the two"))
            }
        }
    }

    /// Lists the names of the profiles.
    pub fn profiles(&self) -> Vec<String> {
        let built_in = embedded::PROFILES.iter().map(|(name, _)| *name);
        let of_folders = self.folders.iter().flat_map(|folder| folder.profiles()).map(String::as_str);
        let mut seen = BTreeSet::new();
        built_in.chain(of_folders).filter(|name| seen.insert(*name)).map(str::to_owned).collect()
    }
}

/// Says at the beginning of a file that its name is wrong.
fn clash(folder: &Folder, part: &str, file: &str, message: &str, help: &str) -> Flaws {
    let finding = Diagnostic::unable("bad-kind", message).help(help);
    match folder.read(part, file) {
        Some(Ok(text)) => Flaws::at_start(text, finding),
        Some(Err(flaws)) => flaws,
        None => Flaws::of(finding),
    }
}

fn built_in_common() -> Json {
    parse_schema("common").unwrap_or_default()
}

fn parse_schema(name: &str) -> Option<Json> {
    let text = text_of(embedded::SCHEMAS, name)?;
    Some(
        serde_json::from_str(text).unwrap_or_else(|error| panic!("schemas/{name}.json is not JSON: {error}")),
    )
}

fn text_of(table: Embedded, name: &str) -> Option<&'static str> {
    let (_, bytes) = table.iter().find(|(stem, _)| *stem == name)?;
    std::str::from_utf8(bytes).ok()
}

/// `KubernetesCronJob` → `kubernetes-cron-job`.
fn kebab_case(kind: &str) -> String {
    let mut name = String::new();
    for c in kind.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// `kubernetes-cron-job` → `KubernetesCronJob`.
fn pascal_case(name: &str) -> String {
    name.split('-')
        .map(|word| {
            word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_back_and_forth() {
        assert_eq!(kebab_case("KubernetesCronJob"), "kubernetes-cron-job");
        assert_eq!(pascal_case("kubernetes-cron-job"), "KubernetesCronJob");
    }

    #[test]
    fn every_kind_has_a_template_an_example_and_accepts_an_api_version() {
        let catalog = Catalog::default();
        for name in catalog.kinds() {
            let kind = catalog.kind(&name).unwrap().unwrap();
            assert!(!kind.template().unwrap().text.is_empty(), "{name} has no template");
            assert!(!kind.example().unwrap().is_empty(), "{name} has no example");
            assert!(!kind.api_versions().is_empty(), "{name} takes no apiVersion");
        }
    }

    #[test]
    fn every_property_has_a_description() {
        fn check(json: &Json, path: &str) {
            if let Some(properties) = json.get("properties").and_then(Json::as_object) {
                for (name, property) in properties {
                    let described = property.get("description").is_some() || property.get("$ref").is_some();
                    assert!(described, "{path}/{name} has no description");
                }
            }
            if let Some(members) = json.as_object() {
                members.iter().for_each(|(name, member)| check(member, &format!("{path}/{name}")));
            }
        }
        for (name, _) in embedded::SCHEMAS {
            check(&parse_schema(name).unwrap(), name);
        }
    }
}
