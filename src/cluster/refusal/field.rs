//! Field paths as API servers write them → places.

use crate::source::Place;
use crate::yaml::{Node, Value};

/// Follows a field path as API servers write it (`spec.containers[0].env[name="A"].value`, `data[a.b]`), as far
/// as it leads.
pub fn field_place(root: &Node, path: &str) -> Place {
    let mut node = root;
    let mut rest = path;
    while !rest.is_empty() {
        let (next, after) = match rest.strip_prefix('[') {
            Some(inside) => {
                let (key, after) = inside.split_once(']').unwrap_or((inside, ""));
                (item(node, key), after)
            }
            None => {
                let rest = rest.trim_start_matches('.');
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                (node.at([&rest[..end]]), &rest[end..])
            }
        };
        let Some(next) = next else { break };
        node = next;
        rest = after;
    }
    node.place
}

/// Returns the first field of the object that a sentence names, as webhooks and policies do in words of their own:
/// `spec.containers[0].image`, `object.spec.backoffLimit`, `/spec/containers/0/image/`.
pub fn field_in(message: &str, root: &Node) -> Option<String> {
    let is_between = |c: char| c.is_whitespace() || matches!(c, '`' | '\'' | ',' | ';' | ':' | '(' | ')');
    let words = message.split(is_between).map(|word| word.trim_matches(['"', '.', '/']));
    words.into_iter().find_map(|word| {
        let path = word.replace('/', ".");
        let path = path.strip_prefix("object.").unwrap_or(&path);
        let (first, _) = path.split_once(['.', '['])?;
        // A label's key or a host may look like a path, too.
        root.get(first).map(|_| path.to_owned())
    })
}

/// Returns the item that `0`, `name="main"` or `a.b/c` means.
fn item<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    match &node.value {
        Value::Map(map) => map.get(key.trim_matches('"')),
        Value::List(items) => match key.parse::<usize>() {
            Ok(index) => items.get(index),
            Err(_) => {
                let keys: Vec<(&str, &str)> =
                    key.split(',').filter_map(|pair| pair.split_once('=')).collect();
                let has = |item: &Node, name: &str, value: &str| match item.get(name).map(|own| &own.value) {
                    Some(Value::String(own)) => own == value.trim_matches('"'),
                    Some(Value::Number(own)) => own.to_string() == value,
                    _ => name == "protocol",
                };
                items.iter().find(|item| keys.iter().all(|(name, value)| has(item, name, value)))
            }
        },
        _ => None,
    }
}

/// `failed to create typed patch object (…): .spec.foo: field not declared in schema`, one or several;
/// `strict decoding error: unknown field "spec.foo", unknown field "spec.bar"`.
pub fn strict_complaints(message: &str) -> Vec<(String, String)> {
    if let Some((_, list)) = message.split_once("strict decoding error: ") {
        let complaints = list.split(", ").filter_map(|complaint| {
            let (words, rest) = complaint.split_once('"')?;
            let field = rest.trim_end_matches('"').to_owned();
            Some((field, words.trim().to_owned()))
        });
        return complaints.collect();
    }
    let Some((_, list)) = message.split_once("typed patch object") else { return Vec::new() };
    let list = list.split_once("): ").map_or(list, |(_, list)| list).trim_start_matches("errors:");
    let complaints = list.lines().filter_map(|line| {
        let (field, words) = line.trim().strip_prefix('.')?.split_once(": ")?;
        Some((field.to_owned(), words.to_owned()))
    });
    complaints.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_in_a_sentence() {
        let text = "spec:\n  items:\n  - name: a\n    image: b\n";
        let sources = crate::source::Sources::default();
        let source = crate::source::Source::new(crate::source::SourceKind::Manifest, "a.yaml", text);
        let (documents, _) =
            crate::document::parse(sources.add(source), &sources, crate::workers::Workers::One);
        let root = &documents[0].root;
        for (sentence, field) in [
            ("field spec.items[0].image: no `latest`", Some("spec.items[0].image")),
            ("rule autogen-tag failed at path /spec/items/0/image/", Some("spec.items.0.image")),
            ("failed expression: object.spec.items.all(item, true)", Some("spec.items.all")),
            ("[no-latest] 'spec.items' is not wanted.", Some("spec.items")),
            ("the host example.com/spec is not wanted", None),
            ("spec is not wanted", None),
        ] {
            assert_eq!(field_in(sentence, root).as_deref(), field, "{sentence}");
        }
        let image = root.at(["spec", "items", "0", "image"]).unwrap().place;
        assert_eq!(field_place(root, "spec.items[0].image"), image);
        assert_eq!(field_place(root, "spec.items.0.image"), image);
    }

    #[test]
    fn strict_complaints_are_read() {
        let one = r#"failed to create typed patch object (a/b; batch/v1, Kind=Job): .spec.foo: field not declared in schema"#;
        assert_eq!(
            strict_complaints(one),
            [("spec.foo".to_owned(), "field not declared in schema".to_owned())]
        );
        let two = r#"Job in version "v1" cannot be handled as a Job: strict decoding error: unknown field "spec.a", unknown field "spec.b""#;
        let fields: Vec<String> = strict_complaints(two).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["spec.a", "spec.b"]);
    }
}
