//! What is wrong with a profile is told at its own line.

use super::desk::{DEPLOYMENT, JOB, OBJECT, desk, refused, render};

/// Asserts what is told of a profile, and on which line of it.
fn told(profile: &str, message: &str, line: usize) {
    let told = refused(JOB, profile);
    let place = format!("team/templates/profiles/p.yaml:{line}:");
    assert!(told.contains(message) && told.contains(&place), "{message} at {place}\n{told}");
}

#[test]
fn unknown_fields() {
    told("description: x\npatched: []\n", "a profile has no field `patched`", 2);
    told("patches:\n- pods: {}\n", "a patch has no field `pods`", 2);
    told(
        "description: x\ndefaults:\n  backofLimit: 3\n",
        "sets `backofLimit`, which KubernetesJob does not have",
        3,
    );
    told(
        "description: x\ndefaults:\n  resources:\n    limit: {}\n",
        "sets `limit`, which KubernetesJob does not have",
        4,
    );
    told("patches:\n- pod:\n    nodeSelecto: {a: b}\n", "unknown field `nodeSelecto`", 3);
}

#[test]
fn values_of_the_wrong_kind() {
    told("description: [x]\n", "`description` is a text", 1);
    told("description: x\nextends: {a: b}\n", "`extends` is the name of a profile", 2);
    told("defaults: 3\n", "`defaults` is a map", 1);
    told("patches: {pod: {}}\n", "`patches` is a list", 1);
    told("patches:\n- 3\n", "a patch is a map", 2);
    told("patches:\n- pod: 3\n", "`pod` is a map of fields", 2);
    told("patches:\n- kinds: Job\n  pod: {}\n", "`kinds` is a list of kinds", 2);
    told("- a\n", "a profile is a map", 1);
    told("a: b\n---\nc: d\n", "a profile is one document", 3);
    told("description: x\ndefaults:\n  backoffLimit: many\n", "`spec.backoffLimit` must be an integer", 3);
    told("patches:\n- pod:\n    priority: high\n", "must be an integer", 3);
}

#[test]
fn patches_that_cannot_be_merged() {
    told("patches:\n- kinds: [Job]\n", "this patch changes nothing", 2);
    told("patches:\n- pod: {}\n  container: {}\n", "this patch changes two things", 3);
    told("patches:\n- patch: {}\n", "`patch` needs `kinds`", 2);
    told("patches:\n- kinds: [KubernetesJob]\n  patch: {}\n", "`KubernetesJob` is a kind of manifest", 2);
    told("patches:\n- kinds: [Jobs]\n  patch: {}\n", "Kubernetes has no kind `Jobs`", 2);
    told(
        "patches:\n- pod:\n    containers:\n    - image: x\n",
        "an item of `spec.template.spec.containers` has no `name`",
        4,
    );
    told("patches:\n- kinds: [Job]\n  patch:\n    kind: CronJob\n", "a patch cannot change the `kind`", 4);
    told("patches:\n- container:\n    resources:\n      $patch: remove\n", "`$patch` cannot be this", 4);
}

#[test]
fn what_templates_get_wrong() {
    told("description: x\n{% if spec.backofLimit %}\n{% endif %}\n", "there is no such field", 2);
    told("description: x\n{% if %}\n", "cannot be rendered", 2);
    told("description: x\ndefaults:\n  a: [\n", "not valid YAML", 3);
    told("description: x\nextends: [restrictd]\n", "there is no profile `restrictd`", 2);
    told("description: x\nextends: p\n", "the profile `p` extends itself: `p` → `p`", 2);
}

#[test]
fn profiles_that_extend_each_other_without_end() {
    let circle = [("a", "extends: b\n"), ("b", "description: x\nextends: [spot, a]\n")];
    let told = render(&desk(JOB, &circle), &["--profile", "a"]).stderr;
    assert!(told.contains("the profile `a` extends itself: `a` → `b` → `a`"), "{told}");
    assert!(told.contains("profiles/b.yaml:2:"), "{told}");
    let names: Vec<String> = (0..2000).map(|index| format!("p{index}")).collect();
    let texts: Vec<String> = (1..=2000).map(|index| format!("extends: p{index}\n")).collect();
    let chain: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    let told = render(&desk(JOB, &chain), &["--profile", "p0"]).stderr;
    assert!(told.contains("the profile `p0` extends others more than 32 deep"), "{told}");
    assert!(told.contains("profiles/p31.yaml:1:"), "{told}");
}

/// Whatever a profile does, it ends.
#[test]
fn loops_and_memory_are_bounded() {
    let endless = "description: x\n{% for a in range(99999) %}\n{% for b in range(99999) %}\n{% endfor %}\n{% endfor %}\n";
    told(endless, "does not end within its bound of steps", 3);
    told("{% macro m() %}\n{{ m() }}\n{% endmacro %}\ndescription: {{ m() }}\n", "recursion", 2);
    told("description: x\ndefaults: {command: [{{ 'x' * 999999999 }}]}\n", "too large", 2);
    let many = "{% for i in range(9999) %}\n- {{ 'x' * 9999999 }}\n{% endfor %}\n";
    told(&format!("description: x\ndefaults:\n  command:\n{many}"), "more than", 5);
}

/// What a server would refuse because of a profile is told at the profile's line.
#[test]
fn what_kubernetes_refuses_of_it() {
    let told =
        refused(OBJECT, "patches:\n- container:\n    resources: {limits: {cpu: 1}, requests: {cpu: 2}}\n");
    assert!(told.contains("request-above-limit") && told.contains("p.yaml:3:"), "{told}");
    let told = refused(OBJECT, "patches:\n- pod:\n    containers:\n    - {name: agent}\n");
    assert!(told.contains("image") && told.contains("p.yaml:4:"), "{told}");
    // The field that is wrong is not always one that the profile writes.
    let label = "patches:\n- pod: {priorityClassName: high}\n- pod: {metadata: {labels: {daphnia.dev/workload: x}}}\n";
    let told = refused(DEPLOYMENT, label);
    assert!(told.contains("error[selector-mismatch]") && told.contains("--> profile team"), "{told}");
    assert!(told.contains("p.yaml:3:") && told.contains("the profile `p` makes it so here"), "{told}");
}

/// Whoever reads of a file that is wrong reads what its profile does to it.
#[test]
fn what_a_profile_makes_wrong_names_the_manifest() {
    let folder = desk(OBJECT, &[("p", "patches:\n- pod: {dnsPolicy: Sometimes}\n")]);
    let told = |format: &str| {
        let run = folder.run(&["validate", "a.yaml", "--profile", "p", "--format", format]);
        assert_eq!(run.status, 1);
        run.stdout
    };
    let text = told("text");
    assert!(text.contains("profiles/p.yaml:2:") && text.contains("::: a.yaml:3:18"), "{text}");
    assert!(text.contains("in what this becomes"), "{text}");
    assert!(told("github").contains("::error file=a.yaml,line=3,col=18,"), "{}", told("github"));
    let junit = told("junit");
    assert!(junit.contains("<testsuite name=\"a.yaml\" tests=\"1\" failures=\"1\""), "{junit}");
}
