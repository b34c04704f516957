//! `daphnia apply` makes the cluster what the manifests say: all or nothing, once per change.

use std::io::{BufRead as _, BufReader};

use serde_json::{Value, json};

use super::daphnia::{Desk, UNTIL_RELEASED, config_map, job};
use super::harness::{eventually, success};

fn uid(object: &Option<Value>) -> String {
    let object = object.as_ref().expect("the object is there");
    object["metadata"]["uid"].as_str().expect("an object has a uid").to_owned()
}

/// The names of the Jobs that are or were run, oldest first, each as often as it was.
fn pods_of(desk: &Desk, job: &str) -> usize {
    let is_of = |pod: &&Value| pod["metadata"]["labels"]["job-name"] == job;
    desk.objects("pods").iter().filter(is_of).count()
}

#[test]
fn the_example_is_applied_and_applying_it_again_only_reads() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write_example("job.yaml", &[]);
    desk.daphnia(&["apply", "job.yaml"])
        .exits(0)
        .prints(&["created    Job NAMESPACE/nightly-report"
            .replace("NAMESPACE", desk.namespace.name())
            .as_str()])
        .keeps_quiet_about("not-a-real-token");
    let job = desk.object("jobs", "nightly-report").expect("the Job is there");
    assert_eq!(job["status"]["succeeded"], 3);

    desk.mark();
    let said = desk.daphnia(&["apply", "job.yaml"]).exits(0);
    let actions: Vec<&str> = said.stdout.split_whitespace().step_by(3).collect();
    assert_eq!(actions, ["unchanged"; 3], "{}", said.stdout);
    let verbs: Vec<String> = desk.requests().into_iter().map(|request| request.verb).collect();
    assert!(!verbs.is_empty());
    assert!(verbs.iter().all(|verb| ["get", "list", "watch"].contains(&verb.as_str())), "{verbs:?}");
    assert_eq!(pods_of(&desk, "nightly-report"), 3, "the Job did not run again");
}

#[test]
fn what_can_be_changed_in_place_is_changed_in_place() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("greeting", "echo hello"));
    desk.daphnia(&["apply", "job.yaml"]).exits(0);
    let before = desk.object("jobs", "greeting");
    desk.daphnia(&["apply", "job.yaml", "--set", "spec.ttlSecondsAfterFinished=3600"])
        .exits(0)
        .prints(&[&format!("configured Job {}/greeting", desk.namespace.name())]);
    let after = desk.object("jobs", "greeting");
    assert_eq!(uid(&before), uid(&after), "it is the same Job");
    assert_eq!(after.expect("the Job is there")["spec"]["ttlSecondsAfterFinished"], 3600);
}

#[test]
fn a_job_whose_pods_change_is_replaced_and_runs_again() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("greeting", "echo hello"));
    desk.daphnia(&["apply", "job.yaml"]).exits(0);
    let before = desk.object("jobs", "greeting");
    desk.write("job.yaml", &job("greeting", "echo good morning"));
    desk.daphnia(&["apply", "job.yaml"])
        .exits(0)
        .prints(&[&format!("replaced   Job {}/greeting", desk.namespace.name())]);
    let after = desk.object("jobs", "greeting");
    assert_ne!(uid(&before), uid(&after), "it is another Job");
    let log = success(desk.namespace.kubectl(&["logs", "job/greeting"]));
    assert_eq!(log, "good morning\n");
}

#[test]
fn a_job_that_fails_is_a_failure_with_its_cause_in_a_sentence() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("broken", "echo the disk is full; exit 3"));
    desk.daphnia(&["apply", "job.yaml"])
        .exits(1)
        .tells("container `main` of pod `broken-")
        .tells("exited with code 3: the disk is full");
}

#[test]
fn if_one_object_is_refused_nothing_at_all_is_changed() {
    let Some(desk) = Desk::new() else { return };
    let service = "\
apiVersion: v1
kind: Service
metadata:
  name: front
  namespace: NAMESPACE
spec:
  clusterIPs:
    - 8.8.8.8
  ports:
    - port: 80
";
    desk.write("a.yaml", &config_map("settings", "one"));
    desk.write("b.yaml", service);
    desk.write("c.yaml", &job("after", "true"));
    desk.mark();
    desk.daphnia(&["apply", "a.yaml", "b.yaml", "c.yaml"])
        .exits(1)
        .tells("--> b.yaml:8:5")
        .tells(&format!("the server refuses `Service {}/front`: `spec.clusterIPs`", desk.namespace.name()));
    assert_eq!(desk.writes(), []);
    assert_eq!((desk.object("configmaps", "settings"), desk.object("jobs", "after")), (None, None));
}

#[test]
fn thirty_config_maps_and_five_jobs_are_two_lists() {
    let Some(desk) = Desk::with_node() else { return };
    let maps = (0..30).map(|i| config_map(&format!("map-{i}"), &format!("value-{i}")));
    let jobs = (0..5).map(|i| job(&format!("job-{i}"), "true"));
    let all: Vec<String> = maps.chain(jobs).collect();
    desk.write("all.yaml", &all.join("---\n"));
    desk.daphnia(&["apply", "all.yaml"]).exits(0);

    for command in ["diff", "apply"] {
        desk.mark();
        let said = desk.daphnia(&[command, "all.yaml"]).exits(0);
        assert!(command == "apply" || said.stdout.is_empty(), "{}", said.stdout);
        let mut reads: Vec<String> = desk.requests().iter().map(what_is_read).collect();
        reads.retain(|read| !read.starts_with("watch"));
        let count = |wanted: &str| reads.iter().filter(|read| *read == wanted).count();
        // The watch that follows an apply begins with a list of its own.
        let watched = usize::from(command == "apply");
        assert_eq!((count("list configmaps"), count("list jobs")), (1, 1 + watched), "{reads:?}");
        assert!(!reads.iter().any(|read| read.starts_with("get")), "{reads:?}");
    }
}

/// `list configmaps`
fn what_is_read(request: &super::harness::Request) -> String {
    let path = request.uri.split('?').next().unwrap_or_default();
    let after = path.split("/namespaces/").nth(1).unwrap_or(path);
    format!("{} {}", request.verb, after.split('/').nth(1).unwrap_or_default())
}

#[test]
fn a_field_of_another_manager_is_taken_only_by_force() {
    let Some(desk) = Desk::new() else { return };
    let theirs = config_map("settings", "theirs").replace("NAMESPACE", desk.namespace.name());
    let args = ["apply", "--server-side", "--field-manager=other", "-f", "-"];
    success(desk.cluster.kubectl_with(&args, &theirs));
    desk.write("settings.yaml", &config_map("settings", "ours"));
    let value = || desk.object("configmaps", "settings").expect("it is there")["data"]["key"].clone();

    desk.daphnia(&["apply", "settings.yaml"])
        .exits(3)
        .tells("`data.key` of `ConfigMap")
        .tells("belongs to `other`")
        .tells("--> settings.yaml:7:8")
        .tells("--force-conflicts");
    assert_eq!(value(), "theirs");
    desk.daphnia(&["apply", "settings.yaml", "--force-conflicts"])
        .exits(0)
        .tells("takes `data.key` over from `other`");
    assert_eq!(value(), "ours");
}

#[test]
fn two_applies_at_once_come_to_the_same_and_run_a_job_once() {
    let Some(desk) = Desk::with_node() else { return };
    let maps = (0..10).map(|i| config_map(&format!("map-{i}"), "value"));
    let all: Vec<String> = maps.chain([job("once", "sleep 1")]).collect();
    desk.write("all.yaml", &all.join("---\n"));
    let (one, two) = (desk.start(&["apply", "all.yaml"]), desk.start(&["apply", "all.yaml"]));
    one.wait().exits(0);
    two.wait().exits(0);
    assert_eq!(pods_of(&desk, "once"), 1);
    let maps = desk.objects("configmaps").len();
    assert_eq!(maps, 10 + 1, "ours and the one that every namespace has");
    desk.daphnia(&["diff", "all.yaml"]).exits(0);
    assert_eq!(desk.history().len(), 1, "one run is one record");
}

#[test]
fn an_interrupted_apply_leaves_the_job_running_and_the_next_apply_sees_it_through() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("slow", &format!("{UNTIL_RELEASED}; echo done")));
    let running = desk.start(&["apply", "job.yaml"]);
    eventually("the Job runs", || desk.object("jobs", "slow").filter(|job| job["status"]["active"] == 1));
    running.signal("INT");
    running.wait().exits(130).takes_less_than(20).tells("interrupted; what was applied stays");
    let before = desk.object("jobs", "slow");
    let mut next = desk.start(&["apply", "job.yaml"]);
    let mut told = BufReader::new(next.child.stderr.take().expect("standard error is piped")).lines();
    let mut tells = |words: &str| told.any(|line| line.expect("it is text").contains(words));
    eventually("the pod runs", || desk.object("jobs", "slow").filter(|job| job["status"]["ready"] == 1));
    assert!(tells("0/1 succeeded, 1 active"), "the next apply waits for it");
    desk.release("slow");
    assert!(tells("1/1 succeeded"), "and sees it through");
    told.for_each(drop);
    next.wait().exits(0);
    assert_eq!(uid(&before), uid(&desk.object("jobs", "slow")));
    let history = desk.history();
    assert!(history.len() == 1 && history[0].contains("succeeded"), "{history:?}");
}

#[test]
fn a_job_runs_once_per_change_though_its_time_to_live_is_over() {
    let Some(desk) = Desk::with_node() else { return };
    let short_lived = |script: &str| {
        job("migration", script).replace("spec:\n  back", "spec:\n  ttlSecondsAfterFinished: 1\n  back")
    };
    let is_gone =
        || eventually("the Job is gone", || desk.object("jobs", "migration").is_none().then_some(()));
    let name = format!("Job {}/migration", desk.namespace.name());
    desk.write("job.yaml", &short_lived("echo one"));
    desk.daphnia(&["apply", "job.yaml"]).exits(0);
    is_gone();

    desk.daphnia(&["diff", "job.yaml"]).exits(0);
    desk.daphnia(&["apply", "job.yaml"])
        .exits(0)
        .tells(&format!("{name}: succeeded on"))
        .tells("`--rerun` runs it again");
    assert_eq!(desk.history().len(), 1, "it was not run again");

    desk.daphnia(&["apply", "job.yaml", "--rerun"]).exits(0).prints(&[&format!("created    {name}")]);
    is_gone();
    assert_eq!(desk.history().len(), 2, "it was run again because of --rerun");

    desk.write("job.yaml", &short_lived("echo two"));
    desk.daphnia(&["apply", "job.yaml"]).exits(0).prints(&[&format!("created    {name}")]);
    assert_eq!(desk.history().len(), 3, "it was run again because it has changed");
}

#[test]
fn a_job_that_failed_runs_again() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write(
        "job.yaml",
        &job("flaky", "cat /data/key")
            .replace("command:", "volumeMounts: [{name: data, mountPath: /data}]\n          command:")
            .replace(
                "      containers:",
                "      volumes: [{name: data, configMap: {name: later, optional: true}}]\n      containers:",
            ),
    );
    desk.daphnia(&["apply", "job.yaml"]).exits(1).tells("No such file");
    desk.namespace.apply(&config_map("later", "here").replace("NAMESPACE", desk.namespace.name()));
    let said = desk.daphnia(&["diff", "job.yaml"]).exits(1);
    assert!(said.stdout.ends_with("/flaky: replaced, since its last run failed\n"), "{}", said.stdout);
    desk.daphnia(&["apply", "job.yaml"])
        .exits(0)
        .prints(&[&format!("replaced   Job {}/flaky", desk.namespace.name())]);
    let history = desk.history();
    assert!(
        history.len() == 2 && history[0].contains("succeeded") && history[1].contains("failed"),
        "{history:?}"
    );
}

#[test]
fn a_namespace_is_created_before_what_is_in_it() {
    let Some(desk) = Desk::with_node() else { return };
    let new = format!("new-{}", desk.namespace.name());
    desk.write_example(
        "job.yaml",
        &[
            ("value: NAMESPACE", &format!("value: {new}")),
            ("createNamespace: false", "createNamespace: true"),
        ],
    );
    desk.daphnia(&["diff", "job.yaml"]).exits(1).prints(&["+kind: Namespace", "+kind: Job"]);
    desk.daphnia(&["apply", "job.yaml"])
        .exits(0)
        .prints(&[&format!("created    Namespace {new}"), &format!("created    Job {new}/nightly-report")]);
    desk.daphnia(&["diff", "job.yaml"]).exits(0);
    desk.cluster.kubectl(&["delete", "namespace", &new, "--wait=false"]);
}

#[test]
fn a_namespace_that_is_not_there_is_named_before_anything_is_changed() {
    let Some(desk) = Desk::new() else { return };
    desk.write("a.yaml", &config_map("settings", "one"));
    desk.write("b.yaml", &config_map("settings", "one").replace("NAMESPACE", "no-such-namespace"));
    desk.mark();
    desk.daphnia(&["apply", "a.yaml", "b.yaml"])
        .exits(2)
        .tells("the namespace `no-such-namespace` does not exist")
        .tells("--> b.yaml:5:14")
        .tells("kubectl create namespace no-such-namespace");
    assert_eq!(desk.writes(), []);
}

#[test]
fn a_namespace_that_is_being_deleted_is_named() {
    let Some(desk) = Desk::new() else { return };
    // A finalizer keeps it there while the test looks.
    let name = desk.namespace.name().to_owned();
    desk.namespace.apply(&json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/held"]},
    }).to_string());
    success(desk.cluster.kubectl(&["delete", "namespace", &name, "--wait=false"]));
    desk.write("settings.yaml", &config_map("settings", "one"));
    for (command, status) in [("diff", 2), ("apply", 1)] {
        desk.daphnia(&[command, "settings.yaml"])
            .exits(status)
            .tells(&format!("namespace `{name}` is being deleted"))
            .tells("--> settings.yaml:");
    }
    let patch = r#"[{"op": "remove", "path": "/metadata/finalizers"}]"#;
    success(desk.namespace.kubectl(&["patch", "configmap", "held", "--type=json", "-p", patch]));
}

#[test]
fn without_waiting_the_job_is_started_and_left_to_itself() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("slow", "sleep 30"));
    desk.daphnia(&["apply", "job.yaml", "--no-wait"]).exits(0).takes_less_than(10);
    assert!(desk.object("jobs", "slow").is_some());
}

#[test]
fn a_service_account_that_may_not_change_things_is_told_what_it_lacks() {
    let Some(mut desk) = Desk::new() else { return };
    desk.namespace.allow("developer", &["get", "list"], &["configmaps", "secrets"]);
    desk.write("settings.yaml", &config_map("settings", "one"));
    desk.be("developer");
    desk.daphnia(&["apply", "settings.yaml"])
        .exits(4)
        .tells(&format!(
            "`developer` may not patch `configmaps` in the namespace `{}`",
            desk.namespace.name()
        ))
        .tells(r#"{apiGroups: [""], resources: ["configmaps"], verbs: ["patch"]}"#);
}

#[test]
fn two_applies_at_once_of_a_changed_job_leave_the_changed_job() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("greeting", "echo hello"));
    desk.daphnia(&["apply", "job.yaml"]).exits(0);
    desk.write("job.yaml", &job("greeting", "echo good morning"));
    let (one, two) = (desk.start(&["apply", "job.yaml"]), desk.start(&["apply", "job.yaml"]));
    let ended = [one.wait(), two.wait()];
    assert!(ended.iter().any(|said| said.status == Some(0)), "one of them has to succeed");
    for said in ended.into_iter().filter(|said| said.status != Some(0)) {
        // Who comes second may find that there is no longer what was to be replaced.
        said.exits(3).tells("someone else changed it at the same time");
    }
    desk.daphnia(&["apply", "job.yaml"]).exits(0);
    desk.daphnia(&["diff", "job.yaml"]).exits(0);
    assert_eq!(success(desk.namespace.kubectl(&["logs", "job/greeting"])), "good morning\n");
}

#[test]
fn when_one_fails_what_is_left_is_named_and_not_waited_for() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("all.yaml", &[job("broken", "exit 1"), job("slow", "sleep 120")].join("---\n"));
    let left = format!("Job {}/slow is not ready yet", desk.namespace.name());
    desk.daphnia(&["apply", "all.yaml"])
        .exits(1)
        .takes_less_than(60)
        .tells("exited with code 1")
        .tells(&left);
    let states: Vec<String> = desk.history();
    let slow = states.iter().find(|line| line.starts_with("slow-")).expect("it has a record");
    assert!(slow.contains("running"), "{slow}");
}

#[test]
fn a_role_with_these_rights_suffices_to_apply_a_job() {
    let Some(mut desk) = Desk::with_node() else { return };
    let all = ["get", "list", "watch", "create", "patch", "delete"];
    desk.namespace.allow("developer", &all, &["jobs.batch", "configmaps", "secrets"]);
    desk.namespace.allow("developer", &["get", "list", "watch"], &["pods", "pods/log", "events"]);
    desk.be("developer");
    desk.write_example("job.yaml", &[]);
    desk.daphnia(&["apply", "job.yaml"]).exits(0).does_not_tell("may not").does_not_tell("warning");
    desk.daphnia(&["apply", "job.yaml", "--set", "spec.image.tag=1.36", "--rerun"]).exits(0);
    desk.daphnia(&["run", "job.yaml", "--env", "GREETING=hi"]).exits(0).does_not_tell("may not");
    assert_eq!(desk.history().len(), 3);
}
