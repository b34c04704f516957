//! Observed → the cluster as desired, wave by wave.

use std::time::Duration;

use futures::StreamExt as _;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::call::Call;
use super::kinds::Resource;
use super::observe::{CONCURRENCY, apply_call, gather};
use super::refusal::{Attempt, conflict_error};
use super::{Cluster, Progress};
use crate::diagnostic::{Class, Diagnostic, Diagnostics};
use crate::diff::{Action, FIELD_MANAGER, Observed, Prediction, Reason, adopt, clean};
use crate::object::{Object, ObjectId, uid, wave};
use crate::yaml::Node;

#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// Take fields over that other managers own.
    pub force_conflicts: bool,
    /// Replace objects other than Jobs.
    pub replace: bool,
    /// How long what is replaced may take to go.
    pub timeout: Duration,
}

impl Default for ApplyOptions {
    fn default() -> Self {
        Self { force_conflicts: false, replace: false, timeout: Duration::from_secs(120) }
    }
}

/// What was done to one object.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub id: ObjectId,
    pub action: Action,
    /// Empty if it was left out.
    pub uid: String,
    /// Whether this brought it into being, rather than someone else at the same time.
    pub is_new: bool,
}

/// Makes the cluster what was predicted. Every object was tried before by `observe`, so nothing is changed if one
/// is refused. What is left undone by a failure on the way, the next apply does.
pub async fn apply(
    cluster: &Cluster,
    observed: &[Observed],
    options: &ApplyOptions,
) -> Result<Vec<Outcome>, Diagnostics> {
    ensure_allowed(observed, options)?;
    let mut outcomes = Vec::new();
    let mut rest = observed;
    for now in observed.chunk_by(|a, b| wave(&a.desired.id) == wave(&b.desired.id)) {
        rest = &rest[now.len()..];
        let applied = futures::stream::iter(now)
            .map(|one| async move { cluster.apply_one(one, options).await })
            .buffered(CONCURRENCY);
        outcomes.extend(gather(applied.collect().await)?);
        cluster.settle(now, rest).await?;
    }
    Ok(outcomes)
}

/// Refuses what needs the user's leave: to take fields over, to replace objects.
pub fn ensure_allowed(observed: &[Observed], options: &ApplyOptions) -> Result<(), Diagnostics> {
    let mut errors = Vec::new();
    for one in observed {
        let id = &one.desired.id;
        if !options.force_conflicts {
            errors.extend(one.conflicts.iter().map(|conflict| conflict_error(conflict, Some(&one.desired))));
        }
        if id.kind != "Job" && !options.replace {
            errors.extend(replace_needed(one));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Diagnostics(errors)) }
}

/// Complains of an object that has to go because of one of its fields.
fn replace_needed(observed: &Observed) -> Option<Diagnostic> {
    let Prediction::Replacement { because, .. } = &observed.prediction else { return None };
    let field = because.iter().find_map(|reason| match reason {
        Reason::Immutable(field) => Some(field),
        _ => None,
    })?;
    let message =
        format!("`{}` would have to be replaced, since {}", observed.desired.id, Reason::sentence(because));
    let place = super::refusal::field_place(&observed.desired.node, field);
    let error = Diagnostic::error("replace-needed", message).class(Class::Failed).at(place);
    Some(error.help("allow to delete it and create it anew with `--replace`"))
}

impl Cluster {
    async fn apply_one(&self, observed: &Observed, options: &ApplyOptions) -> Result<Outcome, Diagnostics> {
        let object = &observed.desired;
        let id = object.id.clone();
        let live = observed.live.as_ref();
        if matches!(observed.prediction, Prediction::Same | Prediction::Done { .. }) {
            self.tell(Progress::Applied { id: id.clone(), action: Action::Unchanged });
            let uid = live.map(uid).unwrap_or_default().to_owned();
            return Ok(Outcome { id, action: Action::Unchanged, uid, is_new: false });
        }
        let Some(resource) = self.resource(object).await? else {
            return Err(self.unserved(object).await.into());
        };
        if let (Prediction::Replacement { .. }, Some(live)) = (&observed.prediction, live) {
            self.delete_live(object, &resource, live, options.timeout).await?;
        }
        if !matches!(observed.prediction, Prediction::Replacement { .. }) {
            self.adopt(object, &resource, live).await?;
        }
        let answer = self.call_telling(&apply_call(object, &resource, options.force_conflicts)).await;
        let (now, is_new) = answer.map_err(|failure| {
            let what = format!("apply `{id}`");
            let mut errors = self.explain(&failure, &Attempt::with(&what, object));
            // The dry-run had nothing against it, so others of the set may be there by now.
            let help = "what was applied stays, and the next apply does the rest".to_owned();
            errors.0.iter_mut().for_each(|error| error.help.push(help.clone()));
            errors
        })?;
        let now = self.named(now, &id);
        let action = match (&observed.prediction, live) {
            (Prediction::Replacement { because, .. }, _) => Action::Replaced { because: because.clone() },
            (_, None) if is_new => Action::Created,
            (_, Some(live)) if is_unchanged(live, &now) => Action::Unchanged,
            _ => Action::Configured,
        };
        self.tell(Progress::Applied { id: id.clone(), action: action.clone() });
        Ok(Outcome { id, action, uid: uid(&now).to_owned(), is_new })
    }

    /// Makes the fields ours that a client-side `kubectl apply` owns.
    async fn adopt(
        &self,
        object: &Object,
        resource: &Resource,
        live: Option<&Node>,
    ) -> Result<(), Diagnostics> {
        let Some(mut live) = live.filter(|live| adopt::is_applied_by_client(live)).cloned() else {
            return Ok(());
        };
        let path = resource.object_path(&object.id);
        let what = format!("take `{}` over from `kubectl apply`", object.id);
        let explain = |failure| self.explain(&failure, &Attempt::with(&what, object));
        for _ in 0..5 {
            let version = live.at(["metadata", "resourceVersion"]).map(Node::to_json);
            let patch = json!([
                {"op": "replace", "path": "/metadata/managedFields", "value": adopt::adopted_fields(&live)},
                {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
            ]);
            match self.call(&Call::json_patch(&path, &patch).query("fieldManager", FIELD_MANAGER)).await {
                // Someone has changed it since it was read.
                Err(failure) if failure.is_code(409) => {}
                Err(failure) => return Err(explain(failure)),
                Ok(_) => return Ok(()),
            }
            live = self.named(self.call_for_node(&Call::get(&path)).await.map_err(explain)?, &object.id);
            if !adopt::is_applied_by_client(&live) {
                return Ok(());
            }
        }
        let message = format!("cannot {what}: others change it all the time");
        Err(Diagnostic::error("changed-meanwhile", message).class(Class::Conflict).help("try again").into())
    }

    async fn delete_live(
        &self,
        object: &Object,
        resource: &Resource,
        live: &Node,
        timeout: Duration,
    ) -> Result<(), Diagnostics> {
        let uid = uid(live);
        self.tell(Progress::Deleting { id: object.id.clone() });
        self.delete(&object.id, resource, uid).await.map_err(|failure| {
            let what = format!("delete `{}`", object.id);
            self.explain(&failure, &Attempt::with(&what, object))
        })?;
        self.until_gone(&object.id, resource, uid, timeout).await
    }

    pub(super) async fn delete(
        &self,
        id: &ObjectId,
        resource: &Resource,
        uid: &str,
    ) -> Result<(), super::request::Failure> {
        // In the foreground: its pods are gone before it is.
        let options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground",
            "preconditions": {"uid": uid},
        });
        match self.call(&Call::delete(&resource.object_path(id), &options)).await {
            Err(failure) if !failure.is_code(404) => Err(failure),
            _ => Ok(()),
        }
    }

    pub(super) async fn until_gone(
        &self,
        id: &ObjectId,
        resource: &Resource,
        uid: &str,
        timeout: Duration,
    ) -> Result<(), Diagnostics> {
        let end = Instant::now() + timeout;
        let mut pause = Duration::from_millis(100);
        loop {
            let found = match self.call(&Call::get(&resource.object_path(id))).await {
                Ok(found) => found,
                Err(failure) if failure.is_code(404) => return Ok(()),
                Err(failure) => {
                    return Err(self.explain(&failure, &Attempt::new(&format!("wait for `{id}` to go"))));
                }
            };
            if found["metadata"]["uid"].as_str() != Some(uid) {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(still_there(id, &found, timeout).into());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(2));
        }
    }
}

/// Deletes an object, and returns whether it was there. With a timeout, waits until it is gone.
pub async fn delete(
    cluster: &Cluster,
    id: &ObjectId,
    timeout: Option<Duration>,
) -> Result<bool, Diagnostics> {
    let Some(resource) = super::kinds::built_in(&id.api_version, &id.kind) else {
        return Err(Diagnostic::unable("kind-unserved", format!("cannot delete a `{}`", id.kind)).into());
    };
    let what = format!("delete `{id}`");
    let found = match cluster.call(&Call::get(&resource.object_path(id))).await {
        Ok(found) => found,
        Err(failure) if failure.is_code(404) => return Ok(false),
        Err(failure) => return Err(cluster.explain(&failure, &Attempt::new(&what))),
    };
    let uid = found["metadata"]["uid"].as_str().unwrap_or_default();
    cluster.tell(Progress::Deleting { id: id.clone() });
    let deleted = cluster.delete(id, &resource, uid).await;
    deleted.map_err(|failure| cluster.explain(&failure, &Attempt::new(&what)))?;
    if let Some(timeout) = timeout {
        cluster.until_gone(id, &resource, uid, timeout).await?;
    }
    Ok(true)
}

fn is_unchanged(before: &Node, after: &Node) -> bool {
    let version = |node: &Node| node.at(["metadata", "resourceVersion"]).map(Node::to_json);
    version(before) == version(after) || clean(before, before).to_json() == clean(after, after).to_json()
}

fn still_there(id: &ObjectId, found: &Json, timeout: Duration) -> Diagnostic {
    let message = format!("`{id}` was still there {} s after it was deleted", timeout.as_secs());
    let error = Diagnostic::error("timed-out", message).class(Class::TimedOut);
    let finalizers = found["metadata"]["finalizers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names: Vec<&str> = finalizers.iter().filter_map(Json::as_str).collect();
    match names.as_slice() {
        [] => error.help("apply again: what is left to do is done then"),
        names => error.help(format!("these finalizers hold it: {}", names.join(", "))),
    }
}
