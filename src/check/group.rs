//! Some files → their findings, and the files mended if that is asked for.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::index::{Files, Index, Nothing};
use super::{Check, Checked, Found, Mended, Tally};
use crate::diagnostic::Diagnostic;
use crate::document::{Documents, InputFile};
use crate::fix::fix;
use crate::kubernetes::custom::{Definition, Definitions};
use crate::lint::hide_unread;
use crate::manifest::{Choice, Folders, Library, Override, is_joint, manifests, name_of};
use crate::object::{ObjectId, Plan};
use crate::render::{refusals, render};
use crate::source::{Place, SourceId, Sources};
use crate::workers::Workers;

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
    /// The objects that manifests of our kinds become, each with a digest of what it is.
    made: Vec<(ObjectId, u64)>,
    definitions: Vec<Arc<Definition>>,
}

/// What came of a file that was looked at alone.
#[derive(Default)]
pub(super) struct Single {
    /// `None` if it asks for what is in others.
    pub checked: Option<Checked>,
    /// What references to this file's documents call them.
    pub names: Vec<String>,
    pub definitions: Vec<Arc<Definition>>,
    pub made: Vec<(ObjectId, u64)>,
    /// Whether it is to be checked together with others of its sort.
    pub is_joint: bool,
    /// What was read of standard input, which may be needed again.
    pub stdin: Option<Vec<u8>>,
}

impl Single {
    pub fn done(checked: Checked) -> Single {
        Single { checked: Some(checked), ..Single::default() }
    }
}

/// What a group of files is looked at with.
pub(super) struct Looking<'a> {
    pub check: &'a Check<'a>,
    pub beside: Beside<'a>,
    pub workers: Workers,
}

/// What is known beside the files that are looked at.
pub(super) enum Beside<'a> {
    Nothing(&'a Nothing),
    /// All files of the run, which of them are looked at, and what is known of the others.
    Files {
        files: &'a [InputFile],
        own: &'a [usize],
        index: &'a Index,
        definitions: &'a Arc<Definitions>,
    },
}

fn read(check: &Check<'_>, files: &[Held], sources: &Sources, workers: Workers) -> Documents {
    let mut read = Documents::default();
    for held in files {
        read.add(&held.file, held.bytes.clone(), check.strictness, sources, workers);
    }
    read
}

/// Checks a file by what is in it alone.
pub(super) fn first_look(
    check: &Check<'_>,
    file: &InputFile,
    workers: Workers,
) -> Result<Single, Box<Diagnostic>> {
    let held = Held { file: file.clone(), bytes: file.read()? };
    let stdin = file.is_stdin().then(|| held.bytes.clone());
    let sources = Sources::default();
    let read = read(check, std::slice::from_ref(&held), &sources, workers);
    let names = read.documents.iter().filter_map(|document| name_of(&document.root)).map(str::to_owned);
    let names = names.collect();
    if read.documents.iter().any(|document| is_joint(document, check.catalog)) {
        return Ok(Single { names, stdin, is_joint: true, ..Single::default() });
    }
    let nothing = Nothing::default();
    let looking = Looking { check, beside: Beside::Nothing(&nothing), workers };
    let (checked, made, definitions) = looking.conclude(held, looking.look(read, sources));
    let is_done = !nothing.is_asked();
    Ok(Single {
        checked: Some(checked).filter(|_| is_done),
        made: if is_done { made } else { Vec::new() },
        names,
        definitions,
        stdin,
        is_joint: false,
    })
}

impl Looking<'_> {
    /// Checks files together. The last entry is about none of them.
    pub fn check(&self, files: &[Held]) -> Vec<Checked> {
        let sources = Sources::default();
        let read = read(self.check, files, &sources, self.workers);
        self.finish(files, self.look(read, sources)).0
    }

    /// Checks one file, and returns the objects that it makes.
    pub fn check_one(&self, held: Held) -> (Checked, Vec<(ObjectId, u64)>) {
        let sources = Sources::default();
        let read = read(self.check, std::slice::from_ref(&held), &sources, self.workers);
        let (checked, made, _) = self.conclude(held, self.look(read, sources));
        (checked, made)
    }

    fn conclude(&self, held: Held, looked: Looked) -> (Checked, Vec<(ObjectId, u64)>, Vec<Arc<Definition>>) {
        let (mut parts, mut last) = self.finish(&[held], looked);
        let others = parts.pop().unwrap_or_default();
        let mut checked = parts.pop().unwrap_or_default();
        checked.tally.add(&others.tally);
        checked.pages.iter_mut().zip(&others.pages).for_each(|(page, more)| page.push_str(more));
        (checked, std::mem::take(&mut last.made), std::mem::take(&mut last.definitions))
    }

    fn look(&self, read: Documents, sources: Sources) -> Looked {
        let check = self.check;
        let mut findings = read.findings;
        let unread = hide_unread(&mut findings, &sources);
        let mut overrides = Vec::new();
        for set in check.sets {
            match Override::set(set, &sources) {
                Ok(one) => overrides.push(one),
                Err(finding) => findings.push(*finding),
            }
        }
        let behind = Folders::new(check.config, &sources);
        let others;
        let library: &dyn Library = match self.beside {
            Beside::Nothing(nothing) => nothing,
            Beside::Files { files, own, index, definitions } => {
                others = Files { index, files, own, definitions, sources: &sources, behind: &behind };
                &others
            }
        };
        let profiles = check.profiles.clone();
        let workers = self.workers;
        let choice = Choice { overrides: &overrides, tasks: check.tasks, profiles, workers };
        let (mut found, problems) = manifests(read.documents, &choice, library, check.catalog, &sources);
        let flawed = std::mem::take(&mut found.flawed);
        findings.extend(refusals(flawed, &found.definitions, &sources));
        findings.extend(problems);
        let secrets = [unread, found.secrets.clone()].concat();
        let definitions = found.definitions.known().cloned().collect();
        let count = found.manifests.len();
        let is_ours = found.manifests.iter().any(|manifest| manifest.kind.is_some());
        // What renders to something that Kubernetes refuses is not valid either.
        let made = match render(found, &sources, workers) {
            Ok(plan) if is_ours => digests(&plan),
            Ok(_) => Vec::new(),
            Err(problems) => {
                findings.extend(problems.0);
                Vec::new()
            }
        };
        let is_occupied = count + findings.len() > 0;
        let findings = check.levels.weigh(findings, &read.sources, &sources);
        Looked {
            ids: read.sources,
            findings,
            secrets,
            manifests: count,
            is_occupied,
            made,
            definitions,
            sources,
        }
    }

    fn finish(&self, files: &[Held], first: Looked) -> (Vec<Checked>, Looked) {
        let check = self.check;
        if !check.is_fixing {
            return (report(check, &first), first);
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
        (checked, last)
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
            let read = read(self.check, &next, &sources, self.workers);
            let again = self.look(read, sources);
            if syntax_errors(&again) > syntax_errors(&looked) {
                break;
            }
            (now, counts, looked) = (next, more, again);
        }
        (now, counts, looked)
    }
}

/// Names what a plan makes; what the server is to name is never made twice.
fn digests(plan: &Plan) -> Vec<(ObjectId, u64)> {
    let named = plan.objects.iter().filter(|object| object.node.at(["metadata", "name"]).is_some());
    let digest = |object: &crate::object::Object| {
        let mut hasher = DefaultHasher::new();
        object.node.to_json().to_string().hash(&mut hasher);
        hasher.finish()
    };
    named.map(|object| (object.id.clone(), digest(object))).collect()
}

/// An edit that leaves something unreadable has mended nothing.
fn syntax_errors(looked: &Looked) -> usize {
    looked.findings.iter().filter(|finding| finding.code == "yaml-syntax").count()
}

/// Sorts findings by the file that they are in, or that explains them: a profile is in none.
fn report(check: &Check<'_>, looked: &Looked) -> Vec<Checked> {
    let mut parts: Vec<Vec<Diagnostic>> = vec![Vec::new(); looked.ids.len() + 1];
    for finding in &looked.findings {
        let index =
            finding.places().find_map(|place| looked.ids.iter().position(|other| *other == place.source));
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
