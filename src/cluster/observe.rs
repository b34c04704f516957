//! Plan → Observed: what each object is in the cluster, and what it would become.

mod predict;

pub use predict::apply_call;

use std::collections::{BTreeMap, HashMap, HashSet};

use futures::StreamExt as _;

use super::Cluster;
use super::call::Call;
use super::kinds::Resource;
use super::list::PAGE;
use super::refusal::Attempt;
use super::request::Failure;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::diff::{Observed, prepare};
use crate::object::{Object, ObjectId, Plan};
use crate::yaml::{Key, Node};

/// How many requests may be under way at once.
pub const CONCURRENCY: usize = 16;

#[derive(Debug, Clone, Default)]
pub struct ObserveOptions {
    /// Run Jobs again that have had their run.
    pub rerun: bool,
    /// Ask for nothing that needs more than the right to read: predictions are computed here.
    pub read_only: bool,
    /// Take for new, with a warning, what the cluster has no namespace or no definition for.
    pub may_lack: bool,
}

/// An object, and where the API serves it.
pub struct Target {
    pub object: Object,
    pub resource: Resource,
    /// Whether its namespace or its definition comes with the same plan.
    pub is_ahead: bool,
}

/// Asks the cluster about every object of a plan: one list per kind and namespace, and a dry-run for each object
/// that is not yet as it is to be. Nothing is changed.
pub async fn observe(
    cluster: &Cluster,
    plan: Plan,
    options: &ObserveOptions,
) -> Result<Vec<Observed>, Diagnostics> {
    let mut targets = cluster.targets(plan, options.may_lack).await?;
    let mut live = cluster.live(&targets).await?;
    let missing: HashSet<String> = targets
        .iter()
        .filter(|target| target.object.id.kind == "Namespace" && !live.contains_key(&target.object.id))
        .map(|target| target.object.id.name.clone())
        .collect();
    for target in &mut targets {
        let namespace = target.object.id.namespace.as_ref();
        target.is_ahead |= namespace.is_some_and(|namespace| missing.contains(namespace));
    }
    let predictions = futures::stream::iter(targets.into_iter().enumerate())
        .map(|(index, target)| {
            let live = live.remove(&target.object.id);
            async move { (index, cluster.predict(target, live, options).await) }
        })
        // One slow answer holds up no others.
        .buffer_unordered(CONCURRENCY);
    let mut predictions: Vec<_> = predictions.collect().await;
    predictions.sort_by_key(|(index, _)| *index);
    gather(predictions.into_iter().map(|(_, prediction)| prediction).collect())
}

/// Returns all products, or all complaints, each once.
pub fn gather<T>(results: Vec<Result<T, Diagnostics>>) -> Result<Vec<T>, Diagnostics> {
    let mut products = Vec::new();
    let mut complaints: Vec<Diagnostic> = Vec::new();
    for result in results {
        match result {
            Ok(product) => products.push(product),
            Err(Diagnostics(errors)) => {
                for error in errors {
                    match complaints.iter_mut().find(|known| known.message == error.message) {
                        Some(known) => {
                            known.related.extend(error.place.map(|place| (place, "and here".to_owned())));
                        }
                        None => complaints.push(error),
                    }
                }
            }
        }
    }
    if complaints.is_empty() { Ok(products) } else { Err(Diagnostics(complaints)) }
}

impl Cluster {
    /// Finds the resource and the namespace of every object.
    pub(super) async fn targets(&self, plan: Plan, may_lack: bool) -> Result<Vec<Target>, Diagnostics> {
        let mut results = Vec::new();
        for object in &plan.objects {
            results.push(self.served_at(object, &plan, may_lack).await);
        }
        let served = gather(results)?;
        let pairs = plan.objects.into_iter().zip(served);
        let targets: Vec<Target> = pairs.map(|(object, served)| self.target(object, served)).collect();
        let mut firsts: HashMap<&ObjectId, &Object> = HashMap::new();
        let twice = targets.iter().filter_map(|Target { object, .. }| {
            let first = firsts.insert(&object.id, object)?;
            Some(made_twice(first, object))
        });
        let twice: Vec<Diagnostic> = twice.collect();
        if twice.is_empty() { Ok(targets) } else { Err(Diagnostics(twice)) }
    }

    /// Returns the objects as an apply would send them, in the plan's order.
    pub(crate) async fn prepared(&self, plan: Plan) -> Result<Vec<Object>, Diagnostics> {
        Ok(self.targets(plan, false).await?.into_iter().map(|target| target.object).collect())
    }

    /// Finds where an object is served, and says whether that is yet to come.
    async fn served_at(
        &self,
        object: &Object,
        plan: &Plan,
        may_lack: bool,
    ) -> Result<(Resource, bool), Diagnostics> {
        if let Some(resource) = self.resource(object).await? {
            return Ok((resource, false));
        }
        match defined(&object.id, plan) {
            Some(resource) => Ok((resource, true)),
            None if may_lack => Ok((self.lacking(object).await?, true)),
            None => Err(self.unserved(object).await.into()),
        }
    }

    pub(super) fn target(&self, object: Object, (resource, is_ahead): (Resource, bool)) -> Target {
        let mut object = prepare(object);
        object.id.namespace = match object.id.namespace.take() {
            namespace if resource.is_namespaced => namespace.or_else(|| Some(self.namespace.clone())),
            _ => None,
        };
        Target { object, resource, is_ahead }
    }

    /// Reads the objects as they are.
    pub(super) async fn live(&self, targets: &[Target]) -> Result<HashMap<ObjectId, Node>, Diagnostics> {
        let mut groups: BTreeMap<String, Vec<&Target>> = BTreeMap::new();
        for target in targets.iter().filter(|target| !target.is_ahead) {
            let path = target.resource.path(target.object.id.namespace.as_deref());
            groups.entry(path).or_default().push(target);
        }
        let lists = futures::stream::iter(groups)
            .map(|(path, group)| async move { self.live_group(&path, &group).await })
            .buffered(CONCURRENCY);
        let lists = gather(lists.collect().await)?;
        Ok(lists.into_iter().flatten().collect())
    }

    async fn live_group(&self, path: &str, group: &[&Target]) -> Result<Vec<(ObjectId, Node)>, Diagnostics> {
        let mut list = Call::list(path);
        if let [only] = group {
            list = list.query("fieldSelector", format!("metadata.name={}", only.object.id.name));
        }
        let wanted: HashMap<&str, &ObjectId> =
            group.iter().map(|target| (target.object.id.name.as_str(), &target.object.id)).collect();
        let mut found = Vec::new();
        // What else is there is forgotten page by page; what is wanted fits on the first, as a rule.
        let read = self.each_page(&list, group.len() + PAGE, |items| {
            found.extend(items.into_iter().filter_map(|item| {
                let id = wanted.get(item.at(["metadata", "name"])?.as_str()?)?;
                Some(((*id).clone(), self.named(item, id)))
            }));
        });
        match read.await {
            // Roles that name the objects allow to get what they do not allow to list.
            Err(failure) if failure.is_code(403) => self.live_one_by_one(group, &failure).await,
            Err(failure) if failure.is_code(404) => Err(self.unserved(&group[0].object).await.into()),
            Err(failure) => {
                let what = format!("read `{}`", group[0].object.id);
                Err(self.explain(&failure, &Attempt::with(&what, &group[0].object)))
            }
            Ok(_) => Ok(found),
        }
    }

    async fn live_one_by_one(
        &self,
        group: &[&Target],
        list_failure: &Failure,
    ) -> Result<Vec<(ObjectId, Node)>, Diagnostics> {
        let gets = futures::stream::iter(group)
            .map(|target| async move {
                let id = &target.object.id;
                match self.call_for_node(&Call::get(&target.resource.object_path(id))).await {
                    Ok(object) => Ok(Some((id.clone(), self.named(object, id)))),
                    Err(failure) if failure.is_code(404) => Ok(None),
                    Err(failure) => {
                        let what = format!("read `{id}`");
                        let failure = if failure.is_code(403) { list_failure } else { &failure };
                        Err(self.explain(failure, &Attempt::with(&what, &target.object)))
                    }
                }
            })
            .buffered(CONCURRENCY);
        Ok(gather(gets.collect().await)?.into_iter().flatten().collect())
    }

    /// Says of an object what it is; items of lists do not.
    pub(crate) fn named(&self, mut node: Node, id: &ObjectId) -> Node {
        if let Some(map) = node.as_map_mut() {
            for (field, value) in [("apiVersion", &id.api_version), ("kind", &id.kind)] {
                let key = Key::new(field, self.place);
                map.set(key, Node::string(value, self.place));
            }
        }
        node
    }
}

/// Two objects became one since only one of them names the namespace.
fn made_twice(first: &Object, second: &Object) -> Diagnostic {
    let namespace = second.id.namespace.as_deref().unwrap_or_default();
    let message = format!("{} is made twice, for objects without a namespace go to `{namespace}`", second.id);
    Diagnostic::error("duplicate-object", message)
        .at(second.origin(["metadata", "name"]))
        .label("made again here")
        .related(first.origin(["metadata", "name"]), "first made here")
        .help("remove one of the two, or name another namespace")
}

/// Returns the resource that a definition in the same plan brings.
pub(super) fn defined(id: &ObjectId, plan: &Plan) -> Option<Resource> {
    let definitions = plan.objects.iter().filter(|object| object.id.kind == "CustomResourceDefinition");
    let definition = definitions.map(|object| &object.node).find(|node| {
        let text = |path: [&str; 2]| node.at(path).and_then(Node::as_str);
        let kind = node.at(["spec", "names", "kind"]).and_then(Node::as_str);
        text(["spec", "group"]) == Some(id.group()) && kind == Some(id.kind.as_str())
    })?;
    Some(Resource {
        api_version: id.api_version.clone(),
        kind: id.kind.clone(),
        plural: definition.at(["spec", "names", "plural"])?.as_str()?.to_owned(),
        is_namespaced: definition.at(["spec", "scope"])?.as_str()? == "Namespaced",
    })
}
