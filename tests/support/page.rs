//! A page of the documentation: the files that it shows, and its commands with what they print.

use std::path::Path;
use std::process::Command;

use crate::folder::Folder;

/// The blocks of code of a page: what stands behind the fence, and the text.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced.filter_map(|block| block.split_once('\n')).collect()
}

/// Writes the files that a page shows, of which there are so many, into a folder.
pub fn files(page: &str, count: usize) -> Folder {
    let named = blocks(page).into_iter().filter_map(|(head, text)| Some((head.split_once(' ')?.1, text)));
    let named: Vec<_> = named.collect();
    assert_eq!(named.len(), count);
    named.into_iter().fold(Folder::new(), |folder, (name, text)| folder.with(name, &format!("{text}\n")))
}

/// Runs the commands that a page shows, and asserts that each prints what stands below it. Returns how many there are.
pub fn session(page: &str, folder: &Folder) -> usize {
    let (_, session) = blocks(page).into_iter().find(|(head, _)| *head == "console").unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_daphnia")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let session = format!("\n{session}\n");
    let steps: Vec<&str> = session.split("\n$ ").skip(1).collect();
    for step in &steps {
        let (command, shown) = step.split_once('\n').unwrap_or((step, ""));
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("{command} 2>&1")]).current_dir(folder.path("")).env("PATH", &path);
        let printed = String::from_utf8(shell.env("NO_COLOR", "1").output().unwrap().stdout).unwrap();
        let lines = |text: &str| -> Vec<String> {
            text.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
        };
        assert_eq!(lines(&printed), lines(shown), "{command}");
    }
    steps.len()
}
