//! What ran can be read again, run again exactly as it was, and a CronJob can run before its time.

use std::io::{BufRead as _, BufReader};

use super::daphnia::{Desk, UNTIL_RELEASED, config_map, job};
use super::harness::{eventually, success};

/// The newest run.
fn newest(desk: &Desk) -> String {
    let history = desk.history();
    history[0].split_whitespace().next().expect("a line begins with the run").to_owned()
}

#[test]
fn the_log_of_a_run_is_read_while_it_runs_when_it_is_over_and_when_its_job_is_gone() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("slow", &format!("echo begun; {UNTIL_RELEASED}; seq 1 300")));
    desk.daphnia(&["run", "job.yaml", "--detach"]).exits(0);
    let run = newest(&desk);
    let expected = format!("begun\n{}", (1..=300).map(|number| format!("{number}\n")).collect::<String>());

    let mut following = desk.start(&["logs", &run, "-n", "NAMESPACE"]);
    let mut lines = BufReader::new(following.child.stdout.take().expect("standard output is piped")).lines();
    assert_eq!(lines.next().expect("there is a line").expect("it is text"), "begun");
    desk.release(&run);
    let rest: String = lines.map(|line| line.expect("it is text") + "\n").collect();
    following.wait().exits(0);
    assert_eq!(format!("begun\n{rest}"), expected);
    assert!(desk.history()[0].contains("succeeded"), "who follows a run concludes its record");

    assert_eq!(desk.daphnia(&["logs", &run, "-n", "NAMESPACE"]).exits(0).stdout, expected);
    success(desk.namespace.kubectl(&["delete", "job", &run]));
    eventually("its pods are gone", || desk.objects("pods").is_empty().then_some(()));
    assert_eq!(desk.daphnia(&["logs", &run, "-n", "NAMESPACE"]).exits(0).stdout, expected);
    desk.daphnia(&["logs", "slow", "-n", "NAMESPACE"])
        .exits(2)
        .tells(&format!("the last run of the job `slow` is `{run}`"));
}

#[test]
fn a_rerun_is_exactly_what_the_run_was_whatever_has_changed_since() {
    let Some(desk) = Desk::with_node() else { return };
    let uses = |value: &str| {
        let job = job("greeting", "echo $WORD $key").replace(
            "command:",
            "env: [{name: WORD, value: hello}]\n          envFrom: [{configMapRef: {name: words}}]\n          command:",
        );
        format!("{}---\n{job}", config_map("words", value))
    };
    desk.write("job.yaml", &uses("world"));
    desk.daphnia(&["run", "job.yaml", "--env", "WORD=good"]).exits(0).prints(&["good world"]);
    let first = newest(&desk);
    desk.write("job.yaml", &uses("moon"));
    desk.daphnia(&["apply", "job.yaml"]).exits(0);

    desk.daphnia(&["rerun", &first, "-n", "NAMESPACE"]).exits(0).prints(&["good world"]);
    assert_eq!(desk.object("configmaps", "words").expect("it is there")["data"]["key"], "moon");
    let history = desk.history();
    assert!(history[0].contains(&format!("rerun of {first} --env WORD")), "{history:?}");
    let again = newest(&desk);
    assert!(again != first && again.starts_with("greeting-"), "{again}");
    // What is there is what the manifest says, and no run of something else.
    desk.daphnia(&["diff", "job.yaml"]).exits(0);
}

#[test]
fn a_failed_run_fails_again_with_its_exit_code() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("job.yaml", &job("broken", "exit 7"));
    desk.daphnia(&["run", "job.yaml"]).exits(1);
    let run = newest(&desk);
    desk.daphnia(&["rerun", &run, "-n", "NAMESPACE", "--propagate-exit-code"]).exits(7);
}

const CRON_JOB: &str = "\
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: NAMESPACE}
spec:
  schedule: 0 3 * * *
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: main
              image: busybox:1.36
              command: [sh, -c, 'echo ${WORD:-nightly} $0']
";

#[test]
fn a_cronjob_of_the_cluster_runs_before_its_time() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("cron.yaml", CRON_JOB);
    desk.daphnia(&["run", "cron.yaml"]).exits(2).tells("`daphnia run --from cronjob/nightly`");
    desk.daphnia(&["apply", "cron.yaml"]).exits(0);
    desk.daphnia(&["run", "--from", "cronjob/nightly", "-n", "NAMESPACE"]).exits(0).prints(&["nightly sh"]);
    let run = newest(&desk);
    let job = desk.object("jobs", &run).expect("the Job is there");
    assert_eq!(job["metadata"]["ownerReferences"][0]["name"], "nightly", "its CronJob counts it");

    desk.daphnia(&[
        "run",
        "--from",
        "cronjob/nightly",
        "-n",
        "NAMESPACE",
        "--env",
        "WORD=now",
        "--",
        "early",
    ])
    .exits(0)
    .prints(&["now early"])
    .tells("this run differs from what is stored")
    .tells("+ value: now");
    assert!(desk.history()[0].contains("--from cronjob/nightly --env WORD -- early"), "{:?}", desk.history());

    desk.daphnia(&["run", "--from", "cronjob/nigtly", "-n", "NAMESPACE"])
        .exits(2)
        .tells("did you mean `nightly`?");
    desk.daphnia(&["run", "--from", "cronjob/nightly", "-n", "NAMESPACE", "--set", "spec.backoffLimit=many"])
        .exits(1)
        .tells("`spec.backoffLimit` must be");
    desk.daphnia(&["run", "--from", "job/nightly"]).exits(2).tells("write `cronjob/NAME`");
    desk.daphnia(&["run", "--from", "cronjob/nightly", "cron.yaml"]).exits(2).tells("cannot be used with");
    desk.daphnia(&["run"]).exits(2).tells("required arguments were not provided");
}
