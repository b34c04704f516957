//! `x-files`: the name of a file beside the manifest → its content, in the fields that the schema names for it.

use base64::Engine as _;
use serde_json::Value as Json;

use crate::catalog::shape::Shape;
use crate::diagnostic::Diagnostic;
use crate::document::read_beside;
use crate::schema::format;
use crate::source::{Place, Sources};
use crate::yaml::{Key, Map, Node};

/// What a ConfigMap holds at most.
const MAX_BYTES: usize = 1 << 20;

/// Reads the files that a manifest names and has no content of.
pub(super) fn embed(node: &mut Node, shape: Shape<'_>, sources: &Sources, findings: &mut Vec<Diagnostic>) {
    for file in shape.own("x-files").and_then(Json::as_array).into_iter().flatten() {
        let paths = file["in"].as_array().into_iter().flatten().filter_map(Json::as_str);
        for path in paths {
            let found = path.split('.').try_fold(&mut *node, |node, step| node.as_map_mut()?.get_mut(step));
            if let Some(map) = found.and_then(Node::as_map_mut) {
                findings.extend(embed_field(map, file, sources).err().map(|finding| *finding));
            }
        }
    }
}

fn embed_field(map: &mut Map, file: &Json, sources: &Sources) -> Result<(), Box<Diagnostic>> {
    let target = |kind: &str| file[kind].as_str().unwrap_or_default().to_owned();
    let is_there = |field: &str| map.get(field).is_some_and(|node| !node.is_null());
    let Some(node) =
        map.get(&target("name")).filter(|_| !is_there(&target("text")) && !is_there(&target("base64")))
    else {
        return Ok(());
    };
    let (place, text) = (node.place, node.as_str().unwrap_or_default().to_owned());
    // An address is fetched elsewhere; what is neither is told by its format.
    if text.is_empty() || text.contains("://") || format::check("code-source", &text) != Some(Ok(())) {
        return Ok(());
    }
    let bytes = read(&text, place, sources)?;
    let (field, content) = match String::from_utf8(bytes) {
        Ok(content) => (target("text"), content),
        Err(error) => (target("base64"), base64::engine::general_purpose::STANDARD.encode(error.as_bytes())),
    };
    map.set(Key::new(field, place), Node::string(content, place));
    Ok(())
}

fn read(path: &str, place: Place, sources: &Sources) -> Result<Vec<u8>, Box<Diagnostic>> {
    let fail = |message: String, help: &str| {
        Err(Box::new(Diagnostic::error("unreadable", message).at(place).help(help.to_owned())))
    };
    if path.to_ascii_lowercase().ends_with(".zip") {
        let message = format!("`{path}` is an archive, which nothing would unpack");
        return fail(message, "put it on a server, and give its address: `zip+https://…`");
    }
    match read_beside(&sources.get(place.source), path) {
        Ok(bytes) if bytes.len() > MAX_BYTES => fail(
            format!("`{path}` has more than 1 MiB, which no ConfigMap holds"),
            "put it on a server, and give its address",
        ),
        Ok(bytes) => Ok(bytes),
        Err(why) => {
            fail(format!("`{path}` cannot be read: {why}"), "its path starts from the folder of the manifest")
        }
    }
}
