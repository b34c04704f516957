//! Every example, and the variants in `tests/render`, as the Kubernetes objects that they become.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use daphnia::catalog::Catalog;
use daphnia::config::Config;
use daphnia::diagnostic::Diagnostic;
use daphnia::document::documents;
use daphnia::manifest::{Choice, Folders, manifests};
use daphnia::render::render;
use daphnia::source::Sources;
use daphnia::workers::Workers;
use daphnia::yaml::write_with_comments;

fn rendered(path: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_daphnia")).arg("render").arg(path).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {told}", path.display());
    String::from_utf8(output.stdout).unwrap()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    files
}

#[test]
fn manifests_become_objects() {
    for path in [files("examples"), files("tests/render")].concat() {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        insta::with_settings!({
            snapshot_path => "snapshots/render", prepend_module_to_snapshot => false, omit_expression => true,
        }, {
            insta::assert_snapshot!(name, rendered(&path));
        });
    }
}

/// A selector can never be changed, so nothing that may be changed in a manifest may reach it.
#[test]
fn labels_do_not_reach_selectors() {
    for kind in ["kubernetes-deployment", "kubernetes-stateful-set", "kubernetes-daemon-set"] {
        let [with, without] = ["labelled", "plain"].map(|case| {
            let text = rendered(Path::new(&format!("tests/render/{kind}_{case}.yaml")));
            let (_, rest) = text.split_once("    matchLabels:\n").expect("there is a selector");
            rest.lines().take_while(|line| line.starts_with("      ")).map(str::to_owned).collect::<Vec<_>>()
        });
        assert_eq!(with, without, "{kind}");
        assert!(!with.is_empty(), "{kind}");
    }
}

/// Manifests of several kinds; every fifth has an error, if any may have.
fn write_many(folder: &Path, has_errors: bool) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).unwrap();
    for n in 0..48 {
        let image = if has_errors && n % 5 == 0 { "{tag: v1}" } else { "{repo: a/b, tag: v1}" };
        let (kind, fields) = match n % 3 {
            0 => ("KubernetesJob", format!("image: {image}")),
            1 => ("KubernetesCronJob", format!("schedule: '0 3 * * *'\n  image: {image}")),
            _ => ("KubernetesDeployment", format!("container: {{app: {{image: {image}}}}}")),
        };
        let text = format!(
            "apiVersion: kubernetes.project-planton.org/v1\nkind: {kind}\nmetadata: {{name: n{n}}}\nspec:\n  namespace: batch\n  {fields}\n"
        );
        fs::write(folder.join(format!("{n:02}.yaml")), text).unwrap();
    }
}

/// What comes of a folder: the objects with the origin of each field, and every finding.
fn told(folder: &Path, workers: Workers) -> (Vec<String>, Vec<Diagnostic>) {
    let (sources, config, catalog) = (Sources::default(), Config::default(), Catalog::default());
    let read = documents(&[folder.to_owned()], &sources, workers);
    let choice = Choice { workers, ..Choice::default() };
    let library = Folders::new(&config, &sources);
    let (found, findings) = manifests(read.documents, &choice, &library, &catalog, &sources);
    let plan = render(found, &sources, workers).expect("what the manifests become is right");
    let objects = plan.objects.iter();
    let objects = objects.map(|object| write_with_comments(&object.node, &|node| sources.origin(node.place)));
    (objects.collect(), findings)
}

#[test]
fn many_threads_tell_what_one_tells() {
    for (name, has_errors) in [("right", false), ("wrong", true)] {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("render-many").join(name);
        write_many(&folder, has_errors);
        let (objects, findings) = told(&folder, Workers::One);
        assert!(objects.len() > 24, "threads share what is many");
        assert_eq!(daphnia::diagnostic::has_errors(&findings), has_errors, "{findings:?}");
        assert_eq!(told(&folder, Workers::All), (objects, findings));
    }
}
