//! A folder with profiles of a team, and what `render` makes of manifests in it.

use serde_json::Value;

use crate::folder::{Folder, Run};

pub const JOB: &str = "\
apiVersion: kubernetes.planton.dev/v1
kind: KubernetesJob
metadata: {name: a}
spec:
  namespace: b
  image: {repo: busybox, tag: '1'}
";

pub const DEPLOYMENT: &str = "\
apiVersion: kubernetes.planton.dev/v1
kind: KubernetesDeployment
metadata: {name: a}
spec:
  namespace: b
  container: {app: {image: {repo: busybox, tag: '1'}}}
";

pub const OBJECT: &str = "\
apiVersion: batch/v1
kind: Job
metadata: {name: a, namespace: b}
spec:
  backoffLimit: 2
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: main
          image: busybox:1
          env: [{name: A, value: a}]
          volumeMounts: [{name: data, mountPath: /data}]
      volumes:
        - {name: data, emptyDir: {}}
      tolerations: [{key: x, operator: Exists}]
";

/// Makes a folder with a manifest and profiles, each a name and a text.
pub fn desk(manifest: &str, profiles: &[(&str, &str)]) -> Folder {
    let folder = Folder::new().with("daphnia.toml", "kinds = [\"team\"]\n").with("a.yaml", manifest);
    let folder = folder.with("team/templates/profiles/none.yaml", "");
    profiles.iter().fold(folder, |folder, (name, text)| {
        folder.with(&format!("team/templates/profiles/{name}.yaml"), text)
    })
}

pub fn render(folder: &Folder, arguments: &[&str]) -> Run {
    folder.run(&[&["render", "a.yaml", "-o", "json"], arguments].concat())
}

/// Renders a manifest of any number of objects.
pub fn every(folder: &Folder, arguments: &[&str]) -> Vec<Value> {
    let run = render(folder, arguments);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    serde_json::Deserializer::from_str(&run.stdout).into_iter().map(Result::unwrap).collect()
}

/// Renders a manifest of one object.
pub fn rendered(folder: &Folder, arguments: &[&str]) -> Value {
    let mut objects = every(folder, arguments);
    assert_eq!(objects.len(), 1);
    objects.remove(0)
}

/// Renders with one profile `p` of this text.
pub fn patched(manifest: &str, profile: &str) -> Value {
    rendered(&desk(manifest, &[("p", profile)]), &["--profile", "p"])
}

/// Says what is refused with one profile `p` of this text.
pub fn refused(manifest: &str, profile: &str) -> String {
    let run = render(&desk(manifest, &[("p", profile)]), &["--profile", "p"]);
    assert_ne!(run.status, 0, "{}", run.stdout);
    assert_eq!(run.stdout, "");
    run.stderr
}
