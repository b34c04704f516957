//! The files that are built in.

use serde_json::Value as Json;

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

pub(super) type Embedded = &'static [(&'static str, &'static [u8])];

pub(super) fn built_in_common() -> Json {
    parse_schema("common").unwrap_or_default()
}

pub(super) fn parse_schema(name: &str) -> Option<Json> {
    let text = text_of(SCHEMAS, name)?;
    Some(
        serde_json::from_str(text).unwrap_or_else(|error| panic!("schemas/{name}.json is not JSON: {error}")),
    )
}

pub(super) fn text_of(table: Embedded, name: &str) -> Option<&'static str> {
    let (_, bytes) = table.iter().find(|(stem, _)| *stem == name)?;
    std::str::from_utf8(bytes).ok()
}
