//! `.pre-commit-hooks.yaml`: a commit with a manifest that is wrong fails, at its line.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::checkers::pip;
use super::desk::{DAPHNIA, Desk, Said, in_root};

/// A repository that uses the hook, and the programs on the way to it.
struct Repository<'d> {
    desk: &'d Desk,
    packages: &'d Path,
}

impl Repository<'_> {
    fn run(&self, folder: &str, program: &str, arguments: &[&str]) -> Said {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = Path::new(DAPHNIA).parent().map(Path::to_owned).into_iter();
        let path = std::env::join_paths(folders.chain(std::env::split_paths(&path))).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.desk.folder.join(folder)).env("PATH", path);
        command.env("PYTHONPATH", self.packages).env("PRE_COMMIT_HOME", self.desk.folder.join("home"));
        // A hook of git's that runs these tests sets variables that would lead to its own repository.
        for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_PREFIX"] {
            command.env_remove(name);
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "Test")
                .env(format!("GIT_{role}_EMAIL"), "test@example.com");
        }
        Said::from(command.output().unwrap())
    }

    fn done(&self, folder: &str, program: &str, arguments: &[&str]) -> String {
        let said = self.run(folder, program, arguments);
        assert_eq!(said.status, 0, "{program} {arguments:?}: {}{}", said.stdout, said.stderr);
        said.stdout
    }
}

#[test]
fn the_hook_fails_a_commit_with_a_wrong_manifest() {
    let Some(packages) = pip() else { return };
    let hooks = fs::read_to_string(in_root(".pre-commit-hooks.yaml")).unwrap();
    let desk = Desk::new().with("hooks/.pre-commit-hooks.yaml", hooks);
    let repository = Repository { desk: &desk, packages };
    for arguments in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "hooks"]] {
        repository.done("hooks", "git", arguments);
    }
    let revision = repository.done("hooks", "git", &["rev-parse", "HEAD"]);
    // Only how the hook gets its program differs from what a user writes: it is built already.
    let config = format!(
        "repos:\n- repo: {}\n  rev: {}\n  hooks:\n  - id: daphnia-validate\n    language: system\n",
        desk.folder.join("hooks").display(),
        revision.trim()
    );
    let good = fs::read_to_string(in_root("examples/kubernetes-job.yaml")).unwrap();
    let bad = good.replacen("backoffLimit: 2", "backofLimit: 2", 1);
    let line = 1 + bad.lines().position(|line| line.contains("backofLimit")).unwrap();
    fs::create_dir(desk.folder.join("user")).unwrap();
    fs::write(desk.folder.join("user/.pre-commit-config.yaml"), config).unwrap();
    fs::write(desk.folder.join("user/job.yaml"), bad).unwrap();
    repository.done("user", "git", &["init", "-q"]);
    repository.done("user", "python3", &["-m", "pre_commit", "install"]);
    repository.done("user", "git", &["add", "job.yaml"]);
    let said = repository.run("user", "git", &["commit", "-qm", "bad"]);
    assert_eq!(said.status, 1, "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("daphnia validate") && said.stderr.contains("Failed"), "{}", said.stderr);
    assert!(said.stderr.contains(&format!("--> job.yaml:{line}:3")), "{}", said.stderr);
    fs::write(desk.folder.join("user/job.yaml"), good).unwrap();
    repository.done("user", "git", &["add", "job.yaml"]);
    repository.done("user", "git", &["commit", "-qm", "good"]);
}
