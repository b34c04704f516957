//! A revision of a git repository → its files in a folder of their own. The working tree and its index stay as
//! they are.

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::diagnostic::{Diagnostic, did_you_mean};

/// What manifests can depend on wherever it lies: other manifests, kinds, profiles, `daphnia.toml`.
const EXTENSIONS: &[&str] = &["yaml", "yml", "json", "toml"];

/// A commit, and the repository that it is in.
pub(super) struct Revision {
    top: PathBuf,
    /// The current folder inside the repository; empty if it is elsewhere.
    here: PathBuf,
    commit: String,
}

/// The files of a revision; they go when this does.
pub(super) struct Checkout {
    folder: TempDir,
    here: PathBuf,
}

/// While it lives, the current folder is another one.
pub(super) struct Visit(PathBuf);

impl Drop for Visit {
    fn drop(&mut self) {
        let _ = std::env::set_current_dir(&self.0);
    }
}

impl Revision {
    /// Finds a revision in the repository that the paths are in. `main...` means where the current branch left
    /// `main`.
    pub(super) fn find(name: &str, paths: &[PathBuf]) -> Result<Revision, Box<Diagnostic>> {
        let current =
            std::env::current_dir().map_err(|error| failed("the current folder", &error.to_string()))?;
        let start = paths.first().map(|path| folder_of(&current, path)).unwrap_or(current.clone());
        let top = match git(&start, &["rev-parse", "--show-toplevel"])? {
            Ok(top) => PathBuf::from(String::from_utf8_lossy(&top).trim_end_matches('\n')),
            Err(words) => return Err(no_repository(&start, &words)),
        };
        let here = current.strip_prefix(&top).map(Path::to_owned).unwrap_or_default();
        let commit = commit(&top, name)?;
        Ok(Revision { top, here, commit })
    }

    /// Returns a path as it is called from the current folder of a checkout.
    pub(super) fn path(&self, path: &Path) -> Result<PathBuf, Box<Diagnostic>> {
        let inside = self.inside(path).ok_or_else(|| {
            let message = format!("`{}` is not in the repository `{}`", path.display(), self.top.display());
            let finding = Diagnostic::unable("not-in-repository", message);
            Box::new(finding.help("compare it with a file or a folder: `--against DIR`"))
        })?;
        let is_plain = path.is_relative() && !path.components().any(|part| part == Component::ParentDir);
        if is_plain && inside.starts_with(&self.here) {
            return Ok(path.to_owned());
        }
        Ok(self.relative(&inside))
    }

    /// Returns a path that is meant from the top of the repository, or with `./` from the current folder, as it is
    /// called from the current folder of a checkout.
    pub(super) fn path_from_top(&self, path: &str) -> PathBuf {
        match path.strip_prefix("./") {
            Some(path) => PathBuf::from(path),
            None if path.starts_with("../") => PathBuf::from(path),
            None => self.relative(Path::new(path)),
        }
    }

    fn relative(&self, inside: &Path) -> PathBuf {
        let up: PathBuf = self.here.components().map(|_| "..").collect();
        let path = up.join(inside);
        if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
    }

    /// Returns a path from the top of the repository.
    fn inside(&self, path: &Path) -> Option<PathBuf> {
        let current = std::env::current_dir().ok()?;
        let plain = plain(&current.join(path));
        let found = plain.strip_prefix(&self.top).map(Path::to_owned).ok();
        found.or_else(|| Some(std::fs::canonicalize(path).ok()?.strip_prefix(&self.top).ok()?.to_owned()))
    }

    /// Writes the files of the revision that manifests can depend on, and all that is beside the paths.
    pub(super) fn check_out(&self, paths: &[PathBuf]) -> Result<Checkout, Box<Diagnostic>> {
        let broken = |error: &dyn std::fmt::Display| failed("a folder for the revision", &error.to_string());
        let folder = tempfile::Builder::new().prefix("daphnia-").tempdir().map_err(|error| broken(&error))?;
        let tree = folder.path().join("tree");
        let here = tree.join(&self.here);
        std::fs::create_dir_all(&here).map_err(|error| broken(&error))?;
        // So that no `daphnia.toml` is looked for above it.
        std::fs::create_dir_all(tree.join(".git")).map_err(|error| broken(&error))?;
        let index = folder.path().join("index");
        let run = |arguments: &[&str], input: &[u8]| {
            let mut command = command(&self.top, arguments);
            command.env("GIT_INDEX_FILE", &index);
            output(command, input)?.map_err(|words| failed(&format!("`git {}`", arguments[0]), &words))
        };
        run(&["read-tree", &self.commit], b"")?;
        let listed = run(&["ls-files", "-z"], b"")?;
        let beside: Vec<PathBuf> = paths.iter().map(|path| plain(&self.here.join(path))).collect();
        let wanted: Vec<&[u8]> =
            listed.split(|byte| *byte == 0).filter(|name| is_wanted(name, &beside)).collect();
        let prefix = format!("--prefix={}/", tree.display());
        run(&["checkout-index", "--quiet", "--force", "-z", "--stdin", &prefix], &wanted.join(&0))?;
        Ok(Checkout { folder, here })
    }
}

impl Checkout {
    /// Whether there is such a file, as called from the current folder.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.here.join(path).is_file()
    }

    /// Makes the current folder the one that stands for it.
    pub(super) fn visit(&self) -> Result<Visit, Box<Diagnostic>> {
        debug_assert!(self.here.starts_with(self.folder.path()));
        let back =
            std::env::current_dir().and_then(|back| std::env::set_current_dir(&self.here).map(|()| back));
        back.map(Visit).map_err(|error| failed("a folder for the revision", &error.to_string()))
    }
}

fn is_wanted(name: &[u8], beside: &[PathBuf]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else { return false };
    let path = Path::new(name);
    let is_beside = |other: &PathBuf| {
        path.starts_with(other) || other.parent().is_some_and(|folder| path.starts_with(folder))
    };
    let is_named = path.extension().is_some_and(|e| EXTENSIONS.iter().any(|known| e == *known));
    !name.is_empty() && (is_named || beside.iter().any(is_beside))
}

/// A path without `.` and `..`, whatever links there are on the way.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

fn folder_of(current: &Path, path: &Path) -> PathBuf {
    let path = current.join(path);
    path.ancestors().find(|folder| folder.is_dir()).map_or(current.to_owned(), Path::to_owned)
}

fn commit(top: &Path, name: &str) -> Result<String, Box<Diagnostic>> {
    let (name, is_fork) = name.strip_suffix("...").map_or((name, false), |base| (base, true));
    let verify = |revision: &str| {
        git(top, &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")])
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    let Ok(found) = verify(name)? else { return Err(unknown(top, name)) };
    let found = text(found);
    if !is_fork {
        return Ok(found);
    }
    git(top, &["merge-base", &found, "HEAD"])?.map(text).map_err(|_| {
        let message = format!("`{name}` and the current branch have no common history here");
        let finding = Diagnostic::unable("unknown-revision", message);
        Box::new(finding.help("a shallow clone lacks it: `git fetch --unshallow`"))
    })
}

fn unknown(top: &Path, name: &str) -> Box<Diagnostic> {
    let known = git(top, &["for-each-ref", "--format=%(refname:short)"]).ok().and_then(Result::ok);
    let known = String::from_utf8_lossy(&known.unwrap_or_default()).into_owned();
    let message = format!("`{name}` is no revision in the repository `{}`", top.display());
    let finding = Diagnostic::unable("unknown-revision", message);
    Box::new(match did_you_mean(name, known.lines()) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help(format!("if a remote has it, fetch it first: `git fetch origin {name}`")),
    })
}

fn no_repository(folder: &Path, words: &str) -> Box<Diagnostic> {
    let message = format!("`{}` is in no git repository", folder.display());
    let finding = Diagnostic::unable("no-repository", message);
    let finding =
        if words.contains("not a git repository") { finding } else { finding.help(words.to_owned()) };
    Box::new(finding.help("compare with a file or a folder instead: `--against DIR`"))
}

fn failed(what: &str, words: &str) -> Box<Diagnostic> {
    let words = words.split(" (os error").next().unwrap_or_default();
    Box::new(Diagnostic::unable("git-failed", format!("{what} failed: {words}")))
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).env("LC_ALL", "C");
    command
}

/// Runs git; returns what it printed, or what it had against it.
fn git(folder: &Path, arguments: &[&str]) -> Result<Result<Vec<u8>, String>, Box<Diagnostic>> {
    output(command(folder, arguments), b"")
}

fn output(mut command: Command, input: &[u8]) -> Result<Result<Vec<u8>, String>, Box<Diagnostic>> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let unusable = |error: std::io::Error| {
        let reason = error.to_string();
        let reason = reason.split(" (os error").next().unwrap_or_default().to_lowercase();
        let finding = Diagnostic::unable("git-failed", format!("`git` cannot be run: {reason}"));
        Box::new(finding.help("install git, or compare with a folder: `--against DIR`"))
    };
    let mut child = command.spawn().map_err(unusable)?;
    let stdin = child.stdin.take();
    let done = std::thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output()
    });
    let done = done.map_err(unusable)?;
    let words = String::from_utf8_lossy(&done.stderr).trim().trim_start_matches("fatal: ").to_owned();
    Ok(if done.status.success() { Ok(done.stdout) } else { Err(words) })
}
