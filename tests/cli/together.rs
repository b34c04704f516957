//! Everything that is wrong is told in one run, and nothing twice.

use super::desk::{Desk, Said};

const OURS: &str = "apiVersion: kubernetes.planton.dev/v1
kind: KubernetesJob
metadata: {name: job}
spec:
  namespace: batch
  image: {repo: busybox, tag: latest}
  resources: {limits: {cpu: 1}, requests: {cpu: 2}}
  env: {variables: {PORT: 8080}}
  completionMode: Indexed
  affinity: {nodeAfinity: {}}
  comand: [a]
  podFailurePolicy: {rules: [{action: FailIndx}]}
  initContainers: [{name: a, image: b:v1, workinDir: /}]
";
const THEIRS: &str = "apiVersion: batch/v1
kind: Job
metadata: {name: Bad_name}
spec:
  templte: {}
  template:
    spec:
      restartPolicy: Always
      containers:
      - {name: a, image: b:v1, ports: [{containerPort: x}]}
      - {name: a, image: c:v1}
      volumes:
      - name: data
        emptyDri: {}
";

fn check(text: &str, more: &[&str]) -> Said {
    let desk = Desk::new().with("job.yaml", text);
    desk.daphnia(&[&["validate", "job.yaml"], more].concat())
}

/// Lists the lines that findings are at.
fn lines(said: &Said) -> Vec<usize> {
    let places = said.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("--> job.yaml:"));
    places.map(|place| place.split(':').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn schema_rules_and_what_kubernetes_says_are_told_together() {
    let said = check(OURS, &[]);
    assert_eq!(lines(&said), [7, 8, 9, 10, 11, 12, 13], "{}", said.stdout);
    let said = check(THEIRS, &[]);
    assert_eq!(lines(&said), [3, 5, 8, 10, 11, 14], "{}", said.stdout);
}

#[test]
fn a_denied_lint_does_not_wait_for_errors_to_be_mended() {
    for text in [OURS, THEIRS] {
        assert!(!check(text, &[]).stdout.contains("missing-deadline"));
        let said = check(text, &["--deny", "missing-deadline"]);
        assert!(said.stdout.contains("error[missing-deadline]"), "{}", said.stdout);
    }
}

#[test]
fn files_of_kustomize_are_passed_over() {
    let desk = Desk::new()
        .with("k8s/kustomization.yaml", "kind: Kustomization\nresources: [map.yaml]\n")
        .with("k8s/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n");
    let said = desk.daphnia(&["validate", "k8s"]);
    assert_eq!(said.status, 0, "{}", said.stdout);
    let said = desk.daphnia(&["validate", "k8s/kustomization.yaml"]);
    assert_eq!(said.status, 0, "{}", said.stdout);
    assert!(said.stdout.contains("holds no Kubernetes object"), "{}", said.stdout);
}
