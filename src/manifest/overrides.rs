//! `--set path=value`: values from the command line, typed by the schema, with places of their own.

use crate::catalog::shape::Shape;
use crate::diagnostic::Diagnostic;
use crate::source::{Place, Source, SourceKind, Sources};
use crate::yaml::{self, Key, Map, Node, Value};

/// A value for one field, to be set before the schema looks.
#[derive(Debug, Clone)]
pub struct Override {
    steps: Vec<Key>,
    value: Node,
    /// Whether the value is text as typed, and so a string where the schema wants one.
    typed: Option<String>,
}

impl Override {
    /// Reads `spec.backoffLimit=3`, as given to `option`.
    pub fn parse(option: &str, argument: &str, sources: &Sources) -> Result<Override, Box<Diagnostic>> {
        let text = format!("{option} {argument}");
        let id = sources.add(Source::new(SourceKind::Argument, option, text.clone()));
        let start = option.len() + 1;
        let Some((path, raw)) = argument.split_once('=') else {
            let message = format!("`{text}` has no `=`");
            return Err(Box::new(
                Diagnostic::unable("bad-override", message)
                    .help("write `--set path=value`, for example `--set spec.backoffLimit=3`"),
            ));
        };
        let steps = parse_path(path, id, start)?;
        let place = Place::new(id, start + path.len() + 1..text.len());
        let value = parse_value(raw, place);
        Ok(Override { steps, value, typed: Some(raw.to_owned()) })
    }

    /// Makes an override of a value that is no text, such as a whole list of arguments.
    pub fn new(
        path: &[&str],
        option: &str,
        argument: &str,
        json: &serde_json::Value,
        sources: &Sources,
    ) -> Override {
        let text = format!("{option} {argument}");
        let place_end = text.len();
        let id = sources.add(Source::new(SourceKind::Argument, option, text));
        let place = Place::new(id, 0..place_end);
        let steps = path.iter().map(|step| Key { text: (*step).to_owned(), place }).collect();
        Override { steps, value: Node::from_json(json, place), typed: None }
    }

    pub(super) fn apply(&self, root: &mut Node, shape: Shape<'_>) {
        self.descend(root, Some(shape), &self.steps);
    }

    fn descend(&self, node: &mut Node, shape: Option<Shape<'_>>, steps: &[Key]) {
        let Some((step, rest)) = steps.split_first() else {
            *node = self.typed_value(shape);
            return;
        };
        if node.is_null() {
            let is_list = shape.is_some_and(|shape| shape.keyword("x-keyed-by").is_some());
            node.value = if is_list { Value::List(Vec::new()) } else { Value::Map(Map::default()) };
            node.place = step.place;
        }
        match &mut node.value {
            Value::List(items) => {
                let name = shape.and_then(|shape| shape.text("x-keyed-by")).unwrap_or("name");
                let item = item_at(items, step, name);
                self.descend(item, shape.and_then(Shape::items), rest);
                if let Some(map) = item.as_map_mut().filter(|map| map.get(name).is_none() && shape.is_some())
                {
                    map.entries.insert(
                        0,
                        (
                            Key { text: name.to_owned(), place: step.place },
                            Node::string(&step.text, step.place),
                        ),
                    );
                }
            }
            Value::Map(map) => {
                let name = canonical_name(shape, &step.text);
                if map.get(&name).is_none() {
                    map.set(
                        Key { text: name.clone(), place: step.place },
                        Node::new(Value::Null, step.place),
                    );
                }
                if let Some(child) = map.get_mut(&name) {
                    self.descend(child, shape.and_then(|shape| shape.property(&name)), rest);
                }
            }
            // A path through a scalar replaces it; the schema says what is wrong with the result.
            _ => {
                node.value = Value::Map(Map::default());
                self.descend(node, shape, steps);
            }
        }
    }

    /// `--set spec.image.tag=1.10` is the string that was typed where the schema wants a string.
    fn typed_value(&self, shape: Option<Shape<'_>>) -> Node {
        let mut value = self.value.clone();
        let is_scalar = !matches!(value.value, Value::Map(_) | Value::List(_));
        if let Some(text) = self.typed.as_ref().filter(|_| is_scalar && shape.is_some_and(wants_string)) {
            value.value = Value::String(text.clone());
        }
        value
    }
}

fn wants_string(shape: Shape<'_>) -> bool {
    let wrapped = shape.text("x-shorthand").and_then(|field| shape.property(field));
    wrapped.unwrap_or(shape).text("type") == Some("string")
}

/// The way to a list item is its number, or its name.
fn item_at<'n>(items: &'n mut Vec<Node>, step: &Key, name: &str) -> &'n mut Node {
    let by_number = step.text.parse::<usize>().ok().filter(|index| *index < items.len());
    let by_name = || items.iter().position(|item| item.get(name).and_then(Node::as_str) == Some(&step.text));
    let index = by_number.or_else(by_name).unwrap_or_else(|| {
        items.push(Node::new(Value::Null, step.place));
        items.len() - 1
    });
    &mut items[index]
}

fn canonical_name(shape: Option<Shape<'_>>, written: &str) -> String {
    let camel = super::values::camel_case(written);
    let is_declared =
        |name: &str| shape.is_some_and(|s| s.properties().iter().any(|(known, _)| *known == name));
    if !is_declared(written) && is_declared(&camel) { camel } else { written.to_owned() }
}

/// Splits `spec.containers[0].env["a.b"]` into steps; `start` is where the path begins in its source.
fn parse_path(path: &str, id: crate::source::SourceId, start: usize) -> Result<Vec<Key>, Box<Diagnostic>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let offset = start + path.len() - rest.len();
        let (raw, after) = if let Some(inner) = rest.strip_prefix('[') {
            let Some((index, after)) = inner.split_once(']') else { break };
            (index, after)
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            (&rest[..end], &rest[end..])
        };
        let text = raw.trim_matches('"');
        if text.is_empty() {
            break;
        }
        steps.push(Key { text: text.to_owned(), place: Place::new(id, offset..offset + raw.len()) });
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    if rest.is_empty() && !steps.is_empty() {
        return Ok(steps);
    }
    let message = format!("`{path}` is no path to a field");
    Err(Box::new(Diagnostic::unable("bad-override", message).help(
        "write names separated by dots, `[0]` or `[name]` for list items: `spec.env.variables.KEY.value`",
    )))
}

/// Reads a value as YAML in one line: `3`, `true`, `[a, b]`, `{k: v}`, text.
fn parse_value(raw: &str, place: Place) -> Node {
    let (mut documents, findings) = yaml::read(place.source, raw);
    match documents.pop().filter(|_| findings.is_empty() && documents.is_empty() && !raw.contains('\n')) {
        Some(document) => move_to(document.root, place),
        None => Node::string(raw, place),
    }
}

fn move_to(mut node: Node, place: Place) -> Node {
    node.place = place;
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| *item = move_to(item.clone(), place)),
        Value::Map(map) => map.entries.iter_mut().for_each(|(key, item)| {
            key.place = place;
            *item = move_to(item.clone(), place);
        }),
        _ => {}
    }
    node
}
