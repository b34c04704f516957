//! A rendered object → the object as a server keeps it, so that the two can be compared.

use base64::Engine as _;

use crate::object::Object;
use crate::yaml::{Key, Map, Node, Value};

/// Writes an object the way the server keeps it: no nulls, no status, and the
/// texts of a Secret encoded.
pub fn prepare(mut object: Object) -> Object {
    drop_nulls(&mut object.node);
    let is_secret = object.id.kind == "Secret" && object.id.api_version == "v1";
    if let Some(map) = object.node.as_map_mut() {
        map.remove("status");
        if is_secret {
            encode_secret(map);
        }
    }
    object
}

fn drop_nulls(node: &mut Node) {
    match &mut node.value {
        Value::Map(map) => {
            map.entries.retain(|(_, node)| !node.is_null());
            map.entries.iter_mut().for_each(|(_, node)| drop_nulls(node));
        }
        Value::List(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn encode_secret(secret: &mut Map) {
    let Some(texts) = secret.remove("stringData") else { return };
    let place = texts.place;
    let Value::Map(texts) = texts.value else { return };
    if secret.get("data").is_none() {
        secret.set(Key::new("data", place), Node::new(Value::Map(Map::default()), place));
    }
    let Some(data) = secret.get_mut("data").and_then(Node::as_map_mut) else { return };
    for (key, text) in texts.entries {
        let encoded = base64::engine::general_purpose::STANDARD.encode(text.as_str().unwrap_or_default());
        data.set(key, Node::string(encoded, text.place));
    }
}
