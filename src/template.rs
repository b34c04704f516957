//! Template + manifest → trees, each node with its origin.
//!
//! No value passes through text. The formatter writes a token for every value and keeps the value, with its origin,
//! beside it; once the rendered text is parsed as YAML, tokens become values again. What a macro returns is text of
//! the template's own, so it is kept as a fragment and parsed the same way when its token is reached: a macro is
//! a function that returns YAML, at any indentation.

mod bound;
mod context;
mod environment;
mod failure;
mod lines;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use minijinja::Environment;

use self::bound::Budget;
use self::context::{Context, Reads};
use self::environment::{environment, keep_values};
use crate::catalog::Template;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{Place, Source, SourceId, SourceKind, Sources};
use crate::yaml::{self, Key, Map, Node, Value};

const TOKEN: &str = "__daphnia_value_";
const TOKEN_END: &str = "__";
/// Ends the text of a token that stands in quotes, until it is filled: no plain text ends like this.
const QUOTED: char = '\0';
/// Renders the templates of a catalog. Each is compiled once.
pub struct Templates<'a> {
    sources: &'a Sources,
    environment: Environment<'static>,
    files: HashMap<String, SourceId>,
    /// By the number that line marks carry.
    numbered: Vec<(SourceId, Arc<Source>)>,
    imports: Imports,
    slots: Arc<Mutex<Slots>>,
    literals: Arc<HashSet<String>>,
}

/// What a template means by the name of another one: it may have one of its own beside it.
type Imports = Arc<Mutex<HashMap<(String, String), String>>>;

/// Values that stand in the text as tokens.
#[derive(Debug, Default)]
struct Slots {
    values: Vec<Slot>,
    budget: Budget,
    reads: Reads,
    /// Texts that stand in quotes in the templates.
    literals: Arc<HashSet<String>>,
}

#[derive(Debug, Clone)]
enum Slot {
    /// A value, and its origin if it was read from the manifest.
    Value(Node, Option<Place>),
    /// Text that a macro or a `set` block made.
    Fragment(String),
}

impl<'a> Templates<'a> {
    pub fn new(sources: &'a Sources) -> Self {
        let slots = Arc::new(Mutex::new(Slots::default()));
        let imports = Imports::default();
        Self {
            sources,
            environment: environment(Arc::clone(&slots), Arc::clone(&imports)),
            files: HashMap::new(),
            numbered: Vec::new(),
            imports,
            slots,
            literals: Arc::default(),
        }
    }

    /// Renders a template with a manifest's fields as its variables.
    pub fn render(
        &mut self,
        template: &Template,
        variables: Vec<(String, Node)>,
    ) -> Result<Vec<Node>, Diagnostics> {
        self.prepare(template)?;
        Ok(self.expand(&template.name, variables).map_err(|finding| *finding)?)
    }

    fn expand(&self, name: &str, variables: Vec<(String, Node)>) -> Result<Vec<Node>, Box<Diagnostic>> {
        *lock(&self.slots) = Slots { literals: Arc::clone(&self.literals), ..Slots::default() };
        let context = Context::root(variables, Arc::clone(&self.slots));
        let template = self.environment.get_template(name).map_err(|error| self.failure(&error))?;
        let rendered = template.render(context).map_err(|error| self.failure(&error))?;
        // What is written anew when values take the place of their tokens is counted anew.
        lock(&self.slots).budget = Budget::default();
        let documents = self.parse(&rendered, name)?;
        documents.into_iter().map(|document| self.fill(document)).collect()
    }

    /// Makes as many as are asked for, each for a thread of its own. What was prepared is shared by all.
    pub fn share(self, count: usize) -> Vec<Templates<'a>> {
        let mut all: Vec<Templates<'a>> = (1..count).map(|_| self.twin()).collect();
        all.push(self);
        all
    }

    fn twin(&self) -> Templates<'a> {
        let slots = Arc::default();
        let mut environment = self.environment.clone();
        keep_values(&mut environment, Arc::clone(&slots));
        Templates {
            sources: self.sources,
            environment,
            files: self.files.clone(),
            numbered: self.numbered.clone(),
            imports: Arc::clone(&self.imports),
            slots,
            literals: Arc::clone(&self.literals),
        }
    }

    /// Compiles a template and those that it imports, unless that was done before.
    pub fn prepare(&mut self, template: &Template) -> Result<(), Diagnostics> {
        let Template { kind, name, text, .. } = template;
        if self.files.contains_key(name) {
            return Ok(());
        }
        let id = self.sources.add(Source::new(*kind, name, text.as_ref()));
        self.files.insert(name.to_owned(), id);
        Arc::make_mut(&mut self.literals).extend(lines::literals(text));
        let marked = lines::mark(text, self.numbered.len());
        self.numbered.push((id, self.sources.get(id)));
        let added = self.environment.add_template_owned(name.to_owned(), marked);
        added.map_err(|error| *self.failure(&error))?;
        for file in lines::imports(text) {
            let imported = template.import(file).map_err(|flaws| Diagnostics(flaws.tell(self.sources)))?;
            if let Some(imported) = imported {
                let mut imports = self.imports.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                imports.insert((name.clone(), file.to_owned()), imported.name.clone());
                drop(imports);
                self.prepare(&imported)?;
            }
        }
        Ok(())
    }

    fn parse(&self, rendered: &str, name: &str) -> Result<Vec<Node>, Box<Diagnostic>> {
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
    fn fill(&self, node: Node) -> Result<Node, Box<Diagnostic>> {
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

    fn failure(&self, error: &minijinja::Error) -> Box<Diagnostic> {
        let place = error.name().and_then(|name| self.place_of(name, error));
        failure::tell(error, place, self.sources)
    }

    /// Returns the place of the expression that failed, or else of its line.
    fn place_of(&self, name: &str, error: &minijinja::Error) -> Option<Place> {
        let id = *self.files.get(name)?;
        let source = self.sources.get(id);
        let line = source.line_range(error.line().unwrap_or(1));
        let narrow = error.range().and_then(|range| {
            let template = self.environment.get_template(name).ok()?;
            let marked = template.source();
            let words = marked.get(range.clone())?;
            // Marks stand at the ends of lines, so columns are the same.
            let column = range.start - marked[..range.start].rfind('\n').map_or(0, |at| at + 1);
            let start = line.start + column;
            (source.text.get(start..start + words.len()) == Some(words)).then(|| start..start + words.len())
        });
        Some(Place::new(id, narrow.unwrap_or(line)))
    }
}

fn lock(slots: &Mutex<Slots>) -> MutexGuard<'_, Slots> {
    slots.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
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

fn failed(detail: &str) -> String {
    format!("the template cannot be rendered: {detail}")
}

fn lost_token(place: Place) -> Box<Diagnostic> {
    let message = "the template changes the text of a value that it has already written";
    Box::new(Diagnostic::error("template", message).at(place).help("apply filters inside the macro or block"))
}
