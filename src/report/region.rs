//! Places as other programs count them: file, lines, columns, offsets.

use std::ops::Range;

use serde_json::{Map, Value as Json, json};

use crate::source::{Place, SourceId, SourceKind, Sources};

const BOM: char = '\u{feff}';

/// A place in a file, or in another text. Lines and columns count from one, columns in characters, and the end
/// is the first position behind the place. A byte order mark counts as a byte and is no character.
#[derive(Debug)]
pub(super) struct Region {
    pub kind: SourceKind,
    pub name: String,
    pub start: (usize, usize),
    pub end: (usize, usize),
    pub chars: Range<usize>,
    /// `None` where the text is not what the file holds, since bytes in it were no UTF-8.
    pub bytes: Option<Range<usize>>,
    /// Where the first line of the place ends, or the place itself if that is earlier.
    pub first_line_end: (usize, usize),
}

impl Region {
    pub(super) fn of(place: Place, sources: &Sources) -> Option<Region> {
        if place.source == SourceId::NONE {
            return None;
        }
        let source = sources.get(place.source);
        let mark = usize::from(source.text.starts_with(BOM));
        let position = |offset: usize| {
            let (line, column) = source.line_column(offset as u32);
            (line, if line == 1 { column.saturating_sub(mark).max(1) } else { column })
        };
        let chars = |offset: usize| {
            let before = source.text.get(..offset).map_or(0, |text| text.chars().count());
            before.saturating_sub(mark)
        };
        let length = source.text.len();
        let range = place.range().start.min(length)..place.range().end.min(length);
        let start = position(range.start);
        let first_line = source.line_range(start.0).end.max(range.start);
        Some(Region {
            kind: source.kind,
            name: source.name.clone(),
            start,
            end: position(range.end),
            chars: chars(range.start)..chars(range.end),
            bytes: (!source.text.contains(char::REPLACEMENT_CHARACTER)).then_some(range.clone()),
            first_line_end: position(range.end.min(first_line)),
        })
    }

    /// Says whether the place is in a file that the user can open.
    pub(super) fn is_in_file(&self) -> bool {
        self.kind == SourceKind::Manifest && !self.name.starts_with('<')
    }

    /// Names the kind of text for other programs.
    pub(super) fn source(&self) -> &'static str {
        match self.kind {
            SourceKind::Manifest => "manifest",
            SourceKind::Template => "template",
            SourceKind::Profile => "profile",
            SourceKind::Default => "default",
            SourceKind::Argument => "argument",
            SourceKind::Cluster => "cluster",
        }
    }

    /// Writes lines and columns; SARIF and our own JSON differ only in what they call the first two.
    pub(super) fn members(&self, line: &str, column: &str) -> Map<String, Json> {
        let mut members = Map::new();
        members.insert(line.to_owned(), json!(self.start.0));
        members.insert(column.to_owned(), json!(self.start.1));
        members.insert("endLine".to_owned(), json!(self.end.0));
        members.insert("endColumn".to_owned(), json!(self.end.1));
        members
    }
}

/// Writes JSON that is safe on a terminal: what would steer it is escaped, so nothing is lost.
pub(super) fn write_json(json: &Json) -> String {
    let mut text = serde_json::to_string_pretty(json).unwrap_or_default();
    text.push('\n');
    escaped(&text)
}

/// Escapes what would steer a terminal in a text that is JSON.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if super::is_unsafe(c) {
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn region(text: &str, range: Range<usize>) -> Region {
        let sources = Sources::default();
        let id = sources.add(Source::new(SourceKind::Manifest, "a.yaml", text));
        Region::of(Place::new(id, range), &sources).unwrap()
    }

    #[test]
    fn columns_are_characters_and_offsets_are_told_apart() {
        let region = region("é: 1\r\nbé: x\n", 7..12);
        assert_eq!((region.start, region.end), ((2, 1), (2, 5)));
        assert_eq!((region.chars, region.bytes), (6..10, Some(7..12)));
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        let region = region("\u{feff}a: 1\n", 3..4);
        assert_eq!((region.start, region.end), ((1, 1), (1, 2)));
        assert_eq!((region.chars, region.bytes), (0..1, Some(3..4)));
    }

    #[test]
    fn the_first_line_of_a_long_place_ends_with_the_line() {
        let region = region("a:\n  b: 1\n  c: 2\n", 5..17);
        assert_eq!((region.end, region.first_line_end), ((4, 1), (2, 7)));
    }

    #[test]
    fn json_steers_no_terminal() {
        let text = write_json(&json!({"a": "\u{1b}[31m\u{9b}\u{202e}\n"}));
        assert_eq!(text, "{\n  \"a\": \"\\u001b[31m\\u009b\\u202e\\n\"\n}\n");
    }
}
