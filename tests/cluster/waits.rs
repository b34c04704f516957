//! Waiting ends when all is ready or anything has failed, and says the cause in a sentence.

use super::daphnia::{Desk, job};
use super::harness::{eventually, success};
use super::replace::deny;

fn workload(kind: &str, container: &str) -> String {
    let service = if kind == "StatefulSet" { "serviceName: web, " } else { "" };
    format!(
        "\
apiVersion: apps/v1
kind: {kind}
metadata: {{name: web, namespace: NAMESPACE}}
spec:
  {{{service}selector: {{matchLabels: {{app: web}}}},
  template: {{metadata: {{labels: {{app: web}}}},
  spec: {{terminationGracePeriodSeconds: 1, containers: [{{name: web, {container}}}]}}}}}}
"
    )
}

const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

#[test]
fn workloads_that_come_up_are_ready() {
    let Some(desk) = Desk::with_node() else { return };
    for kind in KINDS {
        desk.write("web.yaml", &workload(kind, "image: 'busybox:1.36', command: [sleep, '600']"));
        desk.daphnia(&["apply", "web.yaml"]).exits(0).takes_less_than(60).tells(&format!("ready {kind}"));
    }
}

#[test]
fn a_workload_whose_image_is_not_there_fails_within_seconds_whatever_its_kind() {
    let Some(desk) = Desk::with_node() else { return };
    for kind in KINDS {
        desk.write("web.yaml", &workload(kind, "image: 'REGISTRY/no/such:1'"));
        desk.daphnia(&["apply", "web.yaml"])
            .exits(1)
            .takes_less_than(40)
            .tells(&format!("failed {kind} {}/web", desk.namespace.name()))
            .tells("no/such:1` of container `web` of pod `web-")
            .tells("was not found");
    }
}

#[test]
fn a_workload_that_crashes_again_and_again_fails_whatever_its_kind() {
    let Some(desk) = Desk::with_node() else { return };
    let all = KINDS.map(|kind| {
        workload(kind, "image: 'busybox:1.36', command: [sh, -c, 'echo no config; exit 7']")
            .replace("name: web, namespace", &format!("name: {}, namespace", kind.to_lowercase()))
            .replace("app: web", &format!("app: {}", kind.to_lowercase()))
    });
    let applies = KINDS.iter().zip(&all).map(|(kind, text)| {
        let file = format!("{kind}.yaml");
        desk.write(&file, text);
        (kind, desk.start(&["apply", &file]))
    });
    for (kind, apply) in applies.collect::<Vec<_>>() {
        apply.wait().exits(1).tells(&format!("failed {kind} ")).tells("exited with code 7");
    }
}

#[test]
fn a_rollout_that_fails_is_told_though_the_old_pods_still_run() {
    let Some(desk) = Desk::with_node() else { return };
    for kind in ["StatefulSet", "Deployment"] {
        desk.write("web.yaml", &workload(kind, "image: 'busybox:1.36', command: [sleep, '600']"));
        desk.daphnia(&["apply", "web.yaml"]).exits(0);
        desk.write("web.yaml", &workload(kind, "image: 'REGISTRY/private/x:1', command: [sleep, '600']"));
        desk.daphnia(&["apply", "web.yaml"])
            .exits(1)
            .takes_less_than(60)
            .tells("the registry does not let")
            .tells("private/x:1`");
    }
}

#[test]
fn pods_that_a_policy_refuses_are_told() {
    let Some(desk) = Desk::with_node() else { return };
    deny(&desk, "pods", "!has(object.metadata.labels) || !('job-name' in object.metadata.labels)");
    let probe = "apiVersion: v1\nkind: Pod\nmetadata: {name: probe, labels: {job-name: x}}\n\
                 spec: {containers: [{name: c, image: 'busybox:1.36'}]}\n";
    eventually("the policy holds", || {
        let args = ["-n", desk.namespace.name(), "create", "--dry-run=server", "-f", "-"];
        (!desk.cluster.kubectl_with(&args, probe).status.success()).then_some(())
    });
    desk.write("job.yaml", &job("refused", "true"));
    for command in ["apply", "run"] {
        desk.daphnia(&[command, "job.yaml"])
            .exits(1)
            .takes_less_than(40)
            .tells("its pods are refused")
            .tells("denied request: not here");
    }
}

#[test]
fn pods_that_the_namespace_is_too_strict_for_are_told() {
    let Some(desk) = Desk::with_node() else { return };
    let label = "pod-security.kubernetes.io/enforce=restricted";
    success(desk.cluster.kubectl(&["label", "namespace", desk.namespace.name(), label]));
    desk.write("web.yaml", &workload("DaemonSet", "image: 'busybox:1.36'"));
    desk.daphnia(&["apply", "web.yaml"])
        .exits(1)
        .takes_less_than(40)
        .tells("its pods are refused")
        .tells("violates PodSecurity \"restricted:latest\"");
}

#[test]
fn a_deployment_that_makes_no_progress_in_its_time_says_what_it_waits_for() {
    let Some(desk) = Desk::with_node() else { return };
    let picky = workload("Deployment", "image: 'busybox:1.36'")
        .replace("{selector", "{progressDeadlineSeconds: 3, selector")
        .replace("spec: {termination", "spec: {nodeSelector: {disk: golden}, termination");
    desk.write("web.yaml", &picky);
    desk.daphnia(&["apply", "web.yaml"])
        .exits(1)
        .takes_less_than(40)
        .tells("no progress within 3 s (progressDeadlineSeconds)")
        .tells("cannot be scheduled");
}

#[test]
fn a_container_that_waits_for_a_config_map_that_is_not_there_is_told() {
    let Some(desk) = Desk::with_node() else { return };
    let from = "image: 'busybox:1.36', envFrom: [{configMapRef: {name: settings}}]";
    desk.write("web.yaml", &workload("StatefulSet", from));
    desk.daphnia(&["apply", "web.yaml"])
        .exits(1)
        .takes_less_than(40)
        .tells("ConfigMap `settings` does not exist");
    let mounted = workload("Deployment", "image: 'busybox:1.36', volumeMounts: [{name: c, mountPath: /c}]")
        .replace("spec: {termination", "spec: {volumes: [{name: c, configMap: {name: other}}], termination");
    desk.write("web.yaml", &mounted);
    desk.daphnia(&["apply", "web.yaml"])
        .exits(1)
        .takes_less_than(60)
        .tells("cannot mount volume `c`: ConfigMap `other` does not exist");
}

#[test]
fn a_probe_that_fails_is_told_with_what_it_said() {
    let Some(desk) = Desk::with_node() else { return };
    let probed = |probe: &str| {
        let command = "command: [sh, -c, \"trap 'exit 143' TERM; sleep 600 & wait\"]";
        let container = format!(
            "image: 'busybox:1.36', {command}, {probe}: {{periodSeconds: 1, failureThreshold: 1, \
             exec: {{command: [sh, -c, 'echo no database; exit 1']}}}}"
        );
        workload("Deployment", &container).replace("{selector", "{progressDeadlineSeconds: 8, selector")
    };
    desk.write("web.yaml", &probed("readinessProbe"));
    desk.daphnia(&["apply", "web.yaml"])
        .exits(1)
        .takes_less_than(60)
        .tells("container `web` of pod `web-")
        .tells("is not ready: its readiness probe fails: no database")
        .tells("no progress within 8 s (progressDeadlineSeconds): container `web`");
    desk.daphnia(&["apply", "web.yaml", "--timeout", "2s"])
        .exits(1)
        .tells("readiness probe fails: no database");
    desk.daphnia(&["delete", "web.yaml"]).exits(0);
    desk.write("web.yaml", &probed("startupProbe").replace("progressDeadlineSeconds: 8, ", ""));
    desk.daphnia(&["apply", "web.yaml"])
        .exits(1)
        .tells("exited with code 143 since its startup probe fails: no database");
}

#[test]
fn what_is_not_ready_in_time_is_told_with_what_it_waits_for() {
    let Some(desk) = Desk::with_node() else { return };
    let sleeper = "image: 'busybox:1.36', command: [sleep, '600'], \
                   readinessProbe: {periodSeconds: 1, exec: {command: [cat, /ready]}}";
    desk.write("web.yaml", &workload("StatefulSet", sleeper));
    desk.daphnia(&["apply", "web.yaml", "--timeout", "6s"])
        .exits(70)
        .takes_less_than(30)
        .tells("timed out StatefulSet")
        .tells("is not ready in time: container `web` of pod `web-0` is not ready: its readiness probe fails: cat: can't open '/ready'");
}

#[test]
fn without_waiting_nothing_is_watched_and_all_is_left_to_itself() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("web.yaml", &workload("Deployment", "image: 'REGISTRY/no/such:1'"));
    desk.mark();
    desk.daphnia(&["apply", "web.yaml", "--no-wait"])
        .exits(0)
        .takes_less_than(20)
        .prints(&[&format!("created    Deployment {}/web", desk.namespace.name())])
        .does_not_tell("waiting");
    assert!(desk.requests().iter().all(|request| request.verb != "watch"), "{:?}", desk.requests());
}
