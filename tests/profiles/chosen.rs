//! A profile is chosen by the team, by the manifest, or on the command line.

use super::desk::{JOB, OBJECT, desk, every, render, rendered};

const ONE: (&str, &str) = ("one", "patches:\n- pod: {priorityClassName: one, nodeSelector: {one: x}}\n");
const TWO: (&str, &str) = ("two", "patches:\n- pod: {priorityClassName: two, nodeSelector: {two: x}}\n");
const THREE: (&str, &str) =
    ("three", "patches:\n- pod: {priorityClassName: three, nodeSelector: {three: x}}\n");

/// Which profiles have patched, and which of them last.
fn applied(manifest: &str, toml: &str, arguments: &[&str]) -> (Vec<String>, String) {
    let folder = desk(manifest, &[ONE, TWO, THREE]);
    let folder = folder.with("daphnia.toml", &format!("kinds = [\"team\"]\n{toml}"));
    let object = rendered(&folder, arguments);
    let pod = &object["spec"]["template"]["spec"];
    let names = pod["nodeSelector"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    (names.collect(), pod["priorityClassName"].as_str().unwrap_or_default().to_owned())
}

fn expect(names: &[&str]) -> (Vec<String>, String) {
    let last = names.last().map(|name| (*name).to_owned()).unwrap_or_default();
    (names.iter().map(|name| (*name).to_owned()).collect(), last)
}

#[test]
fn by_the_manifest_as_one_name_or_several() {
    assert_eq!(applied(JOB, "", &[]), expect(&[]));
    assert_eq!(applied(&format!("{JOB}  profile: one\n"), "", &[]), expect(&["one"]));
    assert_eq!(applied(&format!("{JOB}  profile: [two, one]\n"), "", &[]), expect(&["two", "one"]));
    assert_eq!(applied(&format!("{JOB}  profile: 'two, one'\n"), "", &[]), expect(&["two", "one"]));
}

#[test]
fn by_an_annotation_of_any_object() {
    let annotated = |manifest: &str| {
        manifest.replace("name: a", "name: a, annotations: {daphnia.dev/profile: 'one,two'}")
    };
    assert_eq!(applied(&annotated(JOB), "", &[]), expect(&["one", "two"]));
    assert_eq!(applied(&annotated(OBJECT), "", &[]), expect(&["one", "two"]));
}

/// The last one has the last word: the team's, the manifest's, the command line's.
#[test]
fn all_of_them_in_their_order() {
    let manifest = format!("{JOB}  profile: two\n");
    assert_eq!(
        applied(&manifest, "profile = \"three\"\n", &["--profile", "one"]),
        expect(&["three", "two", "one"])
    );
    assert_eq!(
        applied(OBJECT, "profile = [\"three\", \"two\"]\n", &["--profile", "one"]),
        expect(&["three", "two", "one"])
    );
    assert_eq!(
        applied(OBJECT, "", &["--profile", "two", "--profile", "one,three"]),
        expect(&["two", "one", "three"])
    );
}

#[test]
fn what_a_profile_extends_comes_first_and_once() {
    let base = (
        "base",
        "patches:\n- pod: {priorityClassName: base, nodeSelector: {base: x}, tolerations: [{key: a}]}\n",
    );
    let left =
        ("left", "extends: [base]\npatches:\n- pod: {priorityClassName: left, nodeSelector: {left: x}}\n");
    let right =
        ("right", "extends: base\npatches:\n- pod: {priorityClassName: right, nodeSelector: {right: x}}\n");
    let folder = desk(JOB, &[base, left, right]);
    let job = rendered(&folder, &["--profile", "left,right,base"]);
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(pod["priorityClassName"], "right");
    let order: Vec<_> = pod["nodeSelector"].as_object().unwrap().keys().collect();
    assert_eq!(order, ["base", "left", "right"]);
}

#[test]
fn a_task_of_a_function_has_its_own() {
    let function = "\
apiVersion: daphnia.dev/v1
kind: ContainerFunction
metadata: {name: f}
spec:
  image: busybox:1
  tasks:
    - {action: job, profile: spot}
    - {action: deploy}
";
    let objects = every(&desk(function, &[]), &["--profile", "restricted"]);
    let pods: Vec<_> = objects.iter().map(|object| &object["spec"]["template"]["spec"]).collect();
    let selectors: Vec<bool> = pods.iter().map(|pod| pod["nodeSelector"]["pool"] == "spot").collect();
    assert_eq!(selectors, [true, false]);
    assert!(pods.iter().all(|pod| pod["securityContext"]["runAsNonRoot"] == true));
}

#[test]
fn an_unknown_profile_is_told_with_those_that_there_are() {
    let told = render(&desk(&format!("{JOB}  profile: spott\n"), &[ONE]), &[]);
    assert_eq!(told.status, 1);
    for part in [
        "there is no profile `spott`",
        "a.yaml:7:12",
        "did you mean `spot`?",
        "known profiles:",
        "restricted",
        "one",
    ] {
        assert!(told.stderr.contains(part), "{part}: {}", told.stderr);
    }
    let told = render(&desk(JOB, &[ONE]), &["--profile", "spott"]);
    assert!(told.status == 2 && told.stderr.contains("did you mean `spot`?"), "{}", told.stderr);
    let folder = desk(JOB, &[ONE]).with("daphnia.toml", "kinds = [\"team\"]\nprofile = [\"one\", \"two\"]\n");
    let told = render(&folder, &[]);
    assert!(told.status == 2 && told.stderr.contains("daphnia.toml:2:19"), "{}", told.stderr);
    let told =
        render(&desk(&JOB.replace("name: a", "name: a, annotations: {daphnia.dev/profile: x}"), &[]), &[]);
    assert!(told.status == 1 && told.stderr.contains("a.yaml:3:"), "{}", told.stderr);
}

/// A platform may have profiles that are known to it alone.
#[test]
fn in_a_document_of_the_platform_an_unknown_profile_is_a_warning() {
    let exported = "\
kind: container
name: f
project: p
spec: {image: busybox:1}
---
kind: container+job
project: p
spec: {function: 'container://p/f:1', profile: a100-only-there}
";
    let folder = desk(exported, &[]);
    let run = folder.run(&["validate", "a.yaml"]);
    assert!(
        run.status == 0
            && run.stdout.contains("warning[unknown-profile]: there is no profile `a100-only-there`"),
        "{}",
        run.stdout
    );
    let run = render(&folder, &[]);
    assert!(run.status == 0 && run.stdout.contains("\"kind\": \"Job\""), "{}", run.stderr);
}

#[test]
fn profiles_are_of_the_team_or_built_in_and_no_name_is_both() {
    let run = render(&desk(JOB, &[("spot", "description: x\n")]), &["--profile", "spot"]);
    assert!(run.status == 2 && run.stderr.contains("`spot` is a profile that is built in"), "{}", run.stderr);
}
