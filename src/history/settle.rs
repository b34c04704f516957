//! Observed → observed without the Jobs that have had their run.

use std::collections::HashMap;

use super::record::digest_label;
use super::{DIGEST_LABEL, RUN_LABEL, RunRecord, RunState, complete, digest};
use crate::cluster::{Attempt, Cluster};
use crate::diagnostic::Diagnostics;
use crate::diff::{Observed, Prediction, Reason};
use crate::object::{Object, ObjectId};

/// Leaves out Jobs that have had their run: the same Job succeeded before, and its time to live is over.
pub async fn settle(cluster: &Cluster, mut observed: Vec<Observed>) -> Result<Vec<Observed>, Diagnostics> {
    let rendered: Vec<&Object> = observed.iter().map(|one| &one.desired).collect();
    let mut wanted: HashMap<String, Vec<(usize, String)>> = HashMap::new();
    for (index, one) in observed.iter().enumerate().filter(|(_, one)| is_open(one)) {
        let namespace = one.desired.id.namespace.clone().unwrap_or_default();
        wanted.entry(namespace).or_default().push((index, digest(&one.desired, &rendered)));
    }
    for (namespace, jobs) in wanted {
        let selector = labelled(DIGEST_LABEL, jobs.iter().map(|(_, digest)| digest_label(digest)));
        let mut records = match cluster.records(Some(&namespace), &selector).await {
            Ok(records) => records,
            Err(failure) if failure.is_code(403) => {
                let why = failure.describe();
                cluster
                    .warn_once(format!("cannot read the records of runs, so a Job may run once more: {why}"));
                continue;
            }
            Err(failure) => {
                return Err(cluster.explain(&failure, &Attempt::new("read the records of runs")));
            }
        };
        records.retain(|record| jobs.iter().any(|(_, digest)| record.digest == *digest));
        for record in &mut records {
            complete::complete(cluster, record).await;
        }
        for (index, digest) in jobs {
            if let Some(note) = done(records.iter(), &observed[index].desired.id, &digest) {
                observed[index].prediction = Prediction::Done { note };
            }
        }
    }
    Ok(observed)
}

/// Whether records decide about it: a Job that is not there, or is about to go.
fn is_open(one: &Observed) -> bool {
    let is_going = |because: &[Reason]| because == [Reason::Terminating];
    one.desired.id.kind == "Job"
        && match &one.prediction {
            Prediction::Server(_) => one.live.is_none(),
            Prediction::Replacement { because, .. } => is_going(because),
            _ => false,
        }
}

/// Says when a Job had its run, if it is not to run again. The newest record comes first.
pub fn done<'a>(
    records: impl Iterator<Item = &'a RunRecord>,
    job: &ObjectId,
    digest: &str,
) -> Option<String> {
    for record in records.filter(|record| record.digest == digest) {
        // What was applied since and did not succeed is to run again; what was run by hand does not count.
        let is_applied = record.object == *job;
        match record.state {
            RunState::Succeeded => {
                let when = record.ended.unwrap_or(record.started).strftime("%Y-%m-%d %H:%M UTC");
                return Some(format!("succeeded on {when} as run `{}`; `--rerun` runs it again", record.id));
            }
            RunState::Cancelled => {}
            _ if is_applied => return None,
            _ => {}
        }
    }
    None
}

/// A selector of these values of a label. Of many it is none, for addresses have an end: who asks looks for
/// himself.
pub fn labelled<'a>(label: &str, values: impl Iterator<Item = &'a str>) -> String {
    const LONGEST: usize = 2000;
    let values = values.collect::<Vec<_>>().join(",");
    if values.len() > LONGEST { RUN_LABEL.to_owned() } else { format!("{label} in ({values})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_make_no_endless_address() {
        assert_eq!(labelled("a", ["b", "c"].into_iter()), "a in (b,c)");
        assert_eq!(labelled("a", std::iter::repeat_n("b", 2000)), RUN_LABEL);
    }
}
