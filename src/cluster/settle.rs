//! What the objects of one wave must bring before those of the next can be sent.

use std::time::Duration;

use tokio::time::Instant;

use super::Cluster;
use super::call::Call;
use super::json::condition;
use super::observe::is_defined_by;
use super::refusal::Attempt;
use crate::diagnostic::{Class, Diagnostic, Diagnostics};
use crate::diff::{Observed, Prediction};
use crate::object::Object;

/// How long a server may take to make use of a definition.
const LONGEST: Duration = Duration::from_secs(30);
/// How long to wait for the account of a namespace, which not every cluster makes.
const LONGEST_FOR_AN_ACCOUNT: Duration = Duration::from_secs(5);

impl Cluster {
    pub(super) async fn settle(&self, now: &[Observed], later: &[Observed]) -> Result<(), Diagnostics> {
        let is_new = |one: &&Observed| !matches!(one.prediction, Prediction::Same);
        for one in now.iter().filter(is_new) {
            match one.desired.id.kind.as_str() {
                "CustomResourceDefinition" => self.until_established(&one.desired, later).await?,
                "Namespace" if later.iter().any(|other| other.desired.id.kind == "Pod") => {
                    self.until_it_has_an_account(&one.desired.id.name).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits until a definition holds, and until what comes later of its kind is served: that takes the server a
    /// moment more.
    async fn until_established(&self, definition: &Object, later: &[Observed]) -> Result<(), Diagnostics> {
        let id = &definition.id;
        let Some(resource) = self.resource(definition).await? else { return Ok(()) };
        let get = Call::get(&resource.object_path(id));
        let what = format!("wait for `{id}` to be established");
        let is_established = until(LONGEST, async || {
            let found = self.call(&get).await;
            let found = found.map_err(|failure| self.explain(&failure, &Attempt::with(&what, definition)))?;
            Ok(condition(&found, "Established").is_some())
        });
        if !is_established.await? {
            let message = format!("`{id}` was not established within {} s", LONGEST.as_secs());
            let error = Diagnostic::error("timed-out", message).class(Class::TimedOut);
            return Err(error.at(definition.node.place).into());
        }
        self.forget_resources();
        for one in later.iter().filter(|one| is_defined_by(&one.desired.id, &definition.node)) {
            let is_served = until(LONGEST, async || {
                let is_served = self.resource(&one.desired).await?.is_some();
                if !is_served {
                    self.forget_resources();
                }
                Ok(is_served)
            });
            if !is_served.await? {
                // Whoever sends the object says so.
                break;
            }
        }
        Ok(())
    }

    /// A pod is refused as long as its namespace has no service account.
    async fn until_it_has_an_account(&self, namespace: &str) -> Result<(), Diagnostics> {
        let get = Call::get(&format!("/api/v1/namespaces/{namespace}/serviceaccounts/default"));
        until(LONGEST_FOR_AN_ACCOUNT, async || Ok(self.call(&get).await.is_ok())).await.map(drop)
    }
}

/// Asks again and again, and returns whether it became so in time.
async fn until(
    longest: Duration,
    mut is_so: impl AsyncFnMut() -> Result<bool, Diagnostics>,
) -> Result<bool, Diagnostics> {
    let end = Instant::now() + longest;
    let mut pause = Duration::from_millis(10);
    while !is_so().await? {
        if Instant::now() >= end {
            return Ok(false);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(500));
    }
    Ok(true)
}
