//! What an object would become: by a dry-run of the server, or computed here.

use super::{Live, ObserveOptions, Predicted, Sides, Target};
use crate::cluster::call::Call;
use crate::cluster::kinds::{Resource, built_in};
use crate::cluster::refusal::{Attempt, NAMESPACE_MISSING, conflicts};
use crate::cluster::request::Failure;
use crate::cluster::{Cluster, fresh_suffix};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::diff::{
    Conflict, FIELD_MANAGER, Prediction, Reason, adopt, changed_immutable_fields, foreign_changes,
    is_immutable_field, is_same_but_for_times, merge,
};
use crate::object::{Object, ObjectId};
use crate::yaml::{Node, Value};

impl Cluster {
    /// Asks the server what would become of an object, unless it stays the same.
    pub(super) async fn predict(
        &self,
        (target, live): &Sides,
        options: &ObserveOptions,
    ) -> Result<Predicted, Diagnostics> {
        let object = &target.object;
        let mut found = Vec::new();
        let prediction = match live {
            _ if target.is_ahead => {
                self.ensure_well_formed(target).await?;
                Prediction::Desired
            }
            Some(Live { is_same: true, .. }) => Prediction::Same,
            Some(Live { node: live, .. }) if is_terminating(live) => {
                let node = self.create_dry(target).await?;
                Prediction::Replacement { node, because: vec![Reason::Terminating] }
            }
            Some(Live { node: live, .. }) if has_had_its_run(object, live, options) => {
                let node = self.create_dry(target).await?;
                rerun(object, live, node)
            }
            live => match self.ask(target, live.as_ref().map(|live| &live.node), &mut found).await {
                Err(Diagnostics(errors)) if options.may_lack && is_about_the_namespace(&errors) => {
                    self.warn_of_missing_namespace(target);
                    self.ensure_well_formed(target).await?;
                    Prediction::Desired
                }
                answer => answer?,
            },
        };
        Ok((prediction, found))
    }

    /// Has the server apply the object without keeping the result.
    async fn ask(
        &self,
        target: &Target,
        live: Option<&Node>,
        found: &mut Vec<Conflict>,
    ) -> Result<Prediction, Diagnostics> {
        let Target { object, resource, .. } = target;
        let mut answer = self.call_for_node(&apply_call(object, resource, false).dry_run()).await;
        if let Err(Failure::Refused(status)) = &answer {
            *found = conflicts(status, Some(object));
            let is_conflict = !found.is_empty();
            found.retain(|conflict| !is_adopted(live, conflict));
            if is_conflict {
                answer = self.call_for_node(&apply_call(object, resource, true).dry_run()).await;
            }
        }
        let failure = match answer {
            Ok(answer) => {
                let mut node = self.named(answer, &object.id);
                if let Some(live) = live.filter(|live| adopt::is_applied_by_client(live)) {
                    node = self.adopt_dry(target, live, node).await;
                }
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

    /// Takes out of a prediction the fields that go because they are ours once an apply has taken them over. What
    /// the server makes of that it says itself, if it can.
    async fn adopt_dry(&self, target: &Target, live: &Node, answer: Node) -> Node {
        let Target { object, resource, .. } = target;
        let mut predicted = answer.clone();
        if !adopt::forget_dropped(&mut predicted, &object.node, live) {
            return answer;
        }
        let call = Call::json_patch(&resource.object_path(&object.id), &adopt::patch(live, &predicted));
        match self.call_for_node(&call.query("fieldManager", FIELD_MANAGER).dry_run()).await {
            Ok(found) => adopt::with_owners_of(self.named(found, &object.id), &answer),
            Err(_) => predicted,
        }
    }

    /// Has the server create the object, under another name, without keeping the result.
    async fn create_dry(&self, target: &Target) -> Result<Node, Diagnostics> {
        let Target { object, resource, .. } = target;
        match self.call_for_node(&apply_call(&renamed(object, None), resource, false).dry_run()).await {
            Ok(mut answer) => {
                set_metadata(&mut answer, "name", &object.id.name);
                Ok(self.named(answer, &object.id))
            }
            Err(failure) => {
                let what = format!("create `{}`", object.id);
                Err(self.explain(&failure, &Attempt::with(&what, object)))
            }
        }
    }

    fn warn_of_missing_namespace(&self, target: &Target) {
        let namespace = target.object.id.namespace.as_deref().unwrap_or_default();
        self.warn_once(format!(
            "the namespace `{namespace}` does not exist, so an apply would be refused: create it with `kubectl \
             create namespace {namespace}`, or add a Namespace to what you apply"
        ));
    }

    /// Its own namespace cannot tell yet, so another one is asked whether the object is one at all. What else that
    /// one may have against it says nothing.
    async fn ensure_well_formed(&self, target: &Target) -> Result<(), Diagnostics> {
        let Target { object, resource, .. } = target;
        let is_builtin = built_in(&object.id.api_version, &object.id.kind).is_some();
        if !resource.is_namespaced || !is_builtin {
            return Ok(());
        }
        let elsewhere = renamed(object, Some(self.namespace()));
        match self.call(&apply_call(&elsewhere, resource, false).dry_run()).await {
            Err(failure) if failure.is_code(400) || failure.is_code(422) => {
                let what = format!("apply `{}`", object.id);
                Err(self.explain(&failure, &Attempt::with(&what, object)))
            }
            _ => Ok(()),
        }
    }
}

fn is_about_the_namespace(errors: &[Diagnostic]) -> bool {
    errors.iter().all(|error| error.code == NAMESPACE_MISSING)
}

/// Whether a conflict is with a client-side apply, whose fields an apply takes over.
fn is_adopted(live: Option<&Node>, conflict: &Conflict) -> bool {
    live.is_some_and(|live| adopt::is_client_side_manager(live, &conflict.manager))
}

fn rerun(object: &Object, live: &Node, node: Node) -> Prediction {
    let mut because = changed_immutable_fields(object, live, &node);
    because.push(if job_failed(live) { Reason::Failed } else { Reason::Rerun });
    Prediction::Replacement { node, because }
}

/// Says what would become of an object, as far as that can be told without the server.
pub(super) fn predict_alone((target, live): &Sides, options: &ObserveOptions) -> Predicted {
    let object = &target.object;
    let Some(Live { node: live, is_same }) = live else { return (Prediction::Desired, Vec::new()) };
    if *is_same {
        return (Prediction::Same, Vec::new());
    }
    let node = merge(live, &object.node);
    if has_had_its_run(object, live, options) {
        return (rerun(object, live, node), Vec::new());
    }
    let conflicts = foreign_changes(object, live, &node);
    let because = changed_immutable_fields(object, live, &node);
    let is_replaced = !because.is_empty();
    let prediction =
        if is_replaced { Prediction::Replacement { node, because } } else { Prediction::Merged(node) };
    (prediction, conflicts)
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
    for (field, value) in [("name", Some(&copy.id.name)), ("namespace", copy.id.namespace.as_ref())] {
        value.inspect(|value| set_metadata(&mut copy.node, field, value));
    }
    copy
}

/// Says otherwise what an object says in its metadata.
fn set_metadata(object: &mut Node, field: &str, text: &str) {
    let metadata = object.as_map_mut().and_then(|map| map.get_mut("metadata")?.as_map_mut());
    if let Some(node) = metadata.and_then(|metadata| metadata.get_mut(field)) {
        node.value = Value::String(text.into());
    }
}

/// Every complaint names a field that cannot be changed in place.
fn is_about_immutable_fields(failure: &Failure, id: &ObjectId) -> bool {
    let Some(status) = failure.status().filter(|status| status.code == 422) else { return false };
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    !causes.is_empty() && causes.iter().all(|cause| is_immutable_field(id, &cause.field))
}

pub(super) fn has_had_its_run(object: &Object, live: &Node, options: &ObserveOptions) -> bool {
    object.id.kind == "Job" && object.id.group() == "batch" && (options.rerun || job_failed(live))
}

pub(super) fn is_terminating(live: &Node) -> bool {
    live.at(["metadata", "deletionTimestamp"]).is_some()
}

fn job_failed(live: &Node) -> bool {
    let conditions = live.at(["status", "conditions"]).and_then(Node::as_list).unwrap_or_default();
    conditions.iter().any(|condition| {
        let text = |field: &str| condition.get(field).and_then(Node::as_str);
        text("type") == Some("Failed") && text("status") == Some("True")
    })
}
