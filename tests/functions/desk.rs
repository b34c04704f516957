//! A folder of its own for a test, and the binary at work in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

pub struct Desk(PathBuf);

/// What a run said, and how it ended.
pub struct Said {
    pub stdout: String,
    pub stderr: String,
    pub status: i32,
}

impl Desk {
    pub fn new() -> Desk {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("functions-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        Desk(folder)
    }

    pub fn with(self, name: &str, text: impl AsRef<[u8]>) -> Desk {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Makes a symbolic link.
    pub fn link(&self, target: &str, name: &str) {
        std::os::unix::fs::symlink(target, self.0.join(name)).unwrap();
    }

    pub fn daphnia(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_daphnia"));
        let output = command.current_dir(&self.0).args(arguments).env("NO_COLOR", "1").output().unwrap();
        Said {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code().unwrap_or(-1),
        }
    }

    /// The objects that a file renders to.
    #[track_caller]
    pub fn rendered(&self, arguments: &[&str]) -> Vec<Value> {
        let said = self.daphnia(&[&["render", "-o", "json", "--show-secrets"], arguments].concat());
        assert_eq!(said.status, 0, "{}", said.stderr);
        serde_json::Deserializer::from_str(&said.stdout).into_iter().map(Result::unwrap).collect()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// The objects of a manifest.
#[track_caller]
pub fn rendered(text: &str) -> Vec<Value> {
    Desk::new().with("f.yaml", text).rendered(&["f.yaml"])
}

/// The one object of this kind.
#[track_caller]
pub fn only(objects: &[Value], kind: &str) -> Value {
    let found: Vec<&Value> = objects.iter().filter(|object| object["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind}: {objects:#?}");
    found[0].clone()
}

/// The kinds and names of objects, as `Job/fn-job`.
pub fn names(objects: &[Value]) -> Vec<String> {
    let name =
        |o: &Value| format!("{}/{}", o["kind"].as_str().unwrap(), o["metadata"]["name"].as_str().unwrap());
    objects.iter().map(name).collect()
}
