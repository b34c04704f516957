//! `--set`: values find their field in maps and lists, are what the schema says, and are refused where they stand.

use super::desk::Desk;

const JOB: &str = "apiVersion: kubernetes.planton.dev/v1
kind: KubernetesJob
metadata: {name: job}
spec:
  namespace: batch
  image: {repo: busybox, tag: v1}
  backoffLimit: 1
  env: {variables: [{name: A, value: b}, {name: B, value: c}]}
  tolerations: [{key: a, operator: Exists}]
";
const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n";

fn set<'a>(command: &'a str, file: &'a str, sets: &[&'a str]) -> Vec<&'a str> {
    let options = sets.iter().flat_map(|set| ["--set", set]);
    [command, file].into_iter().chain(options).collect()
}

#[test]
fn values_reach_maps_and_lists_as_what_the_schema_says() {
    let desk = Desk::new().with("job.yaml", JOB).with("map.yaml", MAP);
    let sets = [
        "spec.env.variables[0]=8080",
        "spec.env.variables.B=true",
        "spec.env.variables.NEW.value=1",
        "spec.tolerations[0].key=zone",
        "spec.tolerations[1].operator=Exists",
        "spec.image.tag=1.10",
        "spec.args[0]=a,b",
        "spec.node_selector[\"example.com/pool\"]=1",
        "spec.sidecars.proxy.image=envoy:v1",
        "spec.sidecars.proxy.env.PORT.value=80",
        "spec.restartPolicy=Never",
        "spec.pod_failure_policy.rules[0].action=FailJob",
        "spec.podFailurePolicy.rules[0].on_exit_codes.operator=In",
        "spec.podFailurePolicy.rules[0].onExitCodes.values=[42]",
        "spec.affinity.node_affinity.preferred_during_scheduling_ignored_during_execution[0].weight=1",
        "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.match_expressions[0].key=1",
        "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.match_expressions[0].operator=Exists",
    ];
    let said = desk.daphnia(&set("render", "job.yaml", &sets));
    assert_eq!(said.status, 0, "{}", said.stderr);
    for part in [
        "        - name: A\n          value: \"8080\"\n",
        "        - name: B\n          value: \"true\"\n",
        "        - name: NEW\n          value: \"1\"\n",
        "      tolerations:\n      - key: zone\n        operator: Exists\n      - operator: Exists\n",
        "image: busybox:1.10\n",
        "        args:\n        - a,b\n",
        "        example.com/pool: \"1\"\n",
        "      - name: proxy\n        image: envoy:v1\n        env:\n        - name: PORT\n          value: \"80\"\n",
        "    - action: FailJob\n      onExitCodes:\n        operator: In\n        values:\n        - 42\n",
        "              matchExpressions:\n              - key: \"1\"\n                operator: Exists\n",
    ] {
        assert!(said.stdout.contains(part), "{part}\n{}", said.stdout);
    }
    let said = desk.daphnia(&set("render", "map.yaml", &["data.port=8080", "metadata.labels.x=true"]));
    assert!(said.stdout.contains("  port: \"8080\"\n") && said.stdout.contains("    x: \"true\"\n"));
}

#[test]
fn what_cannot_be_set_is_told_where_it_stands() {
    let desk = Desk::new().with("job.yaml", JOB).with("map.yaml", MAP);
    for (file, argument, status, column, words) in [
        ("job.yaml", "spec.backofLimit=3", 1, 12, "did you mean `backoffLimit`?"),
        ("job.yaml", "spec.backoffLimit=x", 1, 25, "must be an integer, not a string"),
        ("job.yaml", "spec.backoffLimit=-1", 1, 25, "must be at least 0"),
        ("job.yaml", "spec.restartPolicy=never", 1, 26, "did you mean `Never`?"),
        ("job.yaml", "spec.tolerations[3].key=x", 2, 24, "this list has 1 item"),
        ("job.yaml", "spec.tolerations.zone.key=x", 2, 24, "the items of this list have no names"),
        ("job.yaml", "spec.args.first=x", 2, 17, "the items of this list have no names"),
        ("map.yaml", "dta.port=1", 1, 7, "a field with a similar name exists: `data`"),
    ] {
        let said = desk.daphnia(&set("validate", file, &[argument]));
        assert_eq!(said.status, status, "{argument}: {}{}", said.stdout, said.stderr);
        assert!(said.stdout.contains(words), "{argument}: {}", said.stdout);
        assert!(
            said.stdout.contains(&format!("--> command line:1:{column}\n")),
            "{argument}: {}",
            said.stdout
        );
    }
}
