//! Trees → YAML that every reader, 1.1 or 1.2, understands the same way; and JSON.

use serde::Serialize;
use serde::ser::{Error as _, SerializeMap, SerializeSeq};

use super::{Node, Value};

/// Writes one document, block style, ending with a line break.
pub fn write(node: &Node) -> String {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: 1_000_000, compact_list_indent: true };
    let mut text = String::new();
    serde_saphyr::to_fmt_writer_with_options(&mut text, node, options)
        .expect("a tree of strings, numbers, lists and maps has a YAML form");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Writes indented JSON, ending with a line break.
pub fn write_json(node: &Node) -> String {
    let mut text =
        serde_json::to_string_pretty(&node.to_json()).expect("a tree of JSON values has a JSON form");
    text.push('\n');
    text
}

impl Serialize for Node {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Number(number) => number.serialize(serializer),
            Value::String(text) => serialize_text(text, serializer),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Value::Map(map) => {
                let mut out = serializer.serialize_map(Some(map.entries.len()))?;
                for (key, item) in &map.entries {
                    out.serialize_entry(&Text(&key.text), item)?;
                }
                out.end()
            }
        }
    }
}

struct Text<'a>(&'a str);

impl Serialize for Text<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_text(self.0, serializer)
    }
}

fn serialize_text<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if text.len() > u32::MAX as usize {
        return Err(S::Error::custom("a string of more than 4 GiB"));
    }
    // Readers of the libyaml family refuse a whole document whose block scalar starts with a tab.
    let first_line = text.lines().find(|line| !line.trim_matches(' ').is_empty()).unwrap_or_default();
    let starts_with_tab = text.contains('\n') && first_line.trim_start_matches(' ').starts_with('\t');
    if starts_with_tab {
        serde_saphyr::DoubleQuoted(text).serialize(serializer)
    } else {
        serializer.serialize_str(text)
    }
}
