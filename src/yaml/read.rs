//! granit-parser events → trees with places, and findings for what the text gets wrong.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle, Tag};

use super::{Key, Map, Node, Text, Value, scalar};
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
    List(Vec<Node>),
    Map { map: Map, key: Option<Key>, seen: HashSet<Text>, merged: Vec<Node> },
}

impl<'t> Reader<'t> {
    fn read_all(&mut self) {
        loop {
            match self.parser.next_event() {
                None | Some(Ok((Event::StreamEnd, _))) => return,
                Some(Ok((event, span))) => self.take(event, span),
                Some(Err(error)) => {
                    let finding = self.syntax_error(&error);
                    self.findings.push(finding);
                    self.current = Building::default();
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
            Event::DocumentStart(..) => self.current = Building::default(),
            Event::DocumentEnd => self.finish_document(place),
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(text, style, tag.as_deref(), place);
                self.add(node, anchor, place);
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "seq", place);
                self.open(Collection::List(Vec::new()), style, anchor, place);
            }
            Event::MappingStart(style, anchor, tag) => {
                self.check_collection_tag(tag.as_deref(), "map", place);
                let map = Collection::Map {
                    map: Map::default(),
                    key: None,
                    seen: HashSet::new(),
                    merged: Vec::new(),
                };
                self.open(map, style, anchor, place);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(place),
            Event::Alias(id) => self.alias(id, place),
            Event::UnresolvedAlias(name) => {
                let message = format!("alias `*{name}` has no anchor `&{name}` before it in this document");
                self.fail(
                    Diagnostic::error("yaml-alias", message)
                        .at(place)
                        .label("unknown anchor")
                        .help("an anchor must stand earlier in the same document; quote the value if `*` is meant literally"),
                );
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
            Collection::List(items) => Value::List(items),
            Collection::Map { mut map, merged, .. } => {
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
            Collection::List(items) => items.push(node),
            Collection::Map { key: key @ None, .. } => match key_of(node, self.text, written) {
                Ok(text) => *key = Some(Key::new(text, written)),
                Err(finding) => {
                    *key = Some(Key::new("", written));
                    self.fail(*finding);
                }
            },
            Collection::Map { map, key, seen, merged } => {
                let Some(key) = key.take() else { return };
                if key.text == "<<" && self.text.get(key.place.range()) == Some("<<") {
                    merged.push(node);
                    return;
                }
                if let Some(first) = duplicate(map, seen, &key) {
                    let message = format!("the key `{}` is given twice in this map", key.text);
                    let finding = Diagnostic::error("duplicate-key", message)
                        .at(key.place)
                        .label("given again here")
                        .related(first, "first given here")
                        .help("keep one of the two; other readers keep only the last and drop the first in silence");
                    self.fail(finding);
                    return;
                }
                map.entries.push((key, node));
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
            _ => self.fail(
                Diagnostic::error("yaml-merge", "the merge key `<<` takes a map or a list of maps")
                    .at(place)
                    .label("not a map")
                    .help("write `<<: *anchor`, or quote the key if it is meant literally"),
            ),
        }
    }

    fn alias(&mut self, id: usize, place: Place) {
        let Some((node, size)) = self.current.anchors.get(&id).cloned() else {
            self.fail(
                Diagnostic::error("yaml-alias", "an alias stands inside the anchor that it refers to")
                    .at(place)
                    .label("refers to a collection that is not finished"),
            );
            return self.add(Node::new(Value::Null, place), 0, place);
        };
        self.current.aliased += size;
        if self.current.aliased > ALIAS_BUDGET {
            if !self.current.is_broken {
                let message = format!("aliases expand this document by more than {ALIAS_BUDGET} values");
                self.fail(
                    Diagnostic::error("yaml-alias", message)
                        .at(place)
                        .label("expansion stops here")
                        .help("write the values out, or split the document"),
                );
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
                    let message = format!("`{text}` cannot be read as the tag `!!{kind}` says");
                    self.fail(
                        Diagnostic::error("yaml-tag", message)
                            .at(place)
                            .help("remove the tag or mend the value"),
                    );
                }
                value
            }
            Some((_, tag)) => {
                self.unknown_tag(tag, place);
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
            self.unknown_tag(tag, place);
        }
    }

    fn unknown_tag(&mut self, tag: &Tag, place: Place) {
        let written = tag.original();
        self.fail(
            Diagnostic::error(
                "yaml-tag",
                format!("the tag `{written}` has no meaning in a Kubernetes manifest"),
            )
            .at(place)
            .label("tagged value")
            .help("remove the tag"),
        );
    }

    fn finish_document(&mut self, end: Place) {
        let current = std::mem::take(&mut self.current);
        if !current.is_broken {
            let root = current.root.unwrap_or(Node::new(Value::Null, Place { end: end.start, ..end }));
            self.documents.push(ReadDocument { root, ambiguous: current.ambiguous });
        }
    }

    fn syntax_error(&self, error: &granit_parser::ScanError) -> Diagnostic {
        let start = error.marker().byte_offset().map_or(self.text.len(), |offset| self.start + offset);
        let start = start.min(self.text.len());
        let start = (0..=start).rev().find(|i| self.text.is_char_boundary(*i)).unwrap_or(0);
        let length = self.text[start..].chars().next().map_or(0, char::len_utf8);
        let place = Place::new(self.source, start..start + length);
        let line_start = self.text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let diagnostic =
            Diagnostic::error("yaml-syntax", format!("this is not valid YAML: {}", error.info()))
                .at(place)
                .label("cannot be read from here on");
        match hint(line, &error.info()) {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

/// What people usually meant when the parser stopped here.
fn hint(line: &str, info: &str) -> Option<&'static str> {
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    let value = line.split_once(": ").map_or("", |(_, value)| value);
    if indent.contains('\t') || info.contains("tab") {
        Some("YAML allows no tabs for indentation; use spaces")
    } else if line.contains("{{") {
        Some("`{{ … }}` looks like a template; fill it in first, or quote the value")
    } else if value.contains(": ") {
        Some("a value that contains `: ` must be quoted")
    } else if value.starts_with(['@', '`', '%', '*', '&', '!']) {
        Some("a value that starts with one of @ ` % * & ! must be quoted")
    } else if info.contains("flow") || line.contains('[') || line.contains('{') {
        Some("is a `[` or `{` left open, or a comma missing?")
    } else {
        Some(
            "check the indentation of this line and the one before, and that strings with special characters are quoted",
        )
    }
}

/// Returns a map key's text. Keys that a reader would turn into something else are refused.
fn key_of(node: Node, text: &str, place: Place) -> Result<Text, Box<Diagnostic>> {
    let written = text.get(place.range()).unwrap_or_default();
    let type_name = node.type_name();
    let read_as = match node.value {
        Value::String(key) => return Ok(key),
        Value::Number(number) if number.to_string() == written => return Ok(written.into()),
        Value::List(_) | Value::Map(_) => {
            return Err(Box::new(
                Diagnostic::error("yaml-key", format!("a {type_name} cannot be a key here"))
                    .at(place)
                    .label("keys are strings"),
            ));
        }
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null => "null".to_owned(),
    };
    Err(Box::new(
        Diagnostic::error(
            "yaml-key",
            format!("the key `{written}` is read as `{read_as}` by Kubernetes' own YAML reader"),
        )
        .at(place)
        .label("not a string")
        .fix("quote the key", place, format!("\"{written}\"")),
    ))
}

/// Returns where `key` was first given, if it was.
fn duplicate(map: &Map, seen: &mut HashSet<Text>, key: &Key) -> Option<Place> {
    if map.entries.len() < SCANNED_KEYS {
        return map.key(&key.text).map(|first| first.place);
    }
    if seen.is_empty() {
        seen.extend(map.keys().map(Text::from));
    }
    if seen.insert(key.text.clone()) { None } else { map.key(&key.text).map(|first| first.place) }
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
