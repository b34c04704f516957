//! What built-in profiles make of every example is what a server takes.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::daphnia::Desk;
use super::harness::success;

/// Writes the examples into `examples/`, each for the namespace of the test, which is there already.
fn write_examples(desk: &Desk) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("there are examples") {
        let path = entry.expect("an example can be read").path();
        let mut text = fs::read_to_string(&path).expect("an example is text");
        for name in ["reports", "maintenance", "logging", "shop", "ledger"] {
            text = text.replace(&format!("\n    value: {name}\n"), "\n    value: NAMESPACE\n");
        }
        let text = text
            .replace("namespace: greetings", "namespace: NAMESPACE")
            .replace("name: payments", "name: NAMESPACE")
            .replace("createNamespace: true", "createNamespace: false");
        let name = path.file_name().expect("an example has a name").to_string_lossy().into_owned();
        desk.write(&format!("examples/{name}"), &text);
        count += 1;
    }
    count
}

fn rendered(desk: &Desk, profile: &str) -> Vec<Value> {
    let args = ["render", "examples", "--profile", profile, "--show-secrets", "-o", "json"];
    let text = desk.daphnia(&args).exits(0).stdout;
    serde_json::Deserializer::from_str(&text).into_iter().map(|object| object.expect("JSON")).collect()
}

/// Tries all of them at once; returns what the server says.
fn tried(desk: &Desk, objects: &[Value]) -> std::process::Output {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    let args = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "--validate=strict",
        "-o",
        "name",
    ];
    desk.cluster.kubectl_with(&[&args[..], &["-f", "-"]].concat(), &list)
}

#[test]
fn every_built_in_profile_makes_what_the_server_takes_of_every_example() {
    let Some(desk) = Desk::new() else { return };
    assert!(write_examples(&desk) >= 7);
    let list = desk.daphnia(&["profiles", "-o", "json"]).exits(0).stdout;
    let list: Vec<Value> = serde_json::from_str(&list).expect("JSON");
    for profile in &list {
        let name = profile["name"].as_str().expect("a profile has a name");
        let objects = rendered(&desk, name);
        let taken = success(tried(&desk, &objects));
        assert_eq!(taken.lines().count(), objects.len(), "{name}: {taken}");
        assert!(objects.len() > 30, "{name}: {}", objects.len());
    }
    assert!(list.len() >= 6);
}

/// A namespace looks at pods alone, so the pods that the workloads would make are tried.
#[test]
fn restricted_makes_pods_that_a_restricted_namespace_takes() {
    let Some(desk) = Desk::new() else { return };
    write_examples(&desk);
    let label = "pod-security.kubernetes.io/enforce=restricted";
    success(desk.cluster.kubectl(&["label", "namespace", desk.namespace.name(), label]));
    let pods = |profile: &str| -> Vec<Value> {
        rendered(&desk, profile).iter().filter_map(|object| pod(object, desk.namespace.name())).collect()
    };
    let (mut fit, unfit): (Vec<_>, Vec<_>) = pods("restricted")
        .into_iter()
        .partition(|pod| pod["spec"]["volumes"].to_string().contains("hostPath").eq(&false));
    assert_eq!((fit.len(), unfit.len()), (7, 1), "the collector of logs reads what the node has");
    let taken = success(tried(&desk, &fit));
    assert_eq!(taken.lines().count(), fit.len());

    // Nothing but its volume is wrong with the collector, and without the profile nothing passes.
    let refused =
        |pod: &Value| String::from_utf8_lossy(&tried(&desk, std::slice::from_ref(pod)).stderr).into_owned();
    let told = refused(&unfit[0]);
    assert!(
        told.contains("restricted volume types (volume \"logs\"") && told.matches("must ").count() == 0,
        "{told}"
    );
    fit = pods("spot");
    assert_eq!(fit.len(), 8);
    assert!(fit.iter().all(|pod| refused(pod).contains("violates PodSecurity \"restricted:latest\"")));
}

/// The pod of a workload. Nobody has made its account.
fn pod(object: &Value, namespace: &str) -> Option<Value> {
    let template = object.pointer("/spec/template").or(object.pointer("/spec/jobTemplate/spec/template"))?;
    let mut pod = template.clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    let name =
        format!("{}-{}", object["kind"].as_str()?.to_lowercase(), object["metadata"]["name"].as_str()?);
    pod["metadata"]["name"] = name.into();
    pod["metadata"]["namespace"] = namespace.into();
    pod["spec"].as_object_mut()?.remove("serviceAccountName");
    for claim in object["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let name = &claim["metadata"]["name"];
        let volume = json!({"name": name, "persistentVolumeClaim": {"claimName": name}});
        match pod["spec"]["volumes"].as_array_mut() {
            Some(volumes) => volumes.push(volume),
            None => pod["spec"]["volumes"] = json!([volume]),
        }
    }
    Some(pod)
}
