//! The work of many files on all processors, told in the order of the files.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::group::{self, Held, Looking};
use super::index::Index;
use super::{Check, Checked, Found, Tally};
use crate::diagnostic::Diagnostic;
use crate::document::InputFile;
use crate::manifest::is_ours;
use crate::source::Sources;

/// A thread has less room than the process; documents may be deep.
const STACK_BYTES: usize = 8 << 20;

/// What a thread makes of a file.
enum Step {
    Done(Checked),
    /// To be checked with others that it may refer to.
    Together(Held),
}

impl Check<'_> {
    /// Checks files and tells of each, in their order.
    pub fn check(&self, files: &[InputFile], tell: &mut dyn FnMut(Checked)) {
        let mut waiting: BTreeMap<usize, Checked> = BTreeMap::new();
        let mut together: BTreeMap<usize, Held> = BTreeMap::new();
        let mut known = Index::default();
        let mut told = 0;
        self.each(files, &mut |index, step| {
            match step {
                Step::Done(mut checked) => {
                    known.add(index, std::mem::take(&mut checked.names));
                    waiting.insert(index, checked);
                }
                Step::Together(held) => _ = together.insert(index, held),
            }
            while let Some(checked) = waiting.remove(&told) {
                tell(checked);
                told += 1;
            }
        });
        let (indexes, held): (Vec<usize>, Vec<Held>) = together.into_iter().unzip();
        if !held.is_empty() {
            let mut checked = Looking { check: self, files, index: &known }.check(&held);
            let others = checked.pop();
            waiting.extend(indexes.into_iter().zip(checked));
            waiting.extend(others.map(|others| (files.len(), others)));
        }
        waiting.into_values().for_each(tell);
    }

    fn each(&self, files: &[InputFile], take: &mut dyn FnMut(usize, Step)) {
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel();
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..processors.min(files.len()) {
                let (sender, next) = (sender.clone(), &next);
                let work = move || {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(file) = files.get(index) else { return };
                        if sender.send((index, self.step(file))).is_err() {
                            return;
                        }
                    }
                };
                let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
                thread.expect("the system has room for a thread for each processor");
            }
            drop(sender);
            receiver.iter().for_each(|(index, step)| take(index, step));
        });
    }

    fn step(&self, file: &InputFile) -> Step {
        let held = match file.read() {
            Ok(bytes) => Held { file: file.clone(), bytes },
            Err(finding) => return Step::Done(self.unread(*finding)),
        };
        let sources = Sources::default();
        let read = group::read(self, std::slice::from_ref(&held), &sources);
        let is_together = read.documents.iter().any(|document| is_ours(document, self.catalog));
        if is_together || !self.sets.is_empty() {
            return Step::Together(held);
        }
        Step::Done(group::check_read(self, held, read, sources))
    }

    fn unread(&self, finding: Diagnostic) -> Checked {
        let findings = [finding];
        let mut tally = Tally::default();
        tally.count(&findings);
        let sources = Sources::default();
        let found = Found { file: None, findings: &findings, sources: &sources, secrets: &[] };
        Checked { pages: (self.print)(&found), tally, ..Checked::default() }
    }
}
