//! Rules across fields: `x-kubernetes-validations` (CEL, as in a CustomResourceDefinition) and list keys, each
//! reported where the manifest breaks it.
//!
//! Beside what Kubernetes knows, a rule may have `help`, and `each`: the path of a list, whose items are then
//! bound to `item` one by one, `fieldPath` starting from the item.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use cel::extractors::This;
use cel::{Context, Program};
use serde_json::Value as Json;

use crate::catalog::shape::Shape;
use crate::diagnostic::Diagnostic;
use crate::schema::format::quantity;
use crate::source::Place;
use crate::yaml::{Node, Value};

/// Checks a manifest as it was written, before defaults.
pub(super) fn check(node: &Node, shape: Shape<'_>, findings: &mut Vec<Diagnostic>) {
    for part in shape.parts() {
        for rule in part.own("x-kubernetes-validations").and_then(Json::as_array).into_iter().flatten() {
            check_rule(rule, node, findings);
        }
    }
    match &node.value {
        Value::List(items) => {
            check_list_keys(items, shape, findings);
            if let Some(item_shape) = shape.items() {
                items.iter().for_each(|item| check(item, item_shape, findings));
            }
        }
        Value::Map(map) => {
            for (name, value) in map.iter() {
                if let Some(field) = shape.property(name) {
                    check(value, field, findings);
                }
            }
        }
        _ => {}
    }
}

fn check_rule(rule: &Json, node: &Node, findings: &mut Vec<Diagnostic>) {
    let text = |field: &str| rule.get(field).and_then(Json::as_str);
    let Some(expression) = text("rule") else { return };
    match text("each") {
        None => {
            if !holds(expression, node, None) {
                findings.push(finding(rule, node, node));
            }
        }
        Some(list) => {
            let items = node.at(steps(list)).and_then(Node::as_list).unwrap_or_default();
            for item in items.iter().filter(|item| !holds(expression, node, Some(item))) {
                findings.push(finding(rule, item, item));
            }
        }
    }
}

fn finding(rule: &Json, base: &Node, fallback: &Node) -> Diagnostic {
    let text = |field: &str| rule.get(field).and_then(Json::as_str);
    let place = place_of(base, text("fieldPath").unwrap_or_default()).unwrap_or(fallback.place);
    let message = text("message").or(text("rule")).unwrap_or_default();
    let finding = Diagnostic::error("broken-rule", message).at(place);
    match text("help") {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// Returns where a field stands, or the nearest field around it that is there: a scalar's value, the key of a map or
/// list.
fn place_of(base: &Node, path: &str) -> Option<Place> {
    let mut node = base;
    let mut place = None;
    for step in steps(path) {
        let Some(next) = node.at([step]) else { break };
        let key = node.as_map().and_then(|map| map.key(step));
        let is_scalar = !matches!(next.value, Value::Map(_) | Value::List(_));
        place = Some(key.filter(|_| !is_scalar).map_or(next.place, |key| key.place));
        node = next;
    }
    place
}

/// `labels['a.b/c'].d` → `labels`, `a.b/c`, `d`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches('.');
        let quoted = rest.strip_prefix("['").and_then(|inner| inner.split_once("']"));
        let plain = || rest.split_at(rest.find(['.', '[']).filter(|at| *at > 0).unwrap_or(rest.len()));
        let (step, after) = quoted.unwrap_or_else(plain);
        rest = after;
        Some(step).filter(|step| !step.is_empty())
    })
}

/// `x-kubernetes-list-map-keys`: no two items have the same keys. `x-unique`: nor the same value of one of these.
fn check_list_keys(items: &[Node], shape: Shape<'_>, findings: &mut Vec<Diagnostic>) {
    let names = |keyword: &str| -> Vec<_> {
        let names = shape.keyword(keyword).and_then(Json::as_array);
        names.into_iter().flatten().filter_map(Json::as_str).collect()
    };
    check_unique(items, &names("x-kubernetes-list-map-keys"), findings);
    for name in names("x-unique") {
        check_unique(items, &[name], findings);
    }
}

fn check_unique(items: &[Node], keys: &[&str], findings: &mut Vec<Diagnostic>) {
    let mut seen = HashMap::new();
    for item in items {
        let values: Option<Vec<_>> =
            keys.iter().map(|key| Some(item.get(key)?.to_json().to_string())).collect();
        let Some((values, node)) = values.zip(keys.first().and_then(|key| item.get(key))) else { continue };
        if let Some(first) = seen.insert(values, node.place) {
            let name = node.as_str().unwrap_or_default();
            let message = format!("{} `{name}` is given twice in this list", keys.join(", "));
            let finding = Diagnostic::error("duplicate-item", message)
                .at(node.place)
                .label("given again here")
                .related(first, "first given here")
                .help("keep one of the two, or change one");
            findings.push(finding);
        }
    }
}

thread_local! {
    /// Rules recur from manifest to manifest; compiling one costs more than evaluating it.
    static PROGRAMS: RefCell<HashMap<String, Rc<Program>>> = RefCell::default();
    static FUNCTIONS: Rc<Context<'static, 'static>> = Rc::new(functions());
}

/// Evaluates a rule. One that cannot be evaluated on this manifest (a wrong type, say) holds: the schema has
/// already said what is wrong there.
fn holds(expression: &str, node: &Node, item: Option<&Node>) -> bool {
    let program = PROGRAMS.with_borrow_mut(|programs| {
        let compile = || {
            Program::compile(expression)
                .unwrap_or_else(|error| panic!("the rule `{expression}` is not CEL: {error}"))
        };
        Rc::clone(programs.entry(expression.to_owned()).or_insert_with(|| Rc::new(compile())))
    });
    let functions = FUNCTIONS.with(Rc::clone);
    let mut context = functions.new_inner_scope();
    context.add_variable_from_value("self", to_cel(node));
    if let Some(item) = item {
        context.add_variable_from_value("item", to_cel(item));
    }
    !matches!(program.execute(&context), Ok(cel::Value::Bool(false)))
}

/// Kubernetes' quantity library, as far as rules need it: `quantity(a).isGreaterThan(quantity(b))`.
fn functions() -> Context<'static, 'static> {
    let mut context = Context::default();
    let known = |declared: Result<(), _>| declared.expect("the function is declared once");
    known(context.add_function("quantity", |value: cel::Value| -> Arc<String> {
        Arc::new(match value {
            cel::Value::String(text) => text.to_string(),
            cel::Value::Int(number) => number.to_string(),
            cel::Value::Float(number) => number.to_string(),
            _ => String::new(),
        })
    }));
    known(context.add_function("isGreaterThan", |This(a): This<Arc<String>>, b: Arc<String>| {
        quantity(&a).zip(quantity(&b)).is_some_and(|(a, b)| a > b)
    }));
    known(context.add_function("isLessThan", |This(a): This<Arc<String>>, b: Arc<String>| {
        quantity(&a).zip(quantity(&b)).is_some_and(|(a, b)| a < b)
    }));
    context
}

fn to_cel(node: &Node) -> cel::Value {
    match &node.value {
        Value::Null => cel::Value::Null,
        Value::Bool(flag) => cel::Value::Bool(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => cel::Value::Int(integer),
            (None, Some(float)) => cel::Value::Float(float),
            (None, None) => cel::Value::Null,
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::List(items) => cel::Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Value::Map(map) => {
            // A null field counts as absent, so `has()` is false for it.
            let present = map.iter().filter(|(_, value)| !value.is_null());
            let members: HashMap<String, cel::Value> =
                present.map(|(name, value)| (name.to_owned(), to_cel(value))).collect();
            cel::Value::Map(members.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_at_dots_and_brackets() {
        for (path, expected) in [
            ("spec.env", vec!["spec", "env"]),
            (".a['b.c/d'].e", vec!["a", "b.c/d", "e"]),
            ("", vec![]),
            ("a[0", vec!["a", "[0"]),
        ] {
            assert_eq!(steps(path).collect::<Vec<_>>(), expected, "{path}");
        }
    }
}
