//! `daphnia profiles`: the list, the text of one, and what it does to manifests.

use std::process::Command;

use serde_json::Value;

use super::desk::{JOB, desk};

const TEAM: (&str, &str) = (
    "gpu",
    "{# By the platform team. #}\ndescription: >\n  Nodes with a card,\n  shared.\npatches:\n- pod: {nodeSelector: {card: shared}}\n",
);

#[test]
fn those_that_there_are_are_listed() {
    let folder = desk(JOB, &[TEAM]);
    let list = folder.run(&["profiles", "-o", "json"]);
    assert_eq!((list.status, list.stderr.as_str()), (0, ""));
    let list: Vec<Value> = serde_json::from_str(&list.stdout).unwrap();
    let found = |name: &str| list.iter().find(|profile| profile["name"] == name).unwrap();
    assert_eq!(found("gpu")["description"], "Nodes with a card, shared.");
    assert_eq!(found("gpu")["source"], "team/templates/profiles/gpu.yaml");
    assert_eq!(found("spot")["source"], "daphnia");
    let table = folder.run(&["profiles"]).stdout;
    assert!(
        table.lines().any(|line| line.starts_with("gpu ") && line.ends_with(" Nodes with a card, shared"))
    );
    assert_eq!(table.lines().count(), list.len() + 1);
    assert!(list.iter().all(|profile| profile["name"] == "none" || profile["description"] != ""), "{table}");
}

#[test]
fn one_is_printed_as_it_is_written() {
    let folder = desk(JOB, &[TEAM]);
    assert_eq!(folder.run(&["profiles", "gpu"]).stdout, TEAM.1);
    let spot = folder.run(&["profiles", "spot"]);
    assert_eq!((spot.status, spot.stdout.as_str()), (0, include_str!("../../templates/profiles/spot.yaml")));
    for arguments in [&["profiles", "gpuu"][..], &["profiles", "gpuu", "a.yaml"]] {
        let told = folder.run(arguments);
        assert_eq!((told.status, told.stdout.as_str()), (2, ""));
        assert!(told.stderr.contains("did you mean `gpu`?"), "{}", told.stderr);
    }
}

#[test]
fn what_it_does_is_a_diff() {
    let chosen = format!("{JOB}  profile: [spot, gpu]\n");
    for (manifest, arguments) in
        [(JOB, ["gpu", "a.yaml"]), (&chosen, ["gpu", "a.yaml"]), (&chosen, ["gpu", "-"])]
    {
        let folder = desk(manifest, &[TEAM]);
        let run = folder.run_with(&[&["profiles"], &arguments[..]].concat(), manifest);
        let said = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(run.status, 0, "{said}");
        assert!(said.contains("+        card: shared\n") && !said.contains("+        pool: spot"), "{said}");
        assert!(said.contains("team/templates/profiles/gpu.yaml:6"), "{said}");
        assert!(manifest != JOB || said.contains("+      nodeSelector:\n"), "{said}");
    }
    let locked = desk(&format!("{JOB}  nodeSelector: {{card: own}}\n"), &[TEAM]);
    let run = locked.run(&["profiles", "gpu", "a.yaml"]);
    assert!(run.status == 1 && run.stderr.contains("error[locked]"), "{}", run.stderr);
}

#[test]
fn a_shell_completes_their_names() {
    let folder = desk(JOB, &[TEAM]);
    let completed = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_daphnia"));
        command.current_dir(folder.path("")).env("DAPHNIA_COMPLETE", "fish").arg("--").args(words);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(completed(&["daphnia", "profiles", "g"]), "gpu\n");
    assert_eq!(completed(&["daphnia", "render", "a.yaml", "--profile", "re"]), "restricted\n");
}
