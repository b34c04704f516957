//! What goes wrong is told in a sentence that names the thing, the place and the next step, with its own exit status.

use std::fs;
use std::time::Duration;

use super::daphnia::{Desk, config_map, job};
use super::harness::{eventually, success};

// Why a job does not get on.

#[test]
fn an_image_that_is_not_there_is_named_within_seconds() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("typo", "true").replace("busybox:1.36", "REGISTRY/no/such:1"));
    let image = format!("image `{}/no/such:1`", desk.cluster.registry());
    for command in ["run", "apply"] {
        desk.daphnia(&[command, "job.yaml"])
            .exits(1)
            .takes_less_than(30)
            .tells(&format!("{image} of container `main` of pod `typo-"))
            .tells("was not found");
    }
    desk.daphnia(&["run", "job.yaml"])
        .exits(1)
        .tells("is stuck: image `")
        .tells("end it with `daphnia cancel typo-");
    assert!(desk.history().iter().all(|line| line.contains("stuck")), "{:?}", desk.history());
}

#[test]
fn an_image_that_the_registry_refuses_asks_for_its_pull_secret() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("denied", "true").replace("busybox:1.36", "REGISTRY/private/x:1"));
    desk.daphnia(&["run", "job.yaml"])
        .exits(1)
        .takes_less_than(30)
        .tells("the registry does not let")
        .tells("pull secret");
}

#[test]
fn a_container_that_ran_out_of_memory_is_told_with_its_limit() {
    let Some(desk) = Desk::with_node() else { return };
    let hungry = job("hungry", "tail /dev/zero") + "          resources: {limits: {memory: 32Mi}}\n";
    desk.write("job.yaml", &hungry);
    desk.daphnia(&["run", "job.yaml", "--propagate-exit-code"])
        .exits(137)
        .tells("container `main` of pod `hungry-")
        .tells("ran out of memory (limit 32Mi)");
}

#[test]
fn a_job_that_runs_longer_than_it_may_is_told_with_its_deadline() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("slow", "echo begun; sleep 60"));
    desk.daphnia(&["run", "job.yaml", "--set", "spec.activeDeadlineSeconds=2"])
        .exits(1)
        .takes_less_than(45)
        .prints(&["begun"])
        .tells("it ran longer than 2 s (activeDeadlineSeconds)");
}

#[test]
fn a_key_that_its_secret_does_not_have_is_named() {
    let Some(desk) = Desk::with_node() else { return };
    let secret = config_map("credentials", "one")
        .replace("kind: ConfigMap", "kind: Secret")
        .replace("\ndata:", "\nstringData:");
    let uses = job("reader", "true")
        + "          env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: credentials, key: tokn}}}]\n";
    desk.namespace.apply(&secret.replace("NAMESPACE", desk.namespace.name()));
    desk.write("job.yaml", &uses);
    desk.daphnia(&["run", "job.yaml"])
        .exits(1)
        .takes_less_than(30)
        .tells("Secret `credentials` has no key `tokn`");
    desk.write("job.yaml", &uses.replace("credentials", "creds"));
    desk.daphnia(&["run", "job.yaml"]).exits(1).takes_less_than(30).tells("Secret `creds` does not exist");
}

#[test]
fn of_an_indexed_job_the_index_that_failed_is_named() {
    let Some(desk) = Desk::with_node() else { return };
    let shards = job("shards", "test $JOB_COMPLETION_INDEX != 1 || exit 9").replace(
        "backoffLimit: 0",
        "completionMode: Indexed\n  completions: 3\n  parallelism: 3\n  backoffLimitPerIndex: 0",
    );
    desk.write("job.yaml", &shards);
    desk.daphnia(&["run", "job.yaml"])
        .exits(1)
        .tells("(index 1) exited with code 9")
        .tells("failed indexes: 1");
}

#[test]
fn a_quota_that_refuses_the_pods_is_told() {
    let Some(desk) = Desk::with_node() else { return };
    success(desk.namespace.kubectl(&["create", "quota", "none", "--hard=pods=0"]));
    desk.write("job.yaml", &job("refused", "true"));
    desk.daphnia(&["run", "job.yaml"])
        .exits(1)
        .takes_less_than(40)
        .tells("its pods are refused")
        .tells("exceeded quota: none");
}

#[test]
fn a_pod_that_finds_no_node_is_waited_for_until_time_runs_out() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write(
        "job.yaml",
        &job("picky", "true")
            .replace("      restartPolicy", "      nodeSelector: {disk: golden}\n      restartPolicy"),
    );
    for command in ["run", "apply"] {
        desk.daphnia(&[command, "job.yaml", "--timeout", "4s"])
            .exits(70)
            .tells("cannot be scheduled")
            .tells("node(s) didn't match Pod's node affinity/selector");
    }
}

#[test]
fn a_program_that_is_not_in_the_image_is_named() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("typo", "true").replace("[sh, -c, \"true\"]", "[python9]"));
    desk.daphnia(&["run", "job.yaml"])
        .exits(1)
        .tells("could not start")
        .tells("\"python9\": executable file not found");
}

#[test]
fn a_job_that_someone_deletes_is_told_to_those_who_wait() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("slow", "sleep 60"));
    let running = desk.start(&["run", "job.yaml"]);
    eventually("it runs", || desk.objects("jobs").pop().filter(|job| job["status"]["active"] == 1));
    success(desk.namespace.kubectl(&["delete", "jobs", "--all", "--wait=false"]));
    let said = running.wait().exits(1).takes_less_than(60).tells("it was deleted");
    assert_eq!(said.stdout, "", "a container that wrote nothing has no log");
}

#[test]
fn a_deployment_that_does_not_come_up_says_why() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write(
        "deployment.yaml",
        "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAMESPACE}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: REGISTRY/no/web:1}]
",
    );
    desk.daphnia(&["apply", "deployment.yaml"])
        .exits(1)
        .takes_less_than(40)
        .tells("failed")
        .tells("was not found");
}

// Which cluster, and who asks.

#[test]
fn without_a_kubeconfig_it_says_where_it_looked() {
    let Some(mut desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    desk.use_kubeconfig(None);
    desk.daphnia(&["diff", "settings.yaml"])
        .exits(2)
        .tells("no cluster is configured")
        .tells(".kube/config`")
        .tells("--kubeconfig FILE");
    desk.use_kubeconfig(Some("missing.yaml"));
    desk.daphnia(&["apply", "settings.yaml"]).exits(2).tells("missing.yaml`");
    desk.daphnia(&["apply", "settings.yaml", "--kubeconfig", "other.yaml"]).exits(2).tells("`other.yaml`");
}

#[test]
fn a_kubeconfig_that_is_none_is_named() {
    let Some(mut desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    fs::create_dir(desk.folder().join("folder")).expect("a folder can be made");
    desk.use_kubeconfig(Some("folder"));
    desk.daphnia(&["diff", "settings.yaml"]).exits(2).tells("/folder`").tells("is a folder");
    for (file, text) in
        [("garbage", "\u{1}{{{ no"), ("list", "- a\n- b\n"), ("empty", ""), ("text", "hello\n")]
    {
        desk.write(file, text);
        desk.use_kubeconfig(Some(file));
        desk.daphnia(&["diff", "settings.yaml"]).exits(2).tells(&format!("/{file}`"));
    }
}

#[test]
fn a_context_that_is_not_there_is_guessed() {
    let Some(desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    let config = fs::read_to_string(desk.cluster.kubeconfig()).expect("the kubeconfig can be read");
    let line = config.lines().find(|line| line.starts_with("current-context:")).expect("it has a context");
    let context = line.split_once(": ").expect("it has a name").1.trim_matches('"');
    desk.daphnia(&["diff", "settings.yaml", "--context", &format!("{context}s")])
        .exits(2)
        .tells(&format!("has no context `{context}s`"))
        .tells(&format!("did you mean `{context}`?"));
    desk.daphnia(&["diff", "settings.yaml", "--context", "production"])
        .exits(2)
        .tells(&format!("it has `{context}`"));
}

#[test]
fn a_server_that_is_not_there_is_told_at_once() {
    let Some(mut desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    let config = fs::read_to_string(desk.cluster.kubeconfig()).expect("the kubeconfig can be read");
    let server =
        config.lines().find_map(|line| line.trim().strip_prefix("server: ")).expect("it has a server");
    desk.write("nowhere.yaml", &config.replace(server, "https://127.0.0.1:1"));
    desk.use_kubeconfig(Some("nowhere.yaml"));
    for command in ["diff", "apply"] {
        desk.daphnia(&[command, "settings.yaml"])
            .exits(4)
            .takes_less_than(10)
            .tells("cannot reach `127.0.0.1:1`")
            .tells("is the cluster up");
    }
    desk.daphnia(&["history"]).exits(4).tells("cannot reach `127.0.0.1:1`");
}

#[test]
fn a_server_that_does_not_answer_is_given_up_in_time() {
    let Some(mut desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    // It takes connections and says nothing.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it has an address");
    let config = fs::read_to_string(desk.cluster.kubeconfig()).expect("the kubeconfig can be read");
    let server =
        config.lines().find_map(|line| line.trim().strip_prefix("server: ")).expect("it has a server");
    desk.write("silent.yaml", &config.replace(server, &format!("https://{address}")));
    desk.use_kubeconfig(Some("silent.yaml"));
    let said =
        desk.daphnia(&["diff", "settings.yaml", "--request-timeout", "2s"]).exits(4).takes_less_than(15);
    assert!(said.took >= Duration::from_secs(2));
    said.tells(&format!("`{address}` did not answer within 2 s"));
}

#[test]
fn a_server_with_a_strange_certificate_is_not_trusted() {
    let Some(mut desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    let config = fs::read_to_string(desk.cluster.kubeconfig()).expect("the kubeconfig can be read");
    let authority = |line: &&str| line.trim().starts_with("certificate-authority");
    let without: Vec<&str> =
        config.lines().filter(|line| !authority(line) && !line.contains("insecure-skip")).collect();
    desk.write("strange.yaml", &without.join("\n"));
    desk.use_kubeconfig(Some("strange.yaml"));
    desk.daphnia(&["diff", "settings.yaml"]).exits(4).tells("cannot trust").tells("certificate-authority");
}

#[test]
fn credentials_that_have_expired_ask_for_a_login() {
    let Some(mut desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    desk.be("expired");
    for command in ["diff", "apply"] {
        desk.daphnia(&[command, "settings.yaml"])
            .exits(4)
            .tells("does not accept the credentials")
            .tells("log in again");
    }
}

#[test]
fn who_may_do_nothing_is_told_what_is_missing() {
    let Some(mut desk) = Desk::new() else { return };
    desk.write("job.yaml", &job("greeting", "true"));
    desk.be("nobody");
    let where_ = format!("in the namespace `{}`", desk.namespace.name());
    desk.daphnia(&["diff", "job.yaml"])
        .exits(4)
        .tells(&format!("`nobody` may not list `jobs` {where_}"))
        .tells(r#"{apiGroups: ["batch"], resources: ["jobs"], verbs: ["list"]}"#);
    desk.daphnia(&["run", "job.yaml"]).exits(4).tells("`nobody` may not list `jobs`");
    desk.daphnia(&["history", "-n", "NAMESPACE"])
        .exits(4)
        .tells(&format!("`nobody` may not list `secrets` {where_}"));
    desk.daphnia(&["history"])
        .exits(4)
        .tells("`nobody` may not list `secrets` in the whole cluster")
        .tells("--namespace");
}

// What is asked of it.

#[test]
fn a_kind_that_the_server_does_not_have_is_named() {
    let Some(desk) = Desk::new() else { return };
    let named = |api: &str, kind: &str| {
        format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: x, namespace: NAMESPACE}}\n")
    };
    desk.write("crontab.yaml", &named("stable.example.com/v1", "CronTab"));
    desk.daphnia(&["apply", "crontab.yaml"])
        .exits(2)
        .tells("--> crontab.yaml:2:7")
        .tells("does not serve `CronTab` in `stable.example.com/v1`")
        .tells("install its CustomResourceDefinition");
}

#[test]
fn a_run_that_is_not_there_is_guessed() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("greeting", "echo hello"));
    desk.daphnia(&["run", "job.yaml"]).exits(0);
    let run = desk.history().remove(0).split(' ').next().unwrap_or_default().to_owned();
    let nearly = format!("{}a", &run[..run.len() - 1]);
    desk.daphnia(&["show", &nearly, "-n", "NAMESPACE"]).exits(2).tells(&format!("did you mean `{run}`?"));
    desk.daphnia(&["show", "greeting", "-n", "NAMESPACE"])
        .exits(2)
        .tells(&format!("the last run of the job `greeting` is `{run}`"));
    desk.daphnia(&["cancel", "no-such-run", "-n", "NAMESPACE"])
        .exits(2)
        .tells("`daphnia history` lists the runs");
}

#[test]
fn what_is_wrong_with_a_manifest_is_found_before_a_server_is_asked() {
    let Some(mut desk) = Desk::new() else { return };
    desk.use_kubeconfig(None);
    desk.write("job.yaml", &job("greeting", "true").replace("backoffLimit", "backofLimit"));
    for command in ["diff", "apply", "run"] {
        let status = if command == "diff" { 2 } else { 1 };
        desk.daphnia(&[command, "job.yaml"]).exits(status).tells("--> job.yaml:7:3").tells("backoffLimit");
    }
}

#[test]
fn of_several_jobs_one_has_to_be_chosen() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("jobs.yaml", &[job("first", "echo one"), job("second", "echo two")].join("---\n"));
    desk.daphnia(&["run", "jobs.yaml"]).exits(2).tells("choose one with `--job`: first, second");
    desk.daphnia(&["run", "jobs.yaml", "--job", "third"]).exits(2).tells("there is no Job `third`");
    desk.daphnia(&["run", "jobs.yaml", "--job", "second"]).exits(0).prints(&["two"]);
    assert_eq!(desk.objects("jobs").len(), 1, "the other is left alone");
}

#[test]
fn a_suspended_job_is_not_run_and_not_waited_for() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write(
        "job.yaml",
        &job("later", "true").replace("  backoffLimit", "  suspend: true\n  backoffLimit"),
    );
    desk.daphnia(&["run", "job.yaml"]).exits(2).tells("is suspended").tells("--set spec.suspend=false");
    desk.daphnia(&["apply", "job.yaml"]).exits(0).takes_less_than(20).tells("suspended");
    desk.daphnia(&["run", "job.yaml", "--set", "spec.suspend=false"]).exits(0);
}
