//! `diff --against`: what a pull request changes, without a cluster; and how changes are written.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::checkers::assert_valid;
use super::desk::{Desk, Said, in_root};

const JOB: &str = "apiVersion: kubernetes.project-planton.org/v1
kind: KubernetesJob
metadata:
  name: nightly
spec:
  namespace: reports
  image: {repo: busybox, tag: \"1.36\"}
  backoffLimit: 2
  env:
    variables:
      LEVEL: info
    secrets:
      TOKEN: first-secret-value
";

fn config_map(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: reports}}\ndata: {{key: {value}}}\n"
    )
}

fn git(desk: &Desk, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(&desk.folder).args(["-c", "user.name=T", "-c", "user.email=t@example.com"]);
    let output = command.args(arguments).output().expect("git can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn commit(desk: &Desk) {
    git(desk, &["add", "-A"]);
    git(desk, &["commit", "-q", "--allow-empty", "-m", "change"]);
}

/// A repository whose branch `main` has a job and two ConfigMaps.
fn repository() -> Desk {
    let desk = Desk::new()
        .with("k8s/job.yaml", JOB)
        .with("k8s/old.yaml", config_map("old", "x"))
        .with("k8s/same.yaml", config_map("same", "x"));
    git(&desk, &["init", "-q", "-b", "main"]);
    commit(&desk);
    desk
}

/// What a pull request would do to it.
fn changed() -> Desk {
    let desk = repository();
    fs::remove_file(desk.folder.join("k8s/old.yaml")).unwrap();
    let job = JOB.replace("backoffLimit: 2", "backoffLimit: 4").replace("first", "second");
    desk.with("k8s/job.yaml", job).with("k8s/new.yaml", config_map("new", "x"))
}

fn ends(said: Said, status: i32, words: &str) -> String {
    assert_eq!(said.status, status, "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains(words), "{}", said.stderr);
    said.stdout
}

fn json(desk: &Desk, arguments: &[&str]) -> Value {
    let said = desk.daphnia(&[&["diff", "-o", "json"], arguments].concat());
    let json = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{}", said.stderr));
    let schema = fs::read_to_string(in_root("docs/changes.schema.json")).unwrap();
    assert_valid(&serde_json::from_str(&schema).unwrap(), &json);
    json
}

#[test]
fn a_revision_shows_what_a_pull_request_changes_each_hunk_with_its_line() {
    let desk = changed();
    let before = git(&desk, &["status", "--porcelain"]);
    let arguments = ["diff", "k8s", "--against", "git:main"];
    let patch = ends(desk.daphnia(&arguments), 1, "(offline against git:main)");
    let hunks: Vec<&str> = patch.lines().filter(|line| line.starts_with("@@")).collect();
    let places: Vec<&str> = hunks.iter().map(|hunk| hunk.rsplit(" @@").next().unwrap().trim()).collect();
    let [secret, new, job, hash, old] = places[..] else { panic!("{patch}") };
    let written =
        ["k8s/job.yaml:13:14", "k8s/new.yaml:1:1", "k8s/job.yaml:8:17", "git:main:k8s/old.yaml:1:1"];
    assert_eq!([secret, new, job, old], written, "{patch}");
    assert!(hash.starts_with("template macros.yaml:"), "{patch}");
    for line in [
        "ConfigMap reports/new: created",
        "Job reports/nightly: replaced, since `spec.template.metadata.annotations[\"daphnia.dev/config-hash\"]` is immutable",
        "-  backoffLimit: 2",
        "+  backoffLimit: 4",
        "ConfigMap reports/old: removed; a cluster keeps it unless it is pruned",
        "--- Job reports/nightly (git:main)",
        "-  TOKEN: <masked 1>",
        "+  TOKEN: <masked 2>",
    ] {
        assert!(patch.lines().any(|printed| printed == line), "no `{line}` in\n{patch}");
    }
    assert!(!patch.contains("same") && !patch.contains("secret-value"), "{patch}");
    assert_eq!(git(&desk, &["status", "--porcelain"]), before, "the working tree is as it was");
}

#[test]
fn no_change_is_status_0_and_no_text() {
    let desk = repository();
    let said = desk.daphnia(&["diff", "k8s", "--against", "git:HEAD"]);
    assert_eq!(ends(said, 0, "4 unchanged (offline against git:HEAD)"), "");
}

#[test]
fn a_summary_has_a_line_for_each_object() {
    let said = changed().daphnia(&["diff", "k8s", "--against", "git:main", "-o", "summary"]);
    let expected = "\
configured  Secret reports/nightly-env-secrets: data.TOKEN
created     ConfigMap reports/new
replaced    Job reports/nightly: spec.backoffLimit, spec.template.metadata.annotations[\"daphnia.dev/config-hash\"]
removed     ConfigMap reports/old
1 created, 1 configured, 1 replaced, 1 removed, 1 unchanged (offline against git:main)
";
    assert_eq!(ends(said, 1, ""), expected);
}

#[test]
fn json_is_as_its_schema_says_and_names_causes_and_places() {
    let desk = changed();
    let found = json(&desk, &["k8s", "--against", "git:main"]);
    assert_eq!(found["mode"], "offline");
    let objects = found["changes"].as_array().unwrap();
    let of = |name: &str| objects.iter().find(|one| one["name"] == name).unwrap();
    let field = &of("nightly")["fields"][0];
    assert_eq!(
        (&field["path"], &field["cause"], &field["change"]),
        (&"spec.backoffLimit".into(), &"you".into(), &"changed".into())
    );
    assert_eq!((&field["before"], &field["after"]), (&2.into(), &4.into()));
    assert_eq!(field["origin"], "k8s/job.yaml:8:17");
    assert_eq!(of("old")["origin"], "git:main:k8s/old.yaml:1:1");
    assert_eq!(of("same")["action"], "unchanged");
    assert!(!found.to_string().contains("secret-value"), "{found:#}");
}

#[test]
fn causes_tell_template_and_default_from_what_was_written() {
    let desk = Desk::new().with("job.yaml", JOB).with("earlier/none.yaml", config_map("other", "x"));
    let found = json(&desk, &["job.yaml", "--against", "earlier"]);
    let fields: Vec<&Value> = found["changes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|one| one["fields"].as_array().unwrap())
        .collect();
    let cause = |path: &str| {
        let field =
            fields.iter().find(|field| field["path"] == path).unwrap_or_else(|| panic!("{path}: {found:#}"));
        field["cause"].as_str().unwrap()
    };
    assert_eq!(cause("spec.backoffLimit"), "you");
    assert_eq!(cause("kind"), "template");
    assert_eq!(cause("spec.parallelism"), "default");
}

#[test]
fn paths_mean_the_same_from_wherever_they_are_named() {
    let desk = changed();
    let absolute = desk.folder.join("k8s");
    let absolute = absolute.to_str().unwrap();
    let ways = [
        ("", "k8s"),
        ("k8s", "."),
        ("k8s", "../k8s"),
        ("k8s", absolute),
        ("", "k8s/*.yaml"),
        ("..", absolute),
    ];
    for (folder, path) in ways {
        let said = desk.daphnia_in(folder, &["diff", path, "--against", "git:main"], &[]);
        ends(said, 1, "1 created, 1 configured, 1 replaced, 1 removed, 1 unchanged");
    }
}

#[test]
fn what_was_not_there_yet_is_new() {
    let desk = repository().with("more/a.yaml", config_map("a", "x"));
    let said = desk.daphnia(&["diff", "k8s", "more", "--against", "git:main"]);
    ends(
        said,
        1,
        "in git:main there is no file or folder `more`, so all of it is new\n1 created, 4 unchanged",
    );
}

#[test]
fn another_path_of_a_revision_can_be_named() {
    let desk = repository().with("moved/job.yaml", JOB.replace("backoffLimit: 2", "backoffLimit: 3"));
    let said = desk.daphnia(&["diff", "moved/job.yaml", "--against", "git:main:k8s/job.yaml"]);
    assert!(ends(said, 1, "1 configured, 1 unchanged").contains("+  backoffLimit: 3"));
    let said = desk.daphnia_in("moved", &["diff", "job.yaml", "--against", "git:main:k8s/job.yaml"], &[]);
    ends(said, 1, "1 configured, 1 unchanged");
}

#[test]
fn three_dots_mean_where_the_branch_began() {
    let desk = repository();
    git(&desk, &["checkout", "-q", "-b", "feature"]);
    git(&desk, &["checkout", "-q", "main"]);
    let desk = desk.with("k8s/theirs.yaml", config_map("theirs", "x"));
    commit(&desk);
    git(&desk, &["checkout", "-q", "feature"]);
    ends(desk.daphnia(&["diff", "k8s", "--against", "git:main"]), 1, "1 removed, 4 unchanged");
    ends(
        desk.daphnia(&["diff", "k8s", "--against", "git:main..."]),
        0,
        "4 unchanged (offline against git:main...)",
    );
}

#[test]
fn the_configuration_is_that_of_the_revision() {
    let job =
        JOB.replace("namespace: reports", "namespace: {valueFrom: {kind: KubernetesNamespace, name: NAME}}");
    let space = "apiVersion: kubernetes.project-planton.org/v1\nkind: KubernetesNamespace\nmetadata: {name: NAME}\nspec: {name: reports}\n";
    let desk = Desk::new()
        .with("daphnia.toml", "manifests = [\"one\"]\n")
        .with("one/space.yaml", space.replace("NAME", "first"))
        .with("k8s/job.yaml", job.replace("NAME", "first"));
    git(&desk, &["init", "-q", "-b", "main"]);
    commit(&desk);
    fs::remove_dir_all(desk.folder.join("one")).unwrap();
    let desk = desk
        .with("daphnia.toml", "manifests = [\"two\"]\n")
        .with("two/space.yaml", space.replace("NAME", "second"))
        .with("k8s/job.yaml", job.replace("NAME", "second").replace("backoffLimit: 2", "backoffLimit: 5"));
    let patch = ends(desk.daphnia(&["diff", "k8s", "--against", "git:main"]), 1, "1 configured, 1 unchanged");
    assert!(patch.contains("+  backoffLimit: 5"), "{patch}");
    for file in ["daphnia.toml", "./daphnia.toml"] {
        let said = desk.daphnia(&["diff", "k8s", "--against", "git:main", "--config", file]);
        ends(said, 1, "1 configured, 1 unchanged");
    }
}

#[test]
fn what_cannot_be_compared_with_is_told() {
    let desk = Desk::new().with("a.yaml", config_map("a", "x"));
    let said = desk.daphnia(&["diff", "a.yaml", "--against", "git:main"]);
    ends(said, 2, "is in no git repository");
    let desk = repository().with("a.yaml", config_map("a", "x"));
    ends(desk.daphnia(&["diff", "a.yaml", "--against", "git:mian"]), 2, "`mian` is no revision");
    ends(desk.daphnia(&["diff", "a.yaml", "--against", "git:mian"]), 2, "did you mean `main`?");
    ends(desk.daphnia(&["diff", "a.yaml", "--against", "git:--help"]), 2, "`--help` is no revision");
    ends(desk.daphnia(&["diff", "a.yaml", "--against", "git:"]), 2, "name a revision");
    ends(
        desk.daphnia(&["diff", "a.yaml", "--against", "nothing"]),
        2,
        "there is no file or folder `nothing`",
    );
    ends(desk.daphnia(&["diff", "-", "--against", "git:main"]), 2, "there is no manifest");
    // A revision that cannot be rendered is no empty one.
    let desk = desk.with("k8s/job.yaml", JOB.replace("backoffLimit", "backofLimit"));
    commit(&desk);
    let desk = desk.with("k8s/job.yaml", JOB);
    let said = desk.daphnia(&["diff", "k8s", "--against", "git:main"]);
    assert!(said.stderr.contains("git:main:k8s/job.yaml:8:3"), "{}", said.stderr);
    ends(said, 2, "git:main cannot be compared with, since it has errors");
}

#[test]
fn a_rendering_that_was_kept_can_be_compared_with_though_its_secrets_are_masked() {
    let desk = repository();
    assert_eq!(desk.daphnia(&["render", "k8s", "-o", "rendered/"]).status, 0);
    let said = desk.daphnia(&["diff", "k8s", "--against", "rendered"]);
    ends(said, 0, "Secret reports/nightly-env-secrets: what is masked there cannot be compared");
    let said = desk.daphnia(&["diff", "k8s", "--against", "rendered", "--set", "spec.backoffLimit=9"]);
    assert_eq!(said.status, 2, "a field of one manifest of several: {}", said.stderr);
    let said =
        desk.daphnia(&["diff", "k8s/job.yaml", "--against", "k8s/job.yaml", "--set", "spec.backoffLimit=9"]);
    let patch = ends(said, 1, "1 configured, 1 unchanged (offline against k8s/job.yaml)");
    assert!(patch.contains("@@ --set spec.backoffLimit\n"), "{patch}");
}

#[test]
fn variables_that_look_like_secrets_are_masked() {
    let pod = |value: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: a\n    image: busybox:1.36\n    env:\n    - {{name: DB_PASSWORD, value: {value}}}\n    - {{name: LEVEL, value: {value}}}\n"
        )
    };
    let desk = Desk::new().with("a.yaml", pod("hunter2-one")).with("b.yaml", pod("hunter2-two"));
    let patch = ends(desk.daphnia(&["diff", "b.yaml", "--against", "a.yaml"]), 1, "1 replaced");
    assert!(patch.contains("-      value: <masked 1>\n+      value: <masked 2>\n"), "{patch}");
    assert!(patch.contains("-      value: hunter2-one\n+      value: hunter2-two\n"), "{patch}");
}

#[test]
fn another_program_shows_the_changes_as_kubectl_would_have_it() {
    let desk = changed();
    let run = |program: &str| {
        desk.daphnia_in("", &["diff", "k8s", "--against", "git:main"], &[("KUBECTL_EXTERNAL_DIFF", program)])
    };
    let patch = ends(run("diff -u --recursive"), 1, "");
    assert!(patch.contains("/MERGED-") && patch.contains("/batch.v1.Job.reports.nightly\t"), "{patch}");
    assert!(
        patch.contains("/v1.ConfigMap.reports.new\t") && patch.contains("-  backoffLimit: 2\n"),
        "{patch}"
    );
    assert!(!patch.contains("ConfigMap.reports.same"), "{patch}");
    assert!(patch.contains("+  TOKEN: <masked 2>") && !patch.contains("c2Vjb25k"), "{patch}");
    let live = patch.split_whitespace().find(|word| word.contains("/LIVE-")).unwrap();
    let live = std::path::Path::new(live).parent().unwrap();
    assert!(!live.exists(), "{} is left behind", live.display());
    ends(run("true"), 0, "");
    ends(run("ls --no-such-option"), 2, "`ls --no-such-option` exited with status 2");
    ends(run("no-such-program -u"), 2, "`no-such-program -u` cannot be run: no such file or directory");
    // What was asked for by name is not handed on.
    let arguments = ["diff", "k8s", "--against", "git:main", "-o", "patch"];
    let said = desk.daphnia_in("", &arguments, &[("KUBECTL_EXTERNAL_DIFF", "true")]);
    assert!(ends(said, 1, "").contains("@@"));
}
