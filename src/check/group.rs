//! Some files → their findings, and the files mended if that is asked for.

use super::index::{Files, Index};
use super::{Check, Checked, Found, Mended, Tally};
use crate::diagnostic::Diagnostic;
use crate::document::{Documents, InputFile};
use crate::fix::fix;
use crate::manifest::{Choice, Folders, Override, manifests, name_of};
use crate::render::render;
use crate::source::{Place, SourceId, Sources};

/// An edit may make another one possible; more rounds than this only go in circles.
const MAX_ROUNDS: usize = 10;

/// A file and its content.
#[derive(Clone)]
pub(super) struct Held {
    pub file: InputFile,
    pub bytes: Vec<u8>,
}

/// Files whose documents may refer to each other, read and looked at.
struct Looked {
    sources: Sources,
    /// Of each file, in their order.
    ids: Vec<SourceId>,
    findings: Vec<Diagnostic>,
    secrets: Vec<Place>,
    manifests: usize,
    is_occupied: bool,
}

/// What a group of files is looked at with.
pub(super) struct Looking<'a> {
    pub check: &'a Check<'a>,
    /// All files of the run, and what is known of those that are not in the group.
    pub files: &'a [InputFile],
    pub index: &'a Index,
}

pub(super) fn read(check: &Check<'_>, files: &[Held], sources: &Sources) -> Documents {
    let mut read = Documents::default();
    for held in files {
        read.add(&held.file, held.bytes.clone(), check.strictness, sources);
    }
    read
}

/// Checks a single file that has been read.
pub(super) fn check_read(check: &Check<'_>, held: Held, read: Documents, sources: Sources) -> Checked {
    let looking = Looking { check, files: &[], index: &Index::default() };
    let names = read.documents.iter().filter_map(|document| name_of(&document.root)).map(str::to_owned);
    let names = names.collect();
    let mut parts = looking.finish(&[held], looking.look(read, sources));
    let others = parts.pop().unwrap_or_default();
    let mut checked = parts.pop().unwrap_or_default();
    checked.tally.add(&others.tally);
    checked.pages.iter_mut().zip(&others.pages).for_each(|(page, more)| page.push_str(more));
    Checked { names, ..checked }
}

impl Looking<'_> {
    /// Checks files together. The last entry is about none of them.
    pub fn check(&self, files: &[Held]) -> Vec<Checked> {
        let sources = Sources::default();
        let read = read(self.check, files, &sources);
        self.finish(files, self.look(read, sources))
    }

    fn look(&self, read: Documents, sources: Sources) -> Looked {
        let check = self.check;
        let mut findings = read.findings;
        let mut overrides = Vec::new();
        for set in check.sets {
            match Override::set(set, &sources) {
                Ok(one) => overrides.push(one),
                Err(finding) => findings.push(*finding),
            }
        }
        let behind = Folders::new(check.config, &sources);
        let library = Files { index: self.index, files: self.files, sources: &sources, behind: &behind };
        let choice = Choice { overrides: &overrides, tasks: check.tasks };
        let (found, problems) = manifests(read.documents, &choice, &library, check.catalog, &sources);
        findings.extend(problems);
        let secrets = found.secrets.clone();
        let count = found.manifests.len();
        // What renders to something that Kubernetes refuses is not valid either.
        if let Err(problems) = render(found, &sources) {
            findings.extend(problems.0);
        }
        let is_occupied = count + findings.len() > 0;
        let findings = check.levels.weigh(findings, &read.sources, &sources);
        Looked { ids: read.sources, findings, secrets, manifests: count, is_occupied, sources }
    }

    fn finish(&self, files: &[Held], first: Looked) -> Vec<Checked> {
        let check = self.check;
        if !check.is_fixing {
            return report(check, &first);
        }
        let before = first.secrets.clone();
        let ids = first.ids.clone();
        let (now, counts, last) = self.mend(files, first);
        let mut checked = report(check, &last);
        for (index, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            let text = |held: &Held| String::from_utf8_lossy(&held.bytes).into_owned();
            let of = |secrets: &[Place], id: SourceId| {
                secrets.iter().filter(|place| place.source == id).copied().collect::<Vec<_>>()
            };
            checked[index].tally.mended = count;
            checked[index].mended = Some(Mended {
                file: files[index].file.clone(),
                before: text(&files[index]),
                after: text(&now[index]),
                secrets: [of(&before, ids[index]), of(&last.secrets, last.ids[index])],
            });
        }
        checked
    }

    /// Makes edits and looks again, until there is nothing left to edit.
    fn mend(&self, files: &[Held], first: Looked) -> (Vec<Held>, Vec<usize>, Looked) {
        let mut now = files.to_vec();
        let mut counts = vec![0; files.len()];
        let mut looked = first;
        for _ in 0..MAX_ROUNDS {
            let mut next = now.clone();
            let mut more = counts.clone();
            for (index, id) in looked.ids.iter().enumerate() {
                let Ok(text) = std::str::from_utf8(&now[index].bytes) else { continue };
                if let Some(fixed) = fix(text, *id, &looked.findings) {
                    next[index].bytes = fixed.text.into_bytes();
                    more[index] += fixed.count;
                }
            }
            if more == counts {
                break;
            }
            let sources = Sources::default();
            let read = read(self.check, &next, &sources);
            let again = self.look(read, sources);
            if syntax_errors(&again) > syntax_errors(&looked) {
                break;
            }
            (now, counts, looked) = (next, more, again);
        }
        (now, counts, looked)
    }
}

/// An edit that leaves something unreadable has mended nothing.
fn syntax_errors(looked: &Looked) -> usize {
    looked.findings.iter().filter(|finding| finding.code == "yaml-syntax").count()
}

/// Sorts findings by the file that they are in.
fn report(check: &Check<'_>, looked: &Looked) -> Vec<Checked> {
    let mut parts: Vec<Vec<Diagnostic>> = vec![Vec::new(); looked.ids.len() + 1];
    for finding in &looked.findings {
        let id = finding.place.map(|place| place.source);
        let index = looked.ids.iter().position(|other| Some(*other) == id);
        parts[index.unwrap_or(looked.ids.len())].push(finding.clone());
    }
    let mut checked: Vec<Checked> = parts
        .into_iter()
        .enumerate()
        .map(|(index, findings)| {
            let mut tally = Tally::default();
            tally.count(&findings);
            let file = looked.ids.get(index).copied();
            let (sources, secrets) = (&looked.sources, looked.secrets.as_slice());
            let pages = (check.print)(&Found { file, findings: &findings, sources, secrets });
            Checked { pages, tally, ..Checked::default() }
        })
        .collect();
    let others = &mut checked[looked.ids.len()].tally;
    others.manifests = looked.manifests;
    others.occupied = usize::from(looked.is_occupied);
    checked
}
