//! Text ↔ values that know their place; the only YAML reader and writer.

mod annotate;
mod comments;
mod items;
mod json;
mod parts;
mod path;
mod read;
mod scalar;
mod write;
mod wrong;

pub use annotate::write_with_comments;
pub use comments::comments;
pub use items::read_items;
pub use parts::read_by;
pub use path::{path_steps, pointer_steps, pointer_to_path};
pub use read::{ReadDocument, read};
pub use write::{write, write_json};

use crate::source::Place;

/// What keys and values are made of: short ones, as nearly all are, lie in the tree itself.
pub type Text = compact_str::CompactString;

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub value: Value,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    String(Text),
    List(Vec<Node>),
    Map(Map),
}

/// A key and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub text: Text,
    pub place: Place,
}

impl Key {
    pub fn new(text: impl Into<Text>, place: Place) -> Self {
        Self { text: text.into(), place }
    }
}

/// An ordered map. Lookups scan: manifests have few keys per map, and order is what people read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Map {
    pub entries: Vec<(Key, Node)>,
}

impl Map {
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(k, _)| k.text == key).map(|(_, node)| node)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries.iter_mut().find(|(k, _)| k.text == key).map(|(_, node)| node)
    }

    pub fn key(&self, key: &str) -> Option<&Key> {
        self.entries.iter().find(|(k, _)| k.text == key).map(|(k, _)| k)
    }

    /// Sets a key, in its place if it is there, else at the end.
    pub fn set(&mut self, key: Key, node: Node) {
        match self.get_mut(&key.text) {
            Some(old) => *old = node,
            None => self.entries.push((key, node)),
        }
    }

    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let index = self.entries.iter().position(|(k, _)| k.text == key)?;
        Some(self.entries.remove(index).1)
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(k, _)| k.text.as_str())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.entries.iter().map(|(k, node)| (k.text.as_str(), node))
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Node {
    pub fn new(value: Value, place: Place) -> Self {
        Self { value, place }
    }

    pub fn string(text: impl Into<Text>, place: Place) -> Self {
        Self::new(Value::String(text.into()), place)
    }

    pub fn as_map(&self) -> Option<&Map> {
        if let Value::Map(map) = &self.value { Some(map) } else { None }
    }

    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        if let Value::Map(map) = &mut self.value { Some(map) } else { None }
    }

    pub fn as_list(&self) -> Option<&[Node]> {
        if let Value::List(items) = &self.value { Some(items) } else { None }
    }

    pub fn as_list_mut(&mut self) -> Option<&mut Vec<Node>> {
        if let Value::List(items) = &mut self.value { Some(items) } else { None }
    }

    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = &self.value { Some(text) } else { None }
    }

    pub fn as_i64(&self) -> Option<i64> {
        if let Value::Number(number) = &self.value { number.as_i64() } else { None }
    }

    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(flag) = &self.value { Some(*flag) } else { None }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    /// Follows keys and list indexes: `["spec", "containers", "0", "name"]`.
    pub fn at<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<&Node> {
        path.into_iter().try_fold(self, |node, step| match &node.value {
            Value::Map(map) => map.get(step),
            Value::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Follows a JSON pointer as far as it leads, and returns the last node reached.
    pub fn nearest(&self, pointer: &str) -> &Node {
        let mut node = self;
        for step in pointer_steps(pointer) {
            match node.at([step.as_str()]) {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// Names the type as YAML users do.
    pub fn type_name(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::List(_) => "list",
            Value::Map(_) => "map",
        }
    }
}
