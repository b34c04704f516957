//! Rules and lints of a schema → those that touch a field.

use serde_json::Value as Json;

use crate::catalog::shape::Shape;

/// A rule or a lint, as far as a reader of the field needs it.
#[derive(Debug)]
pub struct RuleLine {
    /// A lint's name and level; `None` for a rule, which every manifest must keep.
    pub lint: Option<(String, String)>,
    pub message: String,
    pub help: String,
}

/// Collects the rules that the last field of the trail has part in: its own, and those of the fields around it
/// that name it.
pub(super) fn rules_of(trail: &[(String, Shape<'_>)]) -> Vec<RuleLine> {
    let Some((target, _)) = trail.last() else { return Vec::new() };
    let mut lines: Vec<RuleLine> = Vec::new();
    for (base, shape) in trail {
        for part in shape.parts() {
            for keyword in ["x-kubernetes-validations", "x-lints"] {
                let rules = part.own(keyword).and_then(Json::as_array).into_iter().flatten();
                let touching = rules.filter(|rule| base == target || touches(rule, base, target));
                lines.extend(touching.map(line));
            }
        }
    }
    let mut seen = Vec::new();
    lines.retain(|line| {
        !seen.contains(&line.message) && {
            seen.push(line.message.clone());
            true
        }
    });
    lines
}

fn line(rule: &Json) -> RuleLine {
    let text = |field: &str| rule.get(field).and_then(Json::as_str).unwrap_or_default().to_owned();
    let level = || Some(text("level")).filter(|level| !level.is_empty()).unwrap_or("warn".to_owned());
    RuleLine {
        lint: rule.get("name").and_then(Json::as_str).map(|name| (name.to_owned(), level())),
        message: ["message", "rule"]
            .map(text)
            .into_iter()
            .find(|words| !words.is_empty())
            .unwrap_or_default(),
        help: text("help"),
    }
}

fn touches(rule: &Json, base: &str, target: &str) -> bool {
    let text = |field: &str| rule.get(field).and_then(Json::as_str).unwrap_or_default();
    let item = joined(base, text("each"));
    let reported = joined(if text("each").is_empty() { base } else { &item }, text("fieldPath"));
    let named = mentions(text("rule"), "self", base).into_iter().chain(mentions(text("rule"), "item", &item));
    named.chain([reported]).any(|path| path == target)
}

fn joined(base: &str, path: &str) -> String {
    [base, path].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

/// Lists the fields that an expression names: `self.spec.image` in `has(self.spec.image) && …`.
fn mentions(expression: &str, variable: &str, base: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in expression.match_indices(variable) {
        if expression[..at].ends_with(is_word) {
            continue;
        }
        let rest = &expression[at + variable.len()..];
        let end = rest.find(|c: char| !is_word(c) && c != '.').unwrap_or(rest.len());
        let mut steps: Vec<&str> = rest[..end].split('.').skip(1).collect();
        // The last one is a function, not a field: `self.items.all(…)`.
        if rest[end..].starts_with('(') {
            steps.pop();
        }
        if !steps.is_empty() {
            found.push(joined(base, &steps.join(".")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_names_fields_and_no_functions() {
        let expression = "!has(self.a.b) || self.a.list.all(v, v.name != item.name) && myself.x == 1";
        assert_eq!(mentions(expression, "self", "spec"), ["spec.a.b", "spec.a.list"]);
        assert_eq!(mentions(expression, "item", "spec.env"), ["spec.env.name"]);
    }
}
