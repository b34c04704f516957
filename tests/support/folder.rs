//! A folder of its own for a test, and the binary run in it.
#![allow(dead_code, reason = "each test uses its part of it")]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

pub struct Folder(PathBuf);

/// What a run printed and ended with.
#[derive(Debug)]
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub status: i32,
}

impl Folder {
    /// Makes an empty folder that no configuration above it reaches.
    pub fn new() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("daphnia-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(path.join(".git")).unwrap();
        Folder(path)
    }

    /// Writes a file, with the folders that it is in.
    pub fn with(self, name: &str, text: &str) -> Folder {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "")
    }

    /// Runs the binary in this folder with a text on its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        use std::io::Write as _;
        let mut child = Command::new(env!("CARGO_BIN_EXE_daphnia"))
            .args(arguments)
            .current_dir(&self.0)
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Run {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code().unwrap(),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Run {
    /// Lists the files of the findings in the output, each with the code of what was found in it.
    pub fn codes_by_file(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut code = String::new();
        for line in self.stdout.lines() {
            if let Some((head, _)) = line.split_once("]: ") {
                code = format!("{head}]");
            } else if let Some((_, place)) = line.split_once("--> ") {
                let file = place.split(':').next().unwrap_or_default();
                found.push((file.trim_start_matches("./").to_owned(), code.clone()));
            }
        }
        found
    }

    /// Lists the codes of the findings, in their order: `warning[latest-tag]`.
    pub fn codes(&self) -> Vec<String> {
        let heads = ["error[", "warning[", "note["];
        let lines = self.stdout.lines().chain(self.stderr.lines());
        lines
            .filter(|line| heads.iter().any(|head| line.starts_with(head)))
            .filter_map(|line| Some(format!("{}]", line.split_once(']')?.0)))
            .collect()
    }
}
