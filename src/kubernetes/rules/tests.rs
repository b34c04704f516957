use super::*;
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
    check(object, version, kind, &sources).iter().map(show).collect()
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
