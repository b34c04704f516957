//! Plan → Observed: what each object is in the cluster, and what it would become.

use std::collections::{BTreeMap, HashMap, HashSet};

use base64::Engine as _;
use futures::StreamExt as _;
use serde_json::Value as Json;

use super::kinds::Resource;
use super::refusal::{Attempt, conflicts};
use super::request::{Call, Failure};
use super::{Cluster, fresh_suffix};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::diff::{
    Conflict, FIELD_MANAGER, Observed, Prediction, changed_immutable_fields, foreign_changes, is_applied,
    is_immutable_field, is_same_but_for_times, merge,
};
use crate::object::{Object, ObjectId, Plan};
use crate::yaml::{Key, Map, Node, Value};

/// How many requests may be under way at once.
pub const CONCURRENCY: usize = 16;

#[derive(Debug, Clone, Default)]
pub struct ObserveOptions {
    /// Run Jobs again that have had their run.
    pub rerun: bool,
    /// Ask for nothing that needs more than the right to read: predictions are computed here.
    pub read_only: bool,
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
    plan: &Plan,
    options: &ObserveOptions,
) -> Result<Vec<Observed>, Diagnostics> {
    let mut targets = cluster.targets(plan).await?;
    let live = cluster.live(&targets).await?;
    let missing: HashSet<String> = targets
        .iter()
        .filter(|target| target.object.id.kind == "Namespace" && !live.contains_key(&target.object.id))
        .map(|target| target.object.id.name.clone())
        .collect();
    for target in &mut targets {
        let namespace = target.object.id.namespace.as_ref();
        target.is_ahead |= namespace.is_some_and(|namespace| missing.contains(namespace));
    }
    let predictions = futures::stream::iter(targets)
        .map(|target| {
            let live = live.get(&target.object.id).cloned();
            async move { cluster.predict(target, live, options).await }
        })
        .buffered(CONCURRENCY);
    gather(predictions.collect().await)
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
    pub(crate) async fn targets(&self, plan: &Plan) -> Result<Vec<Target>, Diagnostics> {
        let mut results = Vec::new();
        for object in &plan.objects {
            results.push(self.target(object, plan).await);
        }
        gather(results)
    }

    /// Returns the objects as an apply would send them, in the plan's order.
    pub(crate) async fn prepared(&self, plan: &Plan) -> Result<Vec<Object>, Diagnostics> {
        Ok(self.targets(plan).await?.into_iter().map(|target| target.object).collect())
    }

    async fn target(&self, object: &Object, plan: &Plan) -> Result<Target, Diagnostics> {
        let served = self.resource(object).await?;
        let is_ahead = served.is_none();
        let Some(resource) = served.or_else(|| defined(&object.id, plan)) else {
            return Err(self.unserved(object).await.into());
        };
        let mut object = prepare(object);
        object.id.namespace = match object.id.namespace.take() {
            namespace if resource.is_namespaced => namespace.or_else(|| Some(self.namespace.clone())),
            _ => None,
        };
        Ok(Target { object, resource, is_ahead })
    }

    /// Reads the objects as they are.
    async fn live(&self, targets: &[Target]) -> Result<HashMap<ObjectId, Node>, Diagnostics> {
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
        let selector = match group {
            [only] => Some(format!("metadata.name={}", only.object.id.name)),
            _ => None,
        };
        let items = match self.list(path, selector.as_deref(), None).await {
            // Roles that name the objects allow to get what they do not allow to list.
            Err(failure) if failure.is_code(403) => return self.live_one_by_one(group, &failure).await,
            Err(failure) if failure.is_code(404) => return Err(self.unserved(&group[0].object).await.into()),
            Err(failure) => {
                let what = format!("read `{}`", group[0].object.id);
                return Err(self.explain(&failure, &Attempt::with(&what, &group[0].object)));
            }
            Ok(items) => items,
        };
        let wanted: HashMap<&str, &ObjectId> =
            group.iter().map(|target| (target.object.id.name.as_str(), &target.object.id)).collect();
        let found = items.iter().filter_map(|item| {
            let id = wanted.get(item["metadata"]["name"].as_str()?)?;
            Some(((*id).clone(), self.node(item, id)))
        });
        Ok(found.collect())
    }

    async fn live_one_by_one(
        &self,
        group: &[&Target],
        list_failure: &Failure,
    ) -> Result<Vec<(ObjectId, Node)>, Diagnostics> {
        let gets = futures::stream::iter(group)
            .map(|target| async move {
                let id = &target.object.id;
                match self.call(&Call::get(&target.resource.object_path(id))).await {
                    Ok(object) => Ok(Some((id.clone(), self.node(&object, id)))),
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

    /// Lists all objects under a path, page by page.
    pub(crate) async fn list(
        &self,
        path: &str,
        fields: Option<&str>,
        labels: Option<&str>,
    ) -> Result<Vec<Json>, Failure> {
        Ok(self.list_at(path, fields, labels).await?.0)
    }

    /// Lists all objects under a path, and says at which version of the whole.
    pub(crate) async fn list_at(
        &self,
        path: &str,
        fields: Option<&str>,
        labels: Option<&str>,
    ) -> Result<(Vec<Json>, String), Failure> {
        let mut call = Call::list(path);
        if let Some(fields) = fields {
            call = call.query("fieldSelector", fields);
        }
        if let Some(labels) = labels {
            call = call.query("labelSelector", labels);
        }
        self.pages(&call).await
    }

    /// Follows a list to its end.
    pub(crate) async fn pages(&self, list: &Call) -> Result<(Vec<Json>, String), Failure> {
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let mut call = list.clone().query("limit", "500");
            if !next.is_empty() {
                call = call.query("continue", next);
            }
            let mut page = self.call(&call).await?;
            match page["items"].take() {
                Json::Array(mut more) => items.append(&mut more),
                Json::Null => {}
                _ => return Err(Failure::Malformed("a list without items".to_owned())),
            }
            next = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            if next.is_empty() {
                return Ok((
                    items,
                    page["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned(),
                ));
            }
        }
    }

    /// Makes a tree of an answer; items of lists do not say what they are.
    pub(crate) fn node(&self, object: &Json, id: &ObjectId) -> Node {
        let mut node = Node::from_json(object, self.place);
        if let Some(map) = node.as_map_mut() {
            for (field, value) in [("apiVersion", &id.api_version), ("kind", &id.kind)] {
                let key = Key { text: field.to_owned(), place: self.place };
                map.set(key, Node::string(value, self.place));
            }
        }
        node
    }

    async fn predict(
        &self,
        target: Target,
        live: Option<Node>,
        options: &ObserveOptions,
    ) -> Result<Observed, Diagnostics> {
        let object = &target.object;
        let mut found = Vec::new();
        let prediction = match &live {
            _ if target.is_ahead => {
                self.ensure_well_formed(&target).await?;
                Prediction::Desired
            }
            _ if options.read_only => predict_alone(object, live.as_ref(), options, &mut found),
            Some(live) if has_had_its_run(object, live, options) => {
                let node = self.create_dry(&target).await?;
                rerun(object, live, node)
            }
            Some(live) if is_applied(&object.node, live) => Prediction::Same,
            _ => self.ask(&target, live.as_ref(), &mut found).await?,
        };
        Ok(Observed { desired: target.object, live, prediction, conflicts: found })
    }

    /// Has the server apply the object without keeping the result.
    async fn ask(
        &self,
        target: &Target,
        live: Option<&Node>,
        found: &mut Vec<Conflict>,
    ) -> Result<Prediction, Diagnostics> {
        let Target { object, resource, .. } = target;
        let mut answer = self.call(&apply_call(object, resource, false).dry_run()).await;
        if let Err(Failure::Refused(status)) = &answer {
            *found = conflicts(status, Some(object));
            if !found.is_empty() {
                answer = self.call(&apply_call(object, resource, true).dry_run()).await;
            }
        }
        let failure = match answer {
            Ok(answer) => {
                let node = self.node(&answer, &object.id);
                let is_same = live.is_some_and(|live| is_same_but_for_times(live, &node));
                return Ok(if is_same { Prediction::Same } else { Prediction::Server(node) });
            }
            Err(failure) => failure,
        };
        if let Some(live) = live.filter(|_| is_about_immutable_fields(&failure, &object.id)) {
            let node = self.create_dry(target).await?;
            let because = changed_immutable_fields(object, live, &node);
            if !because.is_empty() {
                return Ok(Prediction::Replacement { node, because });
            }
        }
        let what = format!("apply `{}`", object.id);
        Err(self.explain(&failure, &Attempt::with(&what, object)))
    }

    /// Has the server create the object, under another name, without keeping the result.
    async fn create_dry(&self, target: &Target) -> Result<Node, Diagnostics> {
        let Target { object, resource, .. } = target;
        match self.call(&apply_call(&renamed(object, None), resource, false).dry_run()).await {
            Ok(mut answer) => {
                answer["metadata"]["name"] = object.id.name.as_str().into();
                Ok(self.node(&answer, &object.id))
            }
            Err(failure) => {
                let what = format!("create `{}`", object.id);
                Err(self.explain(&failure, &Attempt::with(&what, object)))
            }
        }
    }

    /// Its own namespace cannot tell yet, so another one is asked whether the object is one at all. What else that
    /// one may have against it says nothing.
    async fn ensure_well_formed(&self, target: &Target) -> Result<(), Diagnostics> {
        let Target { object, resource, .. } = target;
        let is_builtin = super::kinds::built_in(&object.id.api_version, &object.id.kind).is_some();
        if !resource.is_namespaced || !is_builtin {
            return Ok(());
        }
        let elsewhere = renamed(object, Some(&self.namespace));
        match self.call(&apply_call(&elsewhere, resource, false).dry_run()).await {
            Err(failure) if failure.is_code(400) || failure.is_code(422) => {
                let what = format!("apply `{}`", object.id);
                Err(self.explain(&failure, &Attempt::with(&what, object)))
            }
            _ => Ok(()),
        }
    }
}

fn rerun(object: &Object, live: &Node, node: Node) -> Prediction {
    let why = if job_failed(live) { "its last run failed" } else { "`--rerun`" };
    let mut because = changed_immutable_fields(object, live, &node);
    because.push(why.to_owned());
    Prediction::Replacement { node, because }
}

/// Predicts as far as it can be done without the server.
fn predict_alone(
    object: &Object,
    live: Option<&Node>,
    options: &ObserveOptions,
    found: &mut Vec<Conflict>,
) -> Prediction {
    let Some(live) = live else { return Prediction::Desired };
    let node = merge(live, &object.node);
    if has_had_its_run(object, live, options) {
        return rerun(object, live, node);
    }
    if is_applied(&object.node, live) {
        return Prediction::Same;
    }
    *found = foreign_changes(object, live, &node);
    let because = changed_immutable_fields(object, live, &node);
    if because.is_empty() { Prediction::Merged(node) } else { Prediction::Replacement { node, because } }
}

pub fn apply_call(object: &Object, resource: &Resource, is_forced: bool) -> Call {
    let path = resource.object_path(&object.id);
    Call::apply(&path, &object.node.to_json())
        .query("fieldManager", FIELD_MANAGER)
        .query("fieldValidation", "Strict")
        .query("force", is_forced.to_string())
}

/// Returns a copy under a name that nothing has, maybe in another namespace, for the server to try.
fn renamed(object: &Object, namespace: Option<&str>) -> Object {
    let mut copy = object.clone();
    let stem: String = object.id.name.chars().take(50).collect();
    copy.id.name = format!("{stem}-{}", fresh_suffix());
    if let Some(namespace) = namespace {
        copy.id.namespace = Some(namespace.to_owned());
    }
    let metadata = copy.node.as_map_mut().and_then(|map| map.get_mut("metadata")?.as_map_mut());
    if let Some(metadata) = metadata {
        for (field, value) in [("name", Some(&copy.id.name)), ("namespace", copy.id.namespace.as_ref())] {
            if let (Some(node), Some(value)) = (metadata.get_mut(field), value) {
                node.value = Value::String(value.clone());
            }
        }
    }
    copy
}

/// Returns the resource that a definition in the same plan brings.
fn defined(id: &ObjectId, plan: &Plan) -> Option<Resource> {
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

/// Every complaint names a field that cannot be changed in place.
fn is_about_immutable_fields(failure: &Failure, id: &ObjectId) -> bool {
    let Some(status) = failure.status().filter(|status| status.code == 422) else { return false };
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    !causes.is_empty() && causes.iter().all(|cause| is_immutable_field(id, &cause.field))
}

fn has_had_its_run(object: &Object, live: &Node, options: &ObserveOptions) -> bool {
    object.id.kind == "Job" && object.id.group() == "batch" && (options.rerun || job_failed(live))
}

fn job_failed(live: &Node) -> bool {
    let conditions = live.at(["status", "conditions"]).and_then(Node::as_list).unwrap_or_default();
    conditions.iter().any(|condition| {
        let text = |field: &str| condition.get(field).and_then(Node::as_str);
        text("type") == Some("Failed") && text("status") == Some("True")
    })
}

/// Writes an object the way the server keeps it, so that the two can be compared: no nulls, no status, and the
/// texts of a Secret encoded.
fn prepare(object: &Object) -> Object {
    let mut object = object.clone();
    drop_nulls(&mut object.node);
    let is_secret = object.id.kind == "Secret" && object.id.api_version == "v1";
    if let Some(map) = object.node.as_map_mut() {
        map.remove("status");
        if is_secret {
            encode_secret(map);
        }
    }
    object
}

fn drop_nulls(node: &mut Node) {
    match &mut node.value {
        Value::Map(map) => {
            map.entries.retain(|(_, node)| !node.is_null());
            map.entries.iter_mut().for_each(|(_, node)| drop_nulls(node));
        }
        Value::List(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn encode_secret(secret: &mut Map) {
    let Some(texts) = secret.remove("stringData") else { return };
    let place = texts.place;
    let Value::Map(texts) = texts.value else { return };
    if secret.get("data").is_none() {
        secret.set(Key { text: "data".to_owned(), place }, Node::new(Value::Map(Map::default()), place));
    }
    let Some(data) = secret.get_mut("data").and_then(Node::as_map_mut) else { return };
    for (key, text) in texts.entries {
        let encoded = base64::engine::general_purpose::STANDARD.encode(text.as_str().unwrap_or_default());
        data.set(key, Node::string(encoded, text.place));
    }
}
