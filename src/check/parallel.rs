//! The work of many files on all processors, told in the order of the files.
//!
//! A file is checked alone first. Only one that asks for what is in another (a reference, the definition of a custom
//! resource) is looked at again when all have been read; only files that make the same object, and differently, are
//! looked at together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::group::{Beside, Held, Looking, Single, first_look};
use super::index::Index;
use super::{Check, Checked, Found, Tally};
use crate::diagnostic::Diagnostic;
use crate::document::InputFile;
use crate::kubernetes::custom::Definitions;
use crate::manifest::{Tasks, definitions};
use crate::object::ObjectId;
use crate::source::Sources;
use crate::workers::{Workers, each};

/// What is known after all files have been read.
struct Run<'a> {
    check: &'a Check<'a>,
    files: &'a [InputFile],
    index: Index,
    definitions: Arc<Definitions>,
    /// What standard input had, which can be read only once.
    stdin: BTreeMap<usize, Vec<u8>>,
}

impl Check<'_> {
    /// Checks files and tells of each, in their order.
    pub fn check(&self, files: &[InputFile], tell: &mut dyn FnMut(Checked)) {
        let mut run = Run {
            check: self,
            files,
            index: Index::default(),
            definitions: Arc::default(),
            stdin: BTreeMap::new(),
        };
        let all: Vec<usize> = (0..files.len()).collect();
        if !self.sets.is_empty() || !matches!(self.tasks, Tasks::All) {
            run.know(definitions(self.config));
            return run.together(&all).into_values().for_each(tell);
        }
        let mut made = Made::default();
        let mut waiting: BTreeMap<usize, Checked> = BTreeMap::new();
        let mut open = Vec::new();
        let mut joint = Vec::new();
        let mut told = 0;
        // An object of an earlier file may turn out to be made again in a later one.
        let mut is_telling = true;
        let look = |index: usize| first_look(self, &files[index], Workers::within(files.len()));
        each(&all, &look, &mut |index, single| {
            let single = single.unwrap_or_else(|finding| Single::done(unread(self, *finding)));
            run.index.add(index, single.names, single.definitions);
            run.stdin.extend(single.stdin.map(|bytes| (index, bytes)));
            is_telling &= single.made.is_empty() && single.checked.is_some();
            made.add(index, single.made);
            match single.checked {
                Some(checked) => _ = waiting.insert(index, checked),
                None if single.is_joint => joint.push(index),
                None => open.push(index),
            }
            while let Some(checked) = is_telling.then(|| waiting.remove(&told)).flatten() {
                tell(checked);
                told += 1;
            }
        });
        run.know(definitions(self.config));
        let look = |index| run.alone(index, Workers::within(open.len()));
        each(&open, &look, &mut |index, (checked, objects)| {
            waiting.insert(index, checked);
            made.add(index, objects);
        });
        joint.extend(made.disputed());
        joint.sort_unstable();
        waiting.extend(run.together(&joint));
        waiting.into_values().for_each(tell);
    }
}

impl Run<'_> {
    /// Settles what custom resources are checked by.
    fn know(&mut self, behind: Definitions) {
        self.definitions = Arc::new(self.index.definitions(behind));
    }

    fn held(&self, index: usize) -> Result<Held, Box<Diagnostic>> {
        let file = self.files[index].clone();
        match self.stdin.get(&index) {
            Some(bytes) => Ok(Held { file, bytes: bytes.clone() }),
            None => file.read().map(|bytes| Held { file, bytes }),
        }
    }

    fn looking<'r>(&'r self, own: &'r [usize], workers: Workers) -> Looking<'r> {
        let (files, index, definitions) = (self.files, &self.index, &self.definitions);
        Looking { check: self.check, beside: Beside::Files { files, own, index, definitions }, workers }
    }

    /// Checks a file that asked for something beyond it.
    fn alone(&self, index: usize, workers: Workers) -> (Checked, Vec<(ObjectId, u64)>) {
        match self.held(index) {
            Ok(held) => self.looking(&[index], workers).check_one(held),
            Err(finding) => (unread(self.check, *finding), Vec::new()),
        }
    }

    /// Checks files together. What is about none of them comes last.
    fn together(&self, indexes: &[usize]) -> BTreeMap<usize, Checked> {
        let mut done = BTreeMap::new();
        let mut positions = Vec::new();
        let mut all = Vec::new();
        for index in indexes {
            match self.held(*index) {
                Ok(held) => {
                    positions.push(*index);
                    all.push(held);
                }
                Err(finding) => _ = done.insert(*index, unread(self.check, *finding)),
            }
        }
        if !all.is_empty() {
            let mut checked = self.looking(&positions, Workers::All).check(&all);
            done.extend(checked.pop().map(|others| (self.files.len(), others)));
            done.extend(positions.iter().copied().zip(checked));
        }
        done
    }
}

/// Which files make which objects, each known by a digest of what it is.
#[derive(Default)]
struct Made(BTreeMap<ObjectId, Vec<(usize, u64)>>);

impl Made {
    fn add(&mut self, file: usize, objects: Vec<(ObjectId, u64)>) {
        for (id, digest) in objects {
            self.0.entry(id).or_default().push((file, digest));
        }
    }

    /// Lists the files that make an object differently from others.
    fn disputed(&self) -> Vec<usize> {
        let is_disputed = |made: &&Vec<(usize, u64)>| made.iter().any(|(_, digest)| *digest != made[0].1);
        let mut files: Vec<usize> =
            self.0.values().filter(is_disputed).flatten().map(|(file, _)| *file).collect();
        files.sort_unstable();
        files.dedup();
        files
    }
}

fn unread(check: &Check<'_>, finding: Diagnostic) -> Checked {
    let findings = [finding];
    let mut tally = Tally::default();
    tally.count(&findings);
    let sources = Sources::default();
    let found = Found { file: None, findings: &findings, sources: &sources, secrets: &[] };
    Checked { pages: (check.print)(&found), tally, ..Checked::default() }
}
