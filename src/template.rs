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
mod fill;
mod lines;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use minijinja::Environment;

use self::bound::Budget;
use self::context::{Context, Reads};
use self::environment::{environment, keep_values};
use crate::catalog::Template;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::{Place, Source, SourceId, Sources};
use crate::yaml::Node;

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

fn failed(detail: &str) -> String {
    format!("the template cannot be rendered: {detail}")
}
