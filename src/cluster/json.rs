//! Short ways into what the server says, none of which can fail.

use serde_json::Value as Json;

pub fn text<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

pub fn number(json: &Json, pointer: &str) -> Option<i64> {
    json.pointer(pointer).and_then(Json::as_i64)
}

pub fn items<'a>(json: &'a Json, pointer: &str) -> &'a [Json] {
    json.pointer(pointer).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Returns the condition of a type, if it is true.
pub fn condition<'a>(object: &'a Json, name: &str) -> Option<&'a Json> {
    let conditions = items(object, "/status/conditions");
    conditions.iter().find(|condition| condition["type"] == name && condition["status"] == "True")
}
