//! A Kubernetes object → what a strict server would refuse of it, as far as schemas say it.

use super::gone::{self, Instead};
use super::{index, kind, kinds_named, schema};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::source::{Place, SourceKind, Sources};
use crate::yaml::{Node, Value};

/// Checks one Kubernetes object against the schema of its kind.
pub fn check(object: &Node, sources: &Sources) -> Vec<Diagnostic> {
    let field = |name: &str| object.get(name).filter(|node| !node.is_null());
    let (Some(version_node), Some(kind_node)) = (field("apiVersion"), field("kind")) else {
        return ["apiVersion", "kind"]
            .iter()
            .filter(|name| field(name).is_none())
            .map(|name| missing(object, name))
            .collect();
    };
    let (Some(api_version), Some(name)) = (version_node.as_str(), kind_node.as_str()) else {
        return [(version_node, "apiVersion"), (kind_node, "kind")]
            .iter()
            .filter(|(node, _)| node.as_str().is_none())
            .map(|(node, name)| not_a_string(node, name))
            .collect();
    };
    if let Some(schema) = schema(api_version, name) {
        let mut findings = schema.check(object, sources);
        super::rules::check(object, api_version, name, &mut findings, sources);
        return findings;
    }
    let asked =
        Asked { object, sources, api_version, kind: name, at: version_node.place, kind_at: kind_node.place };
    vec![asked.unknown()]
}

fn missing(object: &Node, name: &str) -> Diagnostic {
    let first = object.as_map().and_then(|map| map.entries.first());
    Diagnostic::error("missing-field", format!("this Kubernetes object has no `{name}`"))
        .at(first.map_or(object.place, |(key, _)| key.place))
        .label(format!("lacks `{name}`"))
        .help("an object begins with for example `apiVersion: batch/v1` and `kind: Job`")
}

fn not_a_string(node: &Node, name: &str) -> Diagnostic {
    Diagnostic::error("wrong-type", format!("`{name}` must be a string, not a {}", node.type_name()))
        .at(node.place)
        .label("expected a string")
}

/// A kind that has no schema here.
struct Asked<'a> {
    object: &'a Node,
    sources: &'a Sources,
    api_version: &'a str,
    kind: &'a str,
    at: Place,
    kind_at: Place,
}

impl Asked<'_> {
    fn unknown(&self) -> Diagnostic {
        if let Some((since, instead)) = gone::find(self.api_version, self.kind) {
            return self.gone(since, instead);
        }
        let groups = &index().groups;
        if let Some(group) = groups.get(self.api_version) {
            let near = did_you_mean(self.kind, group.kinds.keys().map(String::as_str));
            return self.unknown_kind(near);
        }
        let (group, version) = self.api_version.split_once('/').unwrap_or(("", self.api_version));
        let is_own = groups.keys().any(|known| known.split_once('/').map_or("", |(group, _)| group) == group);
        if is_own && is_preview(version) {
            return self.unchecked("an alpha or beta API is checked by a server that serves it");
        }
        let homes = kinds_named(self.kind);
        let near = did_you_mean(self.api_version, homes.iter().map(|(version, _)| *version));
        // A custom resource's group is a domain, so a group without a dot can only be meant as one of Kubernetes'.
        if is_own || near.is_some() || !group.contains('.') {
            return self.unknown_version(near.or(homes.first().map(|(version, _)| *version)));
        }
        self.unchecked("the definition of this custom resource is not known here; the server checks it")
    }

    fn gone(&self, since: u32, instead: Instead) -> Diagnostic {
        let message = format!("`{}` has no {} since Kubernetes 1.{since}", self.api_version, self.kind);
        let diagnostic = Diagnostic::error("removed-api", message).at(self.at).label("no longer served");
        match instead {
            Instead::Other(words) => diagnostic.help(words),
            Instead::Version(version) if self.is_valid_as(version, self.kind) => {
                self.replace(diagnostic, self.at, version)
            }
            Instead::Version(version) => diagnostic.help(format!(
                "use `{version}`, which has other fields: set it, and the next check names them"
            )),
        }
    }

    fn unknown_kind(&self, near: Option<&str>) -> Diagnostic {
        let message = format!("`{}` has no kind `{}`", self.api_version, self.kind);
        let diagnostic = Diagnostic::error("unknown-kind", message);
        if let Some((version, name)) = kinds_named(self.kind).first().filter(|(_, name)| *name == self.kind) {
            let diagnostic = diagnostic.at(self.at).label(format!("`{name}` is in `{version}`"));
            return self.replace(diagnostic, self.at, version);
        }
        match near {
            Some(near) => {
                self.replace(diagnostic.at(self.kind_at).label("not a kind here"), self.kind_at, near)
            }
            None => {
                let group = index().groups.get(self.api_version);
                let kinds: Vec<&str> =
                    group.into_iter().flat_map(|g| g.kinds.keys()).map(String::as_str).collect();
                let more = if kinds.len() > 12 { ", …" } else { "" };
                let shown = kinds.iter().take(12).copied().collect::<Vec<_>>().join(", ");
                diagnostic.at(self.kind_at).label("not a kind here").help(format!("its kinds: {shown}{more}"))
            }
        }
    }

    fn unknown_version(&self, meant: Option<&str>) -> Diagnostic {
        let message = format!("Kubernetes has no API `{}`", self.api_version);
        let diagnostic = Diagnostic::error("unknown-kind", message).at(self.at).label("not an API");
        if let Some(version) = meant {
            return self.replace(diagnostic, self.at, version);
        }
        let near = did_you_mean(self.api_version, index().groups.keys().map(String::as_str));
        match near {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(
                "a custom resource's apiVersion is `domain/version`, for example `example.com/v1`; a built-in one's is like `batch/v1`",
            ),
        }
    }

    fn unchecked(&self, why: &str) -> Diagnostic {
        let message = format!("`{}` {} is not checked", self.api_version, self.kind);
        Diagnostic::note("unchecked-kind", message).at(self.kind_at).label("passed as it is").help(why)
    }

    fn is_valid_as(&self, api_version: &str, name: &str) -> bool {
        let mut object = self.object.clone();
        let Some(map) = object.as_map_mut() else { return false };
        if let Some(node) = map.get_mut("apiVersion") {
            node.value = Value::String(api_version.into());
        }
        kind(api_version, name).is_some() && schema(api_version, name).is_some_and(|s| s.is_valid(&object))
    }

    /// Offers to write something else at a place of the file.
    fn replace(&self, diagnostic: Diagnostic, place: Place, text: &str) -> Diagnostic {
        if self.sources.get(place.source).kind == SourceKind::Manifest {
            diagnostic.fix(format!("write `{text}`"), place, text)
        } else {
            diagnostic.help(format!("write `{text}`"))
        }
    }
}

/// `v1beta1`, `v2alpha1`.
fn is_preview(version: &str) -> bool {
    let letters = version.trim_start_matches('v').trim_start_matches(|c: char| c.is_ascii_digit());
    letters.starts_with("alpha") || letters.starts_with("beta")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn check_text(text: &str) -> Vec<String> {
        let sources = Sources::default();
        let id = sources.add(Source::new(SourceKind::Manifest, "t.yaml", text));
        let (documents, findings) = crate::yaml::read(id, text);
        assert!(findings.is_empty(), "{findings:?}");
        let show = |d: &Diagnostic| {
            let (line, column) = sources.get(id).line_column(d.place.unwrap().start);
            let fix = d.fix.iter().flat_map(|fix| &fix.edits).map(|edit| format!(" → {}", edit.text));
            format!("{}@{line}:{column} {}{}", d.code, d.message, fix.collect::<String>())
        };
        check(&documents[0].root, &sources).iter().map(show).collect()
    }

    const JOB: &str = "\
apiVersion: batch/v1
kind: Job
metadata: {name: a, labels: {x: a/b}, creationTimestamp: null}
spec:
  completionMode: indexed
  backoffLimit: '3'
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: main
        image: busybox
        comand: [sh]
        env: [{name: PORT, value: 8080}]
        resources: {limits: {memory: 1GB, cpu: 2}}
";

    #[test]
    fn an_object_is_checked_strictly() {
        assert_eq!(
            check_text(JOB),
            [
                "wrong-format@3:33 `metadata.labels.x`: `a/b` has `/`; use letters, digits, `-`, `_` and `.`",
                "unknown-value@5:19 `spec.completionMode` cannot be `indexed` → Indexed",
                "wrong-type@6:17 `spec.backoffLimit` must be an integer, not a string → 3",
                "unknown-field@13:9 unknown field `comand` in `spec.template.spec.containers[0]` → command",
                "wrong-type@14:35 `spec.template.spec.containers[0].env[0].value` must be a string, not a number → \"8080\"",
                "wrong-format@15:38 `spec.template.spec.containers[0].resources.limits.memory`: `1GB` ends in `GB`, which is no unit of a quantity; did you mean `1G` or `1Gi`?",
            ]
        );
    }

    #[test]
    fn unknown_kinds_are_told_apart() {
        let cases = [
            ("apiVersion: v1\nkind: Pdo", "unknown-kind@2:7 `v1` has no kind `Pdo` → Pod"),
            ("apiVersion: v1\nkind: Job", "unknown-kind@1:13 `v1` has no kind `Job` → batch/v1"),
            ("apiVersion: batch/v1\nkind: job", "unknown-kind@2:7 `batch/v1` has no kind `job` → Job"),
            (
                "apiVersion: app/v1\nkind: Deployment",
                "unknown-kind@1:13 Kubernetes has no API `app/v1` → apps/v1",
            ),
            (
                "apiVersion: batch/v2\nkind: Job",
                "unknown-kind@1:13 Kubernetes has no API `batch/v2` → batch/v1",
            ),
            ("apiVersion: nonsense/v1\nkind: Thing", "unknown-kind@1:13 Kubernetes has no API `nonsense/v1`"),
            (
                "apiVersion: example.com/v1\nkind: Job",
                "unchecked-kind@2:7 `example.com/v1` Job is not checked",
            ),
            (
                "apiVersion: resource.k8s.io/v1beta1\nkind: DeviceClass",
                "unchecked-kind@2:7 `resource.k8s.io/v1beta1` DeviceClass is not checked",
            ),
            (
                "apiVersion: policy/v1beta1\nkind: PodSecurityPolicy",
                "removed-api@1:13 `policy/v1beta1` has no PodSecurityPolicy since Kubernetes 1.25",
            ),
            (
                "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\nspec: {minAvailable: 1}",
                "removed-api@1:13 `policy/v1beta1` has no PodDisruptionBudget since Kubernetes 1.25 → policy/v1",
            ),
            (
                "apiVersion: extensions/v1beta1\nkind: Ingress\nspec: {backend: {serviceName: a, servicePort: 80}}",
                "removed-api@1:13 `extensions/v1beta1` has no Ingress since Kubernetes 1.22",
            ),
            ("kind: Job", "missing-field@1:1 this Kubernetes object has no `apiVersion`"),
            ("apiVersion: 1\nkind: Job", "wrong-type@1:13 `apiVersion` must be a string, not a number"),
        ];
        for (text, expected) in cases {
            assert_eq!(check_text(text), [expected], "{text}");
        }
    }
}
