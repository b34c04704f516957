//! What is asked of the API server.

use http::{Method, Request};
use kube::client::Body;
use serde_json::Value as Json;

use super::request::Failure;

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    /// As roles name it.
    pub verb: &'static str,
    method: Method,
    pub path: String,
    query: Vec<(&'static str, String)>,
    body: Option<(Vec<u8>, &'static str)>,
    accept: Option<&'static str>,
    /// Whether the request can be sent twice to the same effect.
    pub is_repeatable: bool,
}

impl Call {
    fn new(verb: &'static str, method: Method, path: &str) -> Call {
        let is_repeatable = method != Method::POST;
        Call {
            verb,
            method,
            path: path.to_owned(),
            query: Vec::new(),
            body: None,
            accept: None,
            is_repeatable,
        }
    }

    pub fn get(path: &str) -> Call {
        Call::new("get", Method::GET, path)
    }

    pub fn list(path: &str) -> Call {
        Call::new("list", Method::GET, path)
    }

    pub fn watch(path: &str) -> Call {
        Call::new("watch", Method::GET, path)
    }

    /// Lists what the objects' metadata says, without the rest.
    pub fn list_metadata(path: &str) -> Call {
        let accept = Some("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
        Call { accept, ..Call::list(path) }
    }

    /// Says whether it asks for objects with all that is in them.
    pub fn is_whole_list(&self) -> bool {
        self.verb == "list" && self.accept.is_none()
    }

    /// Server-side apply.
    pub fn apply(path: &str, object: &Json) -> Call {
        Call::new("patch", Method::PATCH, path).body(object, "application/apply-patch+yaml")
    }

    pub fn merge(path: &str, patch: &Json) -> Call {
        Call::new("patch", Method::PATCH, path).body(patch, "application/merge-patch+json")
    }

    pub fn json_patch(path: &str, patch: &Json) -> Call {
        Call::new("patch", Method::PATCH, path).body(patch, "application/json-patch+json")
    }

    pub fn create(path: &str, object: &Json) -> Call {
        Call::new("create", Method::POST, path).body(object, "application/json")
    }

    /// Must hold the uid of what is to be deleted, so that a repetition cannot hit its successor.
    pub fn delete(path: &str, options: &Json) -> Call {
        Call::new("delete", Method::DELETE, path).body(options, "application/json")
    }

    fn body(mut self, body: &Json, content_type: &'static str) -> Call {
        self.body = Some((body.to_string().into_bytes(), content_type));
        self
    }

    pub fn query(mut self, key: &'static str, value: impl Into<String>) -> Call {
        self.query.push((key, value.into()));
        self
    }

    pub fn dry_run(self) -> Call {
        self.repeatable().query("dryRun", "All")
    }

    /// Says that it can be sent twice to the same effect.
    pub fn repeatable(mut self) -> Call {
        self.is_repeatable = true;
        self
    }

    pub fn request(&self) -> Result<Request<Body>, Failure> {
        let mut uri = self.path.clone();
        for (index, (key, value)) in self.query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            uri.push_str(&format!("{separator}{key}={}", encode(value)));
        }
        let mut request = Request::builder().method(self.method.clone()).uri(uri);
        if let Some((_, content_type)) = &self.body {
            request = request.header(http::header::CONTENT_TYPE, *content_type);
        }
        if let Some(accept) = self.accept {
            request = request.header(http::header::ACCEPT, accept);
        }
        let body = self.body.as_ref().map(|(bytes, _)| bytes.clone()).unwrap_or_default();
        request.body(Body::from(body)).map_err(|error| Failure::Malformed(error.to_string()))
    }
}

/// Encodes a query value or a path segment.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_encoded() {
        let call = Call::list("/api/v1/pods").query("labelSelector", "a=b,c in (d)");
        assert_eq!(call.request().unwrap().uri(), "/api/v1/pods?labelSelector=a%3Db%2Cc%20in%20%28d%29");
    }
}
