//! `x-each`: a manifest whose list says what to make → a manifest for each item of it.

use super::{Candidate, Manifest};
use crate::catalog::Kind;
use crate::catalog::shape::Shape;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::yaml::Node;

/// Which items of such lists are meant.
#[derive(Debug, Clone, Copy, Default)]
pub enum Tasks<'a> {
    #[default]
    All,
    /// Those of this name or action: `--task`.
    Named(&'a str),
    /// The one that `run` dispatches: the named one, or else the kind's own choice.
    ToRun(Option<&'a str>),
}

/// What a kind's `x-each` says.
pub(super) struct Each<'s> {
    /// The way to the list.
    pub list: Vec<&'s str>,
    /// What templates call an item.
    variable: &'s str,
    /// The fields that an item is picked by, the strongest first.
    by: Vec<&'s str>,
    /// The item that `run` dispatches.
    to_run: Option<&'s str>,
}

impl<'s> Each<'s> {
    pub fn of(shape: Shape<'s>) -> Option<Each<'s>> {
        let each = shape.own("x-each")?;
        let by = each["by"].as_array().into_iter().flatten().filter_map(|field| field.as_str());
        Some(Each {
            list: each["list"].as_str()?.split('.').collect(),
            variable: each["as"].as_str()?,
            by: by.collect(),
            to_run: shape.own("x-run").and_then(|run| run["task"].as_str()),
        })
    }

    fn items<'n>(&self, node: &'n Node) -> &'n [Node] {
        node.at(self.list.iter().copied()).and_then(Node::as_list).unwrap_or_default()
    }

    /// What an item is called.
    fn name<'n>(&self, item: &'n Node) -> Option<&'n str> {
        self.by.iter().find_map(|field| item.get(field)?.as_str())
    }

    fn is_called(&self, item: &Node, name: &str) -> bool {
        self.by.iter().any(|field| item.get(field).and_then(Node::as_str) == Some(name))
    }
}

/// Leaves only the items that are meant. To override or to run one, there must be one.
pub(super) fn pick(candidates: &mut [Candidate], tasks: Tasks<'_>) -> Result<(), Box<Diagnostic>> {
    let (wanted, is_running) = match tasks {
        Tasks::All => return Ok(()),
        Tasks::Named(name) => (Some(name), false),
        Tasks::ToRun(name) => (name, true),
    };
    let mut missed = Vec::new();
    let mut found = 0;
    for candidate in candidates.iter_mut() {
        let Some(kind) = candidate.kind.clone() else { continue };
        let Some(each) = Each::of(kind.shape()) else { continue };
        let Some(wanted) = wanted.or(each.to_run.filter(|_| is_running)) else { continue };
        let items = each.items(&candidate.node);
        let chosen = items.iter().filter(|item| each.is_called(item, wanted)).count();
        found += chosen;
        let names: Vec<String> = items.iter().filter_map(|item| each.name(item)).map(str::to_owned).collect();
        let place =
            candidate.node.at(each.list.iter().copied()).map_or(candidate.node.place, |list| list.place);
        if is_running && chosen > 1 {
            return Err(Box::new(several(&each, items, wanted).at(place)));
        }
        missed.push((place, names, wanted.to_owned(), each.variable.to_owned()));
        retain(&mut candidate.node, &each, wanted);
    }
    match missed.first() {
        Some((place, names, wanted, variable)) if found == 0 => {
            let message = match is_running && tasks_name(tasks).is_none() {
                true => format!("`run` dispatches a {variable} `{wanted}`, and there is none"),
                false => format!("there is no {variable} `{wanted}`"),
            };
            let finding = Diagnostic::unable("unknown-task", message).at(*place);
            Err(Box::new(match did_you_mean(wanted, names.iter().map(String::as_str)) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help(format!("there is {}; pick one with `--task`", names.join(", "))),
            }))
        }
        None if tasks_name(tasks).is_some() => {
            let message = format!(
                "`--task {}` picks among tasks, and what was read has none",
                wanted.unwrap_or_default()
            );
            Err(Box::new(Diagnostic::unable("unknown-task", message).help("leave `--task` out")))
        }
        _ => Ok(()),
    }
}

fn tasks_name(tasks: Tasks<'_>) -> Option<&str> {
    match tasks {
        Tasks::Named(name) | Tasks::ToRun(Some(name)) => Some(name),
        Tasks::All | Tasks::ToRun(None) => None,
    }
}

fn several(each: &Each<'_>, items: &[Node], wanted: &str) -> Diagnostic {
    let chosen = items.iter().filter(|item| each.is_called(item, wanted));
    let names: Vec<&str> = chosen.filter_map(|item| each.name(item)).collect();
    let message = format!("`run` dispatches one {}, and several are called `{wanted}`", each.variable);
    Diagnostic::unable("several-tasks", message).help(format!("pick one with `--task`: {}", names.join(", ")))
}

fn retain(node: &mut Node, each: &Each<'_>, wanted: &str) {
    let list = each.list.iter().try_fold(node, |node, step| node.as_map_mut()?.get_mut(step));
    if let Some(items) = list.and_then(Node::as_list_mut) {
        // A name is nobody else's; an action may be that of several.
        let is_named =
            |item: &Node| each.by.first().and_then(|field| item.get(field)?.as_str()) == Some(wanted);
        let has_named = items.iter().any(is_named);
        items.retain(|item| if has_named { is_named(item) } else { each.is_called(item, wanted) });
    }
}

/// Says how many manifests a manifest becomes: `None` for a kind without `x-each`, which stays one.
pub(super) fn count(node: &Node, kind: &Kind) -> Option<usize> {
    Some(Each::of(kind.shape())?.items(node).len())
}

impl Manifest {
    /// Returns the item of the list that this manifest is for, and what templates call it.
    pub fn item(&self) -> Option<(&str, &Node)> {
        let each = Each::of(self.kind.as_ref()?.shape())?;
        Some((each.variable, each.items(&self.node).get(self.index?)?))
    }
}
