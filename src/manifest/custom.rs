//! A Kubernetes object → what a server would refuse of it; a custom resource by what defines it, its rules included.

use serde_json::Value as Json;

use super::expression::{Subject, Verdict, judge, text};
use crate::diagnostic::Diagnostic;
use crate::kubernetes;
use crate::kubernetes::custom::Definitions;
use crate::source::{Place, Sources};
use crate::yaml::{Key, Node, Value};

/// Checks an object against the schema of its kind and the rules beside it.
pub fn check(object: &Node, definitions: &Definitions, sources: &Sources) -> Vec<Diagnostic> {
    let Some(definition) = definitions.of(object) else { return kubernetes::check(object, sources) };
    let (mut findings, completed) = definition.check(object, sources);
    if let Some(completed) = completed {
        let first = object.as_map().and_then(|map| map.entries.first());
        let at = first.map_or(object.place, |(key, _)| key.place);
        let mut rules = Rules { findings: Vec::new() };
        rules.visit(&completed.node, completed.schema, at, true);
        findings.extend(rules.findings);
    }
    findings
}

struct Rules {
    findings: Vec<Diagnostic>,
}

impl Rules {
    fn visit(&mut self, node: &Node, schema: &Json, at: Place, is_object: bool) {
        if let Some(rules) = schema.get("x-kubernetes-validations").and_then(Json::as_array) {
            let subject = if is_object { visible(node) } else { node.clone() };
            let subject = escaped(&subject, schema);
            let subject = Subject::new(&subject);
            rules.iter().for_each(|rule| self.rule(rule, &subject, node, at));
        }
        match &node.value {
            Value::Map(map) => {
                for (key, value) in map.entries.iter().filter(|(_, value)| !value.is_null()) {
                    let own =
                        schema.get("properties").and_then(|properties| properties.get(key.text.as_str()));
                    if let Some(field) = own.or(schema.get("additionalProperties")) {
                        self.visit(value, field, place_of(key, value), false);
                    }
                }
            }
            Value::List(items) => {
                let Some(item_schema) = schema.get("items") else { return };
                items.iter().for_each(|item| self.visit(item, item_schema, item.place, false));
            }
            _ => {}
        }
    }

    fn rule(&mut self, rule: &Json, subject: &Subject<'_>, node: &Node, at: Place) {
        let said = |field: &str| rule.get(field).and_then(Json::as_str);
        let Some(condition) = said("rule") else { return };
        let finding = match judge(condition, subject) {
            Verdict::Holds => return,
            Verdict::Unknown => {
                Diagnostic::note("unchecked-rule", format!("a rule is not checked: `{condition}`"))
                    .label("left to the server")
                    .help("it uses what only the server knows")
            }
            Verdict::Broken => {
                let made = said("messageExpression").and_then(|making| text(making, subject, None));
                let message = made.or(said("message").map(str::to_owned));
                let message = message.unwrap_or_else(|| format!("breaks the rule `{condition}`"));
                Diagnostic::error("broken-rule", message)
                    .help(format!("the rule of its definition: `{condition}`"))
            }
            Verdict::Failed(why) => {
                Diagnostic::error("broken-rule", format!("the rule `{condition}` cannot be evaluated: {why}"))
                    .help("give the fields that it asks for")
            }
        };
        let path = said("fieldPath").unwrap_or_default();
        self.findings.push(finding.at(super::rules::follow(super::rules::Spot { node, place: at }, path)));
    }
}

fn place_of(key: &Key, value: &Node) -> Place {
    match value.value {
        Value::Map(_) | Value::List(_) => key.place,
        _ => value.place,
    }
}

/// Rules of a whole object see of its metadata only the names.
fn visible(object: &Node) -> Node {
    let mut object = object.clone();
    if let Some(metadata) = object.as_map_mut().and_then(|map| map.get_mut("metadata")?.as_map_mut()) {
        metadata.entries.retain(|(key, _)| ["name", "generateName"].contains(&key.text.as_str()));
    }
    object
}

/// Rules spell fields whose names are no identifiers in another way.
fn escaped(node: &Node, schema: &Json) -> Node {
    let mut node = node.clone();
    match &mut node.value {
        Value::Map(map) => {
            let properties = schema.get("properties").and_then(Json::as_object);
            for (key, value) in &mut map.entries {
                match properties.and_then(|properties| properties.get(key.text.as_str())) {
                    Some(field) => {
                        *value = escaped(value, field);
                        key.text = identifier(&key.text).into();
                    }
                    None => {
                        if let Some(field) = schema.get("additionalProperties") {
                            *value = escaped(value, field);
                        }
                    }
                }
            }
        }
        Value::List(items) => {
            if let Some(item_schema) = schema.get("items") {
                items.iter_mut().for_each(|item| *item = escaped(item, item_schema));
            }
        }
        _ => {}
    }
    node
}

/// Words that expressions keep for themselves.
const RESERVED: &[&str] = &[
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
];

fn identifier(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !name.contains("__") {
        return name.to_owned();
    }
    name.replace("__", "__underscores__")
        .replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__")
}
