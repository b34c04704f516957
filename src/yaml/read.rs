//! granit-parser events → trees with places, and findings for what the text gets wrong.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle, Tag};

use super::{Key, Map, Node, Text, Value, scalar, wrong};
use crate::diagnostic::Diagnostic;
use crate::source::{Place, SourceId};

/// Aliases may add this many nodes to a document before it counts as an attack ("billion laughs").
const ALIAS_BUDGET: usize = 200_000;
/// Maps up to this size look for duplicate keys by scanning.
const SCANNED_KEYS: usize = 16;

/// One YAML document that could be read.
#[derive(Debug)]
pub struct ReadDocument {
    /// `Value::Null` for an empty document.
    pub root: Node,
    /// Unquoted scalars that YAML 1.1 and 1.2 readers understand differently.
    pub ambiguous: Vec<Place>,
}

/// Reads every document of a text. A document with an error is left out and its findings are returned; the
/// documents after it are read all the same.
pub fn read(source: SourceId, text: &str) -> (Vec<ReadDocument>, Vec<Diagnostic>) {
    read_part(source, text, 0..text.len())
}

/// Reads the documents that stand in a part of a text.
pub(super) fn read_part(
    source: SourceId,
    text: &str,
    part: Range<usize>,
) -> (Vec<ReadDocument>, Vec<Diagnostic>) {
    let options = granit_parser::options! { emit_comments: false, emit_unresolved_aliases: true };
    let mut reader = Reader {
        source,
        text,
        start: part.start,
        parser: Parser::new_from_str_with_options(&text[part], options),
        documents: Vec::new(),
        findings: Vec::new(),
        current: Building::default(),
    };
    reader.read_all();
    (reader.documents, reader.findings)
}

struct Reader<'t> {
    source: SourceId,
    text: &'t str,
    /// Where the part begins that is read.
    start: usize,
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    documents: Vec<ReadDocument>,
    findings: Vec<Diagnostic>,
    current: Building,
}

/// A document under construction.
#[derive(Default)]
struct Building {
    stack: Vec<Frame>,
    /// What was read of the lists and maps that have not come to their ends. How long each is shows only then.
    items: Vec<Node>,
    entries: Vec<(Key, Node)>,
    root: Option<Node>,
    anchors: HashMap<usize, (Node, usize)>,
    aliased: usize,
    ambiguous: Vec<Place>,
    is_broken: bool,
}

struct Frame {
    start: Place,
    /// End of the last child, since a block collection's own end lies at the next token.
    end: u32,
    anchor: usize,
    is_flow: bool,
    collection: Collection,
}

enum Collection {
    /// The number of its first item.
    List(usize),
    /// The number of its first entry, and what it has beside entries.
    Map { first: usize, key: Option<Key>, seen: HashSet<Text>, merged: Vec<Node> },
}

impl Building {
    /// Begins with another document, in the memory of the one before.
    fn restart(&mut self) {
        self.stack.clear();
        self.items.clear();
        self.entries.clear();
        self.root = None;
        self.anchors.clear();
        self.aliased = 0;
        self.ambiguous.clear();
        self.is_broken = false;
    }
}

impl<'t> Reader<'t> {
    fn read_all(&mut self) {
        loop {
            match self.parser.next_event() {
                None | Some(Ok((Event::StreamEnd, _))) => return,
                Some(Ok((event, span))) => self.take(event, span),
                Some(Err(error)) => {
                    self.findings.push(wrong::syntax(self.source, self.text, self.start, &error));
                    self.current.restart();
                    match self.parser.proceed_next_document() {
                        Ok(true) => {}
                        _ => return,
                    }
                }
            }
        }
    }

    fn take(&mut self, event: Event<'t>, span: Span) {
        let place = self.place(&span);
        match event {
            Event::DocumentStart(..) => self.current.restart(),
            Event::DocumentEnd => self.finish_document(place),
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(text, style, tag.as_deref(), place);
                self.add(node, anchor, place);
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "seq", place);
                self.open(Collection::List(self.current.items.len()), style, anchor, place);
            }
            Event::MappingStart(style, anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "map", place);
                let map = Collection::Map {
                    first: self.current.entries.len(),
                    key: None,
                    seen: HashSet::new(),
                    merged: Vec::new(),
                };
                self.open(map, style, anchor, place);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(place),
            Event::Alias(id) => self.alias(id, place),
            Event::UnresolvedAlias(name) => {
                self.fail(wrong::unknown_alias(&name, place));
                self.add(Node::new(Value::Null, place), 0, place);
            }
            _ => {}
        }
    }

    fn place(&self, span: &Span) -> Place {
        let range = span.byte_range().unwrap_or(0..0);
        let clamp = |offset: usize| (self.start + offset).min(self.text.len());
        Place::new(self.source, clamp(range.start)..clamp(range.end))
    }

    fn fail(&mut self, finding: Diagnostic) {
        self.current.is_broken = true;
        self.findings.push(finding);
    }

    fn open(&mut self, collection: Collection, style: StructureStyle, anchor: usize, place: Place) {
        let is_flow = style == StructureStyle::Flow;
        self.current.stack.push(Frame { start: place, end: place.end, anchor, is_flow, collection });
    }

    fn close(&mut self, place: Place) {
        let Some(frame) = self.current.stack.pop() else { return };
        let end = if frame.is_flow { place.end } else { frame.end };
        let place = Place { end, ..frame.start };
        let value = match frame.collection {
            Collection::List(first) => Value::List(self.current.items.drain(first..).collect()),
            Collection::Map { first, merged, .. } => {
                let mut map = Map { entries: self.current.entries.drain(first..).collect() };
                for source in merged {
                    self.merge(&mut map, source);
                }
                Value::Map(map)
            }
        };
        self.add(Node::new(value, place), frame.anchor, place);
    }

    /// Adds a finished node to the collection it stands in. `written` is where it stands, which for an alias is
    /// not where its content was written.
    fn add(&mut self, node: Node, anchor: usize, written: Place) {
        if anchor != 0 {
            let size = count(&node);
            self.current.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(frame) = self.current.stack.last_mut() else {
            self.current.root = Some(node);
            return;
        };
        frame.end = frame.end.max(written.end);
        match &mut frame.collection {
            Collection::List(_) => self.current.items.push(node),
            Collection::Map { key: key @ None, .. } => match wrong::key(node, self.text, written) {
                Ok(text) => *key = Some(Key::new(text, written)),
                Err(finding) => {
                    *key = Some(Key::new("", written));
                    self.fail(*finding);
                }
            },
            Collection::Map { first, key, seen, merged } => {
                let Some(key) = key.take() else { return };
                if key.text == "<<" && self.text.get(key.place.range()) == Some("<<") {
                    merged.push(node);
                    return;
                }
                if let Some(before) = duplicate(&self.current.entries[*first..], seen, &key) {
                    return self.fail(wrong::duplicate_key(&key, before));
                }
                self.current.entries.push((key, node));
            }
        }
    }

    fn merge(&mut self, map: &mut Map, source: Node) {
        let place = source.place;
        match source.value {
            Value::Map(other) => {
                for (key, node) in other.entries {
                    if map.get(&key.text).is_none() {
                        map.entries.push((key, node));
                    }
                }
            }
            Value::List(items) if items.iter().all(|item| item.as_map().is_some()) => {
                for item in items {
                    self.merge(map, item);
                }
            }
            _ => self.fail(wrong::merge(place)),
        }
    }

    fn alias(&mut self, id: usize, place: Place) {
        let Some((node, size)) = self.current.anchors.get(&id).cloned() else {
            self.fail(wrong::endless_alias(place));
            return self.add(Node::new(Value::Null, place), 0, place);
        };
        self.current.aliased += size;
        if self.current.aliased > ALIAS_BUDGET {
            if !self.current.is_broken {
                self.fail(wrong::too_many_aliases(ALIAS_BUDGET, place));
            }
            return self.add(Node::new(Value::Null, place), 0, place);
        }
        self.add(node, 0, place);
    }

    fn scalar(&mut self, text: Cow<'t, str>, style: ScalarStyle, tag: Option<&Tag>, place: Place) -> Node {
        let value = match tag.map(|tag| (tag.core_suffix(), tag)) {
            None if style == ScalarStyle::Plain => {
                let value = scalar::resolve(text.clone());
                if scalar::is_ambiguous(&text, &value) {
                    self.current.ambiguous.push(place);
                }
                value
            }
            None | Some((Some("str"), _)) => Value::String(text.into()),
            Some((Some(kind @ ("int" | "float" | "bool" | "null")), _)) => {
                let value = scalar::resolve(text.clone());
                let is_kind = matches!(
                    (&value, kind),
                    (Value::Null, "null") | (Value::Bool(_), "bool") | (Value::Number(_), "int" | "float")
                );
                if !is_kind {
                    self.fail(wrong::mistagged(&text, kind, place));
                }
                value
            }
            Some((_, tag)) => {
                self.fail(wrong::unknown_tag(tag, place));
                match style {
                    ScalarStyle::Plain => scalar::resolve(text),
                    _ => Value::String(text.into()),
                }
            }
        };
        Node::new(value, place)
    }

    fn check_collection_tag(&mut self, tag: Option<&Tag>, expected: &str, place: Place) {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema_tag(expected)) {
            self.fail(wrong::unknown_tag(tag, place));
        }
    }

    fn finish_document(&mut self, end: Place) {
        if !self.current.is_broken {
            let nothing = Node::new(Value::Null, Place { end: end.start, ..end });
            let root = self.current.root.take().unwrap_or(nothing);
            let ambiguous = std::mem::take(&mut self.current.ambiguous);
            self.documents.push(ReadDocument { root, ambiguous });
        }
    }
}

/// Returns where `key` was first given, if it was.
fn duplicate(entries: &[(Key, Node)], seen: &mut HashSet<Text>, key: &Key) -> Option<Place> {
    let before = || entries.iter().map(|(before, _)| before).find(|before| before.text == key.text);
    if entries.len() < SCANNED_KEYS {
        return before().map(|before| before.place);
    }
    if seen.is_empty() {
        seen.extend(entries.iter().map(|(key, _)| key.text.clone()));
    }
    if seen.insert(key.text.clone()) { None } else { before().map(|before| before.place) }
}

fn count(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Map(map) => 1 + map.entries.iter().map(|(_, item)| count(item)).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, SourceKind, Sources};

    fn read_text(text: &str) -> (Vec<serde_json::Value>, Vec<String>) {
        let sources = Sources::default();
        let id = sources.add(Source::new(SourceKind::Manifest, "t", text));
        let (documents, findings) = read(id, text);
        let shown = findings
            .iter()
            .map(|f| {
                let (line, column) = sources.get(id).line_column(f.place.unwrap().start);
                format!("{}@{line}:{column}", f.code)
            })
            .collect();
        (documents.iter().map(|d| d.root.to_json()).collect(), shown)
    }

    #[test]
    fn reads_what_kubectl_reads() {
        let (documents, findings) = read_text(
            "\u{feff}a: &x {k: 0644}\r\nb: *x\r\nc:\r\n  <<: *x\r\n  k: 1\r\n---\n# only a comment\n---\n[yes, 'yes']\n...\n",
        );
        assert_eq!(findings, Vec::<String>::new());
        assert_eq!(documents[0], serde_json::json!({"a": {"k": 420}, "b": {"k": 420}, "c": {"k": 1}}));
        assert_eq!(documents[1], serde_json::Value::Null);
        assert_eq!(documents[2], serde_json::json!([true, "yes"]));
    }

    #[test]
    fn reports_duplicate_keys_and_reads_the_documents_after_an_error() {
        let (documents, findings) = read_text("a: 1\nb: 2\na: 3\n---\nx: [1, 2\ny: 3\n---\nz: 1\n");
        assert_eq!(findings[0], "duplicate-key@3:1");
        assert!(findings[1].starts_with("yaml-syntax@"), "{findings:?}");
        assert_eq!(documents, [serde_json::json!({"z": 1})]);
    }

    #[test]
    fn a_billion_laughs_ends_within_the_budget() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..12 {
            let previous = i - 1;
            let aliases = vec![format!("*a{previous}"); 10].join(", ");
            text.push_str(&format!("a{i}: &a{i} [{aliases}]\n"));
        }
        let (documents, findings) = read_text(&text);
        assert_eq!((documents.len(), findings.len()), (0, 1), "{findings:?}");
    }

    #[test]
    fn a_collection_ends_with_its_last_child() {
        let text = "a:\n  b: 1\n  c: [1,\n   2]\nd: 2\n";
        let sources = Sources::default();
        let id = sources.add(Source::new(SourceKind::Manifest, "t", text));
        let (documents, _) = read(id, text);
        assert_eq!(sources.text(documents[0].root.get("a").unwrap().place), "b: 1\n  c: [1,\n   2]");
    }
}
