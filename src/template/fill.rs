//! Rendered text → trees, in which values take the place of their tokens.

use super::{QUOTED, Slot, TOKEN, TOKEN_END, Templates, context, failed, lines, lock};
use crate::diagnostic::Diagnostic;
use crate::source::{Place, Source, SourceKind};
use crate::yaml::{self, Key, Map, Node, Value};

impl Templates<'_> {
    pub(super) fn parse(&self, rendered: &str, name: &str) -> Result<Vec<Node>, Box<Diagnostic>> {
        let id = self.files.get(name).copied().unwrap_or(self.numbered[0].0);
        let own = (id, self.sources.get(id));
        let (text, origins) = lines::unmark(rendered);
        let scratch = Source::new(SourceKind::Template, name, text);
        let origin = |offset: u32| {
            let (file, line) = origins.get(scratch.line(offset) - 1).copied().unwrap_or((0, 1));
            let (id, source) = self.numbered.get(file).unwrap_or(&own);
            Place::new(*id, source.line_range(line))
        };
        let (documents, findings) = yaml::read(id, &scratch.text);
        if let Some(finding) = findings.into_iter().next() {
            let start = finding.place.map_or(0, |place| place.start);
            let why = finding.message.trim_start_matches("this is not valid YAML: ");
            let message = format!("this template renders text that is not valid YAML: {why}");
            return Err(Box::new(
                Diagnostic::error("template", message)
                    .at(origin(start))
                    .help("check the indentation that the template gives this line"),
            ));
        }
        let mut roots: Vec<Node> = documents.into_iter().map(|document| document.root).collect();
        roots.iter_mut().for_each(|root| relocate(root, &scratch.text, &origin));
        Ok(roots)
    }

    /// Puts values where their tokens stand, and leaves out keys whose value is null.
    pub(super) fn fill(&self, node: Node) -> Result<Node, Box<Diagnostic>> {
        let place = node.place;
        let value = match node.value {
            Value::String(text) if text.contains(TOKEN) => return self.fill_text(&text, place),
            Value::List(items) => {
                let items: Result<Vec<_>, _> = items.into_iter().map(|item| self.fill(item)).collect();
                Value::List(items?)
            }
            Value::Map(map) => {
                let mut filled = Map::default();
                for (key, item) in map.entries {
                    let item = self.fill(item)?;
                    if !item.is_null() {
                        filled.set(self.fill_key(key)?, item);
                    }
                }
                Value::Map(filled)
            }
            other => other,
        };
        Ok(Node::new(value, place))
    }

    fn fill_key(&self, key: Key) -> Result<Key, Box<Diagnostic>> {
        if !key.text.contains(TOKEN) {
            return Ok(key);
        }
        let node = self.fill_text(&format!("{}{QUOTED}", key.text), key.place)?;
        Ok(Key::new(node.as_str().unwrap_or_default(), node.place))
    }

    /// A text that is one token becomes its value; tokens within other text become text.
    fn fill_text(&self, text: &str, place: Place) -> Result<Node, Box<Diagnostic>> {
        if let Some(("", index, "")) = split_token(text) {
            return match self.slot(index, place)? {
                Slot::Value(node, origin) => Ok(without_nulls(node).relocated(origin, place)),
                Slot::Fragment(fragment) => self.fill_fragment(&fragment, place),
            };
        }
        let mut filled = String::new();
        let mut origin = None;
        let mut rest = text;
        while let Some((before, index, after)) = split_token(rest) {
            filled.push_str(before);
            let node = match self.slot(index, place)? {
                Slot::Value(node, read) => {
                    origin = origin.or(read);
                    node
                }
                Slot::Fragment(fragment) => self.fill_fragment(&fragment, place)?,
            };
            filled.push_str(&scalar_text(&node).ok_or_else(|| not_text(&node, place))?);
            rest = after;
        }
        filled.push_str(rest.strip_suffix(QUOTED).unwrap_or(rest));
        Ok(Node::string(filled, origin.unwrap_or(place)))
    }

    fn fill_fragment(&self, fragment: &str, place: Place) -> Result<Node, Box<Diagnostic>> {
        let name = self.sources.get(place.source).name.clone();
        match self.parse(fragment, &name)?.into_iter().next() {
            Some(node) => self.fill(node),
            None => Ok(Node::new(Value::Null, place)),
        }
    }

    /// Returns what stands as a token here. A few lines may ask for the same text again and again, and make it grow.
    fn slot(&self, index: usize, place: Place) -> Result<Slot, Box<Diagnostic>> {
        let mut slots = lock(&self.slots);
        let slot = slots.values.get(index).cloned().ok_or_else(|| lost_token(place))?;
        let spent = match &slot {
            Slot::Value(node, _) => slots.budget.node(node),
            Slot::Fragment(fragment) => slots.budget.spend(fragment.len()),
        };
        spent.map_err(|error| {
            let detail = error.detail().unwrap_or_default();
            Box::new(Diagnostic::error("template", failed(detail)).at(place))
        })?;
        Ok(slot)
    }
}

/// Splits a text at its first token: what is before, the token's number, what is after.
fn split_token(text: &str) -> Option<(&str, usize, &str)> {
    let (before, rest) = text.split_once(TOKEN)?;
    let (number, after) = rest.split_once(TOKEN_END)?;
    Some((before, number.parse().ok()?, after))
}

impl Node {
    /// Gives a value read from the manifest its origin, and one that the template made the template's line.
    fn relocated(mut self, origin: Option<Place>, template: Place) -> Node {
        if self.place == context::NOWHERE {
            place_all(&mut self, origin.unwrap_or(template));
        }
        self
    }
}

fn place_all(node: &mut Node, place: Place) {
    if node.place == context::NOWHERE {
        node.place = place;
    }
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| place_all(item, place)),
        Value::Map(map) => map.entries.iter_mut().for_each(|(key, item)| {
            if key.place == context::NOWHERE {
                key.place = place;
            }
            place_all(item, place);
        }),
        _ => {}
    }
}

/// Moves the places of a parsed tree from the rendered text to the template's lines. A quoted token is text.
fn relocate(node: &mut Node, text: &str, origin: &impl Fn(u32) -> Place) {
    let start = node.place.start;
    match &mut node.value {
        Value::String(value) if text[start as usize..].starts_with(['"', '\'']) && value.contains(TOKEN) => {
            value.push(QUOTED);
        }
        Value::List(items) => items.iter_mut().for_each(|item| relocate(item, text, origin)),
        Value::Map(map) => map.entries.iter_mut().for_each(|(key, item)| {
            key.place = origin(key.place.start);
            relocate(item, text, origin);
        }),
        _ => {}
    }
    node.place = origin(start);
}

fn without_nulls(mut node: Node) -> Node {
    match &mut node.value {
        Value::List(items) => *items = std::mem::take(items).into_iter().map(without_nulls).collect(),
        Value::Map(map) => {
            map.entries.retain(|(_, item)| !item.is_null());
            for (_, item) in &mut map.entries {
                let taken = std::mem::replace(item, Node::new(Value::Null, item.place));
                *item = without_nulls(taken);
            }
        }
        _ => {}
    }
    node
}

fn scalar_text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

fn not_text(node: &Node, place: Place) -> Box<Diagnostic> {
    let message = format!("the template puts a {} into the middle of a text", node.type_name());
    Box::new(
        Diagnostic::error("template", message)
            .at(place)
            .help("let `{{ … }}` stand alone, or pick a field of it"),
    )
}

fn lost_token(place: Place) -> Box<Diagnostic> {
    let message = "the template changes the text of a value that it has already written";
    Box::new(Diagnostic::error("template", message).at(place).help("apply filters inside the macro or block"))
}
