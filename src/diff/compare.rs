//! Two trees → the fields in which they differ, each with its cause.

use super::owned::{self, Item, Step};
use super::{Cause, FieldChange, Pointers, quantity};
use crate::source::{Place, Sources};
use crate::yaml::{Key, Map, Node, Value};

/// The cleaned trees of one object, before and after; `desired` says where a value was written.
#[derive(Clone, Copy)]
pub struct Trees<'a> {
    pub before: Option<&'a Node>,
    pub after: Option<&'a Node>,
    pub desired: Option<&'a Node>,
}

/// The uncleaned objects: their managedFields name the owner of each field.
#[derive(Clone, Copy)]
pub struct Owners<'a> {
    pub live: Option<&'a Node>,
    pub predicted: Option<&'a Node>,
}

pub struct Comparison {
    pub fields: Vec<FieldChange>,
    /// The tree before, with the changes that are yours.
    pub yours: Option<Node>,
}

pub fn compare(trees: Trees, owners: Owners, sources: &Sources) -> Comparison {
    compare_with(trees, owners, &|place| Cause::of(place, sources))
}

/// Returns the fields in which two cleaned trees differ; of what is new, the uppermost.
pub fn differing_fields(trees: Trees, owners: Owners) -> Vec<FieldChange> {
    let mut walk = Walk { is_whole: true, ..Walk::new(owners, &|_| Cause::You) };
    walk.node(trees, None);
    walk.fields
}

pub fn compare_with(trees: Trees, owners: Owners, cause_of: &dyn Fn(Place) -> Cause) -> Comparison {
    let mut walk = Walk::new(owners, cause_of);
    let nearest = trees.desired.map(|node| node.place);
    let yours = walk.node(trees, nearest);
    Comparison { fields: walk.fields, yours }
}

struct Walk<'a> {
    owners: Owners<'a>,
    cause_of: &'a dyn Fn(Place) -> Cause,
    /// Whether what is new is one change, rather than one for each field in it.
    is_whole: bool,
    steps: Vec<Step<'a>>,
    /// How many of the list items around are not among the desired ones.
    strangers: usize,
    fields: Vec<FieldChange>,
}

impl<'a> Walk<'a> {
    fn new(owners: Owners<'a>, cause_of: &'a dyn Fn(Place) -> Cause) -> Walk<'a> {
        Walk { owners, cause_of, is_whole: false, steps: Vec::new(), strangers: 0, fields: Vec::new() }
    }

    /// Records the differences below a node, and returns what it is once only your changes are made.
    fn node(&mut self, trees: Trees<'a>, nearest: Option<Place>) -> Option<Node> {
        let Trees { before, after, desired } = trees;
        if before == after || same_value(before, after) {
            return before.cloned();
        }
        let nearest = desired.map(|node| node.place).or(nearest);
        // Only what is there before and after, or is new, is worth taking apart; what goes, goes whole.
        if let Some(after) = after.filter(|_| before.is_some() || !self.is_whole) {
            match (before.map(|node| &node.value), &after.value) {
                (None | Some(Value::Map(_)), Value::Map(map)) if before.is_some() || !map.is_empty() => {
                    return self.map(before, after, desired, nearest);
                }
                (None | Some(Value::List(_)), Value::List(items)) => {
                    let old = before.and_then(Node::as_list).unwrap_or_default();
                    if let Some(keys) = list_keys(old, items) {
                        return self.list(before, after, desired, nearest, keys);
                    }
                }
                _ => {}
            }
        }
        self.change(trees, nearest)
    }

    fn map(
        &mut self,
        before: Option<&'a Node>,
        after: &'a Node,
        desired: Option<&'a Node>,
        nearest: Option<Place>,
    ) -> Option<Node> {
        let old = before.and_then(Node::as_map);
        let old_entries = old.map(|map| map.entries.as_slice()).unwrap_or_default();
        let is_added = |key: &Key| old.is_none_or(|old| old.get(&key.text).is_none());
        let new = after.as_map().map(|map| map.entries.as_slice()).unwrap_or_default();
        let added = new.iter().map(|(key, _)| key).filter(|key| is_added(key));
        let mut yours = Map::default();
        for key in old_entries.iter().map(|(key, _)| key).chain(added) {
            let name = key.text.as_str();
            self.steps.push(Step::Key(name));
            let wanted = desired.and_then(|node| node.get(name));
            let before = old.and_then(|old| old.get(name));
            let trees = Trees { before, after: after.get(name), desired: wanted };
            if let Some(node) = self.node(trees, nearest) {
                yours.entries.push((key.clone(), node));
            }
            self.steps.pop();
        }
        let is_new = before.is_none() && yours.is_empty();
        (!is_new).then(|| Node::new(Value::Map(yours), before.unwrap_or(after).place))
    }

    fn list(
        &mut self,
        before: Option<&'a Node>,
        after: &'a Node,
        desired: Option<&'a Node>,
        nearest: Option<Place>,
        keys: &[&str],
    ) -> Option<Node> {
        let old = before.and_then(Node::as_list).unwrap_or_default();
        let new = after.as_list().unwrap_or_default();
        let wanted = desired.and_then(Node::as_list).unwrap_or_default();
        let find = |items: &[Node], item: &Node| items.iter().position(|other| same_key(other, item, keys));
        let mut yours = Vec::new();
        for (index, item) in new.iter().enumerate() {
            let before = find(old, item);
            self.steps.push(Step::Item(Item {
                node: item,
                before,
                yours: Some(yours.len()),
                after: Some(index),
            }));
            let desired = find(wanted, item).map(|i| &wanted[i]);
            let trees = Trees { before: before.map(|i| &old[i]), after: Some(item), desired };
            self.strangers += usize::from(desired.is_none());
            yours.extend(self.node(trees, nearest));
            self.strangers -= usize::from(desired.is_none());
            self.steps.pop();
        }
        for (index, item) in old.iter().enumerate().filter(|(_, item)| find(new, item).is_none()) {
            self.steps.push(Step::Item(Item { node: item, before: Some(index), yours: None, after: None }));
            let trees = Trees { before: Some(item), after: None, desired: None };
            yours.extend(self.node(trees, nearest));
            self.steps.pop();
        }
        let kept: Vec<&Node> = old.iter().filter(|item| find(new, item).is_some()).collect();
        let moved: Vec<&Node> = new.iter().filter(|item| find(old, item).is_some()).collect();
        if kept.iter().zip(&moved).any(|(a, b)| !same_key(a, b, keys)) {
            // The items are the same in another order: each alone is unchanged, but the list is not.
            self.change(Trees { before, after: Some(after), desired }, nearest);
        }
        let is_new = before.is_none() && yours.is_empty();
        (!is_new).then(|| Node::new(Value::List(yours), before.unwrap_or(after).place))
    }

    fn change(&mut self, trees: Trees<'a>, nearest: Option<Place>) -> Option<Node> {
        let Trees { before, after, desired } = trees;
        let cause = self.cause(trees);
        let yours = if cause.is_yours() { after.cloned() } else { before.cloned() };
        let owner = self.owners.live.and_then(|live| owned::owner(live, &self.steps));
        let pointers = Pointers {
            before: before.and_then(|_| self.pointer(|item| item.before)),
            after: yours.as_ref().and_then(|_| self.pointer(|item| item.yours)),
            predicted: after.and_then(|_| self.pointer(|item| item.after)),
        };
        self.fields.push(FieldChange {
            path: path(&self.steps),
            pointers,
            before: before.cloned(),
            after: after.cloned(),
            owner: owner.filter(|owner| owner.name != owned::FIELD_MANAGER).map(|owner| owner.name),
            place: desired.map(|node| node.place).or_else(|| nearest.filter(|_| cause.is_yours())),
            cause,
        });
        yours
    }

    fn pointer(&self, index: fn(&Item<'_>) -> Option<usize>) -> Option<String> {
        let mut pointer = String::new();
        for step in &self.steps {
            pointer.push('/');
            match step {
                Step::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Step::Item(item) => pointer.push_str(&index(item)?.to_string()),
            }
        }
        Some(pointer)
    }

    /// Defaults fill in what a structure leaves out; they add neither items nor labels.
    fn is_injected(&self) -> bool {
        let keys: Vec<&str> = self
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Key(key) => Some(*key),
                Step::Item(_) => None,
            })
            .collect();
        let is_mark = keys.windows(2).any(|pair| matches!(pair, ["metadata", "labels" | "annotations"]));
        // A list that is kept whole, and that nothing but admission fills.
        let is_tolerations = keys.last() == Some(&"tolerations");
        self.strangers > 0 || is_mark || is_tolerations
    }

    fn cause(&self, trees: Trees) -> Cause {
        if self.owners.live.is_none() && self.owners.predicted.is_none() {
            // Both were written, so both know where.
            let written = trees.desired.or(trees.after).or(trees.before);
            return written.map_or(Cause::You, |node| (self.cause_of)(node.place));
        }
        let by_owner = |object: Option<&Node>| match object.and_then(|o| owned::owner(o, &self.steps)) {
            Some(owner) if owner.is_adopted => Cause::You,
            Some(owner) if owner.name == owned::FIELD_MANAGER && owner.is_apply => Cause::You,
            Some(owner) if owner.name == owned::FIELD_MANAGER => Cause::Admission,
            Some(owner) => Cause::Manager(owner.name),
            None if self.is_injected() => Cause::Admission,
            None => Cause::ServerDefault,
        };
        match (trees.after, trees.desired) {
            (Some(after), Some(desired)) if is_other_scalar(after, desired) => Cause::Admission,
            (Some(_), Some(desired)) => (self.cause_of)(desired.place),
            (Some(_), None) => by_owner(self.owners.predicted),
            (None, _) => by_owner(self.owners.live),
        }
    }
}

fn same_value(before: Option<&Node>, after: Option<&Node>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => is_equal(before, after),
        _ => false,
    }
}

/// Equality of values, wherever they were written.
pub fn is_equal(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_equal(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.entries.len() == b.entries.len()
                && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| is_equal(a, b)))
        }
        (a, b) => a == b,
    }
}

fn is_other_scalar(after: &Node, desired: &Node) -> bool {
    let is_tree = |node: &Node| matches!(node.value, Value::List(_) | Value::Map(_));
    !is_tree(after) && !is_tree(desired) && after.value != desired.value && !quantity::is_same(after, desired)
}

/// The fields that tell the items of a Kubernetes list apart, most telling first.
const LIST_KEYS: &[&[&str]] = &[
    &["name"],
    &["mountPath"],
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["devicePath"],
    &["ip"],
    &["topologyKey", "whenUnsatisfiable"],
    &["uid"],
];

/// Returns the keys by which two lists can be matched; `None` if they are compared as a whole.
pub fn list_keys(before: &[Node], after: &[Node]) -> Option<&'static [&'static str]> {
    let is_key = |keys: &[&str], items: &[Node]| {
        let has_key = |item: &Node| item.get(keys[0]).is_some();
        let is_unique = |i: usize| !items[..i].iter().any(|other| same_key(other, &items[i], keys));
        items.iter().all(has_key) && (0..items.len()).all(is_unique)
    };
    if before.is_empty() && after.is_empty() {
        return None;
    }
    LIST_KEYS.iter().copied().find(|keys| is_key(keys, before) && is_key(keys, after))
}

pub fn same_key(a: &Node, b: &Node, keys: &[&str]) -> bool {
    keys.iter().all(|key| match (a.get(key), b.get(key)) {
        (Some(a), Some(b)) => a.value == b.value,
        // The server fills in what a manifest leaves out of a key.
        (None, None) => true,
        (Some(one), None) | (None, Some(one)) => *key == "protocol" && one.as_str() == Some("TCP"),
    })
}

fn path(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Item(item) => {
                let index = item.after.or(item.before).unwrap_or_default();
                path.push_str(&format!("[{index}]"));
            }
            Step::Key(key) if key.contains(['.', '/', '[']) => path.push_str(&format!("[\"{key}\"]")),
            Step::Key(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
            }
        }
    }
    path
}
