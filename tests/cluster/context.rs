//! A manifest that says which cluster it is meant for never reaches another one.

use std::fs;

use super::daphnia::{Desk, config_map, job};

/// The name of the kubeconfig's only context, and of its cluster.
fn names(desk: &Desk) -> (String, String) {
    let config = fs::read_to_string(desk.cluster.kubeconfig()).expect("the kubeconfig can be read");
    let value = |field: &str| {
        let line = config.lines().find_map(|line| line.trim().strip_prefix(field));
        line.expect("the kubeconfig has it").trim().trim_matches('"').to_owned()
    };
    (value("current-context:"), value("cluster:"))
}

fn meant_for(cluster: &str) -> String {
    format!("spec:\n  targetCluster: {{clusterName: {cluster}}}\n")
}

#[test]
fn a_manifest_for_another_cluster_is_refused_at_its_line_by_diff_apply_and_run() {
    let Some(desk) = Desk::new() else { return };
    let (context, _) = names(&desk);
    desk.write_example("job.yaml", &[("spec:\n", &meant_for("production"))]);
    desk.mark();
    for command in ["diff", "apply", "run"] {
        desk.daphnia(&[command, "job.yaml"])
            .exits(2)
            .tells("--> job.yaml:")
            .tells("targetCluster: {clusterName: production}")
            .tells(&format!("meant for the cluster `production`, and the context is `{context}`"))
            .tells("--context NAME");
    }
    // Of these alone, lists would be asked for while they are checked.
    desk.write("maps.yaml", &["a", "b", "c"].map(|name| config_map(name, "x")).join("---\n"));
    for command in ["diff", "apply"] {
        desk.daphnia(&[command, "maps.yaml", "job.yaml"])
            .exits(2)
            .tells("meant for the cluster `production`");
    }
    assert_eq!(desk.requests(), [], "no request left");
}

#[test]
fn a_context_that_has_the_cluster_is_named() {
    let Some(mut desk) = Desk::new() else { return };
    let (context, cluster) = names(&desk);
    let config = fs::read_to_string(desk.cluster.kubeconfig()).expect("the kubeconfig can be read");
    let start = config.find("contexts:").expect("it has contexts");
    let other = format!(
        "contexts:\n- name: elsewhere\n  context: {{cluster: other, user: nobody}}\n{}",
        &config[start + "contexts:\n".len()..]
    );
    let clusters = "clusters:\n- name: other\n  cluster: {server: 'https://127.0.0.1:1'}\n";
    let all = format!("{}{other}", &config[..start]).replacen("clusters:\n", clusters, 1);
    desk.write("two.yaml", &all.replacen("users:\n", "users:\n- name: nobody\n  user: {}\n", 1));
    desk.use_kubeconfig(Some("two.yaml"));

    desk.write_example("job.yaml", &[("spec:\n", &meant_for("other"))]);
    desk.daphnia(&["diff", "job.yaml"]).exits(2).tells("choose it with `--context elsewhere`");
    desk.daphnia(&["diff", "job.yaml", "--context", "elsewhere"])
        .exits(4)
        .tells("cannot reach `127.0.0.1:1`");
    for name in [&context, &cluster] {
        desk.write_example("job.yaml", &[("spec:\n", &meant_for(name))]);
        desk.daphnia(&["diff", "job.yaml"]).exits(1).tells("created");
    }
}

#[test]
fn the_label_of_the_origin_names_a_context() {
    let Some(desk) = Desk::new() else { return };
    let (context, _) = names(&desk);
    for domain in ["project-planton.org", "planton.dev"] {
        let label = |name: &str| format!("  labels: {{kubernetes.{domain}/context: {name}}}\nspec:\n");
        desk.write_example("job.yaml", &[("spec:\n", &label("production"))]);
        desk.daphnia(&["apply", "job.yaml"])
            .exits(2)
            .tells(&format!("kubernetes.{domain}/context: production"))
            .tells("meant for the context `production`");
        desk.write_example("job.yaml", &[("spec:\n", &label(&context))]);
        desk.daphnia(&["diff", "job.yaml"]).exits(1).tells("created");
    }
}

#[test]
fn a_program_for_credentials_runs_for_one_connection_and_not_for_manifests_that_are_refused() {
    let Some(mut desk) = Desk::new() else { return };
    let config = fs::read_to_string(desk.cluster.kubeconfig()).expect("the kubeconfig can be read");
    let (before, rest) = config.split_once("{token: ").expect("the administrator has a token");
    let (token, after) = rest.split_once('}').expect("it ends");
    let calls = desk.folder().join("calls");
    let credential = format!(
        r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{token}"}}}}"#
    );
    desk.write("login", &format!("echo called >> {}\necho '{credential}'\n", calls.display()));
    let program = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, args: [{}]}}}}",
        desk.folder().join("login").display()
    );
    desk.write("program.yaml", &[before, &program, after].concat());
    desk.use_kubeconfig(Some("program.yaml"));
    let called = || {
        let lines = fs::read_to_string(&calls).unwrap_or_default().lines().count();
        let _ = fs::remove_file(&calls);
        lines
    };

    let maps = ["a", "b", "c"].map(|name| config_map(name, "x")).join("---\n");
    desk.write("broken.yaml", &maps.replace("kind: ConfigMap", "kind: ConfigMap\ndate: {}"));
    for command in ["diff", "apply"] {
        desk.daphnia(&[command, "broken.yaml"]).tells("unknown field `date`");
        assert_eq!(called(), 0, "{command}");
    }
    desk.write("maps.yaml", &maps);
    desk.daphnia(&["apply", "maps.yaml"]).exits(0);
    // Once for the connection, and once for its certificate.
    assert_eq!(called(), 2, "apply");
    desk.write("job.yaml", &job("work", "true"));
    desk.daphnia(&["run", "job.yaml", "--detach"]).exits(0);
    assert_eq!(called(), 2, "run");
    let history = desk.history();
    let run = history[0].split_whitespace().next().unwrap_or_default();
    assert_eq!(called(), 2, "history");
    desk.daphnia(&["rerun", run, "--detach", "-n", "NAMESPACE"]).exits(0);
    assert_eq!(called(), 2, "rerun");
}
