//! `render -o DIR` and `--origins`.

use std::fs;

use serde_json::Value;

use super::desk::{Desk, examples, in_root};

fn job() -> Desk {
    Desk::new().with("job.yaml", fs::read_to_string(in_root("examples/kubernetes-job.yaml")).unwrap())
}

#[test]
fn a_folder_has_a_file_for_each_object() {
    let desk = job();
    let said = desk.daphnia(&["render", "job.yaml", "-o", "out/k8s"]);
    assert_eq!((said.status, said.stdout.as_str()), (0, ""), "{}", said.stderr);
    let names = [
        "configmap-reports-report.sh.yaml",
        "job-reports-nightly-report.yaml",
        "namespace-reports.yaml",
        "secret-reports-nightly-report-env-secrets.yaml",
    ];
    assert_eq!(desk.files("out/k8s"), names);
    let whole = desk.daphnia(&["render", "job.yaml"]).stdout;
    for name in names {
        let text = desk.read(&format!("out/k8s/{name}"));
        let (mark, object) = text.split_once('\n').unwrap();
        assert!(mark.starts_with("# Written by `daphnia render`"), "{mark}");
        assert!(whole.contains(&format!("---\n{object}")), "{name} is not as in the stream");
    }
}

#[test]
fn a_folder_keeps_what_others_wrote() {
    let desk = job().with("out/namespace-reports.yaml", "mine\n").with("out/README.md", "mine\n");
    let said = desk.daphnia(&["render", "job.yaml", "-o", "out"]);
    assert_eq!(said.status, 2);
    assert!(said.stderr.contains("`out/namespace-reports.yaml` is there already"), "{}", said.stderr);
    assert_eq!(desk.files("out"), ["README.md", "namespace-reports.yaml"]);
    assert_eq!(desk.read("out/namespace-reports.yaml"), "mine\n");
    assert_eq!(desk.daphnia(&["render", "job.yaml", "-o", "out", "--force"]).status, 0);
    let said = desk.daphnia(&["render", "job.yaml", "-o", "out", "--set", "metadata.name=other"]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert!(said.stderr.contains("out/job-reports-nightly-report.yaml is from an earlier render"));
    assert_eq!(desk.read("out/README.md"), "mine\n");
    assert_eq!(desk.files("out").iter().filter(|name| name.contains("unfinished")).count(), 0);
}

#[test]
fn a_misspelt_format_is_no_folder() {
    let said = job().daphnia(&["render", "job.yaml", "-o", "yml"]);
    assert!(said.status == 2 && said.stderr.contains("did you mean `yaml`?"), "{}", said.stderr);
}

#[test]
fn origins_stand_beside_every_field_and_change_nothing() {
    let desk = Desk::new();
    for kind in examples() {
        let path = in_root(&format!("examples/{kind}.yaml"));
        let plain = desk.daphnia(&["render", &path]).stdout;
        let told = desk.daphnia(&["render", &path, "--origins"]).stdout;
        assert_eq!(told.lines().count(), plain.lines().count());
        for (told, plain) in told.lines().zip(plain.lines()) {
            assert!(told.starts_with(plain), "{told}");
            let beside = told[plain.len()..].trim_start();
            assert!(beside.is_empty() || beside.starts_with("# "), "{told}");
        }
        let again = desk.daphnia(&["render", &path, "--origins", "-o", "out"]);
        assert_eq!(again.status, 0, "{}", again.stderr);
        fs::remove_dir_all(desk.folder.join("out")).unwrap();
    }
}

#[test]
fn origins_name_manifest_template_default_and_argument() {
    let desk = job();
    let text = desk.read("job.yaml");
    let line = 1 + text.lines().position(|line| line.starts_with("  backoffLimit: ")).unwrap();
    let secret = "spec.env.secrets.API_TOKEN.value=hunter2";
    let told = desk.daphnia(&["render", "job.yaml", "--origins", "--set", secret]).stdout;
    for (field, origin) in [
        ("backoffLimit: 2", format!("job.yaml:{line}:17")),
        ("cpu: 500m", "job.yaml:".to_owned()),
        ("kind: Job", "template ".to_owned()),
        ("API_TOKEN: <masked", "--set spec.env.secrets.API_TOKEN.value".to_owned()),
    ] {
        let line = told.lines().find(|line| line.trim_start().starts_with(&format!("{field} ")));
        let line = line.unwrap_or_else(|| panic!("no `{field}` in\n{told}"));
        assert!(line.contains(&format!("  # {origin}")), "{line}");
    }
    assert!(!told.contains("hunter2"));
    let without = text.replacen("  createNamespace: true\n", "", 1).replacen("      cpu: 500m\n", "", 1);
    let desk = desk.with("job.yaml", without);
    let told = desk.daphnia(&["render", "job.yaml", "--origins"]).stdout;
    assert!(told.contains("# default of spec.resources.limits.cpu"), "{told}");
    let listed = desk.daphnia(&["render", "job.yaml", "--origins", "-o", "json"]).stdout;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let job = listed.as_array().unwrap().last().unwrap();
    let fields = job["fields"].as_array().unwrap();
    let image = fields.iter().find(|f| f["pointer"] == "/spec/template/spec/containers/0/image").unwrap();
    assert_eq!(image["path"], "spec.template.spec.containers[0].image");
    assert!(image["origin"].as_str().unwrap().starts_with("job.yaml:"), "{image}");
}
