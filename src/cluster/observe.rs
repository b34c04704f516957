//! Plan → Observed: what each object is in the cluster, and what it would become.

mod live;
mod predict;

pub(super) use live::{Look, named};
pub use predict::apply_call;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::StreamExt as _;

use super::Cluster;
use super::kinds::Resource;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::diff::{Conflict, Mode, Observed, Prediction, forget_owners, is_applied, prepare};
use crate::object::{Object, ObjectId, Plan};
use crate::yaml::Node;
use predict::{has_had_its_run, is_terminating, predict_alone};

/// How many requests may be under way at once.
pub const CONCURRENCY: usize = 16;

#[derive(Debug, Clone, Default)]
pub struct ObserveOptions {
    /// Run Jobs again that have had their run.
    pub rerun: bool,
    /// Take for new, with a warning, what the cluster has no namespace or no definition for.
    pub may_lack: bool,
}

/// An object, and where the API serves it.
#[derive(Clone)]
pub struct Target {
    pub object: Object,
    pub resource: Resource,
    /// Whether its namespace or its definition comes with the same plan.
    pub is_ahead: bool,
}

/// An object as it is, seen beside what it is to be.
struct Live {
    /// As the server holds it; if it stays the same, without who set its fields.
    node: Node,
    /// Whether an apply would change nothing, so that the server need not be asked about it.
    is_same: bool,
}

impl Live {
    fn look(object: &Object, mut node: Node, options: &ObserveOptions) -> Live {
        let is_to_go = is_terminating(&node) || has_had_its_run(object, &node, options);
        let is_same = !is_to_go && is_applied(&object.node, &node);
        if is_same {
            // Most of what the server tells, and nobody asks any more.
            forget_owners(&mut node);
        }
        Live { node, is_same }
    }
}

/// An object as it is to be, and as it is if it is there.
type Sides = (Target, Option<Live>);
/// What would become of an object, and which of its fields others own.
type Predicted = (Prediction, Vec<Conflict>);

/// Asks the cluster about every object of a plan: one list per kind and namespace, and a dry-run for each object
/// that is not yet as it is to be. Nothing is changed.
pub async fn observe(
    cluster: &Cluster,
    plan: Plan,
    options: &ObserveOptions,
) -> Result<Vec<Observed>, Diagnostics> {
    let sides = cluster.sides(plan, options).await?;
    let predicted = cluster.predict_all(&sides, options).await?;
    Ok(observed(sides, predicted))
}

/// The same for who only wants to know. Without the right to a dry-run, or if none is wanted, the cluster is only
/// read, and what would become of it is computed here.
pub async fn foresee(
    cluster: &Cluster,
    plan: Plan,
    is_read_only: bool,
) -> Result<(Vec<Observed>, Mode), Diagnostics> {
    let options = ObserveOptions { may_lack: true, ..ObserveOptions::default() };
    let sides = cluster.sides(plan, &options).await?;
    if !is_read_only {
        match cluster.predict_all(&sides, &options).await {
            Ok(predicted) => return Ok((observed(sides, predicted), Mode::Server)),
            Err(errors) if errors.0.iter().all(|error| error.code == "forbidden") => {}
            Err(errors) => return Err(errors),
        }
    }
    let predicted = sides.iter().map(|sides| predict_alone(sides, &options)).collect();
    Ok((observed(sides, predicted), Mode::ReadOnly))
}

fn observed(sides: Vec<Sides>, predicted: Vec<Predicted>) -> Vec<Observed> {
    let objects = sides.into_iter().zip(predicted).map(|((target, live), (prediction, conflicts))| {
        Observed { desired: target.object, live: live.map(|live| live.node), prediction, conflicts }
    });
    objects.collect()
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
    /// Reads what is there of every object of a plan.
    async fn sides(&self, plan: Plan, options: &ObserveOptions) -> Result<Vec<Sides>, Diagnostics> {
        let targets = Arc::new(self.targets(plan, options.may_lack).await?);
        let looking = options.clone();
        let look: Look<Live> =
            Arc::new(move |target: &Target, node| Live::look(&target.object, node, &looking));
        let live = self.live(&targets, &look).await?;
        let targets = Arc::unwrap_or_clone(targets);
        let mut sides: Vec<Sides> = targets.into_iter().zip(live).collect();
        let is_missing = |(target, live): &&Sides| target.object.id.kind == "Namespace" && live.is_none();
        let missing: HashSet<String> =
            sides.iter().filter(is_missing).map(|(target, _)| target.object.id.name.clone()).collect();
        for (target, _) in &mut sides {
            let namespace = target.object.id.namespace.as_ref();
            target.is_ahead |= namespace.is_some_and(|namespace| missing.contains(namespace));
        }
        Ok(sides)
    }

    /// Asks the server what would become of all objects.
    async fn predict_all(
        &self,
        sides: &[Sides],
        options: &ObserveOptions,
    ) -> Result<Vec<Predicted>, Diagnostics> {
        let predicted = futures::stream::iter(sides.iter().enumerate())
            .map(|(index, sides)| async move { (index, self.predict(sides, options).await) })
            // One slow answer holds up no others.
            .buffer_unordered(CONCURRENCY);
        let mut predicted: Vec<_> = predicted.collect().await;
        predicted.sort_by_key(|(index, _)| *index);
        gather(predicted.into_iter().map(|(_, predicted)| predicted).collect())
    }

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
            namespace if resource.is_namespaced => namespace.or_else(|| Some(self.namespace().to_owned())),
            _ => None,
        };
        Target { object, resource, is_ahead }
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
    let definition = definitions.map(|object| &object.node).find(|node| is_defined_by(id, node))?;
    Some(Resource {
        api_version: id.api_version.as_str().into(),
        kind: id.kind.as_str().into(),
        plural: definition.at(["spec", "names", "plural"])?.as_str()?.into(),
        is_namespaced: definition.at(["spec", "scope"])?.as_str()? == "Namespaced",
    })
}

pub(super) fn is_defined_by(id: &ObjectId, definition: &Node) -> bool {
    let group = definition.at(["spec", "group"]).and_then(Node::as_str);
    let kind = definition.at(["spec", "names", "kind"]).and_then(Node::as_str);
    group == Some(id.group()) && kind == Some(id.kind.as_str())
}
