//! JSON pointers into the tree → nodes, the keys they stand under, and their path as the file writes it.

use crate::source::{Place, Sources};
use crate::yaml::{Key, Node, Value, pointer_steps};

/// A node, and how it was reached.
#[derive(Clone)]
pub(super) struct Spot<'a> {
    pub node: &'a Node,
    /// The key that it stands under, if it stands in a map.
    pub key: Option<&'a Key>,
    /// Its path as people write it; empty at the root.
    pub path: String,
}

impl<'a> Spot<'a> {
    /// Follows a pointer as far as it leads.
    pub fn find(root: &'a Node, pointer: &str, sources: &Sources) -> Spot<'a> {
        let mut spot = Spot { node: root, key: None, path: String::new() };
        for step in pointer_steps(pointer) {
            match spot.step(&step, sources) {
                Some(next) => spot = next,
                None => break,
            }
        }
        spot
    }

    fn step(&self, step: &str, sources: &Sources) -> Option<Spot<'a>> {
        match &self.node.value {
            Value::Map(map) => {
                let (key, node) = map.entries.iter().find(|(key, _)| key.text == step)?;
                Some(Spot { node, key: Some(key), path: self.below(&written(key, sources)) })
            }
            Value::List(items) => {
                let node = items.get(step.parse::<usize>().ok()?)?;
                Some(Spot { node, key: None, path: format!("{}[{step}]", self.path) })
            }
            _ => None,
        }
    }

    /// Writes the path of a key of this map.
    pub fn below(&self, key: &str) -> String {
        if key.is_empty() || key.contains(['.', '/', '[', ' ']) {
            format!("{}[\"{key}\"]", self.path)
        } else if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Names the value in a sentence: "`spec.image`".
    pub fn subject(&self) -> String {
        if self.path.is_empty() { "the document".into() } else { format!("`{}`", self.path) }
    }

    /// Says where something stands: " in `spec`", or nothing at the root.
    pub fn inside(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) }
    }

    /// Returns where to point for the value as a whole: a value of many lines is shown by its first line.
    pub fn place(&self, sources: &Sources) -> Place {
        let is_collection = matches!(self.node.value, Value::Map(_) | Value::List(_));
        if is_collection && sources.text(self.node.place).contains('\n') {
            self.heading()
        } else {
            self.node.place
        }
    }

    /// Returns where to point for what a collection lacks: its key, or else its first key.
    pub fn heading(&self) -> Place {
        match (self.key, &self.node.value) {
            (Some(key), _) => key.place,
            (None, Value::Map(map)) => map.entries.first().map_or(self.node.place, |(key, _)| key.place),
            (None, Value::List(items)) => items.first().map_or(self.node.place, |item| item.place),
            _ => self.node.place,
        }
    }
}

/// Returns a key as the file writes it, which differs from its text where `snake_case` was taken for `camelCase`.
pub(super) fn written(key: &Key, sources: &Sources) -> String {
    let text = sources.text(key.place);
    let text = text.trim_matches(['"', '\'']);
    if text != key.text && fold(text) == fold(&key.text) { text.to_owned() } else { key.text.to_string() }
}

fn fold(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}
