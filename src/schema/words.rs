//! Values, types and lists, as sentences have them.

use serde_json::Value as Json;

/// Returns words that the schema's author put beside a keyword.
pub(super) fn said<'s>(holder: Option<&'s Json>, name: &str) -> Option<&'s str> {
    holder?.get(name)?.as_str()
}

pub(super) fn with_article(type_name: &str) -> &'static str {
    match type_name {
        "string" => "a string",
        "integer" => "an integer",
        "number" => "a number",
        "boolean" => "a boolean",
        "array" | "list" => "a list",
        "object" | "map" => "a map",
        _ => "null",
    }
}

/// Writes a value for a sentence: strings bare.
pub(super) fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn join_or(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    match items.pop() {
        Some(last) if items.is_empty() => last,
        Some(last) => format!("{} or {last}", items.join(", ")),
        None => String::new(),
    }
}

/// Lists a few and says that there are more.
pub(super) fn few(items: &[String], max: usize) -> String {
    let mut shown = items.iter().take(max).cloned().collect::<Vec<_>>().join(", ");
    if items.len() > max {
        shown.push_str(", …");
    }
    shown
}
