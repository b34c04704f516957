//! What is kept of files that have been read and forgotten: which has the document of a name, which defines a kind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::document::{Document, Documents, InputFile, Strictness};
use crate::kubernetes::custom::{Definition, Definitions};
use crate::manifest::{Library, name_of};
use crate::source::Sources;
use crate::workers::Workers;

/// Names and definitions, and the positions of the files that have them.
#[derive(Debug, Default)]
pub(super) struct Index {
    names: BTreeMap<String, Vec<usize>>,
    definitions: BTreeMap<usize, Vec<Arc<Definition>>>,
}

impl Index {
    pub fn add(&mut self, file: usize, names: Vec<String>, definitions: Vec<Arc<Definition>>) {
        for name in names {
            let files = self.names.entry(name).or_default();
            if files.last() != Some(&file) {
                files.push(file);
            }
        }
        if !definitions.is_empty() {
            self.definitions.insert(file, definitions);
        }
    }

    /// Returns all definitions, those of earlier files first, and others behind them.
    pub fn definitions(&self, behind: Definitions) -> Definitions {
        let mut all = Definitions::beyond(move |group, kind| behind.find(group, kind));
        self.definitions.values().flatten().for_each(|definition| all.add(Arc::clone(definition)));
        all
    }
}

/// The other files of the run as a library, and another one behind it.
pub(super) struct Files<'a> {
    pub index: &'a Index,
    pub files: &'a [InputFile],
    /// The positions of the files that are looked at themselves.
    pub own: &'a [usize],
    pub definitions: &'a Arc<Definitions>,
    pub sources: &'a Sources,
    pub behind: &'a dyn Library,
}

impl Library for Files<'_> {
    fn named(&self, name: &str) -> Vec<Document> {
        let mut read = Documents::default();
        let positions = self.index.names.get(name).into_iter().flatten();
        for file in positions.filter(|at| !self.own.contains(at)).map(|at| &self.files[*at]) {
            // Standard input can be read only once; a file that is gone by now has been told of.
            if let Some(bytes) = file.read().ok().filter(|_| !file.is_stdin()) {
                read.add(file, bytes, Strictness::Lenient, self.sources, Workers::One);
            }
        }
        let mut documents = read.documents;
        documents.retain(|document| name_of(&document.root) == Some(name));
        documents.extend(self.behind.named(name));
        documents
    }

    fn names(&self) -> Vec<String> {
        self.index.names.keys().cloned().chain(self.behind.names()).collect()
    }

    fn definitions(&self) -> Definitions {
        let all = Arc::clone(self.definitions);
        Definitions::beyond(move |group, kind| all.find(group, kind))
    }
}

/// A library that knows nothing, and remembers that it was asked.
#[derive(Debug, Default)]
pub(super) struct Nothing {
    is_asked: Arc<AtomicBool>,
}

impl Nothing {
    pub fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed)
    }
}

impl Library for Nothing {
    fn named(&self, _: &str) -> Vec<Document> {
        self.is_asked.store(true, Ordering::Relaxed);
        Vec::new()
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn definitions(&self) -> Definitions {
        let is_asked = Arc::clone(&self.is_asked);
        Definitions::beyond(move |_, _| {
            is_asked.store(true, Ordering::Relaxed);
            None
        })
    }
}
