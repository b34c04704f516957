//! The clusters that manifests name → is it this one.

use super::Cluster;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::manifest::Target;

impl Cluster {
    /// Refuses manifests that are meant for another cluster.
    pub fn ensure_meant(&self, targets: &[Target]) -> Result<(), Diagnostics> {
        let strays: Vec<Diagnostic> =
            targets.iter().filter(|target| !self.is_meant(target)).map(|target| self.stray(target)).collect();
        if strays.is_empty() { Ok(()) } else { Err(Diagnostics(strays)) }
    }

    fn is_meant(&self, target: &Target) -> bool {
        self.meant(target).any(|context| Some(context) == self.context())
    }

    /// Returns the contexts that a manifest may mean.
    fn meant<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = &'a str> {
        let is_it = |(context, cluster): &&(String, String)| {
            *context == target.name || (!target.is_context && *cluster == target.name)
        };
        self.connection.contexts.iter().filter(is_it).map(|(context, _)| context.as_str())
    }

    fn stray(&self, target: &Target) -> Diagnostic {
        let name = &target.name;
        let what = if target.is_context { "context" } else { "cluster" };
        let here = match self.context() {
            Some(context) => format!("the context is `{context}`"),
            None => format!("there is no context that says what `{}` is", self.server()),
        };
        let message = format!("this is meant for the {what} `{name}`, and {here}");
        let error = Diagnostic::unable("other-cluster", message).at(target.place).label("meant for this one");
        match self.meant(target).next() {
            Some(context) => {
                error.help(format!("choose it with `--context {context}`, or correct what the manifest says"))
            }
            None => error.help(format!(
                "the kubeconfig has no such {what}: name another one with `--kubeconfig FILE` and `--context NAME`, \
                 or correct what the manifest says"
            )),
        }
    }
}
