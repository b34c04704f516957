//! A folder of its own for a test, and the binary at work in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

pub const DAPHNIA: &str = env!("CARGO_BIN_EXE_daphnia");
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

pub struct Desk {
    pub folder: PathBuf,
}

/// What a run said, and how it ended.
pub struct Said {
    pub stdout: String,
    pub stderr: String,
    pub status: i32,
}

impl Desk {
    pub fn new() -> Desk {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("cli-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        Desk { folder: fs::canonicalize(folder).unwrap() }
    }

    pub fn with(self, name: &str, text: impl AsRef<[u8]>) -> Desk {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Lists the files in a folder of it.
    pub fn files(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.folder.join(name)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub fn daphnia(&self, arguments: &[&str]) -> Said {
        self.daphnia_in("", arguments, &[])
    }

    /// Runs in a folder of it, with variables.
    pub fn daphnia_in(&self, folder: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut command = Command::new(DAPHNIA);
        command.current_dir(self.folder.join(folder)).args(arguments).env("NO_COLOR", "1");
        command.env_remove("KUBECTL_EXTERNAL_DIFF").envs(variables.iter().copied());
        // What is above the folder is no business of a test.
        command.env("GIT_CEILING_DIRECTORIES", self.folder.parent().unwrap_or(&self.folder));
        Said::from(command.output().unwrap())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        Said {
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
            status: output.status.code().unwrap_or(-1),
        }
    }
}

/// Names the kinds in `examples/`, kebab-case.
pub fn examples() -> Vec<String> {
    let entries = fs::read_dir(Path::new(ROOT).join("examples")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut kinds: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned)).collect();
    kinds.sort();
    kinds
}

pub fn in_root(path: &str) -> String {
    format!("{ROOT}/{path}")
}
