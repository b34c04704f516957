//! Lists, page by page.

use serde_json::Value as Json;

use super::Cluster;
use super::call::Call;
use super::request::Failure;
use crate::yaml::{Node, Value};

/// How many objects a page has, of which nobody knows how many are wanted.
pub(super) const PAGE: usize = 500;

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
        let mut items = Vec::new();
        let read = |page: Vec<Node>| items.extend(page.iter().map(Node::to_json));
        let version = self.each_page(list, PAGE, read).await?;
        Ok((items, version))
    }

    /// Reads a list in pages of so many objects at most, and says at which version of the whole.
    pub(crate) async fn each_page(
        &self,
        list: &Call,
        limit: usize,
        mut read: impl FnMut(Vec<Node>),
    ) -> Result<String, Failure> {
        let mut next = String::new();
        loop {
            let mut call = list.clone().query("limit", limit.to_string());
            if !next.is_empty() {
                call = call.query("continue", &next);
            }
            let mut page = self.call_for_node(&call).await?;
            match page.as_map_mut().and_then(|page| page.remove("items")).map(|items| items.value) {
                Some(Value::List(items)) => read(items),
                Some(Value::Null) | None => {}
                Some(_) => return Err(Failure::Malformed("a list without items".to_owned())),
            }
            let text = |field| page.at(["metadata", field]).and_then(Node::as_str).unwrap_or_default();
            next = text("continue").to_owned();
            if next.is_empty() {
                return Ok(text("resourceVersion").to_owned());
            }
        }
    }
}
