//! `daphnia run` dispatches a job, passes on its whole log, ends as it ended, and leaves a record.

use std::io::{BufRead as _, BufReader, Read as _};
use std::time::Duration;

use serde_json::Value;

use super::daphnia::{Desk, Running, UNTIL_RELEASED, config_map, job};
use super::faults::Breaker;
use super::harness::{eventually, success};

/// The example's Job with another script, one pod, nothing tried twice.
fn write_example(desk: &Desk, script: &str) {
    desk.write_example(
        "job.yaml",
        &[
            ("command: [sh, /scripts/report.sh]", &format!("command: [sh, -c, {script:?}]")),
            ("completions: 3", "completions: 1"),
            ("parallelism: 3", "parallelism: 1"),
            ("backoffLimit: 2", "backoffLimit: 0"),
        ],
    );
}

/// The name of the one run that there is.
fn the_run(desk: &Desk) -> String {
    let history = desk.history();
    assert_eq!(history.len(), 1, "{history:?}");
    history[0].split_whitespace().next().expect("a line begins with the run").to_owned()
}

fn numbers(from: u32, to: u32) -> String {
    (from..=to).map(|number| format!("{number}\n")).collect()
}

#[test]
fn two_thousand_lines_at_once_are_all_there_in_order() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("count", "seq 1 2000"));
    let said = desk.daphnia(&["run", "job.yaml"]).exits(0).tells("succeeded");
    assert!(said.stdout == numbers(1, 2000), "lines are lost, doubled or out of order");
    let run = the_run(&desk);
    let kept = desk.daphnia(&["show", &run, "--log", "-n", "NAMESPACE"]).exits(0).stdout;
    assert_eq!(kept.lines().count(), 2000, "the record has all of them, too");
}

/// A runtime may say that a container has ended while it still writes what that wrote.
#[test]
fn what_is_there_late_of_a_log_is_read_too() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("count", "seq 1 2000; printf end"));
    let breaker = Breaker::start(&desk);
    let kubeconfig = breaker.kubeconfig(&desk, "count", "late-log", 1);
    let said = desk.daphnia(&["run", "job.yaml", "--kubeconfig", &kubeconfig]).exits(0).tells("succeeded");
    assert!(said.stdout == numbers(1, 2000) + "end\n", "lines are lost, doubled or out of order");
}

#[test]
fn a_line_is_passed_on_when_it_is_written_not_when_the_job_ends() {
    let Some(desk) = Desk::with_node() else { return };
    let script = format!("for i in 1 2 3; do echo $i; {UNTIL_RELEASED}; rm /tmp/released; done");
    desk.write("job.yaml", &job("slow", &script));
    let mut running = desk.start(&["run", "job.yaml"]);
    let mut lines = BufReader::new(running.child.stdout.take().expect("standard output is piped")).lines();
    for number in ["1", "2", "3"] {
        let line = lines.next().expect("there is another line").expect("it is text");
        assert_eq!(line, number);
        // It writes the next one after this.
        desk.release(&the_run(&desk));
    }
    assert!(lines.next().is_none());
    running.wait().exits(0);
}

#[test]
fn what_two_containers_write_is_told_apart_and_complete() {
    let Some(desk) = Desk::with_node() else { return };
    let two = format!(
        "{}        - {{name: second, image: 'busybox:1.36', command: [sh, -c, 'seq 501 800']}}\n      initContainers:\n        - {{name: first, image: 'busybox:1.36', command: [sh, -c, 'echo ready']}}\n",
        job("both", "seq 1 300")
    );
    desk.write("job.yaml", &two);
    let said = desk.daphnia(&["run", "job.yaml"]).exits(0);
    let of = |container: &str| -> String {
        let mark = format!("/{container}] ");
        said.stdout.lines().filter_map(|line| Some(line.split_once(&mark)?.1.to_owned() + "\n")).collect()
    };
    assert_eq!((of("main"), of("second")), (numbers(1, 300), numbers(501, 800)));
    assert_eq!(of("first"), "ready\n");
    assert_eq!(said.stdout.lines().count(), 601, "and nothing else is printed");
}

#[test]
fn bytes_that_are_no_text_and_a_very_long_line_arrive() {
    let Some(desk) = Desk::with_node() else { return };
    let script = r"printf 'a\377b\n'; head -c 100000 /dev/zero | tr '\0' x; echo; printf 'no line break'";
    desk.write("job.yaml", &job("odd", script));
    let said = desk.daphnia(&["run", "job.yaml"]).exits(0);
    let expected = format!("a\u{fffd}b\n{}\nno line break\n", "x".repeat(100_000));
    assert!(said.stdout == expected, "what was written is not what was printed");
}

#[test]
fn the_log_of_every_try_is_printed() {
    let Some(desk) = Desk::with_node() else { return };
    let tries = job("tries", "echo try of $HOSTNAME; exit 1").replace("backoffLimit: 0", "backoffLimit: 1");
    desk.write("job.yaml", &tries);
    let said = desk.daphnia(&["run", "job.yaml"]).exits(1).tells("its backoffLimit of 1 is used up");
    let pods: Vec<&str> = said.stdout.lines().filter_map(|line| line.strip_prefix("try of ")).collect();
    assert!(pods.len() == 2 && pods[0] != pods[1], "{pods:?}");
}

#[test]
fn the_exit_status_says_whether_it_failed_or_on_demand_with_what() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("broken", "echo the disk is full; exit 42"));
    let sentence = "exited with code 42: the disk is full";
    desk.daphnia(&["run", "job.yaml"]).exits(1).prints(&["the disk is full"]).tells("failed").tells(sentence);
    desk.daphnia(&["run", "job.yaml", "--propagate-exit-code"]).exits(42).tells(sentence);
}

#[test]
fn a_record_outlives_its_job() {
    let Some(desk) = Desk::with_node() else { return };
    write_example(&desk, "echo uploaded; exit 3");
    desk.daphnia(&["run", "job.yaml", "--set", "spec.activeDeadlineSeconds=60"]).exits(1);
    let run = the_run(&desk);
    success(desk.namespace.kubectl(&["delete", "job", &run]));

    let history = desk.history().remove(0);
    assert!(history.contains("failed") && history.contains("--set spec.activeDeadlineSeconds"), "{history}");
    let log = desk.daphnia(&["show", &run, "--log", "-n", "NAMESPACE"]).exits(0);
    assert!(log.stdout.contains("uploaded"), "{}", log.stdout);
    let whole =
        desk.daphnia(&["show", &run, "-n", "NAMESPACE"]).exits(0).keeps_quiet_about("not-a-real-token");
    for part in ["state:     failed", "by:        admin", "exited with code 3", "kind: ConfigMap", "uploaded"]
    {
        assert!(whole.stdout.contains(part), "the record has no `{part}`: {}", whole.stdout);
    }
}

#[test]
fn a_record_holds_its_job_and_what_that_uses_and_nothing_else() {
    let Some(desk) = Desk::with_node() else { return };
    let uses = format!("{}          envFrom: [{{configMapRef: {{name: used}}}}]\n", job("work", "true"));
    let all = [config_map("used", "one"), config_map("unused", "one"), uses, job("other", "true")];
    desk.write("all.yaml", &all.join("---\n"));
    desk.daphnia(&["apply", "all.yaml"]).exits(0);
    let line = desk.history().into_iter().find(|line| line.starts_with("work-")).expect("it has a record");
    let run = line.split_whitespace().next().expect("a line begins with the run");
    let whole = desk.daphnia(&["show", run, "-n", "NAMESPACE"]).exits(0).stdout;
    for (name, is_kept) in [("work", true), ("used", true), ("unused", false), ("other", false)] {
        assert_eq!(
            whole.lines().any(|line| line.trim() == format!("name: {name}")),
            is_kept,
            "{name}: {whole}"
        );
    }
}

#[test]
fn the_last_twenty_records_of_a_job_are_kept_and_no_others_records_go() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("work", "true"));
    desk.write("other.yaml", &job("other", "true"));
    desk.daphnia(&["run", "other.yaml"]).exits(0);
    desk.daphnia(&["run", "job.yaml"]).exits(0);
    let first = desk.history()[0].split_whitespace().next().expect("a line begins with the run").to_owned();
    // As many earlier runs as there may be, made from the one.
    let mut record = desk.object("secrets", &format!("daphnia-run-{first}")).expect("the record is there");
    let metadata = record["metadata"].as_object_mut().expect("it has metadata");
    metadata.retain(|key, _| ["labels", "annotations", "namespace"].contains(&key.as_str()));
    for number in 0..20 {
        let copy = record.to_string().replace(&first, &format!("work-copy{number:02}"));
        let mut copy: Value = serde_json::from_str(&copy).expect("it was JSON");
        copy["metadata"]["name"] = format!("daphnia-run-work-copy{number:02}").into();
        success(desk.cluster.kubectl_with(&["create", "-f", "-"], &copy.to_string()));
    }
    let of = |job: &str| desk.history().iter().filter(|line| line.starts_with(job)).count();
    assert_eq!((of("work-"), of("other-")), (21, 1));
    desk.daphnia(&["run", "job.yaml"]).exits(0);
    assert_eq!((of("work-"), of("other-")), (20, 1));
}

#[test]
fn what_is_changed_on_the_command_line_reaches_the_pod() {
    let Some(desk) = Desk::with_node() else { return };
    let script = "echo $GREETING, $NEW: $0 $1";
    desk.write_example(
        "job.yaml",
        &[
            ("command: [sh, /scripts/report.sh]", &format!("command: [sh, -c, {script:?}]")),
            ("completions: 3", "completions: 1"),
            ("parallelism: 3", "parallelism: 1"),
        ],
    );
    desk.daphnia(&[
        "run",
        "job.yaml",
        "--env",
        "GREETING=hi",
        "--env",
        "NEW=a=b c",
        "--",
        "--from",
        "2026 01",
    ])
    .exits(0)
    .prints(&["hi, a=b c: --from 2026 01"]);
    let run = the_run(&desk);
    let job = desk.object("jobs", &run).expect("the Job is there");
    assert_eq!(job["metadata"]["labels"]["daphnia.dev/job"], "nightly-report");

    // With an image that is not there, the pod says which one it was to be.
    desk.daphnia(&["run", "job.yaml", "--image", "REGISTRY/other:2"])
        .exits(1)
        .tells(&format!("image `{}/other:2`", desk.cluster.registry()))
        .tells("was not found");
}

#[test]
fn a_runs_overrides_change_nothing_that_is_stored() {
    let Some(desk) = Desk::with_node() else { return };
    write_example(&desk, "echo token: $API_TOKEN; cat /scripts/report.sh | head -n 1");
    desk.daphnia(&["apply", "job.yaml"]).exits(0);
    let stored = || -> Vec<Value> {
        let kinds = ["secrets", "configmaps", "jobs"];
        let objects = kinds.iter().flat_map(|kind| desk.objects(kind));
        let wanted = ["nightly-report", "nightly-report-env-secrets", "report.sh"];
        objects
            .filter(|object| wanted.contains(&object["metadata"]["name"].as_str().unwrap_or_default()))
            .collect()
    };
    let before = stored();
    assert_eq!(before.len(), 3);
    desk.daphnia(&[
        "run",
        "job.yaml",
        "--env",
        "API_TOKEN=for-once",
        "--set",
        "spec.configMaps[report.sh]=other",
    ])
    .exits(0)
    .prints(&["token: for-once", "other"])
    .does_not_tell("for-once");
    assert_eq!(stored(), before);
    desk.daphnia(&["diff", "job.yaml"]).exits(0);
    let unchanged = desk.daphnia(&["run", "job.yaml"]).exits(0);
    unchanged.prints(&["token: not-a-real-token", "#!/bin/sh"]).does_not_tell("what is stored");
    // What the run had of its own goes with its Job.
    success(desk.namespace.kubectl(&["delete", "jobs", "--all"]));
    eventually("the copies are gone", || {
        let names =
            desk.objects("secrets").iter().chain(&desk.objects("configmaps")).map(name).collect::<Vec<_>>();
        let is_known = |name: &String| {
            name.starts_with("daphnia-run-")
                || ["nightly-report-env-secrets", "report.sh", "kube-root-ca.crt"].contains(&name.as_str())
        };
        names.iter().all(is_known).then_some(())
    });
}

#[test]
fn what_differs_from_what_is_stored_is_shown_before_the_run_starts() {
    let Some(desk) = Desk::with_node() else { return };
    write_example(&desk, "echo $API_TOKEN");
    let changes = ["--env", "API_TOKEN=for-once", "--set", "spec.backoffLimit=1"];
    let said = desk.daphnia(&[&["run", "job.yaml"], &changes[..]].concat()).exits(0);
    let (shown, done) = said.stderr.split_once("started ").expect("the start is told");
    let changed: Vec<&str> = shown.lines().filter(|line| line.starts_with(['-', '+'])).collect();
    let said_of = |kind: &str, name: &str| {
        ["--- ", "+++ "].map(|side| format!("{side}{kind} {}/{name} ", desk.namespace.name()))
    };
    let [secret, job] = [said_of("Secret", "nightly-report-env-secrets"), said_of("Job", "nightly-report")];
    let hashes = ["-        daphnia.dev/config-hash: ", "+        daphnia.dev/config-hash: "];
    let expected = [
        &*secret[0],
        &secret[1],
        "-  API_TOKEN: <masked 1>",
        "+  API_TOKEN: <masked 2>",
        &job[0],
        &job[1],
        "-  backoffLimit: 0",
        "+  backoffLimit: 1",
        hashes[0],
        hashes[1],
    ];
    assert_eq!(changed.len(), expected.len(), "{shown}");
    assert!(changed.iter().zip(expected).all(|(line, start)| line.starts_with(start)), "{shown}");
    assert!(shown.contains("@@ --set spec.backoffLimit\n"), "where it was written: {shown}");
    assert!(!done.contains("differs from"), "{done}");
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().expect("an object has a name").to_owned()
}

#[test]
fn a_detached_run_is_completed_by_whoever_asks_for_it() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("slow", &format!("{UNTIL_RELEASED}; echo ended; exit 5")));
    desk.daphnia(&["run", "job.yaml", "--detach"]).exits(0).tells("goes on");
    let run = the_run(&desk);
    assert!(desk.history()[0].contains("running"));
    eventually("it runs", || desk.object("jobs", &run).filter(|job| job["status"]["ready"] == 1));
    desk.release(&run);
    eventually("the Job ends", || desk.object("jobs", &run).filter(|job| job["status"]["failed"] == 1));
    let state = eventually("it is told", || desk.history().pop().filter(|line| !line.contains("running")));
    assert!(state.contains("failed"), "{state}");
    let whole = desk.daphnia(&["show", &run, "-n", "NAMESPACE"]).exits(0);
    assert!(whole.stdout.contains("exit code: 5"), "{}", whole.stdout);
}

#[test]
fn a_cancelled_run_ends_for_whoever_waits_and_says_who_did_it() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("endless", "echo begun; sleep 600"));
    let running = desk.start(&["run", "job.yaml"]);
    eventually("it runs", || desk.objects("jobs").pop().filter(|job| job["status"]["ready"] == 1));
    let run = the_run(&desk);
    desk.daphnia(&["cancel", &run, "-n", "NAMESPACE"]).exits(0).tells(&format!("run {run} is cancelled"));
    running.wait().exits(1).takes_less_than(60).tells("cancelled by admin");
    assert!(desk.history()[0].contains("cancelled"));
    eventually("its pods are gone", || desk.objects("pods").is_empty().then_some(()));
    desk.daphnia(&["cancel", &run, "-n", "NAMESPACE"]).exits(2).tells("is over");
}

#[test]
fn an_interrupted_run_goes_on_and_its_record_is_completed_later() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("slow", &format!("echo begun; {UNTIL_RELEASED}; echo ended")));
    let running = desk.start(&["run", "job.yaml"]);
    eventually("it runs", || desk.objects("jobs").pop().filter(|job| job["status"]["ready"] == 1));
    running.signal("INT");
    let run = the_run(&desk);
    running
        .wait()
        .exits(130)
        .tells(&format!("run {run} goes on"))
        .tells(&format!("`daphnia cancel {run}` stops it"));
    desk.release(&run);
    eventually("it ends", || desk.object("jobs", &run).filter(|job| job["status"]["succeeded"] == 1));
    eventually("the record says so", || desk.history().pop().filter(|line| line.contains("succeeded")));
}

#[test]
fn a_terminated_run_goes_on() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("slow", "sleep 60"));
    let running = desk.start(&["run", "job.yaml"]);
    eventually("it runs", || desk.objects("jobs").pop());
    running.signal("TERM");
    running.wait().exits(143);
    assert_eq!(desk.objects("jobs").len(), 1);
}

#[test]
fn a_reader_who_has_seen_enough_ends_it_without_a_word() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("many", "seq 1 100000"));
    let args = ["run", "job.yaml"].map(str::to_owned);
    let mut child = desk.command(&args).spawn().expect("daphnia can be run");
    drop(child.stdin.take());
    let mut lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
    assert_eq!(lines.next().expect("there is a line").expect("it is text"), "1");
    drop(lines);
    let mut stderr = String::new();
    child.stderr.take().expect("standard error is piped").read_to_string(&mut stderr).expect("it is text");
    println!("{stderr}");
    assert!(!stderr.contains("panicked") && !stderr.contains("pipe"), "{stderr}");
    let status = child.wait().expect("it ends").code();
    assert_eq!(status, Some(0));
}

#[test]
fn an_indexed_job_shows_its_indexes_and_its_progress() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write_example("job.yaml", &[]);
    let said = desk.daphnia(&["run", "job.yaml"]).exits(0).tells("3/3 succeeded");
    for index in 0..3 {
        let prefix = format!("[{index}] ");
        let lines: Vec<&str> = said.stdout.lines().filter_map(|line| line.strip_prefix(&prefix)).collect();
        assert!(lines.len() == 5 && lines[4] == format!("partition {index}: uploaded"), "{lines:?}");
    }
}

#[test]
fn a_run_takes_a_fresh_name_each_time_and_leaves_the_applied_job_alone() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("greeting", "echo hello"));
    desk.daphnia(&["run", "job.yaml"]).exits(0);
    desk.daphnia(&["run", "job.yaml"]).exits(0);
    let names: Vec<String> = desk.objects("jobs").iter().map(name).collect();
    assert!(names.len() == 2 && names[0] != names[1], "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("greeting-")), "{names:?}");
    // What was run is not applied: an apply of the same succeeds as it has succeeded.
    desk.daphnia(&["apply", "job.yaml"]).exits(0).tells("succeeded on");
    assert_eq!(desk.objects("jobs").len(), 2);
}

#[test]
fn standard_input_is_a_manifest() {
    let Some(desk) = Desk::with_node() else { return };
    desk.daphnia_with(&["run", "-"], &job("greeting", "echo hello")).exits(0).prints(&["hello"]);
}

#[test]
fn a_run_that_is_not_over_in_time_is_told_from_one_that_failed() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("slow", "sleep 60"));
    let said = desk.daphnia(&["run", "job.yaml", "--timeout", "3s"]).exits(70);
    let took = said.took;
    said.tells("is not over in time").tells("it goes on");
    assert!(took >= Duration::from_secs(3) && took < Duration::from_secs(15), "{took:?}");
}

#[test]
fn who_may_keep_no_record_runs_all_the_same_and_is_told() {
    let Some(mut desk) = Desk::with_node() else { return };
    let all = ["get", "list", "watch", "create", "patch"];
    desk.namespace.allow("developer", &all, &["jobs.batch"]);
    desk.namespace.allow("developer", &["get", "list", "watch"], &["pods", "pods/log", "events"]);
    desk.write("job.yaml", &job("greeting", "echo hello"));
    desk.be("developer");
    desk.daphnia(&["run", "job.yaml"]).exits(0).prints(&["hello"]).tells("leaves no record");
}

#[test]
fn a_job_that_is_deleted_the_moment_it_ends_still_tells_how_it_ended() {
    let Some(desk) = Desk::with_node() else { return };
    let fleeting = |name: &str, script: &str| {
        job(name, script).replace("  backoffLimit", "  ttlSecondsAfterFinished: 0\n  backoffLimit")
    };
    desk.write("good.yaml", &fleeting("good", &format!("seq 1 200; {UNTIL_RELEASED}")));
    desk.write("bad.yaml", &fleeting("bad", &format!("seq 1 200; {UNTIL_RELEASED}; exit 4")));
    let (mut good, mut bad) = (desk.start(&["run", "good.yaml"]), desk.start(&["run", "bad.yaml"]));
    let printed = (read(&desk, &mut good, "good", 200), read(&desk, &mut bad, "bad", 200));
    assert_eq!(printed, (numbers(1, 200), numbers(1, 200)));
    good.wait().exits(0);
    bad.wait().exits(1).tells("exited with code 4");
    let history = desk.history();
    let state = |job: &str| history.iter().find(|line| line.starts_with(job)).cloned().unwrap_or_default();
    assert!(state("good-").contains("succeeded") && state("bad-").contains("failed"), "{history:?}");
}

#[test]
fn the_log_of_a_container_that_is_started_again_has_both_of_its_lives() {
    let Some(desk) = Desk::with_node() else { return };
    // Once the second life is over, too, the kubelet keeps the log of the first no longer.
    let script = format!("test -e mark || {{ seq 1 3; touch mark; exit 1; }}; seq 4 6; {UNTIL_RELEASED}");
    let restarted = job("twice", &format!("cd /data; {script}"))
        .replace("backoffLimit: 0", "backoffLimit: 3")
        .replace(
            "restartPolicy: Never",
            "restartPolicy: OnFailure\n      volumes: [{name: data, emptyDir: {}}]",
        )
        .replace("command:", "volumeMounts: [{name: data, mountPath: /data}]\n          command:");
    desk.write("job.yaml", &restarted);
    let mut running = desk.start(&["run", "job.yaml"]);
    let read = read(&desk, &mut running, "twice", 6);
    running.wait().exits(0);
    assert_eq!(read, numbers(1, 6));
}

/// Reads so many lines of the run of a job, lets its container end, and returns all that was printed.
fn read(desk: &Desk, running: &mut Running, job: &str, count: usize) -> String {
    let stdout = running.child.stdout.take().expect("standard output is piped");
    let mut lines = BufReader::new(stdout).lines().map(|line| line.expect("it is text") + "\n");
    let first: String = lines.by_ref().take(count).collect();
    let selector = format!("daphnia.dev/job={job}");
    let jobs = desk.namespace.kubectl_json(&["get", "jobs", "--selector", &selector]);
    desk.release(jobs["items"][0]["metadata"]["name"].as_str().expect("it has a Job"));
    first + &lines.collect::<String>()
}

#[test]
fn a_job_with_the_longest_name_can_be_run() {
    let Some(desk) = Desk::with_node() else { return };
    // The server takes 63 with the highest index behind the name.
    let name = "n".repeat(60);
    let indexed = job(&name, "echo $JOB_COMPLETION_INDEX").replace(
        "backoffLimit: 0",
        "completionMode: Indexed\n  completions: 11\n  parallelism: 11\n  backoffLimit: 0",
    );
    desk.write("job.yaml", &indexed);
    let said = desk.daphnia(&["run", "job.yaml"]).exits(0);
    let mut lines: Vec<&str> =
        said.stdout.lines().filter_map(|line| Some(line.split_once("] ")?.1)).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["0", "1", "10", "2", "3", "4", "5", "6", "7", "8", "9"]);
}

#[test]
fn a_run_brings_the_namespace_that_its_manifest_creates() {
    let Some(desk) = Desk::with_node() else { return };
    let new = format!("new-{}", desk.namespace.name());
    desk.write_example(
        "job.yaml",
        &[
            ("value: NAMESPACE", &format!("value: {new}")),
            ("createNamespace: false", "createNamespace: true"),
        ],
    );
    let said = desk.daphnia(&["run", "job.yaml"]).exits(0).tells(&format!("created Namespace {new}"));
    assert_eq!(said.stdout.lines().filter(|line| line.ends_with(": uploaded")).count(), 3);
    desk.daphnia(&["history", "nightly-report", "-n", &new]).exits(0).prints_a_line_with("succeeded");
    desk.cluster.kubectl(&["delete", "namespace", &new, "--wait=false"]);
}
