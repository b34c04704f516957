//! `daphnia diff` shows what an apply would change, and changes nothing.

use super::daphnia::{Desk, config_map, job};
use super::harness::success;

#[test]
fn what_is_new_is_shown_whole_and_nothing_is_changed() {
    let Some(desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    desk.mark();
    let title = format!("ConfigMap {}/settings", desk.namespace.name());
    desk.daphnia(&["diff", "settings.yaml"])
        .exits(1)
        .prints(&[
            &format!("{title}: created"),
            "--- /dev/null",
            &format!("+++ {title} (after)"),
            "+kind: ConfigMap",
            "+  key: one",
        ])
        .tells("1 created");
    assert_eq!(desk.writes(), []);
    assert!(desk.object("configmaps", "settings").is_none());
}

#[test]
fn a_change_is_a_unified_diff_and_no_change_is_no_text() {
    let Some(desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    desk.daphnia(&["apply", "settings.yaml"]).exits(0);
    let said = desk.daphnia(&["diff", "settings.yaml"]).exits(0).tells("1 unchanged (server)");
    assert_eq!(said.stdout, "");
    desk.write("settings.yaml", &config_map("settings", "two"));
    let said = desk.daphnia(&["diff", "settings.yaml"]).exits(1).prints(&["-  key: one", "+  key: two"]);
    let changed = said.stdout.lines().filter(|line| line.starts_with(['-', '+'])).count();
    assert_eq!(changed, 4, "one line is another, and two are the heading");
}

#[test]
fn a_replaced_job_names_only_the_fields_that_force_it() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write_example("job.yaml", &[]);
    desk.daphnia(&["apply", "job.yaml"]).exits(0);
    let name = format!("Job {}/nightly-report", desk.namespace.name());
    let mut said = desk
        .daphnia(&["diff", "job.yaml", "--set", "spec.image.tag=1.37"])
        .exits(1)
        .prints(&[&format!("{name}: replaced, since `spec.template.spec.containers[0].image` is immutable")])
        .prints(&["-        image: busybox:1.36", "+        image: busybox:1.37"]);
    let changed = said.stdout.lines().filter(|line| line.starts_with(['-', '+'])).count();
    assert_eq!(changed, 4, "no line that the server has written shows");

    let args = ["diff", "job.yaml", "--set", "spec.image.tag=1.37", "--set", "spec.backoffLimit=3"];
    said = desk.daphnia(&args).exits(1);
    let title = said.stdout.lines().next().unwrap_or_default();
    assert!(!title.contains("backoffLimit"), "what can be changed in place forces nothing: {title}");
    said.prints(&["-  backoffLimit: 2", "+  backoffLimit: 3"]);
}

const SECRET: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: token
  namespace: NAMESPACE
stringData:
  token: first-secret-value
";

#[test]
fn secrets_never_show_though_their_changes_do() {
    let Some(desk) = Desk::new() else { return };
    let values = ["first-secret-value", "second-secret-value"];
    let encoded = ["Zmlyc3Qtc2VjcmV0LXZhbHVl", "c2Vjb25kLXNlY3JldC12YWx1ZQ=="];
    let hidden = |mut said: super::daphnia::Said| {
        for secret in values.iter().chain(&encoded) {
            said = said.keeps_quiet_about(secret.trim_end_matches('='));
        }
        said
    };
    desk.write("secret.yaml", SECRET);
    hidden(desk.daphnia(&["diff", "secret.yaml"]).exits(1))
        .prints(&["+kind: Secret", "+  token: <masked 1>"]);
    hidden(desk.daphnia(&["apply", "secret.yaml"]).exits(0));
    hidden(desk.daphnia(&["diff", "secret.yaml"]).exits(0));
    desk.write("secret.yaml", &SECRET.replace("first", "second"));
    hidden(desk.daphnia(&["diff", "secret.yaml"]).exits(1))
        .prints(&["-  token: <masked 1>", "+  token: <masked 2>"]);
    // In whatever form; and `kubectl apply` leaves a copy of it in an annotation.
    let theirs = SECRET.replace("name: token", "name: theirs");
    desk.namespace.apply(&theirs.replace("NAMESPACE", desk.namespace.name()));
    desk.write("theirs.yaml", &theirs.replace("first", "second"));
    for shape in [
        &["-o", "patch"][..],
        &["--all"],
        &["-o", "summary"],
        &["-o", "json", "--all"],
        &["--read-only", "--all"],
    ] {
        let said = desk.daphnia(&[&["diff", "secret.yaml", "theirs.yaml"], shape].concat());
        hidden(said.exits(1)).keeps_quiet_about("stringData");
    }
    // Also where the server complains of it.
    desk.write("secret.yaml", &SECRET.replace("stringData", "data"));
    hidden(desk.daphnia(&["apply", "secret.yaml"]).exits(1)).tells("secret.yaml:7:");
}

#[test]
fn what_others_have_added_is_left_alone_and_does_not_show() {
    let Some(desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    desk.daphnia(&["apply", "settings.yaml"]).exits(0);
    success(desk.namespace.kubectl(&["annotate", "configmap", "settings", "example.com/note=theirs"]));
    desk.daphnia(&["diff", "settings.yaml"]).exits(0);
    desk.write("settings.yaml", &config_map("settings", "two"));
    desk.daphnia(&["apply", "settings.yaml"]).exits(0);
    let annotations = &desk.object("configmaps", "settings").expect("it is there")["metadata"]["annotations"];
    assert_eq!(annotations["example.com/note"], "theirs");
}

#[test]
fn what_another_has_changed_shows_and_is_put_right() {
    let Some(desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "ours"));
    desk.daphnia(&["apply", "settings.yaml"]).exits(0);
    let patch = r#"{"data": {"key": "theirs"}}"#;
    let args = ["patch", "configmap", "settings", "--type=merge", "-p", patch, "--field-manager=somebody"];
    success(desk.namespace.kubectl(&args));
    desk.daphnia(&["diff", "settings.yaml"])
        .exits(1)
        .prints(&["-  key: theirs", "+  key: ours"])
        .tells("`data.key` belongs to `somebody`, so an apply needs `--force-conflicts`");
    desk.daphnia(&["apply", "settings.yaml"]).exits(3).tells("belongs to `somebody`");
}

#[test]
fn a_field_that_leaves_the_manifest_leaves_the_object() {
    let Some(desk) = Desk::new() else { return };
    desk.write("settings.yaml", &format!("{}  other: gone\n", config_map("settings", "one")));
    desk.daphnia(&["apply", "settings.yaml"]).exits(0);
    desk.write("settings.yaml", &config_map("settings", "one"));
    desk.daphnia(&["diff", "settings.yaml"]).exits(1).prints(&["-  other: gone"]);
    desk.daphnia(&["apply", "settings.yaml"]).exits(0);
    assert_eq!(
        desk.object("configmaps", "settings").expect("it is there")["data"].to_string(),
        r#"{"key":"one"}"#
    );
}

#[test]
fn who_may_only_read_sees_a_diff_all_the_same() {
    let Some(mut desk) = Desk::new() else { return };
    desk.write("all.yaml", &[config_map("settings", "one"), config_map("other", "one")].join("---\n"));
    desk.daphnia(&["apply", "all.yaml"]).exits(0);
    desk.namespace.allow("developer", &["get", "list"], &["configmaps", "secrets"]);
    desk.be("developer");
    desk.daphnia(&["diff", "all.yaml"]).exits(0);
    let changed = [config_map("settings", "two"), config_map("other", "one"), config_map("new", "one")];
    desk.write("all.yaml", &changed.join("---\n"));
    desk.daphnia(&["diff", "all.yaml"])
        .exits(1)
        .prints(&["-  key: one", "+  key: two"])
        .tells("only reading, for lack of the right to patch")
        .tells("1 created, 1 configured, 1 unchanged (read-only)");
    desk.mark();
    desk.daphnia(&["diff", "all.yaml", "--read-only"]).exits(1).prints(&["-  key: one", "+  key: two"]);
    let verbs: Vec<String> = desk.requests().into_iter().map(|request| request.verb).collect();
    assert_eq!(verbs, ["list"]);
}

#[test]
fn what_has_no_namespace_or_no_definition_yet_is_new_with_a_warning_and_misspelt_kinds_are_errors() {
    let Some(desk) = Desk::new() else { return };
    let elsewhere = |name: &str| config_map(name, "one").replace("NAMESPACE", "no-such-namespace");
    let gadget =
        "apiVersion: no-such.example.com/v1\nkind: Gadget\nmetadata: {name: g, namespace: NAMESPACE}\n";
    desk.write("all.yaml", &[elsewhere("a"), elsewhere("b"), gadget.to_owned()].join("---\n"));
    desk.mark();
    let said = desk
        .daphnia(&["diff", "all.yaml"])
        .exits(1)
        .prints(&["ConfigMap no-such-namespace/a: created", "+  key: one"])
        .prints_a_line_with("/g: created")
        .tells("warning the namespace `no-such-namespace` does not exist, so an apply would be refused")
        .tells("does not serve `Gadget` in `no-such.example.com/v1`, so an apply would be refused")
        .tells("3 created (server)");
    assert_eq!(said.stderr.matches("does not exist").count(), 1, "once, for all that is in it");
    desk.daphnia(&["apply", "all.yaml"]).exits(2).tells("does not serve `Gadget`");
    desk.write("all.yaml", &gadget.replace("no-such.example.com", "apiextensions.k8s.io"));
    desk.daphnia(&["diff", "all.yaml"]).exits(2);
    assert_eq!(desk.writes(), []);
}

#[test]
fn an_object_that_only_the_context_makes_another_one_is_told() {
    let Some(desk) = Desk::new() else { return };
    let placeless = config_map("settings", "two").replace("  namespace: NAMESPACE\n", "");
    desk.write("all.yaml", &[config_map("settings", "one"), placeless].join("---\n"));
    desk.daphnia(&["diff", "all.yaml", "-n", "NAMESPACE"])
        .exits(2)
        .tells("/settings is made twice, for objects without a namespace go to")
        .tells("--> all.yaml:12:9")
        .tells("first made here");
}

#[test]
fn a_difference_that_the_server_does_not_see_is_none() {
    let Some(desk) = Desk::with_node() else { return };
    let with = |memory: &str| {
        format!("{}          resources: {{limits: {{memory: {memory}, cpu: 500m}}}}\n", job("sized", "true"))
    };
    desk.write("job.yaml", &with("64Mi"));
    desk.daphnia(&["apply", "job.yaml"]).exits(0);
    desk.write("job.yaml", &with("65536Ki").replace("500m", "0.5"));
    desk.daphnia(&["diff", "job.yaml"]).exits(0);
}

#[test]
fn an_error_is_more_than_1_so_that_it_is_no_change() {
    let Some(desk) = Desk::new() else { return };
    let with_port = |port: &str| {
        format!(
            "{}{port}",
            config_map("settings", "one")
                .replace("ConfigMap", "Service")
                .replace("data:\n  key: one\n", "spec:\n")
        )
    };
    desk.write("service.yaml", &with_port("  clusterIPs: [8.8.8.8]\n  ports: [{port: 80}]\n"));
    desk.daphnia(&["diff", "service.yaml"]).exits(2).tells("the server refuses `Service");
}
