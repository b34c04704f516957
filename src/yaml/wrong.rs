//! What a text gets wrong → findings, in the words of those who write it.

use granit_parser::{ScanError, Tag};

use super::{Key, Node, Text, Value};
use crate::diagnostic::Diagnostic;
use crate::source::{Place, SourceId};

/// Says where the parser stopped, in a part of a text that begins at `start`.
pub fn syntax(source: SourceId, text: &str, start: usize, error: &ScanError) -> Diagnostic {
    let at = error.marker().byte_offset().map_or(text.len(), |offset| start + offset).min(text.len());
    let at = (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let length = text[at..].chars().next().map_or(0, char::len_utf8);
    let line_start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    Diagnostic::error("yaml-syntax", format!("this is not valid YAML: {}", error.info()))
        .at(Place::new(source, at..at + length))
        .label("cannot be read from here on")
        .help(hint(line, &error.info()))
}

/// What people usually meant when the parser stopped here.
fn hint(line: &str, info: &str) -> &'static str {
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    let value = line.split_once(": ").map_or("", |(_, value)| value);
    if indent.contains('\t') || info.contains("tab") {
        "YAML allows no tabs for indentation; use spaces"
    } else if line.contains("{{") {
        "`{{ … }}` looks like a template; fill it in first, or quote the value"
    } else if value.contains(": ") {
        "a value that contains `: ` must be quoted"
    } else if value.starts_with(['@', '`', '%', '*', '&', '!']) {
        "a value that starts with one of @ ` % * & ! must be quoted"
    } else if info.contains("flow") || line.contains('[') || line.contains('{') {
        "is a `[` or `{` left open, or a comma missing?"
    } else {
        "check the indentation of this line and the one before, and that strings with special characters are quoted"
    }
}

/// Returns a map key's text. Keys that a reader would turn into something else are refused.
pub fn key(node: Node, text: &str, place: Place) -> Result<Text, Box<Diagnostic>> {
    let written = text.get(place.range()).unwrap_or_default();
    let type_name = node.type_name();
    let read_as = match node.value {
        Value::String(key) => return Ok(key),
        Value::Number(number) if number.to_string() == written => return Ok(written.into()),
        Value::List(_) | Value::Map(_) => {
            return Err(Box::new(
                Diagnostic::error("yaml-key", format!("a {type_name} cannot be a key here"))
                    .at(place)
                    .label("keys are strings"),
            ));
        }
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null => "null".to_owned(),
    };
    Err(Box::new(
        Diagnostic::error(
            "yaml-key",
            format!("the key `{written}` is read as `{read_as}` by Kubernetes' own YAML reader"),
        )
        .at(place)
        .label("not a string")
        .fix("quote the key", place, format!("\"{written}\"")),
    ))
}

pub fn duplicate_key(key: &Key, first: Place) -> Diagnostic {
    Diagnostic::error("duplicate-key", format!("the key `{}` is given twice in this map", key.text))
        .at(key.place)
        .label("given again here")
        .related(first, "first given here")
        .help("keep one of the two; other readers keep only the last and drop the first in silence")
}

pub fn merge(place: Place) -> Diagnostic {
    Diagnostic::error("yaml-merge", "the merge key `<<` takes a map or a list of maps")
        .at(place)
        .label("not a map")
        .help("write `<<: *anchor`, or quote the key if it is meant literally")
}

pub fn unknown_alias(name: &str, place: Place) -> Diagnostic {
    let message = format!("alias `*{name}` has no anchor `&{name}` before it in this document");
    Diagnostic::error("yaml-alias", message)
        .at(place)
        .label("unknown anchor")
        .help("an anchor must stand earlier in the same document; quote the value if `*` is meant literally")
}

pub fn endless_alias(place: Place) -> Diagnostic {
    Diagnostic::error("yaml-alias", "an alias stands inside the anchor that it refers to")
        .at(place)
        .label("refers to a collection that is not finished")
}

pub fn too_many_aliases(most: usize, place: Place) -> Diagnostic {
    let message = format!("aliases expand this document by more than {most} values");
    Diagnostic::error("yaml-alias", message)
        .at(place)
        .label("expansion stops here")
        .help("write the values out, or split the document")
}

pub fn mistagged(text: &str, kind: &str, place: Place) -> Diagnostic {
    let message = format!("`{text}` cannot be read as the tag `!!{kind}` says");
    Diagnostic::error("yaml-tag", message).at(place).help("remove the tag or mend the value")
}

pub fn unknown_tag(tag: &Tag, place: Place) -> Diagnostic {
    let message = format!("the tag `{}` has no meaning in a Kubernetes manifest", tag.original());
    Diagnostic::error("yaml-tag", message).at(place).label("tagged value").help("remove the tag")
}
