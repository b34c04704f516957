//! `--fix` makes the edits that are safe, and not a byte elsewhere.

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;

/// Before, after, how many findings were mended.
const FIXES: &[(&str, &str, &str, usize)] = &[
    (
        "comments and layout stay",
        "# head\napiVersion: batch/v1   # two\nkind: Job\nmetadata: {name: a}\nspec:\n\n  parallelism:   4 # four\n  completions: 2\n  backoffLimit: '3'\n  template:\n      spec:\n          restartPolicy: Never\n          containers:\n          -   name: main\n              comand: [sh]   # typo\n              image: \"busybox:1.36\"\n              env: [ {name: A, value: 1_000}, {name: B, value: yes} ]\n# tail",
        "# head\napiVersion: batch/v1   # two\nkind: Job\nmetadata: {name: a}\nspec:\n\n  parallelism:   2 # four\n  completions: 2\n  backoffLimit: 3\n  template:\n      spec:\n          restartPolicy: Never\n          containers:\n          -   name: main\n              command: [sh]   # typo\n              image: \"busybox:1.36\"\n              env: [ {name: A, value: \"1_000\"}, {name: B, value: \"yes\"} ]\n# tail",
        5,
    ),
    (
        "a byte order mark and CRLF stay; a line is added with the file's own line break",
        "\u{feff}apiVersion: kubernetes.project-planton.org/v1\r\nkind: KubernetesJob\r\nmetadata:\r\n  name: a\r\nspec:\r\n  namespace: b\r\n  image: {repo: busybox, tag: 1.36}\r\n  suspend: off # for now\r\n---\r\n# end\r\n",
        "\u{feff}apiVersion: kubernetes.project-planton.org/v1\r\nkind: KubernetesJob\r\nmetadata:\r\n  name: a\r\nspec:\r\n  namespace: b\r\n  image: {repo: busybox, tag: \"1.36\"}\r\n  suspend: false # for now\r\n  restartPolicy: Never\r\n---\r\n# end\r\n",
        3,
    ),
    (
        "a line is added at the end of a file without a last line break, after nested fields",
        "apiVersion: kubernetes.project-planton.org/v1\nkind: KubernetesJob\nmetadata: {name: a}\nspec:\n    namespace: b\n    image:\n        repo: busybox\n        tag: '1.36'",
        "apiVersion: kubernetes.project-planton.org/v1\nkind: KubernetesJob\nmetadata: {name: a}\nspec:\n    namespace: b\n    image:\n        repo: busybox\n        tag: '1.36'\n    restartPolicy: Never",
        1,
    ),
    (
        "no line is added below a block scalar or in flow style",
        "apiVersion: kubernetes.project-planton.org/v1\nkind: KubernetesJob\nmetadata: {name: a}\nspec:\n  namespace: b\n  image: {repo: busybox, tag: '1.36'}\n  configMaps:\n    a: |+\n      text\n\n---\n{apiVersion: kubernetes.project-planton.org/v1, kind: KubernetesJob, metadata: {name: c}, spec: {namespace: b, image: {repo: busybox, tag: '1.36'}}}\n",
        "apiVersion: kubernetes.project-planton.org/v1\nkind: KubernetesJob\nmetadata: {name: a}\nspec:\n  namespace: b\n  image: {repo: busybox, tag: '1.36'}\n  configMaps:\n    a: |+\n      text\n\n---\n{apiVersion: kubernetes.project-planton.org/v1, kind: KubernetesJob, metadata: {name: c}, spec: {namespace: b, image: {repo: busybox, tag: '1.36'}}}\n",
        0,
    ),
    (
        "one edit makes the next one possible",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a, labels: {on: x}}\nspec:\n  completions: 1\n  parallelism: 0x2\n  template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'b:1', volumeMounts: [{name: m, mountPath: ./d}]}], volumes: [{name: m, emptyDir: {}}]}}\n",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a, labels: {\"on\": x}}\nspec:\n  completions: 1\n  parallelism: 1\n  template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'b:1', volumeMounts: [{name: m, mountPath: /d}]}], volumes: [{name: m, emptyDir: {}}]}}\n",
        3,
    ),
];

#[test]
fn files_are_mended_byte_for_byte() {
    for (what, before, after, count) in FIXES {
        let folder = Folder::new().with("a.yaml", before);
        let run = folder.run(&["validate", "--fix", "a.yaml"]);
        assert_eq!(&folder.read("a.yaml"), after, "{what}\n{}", run.stdout);
        let told = run.stderr.lines().next().unwrap_or_default();
        match count {
            0 => assert!(!told.contains("mended"), "{what}: {told}"),
            1 => assert_eq!(told, "1 finding mended", "{what}"),
            _ => assert_eq!(told, format!("{count} findings mended"), "{what}"),
        }
        assert!(!run.stderr.contains("`--fix` mends"), "{what}: nothing is left to mend: {}", run.stderr);
        let again = folder.run(&["validate", "--fix", "a.yaml"]);
        assert_eq!((folder.read("a.yaml").as_str(), again.status), (*after, run.status), "{what}");
    }
}

#[test]
fn the_exit_status_is_that_of_the_mended_file() {
    let folder = Folder::new().with("a.yaml", FIXES[0].1);
    assert_eq!(folder.run(&["validate", "a.yaml"]).status, 1);
    assert_eq!(folder.run(&["validate", "--fix", "a.yaml"]).status, 0);
    let broken = FIXES[0].1.replace("kind: Job", "kind: Jobs\nnonsense: 1");
    let folder = Folder::new().with("a.yaml", &broken);
    let run = folder.run(&["validate", "--fix", "a.yaml"]);
    assert_eq!(run.status, 1, "{}", run.stdout);
    assert!(run.stdout.contains("nonsense") && !run.stdout.contains("comand"), "{}", run.stdout);
}

#[test]
fn diff_shows_the_edits_and_leaves_the_file() {
    let folder = Folder::new().with("a.yaml", FIXES[0].1);
    let run = folder.run(&["validate", "--fix", "--diff", "a.yaml"]);
    assert_eq!((folder.read("a.yaml").as_str(), run.status), (FIXES[0].1, 0));
    assert!(run.stdout.starts_with("--- a.yaml\n+++ a.yaml\n@@ -4,15 +4,15 @@\n"), "{}", run.stdout);
    assert!(run.stdout.contains("-  backoffLimit: '3'\n+  backoffLimit: 3\n"), "{}", run.stdout);
    assert!(run.stderr.contains("5 findings would be mended"), "{}", run.stderr);
}

#[test]
fn secrets_are_hidden_in_the_diff_too() {
    let text =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: hunter2\n  b: 12345678\n";
    let folder = Folder::new().with("a.yaml", text);
    let run = folder.run(&["validate", "--fix", "--diff", "a.yaml"]);
    assert!(run.stdout.contains("-  b: ********\n+  b: \"********\"\n"), "{}", run.stdout);
    assert!(!run.stdout.contains("hunter2") && !run.stderr.contains("12345678"), "{run:?}");
}

#[test]
fn standard_input_is_not_written() {
    let folder = Folder::new();
    let run = folder.run_with(&["validate", "--fix", "-"], FIXES[0].1);
    assert_eq!((run.codes(), run.status), (vec!["error[unwritable]".to_owned()], 2));
    let run = folder.run_with(&["validate", "--fix", "--diff", "-"], FIXES[0].1);
    assert_eq!(run.status, 0);
    assert!(run.stdout.contains("+  backoffLimit: 3"), "{}", run.stdout);
}

#[test]
fn a_guess_is_not_an_edit() {
    let text = "apiVersion: kubernetes.project-planton.org/v1\nkind: KubernetesJob\nmetadata: {name: a}\nspec:\n  namespace: {valueFrom: {kind: ConfigMap, name: prod-1, fieldPath: data.x}}\n  image: {repo: busybox, tag: '1.36'}\n";
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: prod-2}\ndata: {x: y}\n";
    let folder = Folder::new().with("a.yaml", text).with("b.yaml", map);
    let run = folder.run(&["validate", "--fix", "."]);
    assert_eq!(folder.read("a.yaml"), text);
    assert!(run.stdout.contains("did you mean `prod-2`?"), "{}", run.stdout);
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new().with("real/a.yaml", FIXES[0].1);
    let real = folder.path("real/a.yaml");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real/a.yaml", folder.path("link.yaml")).unwrap();
    let run = folder.run(&["validate", "--fix", "link.yaml"]);
    assert_eq!((folder.read("real/a.yaml").as_str(), run.status), (FIXES[0].2, 0));
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(std::fs::symlink_metadata(folder.path("link.yaml")).unwrap().is_symlink());
    assert_eq!(std::fs::read_dir(folder.path("real")).unwrap().count(), 1);
}
