//! The tree as the validator sees it: no copy is made, and keys whose value is null are hidden.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, NodeIdentity, Object};
use serde_json::Value as SerdeValue;

use crate::yaml::{Map, Node, Value};

pub(super) struct Tree;

/// A node of the tree, or a key as a text of its own (for `propertyNames`).
#[derive(Clone, Copy)]
pub(super) enum Handle<'a> {
    Node(&'a Node),
    Key(&'a str),
}

pub(super) fn handle(node: &Node) -> Handle<'_> {
    Handle::Node(node)
}

impl Json for Tree {
    type Node<'a> = Handle<'a>;
    type PreparedKey = String;
    type StringBuffer = String;

    // Lookups scan, so one pass over the few members is cheaper than a scan for each property.
    const KEYS_PER_LOOKUP: usize = 8;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(buffer: &mut String, string: &str, f: impl FnOnce(Handle<'_>) -> T) -> T {
        string.clone_into(buffer);
        f(Handle::Key(buffer))
    }
}

impl<'a> Handle<'a> {
    fn value(&self) -> Option<&'a Value> {
        match self {
            Handle::Node(node) => Some(&node.value),
            Handle::Key(_) => None,
        }
    }
}

impl<'a> jsonschema::json::Node<'a, Tree> for Handle<'a> {
    type Object = Members<'a>;
    type Array = &'a [Node];
    type Number = Number<'a>;

    fn as_object(&self) -> Option<Members<'a>> {
        if let Some(Value::Map(map)) = self.value() { Some(Members(map)) } else { None }
    }

    fn as_array(&self) -> Option<&'a [Node]> {
        if let Some(Value::List(items)) = self.value() { Some(items) } else { None }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Handle::Key(text) => Some(Cow::Borrowed(text)),
            Handle::Node(node) => node.as_str().map(Cow::Borrowed),
        }
    }

    fn as_number(&self) -> Option<Number<'a>> {
        if let Some(Value::Number(number)) = self.value() { Some(Number(number)) } else { None }
    }

    fn as_boolean(&self) -> Option<bool> {
        if let Some(Value::Bool(flag)) = self.value() { Some(*flag) } else { None }
    }

    fn is_null(&self) -> bool {
        matches!(self.value(), Some(Value::Null))
    }

    fn json_type(&self) -> JsonType {
        match self.value() {
            None | Some(Value::String(_)) => JsonType::String,
            Some(Value::Null) => JsonType::Null,
            Some(Value::Bool(_)) => JsonType::Boolean,
            Some(Value::Number(_)) => JsonType::Number,
            Some(Value::List(_)) => JsonType::Array,
            Some(Value::Map(_)) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &SerdeValue) -> bool {
        match (self.as_string(), expected) {
            (Some(text), SerdeValue::String(expected)) => text == expected.as_str(),
            (Some(_), _) | (None, SerdeValue::String(_)) => false,
            (None, _) => jsonschema::json::cmp::equal(&self.to_value(), expected),
        }
    }

    fn to_value(&self) -> Cow<'a, SerdeValue> {
        Cow::Owned(match self {
            Handle::Key(text) => SerdeValue::String((*text).to_owned()),
            Handle::Node(node) => to_json(node),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        match self {
            Handle::Node(node) => Some(NodeIdentity::new(std::ptr::from_ref::<Node>(node) as usize)),
            Handle::Key(_) => None,
        }
    }
}

/// Like [`Node::to_json`], without the keys that are hidden.
pub(super) fn to_json(node: &Node) -> SerdeValue {
    match &node.value {
        Value::List(items) => SerdeValue::Array(items.iter().map(to_json).collect()),
        Value::Map(map) => {
            SerdeValue::Object(members(map).map(|(key, item)| (key.to_owned(), to_json(item))).collect())
        }
        _ => node.to_json(),
    }
}

fn members(map: &Map) -> impl Iterator<Item = (&str, &Node)> {
    map.iter().filter(|(_, node)| !node.is_null())
}

pub(super) struct Members<'a>(&'a Map);

impl<'a> Object<'a, Tree> for Members<'a> {
    type Node = Handle<'a>;
    type MemberName = &'a str;
    type MembersIter = MembersIter<'a>;

    fn len(&self) -> usize {
        members(self.0).count()
    }

    fn get(&self, key: &String) -> Option<Handle<'a>> {
        self.0.get(key).filter(|node| !node.is_null()).map(Handle::Node)
    }

    fn members(&self) -> MembersIter<'a> {
        MembersIter(self.0.entries.iter())
    }
}

pub(super) struct MembersIter<'a>(std::slice::Iter<'a, (crate::yaml::Key, Node)>);

impl<'a> Iterator for MembersIter<'a> {
    type Item = (&'a str, Handle<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, node) = self.0.by_ref().find(|(_, node)| !node.is_null())?;
        Some((key.text.as_str(), Handle::Node(node)))
    }
}

impl<'a> Array<'a, Tree> for &'a [Node] {
    type Node = Handle<'a>;
    type ElementsIter = std::iter::Map<std::slice::Iter<'a, Node>, fn(&'a Node) -> Handle<'a>>;

    fn len(&self) -> usize {
        <[Node]>::len(self)
    }

    fn elements(&self) -> Self::ElementsIter {
        self.iter().map(Handle::Node)
    }
}

pub(super) struct Number<'a>(&'a serde_json::Number);

impl JsonNumber for Number<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.as_u64()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.as_i64()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.as_f64()
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Owned(self.0.to_string())
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Borrowed(self.0)
    }
}
