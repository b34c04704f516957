//! `--set path=value`: values from the command line, typed by the schema, with places of their own.

mod argument;

use self::argument::{add_argument, parse_path, parse_value, split};
use super::values::is_spelt;
use crate::catalog::shape::Shape;
use crate::diagnostic::Diagnostic;
use crate::source::{Place, Sources};
use crate::yaml::{Key, Map, Node, Value};

/// A value for one field, to be set before the schema looks.
#[derive(Debug, Clone)]
pub struct Override {
    target: Target,
    value: Node,
    /// Whether the value is text as typed, and so a string where the schema wants one.
    typed: Option<String>,
}

#[derive(Debug, Clone)]
enum Target {
    Path(Vec<Key>),
    /// An environment variable, wherever this kind keeps them.
    Env(Key),
    /// The container's arguments.
    Args,
    /// The container's image.
    Image,
}

impl Override {
    /// Reads `spec.backoffLimit=3`, as given to `--set`.
    pub fn set(argument: &str, sources: &Sources) -> Result<Override, Box<Diagnostic>> {
        let (key, raw, place) = split("--set", argument, "spec.backoffLimit=3", sources)?;
        let steps = parse_path(&key)?;
        Ok(Override { target: Target::Path(steps), value: parse_value(&raw, place), typed: Some(raw) })
    }

    /// Reads `NAME=value`, as given to `--env`.
    pub fn env(argument: &str, sources: &Sources) -> Result<Override, Box<Diagnostic>> {
        let (key, raw, place) = split("--env", argument, "LOG_LEVEL=debug", sources)?;
        Ok(Override { target: Target::Env(key), value: Node::string(raw, place), typed: None })
    }

    /// Takes an image reference, as given to `--image`.
    pub fn image(argument: &str, sources: &Sources) -> Override {
        let place = add_argument("--image", argument, sources);
        Override { target: Target::Image, value: Node::string(argument, place), typed: None }
    }

    /// Takes arguments for the container, as given after `--`.
    pub fn args(arguments: &[String], sources: &Sources) -> Override {
        let place = add_argument("--", &arguments.join(" "), sources);
        let items = arguments.iter().map(|argument| Node::string(argument, place)).collect();
        Override { target: Target::Args, value: Node::new(Value::List(items), place), typed: None }
    }

    /// What of a pod it changes, if it names no field, and the option that gave it.
    fn role(&self) -> (Option<&'static str>, &'static str) {
        match &self.target {
            Target::Path(_) => (None, "--set"),
            Target::Env(_) => (Some("env"), "--env"),
            Target::Args => (Some("args"), "-- ARGS"),
            Target::Image => (Some("image"), "--image"),
        }
    }

    pub(super) fn option(&self) -> &'static str {
        self.role().1
    }

    /// Refuses what `run` is asked to change in a kind that does not say where it keeps it.
    pub(super) fn ensure_place(&self, kind: &str, shape: Shape<'_>) -> Result<(), Box<Diagnostic>> {
        let (Some(role), option) = self.role() else { return Ok(()) };
        if shape.own("x-run").and_then(|roles| roles.get(role)).is_some() {
            return Ok(());
        }
        let message = format!("a {kind} has no place for `{option}`");
        let finding = Diagnostic::unable("bad-override", message).at(self.value.place);
        Err(Box::new(
            finding.help(format!("use `--set`, or name the place in the kind's schema: `x-run`, `{role}`")),
        ))
    }

    /// Sets the value. `shape` is `None` for what no schema is known of.
    pub(super) fn apply(&self, root: &mut Node, shape: Option<Shape<'_>>) -> Result<(), Box<Diagnostic>> {
        match &self.target {
            Target::Path(steps) => self.descend(root, shape, steps),
            Target::Env(name) => self.set_env(root, shape, name),
            Target::Args => {
                let path = keys(&run_paths(root, shape, "args")[0], self.value.place);
                self.descend(root, shape, &path)
            }
            Target::Image => self.set_image(root, shape),
        }
    }

    /// A variable that is there keeps its list, so that a secret stays one; a new one goes into the first list.
    fn set_env(&self, root: &mut Node, shape: Option<Shape<'_>>, name: &Key) -> Result<(), Box<Diagnostic>> {
        let paths = run_paths(root, shape, "env");
        let is_there = |path: &&String| {
            let items = root.at(path_steps(path)).and_then(Node::as_list).unwrap_or_default();
            items.iter().any(|item| item.get("name").and_then(Node::as_str) == Some(&name.text))
        };
        let path = paths.iter().find(is_there).unwrap_or(&paths[0]).clone();
        let entry = |key: &str, value: Node| (Key::new(key, name.place), value);
        let fields = vec![
            entry("name", Node::string(name.text.clone(), name.place)),
            entry("value", self.value.clone()),
        ];
        let variable = Node::new(Value::Map(Map { entries: fields }), name.place);
        let mut steps = keys(&path, name.place);
        if root.at(path_steps(&path)).is_none_or(Node::is_null) {
            let list = Node::new(Value::List(Vec::new()), name.place);
            Override { target: Target::Args, value: list, typed: None }.descend(root, shape, &steps)?;
        }
        steps.push(name.clone());
        Override { target: Target::Args, value: variable, typed: None }.descend(root, shape, &steps)
    }

    fn set_image(&self, root: &mut Node, shape: Option<Shape<'_>>) -> Result<(), Box<Diagnostic>> {
        let path = run_paths(root, shape, "image")[0].clone();
        let target =
            shape.and_then(|shape| path_steps(&path).try_fold(shape, |shape, step| shape.property(step)));
        let place = self.value.place;
        if target.and_then(|target| target.property("repo")).is_none() {
            return self.descend(root, shape, &keys(&path, place));
        }
        let reference = self.value.as_str().unwrap_or_default();
        let (name, digest) =
            reference.split_once('@').map_or((reference, None), |(name, digest)| (name, Some(digest)));
        let tag_at = name.rfind(':').filter(|at| !name[*at..].contains('/'));
        let (repo, tag) = tag_at.map_or((name, None), |at| (&name[..at], Some(&name[at + 1..])));
        for (field, value) in [("repo", Some(repo)), ("tag", tag), ("digest", digest)] {
            let value = value.map_or(Node::new(Value::Null, place), |value| Node::string(value, place));
            let mut steps = keys(&path, place);
            steps.push(Key::new(field, place));
            Override { target: Target::Image, value, typed: None }.descend(root, shape, &steps)?;
        }
        Ok(())
    }

    fn descend(
        &self,
        node: &mut Node,
        shape: Option<Shape<'_>>,
        steps: &[Key],
    ) -> Result<(), Box<Diagnostic>> {
        let Some((step, rest)) = steps.split_first() else {
            *node = self.typed_value(shape);
            return Ok(());
        };
        if node.is_null() {
            let is_list = shape.is_some_and(|shape| {
                shape.keyword("x-keyed-by").is_some() || shape.text("type") == Some("array")
            });
            node.value = if is_list { Value::List(Vec::new()) } else { Value::Map(Map::default()) };
            node.place = step.place;
        }
        match &mut node.value {
            Value::List(items) => self.descend_list(items, shape, step, rest),
            Value::Map(map) => {
                let (name, field) = field_of(shape, &step.text);
                if map.get(&name).is_none() {
                    map.set(Key::new(name.as_str(), step.place), Node::new(Value::Null, step.place));
                }
                match map.get_mut(&name) {
                    Some(child) => self.descend(child, field, rest),
                    None => Ok(()),
                }
            }
            // A path through a scalar replaces it; the schema says what is wrong with the result.
            _ => {
                node.value = Value::Map(Map::default());
                self.descend(node, shape, steps)
            }
        }
    }

    /// The way to a list item is its number, or its name where items have one; a new name is a new item.
    fn descend_list(
        &self,
        items: &mut Vec<Node>,
        shape: Option<Shape<'_>>,
        step: &Key,
        rest: &[Key],
    ) -> Result<(), Box<Diagnostic>> {
        let item_shape = shape.and_then(Shape::items);
        let name = shape.and_then(|shape| shape.text("x-keyed-by")).unwrap_or("name");
        let by_name = items.iter().position(|item| item.get(name).and_then(Node::as_str) == Some(&step.text));
        let index = match (step.text.parse::<usize>(), by_name) {
            (Ok(number), _) if number <= items.len() => number,
            (_, Some(index)) => index,
            (Ok(number), None) => return Err(Box::new(no_item(number, items.len(), step.place))),
            (Err(_), None) if !have_names(items, item_shape, name) => {
                return Err(Box::new(nameless(items.len(), step.place)));
            }
            (Err(_), None) => items.len(),
        };
        if index == items.len() {
            items.push(Node::new(Value::Null, step.place));
        }
        let item = &mut items[index];
        let is_number = step.text.parse::<usize>().is_ok();
        let known = || Some(Node::string(step.text.clone(), step.place)).filter(|_| !is_number);
        let named = item.get(name).cloned().or_else(known);
        self.descend(item, item_shape, rest)?;
        if let Some(item_shape) = item_shape {
            super::values::wrap_shorthand(item, item_shape);
        }
        // A new value for the whole item does not take its name away.
        let nameless = item.as_map_mut().filter(|map| map.get(name).is_none());
        if let Some((map, named)) = nameless.zip(named) {
            map.entries.insert(0, (Key::new(name, step.place), named));
        }
        Ok(())
    }

    /// `--set spec.image.tag=1.10` is the string that was typed where the schema wants a string.
    fn typed_value(&self, shape: Option<Shape<'_>>) -> Node {
        let mut value = self.value.clone();
        let is_scalar = !matches!(value.value, Value::Map(_) | Value::List(_));
        if let Some(text) = self.typed.as_ref().filter(|_| is_scalar && shape.is_some_and(wants_string)) {
            value.value = Value::String(text.as_str().into());
        }
        value
    }
}

fn wants_string(shape: Shape<'_>) -> bool {
    let wrapped = shape.text("x-shorthand").and_then(|field| shape.property(field));
    wrapped.unwrap_or(shape).text("type") == Some("string")
}

/// Says whether the items of a list can be named.
fn have_names(items: &[Node], shape: Option<Shape<'_>>, name: &str) -> bool {
    match shape {
        Some(shape) => shape.properties().iter().any(|(field, _)| *field == name),
        None => items.iter().all(|item| item.as_map().is_some()),
    }
}

fn no_item(number: usize, count: usize, place: Place) -> Diagnostic {
    let items = if count == 1 { "1 item".to_owned() } else { format!("{count} items") };
    Diagnostic::unable("bad-override", format!("this list has {items}, and none with the number {number}"))
        .at(place)
        .label("no such item")
        .help(format!("numbers begin at 0; `[{count}]` adds an item"))
}

fn nameless(count: usize, place: Place) -> Diagnostic {
    Diagnostic::unable("bad-override", "the items of this list have no names")
        .at(place)
        .label("expected a number")
        .help(format!("write the item's number, beginning at `[0]`; `[{count}]` adds one"))
}

/// Finds the field that a step means, which the kind declares or Kubernetes does: its name, and its shape if known.
fn field_of<'s>(shape: Option<Shape<'s>>, written: &str) -> (String, Option<Shape<'s>>) {
    let shapes = [shape, shape.and_then(Shape::of_kubernetes)].into_iter().flatten();
    let mut declared = shapes.filter_map(|shape| {
        let properties = shape.properties();
        let own = properties.iter().find(|(name, _)| *name == written).copied();
        own.or_else(|| properties.into_iter().find(|(name, _)| is_spelt(name, written)))
    });
    match declared.next() {
        Some((name, field)) => (name.to_owned(), Some(field)),
        None => (written.to_owned(), shape.and_then(|shape| shape.property(written))),
    }
}

/// Returns where a kind keeps what `run` may change: its `x-run`, or a pod template's place for it.
fn run_paths(root: &Node, shape: Option<Shape<'_>>, role: &str) -> Vec<String> {
    let declared = shape.and_then(|shape| shape.own("x-run")).and_then(|roles| roles.get(role));
    match declared {
        Some(serde_json::Value::Array(paths)) => {
            paths.iter().filter_map(|path| path.as_str().map(str::to_owned)).collect()
        }
        Some(serde_json::Value::String(path)) => vec![path.clone()],
        _ => {
            let is_cron = root.get("kind").and_then(Node::as_str) == Some("CronJob");
            let job = if is_cron { "spec.jobTemplate." } else { "" };
            vec![format!("{job}spec.template.spec.containers.0.{role}")]
        }
    }
}

fn path_steps(path: &str) -> impl Iterator<Item = &str> {
    path.split('.')
}

fn keys(path: &str, place: Place) -> Vec<Key> {
    path_steps(path).map(|step| Key::new(step, place)).collect()
}
