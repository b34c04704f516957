//! `path=value`, as it is typed → a path and a value, each with its place.

use crate::diagnostic::Diagnostic;
use crate::source::{Place, Source, SourceKind, Sources};
use crate::yaml::{self, Key, Node, Value};

/// Keeps what was typed, for findings to point at.
pub fn add_argument(option: &str, argument: &str, sources: &Sources) -> Place {
    let text = format!("{option} {argument}");
    let range = option.len() + 1..text.len();
    Place::new(sources.add(Source::new(SourceKind::Argument, "command line", text)), range)
}

/// Splits `key=value` and says where each stands.
pub fn split(
    option: &str,
    argument: &str,
    example: &str,
    sources: &Sources,
) -> Result<(Key, String, Place), Box<Diagnostic>> {
    let place = add_argument(option, argument, sources);
    match argument.split_once('=').filter(|(key, _)| !key.is_empty()) {
        Some((key, raw)) => {
            let start = place.start as usize;
            let key_place = Place::new(place.source, start..start + key.len());
            let raw_place = Place::new(place.source, start + key.len() + 1..place.end as usize);
            Ok((Key::new(key, key_place), raw.to_owned(), raw_place))
        }
        None => Err(Box::new(
            Diagnostic::unable("bad-override", format!("`{option} {argument}` sets nothing"))
                .at(place)
                .label("no `=`")
                .help(format!("write for example `{option} {example}`")),
        )),
    }
}

/// Splits a path into steps, each with its place.
pub fn parse_path(path: &Key) -> Result<Vec<Key>, Box<Diagnostic>> {
    let Some(ranges) = yaml::path_steps(&path.text) else {
        return Err(Box::new(
            Diagnostic::unable("bad-override", format!("`{}` is no path to a field", path.text))
                .at(path.place)
                .help("write names separated by dots, `[0]` or `[name]` for list items: `spec.env.variables.KEY.value`"),
        ));
    };
    let start = path.place.start as usize;
    let key = |range: std::ops::Range<usize>| Key {
        text: path.text[range.clone()].into(),
        place: Place::new(path.place.source, start + range.start..start + range.end),
    };
    Ok(ranges.into_iter().map(key).collect())
}

/// Reads a value as YAML in one line: `3`, `true`, `[a, b]`, `{k: v}`, text.
pub fn parse_value(raw: &str, place: Place) -> Node {
    let (mut documents, findings) = yaml::read(place.source, raw);
    match documents.pop().filter(|_| findings.is_empty() && documents.is_empty() && !raw.contains('\n')) {
        Some(document) => move_to(document.root, place),
        None => Node::string(raw, place),
    }
}

fn move_to(mut node: Node, place: Place) -> Node {
    node.place = place;
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| *item = move_to(item.clone(), place)),
        Value::Map(map) => map.entries.iter_mut().for_each(|(key, item)| {
            key.place = place;
            *item = move_to(item.clone(), place);
        }),
        _ => {}
    }
    node
}
