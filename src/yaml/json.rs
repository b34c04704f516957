//! JSON ↔ values, all of them at one place.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value as Json};

use super::{Key, Map, Node, Value};
use crate::source::Place;

impl Node {
    /// Reads JSON text, as a server sends it.
    pub fn read_json(text: &[u8], place: Place) -> Result<Node, serde_json::Error> {
        // Of text that is known to be UTF-8, no string is looked at for that again.
        let text = std::str::from_utf8(text).map_err(serde_json::Error::custom)?;
        let mut reader = serde_json::Deserializer::from_str(text);
        let node = Reader { place, open: &mut Open::default() }.deserialize(&mut reader)?;
        reader.end()?;
        Ok(node)
    }

    pub fn from_json(value: &Json, place: Place) -> Node {
        let value = match value {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => Value::Number(number.clone()),
            Json::String(text) => Value::String(text.as_str().into()),
            Json::Array(items) => {
                Value::List(items.iter().map(|item| Node::from_json(item, place)).collect())
            }
            Json::Object(members) => Value::Map(Map {
                entries: members
                    .iter()
                    .map(|(key, item)| (Key::new(key.as_str(), place), Node::from_json(item, place)))
                    .collect(),
            }),
        };
        Node { value, place }
    }

    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(flag) => Json::Bool(*flag),
            Value::Number(number) => Json::Number(number.clone()),
            Value::String(text) => Json::String(text.to_string()),
            Value::List(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Value::Map(map) => Json::Object(
                map.entries.iter().map(|(key, item)| (key.text.to_string(), item.to_json())).collect(),
            ),
        }
    }
}

/// Reads a value without a tree in between: what a server sends may be long.
pub(super) struct Reader<'r> {
    pub(super) place: Place,
    /// What was read of the lists and maps that have not come to their ends. How long each is shows only then.
    pub(super) open: &'r mut Open,
}

#[derive(Default)]
pub(super) struct Open {
    items: Vec<Node>,
    entries: Vec<(Key, Node)>,
}

impl Reader<'_> {
    /// Returns a reader of a part of what this one reads.
    pub(super) fn part(&mut self) -> Reader<'_> {
        Reader { place: self.place, open: self.open }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::new(Value::Null, self.place))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::new(Value::Bool(flag), self.place))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        Ok(Node::new(Value::Number(number.into()), self.place))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        Ok(Node::new(Value::Number(number.into()), self.place))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
        // JSON has no other numbers than finite ones.
        let number = Number::from_f64(number).map_or(Value::Null, Value::Number);
        Ok(Node::new(number, self.place))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node::string(text, self.place))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Node, A::Error> {
        let first = self.open.items.len();
        while let Some(item) = items.next_element_seed(self.part())? {
            self.open.items.push(item);
        }
        let list = self.open.items.drain(first..).collect();
        Ok(Node::new(Value::List(list), self.place))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Node, A::Error> {
        let first = self.open.entries.len();
        while let Some(text) = members.next_key()? {
            let key = Key { text, place: self.place };
            let value = members.next_value_seed(self.part())?;
            self.open.entries.push((key, value));
        }
        let entries = self.open.entries.drain(first..).collect();
        Ok(Node::new(Value::Map(Map { entries }), self.place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, SourceKind, Sources};

    #[test]
    fn text_is_read_to_what_it_says() {
        let id = Sources::default().add(Source::new(SourceKind::Cluster, "test", ""));
        let text = r#"{"b":[1,-1,1.5,18446744073709551615,null,true,"\u00e9"],"a":{"":{}},"c":[]}"#;
        let place = Place::new(id, 0..0);
        let node = Node::read_json(text.as_bytes(), place).unwrap();
        assert_eq!(node.to_json().to_string(), text.replace("\\u00e9", "é"));
        assert_eq!(node, Node::from_json(&node.to_json(), place));
        for broken in ["", "{", "{}{}", "[1,]", "<html>"] {
            assert!(Node::read_json(broken.as_bytes(), place).is_err(), "{broken}");
        }
    }
}
