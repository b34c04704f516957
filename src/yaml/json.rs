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
        let node = At(place).deserialize(&mut reader)?;
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
#[derive(Clone, Copy)]
struct At(Place);

impl<'de> DeserializeSeed<'de> for At {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::new(Value::Null, self.0))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::new(Value::Bool(flag), self.0))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        Ok(Node::new(Value::Number(number.into()), self.0))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        Ok(Node::new(Value::Number(number.into()), self.0))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
        // JSON has no other numbers than finite ones.
        let number = Number::from_f64(number).map_or(Value::Null, Value::Number);
        Ok(Node::new(number, self.0))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node::string(text, self.0))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        list.shrink_to_fit();
        Ok(Node::new(Value::List(list), self.0))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(text) = members.next_key()? {
            entries.push((Key { text, place: self.0 }, members.next_value_seed(self)?));
        }
        entries.shrink_to_fit();
        Ok(Node::new(Value::Map(Map { entries }), self.0))
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
