//! What the server refuses of an object though its schema does not say so: a table of small functions.
//!
//! A rule looks at nodes and costs nothing while all is well: a path is only spelled out for a finding.

mod affinity;
mod autoscale;
mod classes;
mod config;
mod container;
mod definition;
mod endpoints;
mod failure;
mod host;
mod job;
mod name;
mod network;
mod pod;
mod resources;
mod selector;
mod spread;
mod storage;
mod volume;
mod webhook;
mod workload;

use crate::diagnostic::Diagnostic;
use crate::source::{Place, Sources};
use crate::yaml::{Key, Node, Value};

type Rule = fn(&Node, &mut Findings<'_>);

/// Group, kind, and what is asked of it.
const RULES: &[(&str, &str, Rule)] = &[
    ("", "Pod", pod::pod),
    ("batch", "Job", job::job),
    ("batch", "CronJob", job::cron_job),
    ("apps", "Deployment", workload::deployment),
    ("apps", "ReplicaSet", workload::replica_set),
    ("apps", "StatefulSet", workload::stateful_set),
    ("apps", "DaemonSet", workload::daemon_set),
    ("", "Service", network::service),
    ("networking.k8s.io", "Ingress", network::ingress),
    ("networking.k8s.io", "NetworkPolicy", network::policy),
    ("", "ConfigMap", config::config_map),
    ("", "Secret", config::secret),
    ("", "PersistentVolumeClaim", storage::claim),
    ("", "PersistentVolume", storage::persistent_volume),
    ("storage.k8s.io", "StorageClass", storage::storage_class),
    ("", "PodTemplate", workload::pod_template),
    ("", "ReplicationController", workload::replication_controller),
    ("", "Endpoints", endpoints::endpoints),
    ("discovery.k8s.io", "EndpointSlice", endpoints::slice),
    ("coordination.k8s.io", "Lease", classes::lease),
    ("scheduling.k8s.io", "PriorityClass", classes::priority),
    ("node.k8s.io", "RuntimeClass", classes::runtime),
    ("networking.k8s.io", "IngressClass", classes::ingress),
    ("apiregistration.k8s.io", "APIService", classes::api_service),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", webhook::configuration),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", webhook::configuration),
    ("apiextensions.k8s.io", "CustomResourceDefinition", definition::definition),
    ("", "LimitRange", resources::limit_range),
    ("", "ResourceQuota", resources::quota),
    ("autoscaling", "HorizontalPodAutoscaler", autoscale::autoscaler),
    ("policy", "PodDisruptionBudget", autoscale::disruption_budget),
    ("rbac.authorization.k8s.io", "Role", config::role),
    ("rbac.authorization.k8s.io", "ClusterRole", config::role),
    ("rbac.authorization.k8s.io", "RoleBinding", config::role_binding),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", config::role_binding),
];

/// Checks an object, and adds to what its schema has found.
pub(super) fn check(
    object: &Node,
    api_version: &str,
    kind: &str,
    told: &mut Vec<Diagnostic>,
    sources: &Sources,
) {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let wrong = told.iter().filter_map(|finding| finding.place).collect();
    let mut findings = Findings { object, sources, wrong, found: Vec::new(), doubtful: None };
    name::metadata(object, group, kind, &mut findings);
    for (_, _, rule) in RULES.iter().filter(|(g, k, _)| *g == group && *k == kind) {
        rule(object, &mut findings);
    }
    told.extend(findings.found);
}

/// What was found in one object so far.
struct Findings<'a> {
    object: &'a Node,
    sources: &'a Sources,
    /// Where its schema has refused the object.
    wrong: Vec<Place>,
    found: Vec<Diagnostic>,
    /// What is said about a part that may be meant otherwise, and so is not told.
    doubtful: Option<Diagnostic>,
}

impl Findings<'_> {
    /// Reports a node that breaks a rule; the words follow its path.
    fn broken(&mut self, node: &Node, words: impl AsRef<str>, help: impl Into<String>) -> &mut Diagnostic {
        self.report("broken-rule", node, words.as_ref(), help.into())
    }

    /// Reports a node that says again what another one says already.
    fn duplicate(&mut self, node: &Node, first: &Node) {
        let text = node.as_str().map_or_else(|| node.to_json().to_string(), str::to_owned);
        let words = format!("repeats `{text}`, which must be unique");
        let place = self.place(first);
        let finding =
            self.report("duplicate-name", node, &words, "give each its own, or remove one".to_owned());
        finding.related.push((place, format!("`{text}` is here first")));
    }

    /// Reports a field that is not there; the words say why it must be.
    fn missing(&mut self, parent: &Node, field: &str, words: impl AsRef<str>, help: impl Into<String>) {
        if self.is_doubtful(parent) {
            return;
        }
        let (path, place) = self.spot(parent);
        let words = words.as_ref();
        let message = if path.is_empty() {
            format!("missing field `{field}`: {words}")
        } else {
            format!("missing field `{field}` in `{path}`: {words}")
        };
        let finding = Diagnostic::error("missing-field", message)
            .at(place)
            .label(format!("lacks `{field}`"))
            .help(help.into());
        self.found.push(finding);
    }

    fn report(&mut self, code: &'static str, node: &Node, words: &str, help: String) -> &mut Diagnostic {
        let (path, place) = self.spot(node);
        let finding = Diagnostic::error(code, format!("`{path}` {words}")).at(place).help(help);
        if self.is_doubtful(node) {
            return self.doubtful.insert(finding);
        }
        self.found.push(finding);
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    fn place(&self, node: &Node) -> Place {
        self.spot(node).1
    }

    /// Says whether what a node lacks, or has too much of, may only be misspelt: its schema has refused it, one of
    /// its own fields, or something in its list.
    fn is_doubtful(&self, node: &Node) -> bool {
        let meets = |place: Place| self.wrong.iter().any(|wrong| wrong.overlaps(place));
        match &node.value {
            _ if self.wrong.is_empty() => false,
            Value::Map(map) => map.entries.iter().any(|(key, value)| {
                let is_scalar = !matches!(value.value, Value::Map(_) | Value::List(_));
                meets(key.place) || is_scalar && meets(value.place)
            }),
            _ => meets(node.place),
        }
    }

    /// Spells the path of a node, and says where to point: a value of many lines is shown by its first line.
    fn spot(&self, node: &Node) -> (String, Place) {
        let mut path = Vec::new();
        find(self.object, node, &mut path);
        let place = match (path.last(), &node.value) {
            (_, Value::Map(_) | Value::List(_)) if !self.sources.text(node.place).contains('\n') => {
                node.place
            }
            (Some(Step::Key(key)), Value::Map(_) | Value::List(_)) => key.place,
            (_, Value::Map(map)) => map.entries.first().map_or(node.place, |(key, _)| key.place),
            (_, Value::List(items)) => items.first().map_or(node.place, |item| item.place),
            _ => node.place,
        };
        let text = path.iter().fold(String::new(), |mut text, step| {
            match step {
                Step::Index(index) => text.push_str(&format!("[{index}]")),
                Step::Key(key) if key.text.is_empty() || key.text.contains(['.', '/', '[', ' ']) => {
                    text.push_str(&format!("[\"{}\"]", key.text));
                }
                Step::Key(key) => {
                    text.push_str(if text.is_empty() { "" } else { "." });
                    text.push_str(&key.text);
                }
            }
            text
        });
        (text, place)
    }
}

enum Step<'a> {
    Key(&'a Key),
    Index(usize),
}

/// Finds the way from a tree's root to one very node of it.
fn find<'a>(root: &'a Node, wanted: &Node, path: &mut Vec<Step<'a>>) -> bool {
    if std::ptr::eq(root, wanted) {
        return true;
    }
    let mut enter = |step: Step<'a>, child: &'a Node| {
        path.push(step);
        let is_found = find(child, wanted, path);
        if !is_found {
            path.pop();
        }
        is_found
    };
    match &root.value {
        Value::Map(map) => map.entries.iter().any(|(key, child)| enter(Step::Key(key), child)),
        Value::List(items) => items.iter().enumerate().any(|(index, child)| enter(Step::Index(index), child)),
        _ => false,
    }
}

/// Returns a field; null counts as absent.
fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    node.get(name).filter(|node| !node.is_null())
}

/// Follows fields.
fn fields<'n>(node: &'n Node, names: &[&str]) -> Option<&'n Node> {
    names.iter().try_fold(node, |node, name| field(node, name))
}

/// Returns the items of a list; none if it is not there.
fn items<'n>(node: &'n Node, name: &str) -> &'n [Node] {
    field(node, name).and_then(Node::as_list).unwrap_or_default()
}

/// Returns the fields of a map that are given; none if it is not there.
fn entries(node: Option<&Node>) -> impl Iterator<Item = (&Key, &Node)> {
    let entries = node.and_then(Node::as_map).map_or(&[][..], |map| &map.entries);
    entries.iter().filter(|(_, node)| !node.is_null()).map(|(key, node)| (key, node))
}

/// Returns a text; empty if it is not there, which is the same to the server.
fn text<'n>(node: &'n Node, name: &str) -> &'n str {
    node.get(name).and_then(Node::as_str).unwrap_or_default()
}

fn number(node: &Node, name: &str) -> Option<i64> {
    node.get(name)?.as_i64()
}

fn is_true(node: &Node, name: &str) -> bool {
    node.get(name).and_then(Node::as_bool) == Some(true)
}

/// Returns the earlier node that is the same as one of a sequence. Sequences are short, so looking is cheaper than
/// remembering.
fn earlier<'n>(mut before: impl Iterator<Item = &'n Node>, name: &str, node: &Node) -> Option<&'n Node> {
    before.find_map(|other| field(other, name).filter(|other| other.value == node.value))
}

/// Reports items of a list whose field of this name is as in an earlier one.
fn unique(list: &[Node], name: &str, findings: &mut Findings<'_>) {
    for (index, item) in list.iter().enumerate() {
        let Some(node) = field(item, name).filter(|node| node.as_str() != Some("")) else { continue };
        if let Some(first) = earlier(list[..index].iter(), name, node) {
            findings.duplicate(node, first);
        }
    }
}

/// Reports items of a list that are as an earlier one.
fn distinct(list: &[Node], findings: &mut Findings<'_>) {
    for (index, item) in list.iter().enumerate() {
        if let Some(first) = list[..index].iter().find(|other| other.value == item.value) {
            findings.duplicate(item, first);
        }
    }
}

/// Reports a text that is not of a format of the schemas.
fn formatted(node: Option<&Node>, format: &str, findings: &mut Findings<'_>) {
    let Some((node, text)) = node.and_then(|node| Some((node, node.as_str()?))) else { return };
    if let Some(Err(why)) = crate::schema::format::check(format, text) {
        let noun = crate::schema::format::noun(format).unwrap_or("of its format");
        findings.broken(node, format!("must be {noun}"), why);
    }
}

/// Reports a number beyond its bounds.
fn bounded(node: Option<&Node>, from: i64, to: i64, findings: &mut Findings<'_>) {
    let Some((node, number)) = node.and_then(|node| Some((node, node.as_i64()?))) else { return };
    if number < from || number > to {
        let words = if to == i64::MAX {
            format!("must be {from} or more, not {number}")
        } else {
            format!("must be from {from} to {to}, not {number}")
        };
        findings.broken(node, words, "write a number within these bounds");
    }
}

#[cfg(test)]
mod tests;
