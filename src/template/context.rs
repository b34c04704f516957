//! A manifest as a template sees it, remembering which field each value was read from.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine as _;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value as Jinja, ValueKind};
use minijinja::{Environment, Error, ErrorKind};
use sha2::{Digest, Sha256};

use super::bound::{self, Budget};
use super::{Slots, lock};
use crate::schema::format::{quantity, shell_words};
use crate::source::{Place, SourceId};
use crate::yaml::{Key, Map, Node, Value};

/// The place of values that a template made, until they are put into their line.
pub(super) const NOWHERE: Place = Place { source: SourceId::NONE, start: 0, end: 0 };

/// A map or list of the manifest.
#[derive(Debug)]
pub(super) struct Context {
    node: Node,
    /// The maps and lists in it, each made when it is first asked for.
    within: Vec<OnceLock<Jinja>>,
    slots: Arc<Mutex<Slots>>,
}

impl Context {
    pub(super) fn root(variables: Vec<(String, Node)>, slots: Arc<Mutex<Slots>>) -> Jinja {
        let entries = variables.into_iter().map(|(text, node)| (Key::new(text, node.place), node)).collect();
        Jinja::from_object(Context::new(Node::new(Value::Map(Map { entries }), NOWHERE), slots))
    }

    fn new(node: Node, slots: Arc<Mutex<Slots>>) -> Self {
        let count = match &node.value {
            Value::List(items) => items.len(),
            Value::Map(map) => map.entries.len(),
            _ => 0,
        };
        Context { node, within: vec![OnceLock::new(); count], slots }
    }

    fn wrap(&self, index: usize, node: &Node) -> Jinja {
        match &node.value {
            Value::List(_) | Value::Map(_) => {
                let made = || Jinja::from_object(Context::new(node.clone(), Arc::clone(&self.slots)));
                self.within[index].get_or_init(made).clone()
            }
            _ => lock(&self.slots).reads.scalar(node),
        }
    }
}

impl Object for Context {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        if self.node.as_list().is_some() { ObjectRepr::Seq } else { ObjectRepr::Map }
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        match &self.node.value {
            Value::Map(map) => {
                let name = key.as_str()?;
                let index = map.entries.iter().position(|(key, _)| key.text == name)?;
                Some(self.wrap(index, &map.entries[index].1))
            }
            Value::List(items) => {
                let index = key.as_usize()?;
                Some(self.wrap(index, items.get(index)?))
            }
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match &self.node.value {
            Value::List(items) => Enumerator::Seq(items.len()),
            Value::Map(map) => {
                // A null field counts as left out wherever a template walks a map.
                let present = map.entries.iter().filter(|(_, node)| !node.is_null());
                let mut slots = lock(&self.slots);
                Enumerator::Values(present.map(|(key, _)| slots.reads.text(&key.text, key.place)).collect())
            }
            _ => Enumerator::NonEnumerable,
        }
    }
}

/// A text of this length in the middle of another is no chance.
const LONG: usize = 6;

/// Which field the values in a template's hands were read from.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// Strings by where they lie in memory; they are kept so that no other can lie there.
    texts: HashMap<usize, (Arc<str>, Place)>,
    /// The last number, boolean or string that was read since a value was written, and whether it is a string.
    last: Option<(Place, bool)>,
}

impl Reads {
    fn scalar(&mut self, node: &Node) -> Jinja {
        if !node.is_null() {
            self.last = Some((node.place, node.as_str().is_some()));
        }
        match &node.value {
            Value::Bool(flag) => Jinja::from(*flag),
            Value::Number(number) => number_to_jinja(number),
            Value::String(text) => self.text(text, node.place),
            Value::Null | Value::List(_) | Value::Map(_) => Jinja::from(()),
        }
    }

    fn text(&mut self, text: &str, place: Place) -> Jinja {
        let shared: Arc<str> = Arc::from(text);
        self.texts.insert(shared.as_ptr() as usize, (Arc::clone(&shared), place));
        Jinja::from(shared)
    }

    /// Returns the origin of a value that is being written: the field that it is, or one that it was made of. A text
    /// that the templates spell out is their own.
    pub(super) fn origin(&mut self, value: &Jinja, literals: &HashSet<String>) -> Option<Place> {
        let last = self.last.take();
        if let Some(context) = value.downcast_object_ref::<Context>() {
            return Some(context.node.place);
        }
        let Some(text) = value.as_str() else {
            // The fields of a map that a template makes have origins of their own.
            return last.filter(|_| value.kind() != ValueKind::Map).map(|(place, _)| place);
        };
        if literals.contains(text) {
            return self.place_of(text);
        }
        let made_of = || last.filter(|(_, is_text)| !is_text).map(|(place, _)| place);
        self.place_of(text).or_else(|| self.part_of(text)).or_else(made_of)
    }

    /// Returns where a text was read, if it is one that was read.
    fn place_of(&self, text: &str) -> Option<Place> {
        self.texts.get(&(text.as_ptr() as usize)).map(|(_, place)| *place)
    }

    /// Finds the field that a text begins with, as the name in `NAME-serve` and the repository in `REPO:TAG`; else that
    /// which is its longest part.
    fn part_of(&self, text: &str) -> Option<Place> {
        let parts = self.texts.values().filter(|(part, _)| is_part(part, text) || is_part(text, part));
        // Of equal ones that which is written first, so that the answer is always the same.
        let rank = |part: &str, place: Place| (text.starts_with(part), part.len(), std::cmp::Reverse(place));
        parts.max_by_key(|(part, place)| rank(part, *place)).map(|(_, place)| *place)
    }
}

/// Says whether a text holds another one, as a word or several; short ones only at its start or end.
fn is_part(part: &str, text: &str) -> bool {
    let is_apart = |at: usize| {
        !text[..at].ends_with(char::is_alphanumeric)
            && !text[at + part.len()..].starts_with(char::is_alphanumeric)
    };
    let is_there = |at: usize| at == 0 || at + part.len() == text.len() || part.len() >= LONG;
    part.len() > 1
        && part.len() <= text.len()
        && text.match_indices(part).any(|(at, _)| is_apart(at) && is_there(at))
}

fn number_to_jinja(number: &serde_json::Number) -> Jinja {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(integer), _, _) => Jinja::from(integer),
        (None, Some(integer), _) => Jinja::from(integer),
        (None, None, Some(float)) => Jinja::from(float),
        (None, None, None) => Jinja::from(()),
    }
}

/// Turns a template's value into a tree; what was read from the manifest keeps its place.
pub(super) fn to_node(value: &Jinja, reads: &Reads, budget: &mut Budget) -> Result<Node, Error> {
    if let Some(context) = value.downcast_object_ref::<Context>() {
        budget.node(&context.node)?;
        return Ok(context.node.clone());
    }
    budget.spend(value.as_str().map_or(0, str::len))?;
    let tree = match value.kind() {
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number => Value::Number(number_of(value)?),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            return Ok(Node::string(text, reads.place_of(text).unwrap_or(NOWHERE)));
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter()?.map(|item| to_node(&item, reads, budget));
            Value::List(items.collect::<Result<_, _>>()?)
        }
        ValueKind::Map => {
            let mut map = Map::default();
            for key in value.try_iter()? {
                let item = to_node(&value.get_item(&key)?, reads, budget)?;
                map.set(Key::new(key.to_string(), NOWHERE), item);
            }
            Value::Map(map)
        }
        kind => return Err(invalid(format!("a value of type {kind} cannot be written"))),
    };
    Ok(Node::new(tree, NOWHERE))
}

fn number_of(value: &Jinja) -> Result<serde_json::Number, Error> {
    if let Some(integer) = value.as_i64() {
        return Ok(integer.into());
    }
    let float = f64::try_from(value.clone())?;
    serde_json::Number::from_f64(float).ok_or_else(|| invalid("a number that is not finite".to_owned()))
}

pub(super) fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}

/// What templates may use beside minijinja's own: `hash`, `quantity`, `shell_words`, `from_base64`.
pub(super) fn add_filters(environment: &mut Environment<'static>) {
    environment.add_filter("replace", bound::replace);
    environment.add_filter("join", bound::join);
    // A short digest of any value, so that a changed ConfigMap changes the pod that reads it.
    environment.add_filter("hash", |value: Jinja| -> Result<String, Error> {
        let json = to_node(&value, &Reads::default(), &mut Budget::default())?.to_json().to_string();
        let digest = Sha256::digest(json.as_bytes());
        Ok(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    });
    // A command in one string as a list of words.
    environment.add_filter("shell_words", |text: &str| -> Result<Vec<String>, Error> {
        shell_words(text).ok_or_else(|| invalid(format!("`{text}` has a quotation that is not closed")))
    });
    // Text that is given as base64.
    environment.add_filter("from_base64", |encoded: &str| -> Result<String, Error> {
        let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim());
        let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(|| invalid("a value is no text in base64".to_owned()))
    });
    // A quantity as a number that compares: `(a | quantity) > (b | quantity)`.
    environment.add_filter("quantity", |value: Jinja| -> Result<i128, Error> {
        let text = value.to_string();
        quantity(&text).map(|q| q.nanos()).ok_or_else(|| invalid(format!("`{text}` is no quantity")))
    });
}
