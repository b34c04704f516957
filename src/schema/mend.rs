//! The edits that mend what is wrong with a value.

use serde_json::Value as Json;

use super::explain::Explainer;
use crate::diagnostic::Diagnostic;
use crate::source::{SourceKind, Sources};
use crate::yaml::{Key, Node, Value, read};

/// Writes a text as a YAML scalar: bare where every reader reads it as this text.
pub(super) fn scalar(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let is_bare =
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') && text.chars().all(is_word);
    let special = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    if is_bare && !special.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        Json::String(text.to_owned()).to_string()
    }
}

/// Returns the text at a value's place, if it stands in a manifest and says just this value.
fn as_written(node: &Node, sources: &Sources) -> Option<String> {
    if sources.get(node.place.source).kind != SourceKind::Manifest {
        return None;
    }
    let text = sources.text(node.place);
    if text.is_empty() || text.contains('\n') {
        return None;
    }
    let (documents, findings) = read(node.place.source, &text);
    let is_same = matches!(documents.as_slice(), [only] if only.root.value == node.value);
    (is_same && findings.is_empty()).then_some(text)
}

pub(super) fn replace_value(
    diagnostic: Diagnostic,
    node: &Node,
    value: &str,
    sources: &Sources,
) -> Diagnostic {
    match as_written(node, sources) {
        Some(text) => {
            let is_quoted = text.starts_with(['"', '\'']);
            let new = if is_quoted { Json::String(value.to_owned()).to_string() } else { scalar(value) };
            diagnostic.fix(format!("did you mean `{value}`?"), node.place, new)
        }
        None => diagnostic.help(format!("did you mean `{value}`?")),
    }
}

pub(super) fn rename(diagnostic: Diagnostic, key: &Key, name: &str, sources: &Sources) -> Diagnostic {
    let words = format!("a field with a similar name exists: `{name}`");
    let text = sources.text(key.place);
    let is_manifest = sources.get(key.place.source).kind == SourceKind::Manifest;
    let bare = text.trim_matches(['"', '\'']);
    let is_key = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    if is_manifest && is_key {
        diagnostic.fix(words, key.place, scalar(name))
    } else {
        diagnostic.help(words)
    }
}

/// Adds the edit that turns a value into one of the types that are due, where one edit can.
pub(super) fn retype(
    diagnostic: Diagnostic,
    node: &Node,
    due: &[&str],
    schema: Option<&Json>,
    explainer: &Explainer<'_>,
) -> Diagnostic {
    let Some(text) = as_written(node, explainer.sources) else { return diagnostic };
    let is_scalar = !matches!(node.value, Value::Map(_) | Value::List(_) | Value::Null);
    match &node.value {
        Value::Number(_) | Value::Bool(_) if due.contains(&"string") => {
            return diagnostic.fix("quote the value", node.place, format!("\"{text}\""));
        }
        Value::String(value) if text.starts_with(['"', '\'']) && unquoted(value, due).is_some() => {
            return unquote(diagnostic, node, due, explainer.sources);
        }
        _ => {}
    }
    let is_flow_safe = text.starts_with(['"', '\'']) || !text.contains([',', '[', ']', '{', '}', '#', ':']);
    if !is_scalar || !is_flow_safe {
        return diagnostic;
    }
    if due.contains(&"array") && schema.is_none_or(|schema| takes(explainer, schema.get("items"), node)) {
        return diagnostic.fix("write a list with this one item", node.place, format!("[{text}]"));
    }
    match schema.and_then(|schema| shorthand(explainer, schema, node)) {
        Some(name) if due.contains(&"object") => {
            let words = format!("write a map with the field `{name}`");
            diagnostic.fix(words, node.place, format!("{{{name}: {text}}}"))
        }
        _ => diagnostic,
    }
}

/// Adds the edit that takes a value out of its quotes, if that makes it one of the types that are due.
pub(super) fn unquote(diagnostic: Diagnostic, node: &Node, due: &[&str], sources: &Sources) -> Diagnostic {
    let bare = node.as_str().and_then(|value| unquoted(value, due));
    let is_quoted = || as_written(node, sources).is_some_and(|text| text.starts_with(['"', '\'']));
    match bare {
        Some(bare) if is_quoted() => diagnostic.fix("remove the quotes", node.place, bare),
        _ => diagnostic,
    }
}

/// Returns the one field that a scalar given instead of a map must mean.
fn shorthand<'s>(explainer: &Explainer<'_>, schema: &'s Json, node: &Node) -> Option<&'s str> {
    let named = schema.get("x-shorthand-fix").and_then(Json::as_str);
    let required = schema.get("required").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let name = named.or(if let [only] = required { only.as_str() } else { None })?;
    takes(explainer, schema.get("properties")?.get(name), node).then_some(name)
}

/// Says whether a part of the schema takes the type of a scalar.
fn takes(explainer: &Explainer<'_>, schema: Option<&Json>, node: &Node) -> bool {
    let Some(schema) = schema else { return false };
    let reference = schema.get("$ref").and_then(Json::as_str).and_then(|r| r.strip_prefix('#'));
    let schema = reference.and_then(|pointer| explainer.schema.pointer(pointer)).unwrap_or(schema);
    let due = schema.get("type").and_then(Json::as_str);
    match &node.value {
        Value::String(_) => due == Some("string"),
        Value::Bool(_) => due == Some("boolean"),
        Value::Number(_) => matches!(due, Some("integer" | "number")),
        _ => false,
    }
}

/// Returns a quoted text without its quotes, if that is of a type that is due.
fn unquoted(value: &str, due: &[&str]) -> Option<String> {
    let value = value.trim();
    if due.contains(&"boolean") {
        match value.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => return Some("true".into()),
            "false" | "no" | "off" => return Some("false".into()),
            _ => {}
        }
    }
    let digits = value.strip_prefix('-').unwrap_or(value);
    let is_plain = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'))
    };
    let is_integer = is_plain(digits);
    let is_number = is_integer
        || digits.split_once('.').is_some_and(|(whole, fraction)| {
            is_plain(whole) && !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit())
        });
    let is_due = (is_integer && due.contains(&"integer")) || (is_number && due.contains(&"number"));
    is_due.then(|| value.to_owned())
}
