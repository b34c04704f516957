//! The published schemas in an editor: what the YAML language server says of examples.

use std::fs;

use serde_json::Value;

use super::checkers::{check, npm};
use super::desk::{Desk, examples, in_root};

/// Pairs of a manifest and the schema that its first line names.
fn write(desk: &Desk, name: &str, schema: &str, text: &str) -> String {
    let path = desk.folder.join(name);
    fs::write(&path, format!("# yaml-language-server: $schema={schema}\n{text}")).unwrap();
    path.display().to_string()
}

#[test]
fn examples_are_right_in_an_editor_and_mistakes_are_shown() {
    let Some(folder) = npm() else { return };
    let desk = Desk::new();
    let mut files = Vec::new();
    for (index, kind) in examples().iter().enumerate() {
        let text = fs::read_to_string(in_root(&format!("examples/{kind}.yaml"))).unwrap();
        let alone = desk.daphnia(&["schema", kind]).stdout;
        fs::write(desk.folder.join(format!("{kind}.json")), alone).unwrap();
        let published = in_root(&format!("schemas/{kind}.json"));
        for (schema, way) in [(published, "published"), (format!("{kind}.json"), "alone")] {
            files.push(write(&desk, &format!("{kind}-{way}-good.yaml"), &schema, &text));
            // A schema that cannot be read is told of every file; that mistakes are told needs one of each way.
            if index == 0 {
                let broken = text.replacen("\nspec:\n", "\nspec:\n  comand: [x]\n", 1);
                files.push(write(&desk, &format!("{kind}-{way}-bad.yaml"), &schema, &broken));
            }
        }
    }
    fs::write(desk.folder.join("job.json"), desk.daphnia(&["schema", "Job"]).stdout).unwrap();
    let job = desk.daphnia(&["render", &in_root("examples/kubernetes-job.yaml")]).stdout;
    let job = job.split("---\n").last().unwrap();
    files.push(write(&desk, "job-good.yaml", "job.json", job));
    files.push(write(
        &desk,
        "job-bad.yaml",
        "job.json",
        &job.replacen("\nspec:\n", "\nspec:\n  comand: x\n", 1),
    ));
    let arguments: Vec<&str> = std::iter::once("lsp").chain(files.iter().map(String::as_str)).collect();
    let said = check(folder, &arguments);
    for file in &files {
        let messages: Vec<&Value> = said[file].as_array().unwrap().iter().map(|d| &d["message"]).collect();
        if file.ends_with("-good.yaml") {
            assert!(messages.is_empty(), "{file}: {messages:?}");
        } else {
            let is_told = messages.iter().any(|m| m.as_str().is_some_and(|m| m.contains("comand")));
            assert!(is_told, "{file}: {messages:?}");
        }
    }
}
