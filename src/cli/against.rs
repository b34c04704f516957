//! `diff --against`: what else manifests are compared with, without a cluster.

use std::fmt;
use std::path::PathBuf;

use super::git::Revision;
use super::{Input, Session, Status};
use crate::diagnostic::{Diagnostic, Diagnostics, has_errors};
use crate::object::Plan;
use crate::render::render;
use crate::workers::Workers;

/// What manifests are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Against {
    /// A file or a folder with manifests or Kubernetes objects.
    Path(PathBuf),
    /// A revision, and which path in it if not the same as given.
    Git { revision: String, path: Option<String> },
}

impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Against::Path(path) => path.display().fmt(f),
            Against::Git { revision, path: None } => write!(f, "git:{revision}"),
            Against::Git { revision, path: Some(path) } => write!(f, "git:{revision}:{path}"),
        }
    }
}

/// Reads `DIR`, `FILE` or `git:REV[:PATH]`.
pub(super) fn against(argument: &str) -> Result<Against, String> {
    let Some(rest) = argument.strip_prefix("git:") else {
        return match argument {
            "" => Err("name a file, a folder, or a revision as `git:main`".to_owned()),
            "-" => Err("standard input is for manifests; name a file or a folder".to_owned()),
            path => Ok(Against::Path(path.into())),
        };
    };
    let (revision, path) = split_revision(rest);
    if revision.is_empty() || revision == "..." {
        return Err("name a revision, for example `git:main`".to_owned());
    }
    Ok(Against::Git { revision: revision.to_owned(), path: path.map(str::to_owned) })
}

/// `main@{1 day ago 10:00}:k8s` has its path behind the last colon that is in no braces.
fn split_revision(text: &str) -> (&str, Option<&str>) {
    let mut depth = 0_usize;
    for (index, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => {
                let path = &text[index + 1..];
                return (&text[..index], (!path.is_empty()).then_some(path));
            }
            _ => {}
        }
    }
    (text, None)
}

impl Session {
    /// Renders what is compared with. The names of its files begin with `label` where they would be taken for those
    /// of today.
    pub(super) fn earlier(&mut self, input: &Input, against: &Against, label: &str) -> Result<Plan, Status> {
        let (revision, path) = match against {
            Against::Path(path) => {
                // What is there is there; only what is rendered now is changed by arguments.
                let before =
                    Input { paths: vec![path.clone()], files: Vec::new(), set: Vec::new(), ..input.clone() };
                return self.earlier_plan(&before, "", label, false);
            }
            Against::Git { revision, path } => (revision, path),
        };
        let given = input.all_paths();
        if given.iter().any(|path| path.as_os_str() == "-") && path.is_none() {
            let finding = Diagnostic::unable("no-revision", "standard input has no revision to compare with");
            return Err(
                self.refuse(finding.help(format!("name the file that it was: `--against {label}:PATH`")))
            );
        }
        let prepared = Revision::find(revision, &given).and_then(|revision| {
            let paths = match path {
                Some(path) => vec![revision.path_from_top(path)],
                None => given.iter().map(|path| revision.path(path)).collect::<Result<_, _>>()?,
            };
            let checkout = revision.check_out(&paths)?;
            let config = input.config.moved(|file| match revision.path(file) {
                Ok(inside) => Some(inside).filter(|inside| checkout.has(inside)),
                Err(_) => std::path::absolute(file).ok(),
            });
            Ok((checkout, Input { paths, files: Vec::new(), config, ..input.clone() }))
        });
        let (checkout, before) = prepared.map_err(|finding| self.refuse(*finding))?;
        let _visit = checkout.visit().map_err(|finding| self.refuse(*finding))?;
        self.earlier_plan(&before, &format!("git:{revision}:"), label, true)
    }

    /// Renders in a session of its own, since kinds, profiles and configuration may be others.
    fn earlier_plan(
        &mut self,
        input: &Input,
        prefix: &str,
        label: &str,
        may_lack: bool,
    ) -> Result<Plan, Status> {
        let before = Session { is_earlier: true, ..Session::default() };
        self.lend_sources(before, |before| {
            before.sources.name_after(prefix);
            let plan = before.lenient_plan(input, label, may_lack);
            before.sources.name_after("");
            plan
        })
    }

    fn lenient_plan(&mut self, input: &Input, label: &str, may_lack: bool) -> Result<Plan, Status> {
        let (manifests, mut findings) = self.manifests(input);
        // A path that was not there yet held nothing.
        let is_lack =
            |finding: &Diagnostic| may_lack && ["no-such-file", "no-input"].contains(&&*finding.code);
        for lack in findings.iter().filter(|finding| is_lack(finding)) {
            self.report.note(&format!("in {label} {}, so all of it is new", lack.message));
        }
        findings.retain(|finding| !is_lack(finding));
        let rendered = if has_errors(&findings) {
            Err(Diagnostics(Vec::new()))
        } else {
            render(manifests, &self.sources, Workers::All)
        };
        rendered.map_err(|Diagnostics(more)| {
            findings.extend(more);
            self.report.findings(&findings, &self.sources);
            self.report.note(&format!("{label} cannot be compared with, since it has errors"));
            Status::of_findings(&findings)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_may_name_a_path() {
        let git = |revision: &str, path: Option<&str>| {
            Ok(Against::Git { revision: revision.to_owned(), path: path.map(str::to_owned) })
        };
        assert_eq!(against("git:main"), git("main", None));
        assert_eq!(against("git:main..."), git("main...", None));
        assert_eq!(against("git:v1:k8s/a:b.yaml"), git("v1", Some("k8s/a:b.yaml")));
        assert_eq!(against("git:main@{1 day ago 10:00}:k8s"), git("main@{1 day ago 10:00}", Some("k8s")));
        assert_eq!(against("git:main:"), git("main", None));
        assert_eq!(against("rendered"), Ok(Against::Path("rendered".into())));
        for broken in ["git:", "git::k8s", "", "-"] {
            assert!(against(broken).is_err(), "{broken}");
        }
    }
}
