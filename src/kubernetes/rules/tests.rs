use super::*;
use crate::kubernetes;
use crate::source::{Source, SourceKind};

fn found(text: &str) -> Vec<String> {
    let sources = Sources::default();
    let id = sources.add(Source::new(SourceKind::Manifest, "t.yaml", text));
    let (documents, findings) = crate::yaml::read(id, text);
    assert!(findings.is_empty(), "{findings:?}");
    let object = &documents[0].root;
    let (version, kind) = (super::text(object, "apiVersion"), super::text(object, "kind"));
    let show = |finding: &Diagnostic| {
        let line = |place: Place| sources.get(id).line_column(place.start).0;
        let related = finding.related.iter().map(|(place, words)| format!(" ({}: {words})", line(*place)));
        let place = line(finding.place.unwrap());
        format!("{}@{place} {}{}", finding.code, finding.message, related.collect::<String>())
    };
    let schema = kubernetes::schema(version, kind);
    let mut told = schema.map_or(Vec::new(), |schema| schema.check(object, &sources));
    let by_schema = told.len();
    check(object, version, kind, &mut told, &sources);
    told[by_schema..].iter().map(show).collect()
}

const JOB: &str = "\
apiVersion: batch/v1
kind: Job
metadata: {name: a}
spec:
  template:
    spec:
      containers:
      - name: main
        image: busybox
        resources:
          limits: {cpu: 1}
          requests: {cpu: 1500m}
        volumeMounts:
        - {name: data, mountPath: /data}
      - name: main
        image: busybox
";

#[test]
fn findings_stand_at_their_lines() {
    assert_eq!(
        found(JOB),
        [
            "duplicate-name@15 `spec.template.spec.containers[1].name` repeats `main`, which must be unique (8: `main` is here first)",
            "unknown-volume@14 `spec.template.spec.containers[0].volumeMounts[0].name` names no volume of this pod: there is no `data`",
            "request-above-limit@12 `spec.template.spec.containers[0].resources.requests.cpu` of 1500m must not be above the limit of 1 (11: this is the limit)",
            "missing-field@6 missing field `restartPolicy` in `spec.template.spec`: a Job's pods cannot be restarted always, which is the default",
        ]
    );
}

#[test]
fn large_data_is_refused() {
    let map = |size: usize| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{a: '{}'}}\n",
            "x".repeat(size)
        )
    };
    assert!(found(&map(1024 * 1024)).is_empty());
    assert_eq!(found(&map(1024 * 1024 + 1)).len(), 1);
}

#[test]
fn what_a_schema_refuses_hides_no_rule_beside_it() {
    let text = JOB.replace(
        "spec:\n  template",
        "spec:\n  extra: {}\n  completionMode: Indexed\n  parallelism: 2\n  template",
    );
    let found = found(&text);
    assert!(found.iter().any(|line| line.starts_with("duplicate-name@18")), "{found:#?}");
    assert!(found.iter().any(|line| line.contains("restartPolicy")), "{found:#?}");
    // That there are no completions may be what the unknown field is about.
    assert!(!found.iter().any(|line| line.contains("missing field `completions`")), "{found:#?}");
}

#[test]
fn a_misspelt_field_is_not_missed_as_well() {
    let text = "\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: a, image: b}]
  volumes:
  - name: data
    emptyDri: {}
";
    assert_eq!(found(text), [""; 0]);
}
