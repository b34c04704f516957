//! A schema → the reference in it that leads back to itself.

use serde_json::Value as Json;

/// Finds a definition that is only another name of itself: a validator would go round for ever.
pub(super) fn circle(json: &Json) -> Option<String> {
    let mut references = Vec::new();
    collect(json, &mut references);
    let mut sound = Vec::new();
    references.into_iter().find_map(|start| {
        let mut path = Vec::new();
        leads_back(json, start, &mut path, &mut sound).then(|| start[1..].to_owned())
    })
}

fn leads_back<'j>(
    json: &'j Json,
    target: &'j str,
    path: &mut Vec<&'j str>,
    sound: &mut Vec<&'j str>,
) -> bool {
    if path.contains(&target) {
        return true;
    }
    let Some(schema) = json.pointer(target.get(1..).unwrap_or_default()).filter(|_| !sound.contains(&target))
    else {
        return false;
    };
    path.push(target);
    let mut next = Vec::new();
    in_place(schema, &mut next);
    let found = next.into_iter().any(|target| leads_back(json, target, path, sound));
    path.pop();
    sound.push(target);
    found
}

/// Collects the references that are about the same value as the schema.
fn in_place<'j>(schema: &'j Json, found: &mut Vec<&'j str>) {
    found.extend(schema.get("$ref").and_then(Json::as_str));
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let branches = schema.get(keyword).and_then(Json::as_array).into_iter().flatten();
        branches.for_each(|branch| in_place(branch, found));
    }
    for keyword in ["not", "if", "then", "else"] {
        if let Some(branch) = schema.get(keyword) {
            in_place(branch, found);
        }
    }
    let dependent = schema.get("dependentSchemas").and_then(Json::as_object).into_iter().flatten();
    dependent.for_each(|(_, branch)| in_place(branch, found));
}

fn collect<'j>(json: &'j Json, found: &mut Vec<&'j str>) {
    match json {
        Json::Object(members) => {
            found.extend(members.get("$ref").and_then(Json::as_str));
            members.values().for_each(|member| collect(member, found));
        }
        Json::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}
