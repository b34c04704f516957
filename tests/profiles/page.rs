//! `docs/profiles.md` holds what it says: its profile does what it shows, and its tables have all that there is.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::desk::{JOB, every, patched, refused};
use crate::folder::Folder;
use crate::page::{files, session};

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/profiles.md")).unwrap()
}

/// The first cells of the table that begins with this row, without their quotes.
fn column(page: &str, head: &str) -> Vec<String> {
    let (_, table) = page.split_once(&format!("\n| {head} | ")).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| "));
    rows.map(|row| row.split(" | ").next().unwrap().trim_start_matches("| ").replace('`', "")).collect()
}

#[test]
fn its_commands_print_what_it_shows() {
    let page = page();
    let folder = files(&page, 4);
    assert_eq!(session(&page, &folder), 4);
    let run = folder.run(&["validate", "report.yaml", "--deny", "warnings"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{}", run.stderr);
}

#[test]
fn its_tables_have_every_profile_and_every_field() {
    let page = page();
    let list = Folder::new().run(&["profiles", "-o", "json"]).stdout;
    let list: Vec<Value> = serde_json::from_str(&list).unwrap();
    let names: Vec<_> = list.iter().map(|profile| profile["name"].as_str().unwrap()).collect();
    assert_eq!(column(&page, "profile"), names);
    for (head, profile) in [("field", "a: b\n"), ("field of a patch", "patches: [{a: b}]\n")] {
        let told = refused(JOB, profile);
        let (_, known) = told.split_once(" has the fields ").unwrap();
        let mut known: Vec<_> = known.lines().next().unwrap().split(", ").collect();
        let mut listed = column(&page, head);
        known.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, known, "{head}");
    }
}

/// The one Gateway that all workloads are reached through.
#[test]
fn its_gateway_takes_the_place_of_ingresses() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kubernetes-deployment.yaml");
    let folder = files(&page(), 4).with("a.yaml", &fs::read_to_string(example).unwrap());
    let kinds = |arguments: &[&str]| {
        let objects = every(&folder, arguments);
        let is_route = |object: &&Value| ["Ingress", "HTTPRoute"].contains(&object["kind"].as_str().unwrap());
        objects.iter().filter(is_route).cloned().collect::<Vec<_>>()
    };
    assert_eq!(kinds(&[])[0]["kind"], "Ingress");
    let [route] = &kinds(&["--profile", "gateway"])[..] else { panic!("there is one route") };
    let parents = json!([{"name": "public", "namespace": "gateways", "sectionName": "https"}]);
    assert_eq!((&route["kind"], &route["spec"]["parentRefs"]), (&json!("HTTPRoute"), &parents));
    let told = folder.run(&["validate", "a.yaml", "--profile", "gateway"]);
    assert_eq!(told.codes(), ["warning[no-effect]"], "the certificate of the Ingress");
    // Whoever has no Ingress gets no route.
    let job = folder.run(&["render", "report.yaml", "--profile", "gateway", "-o", "json"]);
    assert!(job.status == 0 && !job.stdout.contains("HTTPRoute"), "{}", job.stderr);
}

/// What a profile sees of a manifest, as the page says.
#[test]
fn its_variables_are_there() {
    let profile = "patches:\n- kinds: [Job]\n  patch:\n    metadata:\n      annotations:\n        a: '{{ kind }} {{ metadata.name }} {{ spec.backoffLimit }} {{ given.backoffLimit is defined }} {{ task is none }}'\n";
    assert_eq!(patched(JOB, profile)["metadata"]["annotations"]["a"], "KubernetesJob a 6 false true");
}
