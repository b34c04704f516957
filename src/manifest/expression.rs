//! CEL: expressions that schemas carry, evaluated on manifests.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use cel::extractors::This;
use cel::{Context, Env, ExecutionError, Program};

use crate::diagnostic::did_you_mean;
use crate::lint::is_secret_literal;
use crate::schema::format::quantity;
use crate::yaml::{Node, Value};

thread_local! {
    /// Rules recur from manifest to manifest; compiling one costs more than evaluating it.
    static PROGRAMS: RefCell<HashMap<String, Rc<Program>>> = RefCell::default();
    /// What every subject's scope is inside of, for as long as the thread works.
    static FUNCTIONS: &'static Context<'static, 'static> = Box::leak(Box::new(functions()));
}

/// A value that expressions call `self`, turned into what they work on once for all of them.
pub(super) struct Subject<'n> {
    pub node: &'n Node,
    scope: OnceCell<Context<'static, 'static>>,
}

impl<'n> Subject<'n> {
    pub fn new(node: &'n Node) -> Self {
        Self { node, scope: OnceCell::new() }
    }

    fn scope(&self) -> &Context<'static, 'static> {
        self.scope.get_or_init(|| {
            let mut scope = FUNCTIONS.with(|functions| functions.new_inner_scope());
            scope.add_variable_from_value("self", to_cel(self.node));
            scope
        })
    }
}

/// Evaluates a rule. One that cannot be evaluated on this manifest (a wrong type, say) holds: the schema has
/// already said what is wrong there.
pub(super) fn holds(expression: &str, subject: &Subject<'_>, item: Option<&Node>) -> bool {
    holds_by_its_guard(expression, subject.node, item)
        || !matches!(evaluate(expression, subject, item), Some(cel::Value::Bool(false)))
}

/// Most rules begin with what they are about, `!has(self.a) || …`, and most manifests lack it: to see that takes no
/// compiler. A path through something that is not there makes CEL give up, and so the rule holds.
fn holds_by_its_guard(expression: &str, node: &Node, item: Option<&Node>) -> bool {
    let mut rest = expression;
    // A conditional binds weaker than the alternatives that are looked at here.
    while !expression.contains(" ? ") {
        let (is_negated, after) = match (rest.strip_prefix("!has("), rest.strip_prefix("has(")) {
            (Some(after), _) => (true, after),
            (None, Some(after)) => (false, after),
            (None, None) => return false,
        };
        let Some((path, after)) = after.split_once(')') else { return false };
        let Some((parent, is_there)) = look_up(path, node, item) else { return false };
        if !parent || is_there != is_negated {
            return after.is_empty() || after.starts_with(" || ");
        }
        match after.strip_prefix(" || ") {
            Some(next) => rest = next,
            None => return false,
        }
    }
    false
}

/// Says whether what a field is in is there, and whether the field is.
fn look_up(path: &str, node: &Node, item: Option<&Node>) -> Option<(bool, bool)> {
    let (root, fields) = path.split_once('.')?;
    let start = match root {
        "self" => node,
        "item" => item?,
        _ => return None,
    };
    let (parents, field) = fields.rsplit_once('.').unwrap_or(("", fields));
    let parent =
        start.at(parents.split('.').filter(|step| !step.is_empty())).filter(|parent| !parent.is_null());
    let found = parent.and_then(|parent| parent.get(field)).is_some_and(|found| !found.is_null());
    Some((parent.is_some(), found))
}

/// Evaluates an expression that makes a text.
pub(super) fn text(expression: &str, subject: &Subject<'_>, item: Option<&Node>) -> Option<String> {
    match evaluate(expression, subject, item)? {
        cel::Value::String(text) => Some(text.to_string()),
        cel::Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Functions of the language that people know, and those of the extensions and of ours.
const KNOWN_FUNCTIONS: &str = "bool bytes charAt contains double dyn endsWith format indexOf \
    int isGreaterThan isLessThan isSecretLiteral join lastIndexOf lowerAscii matches quantity replace \
    reverse size split startsWith string substring trim type uint upperAscii";

/// Macros that give names to items.
const MACROS: &[&str] = &["all", "exists", "exists_one", "map", "filter"];
const TYPES: &str = "bool bytes double int list map null_type string type uint";

/// Compiles an expression; the error is one line.
pub(super) fn compile(expression: &str) -> Result<Program, String> {
    Program::compile(expression).map_err(|errors| {
        let first = errors.to_string();
        let first = first.lines().next().unwrap_or_default().trim_start_matches("ERROR: ");
        first.trim_start_matches("<input>:").to_owned()
    })
}

/// What a rule of somebody else says of a value.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Holds,
    Broken,
    /// The value lacks what the rule asks for; a server refuses it as well.
    Failed(String),
    /// The rule is about a change, or needs a function that only servers have.
    Unknown,
}

/// Evaluates a rule of which it is not known whether it can be evaluated here.
pub(super) fn judge(expression: &str, subject: &Subject<'_>) -> Verdict {
    if expression.contains("oldSelf") {
        // Such a rule is about changes, and is not asked when an object is new.
        return Verdict::Holds;
    }
    let Ok(program) = compiled(expression) else { return Verdict::Unknown };
    match execute(&program, subject, None) {
        Ok(cel::Value::Bool(true)) => Verdict::Holds,
        Ok(cel::Value::Bool(false)) => Verdict::Broken,
        Err(ExecutionError::NoSuchKey(name)) => Verdict::Failed(format!("there is no `{name}`")),
        Err(ExecutionError::IndexOutOfBounds(_)) => Verdict::Failed("a list is too short".to_owned()),
        Err(ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_)) => {
            Verdict::Failed("it divides by zero".to_owned())
        }
        _ => Verdict::Unknown,
    }
}

fn compiled(expression: &str) -> Result<Rc<Program>, String> {
    PROGRAMS.with_borrow_mut(|programs| {
        if let Some(program) = programs.get(expression) {
            return Ok(Rc::clone(program));
        }
        let program = Rc::new(compile(expression)?);
        programs.insert(expression.to_owned(), Rc::clone(&program));
        Ok(program)
    })
}

/// Says what would keep an expression from ever being evaluated.
pub(super) fn examine(expression: &str) -> Result<(), String> {
    let program = compile(expression)?;
    let references = program.references();
    let mut functions = references.functions();
    functions.retain(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()) && !MACROS.contains(name));
    let known: Vec<&str> = KNOWN_FUNCTIONS.split(' ').collect();
    if let Some(unknown) = functions.iter().find(|name| !known.contains(name)) {
        return Err(with_near(&format!("there is no function `{unknown}`"), unknown, &known));
    }
    let plain: String = expression.chars().filter(|c| !c.is_whitespace()).collect();
    let is_item = |name: &str| MACROS.iter().any(|function| plain.contains(&format!("{function}({name},")));
    let known = ["self", "item"];
    let variables = references.variables();
    let unknown = variables.iter().find(|name| {
        !known.contains(name)
            && TYPES.split(' ').all(|known| known != **name)
            && !name.starts_with('_')
            && !is_item(name)
    });
    match unknown {
        Some(name) => Err(with_near(&format!("there is no variable `{name}`"), name, &known)),
        None => Ok(()),
    }
}

fn with_near(message: &str, word: &str, known: &[&str]) -> String {
    match did_you_mean(word, known.iter().copied()) {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => format!("{message}; there is {}", known.join(", ")),
    }
}

fn evaluate(expression: &str, subject: &Subject<'_>, item: Option<&Node>) -> Option<cel::Value> {
    let program =
        compiled(expression).unwrap_or_else(|error| panic!("the rule `{expression}` is not CEL: {error}"));
    execute(&program, subject, item).ok()
}

fn execute(
    program: &Program,
    subject: &Subject<'_>,
    item: Option<&Node>,
) -> Result<cel::Value, ExecutionError> {
    let Some(item) = item else { return program.execute(subject.scope()) };
    let mut inner = subject.scope().new_inner_scope();
    inner.add_variable_from_value("item", to_cel(item));
    program.execute(&inner)
}

/// Kubernetes' quantity library, as far as rules need it: `quantity(a).isGreaterThan(quantity(b))`.
fn functions() -> Context<'static, 'static> {
    let mut env = Env::stdlib();
    env.add_extension(cel::extensions::strings).expect("the extension is added once");
    let mut context = Context::with_env(Arc::new(env));
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
    known(context.add_function("isSecretLiteral", |name: Arc<String>, value: Arc<String>| {
        is_secret_literal(&name, &value)
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
        Value::String(text) => cel::Value::String(Arc::new(text.to_string())),
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
    use crate::source::{Source, SourceId, SourceKind, Sources};

    #[test]
    fn a_guard_says_what_cel_says() {
        let text = "a: 1\nb: {c: 2, nil: null}\n";
        let id = Sources::default().add(Source::new(SourceKind::Manifest, "t", text));
        let node = crate::yaml::read(id, text).0.remove(0).root;
        let cases = [
            ("!has(self.x) || false", true),
            ("!has(self.a) || false", false),
            ("!has(self.a) || !has(self.x) || false", true),
            ("!has(self.x.y) || false", true),
            ("!has(self.b.nil) || false", true),
            ("has(self.b.c)", true),
            ("has(self.b.nil)", false),
            ("has(self.b.nil) || self.a == 1", true),
            ("has(self.x) && false || true", true),
            ("has(self.a) && false", false),
            ("!has(self.x) && false", false),
            ("!has(self.x) || true ? false : true", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(holds(expression, &Subject::new(&node), None), expected, "{expression}");
            let by_cel = evaluate(expression, &Subject::new(&node), None);
            assert_eq!(!matches!(by_cel, Some(cel::Value::Bool(false))), expected, "{expression} by CEL");
        }
    }

    #[test]
    fn functions_are_there_and_others_are_told() {
        let node = crate::yaml::read(SourceId::NONE, "s: aBc\nl: [2, 1, 1]\n").0.remove(0).root;
        for expression in [
            "self.s.startsWith('a') && self.s.endsWith('c') && self.s.contains('B') && self.s.matches('^a')",
            "self.s.lowerAscii() == 'abc' && self.s.upperAscii() == 'ABC' && self.s.substring(1) == 'Bc'",
            "self.s.replace('a', 'x') == 'xBc' && ' a '.trim() == 'a' && 'a,b'.split(',').join('-') == 'a-b'",
            "self.s.charAt(1) == 'B' && self.s.indexOf('B') == 1 && 'aa'.lastIndexOf('a') == 1",
            "'%s'.format([self.s]) == self.s && 'on'.reverse() == 'no'",
            "size(self.l) == 3 && int('3') == 3 && string(3) == '3' && double(1) == 1.0 && uint(1) == 1u",
            "bool('true') && type(1) == int && dyn(1) == 1 && bytes('a') == b'a'",
            "self.l.all(x, x > 0) && self.l.exists(x, x == 2) && self.l.map(x, x * 2) == [4, 2, 2]",
            "self.l.filter(x, x > 1) == [2] && self.l.exists_one(x, x == 2) && has(self.s) && !has(self.x)",
            "quantity('1Gi').isGreaterThan(quantity('1M')) && quantity('1').isLessThan(quantity('2'))",
        ] {
            let value = evaluate(expression, &Subject::new(&node), None);
            assert!(matches!(value, Some(cel::Value::Bool(true))), "{expression}: {value:?}");
            assert_eq!(examine(expression), Ok(()), "{expression}");
        }
        for (expression, words) in [
            ("self.s.startWith('a')", "there is no function `startWith`; did you mean `startsWith`?"),
            ("slef.s == 'a'", "there is no variable `slef`; did you mean `self`?"),
            ("self.l.all(x, y > 0)", "there is no variable `y`"),
        ] {
            assert!(examine(expression).unwrap_err().contains(words), "{expression}");
        }
    }
}
