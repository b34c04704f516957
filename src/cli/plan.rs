//! Saved plans: what a reviewer saw, to be applied as it was or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::files::replace_private_file;
use super::set::{HolderArgs, Leaving, SetArgs};
use super::{Session, Status};
use crate::cluster::Cluster;
use crate::diagnostic::{Class, Diagnostic, has_errors};
use crate::diff::{Observed, Prediction, fingerprint};
use crate::object::{Object, ObjectId};
use crate::report::plural;
use crate::source::{Place, Source, SourceKind};
use crate::yaml::{self, Node, Value};

const API_VERSION: &str = "daphnia.dev/v1";
const KIND: &str = "Plan";

/// What was shown, as it comes out of its file.
#[derive(Debug)]
pub(super) struct SavedPlan {
    pub(super) objects: Vec<Object>,
    pub(super) parameters: Vec<String>,
    pub(super) set: SetArgs,
    pub(super) namespace: String,
    server: String,
    context: String,
    made: String,
    fingerprints: Vec<Fingerprint>,
    place: Place,
}

#[derive(Debug, PartialEq, Eq)]
struct Fingerprint {
    id: ObjectId,
    text: String,
    was_there: bool,
    place: Place,
}

impl Session {
    /// Writes what was shown to a file that only its owner can read.
    pub(super) fn save_plan(
        &self,
        path: &Path,
        cluster: &Cluster,
        set: &SetArgs,
        parameters: &[String],
        (observed, leaving): (&[Observed], &Leaving),
    ) -> Result<(), Status> {
        let objects = observed.iter().map(|one| {
            let mut members = identity(one);
            members["from"] = self.sources.describe(one.desired.node.place).into();
            members["object"] = one.desired.node.to_json();
            members
        });
        let plan = json!({
            "apiVersion": API_VERSION,
            "kind": KIND,
            "made": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "cluster": {
                "server": cluster.server(), "context": cluster.context(), "namespace": cluster.namespace(),
            },
            "parameters": parameters,
            "set": set.set_name.as_ref().map(|name| json!({
                "name": name,
                "prune": set.prune,
                "includeNamespaces": set.holders.include_namespaces,
                "includeCrds": set.holders.include_crds,
            })),
            "objects": objects.collect::<Json>(),
            "pruned": pruned(leaving).iter().map(identity).collect::<Json>(),
        });
        let text = serde_json::to_string_pretty(&plan).unwrap_or_default();
        replace_private_file(path, &format!("{text}\n")).map_err(|error| {
            let message = format!("the plan cannot be written to `{}`: {error}", path.display());
            self.refuse(Diagnostic::unable("unwritable", message).help("name another file with `--save`"))
        })?;
        let secrets = observed.iter().filter(|one| one.desired.id.kind == "Secret").count();
        let shown = path.display();
        self.report.note(&format!("the plan is saved: `daphnia apply {shown}` does this, or nothing"));
        if secrets > 0 {
            self.report.note(&format!(
                "{shown} holds the values of {} in the clear: only you can read it, keep it so",
                plural(secrets, "Secret")
            ));
        }
        Ok(())
    }

    /// Reads a saved plan, if that is what was named.
    pub(super) fn saved_plan(&self, paths: &[PathBuf]) -> Result<Option<SavedPlan>, Status> {
        let [path] = paths else { return Ok(None) };
        let Ok(text) = fs::read_to_string(path) else { return Ok(None) };
        let is_plan = text.trim_start().starts_with('{')
            && text.contains(r#""daphnia.dev/"#)
            && text.contains(&format!(r#""kind": "{KIND}""#));
        if !is_plan {
            return Ok(None);
        }
        let name = path.display().to_string();
        let source = self.sources.add(Source::new(SourceKind::Manifest, name, text.as_str()));
        let (documents, findings) = yaml::read(source, &text);
        if has_errors(&findings) {
            self.report.findings(&findings, &self.sources);
            return Err(Status::of(Class::Unable));
        }
        let root = documents.into_iter().next().map(|document| document.root);
        let root = root.unwrap_or(Node::new(Value::Null, Place::new(source, 0..0)));
        SavedPlan::read(&root).map(Some).map_err(|finding| self.refuse(*finding))
    }

    /// Refuses a plan whose objects have changed since it was made.
    pub(super) fn ensure_unmoved(
        &self,
        plan: &SavedPlan,
        observed: &[Observed],
        leaving: &Leaving,
    ) -> Result<(), Status> {
        let now: Vec<Observed> = observed.iter().cloned().chain(pruned(leaving)).collect();
        let mut moved: Vec<Diagnostic> =
            plan.fingerprints.iter().filter_map(|then| plan.moved(then, &now)).collect();
        let is_new = |one: &&Observed| !plan.fingerprints.iter().any(|then| then.id == one.desired.id);
        moved.extend(now.iter().filter(is_new).map(|one| {
            let message = format!(
                "`{}` would be pruned, and was not in the set when the plan was made",
                one.desired.id
            );
            plan.stale(message, plan.place)
        }));
        if moved.is_empty() {
            return Ok(());
        }
        self.report.findings(&moved, &self.sources);
        self.report.note("nothing was changed");
        Err(Status::of(Class::Conflict))
    }
}

impl SavedPlan {
    fn read(root: &Node) -> Result<SavedPlan, Box<Diagnostic>> {
        let text = |node: &Node, path: &[&str]| -> Result<String, Box<Diagnostic>> {
            let found = node.at(path.iter().copied()).and_then(Node::as_str);
            found.map(str::to_owned).ok_or_else(|| broken(node, &format!("`{}` is missing", path.join("."))))
        };
        let version = text(root, &["apiVersion"])?;
        if version != API_VERSION {
            return Err(broken(
                root,
                &format!("it is of the format `{version}`, and this reads `{API_VERSION}`"),
            ));
        }
        let list = |field: &str| root.get(field).and_then(Node::as_list).unwrap_or_default();
        if list("objects").is_empty() {
            return Err(broken(root, "it has no `objects`"));
        }
        let mut objects = Vec::new();
        let mut fingerprints = Vec::new();
        for item in list("objects").iter().chain(list("pruned")) {
            fingerprints.push(Fingerprint::read(item)?);
        }
        for (item, fingerprint) in list("objects").iter().zip(&fingerprints) {
            let node = item.get("object").cloned().ok_or_else(|| broken(item, "`object` is missing"))?;
            let Some(object) = Object::new(node) else {
                return Err(broken(item, "`object` is no Kubernetes object"));
            };
            if (&object.id.kind, &object.id.name) != (&fingerprint.id.kind, &fingerprint.id.name) {
                return Err(broken(item, "`object` is another one than its entry says"));
            }
            objects.push(Object { id: fingerprint.id.clone(), ..object });
        }
        let flag = |field: &str| root.at(["set", field]).and_then(Node::as_bool).unwrap_or_default();
        let parameters = list("parameters").iter().filter_map(|one| Some(one.as_str()?.to_owned()));
        Ok(SavedPlan {
            objects,
            fingerprints,
            parameters: parameters.collect(),
            set: SetArgs {
                set_name: root.at(["set", "name"]).and_then(Node::as_str).map(str::to_owned),
                prune: flag("prune"),
                adopt_set: false,
                holders: HolderArgs {
                    include_namespaces: flag("includeNamespaces"),
                    include_crds: flag("includeCrds"),
                },
            },
            namespace: text(root, &["cluster", "namespace"])?,
            server: text(root, &["cluster", "server"])?,
            context: text(root, &["cluster", "context"]).unwrap_or_default(),
            made: text(root, &["made"])?,
            place: root.place,
        })
    }

    /// Refuses a cluster other than that which the reviewer saw.
    pub(super) fn ensure_same_cluster(&self, cluster: &Cluster) -> Result<(), Box<Diagnostic>> {
        if cluster.server() == self.server {
            return Ok(());
        }
        let SavedPlan { server, context, .. } = self;
        let message =
            format!("the plan is for `{server}` (context `{context}`), and this is `{}`", cluster.server());
        let error = Diagnostic::unable("other-cluster", message).at(self.place);
        Err(Box::new(error.help(format!("choose that cluster with `--context {context}`"))))
    }

    fn moved(&self, then: &Fingerprint, now: &[Observed]) -> Option<Diagnostic> {
        let found = now.iter().find(|one| one.desired.id == then.id);
        if found.is_some_and(|one| fingerprint(one) == then.text) {
            return None;
        }
        let is_there = found.is_some_and(|one| one.live.is_some());
        let what = match (then.was_there, is_there) {
            (false, true) => "was created",
            (true, false) => "was deleted",
            _ => "has changed",
        };
        Some(self.stale(format!("`{}` {what} since the plan was made", then.id), then.place))
    }

    fn stale(&self, message: String, place: Place) -> Diagnostic {
        let error = Diagnostic::error("plan-stale", message).class(Class::Conflict).at(place);
        error.help(format!(
            "it was made at {}: look at the changes and make it anew with `daphnia diff --save`",
            self.made
        ))
    }
}

impl Fingerprint {
    fn read(item: &Node) -> Result<Fingerprint, Box<Diagnostic>> {
        let text = |field: &str| {
            let found = item.get(field).and_then(Node::as_str).map(str::to_owned);
            found.ok_or_else(|| broken(item, &format!("`{field}` is missing")))
        };
        Ok(Fingerprint {
            id: ObjectId {
                api_version: text("apiVersion")?,
                kind: text("kind")?,
                namespace: text("namespace").ok(),
                name: text("name")?,
            },
            text: text("fingerprint")?,
            was_there: item.get("live").and_then(Node::as_bool).unwrap_or_default(),
            // All of an entry is too much to show.
            place: item.get("name").map_or(item.place, |name| name.place),
        })
    }
}

fn broken(node: &Node, why: &str) -> Box<Diagnostic> {
    let message = format!("this is no plan that can be applied: {why}");
    let place = Place { end: node.place.start + 1, ..node.place };
    Box::new(
        Diagnostic::unable("plan-broken", message).at(place).help("make it anew with `daphnia diff --save`"),
    )
}

fn identity(one: &Observed) -> Json {
    let id = &one.desired.id;
    json!({
        "apiVersion": id.api_version,
        "kind": id.kind,
        "namespace": id.namespace,
        "name": id.name,
        "live": one.live.is_some(),
        "fingerprint": fingerprint(one),
    })
}

/// What is to go, as something of which nothing is desired.
fn pruned(leaving: &Leaving) -> Vec<Observed> {
    let gone = leaving.go.iter().map(|member| Observed {
        desired: Object { id: member.id.clone(), node: Node::new(Value::Null, member.live.place) },
        live: Some(member.live.clone()),
        prediction: Prediction::Same,
        conflicts: Vec::new(),
    });
    gone.collect()
}
