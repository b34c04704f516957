//! What is wrong with a schema, a template or a folder is an error at its own line, and never the end of the program.

use super::platform::{EXAMPLE, PARTS, SCHEMA, TEMPLATE, team, team_with};
use crate::folder::Folder;

/// What is replaced by what in the schema, the text that the error points at, and a part of its words.
const SCHEMAS: &[(&str, &str, &str, &str)] = &[
    (
        r#""required": ["apiVersion""#,
        r#""required" ["apiVersion""#,
        r#"["apiVersion""#,
        "no JSON: expected `:`",
    ),
    (
        r#"false,<1>"required": ["apiV"#,
        r#"false,<1>,"required": ["apiV"#,
        r#","required": ["apiV"#,
        "no JSON",
    ),
    (r#""integer", "minimum": 0"#, r#""intger", "minimum": 0"#, r#""intger""#, "there is no type `intger`"),
    (r#""fieldPath": "retries""#, r#""fieldPath": "retires""#, r#""retires""#, "`retires` leads to no field"),
    (r#""title": "DatabaseBackup""#, r#""title": 7"#, "7,", "`title` must be a string"),
    ("x-lints", "x-lint", r#""x-lint""#, "there is no keyword `x-lint`"),
    (
        r#""minimum": 1, "default""#,
        r#""x-kubernetes-field": "Pod.spec.afinity", "default""#,
        r#""Pod.spec.afinity""#,
        "Kubernetes has no field `Pod.spec.afinity`",
    ),
    ("x-keyed-by", "x-keyd-by", r#""x-keyd-by""#, "did you mean `x-keyed-by`?"),
    (r#""minimum": 1, "default""#, r#""minimun": 1, "default""#, r#""minimun""#, "did you mean `minimum`?"),
    (r#""format": "bytes""#, r#""format": "byts""#, r#""byts""#, "did you mean `bytes`?"),
    (r#""fieldPath": "retries""#, r#""fieldpath": "retries""#, r#""fieldpath""#, "unknown field `fieldpath`"),
    (r#""level": "allow""#, r#""level": "off""#, r#""off""#, "`x-lints[1].level` cannot be `off`"),
    (r#""many-retries""#, r#""Many Retries""#, r#""Many Retries""#, "write a lint's name in lower case"),
    (r#""has(self.keep)","#, r#""has(self.keep","#, r#""has(self.keep","#, "this expression cannot be used"),
    ("string(10)", "string(", r#""string(""#, "this expression cannot be used"),
    (
        "$defs/database\"",
        "$defs/databse\"",
        r#""common.json#/$defs/databse"#,
        "did you mean `common.json#/$defs/database`?",
    ),
    (
        "$defs/metadata",
        "$defs/metdata",
        r#""common.json#/$defs/metdata"#,
        "did you mean `common.json#/$defs/metadata`?",
    ),
    (
        "\"#/$defs/variables",
        "\"#/$defs/variable",
        r##""#/$defs/variable""##,
        "did you mean `#/$defs/variables`?",
    ),
    (
        "\"#/$defs/variables\"",
        "\"https://example.com/x.json\"",
        r#""https://example.com/x.json""#,
        "it stands alone",
    ),
    (
        r#""const": "DatabaseBackup""#,
        r#""const": "Backup""#,
        r#""Backup""#,
        "the schema in this file is that of `DatabaseBackup`",
    ),
    (
        r#""const": "platform.example.com/v1""#,
        r#""type": "string""#,
        r#"{"type": "string", "description": "Version"#,
        "does not say which `apiVersion`",
    ),
    (
        r#""x-keyed-by": "name","#,
        r##""$ref": "#/$defs/variables","##,
        r##"{<3>"type": "array","##,
        "leads back to itself",
    ),
    (r#""Its value.""#, r#""Its value.", "pattern": "(""#, r#""("}"#, "this schema cannot be used"),
];

/// Writes line breaks where a text has `<1>`, `<2>` …: as deep as that.
fn with_lines(text: &str) -> String {
    (1..9).fold(text.to_owned(), |text, depth| {
        text.replace(&format!("<{depth}>"), &format!("\n{:1$}", "", depth * 2))
    })
}

/// Finds a text in a file: its line and column.
fn position(text: &str, needle: &str) -> String {
    let at = text.find(needle).unwrap_or_else(|| panic!("there is no {needle}"));
    let line_start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    format!("{}:{}", text[..at].matches('\n').count() + 1, text[line_start..at].chars().count() + 1)
}

#[test]
fn what_is_wrong_with_a_schema_is_told_at_its_line() {
    for (old, new, needle, words) in SCHEMAS {
        let team = team_with(SCHEMA, &with_lines(old), &with_lines(new));
        let place = position(&team.read(SCHEMA), &with_lines(needle));
        for command in ["validate", "render"] {
            let run = team.run(&[command, EXAMPLE]);
            let said = format!("{}{}", run.stdout, run.stderr);
            assert_eq!(run.status, 2, "{new}: {said}");
            assert!(
                said.contains(&format!("--> {SCHEMA}:{place}\n")) && said.contains(words),
                "{new}: {said}"
            );
            assert_eq!(run.codes(), ["error[bad-kind]"], "{new}: {said}");
        }
    }
}

#[test]
fn what_a_folder_shares_is_looked_at_too() {
    let team = team_with("platform/schemas/common.json", "\"x-secret\": true", "\"x-secert\": true");
    let run = team.run(&["validate", EXAMPLE]);
    assert!(run.stdout.contains("--> platform/schemas/common.json:12:40"), "{}", run.stdout);
    let team = team_with("platform/schemas/common.json", "\"type\": \"object\"", "\"type\": \"objct\"");
    let run = team.run(&["explain", "DatabaseBackup"]);
    assert!(run.stderr.contains("--> platform/schemas/common.json:4:15"), "{}", run.stderr);
}

#[test]
fn a_kind_is_told_of_once_and_other_manifests_are_checked() {
    let team = team_with(SCHEMA, "x-lints", "x-lint");
    let manifest = team.read(EXAMPLE);
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndta: {}\n";
    let team =
        team.with("a.yaml", &format!("{manifest}---\n{manifest}---\n{other}")).with("b.yaml", &manifest);
    let run = team.run(&["validate", "a.yaml", "b.yaml"]);
    let mut codes = run.codes();
    codes.sort();
    assert_eq!(
        (codes, run.status),
        (vec!["error[bad-kind]".to_owned(), "error[unknown-field]".to_owned()], 2)
    );
}

#[test]
fn names_of_kinds_do_not_clash() {
    let team = team();
    let schema = team.read(SCHEMA);
    let team = team
        .with("other/schemas/database-backup.json", &schema)
        .with("more/schemas/kubernetes-job.json", &schema)
        .with("daphnia.toml", "kinds = [\"platform\", \"other\", \"more\"]\n");
    let run = team.run(&["validate", EXAMPLE]);
    assert!(run.stdout.contains("another schema: `platform/schemas/database-backup.json`"), "{}", run.stdout);
    assert!(run.stdout.contains("--> other/schemas/database-backup.json:1:1"), "{}", run.stdout);
    let run = team.run(&["explain", "KubernetesJob"]);
    assert!(run.stderr.contains("--> more/schemas/kubernetes-job.json:1:1"), "{}", run.stderr);
    // The other kinds are there, and both problems are told.
    let run = team.run(&["kinds"]);
    assert!(run.status == 2 && run.stdout.contains("KubernetesDeployment"), "{}", run.stdout);
    assert_eq!(run.codes().len(), 2, "{}", run.stderr);
    let run = team.run(&["explain", "KubernetesDeployment"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
}

#[test]
fn a_schema_with_another_files_name_is_found() {
    let team = team();
    let schema = team.read(SCHEMA);
    std::fs::remove_file(team.path(SCHEMA)).unwrap();
    let team = team.with("platform/schemas/DatabaseBackup.json", &schema);
    let run = team.run(&["validate", EXAMPLE]);
    assert!(
        run.stdout.contains("the schema of `DatabaseBackup` is called `database-backup.json`"),
        "{}",
        run.stdout
    );
}

#[test]
fn what_a_kind_lacks_is_named_by_the_command_that_needs_it() {
    let team = team();
    let manifest = team.read(EXAMPLE);
    std::fs::remove_file(team.path(EXAMPLE)).unwrap();
    let run = team.run(&["init", "DatabaseBackup"]);
    assert_eq!((run.status, run.codes()), (2, vec!["error[bad-kind]".to_owned()]));
    assert!(run.stderr.contains("help: write `platform/examples/database-backup.yaml`"), "{}", run.stderr);
    let team = team.with("a.yaml", &manifest);
    assert_eq!(team.run(&["validate", "a.yaml"]).status, 0);
    std::fs::remove_file(team.path(TEMPLATE)).unwrap();
    assert_eq!(team.run(&["explain", "DatabaseBackup"]).status, 0);
    let run = team.run(&["validate", "a.yaml"]);
    assert_eq!((run.status, run.codes()), (2, vec!["error[bad-kind]".to_owned()]));
    assert!(run.stdout.contains("there is no `platform/templates/database-backup.yaml`"), "{}", run.stdout);
}

#[test]
fn kinds_tells_what_only_a_manifest_would_meet() {
    let team = team_with(SCHEMA, "string(10)", "strin(10)");
    std::fs::remove_file(team.path(TEMPLATE)).unwrap();
    let run = team.run(&["kinds"]);
    assert!(run.status == 2 && run.stderr.contains("there is no function `strin`"), "{}", run.stderr);
    assert!(run.stderr.contains("there is no `platform/templates/database-backup.yaml`"), "{}", run.stderr);
}

#[test]
fn nothing_is_read_that_is_not_needed() {
    let team = team_with(SCHEMA, "\"required\"", "required");
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'b:1'}]}}}\n";
    let team = team.with("job.yaml", job);
    for arguments in [&["render", "job.yaml"][..], &["explain", "Job"], &["init", "KubernetesJob"]] {
        let run = team.run(arguments);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{arguments:?}");
    }
}

/// A change of a template, the text in whose line the error is, and a part of its words.
const TEMPLATES: &[(&str, &str, &str, &str, &str)] = &[
    (
        TEMPLATE,
        "{{ spec.retries }}",
        "{{ spec.retires }}",
        "spec.retires",
        "asks for `spec.retires`, and there is no such field",
    ),
    (TEMPLATE, "{{ spec.options }}", "{{ spec.options }", "spec.options", "cannot be rendered"),
    (TEMPLATE, "parts.yaml", "partz.yaml", "partz", "there is no template `partz.yaml` to import"),
    (TEMPLATE, "parts.variables", "parts.variable", "parts.variable", "did you mean `variables`?"),
    (
        TEMPLATE,
        "      restartPolicy: Never",
        "     restartPolicy: Never",
        "      containers",
        "not valid YAML",
    ),
    (TEMPLATE, "backoffLimit:", "backofLimit:", "backofLimit", "unknown field `backofLimit`"),
    (TEMPLATE, "restartPolicy: Never", "restartPolicy: Nevr", "Nevr", "cannot be `Nevr`"),
    (TEMPLATE, "kind: Secret", "kind: Secrets", "kind: Secrets", "no kind `Secrets`"),
    (PARTS, "spec.keep", "spec.kep", "spec.kep", "asks for `spec.kep`, and there is no such field"),
    (PARTS, "- name: KEEP", "- nam: KEEP", "- nam: KEEP", "unknown field `nam`"),
    (PARTS, "{% endfor %}", "", "{% endmacro %}", "endmacro"),
];

#[test]
fn what_is_wrong_with_a_template_is_told_at_its_line() {
    for (file, old, new, needle, words) in TEMPLATES {
        let team = team_with(file, old, new);
        let text = team.read(file);
        let line = position(&text, needle);
        let line = line.split(':').next().unwrap();
        let run = team.run(&["render", EXAMPLE]);
        assert!(run.status == 1 && run.stderr.contains(words), "{new}: {}", run.stderr);
        assert!(run.stderr.contains(&format!("--> template {file}:{line}:")), "{new}: {}", run.stderr);
    }
}

/// What the team's schema lets pass, and Kubernetes does not, is told at the value: wherever that was written.
#[test]
fn what_kubernetes_refuses_is_told_where_the_value_is_written() {
    let room = r#""format": "bytes", "default": "100Mi""#;
    let team = team_with(SCHEMA, room, r#""default": "100MB""#);
    let line = position(&team.read(SCHEMA), r#""100MB""#);
    let manifest = team.read(EXAMPLE);
    let team = team.with("room.yaml", &manifest.replace("keep: 14", "room: 10GB"));
    for (arguments, place, value) in [
        (&["room.yaml"][..], "room.yaml:10:9", "10GB"),
        (&[EXAMPLE, "--set", "spec.room=7MB"], "command line:1:17", "7MB"),
        (&[EXAMPLE], &*format!("{SCHEMA}:{line}"), "100MB"),
    ] {
        let run = team.run(&[&["render"], arguments].concat());
        let words = format!("ephemeral-storage`: `{value}` ends in `");
        assert!(run.status == 1 && run.stderr.contains(&words), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(&format!("--> {place}\n")), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.codes(), ["error[wrong-format]"], "{}", run.stderr);
    }
    let run = team.run(&["validate", EXAMPLE]);
    assert!(
        run.status == 1 && run.stdout.contains("help: it is the default of `spec.room`"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_template_reaches_no_file_outside_its_folder() {
    for file in ["../../secret.yaml", "/etc/hostname", "..\\\\secret.yaml"] {
        let team = team_with(TEMPLATE, "parts.yaml", file)
            .with("secret.yaml", "{% macro variables(a, b) %}x: 1{% endmacro %}");
        let run = team.run(&["render", EXAMPLE]);
        assert!(run.status == 1 && run.stderr.contains(&format!("{TEMPLATE}:2")), "{file}: {}", run.stderr);
    }
}

#[test]
fn folders_are_named_in_the_configuration() {
    for (toml, place, words) in [
        ("kinds = \"platform\"", "1:9", "`kinds` is a list of folders"),
        ("kinds = [\"plattform\"]", "1:10", "there is no file or folder `plattform`"),
        ("kinds = [\"empty\"]", "1:10", "neither a folder `schemas` nor a folder `templates`"),
        ("kinds = [\"platform\", \"platform\"]", "1:22", "listed twice"),
        ("kind = [\"platform\"]", "1:1", "did you mean `kinds`?"),
    ] {
        let team = team().with("empty/x", "").with("daphnia.toml", toml);
        for arguments in [&["validate", EXAMPLE][..], &["kinds"], &["explain", "Job"]] {
            let run = team.run(arguments);
            let said = format!("{}{}", run.stdout, run.stderr);
            assert!(run.status == 2 && said.contains(words), "{toml}: {said}");
            assert!(said.contains(&format!("daphnia.toml:{place}")), "{toml}: {said}");
        }
    }
    let team = team();
    assert!(!team.run(&["kinds", "--no-config"]).stdout.contains("DatabaseBackup"));
    let team = Folder::new().with("x/daphnia.toml", "kinds = [\"../y\"]").with("y/templates/z", "");
    assert_eq!(team.run(&["kinds", "--config", "x/daphnia.toml"]).status, 0);
}
