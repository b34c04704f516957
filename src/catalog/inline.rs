//! A schema that refers to `common.json` → one that stands alone.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use crate::schema::retain_needed;

/// The file of what schemas share, as references spell it.
pub(super) const COMMON: &str = "common.json";

/// Copies what a schema needs of what schemas share into it, and turns the references inward. What a folder shares is found before
/// what is built in; where both, or the schema itself, have a definition of one name, each keeps its own.
pub(super) fn inline(json: &mut Json, of_folder: Option<Json>, built_in: Json) {
    let of_folder = of_folder.and_then(take_definitions).unwrap_or_default();
    let built_in = take_definitions(built_in).unwrap_or_default();
    let own: BTreeSet<String> = names(json.get("$defs").and_then(Json::as_object));
    let in_folder = names(Some(&of_folder));
    let folder_name = |name: &str| {
        let name_here = if own.contains(name) { format!("shared:{name}") } else { name.to_owned() };
        in_folder.contains(name).then_some(name_here)
    };
    let built_in_name = |name: &str| {
        let is_taken = own.contains(name) || in_folder.contains(name);
        if is_taken { format!("daphnia:{name}") } else { name.to_owned() }
    };
    let from_folder = |name: &str| folder_name(name).unwrap_or_else(|| built_in_name(name));
    redirect(json, &|file, name| (file == COMMON).then(|| from_folder(name)));
    let mut definitions = Map::new();
    for (name, mut definition) in of_folder {
        redirect(&mut definition, &|file, other| match file {
            COMMON => Some(built_in_name(other)),
            _ => folder_name(other),
        });
        definitions.insert(from_folder(&name), definition);
    }
    for (name, mut definition) in built_in {
        redirect(&mut definition, &|_, other| Some(built_in_name(other)));
        definitions.insert(built_in_name(&name), definition);
    }
    retain_needed(&mut definitions, json);
    let Some(members) = json.as_object_mut() else { return };
    if let Json::Object(defs) = members.entry("$defs").or_insert_with(|| Json::Object(Map::new())) {
        defs.extend(definitions);
    }
}

fn take_definitions(mut common: Json) -> Option<Map<String, Json>> {
    match common.get_mut("$defs").map(Json::take) {
        Some(Json::Object(definitions)) => Some(definitions),
        _ => None,
    }
}

fn names(definitions: Option<&Map<String, Json>>) -> BTreeSet<String> {
    definitions.into_iter().flat_map(Map::keys).cloned().collect()
}

/// Renames what references lead to: `target` is given their file, empty for their own, and the definition's name.
fn redirect(json: &mut Json, target: &dyn Fn(&str, &str) -> Option<String>) {
    match json {
        Json::Object(members) => {
            if let Some(Json::String(reference)) = members.get_mut("$ref")
                && let Some((file, rest)) = reference.split_once("#/$defs/")
            {
                let (name, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                if let Some(name) = target(file, name) {
                    *reference = format!("#/$defs/{name}{below}");
                }
            }
            members.values_mut().for_each(|member| redirect(member, target));
        }
        Json::Array(items) => items.iter_mut().for_each(|item| redirect(item, target)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_reference_leads_to_its_own_definition() {
        let mut schema = json!({
            "properties": {
                "a": {"$ref": "common.json#/$defs/image"},
                "b": {"$ref": "#/$defs/image"},
                "c": {"$ref": "common.json#/$defs/port/properties/x"},
                "d": {"$ref": "common.json#/$defs/metadata"},
            },
            "$defs": {"image": {"title": "own"}},
        });
        let folder = json!({"$defs": {
            "image": {"title": "folder", "allOf": [{"$ref": "#/$defs/port"}, {"$ref": "common.json#/$defs/image"}]},
            "port": {"properties": {"x": {}}},
        }});
        let ours = json!({"$defs": {
            "image": {"title": "ours", "$ref": "#/$defs/metadata"},
            "metadata": {"$ref": "#/$defs/port"},
            "port": {"title": "ours"},
        }});
        inline(&mut schema, Some(folder), ours);
        let expected = json!({
            "properties": {
                "a": {"$ref": "#/$defs/shared:image"},
                "b": {"$ref": "#/$defs/image"},
                "c": {"$ref": "#/$defs/port/properties/x"},
                "d": {"$ref": "#/$defs/metadata"},
            },
            "$defs": {
                "image": {"title": "own"},
                "shared:image": {
                    "title": "folder", "allOf": [{"$ref": "#/$defs/port"}, {"$ref": "#/$defs/daphnia:image"}],
                },
                "port": {"properties": {"x": {}}},
                "daphnia:image": {"title": "ours", "$ref": "#/$defs/metadata"},
                "metadata": {"$ref": "#/$defs/daphnia:port"},
                "daphnia:port": {"title": "ours"},
            },
        });
        assert_eq!(schema, expected);
    }
}
