//! Defaults of a profile into the fields that a manifest leaves out.

use super::{Defaults, wrong};
use crate::catalog::shape::Shape;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::source::Place;
use crate::yaml::{Key, Map, Node, Value};

/// Fills what the manifest leaves out; what it has stays. The defaults are in canonical spelling, and `shape` is that
/// of the node. `is_elsewhere` says whether other kinds have a field: a default for it is for them.
pub fn fill(
    node: &mut Node,
    defaults: &Defaults,
    shape: Shape<'_>,
    kind: &str,
    is_elsewhere: &dyn Fn(&str) -> bool,
    findings: &mut Vec<Diagnostic>,
) {
    let mut fields = defaults.fields.clone();
    if let Some(map) = fields.as_map_mut() {
        map.entries.retain(|(key, _)| shape.property(&key.text).is_some() || !is_elsewhere(&key.text));
    }
    let mut fill = Fill { profile: &defaults.profile, kind, findings };
    fill.map(node, &fields, shape);
}

struct Fill<'f> {
    profile: &'f str,
    kind: &'f str,
    findings: &'f mut Vec<Diagnostic>,
}

impl Fill<'_> {
    fn map(&mut self, node: &mut Node, defaults: &Node, shape: Shape<'_>) {
        let (Some(map), Some(defaults)) = (node.as_map_mut(), defaults.as_map()) else { return };
        for (key, default) in defaults.entries.iter().filter(|(_, default)| !default.is_null()) {
            let Some(field) = shape.property(&key.text) else {
                self.unknown(key, shape);
                continue;
            };
            match map.get_mut(&key.text).filter(|node| !node.is_null()) {
                None => {
                    let mut filled = empty_like(default, key.place);
                    self.value(&mut filled, default, field);
                    map.set(key.clone(), filled);
                }
                Some(node) => self.value(node, default, field),
            }
        }
    }

    fn value(&mut self, node: &mut Node, default: &Node, shape: Shape<'_>) {
        match (&mut node.value, &default.value) {
            // A value in short is one decision: a default adds no second source to it.
            (Value::Map(map), Value::Map(_)) if shape.text("x-shorthand").is_none() || map.is_empty() => {
                self.map(node, default, shape);
            }
            (Value::List(items), Value::List(defaults)) => {
                let Some(name) = shape.text("x-keyed-by") else {
                    if items.is_empty() && node.place == default.place {
                        items.clone_from(defaults);
                    }
                    return;
                };
                for default in defaults {
                    let same =
                        |item: &Node| item.get(name).map(|n| &n.value) == default.get(name).map(|n| &n.value);
                    if !items.iter().any(same) {
                        items.push(default.clone());
                    }
                }
            }
            _ => {}
        }
    }

    fn unknown(&mut self, key: &Key, shape: Shape<'_>) {
        let message =
            format!("the profile `{}` sets `{}`, which {} does not have", self.profile, key.text, self.kind);
        let known: Vec<&str> = shape.properties().into_iter().map(|(name, _)| name).collect();
        let finding = wrong(message, Some(key.place));
        let finding = match did_you_mean(&key.text, known) {
            Some(near) => finding.label(format!("did you mean `{near}`?")),
            None => finding.label(format!("not a field of {}", self.kind)),
        };
        self.findings.push(finding.help(format!(
            "if other kinds have it, write it between `{{% if kind != \"{}\" %}}` and `{{% endif %}}`",
            self.kind
        )));
    }
}

/// What a field holds before a default fills it: nothing of a map, so that each of its fields is looked at.
fn empty_like(default: &Node, key: Place) -> Node {
    let place = if default.as_map().is_some() { key } else { default.place };
    match default.value {
        Value::Map(_) => Node::new(Value::Map(Map::default()), place),
        _ => default.clone(),
    }
}
