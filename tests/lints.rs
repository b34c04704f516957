//! Every lint fires where it should and not beside it; levels come from the comment, the flag, the file, in this order.

#[path = "support/folder.rs"]
mod folder;
#[path = "lints/table.rs"]
mod table;

use std::collections::BTreeSet;

use folder::{Folder, Run};
use table::{CRON_JOB, DEPLOYMENT, FIRES, FUNCTION, JOB, NAMESPACE, OUR_CRON_JOB, OURS, QUIET};

fn validate(text: &str, arguments: &[&str]) -> Run {
    let folder = Folder::new().with("a.yaml", text);
    folder.run(&[&["validate", "a.yaml"], arguments].concat())
}

#[test]
fn sound_manifests_raise_no_lint() {
    for text in [OURS, FUNCTION, OUR_CRON_JOB, DEPLOYMENT, NAMESPACE, JOB, CRON_JOB] {
        let run = validate(text, &["--deny", "warnings"]);
        assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{text}");
    }
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let run = Folder::new().run(&["validate", examples, "--deny", "warnings"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
}

#[test]
fn each_lint_fires() {
    let mut folder = Folder::new();
    let mut expected = Vec::new();
    for (index, (name, text, from, to)) in FIRES.iter().enumerate() {
        assert!(text.contains(from), "{name}: {from}");
        let text = text.replacen(from, to, 1).replace("name: report", &format!("name: report-{index}"));
        folder = folder.with(&format!("{index:03}.yaml"), &text);
        if !QUIET.contains(name) {
            let level = if *name == "unrendered-template" { "error" } else { "warning" };
            expected.push((format!("{index:03}.yaml"), format!("{level}[{name}]")));
        }
    }
    assert_eq!(folder.run(&["validate", "."]).codes_by_file(), expected);
    let silent = folder.run(&["validate", ".", "--allow", "warnings,unrendered-template"]);
    assert_eq!((silent.codes(), silent.status), (vec![], 0));
    for name in QUIET {
        for (_, text, from, to) in FIRES.iter().filter(|(fires, ..)| fires == name) {
            let run = validate(&text.replacen(from, to, 1), &["--deny", name]);
            assert_eq!((run.codes(), run.status), (vec![format!("error[{name}]")], 1));
        }
    }
}

#[test]
fn each_lint_is_tested() {
    let run = validate(OURS, &["--deny", "nothing-of-this-name"]);
    let listed = run.stderr.split("lints: ").nth(1).unwrap().split("; or").next().unwrap();
    let listed: BTreeSet<String> = listed.split(',').map(|name| name.trim().to_owned()).collect();
    assert!(listed.len() > 20, "{listed:?}");
    let tested: BTreeSet<String> = FIRES.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(tested, listed);
}

#[test]
fn near_misses_stay_quiet() {
    for (text, from, to) in [
        (
            JOB,
            "busybox:1.36",
            "busybox@sha256:0123456789012345678901234567890123456789012345678901234567890123",
        ),
        (JOB, "name: MODE, value: fast", "name: TOKEN_URL, value: https://id.example.com"),
        (JOB, "completionMode: Indexed", "completionMode: NonIndexed"),
        (OURS, "MODE: fast", "PASSWORD_FILE: /run/secrets/password"),
        (OURS, "activeDeadlineSeconds: 600", "activeDeadlineSeconds: 0"),
        (OURS, "MODE: fast", "MODE: 'yes'"),
        (CRON_JOB, "  timeZone: Etc/UTC\n", "  suspend: true\n"),
    ] {
        let text = text.replacen(from, to, 1).replace("0 3 * * *\n  suspend", "'@every 1h'\n  suspend");
        let run = validate(&text, &[]);
        assert_eq!(run.codes(), Vec::<String>::new(), "{to}\n{}", run.stdout);
    }
}

#[test]
fn a_warning_does_not_fail_and_a_secret_is_not_shown() {
    let run = validate(&JOB.replace("name: MODE, value: fast", "name: TOKEN, value: hunter2"), &[]);
    assert_eq!((run.codes(), run.status), (vec!["warning[secret-literal]".to_owned()], 0));
    assert!(!run.stdout.contains("hunter2"), "{}", run.stdout);
    assert_eq!(run.stderr, "1 manifest valid, 1 warning\n");
}

#[test]
fn where_something_is_wrong_advice_waits_and_what_is_denied_does_not() {
    let text = OURS
        .replace("backoffLimit: 2", "backoff_limit: x # daphnia: allow(latest-tag)")
        .replace("'1.36'", "latest");
    assert_eq!(validate(&text, &[]).codes(), ["error[wrong-type]"]);
    assert_eq!(validate(&text, &["--deny", "missing-ttl"]).codes(), ["error[wrong-type]"]);
    assert_eq!(validate(&text, &["--deny", "warnings"]).codes(), ["error[latest-tag]", "error[wrong-type]"]);
}

#[test]
fn a_comment_lets_a_lint_pass_beside_above_and_around() {
    let allowed = [
        ("busybox:1.36", "busybox # daphnia: allow(latest-tag) pinned by the mirror"),
        ("          image: busybox:1.36", "          # daphnia: allow(latest-tag)\n          image: busybox"),
        (
            "        - name: main\n          image: busybox:1.36",
            "        # daphnia: allow(latest-tag)\n        # for now\n\n        - name: main\n          image: busybox",
        ),
        (
            "    spec:\n      restartPolicy: Never",
            "    spec: # daphnia: allow(latest-tag, on-failure-loses-logs)\n      restartPolicy: OnFailure",
        ),
    ];
    for (from, to) in allowed {
        assert!(JOB.contains(from));
        let text = JOB.replacen(from, to, 1).replace("image: busybox:1.36", "image: busybox");
        let run = validate(&text, &["--deny", "warnings"]);
        assert_eq!((run.stdout.as_str(), run.status), ("", 0), "{to}");
    }
    let whole = JOB.replace(":1.36", "").replace("  ttlSecondsAfterFinished: 3600\n", "");
    let whole = format!("# daphnia: allow(latest-tag, missing-ttl) a sketch\n---\n{whole}---\n{whole}");
    assert_eq!(validate(&whole, &[]).codes(), ["warning[missing-ttl]", "warning[latest-tag]"]);
}

#[test]
fn a_comment_that_cannot_be_followed_is_an_error() {
    let run = validate(&JOB.replace("kind: Job", "kind: Job # daphnia: allow(latest-tga)"), &[]);
    assert_eq!((run.codes(), run.status), (vec!["error[unknown-lint]".to_owned()], 1));
    assert!(run.stdout.contains("a.yaml:2:28") && run.stdout.contains("did you mean `latest-tag`?"));
    let run = validate(&JOB.replace("kind: Job", "kind: Job # daphnia: ignore latest-tag"), &[]);
    assert_eq!((run.codes(), run.status), (vec!["error[lint-comment]".to_owned()], 1));
    let text = JOB.replace("name: MODE, value: fast", "name: MODE, value: '# daphnia: nothing'");
    assert_eq!(validate(&text, &[]).codes(), Vec::<String>::new());
}

#[test]
fn levels_come_from_the_flag_then_the_file_then_the_lint() {
    let text = JOB.replace(":1.36", "");
    let toml = "[lints]\nlatest-tag = \"deny\"\n";
    let folder = Folder::new().with("deep/a.yaml", &text).with("daphnia.toml", toml);
    let run = folder.run(&["validate", "deep"]);
    assert_eq!((run.codes(), run.status), (vec!["error[latest-tag]".to_owned()], 1));
    assert!(run.stdout.contains("`latest-tag` is denied by daphnia.toml"), "{}", run.stdout);
    assert_eq!(folder.run(&["validate", "deep", "--warn", "latest-tag"]).codes(), ["warning[latest-tag]"]);
    assert_eq!(folder.run(&["validate", "deep", "--allow", "latest-tag"]).stdout, "");
    assert_eq!(folder.run(&["validate", "deep", "--no-config"]).codes(), ["warning[latest-tag]"]);
    assert_eq!(folder.run(&["render", "deep"]).status, 1);
    let folder = folder.with("daphnia.toml", "[lints]\nwarnings = \"deny\"\n");
    assert_eq!(folder.run(&["validate", "deep"]).codes(), ["error[latest-tag]"]);
    assert_eq!(folder.run(&["validate", "deep", "--allow", "latest-tag"]).status, 0);
    let some = folder.run(&["validate", "deep", "--allow", "warnings", "--warn", "latest-tag"]);
    assert_eq!(some.codes(), ["warning[latest-tag]"]);
}

#[test]
fn a_wrong_configuration_is_told_at_its_place() {
    let cases = [
        ("[lint]\n", "did you mean `lints`?", "daphnia.toml:1:2"),
        ("[lints]\nlatest-tga = \"deny\"\n", "did you mean `latest-tag`?", "daphnia.toml:2:1"),
        ("[lints]\nlatest-tag = \"error\"\n", "levels: \"allow\", \"warn\", \"deny\"", "daphnia.toml:2:14"),
        ("manifests = [\"nowhere\"]\n", "no file or folder `nowhere`", "daphnia.toml:1:14"),
        ("manifests = 1\n", "is a list of folders", "daphnia.toml:1:13"),
        ("lints = [\n", "toml.io", "daphnia.toml:"),
    ];
    for (toml, words, place) in cases {
        let run = Folder::new().with("daphnia.toml", toml).with("a.yaml", JOB).run(&["validate", "a.yaml"]);
        assert_eq!(run.status, 2, "{toml}");
        assert!(run.stderr.contains(words) && run.stderr.contains(place), "{}", run.stderr);
    }
    let run = validate(JOB, &["--deny", "latest-tag", "--allow", "latest-tag"]);
    assert_eq!((run.codes(), run.status), (vec!["error[lint-level]".to_owned()], 2));
}

#[test]
fn references_are_looked_up_in_the_folders_of_the_configuration() {
    let text = OURS.replace(
        "namespace: reports",
        "namespace: {valueFrom: {kind: ConfigMap, name: names, fieldPath: data.namespace}}",
    );
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: names}\ndata: {namespace: reports}\n";
    let folder = Folder::new().with("a.yaml", &text).with("platform/names.yaml", map);
    assert_eq!(folder.run(&["validate", "a.yaml"]).codes(), ["error[unresolved-reference]"]);
    let run = folder.run(&["validate", "a.yaml", "platform/names.yaml", "--deny", "warnings"]);
    assert_eq!((run.stdout.as_str(), run.status), ("", 0), "a file of the same run");
    let folder = folder.with("daphnia.toml", "manifests = [\"platform\"]\n");
    let run = folder.run(&["validate", "a.yaml", "--deny", "warnings"]);
    assert_eq!((run.stdout.as_str(), run.status), ("", 0));
    assert!(folder.run(&["render", "a.yaml"]).stdout.contains("namespace: reports"));
}

#[test]
fn the_readme_lists_every_lint_with_its_level() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let rows: BTreeSet<(String, String)> = readme
        .split("## Lints")
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap()
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|');
            let name = cells.next()?.trim().trim_end_matches('`').to_owned();
            Some((name, cells.next()?.trim().to_owned()))
        })
        .collect();
    let levels = daphnia::lint::Levels::new(&std::sync::Arc::default());
    let lints: BTreeSet<(String, String)> = levels
        .all()
        .iter()
        .map(|(name, level)| (name.clone(), format!("{level:?}").to_lowercase()))
        .collect();
    assert_eq!(rows, lints);
}
