//! Named texts, and places in them: what every diagnostic and every origin points at.

use std::sync::{Arc, Mutex, OnceLock};

/// What a text is to the pipeline; it decides how a place in it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A file or standard input that the user named.
    Manifest,
    /// A kind's template.
    Template,
    /// A profile.
    Profile,
    /// A schema's default for one field; the name is the field's path.
    Default,
    /// A command-line argument such as `--set spec.suspend=true`.
    Argument,
    /// An object as the cluster holds it.
    Cluster,
}

/// A named text.
#[derive(Debug)]
pub struct Source {
    pub kind: SourceKind,
    pub name: String,
    pub text: String,
    line_starts: OnceLock<Vec<u32>>,
}

impl Source {
    pub fn new(kind: SourceKind, name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind, name: name.into(), text: text.into(), line_starts: OnceLock::new() }
    }

    /// Returns the line and column (both from 1, columns in characters) of a byte offset.
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let line = self.line(offset);
        let start = self.line_starts()[line - 1] as usize;
        let end = (offset as usize).min(self.text.len());
        (line, self.text.get(start..end).map_or(1, |before| before.chars().count() + 1))
    }

    /// Returns the line (from 1) of a byte offset.
    pub fn line(&self, offset: u32) -> usize {
        self.line_starts().partition_point(|start| *start <= offset).max(1)
    }

    /// Returns the byte range of a line (from 1) without its line break.
    pub fn line_range(&self, line: usize) -> std::ops::Range<usize> {
        let starts = self.line_starts();
        let start = starts.get(line.saturating_sub(1)).map_or(self.text.len(), |s| *s as usize);
        let end = starts.get(line).map_or(self.text.len(), |s| *s as usize);
        start..start + self.text[start..end].trim_end_matches(['\n', '\r']).len()
    }

    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            std::iter::once(0)
                .chain(self.text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1))
                .collect()
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(u32);

impl SourceId {
    /// The source of values that have none yet.
    pub const NONE: SourceId = SourceId(u32::MAX);
}

/// A span of bytes in a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub source: SourceId,
    pub start: u32,
    pub end: u32,
}

impl Place {
    pub fn new(source: SourceId, range: std::ops::Range<usize>) -> Self {
        Self { source, start: range.start as u32, end: range.end as u32 }
    }

    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Returns the span from the start of this place to the end of `other`, which must lie in the same source.
    pub fn to(self, other: Place) -> Place {
        debug_assert_eq!(self.source, other.source);
        Place { end: other.end.max(self.end), ..self }
    }

    pub fn overlaps(self, other: Place) -> bool {
        let is_common = self.start < other.end && other.start < self.end || self.start == other.start;
        self.source == other.source && is_common
    }
}

/// All the texts of one run. Shared by reference; adding needs no exclusive access, so that any stage may
/// bring in a text (a template, an argument) while earlier places stay valid.
#[derive(Debug, Default)]
pub struct Sources {
    texts: Mutex<Vec<Arc<Source>>>,
    /// What the names of files that are added from now on begin with.
    prefix: String,
}

impl Sources {
    /// From now on files are named as those of another place: `git:main:`.
    pub fn name_after(&mut self, prefix: impl Into<String>) {
        self.prefix = prefix.into();
    }

    pub fn add(&self, mut source: Source) -> SourceId {
        if matches!(source.kind, SourceKind::Manifest | SourceKind::Profile) {
            source.name.insert_str(0, &self.prefix);
        }
        let mut sources = self.lock();
        sources.push(Arc::new(source));
        SourceId(sources.len() as u32 - 1)
    }

    pub fn get(&self, id: SourceId) -> Arc<Source> {
        Arc::clone(&self.lock()[id.0 as usize])
    }

    /// Asks every text of a kind.
    pub fn all_of<T>(&self, kind: SourceKind, mut ask: impl FnMut(&Source) -> Vec<T>) -> Vec<T> {
        self.lock().iter().filter(|source| source.kind == kind).flat_map(|source| ask(source)).collect()
    }

    /// Returns the text at a place, as written.
    pub fn text(&self, place: Place) -> String {
        self.get(place.source).text.get(place.range()).unwrap_or_default().to_owned()
    }

    /// Writes a place for people: `job.yaml:12:9`, `template kubernetes-job.yaml:31`, `default of spec.suspend`.
    pub fn describe(&self, place: Place) -> String {
        let source = self.get(place.source);
        let (line, column) = source.line_column(place.start);
        let name = &source.name;
        match source.kind {
            SourceKind::Manifest => format!("{name}:{line}:{column}"),
            SourceKind::Template => format!("template {name}:{line}"),
            SourceKind::Profile => format!("profile {name}:{line}"),
            SourceKind::Default => format!("default of {name}"),
            SourceKind::Argument => source.text.clone(),
            SourceKind::Cluster => format!("cluster {name}"),
        }
    }

    /// Writes where a value comes from. What `--set` gave may be secret, so only its path is told.
    pub fn origin(&self, place: Place) -> String {
        if place.source == SourceId::NONE {
            return "daphnia".to_owned();
        }
        let told = self.describe(place);
        match self.get(place.source).kind {
            SourceKind::Argument => told.split('=').next().unwrap_or_default().to_owned(),
            _ => told,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Source>>> {
        self.texts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let source = Source::new(SourceKind::Manifest, "a.yaml", "é: 1\r\nb: 2\n");
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column(4), (1, 4));
        assert_eq!(source.line_column(7), (2, 1));
        assert_eq!(source.line_column(99), (3, 1));
        assert_eq!(&source.text[source.line_range(1)], "é: 1");
    }
}
