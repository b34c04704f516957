//! Files → findings, many files at a time. A file is read, checked and forgotten; one that refers to what is in others
//! is read again when all are known.

mod group;
mod index;
mod parallel;

use crate::catalog::Catalog;
use crate::config::Config;
use crate::diagnostic::{Class, Diagnostic, Level};
use crate::document::{InputFile, Strictness};
use crate::lint::Levels;
use crate::manifest::Tasks;
use crate::profile::Chosen;
use crate::source::{Place, SourceId, Sources};

/// What was found in one file, and what is needed to tell it.
pub struct Found<'a> {
    /// `None` for what is in no file of the run.
    pub file: Option<SourceId>,
    pub findings: &'a [Diagnostic],
    pub sources: &'a Sources,
    /// Values that no output may show.
    pub secrets: &'a [Place],
}

/// How findings of one file become text, once for each place that it goes to.
pub type Print<'a> = &'a (dyn Fn(&Found<'_>) -> Vec<String> + Sync);

/// How files are checked.
pub struct Check<'a> {
    pub catalog: &'a Catalog,
    pub levels: &'a Levels,
    pub config: &'a Config,
    pub strictness: Strictness,
    pub is_fixing: bool,
    /// `--set`, as given.
    pub sets: &'a [String],
    /// `--task`, as given.
    pub tasks: Tasks<'a>,
    /// Profiles that every manifest has.
    pub profiles: &'a Chosen,
    pub print: Print<'a>,
}

/// What came of one file.
#[derive(Debug, Default)]
pub struct Checked {
    /// The findings, as `print` wrote them.
    pub pages: Vec<String>,
    pub tally: Tally,
    /// The file's text before and after, if it was mended.
    pub mended: Option<Mended>,
}

#[derive(Debug)]
pub struct Mended {
    pub file: InputFile,
    pub before: String,
    pub after: String,
    /// Values that no output may show, in the one text and in the other.
    pub secrets: [Vec<Place>; 2],
}

/// What was found, in numbers.
#[derive(Debug, Default)]
pub struct Tally {
    pub manifests: usize,
    /// Files, or groups of them, with something in them to say or to check.
    pub occupied: usize,
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
    /// Findings that `--fix` mends, and those that it has mended.
    pub mendable: usize,
    pub mended: usize,
    pub classes: Vec<Class>,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.manifests += other.manifests;
        self.occupied += other.occupied;
        self.errors += other.errors;
        self.warnings += other.warnings;
        self.notes += other.notes;
        self.mendable += other.mendable;
        self.mended += other.mended;
        for class in &other.classes {
            if !self.classes.contains(class) {
                self.classes.push(*class);
            }
        }
    }

    pub fn count(&mut self, findings: &[Diagnostic]) {
        let of = |level: Level| findings.iter().filter(|finding| finding.level == level).count();
        let errors = findings.iter().filter(|finding| finding.level == Level::Error);
        self.add(&Tally {
            errors: of(Level::Error),
            warnings: of(Level::Warning),
            notes: of(Level::Note),
            mendable: findings.iter().filter(|finding| finding.fix.is_some()).count(),
            classes: errors.map(|error| error.class).collect(),
            ..Tally::default()
        });
    }
}
