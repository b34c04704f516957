//! `explain`, `schema`, `kinds`, `init`, `completions`.

use serde_json::Value;

use super::desk::{Desk, Said, examples, in_root};

fn daphnia(arguments: &[&str]) -> Said {
    Desk::new().daphnia(arguments)
}

fn explained(topic: &str) -> String {
    let said = daphnia(&["explain", topic]);
    assert_eq!(said.status, 0, "{topic}: {}", said.stderr);
    said.stdout
}

#[test]
fn a_field_is_explained() {
    let text = explained("kubernetes-job.spec.completion_mode");
    assert!(text.starts_with("KubernetesJob.spec.completionMode: string\n"), "{text}");
    for line in ["  default     NonIndexed", "  allowed     NonIndexed, Indexed"] {
        assert!(text.lines().any(|other| other == line), "{text}");
    }
    for line in ["Rules", "  - an Indexed job needs `completions`: one pod runs for each index;", "Lints"] {
        assert!(text.lines().any(|other| other.starts_with(line)), "{text}");
    }
    assert!(text.contains("\n  - unindexed-completions (warn): no pod can tell"), "{text}");
    assert!(!explained("KubernetesJob.spec.workingDir").contains("Rules"));
}

#[test]
fn fields_below_lists_and_maps_are_found() {
    for (topic, start) in [
        ("KubernetesJob.spec.namespace", "KubernetesJob.spec.namespace: string or map, required\n"),
        (
            "KubernetesJob.spec.env.variables.GREETING.value",
            "KubernetesJob.spec.env.variables.GREETING.value: string",
        ),
        ("job.spec.template.spec.containers", "Job.spec.template.spec.containers: list of map, required\n"),
        (
            "jobs.spec.template.spec.containers[0].Image",
            "Job.spec.template.spec.containers.image: string, required\n",
        ),
        (
            "job.spec.template.spec.containers[main].env.0",
            "Job.spec.template.spec.containers.env: list of map\n",
        ),
        (
            "KubernetesJob.spec.env.variables['A.B'].value",
            "KubernetesJob.spec.env.variables.A.B.value: string",
        ),
        (
            "KubernetesJob.spec.podFailurePolicy.rules.onExitCodes.operator",
            "KubernetesJob.spec.podFailurePolicy.rules.onExitCodes.operator: string, required\n",
        ),
        (
            "KubernetesCronJob.spec.init_containers[0].volume_mounts",
            "KubernetesCronJob.spec.initContainers.volumeMounts: list of map\n",
        ),
        ("HORIZONTALPODAUTOSCALER", "HorizontalPodAutoscaler: map\n  apiVersion  autoscaling/v2\n"),
    ] {
        let text = explained(topic);
        assert!(text.starts_with(start), "{topic}:\n{text}");
    }
}

#[test]
fn what_a_kind_leaves_to_kubernetes_is_explained_by_kubernetes() {
    let text = explained("KubernetesJob.spec.sidecars");
    let fields: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let count = |name: &str| fields.iter().filter(|field| **field == name).count();
    assert_eq!((count("image"), count("volumeMounts"), count("livenessProbe")), (1, 1, 1), "{text}");
    let text = explained("KubernetesJob.spec.affinity");
    assert!(text.contains("Where pods go") && text.contains("\n  podAntiAffinity "), "{text}");
}

#[test]
fn a_name_that_is_not_known_has_a_next_step() {
    for (topic, words) in [
        ("KubernetesJb", "did you mean `KubernetesJob`?"),
        ("Jbo", "did you mean `Job`?"),
        ("KubernetesJob.spec.imag", "did you mean `image`?"),
        ("KubernetesJob.spec.zzz", "`daphnia explain KubernetesJob.spec` lists its fields"),
        ("KubernetesJob.spec.suspend.x", "it is a boolean, and has no fields"),
        ("KubernetesJob.spec.affinity.podAfinity", "did you mean `podAffinity`?"),
        ("KubernetesJob..spec", "`KubernetesJob..spec` is no path to a field"),
        ("zzzz", "`daphnia kinds --all` lists all kinds"),
    ] {
        let said = daphnia(&["explain", topic]);
        assert!(said.status == 2 && said.stderr.contains(words), "{topic}: {}", said.stderr);
    }
    let said = daphnia(&["init", "PersistentVolume"]);
    assert!(
        said.status == 2 && said.stderr.contains("`daphnia explain PersistentVolume`"),
        "{}",
        said.stderr
    );
}

#[test]
fn schemas_stand_alone_and_take_their_example() {
    let names: Vec<String> = examples();
    let topics = names.iter().map(String::as_str).chain(["Job", "Pod", "CustomResourceDefinition"]);
    for topic in topics {
        let schema: Value = serde_json::from_str(&daphnia(&["schema", topic]).stdout).unwrap();
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{topic}");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let id = schema["$id"].as_str().unwrap();
        assert!(id.starts_with("https://daphnia.dev/schemas/") && id.ends_with(".json"), "{id}");
        let text = schema.to_string();
        let references = text.matches("\"$ref\":\"").count();
        assert_eq!(text.matches("\"$ref\":\"#/$defs/").count(), references, "{topic} refers outside");
        jsonschema::validator_for(&schema).unwrap();
    }
}

#[test]
fn kinds_are_listed() {
    let table = daphnia(&["kinds"]).stdout;
    let kinds: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    let list: Value = serde_json::from_str(&daphnia(&["kinds", "--all", "-o", "json"]).stdout).unwrap();
    let list = list.as_array().unwrap();
    let ours: Vec<&str> = list
        .iter()
        .filter(|kind| kind["source"] == "daphnia")
        .filter_map(|kind| kind["kind"].as_str())
        .collect();
    assert_eq!(kinds, ours);
    assert_eq!(kinds.len(), examples().len());
    assert!(list.iter().any(|kind| kind["kind"] == "Job" && kind["apiVersions"][0] == "batch/v1"));
    assert!(list.iter().all(|kind| kind["description"].as_str().is_some_and(|text| !text.is_empty())));
}

#[test]
fn starters_of_kubernetes_own_kinds_are_valid() {
    for kind in [
        "job",
        "CronJob",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Service",
        "Ingress",
        "ConfigMap",
        "Role",
        "RoleBinding",
    ] {
        let starter = daphnia(&["init", kind]).stdout;
        let comments = starter.lines().filter(|line| line.trim_start().starts_with("# ")).count();
        assert!(comments > 2, "{kind}: {starter}");
        assert!(!starter.contains("daphnia.dev/") && !starter.contains("managed-by"), "{starter}");
        let desk = Desk::new().with("new.yaml", &starter);
        let said = desk.daphnia(&["validate", "new.yaml"]);
        assert_eq!((said.status, said.stdout.as_str()), (0, ""), "{kind}: {}", said.stderr);
    }
}

#[test]
fn a_starter_is_valid_and_renders_as_the_example() {
    for kind in examples() {
        let starter = daphnia(&["init", &kind]).stdout;
        assert!(starter.lines().filter(|line| line.trim_start().starts_with('#')).count() > 3, "{starter}");
        let desk = Desk::new().with("new.yaml", &starter);
        let said = desk.daphnia(&["validate", "new.yaml"]);
        assert_eq!((said.status, said.stdout.as_str()), (0, ""), "{kind}: {}", said.stderr);
        let rendered = desk.daphnia(&["render", "new.yaml"]).stdout;
        assert_eq!(rendered, desk.daphnia(&["render", &in_root(&format!("examples/{kind}.yaml"))]).stdout);
    }
}

#[test]
fn every_shell_gets_its_completions() {
    for (shell, words) in [
        ("bash", "-F _clap_complete_daphnia daphnia"),
        ("zsh", "#compdef daphnia"),
        ("fish", "--command daphnia"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[daphnia]"),
    ] {
        let said = daphnia(&["completions", shell]);
        assert!(said.status == 0 && said.stdout.contains(words), "{shell}: {}", said.stdout);
    }
    assert!(daphnia(&["completions", "tcsh"]).stderr.contains("bash, elvish, fish, powershell, zsh"));
}

/// What bash puts at the end of a line, by the script that it is given.
fn completed(line: &str) -> Vec<String> {
    let bin = std::path::Path::new(super::desk::DAPHNIA).parent().unwrap();
    let script = format!(
        "source <(daphnia completions bash)\nCOMP_WORDS=({line})\nCOMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
         COMP_TYPE=9\n_clap_complete_daphnia daphnia \"${{COMP_WORDS[-1]}}\"\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = std::process::Command::new("bash").args(["-c", &script]).env("PATH", path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split('\t').next().unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn bash_completes_commands_kinds_fields_and_lints() {
    for (line, expected) in [
        ("daphnia vali", &["validate"][..]),
        ("daphnia init kubernetesd", &["KubernetesDaemonSet", "KubernetesDeployment"]),
        ("daphnia schema Cron", &["CronJob"]),
        (
            "daphnia explain KubernetesJob.spec.compl",
            &["KubernetesJob.spec.completions", "KubernetesJob.spec.completionMode"],
        ),
        (
            "daphnia explain job.spec.template.spec.containers[0].imageP",
            &["job.spec.template.spec.containers[0].imagePullPolicy"],
        ),
        ("daphnia validate --allow latest", &["latest-tag"]),
        ("daphnia explain NoSuchKind.sp", &[""]),
    ] {
        assert_eq!(completed(line), expected, "{line}");
    }
}
