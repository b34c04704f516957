//! A CronJob → the Job that it would start now.

use serde_json::{Value as Json, json};

use super::Cluster;
use super::call::{Call, encode};
use super::json::text;
use super::refusal::Attempt;
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::object::Object;
use crate::yaml::Node;

/// Returns the Job that a CronJob of the cluster would start.
pub async fn cronjob(cluster: &Cluster, name: &str, namespace: Option<&str>) -> Result<Object, Diagnostics> {
    let namespace = namespace.unwrap_or(cluster.namespace());
    let all = format!("/apis/batch/v1/namespaces/{}/cronjobs", encode(namespace));
    let cron = match cluster.call(&Call::get(&format!("{all}/{}", encode(name)))).await {
        Ok(cron) => cron,
        Err(failure) if failure.is_code(404) => {
            return Err(cluster.no_cronjob(name, namespace, &all).await.into());
        }
        Err(failure) => {
            return Err(
                cluster.explain(&failure, &Attempt::new(&format!("read CronJob `{namespace}/{name}`")))
            );
        }
    };
    let job = Object::new(Node::from_json(&started_by(&cron), cluster.place()));
    job.ok_or_else(|| {
        Diagnostic::unable("cronjob-broken", format!("CronJob `{name}` has no jobTemplate")).into()
    })
}

impl Cluster {
    async fn no_cronjob(&self, name: &str, namespace: &str, all: &str) -> Diagnostic {
        let message = format!("there is no CronJob `{name}` in the namespace `{namespace}`");
        let error = Diagnostic::unable("no-cronjob", message);
        let known = self.list(all, None, None).await.unwrap_or_default();
        let names: Vec<&str> = known.iter().map(|cron| text(cron, "/metadata/name")).collect();
        match did_you_mean(name, names.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None if names.is_empty() => error.help("there is none at all; `--namespace` chooses where"),
            None => error.help(format!("there are {}", names.join(", "))),
        }
    }
}

/// As `kubectl create job --from` does it: the CronJob owns the Job, so its history limits count it.
fn started_by(cron: &Json) -> Json {
    let template = &cron["spec"]["jobTemplate"];
    let mut annotations = template["metadata"]["annotations"].clone();
    if !annotations.is_object() {
        annotations = json!({});
    }
    annotations["cronjob.kubernetes.io/instantiate"] = "manual".into();
    let mut metadata = json!({
        "name": cron["metadata"]["name"],
        "namespace": cron["metadata"]["namespace"],
        "annotations": annotations,
        "ownerReferences": [{
            "apiVersion": "batch/v1", "kind": "CronJob", "controller": true,
            "name": cron["metadata"]["name"], "uid": cron["metadata"]["uid"],
        }],
    });
    if template["metadata"]["labels"].is_object() {
        metadata["labels"] = template["metadata"]["labels"].clone();
    }
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]})
}
