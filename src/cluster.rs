//! The connection to a cluster; with `history` the only user of a network.

mod ahead;
mod apply;
mod call;
mod client;
mod connect;
mod cronjob;
pub(crate) mod json;
mod kinds;
mod list;
mod logs;
mod observe;
mod refusal;
mod remove;
mod request;
mod rights;
mod set;
mod settle;
mod target;
mod wait;

pub use ahead::Listing;
pub use apply::{ApplyOptions, Outcome, apply, delete, ensure_allowed};
pub(crate) use call::{Call, encode};
pub use connect::{ConnectOptions, Connection};
pub use cronjob::cronjob;
pub use logs::LogLine;
pub(crate) use observe::CONCURRENCY;
pub use observe::{ObserveOptions, foresee, observe};
pub(crate) use refusal::Attempt;
pub use remove::{RemoveOptions, remove};
pub(crate) use request::Failure;
pub use rights::{Located, Needs, Purpose, Role, Rule, located, rights};
pub use set::{Member, PART_OF, Set};
pub use wait::{
    ContainerExit, JobCounts, JobResult, Readiness, State, WaitOptions, exits, is_over, outline, wait,
};

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::diff::Action;
use crate::object::ObjectId;
use crate::source::Place;

/// A way to one cluster. It is cheap to share; dropping what it returned stops the work.
pub struct Cluster {
    connection: Arc<Connection>,
    /// The place of all that the cluster says.
    place: Place,
    listener: Listener,
    /// What was found out about the server, once per connection.
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    warnings: HashSet<String>,
    resources: HashMap<String, Vec<kinds::Resource>>,
    has_answered: bool,
}

/// Told of everything that happens while a call is under way, from any thread.
pub type Listener = Arc<dyn Fn(Progress) + Send + Sync>;

#[derive(Debug, Clone)]
pub enum Progress {
    /// The server, or a lack of rights that leaves us with less to tell.
    Warning(String),
    Retrying {
        what: String,
        cause: String,
        after: Duration,
    },
    Applied {
        id: ObjectId,
        action: Action,
    },
    Deleting {
        id: ObjectId,
    },
    Deleted {
        id: ObjectId,
    },
    /// A run has its Job; what is cancelled from now on is this one.
    Dispatched {
        run: String,
        job: ObjectId,
    },
    /// A new state of something that is not ready yet.
    Waiting {
        id: ObjectId,
        state: String,
    },
    /// Something is wrong that may still pass.
    Trouble {
        id: ObjectId,
        cause: String,
    },
    Counts {
        id: ObjectId,
        counts: JobCounts,
    },
    PodStarted {
        id: ObjectId,
        pod: String,
        index: Option<u32>,
    },
    Ready {
        id: ObjectId,
        note: Option<String>,
    },
    Failed {
        id: ObjectId,
        cause: String,
    },
    Log(LogLine),
}

impl Cluster {
    /// The namespace of objects that name none.
    pub fn namespace(&self) -> &str {
        &self.connection.namespace
    }

    pub fn context(&self) -> Option<&str> {
        self.connection.context.as_deref()
    }

    /// Host and port.
    pub fn server(&self) -> &str {
        &self.connection.server
    }

    /// The place of all that the cluster says.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    pub(crate) fn tell(&self, progress: Progress) {
        (self.listener)(progress);
    }

    pub(crate) fn warn_once(&self, warning: String) {
        if self.memory().warnings.insert(warning.clone()) {
            self.tell(Progress::Warning(warning));
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns five random characters that make a name unique, as Kubernetes' own `generateName` does.
pub(crate) fn fresh_suffix() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    suffix(std::collections::hash_map::RandomState::new().build_hasher().finish())
}

/// Returns five characters for a number: no vowels, so no words, and nothing that looks like something else.
pub(crate) fn suffix(mut number: u64) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut suffix = String::new();
    for _ in 0..5 {
        suffix.push(ALPHABET[(number % ALPHABET.len() as u64) as usize] as char);
        number /= ALPHABET.len() as u64;
    }
    suffix
}
