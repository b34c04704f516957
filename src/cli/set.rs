//! What the commands share that keep objects together as a set: which one, and what leaves it.

use clap::Args;

use super::{Session, Status};
use crate::cluster::{Cluster, Member, Set};
use crate::diff::Observed;
use crate::object::{ObjectId, Plan};
use crate::source::{Place, Source, SourceKind};
use crate::yaml::Node;

/// Which set, and what may go.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct SetArgs {
    /// Keep the objects together as a set of this name, so that what leaves the manifests is found again
    ///
    /// The set is a Secret of this name in the namespace of the context, or of --namespace, and a label on each
    /// object, as in kubectl's ApplySets.
    #[arg(long, help_heading = "Set", value_name = "NAME")]
    pub(super) set_name: Option<String>,

    /// Delete what is in the set and no longer in the manifests
    #[arg(long, help_heading = "Set", requires = "set_name")]
    pub(super) prune: bool,

    /// Take over a set that another tool keeps
    #[arg(long, help_heading = "Set", requires = "set_name")]
    pub(super) adopt_set: bool,

    #[command(flatten)]
    pub(super) holders: HolderArgs,
}

/// What holds others, and is deleted only on demand.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct HolderArgs {
    /// Delete namespaces too, with everything in them
    #[arg(long, help_heading = "Set")]
    pub(super) include_namespaces: bool,

    /// Delete CustomResourceDefinitions too, with all their custom resources
    #[arg(long, help_heading = "Set")]
    pub(super) include_crds: bool,
}

/// What is no longer in the manifests.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    pub(super) go: Vec<Member>,
    /// Namespaces and definitions, which stay unless they are asked for.
    pub(super) stay: Vec<Member>,
}

impl Leaving {
    pub(super) fn objects(&self) -> Vec<Node> {
        self.go.iter().map(|member| member.live.clone()).collect()
    }
}

impl HolderArgs {
    /// Tells what may go from what is to stay.
    pub(super) fn part(&self, members: Vec<Member>) -> Leaving {
        let is_kept = |member: &Member| {
            (member.is_namespace() && !self.include_namespaces)
                || (member.is_definition() && !self.include_crds)
        };
        let (stay, go) = members.into_iter().partition(is_kept);
        Leaving { go, stay }
    }
}

impl Session {
    /// Makes the objects members of the set that was named.
    pub(super) async fn join(
        &self,
        cluster: &Cluster,
        args: &SetArgs,
        plan: &mut Plan,
    ) -> Result<Option<Set>, Status> {
        let Some(name) = &args.set_name else { return Ok(None) };
        let set = self.told(Set::find(cluster, name, args.adopt_set).await)?;
        let text = format!("--set-name {name}");
        let source = self.sources.add(Source::new(SourceKind::Argument, text.as_str(), text.as_str()));
        set.mark(plan, Place::new(source, 0..text.len()));
        Ok(Some(set))
    }

    /// Finds what leaves the set, if that is asked for, and that nothing of other sets is to come into it.
    pub(super) async fn leaving(
        &self,
        cluster: &Cluster,
        set: Option<&Set>,
        args: &SetArgs,
        observed: &[Observed],
    ) -> Result<Leaving, Status> {
        let Some(set) = set else { return Ok(Leaving::default()) };
        self.told(set.ensure_own(observed))?;
        if !args.prune {
            return Ok(Leaving::default());
        }
        let leavers = self.told(set.leavers(cluster, &ids(observed)).await)?;
        let leaving = args.holders.part(leavers);
        self.tell_kept(&leaving.stay);
        Ok(leaving)
    }

    /// Says what is left alone, and how it goes, too.
    pub(super) fn tell_kept(&self, kept: &[Member]) {
        for member in kept {
            let (what, flag) = if member.is_namespace() {
                ("everything in it", "--include-namespaces")
            } else {
                ("all its custom resources", "--include-crds")
            };
            self.report.note(&format!("{} stays; `{flag}` deletes it with {what}", member.id));
        }
    }
}

pub(super) fn ids(observed: &[Observed]) -> Vec<ObjectId> {
    observed.iter().map(|one| one.desired.id.clone()).collect()
}
