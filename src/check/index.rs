//! Which file has the document of a name: all that is kept of files that have been checked and forgotten.

use std::collections::BTreeMap;

use crate::document::{Document, Documents, InputFile, Strictness};
use crate::manifest::{Library, name_of};
use crate::source::Sources;

/// Names, and the positions of the files that use them.
#[derive(Debug, Default)]
pub(super) struct Index(BTreeMap<String, Vec<usize>>);

impl Index {
    pub fn add(&mut self, file: usize, names: Vec<String>) {
        for name in names {
            let files = self.0.entry(name).or_default();
            if files.last() != Some(&file) {
                files.push(file);
            }
        }
    }
}

/// The files of the run as a library, and another one behind it.
pub(super) struct Files<'a> {
    pub index: &'a Index,
    pub files: &'a [InputFile],
    pub sources: &'a Sources,
    pub behind: &'a dyn Library,
}

impl Library for Files<'_> {
    fn named(&self, name: &str) -> Vec<Document> {
        let mut read = Documents::default();
        for file in self.index.0.get(name).into_iter().flatten().map(|position| &self.files[*position]) {
            // Standard input can be read only once; a file that is gone by now has been told of.
            if let Some(bytes) = file.read().ok().filter(|_| !file.is_stdin()) {
                read.add(file, bytes, Strictness::Lenient, self.sources);
            }
        }
        let mut documents = read.documents;
        documents.retain(|document| name_of(&document.root) == Some(name));
        documents.extend(self.behind.named(name));
        documents
    }

    fn names(&self) -> Vec<String> {
        self.index.0.keys().cloned().chain(self.behind.names()).collect()
    }
}
