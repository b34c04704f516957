//! Lists, page by page.

use std::sync::Arc;

use serde_json::Value as Json;

use super::Cluster;
use super::call::Call;
use super::request::Failure;
use crate::yaml::{Node, read_items};

/// How many objects a page has, of which nobody knows how many are wanted.
pub(super) const PAGE: usize = 500;

/// Returns how many objects a page has if so many of them are wanted: what is wanted fits on the first, as a rule.
pub(super) fn page_for(wanted: usize) -> usize {
    (wanted / PAGE + 2) * PAGE
}

/// Asks for a page of a list.
pub(super) fn page(list: &Call, limit: usize) -> Call {
    list.clone().query("limit", limit.to_string())
}

impl Cluster {
    /// Lists all objects under a path, page by page.
    pub(crate) async fn list(
        &self,
        path: &str,
        fields: Option<&str>,
        labels: Option<&str>,
    ) -> Result<Vec<Json>, Failure> {
        Ok(self.list_at(path, fields, labels).await?.0)
    }

    /// Lists all objects under a path, and says at which version of the whole.
    pub(crate) async fn list_at(
        &self,
        path: &str,
        fields: Option<&str>,
        labels: Option<&str>,
    ) -> Result<(Vec<Json>, String), Failure> {
        let mut call = Call::list(path);
        if let Some(fields) = fields {
            call = call.query("fieldSelector", fields);
        }
        if let Some(labels) = labels {
            call = call.query("labelSelector", labels);
        }
        self.pages(&call).await
    }

    /// Follows a list to its end.
    pub(crate) async fn pages(&self, list: &Call) -> Result<(Vec<Json>, String), Failure> {
        self.each_item(list, PAGE, |item| Some(item.to_json())).await
    }

    /// Reads a list in pages of so many objects at most, keeps what is made of its items, and says at which version
    /// of the whole.
    pub(crate) async fn each_item<T: Send + 'static>(
        &self,
        list: &Call,
        limit: usize,
        make: impl Fn(Node) -> Option<T> + Send + Sync + 'static,
    ) -> Result<(Vec<T>, String), Failure> {
        let (place, make) = (self.place, Arc::new(make));
        let mut all = Vec::new();
        let mut next = String::new();
        loop {
            let mut call = page(list, limit);
            if !next.is_empty() {
                call = call.query("continue", &next);
            }
            let make = Arc::clone(&make);
            let read = move |bytes| read_items(bytes, place, &*make);
            let ((made, head), _) = self.answer(&call, read).await?;
            all.extend(made);
            let text = |field| head.at(["metadata", field]).and_then(Node::as_str).unwrap_or_default();
            next = text("continue").to_owned();
            if next.is_empty() {
                return Ok((all, text("resourceVersion").to_owned()));
            }
        }
    }
}
