//! Which files are read, in which order, and which are passed over.

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;

const GOOD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
const BAD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {nme: a}\n";

/// Files that no cluster takes.
const STRANGERS: &[(&str, &str)] = &[
    (
        "kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n",
    ),
    ("old/kustomization.yaml", "resources: [a.yaml]\n"),
    ("chart/Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
    ("chart/values.yaml", "image: {tag: 1}\nversion: 2\nlink: x\n"),
    ("package.json", "{\"name\": \"a\", \"version\": \"1.0.0\"}\n"),
    ("list.yaml", "- a\n- b\n"),
    ("kubeconfig.yaml", "apiVersion: v1\nkind: Config\nusers: []\n"),
    ("workflow.yml", "name: ci\non: push\njobs: {}\n"),
    ("broken.yaml", "a: [1\nb: 2\n"),
    ("words.yaml", "---\n# only a comment\n---\n"),
];

fn strangers() -> Folder {
    STRANGERS.iter().fold(Folder::new(), |folder, (name, text)| folder.with(name, text))
}

#[test]
fn in_a_folder_what_is_no_object_is_passed_over() {
    let folder = strangers().with("b/good.yaml", GOOD).with(".hidden/bad.yaml", BAD).with("notes.txt", BAD);
    let run = folder.run(&["validate", "."]);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str(), run.status), ("", "1 manifest valid\n", 0));
    let run = folder.run(&["validate", ".", "--strict"]);
    assert_eq!(run.status, 1);
    for file in ["kustomization.yaml", "values.yaml", "list.yaml", "workflow.yml", "broken.yaml"] {
        assert!(run.stdout.contains(file), "{file}: {}", run.stdout);
    }
}

#[test]
fn a_named_file_that_is_no_object_gets_a_note() {
    let folder = strangers();
    for name in
        ["kustomization.yaml", "chart/values.yaml", "chart/Chart.yaml", "list.yaml", "kubeconfig.yaml"]
    {
        let run = folder.run(&["validate", name]);
        assert_eq!((run.codes(), run.status), (vec!["note[no-object]".to_owned()], 0), "{name}");
    }
    let run = folder.run(&["validate", "broken.yaml"]);
    assert_eq!((run.codes(), run.status), (vec!["error[yaml-syntax]".to_owned()], 1));
    let run = folder.run(&["validate", "words.yaml"]);
    assert_eq!((run.codes(), run.status), (vec!["error[no-input]".to_owned()], 2));
    let run = folder.run(&["render", "list.yaml"]);
    assert_eq!((run.codes(), run.status), (vec!["note[no-object]".into(), "error[no-input]".into()], 2));
}

#[test]
fn what_is_meant_as_an_object_is_not_passed_over() {
    for text in [
        "apiversion: v1\nkind: ConfigMap\n",
        "Kind: ConfigMap\n",
        "metadata: {}\nspec: {}\n",
        "kind: Job\n",
        "kind: Job\na: [1\nb: 2\n",
    ] {
        let run = Folder::new().with("a.yaml", text).run(&["validate", "."]);
        assert_eq!(run.status, 1, "{text}: {run:?}");
    }
}

#[test]
fn files_are_read_once_and_told_in_their_order() {
    let folder = Folder::new().with("z.yaml", BAD).with("b/2.yaml", BAD).with("b/1.yml", BAD).with(
        "b/10.json",
        "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"nme\": \"a\"}}",
    );
    let files = |arguments: &[&str]| -> Vec<String> {
        let run = folder.run(&[&["validate"], arguments].concat());
        assert_eq!(run.status, 1);
        run.codes_by_file().into_iter().map(|(file, _)| file).collect()
    };
    assert_eq!(files(&["z.yaml", "b"]), ["z.yaml", "b/1.yml", "b/10.json", "b/2.yaml"]);
    assert_eq!(
        files(&["b", "z.yaml", "./b/../z.yaml", "b/2.yaml"]),
        ["b/1.yml", "b/10.json", "b/2.yaml", "z.yaml"]
    );
    assert_eq!(files(&["**/*.yaml"]), ["b/2.yaml", "z.yaml"]);
    assert_eq!(files(&["-f", "z.yaml", "-f", "b/[0-9].y*"]), ["z.yaml", "b/1.yml", "b/2.yaml"]);
}

#[test]
fn many_files_are_told_the_same_every_time() {
    let folder = (0..60).fold(Folder::new(), |folder, i| {
        let text = if i % 7 == 0 {
            format!("apiVersion: kubernetes.project-planton.org/v1\nkind: KubernetesJob\nmetadata: {{name: j{i}}}\nspec: {{namespace: n, image: {{repo: a, tag: '1'}}, nonsense: 1}}\n")
        } else {
            BAD.to_owned()
        };
        folder.with(&format!("{i:02}.yaml"), &text)
    });
    let first = folder.run(&["validate", "."]);
    let files: Vec<String> = first.codes_by_file().into_iter().map(|(file, _)| file).collect();
    let mut sorted = files.clone();
    sorted.sort();
    assert_eq!((files.len() >= 60, &files), (true, &sorted));
    assert_eq!(folder.run(&["validate", "."]).stdout, first.stdout);
}

#[test]
fn what_is_not_there_is_told() {
    let folder = Folder::new().with("job.yaml", GOOD).with("empty/readme.txt", "");
    for (argument, words) in [
        ("jop.yaml", "did you mean `./job.yaml`?"),
        ("*.yml", "no file matches `*.yml`"),
        ("empty", "has no .yaml, .yml or .json file"),
    ] {
        let run = folder.run(&["validate", argument]);
        assert_eq!(run.status, 2, "{argument}");
        assert!(run.stdout.contains(words), "{}", run.stdout);
    }
    let run = folder.run_with(&["validate", "-"], "");
    assert_eq!((run.codes(), run.status), (vec!["error[no-input]".to_owned()], 2));
    let run = folder.run_with(&["validate", "-"], "- a\n");
    assert_eq!((run.codes(), run.status), (vec!["error[not-a-manifest]".to_owned()], 1));
    let run = folder.run_with(&["validate", "-", "job.yaml"], GOOD);
    assert_eq!((run.stderr.as_str(), run.status), ("2 manifests valid\n", 0));
}

#[test]
fn a_list_stands_for_its_items() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {nme: b}}\n";
    let run = Folder::new().with("a.yaml", text).run(&["validate", "a.yaml"]);
    assert_eq!(run.status, 1);
    assert!(run.stdout.contains("a.yaml:5:"), "{}", run.stdout);
}

#[test]
fn a_template_is_one_finding_for_its_file() {
    let text = "{{- if .Values.on }}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n---\na: {{ b }}\n{{- end }}\n";
    let folder = Folder::new()
        .with("chart/templates/a.yaml", text)
        .with("chart/Chart.yaml", "apiVersion: v2\nname: a\nversion: '1'\n");
    let run = folder.run(&["validate", "."]);
    assert_eq!((run.codes(), run.status), (vec!["error[unrendered-template]".to_owned()], 1));
    assert!(run.stdout.contains("helm template"), "{}", run.stdout);
    assert_eq!(folder.run(&["validate", ".", "--allow", "unrendered-template"]).status, 0);
}

#[test]
fn bytes_that_are_no_text_are_told_at_their_place() {
    let folder = Folder::new();
    std::fs::write(folder.path("a.yaml"), b"kind: x\nb: \xff\n").unwrap();
    let run = folder.run(&["validate", "a.yaml"]);
    assert_eq!((run.codes(), run.status), (vec!["error[not-utf-8]".to_owned()], 1));
    assert!(run.stdout.contains("a.yaml:2:4"), "{}", run.stdout);
}

#[test]
fn a_job_that_the_server_names_is_rendered_and_only_run() {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: report-, namespace: batch}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{name: a, image: b:1}]\n";
    let folder = Folder::new().with("job.yaml", job);
    assert!(folder.run(&["render", "job.yaml"]).stdout.contains("generateName: report-"));
    for command in ["diff", "apply"] {
        let run = folder.run(&[command, "job.yaml"]);
        assert_eq!(run.status, 2, "{}", run.stderr);
        assert!(
            run.stderr.contains("job.yaml:3:26") && run.stderr.contains("`daphnia run`"),
            "{}",
            run.stderr
        );
    }
}
