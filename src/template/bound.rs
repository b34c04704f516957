//! How much a template may make, so that a wrong one is told of before it takes all memory.

use minijinja::Error;
use minijinja::value::Value as Jinja;

use super::context::invalid;
use crate::yaml::{Node, Value};

/// What one rendering may write, in bytes: a server takes no object of a tenth of it.
const SIZE: usize = 16 << 20;
/// What a value takes beside its text.
const VALUE: usize = 16;

/// What is left to write.
#[derive(Debug)]
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Budget(SIZE)
    }
}

impl Budget {
    /// Takes a value with so much text from what is left.
    pub fn spend(&mut self, text: usize) -> Result<(), Error> {
        self.0 = self.0.checked_sub(text + VALUE).ok_or_else(too_much)?;
        Ok(())
    }

    /// Takes a tree from what is left.
    pub fn node(&mut self, node: &Node) -> Result<(), Error> {
        match &node.value {
            Value::String(text) => self.spend(text.len()),
            Value::List(items) => {
                self.spend(0)?;
                items.iter().try_for_each(|item| self.node(item))
            }
            Value::Map(map) => {
                self.spend(0)?;
                map.entries.iter().try_for_each(|(key, item)| {
                    self.spend(key.text.len())?;
                    self.node(item)
                })
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => self.spend(0),
        }
    }
}

fn too_much() -> Error {
    invalid(format!("it makes more than {} MiB", SIZE >> 20))
}

/// `text | replace(old, new)`.
pub(super) fn replace(text: &str, old: &str, new: &str) -> Result<String, Error> {
    let added = text.matches(old).count().saturating_mul(new.len());
    if text.len().saturating_add(added) > SIZE { Err(too_much()) } else { Ok(text.replace(old, new)) }
}

/// `list | join(", ")`.
pub(super) fn join(list: &Jinja, between: Option<&str>) -> Result<String, Error> {
    let mut joined = String::new();
    for (index, item) in list.try_iter()?.enumerate() {
        if index > 0 {
            joined.push_str(between.unwrap_or_default());
        }
        match item.as_str() {
            Some(text) => joined.push_str(text),
            None => joined.push_str(&item.to_string()),
        }
        if joined.len() > SIZE {
            return Err(too_much());
        }
    }
    Ok(joined)
}
