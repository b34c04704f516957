//! Where each field of a rendered object comes from: `render --origins`, and `explain` of one field.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Deserializer, Value};

use super::desk::{Desk, ROOT, Said, in_root};

/// Every example, and every variant that is rendered in tests.
fn manifests() -> Vec<String> {
    let folders = ["examples", "tests/render", "tests/cluster/functions"]
        .map(|folder| fs::read_dir(in_root(folder)).unwrap());
    let paths = folders.into_iter().flatten().map(|entry| entry.unwrap().path().display().to_string());
    paths.filter(|path| path.ends_with(".yaml")).collect()
}

fn objects(path: &str) -> Vec<Value> {
    let text = Desk::new().daphnia(&["render", path, "-o", "json", "--show-secrets"]).stdout;
    Deserializer::from_str(&text).into_iter().map(Result::unwrap).collect()
}

fn list_fields<'v>(value: &'v Value, pointer: &str, fields: &mut BTreeMap<String, &'v Value>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.replace('~', "~0"), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, item)| (n.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        let pointer = format!("{pointer}/{}", key.replace('/', "~1"));
        list_fields(child, &pointer, fields);
        fields.insert(pointer, child);
    }
}

/// Returns the line that an origin names, from where it points on; `None` for a default.
fn line_of(origin: &str, manifest: &str) -> Option<String> {
    if let Some(path) = origin.strip_prefix("default of ") {
        assert!(path.starts_with("spec.") || path.starts_with("metadata."), "{origin}");
        return None;
    }
    let template = origin.strip_prefix("template ").map(|place| format!("{ROOT}/templates/{place}:1"));
    let place = template.as_deref().unwrap_or(origin);
    assert!(template.is_some() || place.starts_with(manifest), "{origin} is no place in {manifest}");
    let mut parts = place.rsplitn(3, ':');
    let mut number = || parts.next().unwrap().parse::<usize>().unwrap();
    let (column, line) = (number(), number());
    let text = fs::read_to_string(parts.next().unwrap()).unwrap_or_else(|error| panic!("{origin}: {error}"));
    let line = text.lines().nth(line - 1).unwrap_or_else(|| panic!("there is no line {origin}"));
    let rest: String = line.chars().skip(column - 1).collect();
    assert!(!rest.is_empty(), "nothing stands at {origin}");
    Some(rest)
}

/// Says whether a value may have been made of what stands in a line of a manifest.
fn may_be_made_of(value: &Value, line: &str) -> bool {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let written = line.trim_start_matches(['"', '\'']).split([',', '}', ']']).next().unwrap_or_default();
    let mut words = written.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let is_written = text.is_empty() || line.contains(&text) || words.any(|word| text.contains(word));
    // The id of a run is cut; a reference stands for a value of another manifest, and YAML has octal numbers.
    let is_cut = text.split('-').any(|part| part.len() == 8 && line.starts_with(part));
    is_written || is_cut || line.contains("kind: Kubernetes") || line.starts_with('0')
}

#[test]
fn every_field_of_every_object_has_an_origin_that_is_there() {
    let mut count = 0;
    for manifest in manifests() {
        let said = Desk::new().daphnia(&["render", &manifest, "--origins", "-o", "json"]);
        let origins: Value = serde_json::from_str(&said.stdout).unwrap();
        let objects = objects(&manifest);
        assert_eq!(origins.as_array().unwrap().len(), objects.len());
        for (object, origins) in objects.iter().zip(origins.as_array().unwrap()) {
            let mut fields = BTreeMap::new();
            list_fields(object, "", &mut fields);
            let origins = origins["fields"].as_array().unwrap();
            let told: BTreeMap<&str, &str> = origins
                .iter()
                .map(|field| (field["pointer"].as_str().unwrap(), field["origin"].as_str().unwrap()))
                .collect();
            assert!(told.keys().eq(fields.keys()), "{manifest}: {}", object["kind"]);
            for (pointer, origin) in told {
                let line = line_of(origin, &manifest);
                let value = fields[pointer];
                // The size of a quota follows from the name of a preset, and Secrets hold base64.
                let is_other = value.is_object()
                    || value.is_array()
                    || object["kind"] == "Secret"
                    || pointer.ends_with("requests.cpu");
                if let Some(line) = line.filter(|_| !is_other && !origin.starts_with("template ")) {
                    assert!(may_be_made_of(value, &line), "{pointer}: {value} is not of {origin}: {line}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 500, "{count} values of manifests");
}

fn explained(address: &str, more: &[&str]) -> Said {
    let example = fs::read_to_string(in_root("examples/kubernetes-job.yaml")).unwrap();
    Desk::new().with("job.yaml", example).daphnia(&[&["explain", address, "job.yaml"], more].concat())
}

/// The line of a text that has some words in it, from one.
fn line_with(file: &str, words: &str) -> usize {
    let text = fs::read_to_string(in_root(file)).unwrap();
    1 + text.lines().position(|line| line.contains(words)).unwrap_or_else(|| panic!("no {words} in {file}"))
}

#[test]
fn a_rendered_field_is_explained() {
    let manifest = line_with("examples/kubernetes-job.yaml", "backoffLimit: 2");
    let macros = line_with("templates/macros.yaml", "backoffLimit: {{ spec.backoffLimit }}");
    let template = line_with("templates/kubernetes-job.yaml", "spec: {{ macros.job(");
    let said = explained("Job.spec.backoffLimit", &[]);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "Job reports/nightly-report: spec.backoffLimit",
            "  value    2",
            &format!("  from     job.yaml:{manifest}:17                   | backoffLimit: 2"),
        ],
        "{}",
        said.stdout
    );
    assert_eq!(
        lines[3],
        format!(
            "  through  template macros.yaml:{macros}         | backoffLimit: {{{{ spec.backoffLimit }}}}"
        )
    );
    assert!(lines[4].starts_with(&format!(
        "           template kubernetes-job.yaml:{template}  | spec: {{{{ macros.job("
    )));
    assert!(
        lines[6..].join(" ").starts_with("Job.spec.backoffLimit: integer Specifies the number of retries")
    );
    assert_eq!(said.status, 0);
}

#[test]
fn an_object_and_a_field_are_named_in_several_ways() {
    let image = "spec.template.spec.containers[0].image";
    for (address, path, value) in [
        (&*format!("Job/nightly-report:{image}"), image, "busybox:1.36"),
        (
            "jobs/reports/nightly-report:spec.template.spec.containers[job-container].image",
            image,
            "busybox:1.36",
        ),
        (
            "configmap:metadata.labels['app.kubernetes.io/name']",
            "metadata.labels[\"app.kubernetes.io/name\"]",
            "nightly-report",
        ),
        ("Secret.data.API_TOKEN", "data.API_TOKEN", "<masked 1>"),
    ] {
        let said = explained(address, &[]);
        let lines: Vec<&str> = said.stdout.lines().collect();
        assert!(
            said.status == 0 && lines[0].ends_with(&format!(": {path}")),
            "{address}: {}{}",
            said.stdout,
            said.stderr
        );
        assert_eq!(lines[1], format!("  value    {value}"), "{address}");
        assert!(!said.stdout.contains("not-a-real-token"), "{}", said.stdout);
    }
    let said = explained("Job:spec.template.spec.containers[0].resources", &[]);
    let part = "limits:         # template macros.yaml";
    assert!(
        said.stdout.contains(part) && said.stdout.contains("\n  cpu: 500m     # job.yaml:15:12\n"),
        "{}",
        said.stdout
    );
    assert!(explained("Namespace", &[]).stdout.contains("\n  name: reports "));
}

/// A text that several fields are in comes from the one that it begins with, else from its longest part.
#[test]
fn a_text_of_several_fields_has_the_most_telling_origin() {
    let text = "apiVersion: daphnia.dev/v1
kind: ContainerFunction
metadata: {name: etl}
spec:
  image: python:3.12
  baseImage: python:3.12
  labels: [of today, etl]
  project: churn
  tasks:
    - action: serve
      servicePorts: [80]
      volumes: [{volumeType: persistent_volume_claim, name: everything, mountPath: /data}]
    - {action: build, image: r.example.com/etl:v1, instructions: [ls, apt-get install -y git]}
";
    let desk = Desk::new().with("f.yaml", text);
    for (address, place) in [
        ("Deployment:metadata.name", "f.yaml:3:18"),
        ("PersistentVolumeClaim:metadata.name", "f.yaml:3:18"),
        ("Deployment:metadata.annotations['daphnia.dev/labels']", "f.yaml:7:12"),
        ("ConfigMap:data.Dockerfile", "f.yaml:13:71"),
        ("Job:spec.template.spec.containers[0].args[4]", "f.yaml:13:30"),
    ] {
        let said = desk.daphnia(&["explain", address, "f.yaml"]);
        assert!(
            said.stdout.contains(&format!("  from     {place} ")),
            "{address}: {}{}",
            said.stdout,
            said.stderr
        );
    }
}

#[test]
fn what_did_not_come_from_the_manifest_says_so() {
    let set = ["--set", "spec.image.tag=v9", "--set", "spec.env.secrets.API_TOKEN=hidden-word"];
    for (address, origin) in [
        ("Job.spec.completions", "--set spec.completions\n"),
        ("Secret.data.API_TOKEN", "--set spec.env.secrets.API_TOKEN\n"),
        ("Job.spec.template.spec.restartPolicy", "default of spec.restartPolicy\n"),
        ("Secret.type", "template beside-workload.yaml:"),
    ] {
        let said = explained(
            address,
            &[&set[..], &["--set", "spec.completions=4", "--set", "spec.restartPolicy=null"]].concat(),
        );
        let from = said.stdout.lines().find(|line| line.starts_with("  from")).unwrap_or_default();
        assert!(format!("{from}\n").contains(origin), "{address}: {}{}", said.stdout, said.stderr);
        assert!(!said.stdout.contains("hidden-word"), "{}", said.stdout);
    }
}

#[test]
fn a_field_that_is_not_there_has_a_next_step() {
    for (address, words) in [
        (
            "Job.spec.backofLimit",
            "`spec` of Job reports/nightly-report has no `backofLimit`\n |\n = help: did you mean `backoffLimit`?",
        ),
        ("Job.spec.template.spec.containers[1]", "help: it has job-container"),
        ("Job.spec.suspend.x", "help: it is a boolean"),
        ("Jb/nightly-report:spec", "no object `Jb/nightly-report` among those"),
        ("Job/nightly-reprt:spec", "Job/reports/nightly-report"),
        ("Job.spec..x", "is no path to a field"),
    ] {
        let said = explained(address, &[]);
        assert!(said.status == 2 && said.stderr.contains(words), "{address}: {}", said.stderr);
    }
    let two = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n";
    let desk = Desk::new().with("two.yaml", two);
    let said = desk.daphnia(&["explain", "Namespace.metadata", "two.yaml"]);
    assert!(
        said.stderr.contains("may mean 2 of the objects\n |\n = help: name one of Namespace/a, Namespace/b"),
        "{}",
        said.stderr
    );
    let said = desk.daphnia(&["explain", "Namespace/b:metadata.name"]);
    assert!(
        said.status == 2 && said.stderr.contains("`daphnia explain Namespace/b:metadata.name FILE`"),
        "{}",
        said.stderr
    );
    assert!(
        desk.daphnia(&["explain", "Namespace/b:metadata.name", "two.yaml"]).stdout.contains("two.yaml:7:18")
    );
}
