//! Trees → YAML whose lines end in comments about the fields that start there.

use std::collections::BTreeMap;

use super::{Node, Value, read, write};
use crate::source::SourceId;

/// Comments stand below each other, but not farther out than this.
const WIDEST: usize = 60;

/// Writes one document. `comment` says what there is to say of a field.
pub fn write_with_comments(node: &Node, comment: &dyn Fn(&Node) -> String) -> String {
    let text = write(node);
    let (documents, _) = read(SourceId::NONE, &text);
    let Some(written) = documents.first() else { return text };
    let line_starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(index, _)| index + 1)).collect();
    let mut margin = Margin { line_starts, comment, comments: BTreeMap::new() };
    margin.collect(node, &written.root);
    margin.beside(&text)
}

/// What stands at the right of a text.
struct Margin<'c> {
    line_starts: Vec<usize>,
    comment: &'c dyn Fn(&Node) -> String,
    comments: BTreeMap<usize, String>,
}

impl Margin<'_> {
    /// A line belongs to the innermost field that starts in it: children overwrite what their parents said.
    fn collect(&mut self, node: &Node, written: &Node) {
        match (&node.value, &written.value) {
            (Value::Map(map), Value::Map(written)) => {
                for ((_, value), (key, written)) in map.entries.iter().zip(&written.entries) {
                    self.note(key.place.start, value);
                    self.collect(value, written);
                }
            }
            (Value::List(items), Value::List(written)) => {
                for (item, written) in items.iter().zip(written) {
                    self.note(written.place.start, item);
                    self.collect(item, written);
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, offset: u32, node: &Node) {
        let line = self.line_starts.partition_point(|start| *start <= offset as usize).saturating_sub(1);
        // Whatever breaks a line for some reader would end the comment and start YAML.
        let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
        let comment = (self.comment)(node);
        let comment = comment.chars().map(|c| if is_break(c) { '\u{fffd}' } else { c }).collect();
        self.comments.insert(line, comment);
    }

    fn beside(&self, text: &str) -> String {
        let width = |line: &str| line.chars().count();
        let widths = text.lines().enumerate().filter(|(index, _)| self.comments.contains_key(index));
        let widths = widths.map(|(_, line)| width(line)).filter(|width| *width <= WIDEST);
        let column = widths.max().unwrap_or_default();
        let mut annotated = String::new();
        for (index, line) in text.lines().enumerate() {
            annotated.push_str(line);
            if let Some(comment) = self.comments.get(&index) {
                let gap = column.saturating_sub(width(line)) + 2;
                annotated.push_str(&format!("{:gap$}# {comment}", ""));
            }
            annotated.push('\n');
        }
        annotated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_stand_at_the_line_of_their_field_and_change_nothing() {
        let given = "a: x\nb:\n- c: |\n    one\n\n    two # no comment\n  d: [1, []]\n- - e\n\"f: #\": {}\n";
        let (documents, _) = read(SourceId::NONE, given);
        let root = &documents[0].root;
        let text = write_with_comments(root, &|node| format!("a\nb {}", node.type_name()));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "a: x        # a\u{fffd}b string");
        assert_eq!(lines[2].split('#').next().unwrap().trim_end(), "- c: |");
        assert_eq!(lines[5], "    two # no comment");
        let (again, findings) = read(SourceId::NONE, &text);
        assert!(findings.is_empty());
        assert_eq!(again[0].root.to_json(), root.to_json());
    }
}
