//! A long text → its documents, read in parts by several threads.

use super::ReadDocument;
use super::read::{read, read_part};
use crate::diagnostic::Diagnostic;
use crate::source::SourceId;
use crate::workers::{Workers, map_with};

/// About as long is a document, in bytes.
const DOCUMENT: usize = 4096;
/// What a document begins with; it is no part of any value.
const MARKER: &str = "---";

/// Reads every document of a text, as `read` does.
pub fn read_by(workers: Workers, source: SourceId, text: &str) -> (Vec<ReadDocument>, Vec<Diagnostic>) {
    read_in(workers.count(text.len() / DOCUMENT), source, text)
}

fn read_in(count: usize, source: SourceId, text: &str) -> (Vec<ReadDocument>, Vec<Diagnostic>) {
    let starts = starts(text, count);
    if starts.len() > 1 {
        let read = map_with(vec![(); starts.len()], (0..starts.len()).collect(), |(), part| {
            let Some(next) = starts.get(part + 1) else {
                return read_part(source, text, starts[part]..text.len());
            };
            // A value may end where the marker begins; of the document after it nothing is read here.
            let (mut documents, findings) = read_part(source, text, starts[part]..next + MARKER.len());
            documents.pop();
            (documents, findings)
        });
        // What is wrong may reach from one part into the next.
        if read.iter().all(|(_, findings)| findings.is_empty()) {
            return (read.into_iter().flat_map(|(documents, _)| documents).collect(), Vec::new());
        }
    }
    read(source, text)
}

/// Finds where so many parts of about the same length begin: each but the first at a marker. A text with directives,
/// which belong to the document after them, is one part.
fn starts(text: &str, count: usize) -> Vec<usize> {
    let mut starts = vec![0];
    if text.starts_with('%') || text.contains("\n%") {
        return starts;
    }
    let wanted = (1..count).map(|part| text.len() / count * part);
    let found = wanted.filter_map(|from| boundary(text, from));
    starts.extend(found);
    starts.dedup();
    starts
}

fn boundary(text: &str, from: usize) -> Option<usize> {
    let from = (from..).find(|at| text.is_char_boundary(*at))?;
    let mut starts = text[from..].match_indices('\n').map(|(at, _)| from + at + 1);
    starts.find(|start| {
        let rest = text[*start..].strip_prefix(MARKER);
        rest.is_some_and(|rest| rest.chars().next().is_none_or(|c| c.is_ascii_whitespace()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown((documents, findings): (Vec<ReadDocument>, Vec<Diagnostic>)) -> (Vec<String>, Vec<Diagnostic>) {
        (documents.iter().map(|document| format!("{document:?}")).collect(), findings)
    }

    #[test]
    fn parts_make_what_the_whole_makes() {
        for text in [
            "a: 1\n---\nb: [2, é]\n---\nc: yes\n",
            "\u{feff}a: 1\r\n---\r\nb: |\r\n  x\r\n  ---\r\n  y\r\n---\r\nc: 3\r\n",
            "a: |\n  x\n\n---\n|\nb\n--- {c: 3}\n---# no marker\n---",
            "# one\n---\n# two\n---\na: &x 1\nb: *x\n...\n---\nc: 'a\n  ---\n  b'\n",
            "a: 1\n---\nb: *gone\n---\nc: 1\nc: 2\n---\nd: 1\n",
            "a: [1,\n---\n2]\n---\nb: 1\n",
            "a: 'x\n---\ny'\n---\nb: 1\n",
            "%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n---\nb: 1\n",
            "",
        ] {
            let whole = shown(read(SourceId::NONE, text));
            for count in 1..6 {
                assert_eq!(shown(read_in(count, SourceId::NONE, text)), whole, "{text:?} in {count}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn parts_of_anything_make_what_the_whole_makes(
            lines in proptest::collection::vec(proptest::sample::select(LINES), 0..24), count in 2_usize..6,
        ) {
            let text = lines.concat();
            let whole = shown(read(SourceId::NONE, &text));
            proptest::prop_assert_eq!(shown(read_in(count, SourceId::NONE, &text)), whole);
        }
    }

    const LINES: &[&str] = &[
        "---\n",
        "---\n",
        "---\n",
        "---\r\n",
        "--- |\n",
        "--- 'a\n",
        "---x\n",
        "...\n",
        "%TAG ! tag:x,2000:\n",
        "# c\n",
        "a: 1\n",
        "é: |\n",
        "  x\n",
        "  ---\n",
        "\n",
        "b: 'y\n",
        "y'\n",
        "\"\n",
        "c: [1,\n",
        "2]\n",
        "- d\n",
        "e: &e {f: 1}\n",
        "g: *e\n",
        "a: 2\n",
        "\t\n",
        "?\n",
        "h: >\n",
    ];

    #[test]
    fn parts_begin_at_markers_alone() {
        let text = "a: 1\n---\nb: |\n  ---\n----\n---\tc\n";
        assert_eq!(starts(text, 1), [0]);
        assert_eq!(starts(text, 9), [0, 5, 25]);
    }
}
