//! Every command's help has examples, and the README lists the commands that there are.

use std::fs;

use super::desk::{Desk, in_root};

/// Lists commands with what the help says of each.
fn commands() -> Vec<(String, String)> {
    let help = Desk::new().daphnia(&["--help"]).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty()).filter_map(|line| line.trim().split_once(' '));
    listed
        .filter(|(name, _)| *name != "help")
        .map(|(name, about)| (name.to_owned(), about.trim().to_owned()))
        .collect()
}

#[test]
fn every_command_has_examples_that_name_it() {
    let commands = commands();
    assert!(commands.len() > 12, "{commands:?}");
    for (name, _) in commands {
        let help = Desk::new().daphnia(&[&name, "--help"]).stdout;
        let examples = help.split("Examples:\n").nth(1).unwrap_or_default();
        let examples: Vec<&str> = examples.lines().take_while(|line| line.starts_with("  ")).collect();
        assert!(!examples.is_empty(), "`daphnia {name} --help` has no examples");
        let is_own = |example: &&str| example.contains(&format!("daphnia {name}"));
        assert!(examples.iter().all(is_own), "`daphnia {name} --help`: {examples:?}");
    }
}

#[test]
fn under_the_heading_of_the_cluster_is_what_chooses_it_and_no_more() {
    let about_the_cluster = ["--kubeconfig", "--context", "--namespace", "--request-timeout"];
    let mut count = 0;
    for (name, _) in commands() {
        let help = Desk::new().daphnia(&[&name, "--help"]).stdout;
        let Some((_, section)) = help.split_once("\nCluster:\n") else { continue };
        let lines = section.lines().take_while(|line| line.is_empty() || line.starts_with(' '));
        let options = lines.filter(|line| line.trim_start().starts_with('-'));
        let flags: Vec<&str> =
            options.filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--"))).collect();
        assert_eq!(flags, about_the_cluster, "`daphnia {name} --help`");
        count += 1;
    }
    assert!(count > 5, "only {count} commands have the heading");
}

#[test]
fn the_readme_lists_the_commands() {
    let readme = fs::read_to_string(in_root("README.md")).unwrap();
    let table = readme.split("\n## Commands\n").nth(1).expect("README.md has a section `Commands`");
    let rows = table.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<(String, String)> = rows
        .filter_map(|row| row.trim_matches(['|', ' ']).split_once(" | "))
        .map(|(name, about)| (name.trim_matches('`').to_owned(), about.trim().to_owned()))
        .collect();
    assert_eq!(rows, commands(), "the table in README.md is not what `daphnia --help` lists");
}
