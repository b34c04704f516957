//! A list in JSON, as a server sends it → what is made of its items; a long one is read in parts by all processors.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Error};

use super::json::{Open, Reader};
use super::{Key, Map, Node, Text, Value};
use crate::source::Place;
use crate::workers::{Workers, map_with};

/// Makes something of an item, or passes it over.
pub type Make<'m, T> = &'m (dyn Fn(Node) -> Option<T> + Sync);

/// To read so many bytes takes about as long as to start a thread.
const PART: usize = 16 << 10;
/// Where one object ends and another begins. No value can look so: in it, the quote would have a backslash before it.
const BOUNDARY: &str = "},{\"metadata\":{";

/// Reads JSON text that has a list under `items`. Returns what was made of the items, and the rest.
pub fn read_items<T: Send>(bytes: Vec<u8>, place: Place, make: Make<'_, T>) -> Result<(Vec<T>, Node), Error> {
    let count = Workers::All.count(bytes.len() / PART);
    read_in(count, bytes, place, make)
}

fn read_in<T: Send>(
    count: usize,
    bytes: Vec<u8>,
    place: Place,
    make: Make<'_, T>,
) -> Result<(Vec<T>, Node), Error> {
    let mut text = String::from_utf8(bytes).map_err(Error::custom)?;
    let cuts = cuts(&text, count);
    if !cuts.is_empty() {
        // So each part but the first is a list.
        cuts.iter().for_each(|comma| text.replace_range(*comma..comma + 1, "["));
        if let Some(read) = read_parts(&text, &cuts, place, make) {
            return Ok(read);
        }
        cuts.iter().for_each(|comma| text.replace_range(*comma..comma + 1, ","));
    }
    let mut part = Part::new(place, make);
    let mut reader = Deserializer::from_str(&text);
    part.read_list(&mut reader)?;
    reader.end()?;
    Ok((part.made, Node::new(Value::Map(part.rest), place)))
}

/// Finds commas between objects that cut a text into so many parts of about the same length.
fn cuts(text: &str, count: usize) -> Vec<usize> {
    let wanted = (1..count).map(|part| text.len() / count * part);
    let found = wanted.filter_map(|from| {
        let from = (from..).find(|at| text.is_char_boundary(*at))?;
        Some(from + text[from..].find(BOUNDARY)? + 1)
    });
    let mut cuts: Vec<usize> = found.collect();
    cuts.dedup();
    cuts
}

/// Reads all parts, if each cut is between two items; `None` if one is within an item.
fn read_parts<T: Send>(
    text: &str,
    cuts: &[usize],
    place: Place,
    make: Make<'_, T>,
) -> Option<(Vec<T>, Node)> {
    let body = text.trim_end().strip_suffix('}')?;
    let parts: Vec<usize> = (0..=cuts.len()).collect();
    let read = map_with(vec![(); parts.len()], parts, |(), number| {
        let start = number.checked_sub(1).map_or(0, |before| cuts[before]);
        let end = cuts.get(number).copied().unwrap_or(body.len());
        let mut part = Part::new(place, make);
        let mut reader = Deserializer::from_str(body.get(start..end)?);
        let read = if number == 0 { part.read_list(&mut reader) } else { part.read_items(&mut reader) };
        // Each part ends between two items, but the last, which ends with the list.
        let is_whole = match read {
            Err(error) => number < cuts.len() && error.is_eof() && !part.is_within,
            Ok(()) => number == cuts.len() && reader.end().is_ok(),
        };
        is_whole.then_some((part.made, part.rest))
    });
    let (mut all, mut rest) = (Vec::new(), None);
    for part in read {
        let (made, others) = part?;
        all.extend(made);
        rest = rest.or(Some(others));
    }
    Some((all, Node::new(Value::Map(rest?), place)))
}

/// What was read of a list.
struct Part<'m, T> {
    place: Place,
    make: Make<'m, T>,
    open: Open,
    /// Whether an item was begun and not ended.
    is_within: bool,
    made: Vec<T>,
    rest: Map,
}

impl<'m, T> Part<'m, T> {
    fn new(place: Place, make: Make<'m, T>) -> Self {
        Part { place, make, open: Open::default(), is_within: false, made: Vec::new(), rest: Map::default() }
    }

    /// Reads what has a list under `items`.
    fn read_list(&mut self, reader: &mut Deserializer<serde_json::de::StrRead<'_>>) -> Result<(), Error> {
        reader.deserialize_map(Listed(self))
    }

    /// Reads the list itself.
    fn read_items(&mut self, reader: &mut Deserializer<serde_json::de::StrRead<'_>>) -> Result<(), Error> {
        Items(self).deserialize(reader)
    }

    fn reader(&mut self) -> Reader<'_> {
        Reader { place: self.place, open: &mut self.open }
    }
}

struct Listed<'p, 'm, T>(&'p mut Part<'m, T>);

impl<'de, T> Visitor<'de> for Listed<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(text) = members.next_key::<Text>()? {
            if text == "items" {
                members.next_value_seed(Items(self.0))?;
            } else {
                let key = Key { text, place: self.0.place };
                let value = members.next_value_seed(self.0.reader())?;
                self.0.rest.entries.push((key, value));
            }
        }
        Ok(())
    }
}

struct Items<'p, 'm, T>(&'p mut Part<'m, T>);

impl<'de, T> DeserializeSeed<'de> for Items<'_, '_, T> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T> Visitor<'de> for Items<'_, '_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    /// An empty list may be `null`.
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Item(self.0))?.is_some() {}
        Ok(())
    }
}

struct Item<'p, 'm, T>(&'p mut Part<'m, T>);

impl<'de, T> DeserializeSeed<'de> for Item<'_, '_, T> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.is_within = true;
        let item = self.0.reader().deserialize(deserializer)?;
        self.0.is_within = false;
        self.0.made.extend((self.0.make)(item));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::SourceId;

    /// The items and the rest, read in so many parts.
    fn read(count: usize, text: &str) -> Result<(String, String), String> {
        let place = Place::new(SourceId::NONE, 0..0);
        let read = read_in(count, text.as_bytes().to_vec(), place, &|item| Some(item.to_json()));
        read.map(|(items, rest)| (serde_json::Value::Array(items).to_string(), rest.to_json().to_string()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_is_read_item_by_item() {
        let told = |items: &str, rest: &str| Ok((items.to_owned(), rest.to_owned()));
        let list = r#"{"kind":"A","items":[{"b":1},{"b":[2]}],"metadata":{"continue":"c"}}"#;
        let items = r#"[{"b":1},{"b":[2]}]"#;
        assert_eq!(read(1, list), told(items, r#"{"kind":"A","metadata":{"continue":"c"}}"#));
        assert_eq!(read(1, r#"{"items":null}"#), told("[]", "{}"));
        assert_eq!(read(1, "{}"), told("[]", "{}"));
        for broken in ["", "[]", "{}{}", r#"{"items":{}}"#, r#"{"items":[{}"#] {
            assert!(read(1, broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_long_list_is_cut_between_its_items() {
        let item = |n: u8| {
            r#"{"metadata":{"name":"NAME","note":"é},{\"metadata\":{"}}"#.replace("NAME", &n.to_string())
        };
        let items: Vec<String> = (0..40).map(item).collect();
        let list = format!("{{\"kind\":\"A\",\"metadata\":{{}},\"items\":[{}]}}\n", items.join(","));
        assert_eq!(cuts(&list, 4).len(), 3);
        let place = Place::new(SourceId::NONE, 0..0);
        let cut = cuts(&list, 4).iter().fold(list.clone(), |mut text, comma| {
            text.replace_range(*comma..comma + 1, "[");
            text
        });
        assert!(read_parts(&cut, &cuts(&list, 4), place, &Some).is_some_and(|(made, _)| made.len() == 40));
        assert_eq!(read(4, &list), read(1, &list));
    }

    /// Objects that may have others within them, in lists and behind them, and what breaks them.
    const PIECES: &[&str] = &[
        "{\"metadata\":{}}",
        "{\"metadata\":{},\"spec\":[{\"metadata\":{}},{\"metadata\":{}},{\"metadata\":{}}]}",
        "{\"metadata\":{\"a\":\"},{\\\"metadata\\\":{\"}}",
        "{\"spec\":{\"deep\":[[{\"x\":1},{\"metadata\":{\"é\":[]}}]]}}",
        "{\"metadata\":{},\"spec\":[{\"metadata\":{}}",
        "{\"metadata\":{}}]}",
        "]",
        "7",
    ];

    #[test]
    fn an_end_within_an_item_is_an_error_in_parts_too() {
        let text = r#"{"items":[{"metadata":{},"spec":[{"metadata":{}},{"metadata":{"name":"long"}}]}"#;
        assert_eq!(cuts(text, 2).len(), 1);
        assert!(read(2, text).is_err());
        assert_eq!(read(2, text), read(1, text));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_list_says_the_same_in_however_many_parts_it_is_read(
            pieces in prop::collection::vec(prop::sample::select(PIECES), 0..12),
            count in 2_usize..6,
            end in prop::sample::select(&["]}", "]}\n", "],\"metadata\":{\"a\":1}}", "]", "}"][..]),
        ) {
            let text = format!("{{\"kind\":\"A\",\"items\":[{}{end}", pieces.join(","));
            prop_assert_eq!(read(count, &text), read(1, &text));
        }
    }
}
