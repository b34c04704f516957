//! Objects that are there → gone, those first that were applied last.

use std::time::Duration;

use futures::StreamExt as _;

use super::observe::{CONCURRENCY, gather};
use super::refusal::Attempt;
use super::set::Member;
use super::{Cluster, Progress};
use crate::diagnostic::Diagnostics;
use crate::diff::Action;
use crate::object::{uid, wave};

#[derive(Debug, Clone)]
pub struct RemoveOptions {
    /// Whether they go because they have left their set.
    pub is_pruning: bool,
    /// How long to wait until they are gone; `None` not to wait.
    pub wait: Option<Duration>,
}

/// Deletes objects, wave by wave, in the reverse of the order in which they are applied.
pub async fn remove(
    cluster: &Cluster,
    members: &[Member],
    options: &RemoveOptions,
) -> Result<(), Diagnostics> {
    let mut members: Vec<&Member> = members.iter().collect();
    members.sort_by_key(|member| std::cmp::Reverse(wave(&member.id)));
    for wave in members.chunk_by(|a, b| wave(&a.id) == wave(&b.id)) {
        let removed = futures::stream::iter(wave)
            .map(|member| cluster.remove_one(member, options))
            .buffer_unordered(CONCURRENCY);
        gather(removed.collect().await)?;
    }
    Ok(())
}

impl Cluster {
    async fn remove_one(&self, member: &Member, options: &RemoveOptions) -> Result<(), Diagnostics> {
        let Member { id, live, resource } = member;
        let uid = uid(live);
        self.tell(Progress::Deleting { id: id.clone() });
        self.delete(id, resource, uid).await.map_err(|failure| {
            let what = format!("delete `{id}`");
            self.explain(&failure, &Attempt::new(&what))
        })?;
        if let Some(timeout) = options.wait {
            self.until_gone(id, resource, uid, timeout).await?;
        }
        let id = id.clone();
        self.tell(if options.is_pruning {
            Progress::Applied { id, action: Action::Pruned }
        } else {
            Progress::Deleted { id }
        });
        Ok(())
    }
}
