//! What `apply` and `diff` have begun to ask of a cluster while their manifests are still being checked.

use std::cell::RefCell;

use tokio::task::JoinHandle;

use super::server::runtime;
use crate::cluster::{ConnectOptions, Connection, Listing};
use crate::diagnostic::Diagnostics;
use crate::document::Document;

type Opened = Option<Result<Connection, Diagnostics>>;

#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// The cluster that the manifests are for, if it will be asked in any case.
    pub(super) server: Option<ConnectOptions>,
    opening: RefCell<Option<JoinHandle<Opened>>>,
}

impl Ahead {
    /// Begins to connect, and to read what the documents will be compared with.
    pub(super) fn look(&mut self, documents: &[Document]) {
        let Some(server) = self.server.take() else { return };
        let listings = Listing::of(documents);
        let opening = runtime().spawn(async move {
            let opened = Connection::open_quietly(&server).await;
            if let Some(Ok(connection)) = &opened {
                connection.look_ahead(&listings);
            }
            opened
        });
        self.opening = RefCell::new(Some(opening));
    }

    /// Returns the connection, if one was begun.
    pub(super) async fn opened(&self) -> Opened {
        let opening = self.opening.take()?;
        opening.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}
