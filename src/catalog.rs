//! Kinds and profiles: built in, and from the user's own folders. A kind is data: a schema, a template, an example.

mod circle;
mod embedded;
mod examine;
mod flaws;
mod folder;
mod inline;
mod kind;
mod paths;
pub mod shape;
mod template;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

pub use flaws::Flaws;
use folder::{Folder, PROFILES, SCHEMAS};
use inline::COMMON;
pub use kind::Kind;
use template::Home;
pub use template::Template;
pub use written::Written;

use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::source::SourceKind;

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
    use super::embedded::parse_schema;
    use super::*;
    use serde_json::Value as Json;

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

    #[test]
    fn what_is_asked_of_a_teams_schemas_is_asked_of_ours() {
        for (name, text) in embedded::SCHEMAS {
            let text = std::str::from_utf8(text).unwrap().into();
            let text = folder::Text { name: format!("{name}.json"), text };
            let written = Written::read(&[text]).unwrap();
            let mut findings = examine::examine(&written, &pascal_case(name), &embedded::built_in_common());
            // What schemas share is no kind, and its references are to itself.
            findings.retain(|finding| *name != "common" || !finding.message.contains("`apiVersion`"));
            assert!(findings.is_empty(), "{name}: {findings:#?}");
        }
    }
}
