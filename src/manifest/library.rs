//! Documents that references may mean beside those of the run.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::config::Config;
use crate::document::{Document, documents};
use crate::kubernetes::custom::{Definition, Definitions};
use crate::source::Sources;
use crate::workers::Workers;
use crate::yaml::Node;

pub trait Library {
    /// Returns the documents whose `metadata.name` this is.
    fn named(&self, name: &str) -> Vec<Document>;

    /// Lists all names, for a reference that means none of them.
    fn names(&self) -> Vec<String>;

    /// Returns the definitions of custom resources that are known beside those of the run.
    fn definitions(&self) -> Definitions;
}

/// The folders that `daphnia.toml` names, read when something refers to them.
pub struct Folders<'a> {
    config: &'a Config,
    sources: &'a Sources,
    read: OnceCell<Vec<Document>>,
}

impl<'a> Folders<'a> {
    pub fn new(config: &'a Config, sources: &'a Sources) -> Self {
        Self { config, sources, read: OnceCell::new() }
    }

    fn documents(&self) -> &[Document] {
        self.read.get_or_init(|| documents(&paths(self.config), self.sources, Workers::One).documents)
    }
}

impl Library for Folders<'_> {
    fn named(&self, name: &str) -> Vec<Document> {
        let all = self.documents().iter();
        all.filter(|document| name_of(&document.root) == Some(name)).cloned().collect()
    }

    fn names(&self) -> Vec<String> {
        self.documents().iter().filter_map(|document| name_of(&document.root)).map(str::to_owned).collect()
    }

    fn definitions(&self) -> Definitions {
        definitions(self.config)
    }
}

/// The definitions of custom resources in the folders that `daphnia.toml` names, read when the first custom resource
/// comes by, once for all that share them.
pub fn definitions(config: &Config) -> Definitions {
    let paths = paths(config);
    if paths.is_empty() {
        return Definitions::default();
    }
    let read: OnceLock<Definitions> = OnceLock::new();
    Definitions::beyond(move |group, kind| {
        let all = read.get_or_init(|| {
            let mut all = Definitions::default();
            let read = documents(&paths, &Sources::default(), Workers::One).documents;
            let found = read.iter().filter_map(|document| Definition::read(&document.root));
            found.for_each(|definition| all.add(Arc::new(definition)));
            all
        });
        all.find(group, kind)
    })
}

fn paths(config: &Config) -> Vec<PathBuf> {
    config.manifests.iter().map(|path| path.value.clone()).collect()
}

/// Returns a document's `metadata.name`; of a platform's document, its own `name` or `id`.
pub fn name_of(root: &Node) -> Option<&str> {
    let own = root.at(["metadata", "name"]).and_then(Node::as_str);
    let exported = || ["name", "id"].into_iter().find_map(|field| root.get(field)?.as_str());
    own.or_else(|| exported().filter(|_| super::platform::is_exported(root)))
}
