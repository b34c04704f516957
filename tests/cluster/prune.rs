//! A set of objects: what leaves the manifests leaves the cluster, and kubectl sees the same set.

use std::process::Output;

use serde_json::Value;

use super::daphnia::{Desk, config_map};
use super::harness::{eventually, success};

fn maps(names: &[&str]) -> String {
    names.iter().map(|name| config_map(name, "one")).collect::<Vec<_>>().join("---\n")
}

impl Desk {
    fn apply_set(&self, names: &[&str]) -> super::daphnia::Said {
        self.write("set.yaml", &maps(names));
        self.daphnia(&["apply", "set.yaml", "--prune", "--set-name", "shop", "-n", "NAMESPACE"])
    }

    fn maps(&self) -> Vec<String> {
        let objects = self.objects("configmaps");
        let names = objects.iter().map(|o| o["metadata"]["name"].as_str().unwrap_or_default().to_owned());
        names.filter(|name| name != "kube-root-ca.crt").collect()
    }

    fn parent(&self) -> Value {
        self.object("secrets", "shop").expect("the set has a parent")["metadata"].clone()
    }

    /// `kubectl apply --prune --applyset` of these.
    fn kubectl_apply_set(&self, names: &[&str]) -> Output {
        let text = maps(names).replace("NAMESPACE", self.namespace.name());
        let mut command = self.cluster.command(&[
            "apply",
            "--prune",
            "--applyset=shop",
            "-n",
            self.namespace.name(),
            "-f",
            "-",
        ]);
        command.env("KUBECTL_APPLYSET", "true");
        super::harness::with_input(command, &text)
    }
}

#[test]
fn prune_lists_what_goes_and_deletes_it_and_nothing_else() {
    let Some(desk) = Desk::new() else { return };
    let name = |map: &str| format!("ConfigMap {}/{map}", desk.namespace.name());
    desk.namespace.apply(&config_map("foreign", "one").replace("NAMESPACE", desk.namespace.name()));
    desk.apply_set(&["a", "b", "c"]).exits(0);
    desk.write("set.yaml", &maps(&["a"]));
    desk.mark();
    desk.daphnia(&["diff", "set.yaml", "--prune", "--set-name", "shop", "-n", "NAMESPACE"])
        .exits(1)
        .prints(&[&format!("{}: pruned", name("b")), "-  key: one", &format!("{}: pruned", name("c"))])
        .tells("2 pruned");
    assert_eq!(desk.writes(), [], "a diff changes nothing");
    desk.daphnia(&["apply", "set.yaml", "-n", "NAMESPACE"]).exits(0);
    assert_eq!(desk.maps(), ["a", "b", "c", "foreign"], "without --prune nothing goes");
    desk.apply_set(&["a"]).exits(0).prints_a_line_with(&name("b")).prints_a_line_with("pruned");
    assert_eq!(desk.maps(), ["a", "foreign"]);
    desk.mark();
    desk.apply_set(&["a"]).exits(0);
    assert_eq!(desk.writes(), [], "applied again, it only reads");
}

#[test]
fn kubectl_lists_and_prunes_the_same_set() {
    let Some(desk) = Desk::new() else { return };
    desk.apply_set(&["a", "b", "c"]).exits(0);
    let parent = desk.parent();
    let id = parent["labels"]["applyset.kubernetes.io/id"].as_str().expect("it has an id").to_owned();
    let listed = success(desk.namespace.kubectl(&[
        "get",
        "configmaps",
        "-l",
        &format!("applyset.kubernetes.io/part-of={id}"),
        "-o",
        "name",
    ]));
    assert_eq!(listed, "configmap/a\nconfigmap/b\nconfigmap/c\n");
    assert_eq!(parent["annotations"]["applyset.kubernetes.io/contains-group-kinds"], "ConfigMap");

    // As KEP-3659 has it, a tool leaves the sets of others alone until they are handed over.
    let refused = desk.kubectl_apply_set(&["a"]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && why.contains("managed by tooling \"daphnia\" instead of \"kubectl\""),
        "{why}"
    );
    let tooling = "applyset.kubernetes.io/tooling=kubectl/v1.36.3";
    success(desk.namespace.kubectl(&["annotate", "--overwrite", "secret", "shop", tooling]));
    let said = success(desk.kubectl_apply_set(&["a", "b"]));
    assert!(said.contains("configmap/c pruned") && !said.contains("configmap/b pruned"), "{said}");
    assert_eq!(desk.maps(), ["a", "b"]);
}

#[test]
fn a_set_that_kubectl_has_made_is_taken_over_only_on_demand() {
    let Some(desk) = Desk::new() else { return };
    success(desk.kubectl_apply_set(&["a", "b"]));
    desk.mark();
    desk.apply_set(&["a"])
        .exits(3)
        .tells("the set `shop` in `")
        .tells("is kept by `kubectl/v1.36.3`")
        .tells("--adopt-set");
    assert_eq!(desk.writes(), []);
    let adopt = ["apply", "set.yaml", "--prune", "--set-name", "shop", "-n", "NAMESPACE", "--adopt-set"];
    desk.daphnia(&adopt).exits(0).prints_a_line_with("pruned");
    assert_eq!(desk.maps(), ["a"]);
    let tooling = desk.parent()["annotations"]["applyset.kubernetes.io/tooling"].clone();
    assert!(tooling.as_str().is_some_and(|tooling| tooling.starts_with("daphnia/")), "{tooling}");
    desk.apply_set(&["a"]).exits(0);
}

#[test]
fn an_empty_set_is_refused_and_nothing_is_pruned() {
    let Some(desk) = Desk::new() else { return };
    desk.apply_set(&["a", "b"]).exits(0);
    for text in ["", "# nothing left\n", "---\n---\n"] {
        desk.write("set.yaml", text);
        desk.daphnia(&["apply", "set.yaml", "--prune", "--set-name", "shop", "-n", "NAMESPACE"])
            .exits(2)
            .tells("there is no manifest in what was given");
    }
    desk.daphnia(&["apply", "set.yaml", "--prune"]).exits(2).tells("--set-name");
    assert_eq!(desk.maps(), ["a", "b"]);
}

#[test]
fn objects_of_another_set_are_neither_taken_nor_pruned() {
    let Some(desk) = Desk::new() else { return };
    desk.apply_set(&["a", "b"]).exits(0);
    desk.write("other.yaml", &maps(&["b", "c"]));
    desk.mark();
    desk.daphnia(&["apply", "other.yaml", "--prune", "--set-name", "depot", "-n", "NAMESPACE"])
        .exits(3)
        .tells("--> other.yaml:4:9")
        .tells(&format!("`ConfigMap {}/b` belongs to another set", desk.namespace.name()))
        .tells("kubectl label configmap b -n");
    assert_eq!(desk.writes(), []);
    desk.write("other.yaml", &maps(&["c"]));
    desk.daphnia(&["apply", "other.yaml", "--prune", "--set-name", "depot", "-n", "NAMESPACE"]).exits(0);
    assert_eq!(desk.maps(), ["a", "b", "c"]);
    desk.write("mine.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: mine, namespace: NAMESPACE}\n");
    desk.daphnia(&["apply", "mine.yaml"]).exits(0);
    desk.daphnia(&["apply", "other.yaml", "--set-name", "mine", "-n", "NAMESPACE"])
        .exits(2)
        .tells("is not the parent of a set");
}

#[test]
fn a_namespace_and_a_definition_stay_unless_they_are_asked_for() {
    let Some(desk) = Desk::new() else { return };
    let own = desk.namespace.name().to_owned();
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {own}-extra}}\n");
    let definition = definition(&own);
    desk.write("set.yaml", &[maps(&["a"]), namespace, definition].join("---\n"));
    let apply = ["apply", "set.yaml", "--prune", "--set-name", "shop", "-n", "NAMESPACE"];
    desk.daphnia(&apply).exits(0);
    desk.write("set.yaml", &maps(&["a"]));
    desk.daphnia(&apply)
        .exits(0)
        .tells(&format!("Namespace {own}-extra stays; `--include-namespaces` deletes it with everything"))
        .tells("stays; `--include-crds` deletes it with all its custom resources");
    let is_there = |kind: &str, name: &str| desk.cluster.kubectl(&["get", kind, name]).status.success();
    let plural = format!("widgets.{}.example.com", own);
    assert!(is_there("namespace", &format!("{own}-extra")) && is_there("crd", &plural));
    // They are still of the set.
    let all = [&apply[..], &["--include-namespaces", "--include-crds"]].concat();
    desk.daphnia(&all).exits(0).prints_a_line_with(&format!("Namespace {own}-extra"));
    assert!(!is_there("namespace", &format!("{own}-extra")) && !is_there("crd", &plural));
}

fn definition(group: &str) -> String {
    format!(
        "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: widgets.{group}.example.com}}
spec:
  group: {group}.example.com
  scope: Namespaced
  names: {{plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {{spec: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"
    )
}

#[test]
fn custom_resources_are_pruned_in_every_namespace_of_the_set() {
    let Some(desk) = Desk::new() else { return };
    let own = desk.namespace.name().to_owned();
    let other = format!("{own}-other");
    success(desk.cluster.kubectl(&["create", "namespace", &other]));
    desk.write("crd.yaml", &definition(&own));
    desk.daphnia(&["apply", "crd.yaml"]).exits(0);
    let widget = format!(
        "apiVersion: {own}.example.com/v1\nkind: Widget\nmetadata: {{name: w, namespace: {other}}}\nspec: {{size: 3}}\n"
    );
    desk.write("set.yaml", &[maps(&["a"]), widget].join("---\n"));
    let apply = ["apply", "set.yaml", "--prune", "--set-name", "shop", "-n", "NAMESPACE"];
    desk.daphnia(&apply).exits(0);
    let annotations = desk.parent()["annotations"].clone();
    assert_eq!(annotations["applyset.kubernetes.io/additional-namespaces"], other.as_str());
    desk.write("set.yaml", &maps(&["a"]));
    desk.daphnia(&apply).exits(0).prints_a_line_with(&format!("Widget {other}/w"));
    let annotations = desk.parent()["annotations"].clone();
    assert_eq!(annotations["applyset.kubernetes.io/additional-namespaces"], "");
    assert_eq!(annotations["applyset.kubernetes.io/contains-group-kinds"], "ConfigMap");
    desk.cluster.kubectl(&["delete", "namespace", &other, "--wait=false"]);
    desk.cluster.kubectl(&["delete", "crd", &format!("widgets.{own}.example.com"), "--wait=false"]);
}

#[test]
fn the_set_knows_of_what_is_applied_before_it_is_and_keeps_it_until_it_is_gone() {
    let Some(desk) = Desk::new() else { return };
    desk.apply_set(&["a"]).exits(0);
    // The second object is refused only when it is really applied, so the apply ends half-way.
    let service = |name: &str, port: u32| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: NAMESPACE}}\n\
             spec: {{type: NodePort, selector: {{app: x}}, ports: [{{port: 80, nodePort: {port}}}]}}\n"
        )
    };
    desk.write("set.yaml", &[maps(&["b"]), service("one", 31871), service("two", 31871)].join("---\n"));
    let apply = ["apply", "set.yaml", "--prune", "--set-name", "shop", "-n", "NAMESPACE"];
    desk.daphnia(&apply)
        .exits(1)
        .tells("--> set.yaml:1")
        .tells("| spec: {type: NodePort, selector: {app: x}, ports: [{port: 80, nodePort: 31871}]}")
        .tells("`spec.ports[0].nodePort`")
        .tells("provided port is already allocated")
        .tells("what was applied stays, and the next apply does the rest");
    let kinds = desk.parent()["annotations"]["applyset.kubernetes.io/contains-group-kinds"].clone();
    assert_eq!(kinds, "ConfigMap,Service", "what was applied is found again");
    assert_eq!(desk.maps(), ["a", "b"], "nothing is pruned while not all is applied");
    desk.write("set.yaml", &[maps(&["b"]), service("one", 31872), service("two", 31873)].join("---\n"));
    desk.daphnia(&apply).exits(0);
    assert_eq!(desk.maps(), ["b"], "the next apply does the rest");
    assert_eq!(desk.objects("services").len(), 2);
}

#[test]
fn nothing_is_pruned_while_something_is_not_ready() {
    let Some(desk) = Desk::with_node() else { return };
    desk.apply_set(&["a", "b"]).exits(0);
    desk.write("set.yaml", &[maps(&["a"]), super::daphnia::job("broken", "exit 1")].join("---\n"));
    let apply = ["apply", "set.yaml", "--prune", "--set-name", "shop", "-n", "NAMESPACE"];
    desk.daphnia(&apply)
        .exits(1)
        .tells("not all is ready, so nothing is pruned yet: 1 object of the set left");
    assert_eq!(desk.maps(), ["a", "b"]);
    desk.write("set.yaml", &maps(&["a"]));
    desk.daphnia(&apply).exits(0).prints_a_line_with(&format!("Job {}/broken", desk.namespace.name()));
    assert_eq!(desk.maps(), ["a"]);
    eventually("the Job and its pods are gone", || {
        (desk.objects("jobs").is_empty() && desk.objects("pods").is_empty()).then_some(())
    });
}

#[test]
fn a_set_can_bring_its_own_namespace() {
    let Some(desk) = Desk::new() else { return };
    let new = format!("{}-new", desk.namespace.name());
    let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {new}}}\n");
    desk.write("set.yaml", &[namespace, maps(&["a"]).replace("NAMESPACE", &new)].join("---\n"));
    let said = desk.daphnia(&["apply", "set.yaml", "--set-name", "shop", "-n", &new]).exits(0);
    assert_eq!(said.stdout.lines().count(), 2, "each object is told once: {}", said.stdout);
    success(desk.cluster.kubectl(&["get", "secret", "shop", "-n", &new]));
    desk.cluster.kubectl(&["delete", "namespace", &new, "--wait=false"]);
}
