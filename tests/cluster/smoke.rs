//! The cluster is what the other tests take it for: containers run and fail as on any
//! Kubernetes, requests are seen, and nothing of it is left when it ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{Cluster, cluster_or_skip, eventually, node_or_skip, success};

fn job(name: &str, spec: Value, command: &str) -> String {
    let mut job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": {"spec": {
            "restartPolicy": "Never",
            "containers": [{
                "name": "main",
                "image": "busybox:1.36",
                "command": ["sh", "-c", command],
                "resources": {"limits": {"memory": "32Mi"}},
            }],
        }}},
    });
    for (key, value) in spec.as_object().expect("a spec is an object") {
        job["spec"][key] = value.clone();
    }
    job.to_string()
}

/// The condition with which the Job ended.
fn end(job: &Value) -> Option<Value> {
    let conditions = job["status"]["conditions"].as_array()?;
    let ended = |c: &&Value| c["status"] == "True" && (c["type"] == "Complete" || c["type"] == "Failed");
    conditions.iter().find(ended).cloned()
}

#[test]
fn a_job_runs_and_its_log_is_read() {
    let Some(cluster) = node_or_skip() else { return };
    let namespace = cluster.namespace();
    namespace.apply(&job("greeting", json!({}), "echo hello from $HOSTNAME"));
    let end = eventually("the job ends", || end(&namespace.kubectl_json(&["get", "job", "greeting"])));
    assert_eq!(end["type"], "Complete");
    assert!(success(namespace.kubectl(&["logs", "job/greeting"])).starts_with("hello from greeting-"));
}

#[test]
fn one_index_of_a_job_fails() {
    let Some(cluster) = node_or_skip() else { return };
    let namespace = cluster.namespace();
    let spec = json!({"completionMode": "Indexed", "completions": 3, "parallelism": 3, "backoffLimitPerIndex": 0, "backoffLimit": null});
    namespace.apply(&job("shards", spec, "test $JOB_COMPLETION_INDEX != 1"));
    let end = eventually("the job ends", || end(&namespace.kubectl_json(&["get", "job", "shards"])));
    assert_eq!(end["reason"], "FailedIndexes");
    let status = &namespace.kubectl_json(&["get", "job", "shards"])["status"];
    assert_eq!((&status["completedIndexes"], &status["failedIndexes"]), (&json!("0,2"), &json!("1")));
}

#[test]
fn a_container_is_killed_for_its_memory() {
    let Some(cluster) = node_or_skip() else { return };
    let namespace = cluster.namespace();
    namespace.apply(&job("hungry", json!({}), "tail /dev/zero"));
    let terminated = eventually("the container ends", || {
        let pods = namespace.kubectl_json(&["get", "pods"]);
        pods.pointer("/items/0/status/containerStatuses/0/state/terminated").cloned()
    });
    assert_eq!((&terminated["reason"], &terminated["exitCode"]), (&json!("OOMKilled"), &json!(137)));
}

#[test]
fn an_image_that_is_not_there_fails_in_seconds() {
    let Some(cluster) = node_or_skip().filter(|cluster| cluster.is_own()) else { return };
    let namespace = cluster.namespace();
    let images = ["example.com/no/such:1".to_owned(), format!("{}/private/x:1", cluster.registry())];
    for (name, image) in ["absent", "denied"].iter().zip(&images) {
        success(namespace.kubectl(&["run", name, "--image", image]));
    }
    let began = Instant::now();
    for (name, cause) in [("absent", "not found"), ("denied", "401 Unauthorized")] {
        let message = eventually("the pull fails", || {
            let pod = namespace.kubectl_json(&["get", "pod", name]);
            let waiting = pod.pointer("/status/containerStatuses/0/state/waiting")?.clone();
            (waiting["reason"] == "ErrImagePull" || waiting["reason"] == "ImagePullBackOff")
                .then(|| waiting["message"].to_string())
        });
        assert!(message.contains(cause), "{message}");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn requests_are_seen_with_their_user_and_answer() {
    let Some(cluster) = cluster_or_skip().filter(|cluster| cluster.is_own()) else { return };
    let namespace = cluster.namespace();
    let mark = cluster.mark();
    namespace.kubectl(&["get", "configmap", "absent"]);
    let developer = cluster.kubeconfig_for("developer");
    let mut as_developer = cluster.command(&["--namespace", namespace.name(), "get", "secrets"]);
    assert!(!as_developer.env("KUBECONFIG", &developer).output().expect("kubectl runs").status.success());
    namespace.allow("developer", &["list"], &["secrets"]);
    assert!(as_developer.output().expect("kubectl runs").status.success());

    let seen = namespace.requests(mark);
    let asked =
        seen.iter().filter(|request| request.uri.contains("configmaps") || request.uri.contains("secrets"));
    let asked = asked.map(|request| (&*request.verb, &*request.user, request.code)).collect::<Vec<_>>();
    let expected =
        [("get", "admin", Some(404)), ("list", "developer", Some(403)), ("list", "developer", Some(200))];
    assert_eq!(asked, expected);
}

#[test]
fn a_killed_supervisor_leaves_nothing_behind() {
    if cluster_or_skip().is_none_or(|cluster| !cluster.is_own()) {
        return;
    }
    let cluster = Cluster::start().expect("a second cluster starts");
    let folder = cluster.folder().to_owned();
    kill(cluster.supervisor());
    assert_nothing_is_left_of(&folder);
}

#[test]
fn a_killed_test_leaves_nothing_behind() {
    if cluster_or_skip().is_none_or(|cluster| !cluster.is_own()) {
        return;
    }
    let mut test = Command::new(std::env::current_exe().expect("a test knows its own program"))
        .args(["--ignored", "--nocapture", "--exact", "cluster::smoke::holds_a_cluster_until_killed"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test program can be run again");
    let mut lines = BufReader::new(test.stdout.take().expect("stdout is piped")).lines();
    let folder = lines.find_map(|line| Some(line.ok()?.split_once("folder: ")?.1.to_owned()));
    let folder = folder.expect("it tells its folder");
    assert!(Path::new(&folder).exists());
    kill(test.id());
    let _ = test.wait();
    assert_nothing_is_left_of(Path::new(&folder));
}

#[test]
#[ignore = "the other half of a_killed_test_leaves_nothing_behind"]
fn holds_a_cluster_until_killed() {
    let cluster = Cluster::start().expect("a second cluster starts");
    println!("folder: {}", cluster.folder().display());
    std::thread::sleep(Duration::from_secs(600));
}

fn kill(process: u32) {
    success(Command::new("kill").args(["-KILL", &process.to_string()]).output().expect("kill can be run"));
}

fn assert_nothing_is_left_of(folder: &Path) {
    eventually("the folder is gone", || (!folder.exists()).then_some(()));
    let name = folder.file_name().and_then(|name| name.to_str()).expect("the folder has a name");
    // The sweeper removes the folder before it ends itself.
    eventually("no process of it is left", || processes_of(name).is_empty().then_some(()));
    let groups = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|group| group.path());
    for group in groups.chain([Path::new("/sys/fs/cgroup").to_owned()]) {
        assert!(!group.join(name).exists(), "{} is left", group.join(name).display());
    }
}

fn processes_of(cluster: &str) -> Vec<String> {
    let commands = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|process| {
        let command = fs::read(process.path().join("cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        command.contains(cluster).then_some(command)
    });
    commands.collect()
}
