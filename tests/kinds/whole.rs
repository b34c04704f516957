//! A schema, a template and an example, and no Rust: what a kind gets for them.

use std::process::Command;

use super::platform::{EXAMPLE, team};
use crate::folder::Folder;

/// The example with a part of it replaced.
fn with_manifest(old: &str, new: &str) -> Folder {
    let team = team();
    let example = team.read(EXAMPLE);
    assert!(example.contains(old), "the example has no {old}");
    team.with("backup.yaml", &example.replace(old, new))
}

#[test]
fn what_is_wrong_with_a_manifest_is_told_at_its_line() {
    for (old, new, place, words) in [
        ("kind: DatabaseBackup", "kind: DatabaseBakcup", "2:7", "did you mean `DatabaseBackup`?"),
        ("platform.example.com/v1", "platform.example.com/v2", "1:13", "`apiVersion` must be"),
        ("platform.example.com/v1", "platform.exmaple.com/v1", "1:13", "`apiVersion` must be"),
        ("keep: 14", "kepe: 14", "10:3", "similar name exists: `keep`"),
        ("keep: 14", "keep: often", "10:9", "must be an integer"),
        ("keep: 14", "keep: 0", "10:9", "at least 1"),
        ("keep: 14", "room: 10GB", "10:9", "no unit of a quantity"),
        ("keep: 14", "keep: 5", "11:14", "a full backup every 7 times is gone after 5"),
        ("    password: correct-horse\n", "", "7:3", "missing field `password`"),
        (
            "keep: 14",
            "env: {A: x, DAPHNIA_B: y}",
            "10:15",
            "variables that begin with `DAPHNIA_` are the tool's",
        ),
        ("keep: 14", "env: [{name: A}, {name: A}]", "10:27", "name `A` is given twice"),
        ("name: orders", "name: Orders", "4:9", "`metadata.name`"),
    ] {
        let team = with_manifest(old, new);
        let run = team.run(&["validate", "backup.yaml"]);
        assert!(run.status == 1 && run.stdout.contains(words), "{new}: {}", run.stdout);
        assert!(run.stdout.contains(&format!("--> backup.yaml:{place}\n")), "{new}: {}", run.stdout);
        assert_eq!(team.run(&["render", "backup.yaml"]).status, 1, "{new}");
    }
}

#[test]
fn every_spelling_is_taken() {
    let team = team();
    let expected = team.run(&["render", EXAMPLE, "--show-secrets"]).stdout;
    for (old, new) in [("database:", "db:"), ("fullEvery", "full_every"), ("apiVersion", "api_version")] {
        let run = with_manifest(old, new).run(&["render", "backup.yaml", "--show-secrets"]);
        assert_eq!(run.stdout, expected, "{new}: {}", run.stderr);
    }
    let run = with_manifest("keep: 14", "env: {A: x}").run(&["render", "backup.yaml"]);
    assert!(run.stdout.contains("        - name: A\n          value: x\n"), "{}", run.stdout);
}

#[test]
fn its_lints_warn_are_weighed_and_mended() {
    let many = "keep: 14\n  retries: 40 # a lot";
    let team = with_manifest("keep: 14", many);
    let run = team.run(&["validate", "backup.yaml"]);
    assert_eq!((run.status, run.codes()), (0, vec!["warning[many-retries]".to_owned()]));
    assert!(run.stdout.contains("--> backup.yaml:11:12\n"), "{}", run.stdout);
    assert_eq!(team.run(&["validate", "backup.yaml", "--deny", "many-retries"]).status, 1);
    assert!(
        team.run(&["validate", "backup.yaml", "--deny", "many-retrys"])
            .stderr
            .contains("did you mean `many-retries`?")
    );
    assert_eq!(team.run(&["validate", "backup.yaml", "--fix"]).status, 0);
    assert!(team.read("backup.yaml").contains("\n  retries: 10 # a lot\n"), "{}", team.read("backup.yaml"));

    let team = with_manifest("  keep: 14\n", "");
    assert!(team.run(&["validate", "backup.yaml"]).codes().is_empty());
    let run = team.run(&["validate", "backup.yaml", "--warn", "keep-unset", "--fix"]);
    assert_eq!(run.status, 0, "{}", run.stdout);
    assert!(
        team.read("backup.yaml").ends_with("  fullEvery: 7\n  keep: 7\n"),
        "{}",
        team.read("backup.yaml")
    );
    let team = with_manifest("keep: 14", "retries: 40 # daphnia: allow(many-retries) the network is bad");
    assert!(team.run(&["validate", "backup.yaml"]).codes().is_empty());
}

#[test]
fn its_secrets_are_never_shown() {
    let team = team();
    for arguments in
        [&["render", EXAMPLE][..], &["render", EXAMPLE, "-o", "json"], &["render", EXAMPLE, "--origins"]]
    {
        let run = team.run(arguments);
        assert!(run.status == 0 && !run.stdout.contains("correct-horse"), "{}", run.stdout);
    }
    assert!(team.run(&["render", EXAMPLE, "--show-secrets"]).stdout.contains("Y29ycmVjdC1ob3JzZQ=="));
    let team = with_manifest("password: correct-horse", "password: [correct-horse]");
    let run = team.run(&["validate", "backup.yaml"]);
    assert!(run.status == 1 && !run.stdout.contains("correct-horse"), "{}", run.stdout);
}

#[test]
fn every_field_knows_where_it_comes_from() {
    let text = team().run(&["render", EXAMPLE, "--origins", "--set", "spec.retries=5"]).stdout;
    for (field, origin) in [
        ("password: <masked 1>", "platform/examples/database-backup.yaml:9:15"),
        ("kind: Job", "template platform/templates/database-backup.yaml:13"),
        ("backoffLimit: 5", "--set spec.retries"),
        ("image: busybox:1.36", "default of spec.image"),
        ("value: orders.example.com", "platform/examples/database-backup.yaml:8:11"),
        ("value: \"5432\"", "default of spec.database.port"),
        ("key: password", "template platform/templates/parts.yaml:12"),
        ("app.kubernetes.io/managed-by: daphnia", "template macros.yaml:13"),
    ] {
        let line = text.lines().find(|line| line.trim_start_matches([' ', '-']).starts_with(field));
        let line = line.unwrap_or_else(|| panic!("no {field} in {text}"));
        assert!(line.contains(&format!("# {origin}")), "{line}");
    }
}

#[test]
fn it_is_explained_listed_and_begun() {
    let team = team();
    let text = team.run(&["explain", "databasebackup"]).stdout;
    assert!(text.starts_with("DatabaseBackup: map\n  apiVersion  platform.example.com/v1\n"), "{text}");
    let text = team.run(&["explain", "DatabaseBackup.spec.retries"]).stdout;
    assert!(
        text.contains("default     2") && text.contains("  - many-retries (warn): a backup that failed"),
        "{text}"
    );
    let text = team.run(&["explain", "DatabaseBackup.spec.db"]).stderr;
    assert!(text.contains("has no field `db`"), "{text}");
    let text = team.run(&["kinds"]).stdout;
    assert!(text.contains("\nDatabaseBackup ") && text.contains("A backup of one database"), "{text}");
    let kinds: serde_json::Value = serde_json::from_str(&team.run(&["kinds", "-o", "json"]).stdout).unwrap();
    let ours = kinds.as_array().unwrap().iter().find(|kind| kind["kind"] == "DatabaseBackup").unwrap();
    assert_eq!(
        (&ours["source"], &ours["apiVersions"][0]),
        (&"platform".into(), &"platform.example.com/v1".into())
    );
    let starter = team.run(&["init", "database-backup"]).stdout;
    assert!(starter.contains("  # How many backups are kept.\n  keep: 14\n"), "{starter}");
    assert!(starter.contains("  # retries: 2  # How often a failed backup is tried again."), "{starter}");
    let team = team.with("new.yaml", &starter);
    assert_eq!(team.run(&["validate", "new.yaml"]).status, 0);
    assert_eq!(team.run(&["render", "new.yaml"]).stdout, team.run(&["render", EXAMPLE]).stdout);
}

#[test]
fn its_schema_stands_alone_and_takes_its_example() {
    let team = team();
    let schema: serde_json::Value =
        serde_json::from_str(&team.run(&["schema", "DatabaseBackup"]).stdout).unwrap();
    let text = schema.to_string();
    assert_eq!(text.matches("\"$ref\":\"#/$defs/").count(), text.matches("\"$ref\"").count(), "{text}");
    assert!(schema["$defs"]["database"]["properties"]["host"].is_object(), "{text}");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let example: serde_json::Value = serde_yaml::from_str(&team.read(EXAMPLE)).unwrap();
    assert!(validator.is_valid(&example));
}

#[test]
fn a_shell_completes_it() {
    let team = team();
    let completed = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_daphnia"));
        command.current_dir(team.path("")).env("DAPHNIA_COMPLETE", "fish").arg("--").args(words);
        String::from_utf8(command.output().unwrap().stdout).unwrap().trim_end().to_owned()
    };
    assert_eq!(
        completed(&["daphnia", "init", "Data"]),
        "DatabaseBackup\tA backup of one database: it becomes a Job, with the Secret that it logs in with."
    );
    assert_eq!(
        completed(&["daphnia", "explain", "DatabaseBackup.spec.database."]),
        "DatabaseBackup.spec.database.host\tIts host.\nDatabaseBackup.spec.database.port\tIts port.\nDatabaseBackup.spec.database.password\tThe password"
    );
    assert_eq!(completed(&["daphnia", "validate", "--deny", "many"]), "many-retries");
}

/// A team's kind may have a name that is somebody else's, too.
#[test]
fn custom_resources_and_kubernetes_own_kinds_keep_their_names() {
    let team = team();
    let schema = team.read("platform/schemas/database-backup.json");
    let team = team
        .with("platform/schemas/job.json", &schema.replace("\"DatabaseBackup\"", "\"Job\""))
        .with("job.yaml", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'b:1'}]}}}\n")
        .with("other.yaml", "apiVersion: backups.acme.io/v1\nkind: DatabaseBackup\nmetadata: {name: a}\nspec: {anything: true}\n");
    let run = team.run(&["render", "job.yaml", "other.yaml"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains("apiVersion: batch/v1\n") && run.stdout.contains("anything: true\n"),
        "{}",
        run.stdout
    );
    assert!(run.stderr.contains("`backups.acme.io/v1` DatabaseBackup is not checked"), "{}", run.stderr);
}

#[test]
fn other_manifests_refer_to_it() {
    let job = "apiVersion: kubernetes.planton.dev/v1\nkind: KubernetesJob\nmetadata: {name: a}\nspec:\n  namespace: {valueFrom: {kind: DatabaseBackup, name: orders, fieldPath: spec.namespace.value}}\n  image: {repo: busybox, tag: '1.36'}\n";
    let team = team().with("job.yaml", job);
    let run = team.run(&["render", "job.yaml", EXAMPLE]);
    assert!(
        run.status == 0 && run.stdout.contains("kind: Job\nmetadata:\n  name: a\n  namespace: default\n"),
        "{}{}",
        run.stdout,
        run.stderr
    );
}
