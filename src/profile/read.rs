//! The rendered text of a profile → its parts.

use super::choice::{Choice, names_in};
use super::patch::ANY;
use super::{Patch, Target, wrong};
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::kubernetes;
use crate::yaml::{Key, Node, Value};

const KEYS: &[&str] = &["description", "extends", "defaults", "patches"];
const PATCH_KEYS: &[&str] = &["kinds", "pod", "container", "main", "patch"];

/// What one profile says for one manifest.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub extends: Vec<Choice>,
    pub defaults: Option<Node>,
    pub patches: Vec<Patch>,
}

/// Reads what a profile has been rendered to. All that is wrong with it is told at once.
pub(super) fn read(name: &str, documents: Vec<Node>, catalog: &Catalog) -> Result<Parts, Diagnostics> {
    let mut reader = Reader { name, catalog, parts: Parts::default(), findings: Vec::new() };
    for (index, document) in documents.into_iter().enumerate() {
        if index > 0 {
            reader.wrong("a profile is one document", &document);
            break;
        }
        reader.profile(document);
    }
    if reader.findings.is_empty() { Ok(reader.parts) } else { Err(Diagnostics(reader.findings)) }
}

struct Reader<'r> {
    name: &'r str,
    catalog: &'r Catalog,
    parts: Parts,
    findings: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn profile(&mut self, document: Node) {
        let map = match document.value {
            Value::Map(map) => map,
            Value::Null => return,
            _ => return self.wrong("a profile is a map", &document),
        };
        for (key, node) in map.entries {
            match key.text.as_str() {
                _ if node.is_null() => {}
                "description" if node.as_str().is_some() => {}
                "description" => self.wrong("`description` is a text", &node),
                "extends" => match names_in(&node) {
                    Some(choices) => self.parts.extends = choices,
                    None => self.wrong("`extends` is the name of a profile, or a list of names", &node),
                },
                "defaults" if node.as_map().is_some() => self.parts.defaults = Some(node),
                "defaults" => self.wrong("`defaults` is a map of a manifest's fields", &node),
                "patches" => match node.value {
                    Value::List(items) => items.into_iter().for_each(|item| self.patch(item)),
                    _ => self.wrong("`patches` is a list", &node),
                },
                _ => self.unknown(&key, "a profile", KEYS),
            }
        }
    }

    fn patch(&mut self, item: Node) {
        let place = item.place;
        let Value::Map(map) = item.value else {
            return self.wrong(
                "a patch is a map with `pod`, `container` or `main`, or with `kinds` and `patch`",
                &item,
            );
        };
        let mut kinds = None;
        let mut trees = Vec::new();
        for (key, node) in map.entries {
            match key.text.as_str() {
                "kinds" => kinds = self.kinds(&node),
                "pod" => trees.push((Target::Pod, key, node)),
                "container" => trees.push((Target::Container, key, node)),
                "main" => trees.push((Target::Main, key, node)),
                "patch" => trees.push((Target::Object, key, node)),
                _ => return self.unknown(&key, "a patch", PATCH_KEYS),
            }
        }
        let mut trees = trees.into_iter();
        match (trees.next(), trees.next()) {
            (None, _) => self.findings.push(
                wrong("this patch changes nothing", Some(place))
                    .help("give it `pod`, `container`, `main` or `patch`"),
            ),
            (_, Some((_, key, _))) => self
                .findings
                .push(wrong("this patch changes two things", Some(key.place)).help("make two patches of it")),
            (Some((Target::Object, key, _)), _) if kinds.is_none() => self.findings.push(
                wrong("`patch` needs `kinds`, the kinds of objects that it changes", Some(key.place))
                    .help("write for example `kinds: [Job]` beside it, or `kinds: ['*']`"),
            ),
            (Some((_, key, tree)), _) if tree.as_map().is_none() => {
                self.wrong(&format!("`{}` is a map of fields", key.text), &tree);
            }
            (Some((target, key, tree)), None) => {
                self.identity(target, &tree);
                let profile = self.name.to_owned();
                self.parts.patches.push(Patch { profile, target, kinds, key, tree });
            }
        }
    }

    /// What an object is, a patch cannot change.
    fn identity(&mut self, target: Target, tree: &Node) {
        let keys = tree.as_map().into_iter().flat_map(|map| &map.entries).map(|(key, _)| key);
        let keys = keys
            .filter(|key| target == Target::Object && ["apiVersion", "kind"].contains(&key.text.as_str()));
        let finding = |key: &Key| {
            wrong(format!("a patch cannot change the `{}` of an object", key.text), Some(key.place))
                .help("`kinds` beside it says which objects are meant; leave this out")
        };
        self.findings.extend(keys.map(finding));
    }

    fn kinds(&mut self, node: &Node) -> Option<Vec<String>> {
        let items =
            node.as_list().filter(|items| !items.is_empty() && items.iter().all(|i| i.as_str().is_some()));
        let Some(items) = items else {
            self.wrong("`kinds` is a list of kinds, for example `[Job, CronJob]`", node);
            return Some(Vec::new());
        };
        for item in items {
            let kind = item.as_str().unwrap_or_default();
            if kind == ANY {
                continue;
            }
            if self.catalog.kind(kind).is_some() {
                let message =
                    format!("`{kind}` is a kind of manifest, and patches are of Kubernetes objects");
                self.findings.push(wrong(message, Some(item.place)).help(format!(
                    "name the object that it becomes, or write `{{% if kind == \"{kind}\" %}}` around the patch"
                )));
            } else if !kubernetes::kinds_named(kind).iter().any(|(_, known)| *known == kind) {
                let near = did_you_mean(kind, kubernetes::kinds().map(|(_, known, _)| known));
                // Any other may be a custom resource.
                let Some(near) = near else { continue };
                let message = format!("Kubernetes has no kind `{kind}`");
                self.findings.push(wrong(message, Some(item.place)).label(format!("did you mean `{near}`?")));
            }
        }
        Some(items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
    }

    fn wrong(&mut self, message: &str, node: &Node) {
        let finding = wrong(message, Some(node.place));
        self.findings.push(finding.label(format!("a {}", node.type_name())));
    }

    fn unknown(&mut self, key: &Key, what: &str, known: &[&str]) {
        let finding = wrong(format!("{what} has no field `{}`", key.text), Some(key.place));
        let finding = match did_you_mean(&key.text, known.iter().copied()) {
            Some(near) => finding.label(format!("did you mean `{near}`?")),
            None => finding.label("not a field here"),
        };
        self.findings.push(finding.help(format!("{what} has the fields {}", known.join(", "))));
    }
}
