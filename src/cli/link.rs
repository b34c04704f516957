//! The way to a cluster: `apply` and `diff` begin it while their manifests are still being checked, and it is kept for
//! as long as the command goes on.

use std::cell::{OnceCell, RefCell};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cluster::{ConnectOptions, Connection, Listing};
use crate::diagnostic::Diagnostics;
use crate::document::Document;

/// A connection, or why there is none; `None` if it was not to be made before it is needed.
type Opened = Option<Result<Connection, Diagnostics>>;

#[derive(Debug, Default)]
pub(super) struct Link {
    /// The cluster that will be asked if the manifests are good.
    pub(super) server: Option<ConnectOptions>,
    opening: RefCell<Option<JoinHandle<Opened>>>,
    driver: RefCell<Option<Driver>>,
    runtime: OnceCell<Runtime>,
    connection: RefCell<Option<Arc<Connection>>>,
}

/// A thread in which a runtime goes on until it is told to stop.
#[derive(Debug)]
struct Driver {
    thread: thread::JoinHandle<Runtime>,
    stop: oneshot::Sender<()>,
}

impl Link {
    /// Begins to connect, and to read what the documents will be compared with.
    pub(super) fn begin(&mut self, documents: &[Document]) {
        let Some(server) = self.server.take() else { return };
        let listings = Listing::of(documents);
        let runtime = new_runtime();
        let opening = runtime.spawn(async move {
            let opened = Connection::open_quietly(&server).await;
            if let Some(Ok(connection)) = &opened {
                connection.look_ahead(&listings);
            }
            opened
        });
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let _ = runtime.block_on(stopped);
            runtime
        });
        self.opening = RefCell::new(Some(opening));
        self.driver = RefCell::new(Some(Driver { thread, stop }));
    }

    /// Returns what runs all that waits for the server, with what was begun in it. From now on this thread drives it:
    /// to hand each answer from one thread to another takes longer than to read it.
    pub(super) fn runtime(&self) -> &Runtime {
        self.runtime.get_or_init(|| match self.driver.take() {
            Some(Driver { thread, stop }) => {
                let _ = stop.send(());
                thread.join().unwrap_or_else(|panic| resume_unwind(panic))
            }
            None => new_runtime(),
        })
    }

    /// Returns the connection that was made before, or else makes one.
    pub(super) async fn connection(&self, options: &ConnectOptions) -> Result<Arc<Connection>, Diagnostics> {
        let known = self.connection.borrow().clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let opened = match self.opening.take() {
            Some(opening) => opening.await.unwrap_or_else(|error| resume_unwind(error.into_panic())),
            None => None,
        };
        let opened = match opened {
            Some(opened) => opened?,
            None => Connection::open(options).await?,
        };
        let opened = Arc::new(opened);
        self.connection.replace(Some(Arc::clone(&opened)));
        Ok(opened)
    }

    /// Whether a connection was made.
    pub(super) fn is_connected(&self) -> bool {
        self.connection.borrow().is_some()
    }
}

fn new_runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("the system gives a process an event queue")
}
