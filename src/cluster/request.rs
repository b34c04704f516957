//! One request and its answer: timeouts, the few retries that are safe, the server's warnings.

use std::panic::resume_unwind;
use std::pin::pin;
use std::time::Duration;

use futures::AsyncBufRead;
use futures::TryStreamExt;
use http::response::Parts;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::core::Status;

use serde_json::Value as Json;

use super::call::Call;
use super::{Cluster, Progress};
use crate::yaml::Node;

/// Why there is no answer to use.
#[derive(Debug, Clone)]
pub enum Failure {
    /// The server answered, with an error.
    Refused(Box<Status>),
    /// No connection, or it broke.
    Unreachable(String),
    TimedOut(Duration),
    /// The answer is not what a Kubernetes API server would say.
    Malformed(String),
}

impl Failure {
    pub fn status(&self) -> Option<&Status> {
        if let Failure::Refused(status) = self { Some(status) } else { None }
    }

    /// Says in a few words what went wrong.
    pub fn describe(&self) -> String {
        match self {
            Failure::Refused(status) => super::refusal::summary(status),
            Failure::Unreachable(detail) | Failure::Malformed(detail) => detail.clone(),
            Failure::TimedOut(after) => format!("no answer within {} s", after.as_secs()),
        }
    }

    pub fn is_code(&self, code: u16) -> bool {
        self.status().is_some_and(|status| status.code == code)
    }
}

/// What came back: the head, and all of the body.
pub(super) type Answer = (Parts, Vec<u8>);

/// Sends a request and waits for all of the answer.
pub(super) async fn send(client: &kube::Client, request: Request<Body>) -> Result<Answer, Failure> {
    let broken = |error: &dyn std::error::Error| Failure::Unreachable(chain(error));
    let (head, body) = client.send(request).await.map_err(|error| broken(&error))?.into_parts();
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    // What has come is kept in one piece from the beginning: a long answer should not be held twice.
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok((head, bytes))
}

const RETRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Cluster {
    pub(crate) async fn call(&self, call: &Call) -> Result<Json, Failure> {
        Ok(self.answer(call, |bytes: Vec<u8>| serde_json::from_slice(&bytes)).await?.0)
    }

    /// The same, as a tree like those of manifests.
    pub(super) async fn call_for_node(&self, call: &Call) -> Result<Node, Failure> {
        Ok(self.call_telling(call).await?.0)
    }

    /// The same, and whether this brought the object into being.
    pub(super) async fn call_telling(&self, call: &Call) -> Result<(Node, bool), Failure> {
        let place = self.place;
        self.answer(call, move |bytes: Vec<u8>| Node::read_json(&bytes, place)).await
    }

    pub(super) async fn answer<T: Send + 'static>(
        &self,
        call: &Call,
        read: impl Read<T>,
    ) -> Result<(T, bool), Failure> {
        let mut attempt = 0;
        loop {
            let (failure, retry_after) = match self.once(call, &read).await {
                // The first of several attempts may have done it, though its answer was lost.
                Ok((code, answer)) => return Ok((answer, code == StatusCode::CREATED || attempt > 0)),
                Err(failed) => failed,
            };
            if attempt == RETRIES || !self.is_worth_retrying(call, &failure) {
                return Err(failure);
            }
            let pause = retry_after.unwrap_or(FIRST_PAUSE * 2_u32.pow(attempt)).min(LONGEST_PAUSE);
            self.tell(Progress::Retrying {
                what: format!("{} {}", call.verb, call.path),
                cause: failure.describe(),
                after: pause,
            });
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    fn is_worth_retrying(&self, call: &Call, failure: &Failure) -> bool {
        match failure {
            // The server did not begin, so even a creation can be sent again.
            Failure::Refused(status) if status.code == 429 => true,
            Failure::Refused(status) => call.is_repeatable && matches!(status.code, 502..=504),
            // Who has never answered is not there; who has answered may be restarting.
            Failure::Unreachable(_) => call.is_repeatable && self.memory().has_answered,
            Failure::TimedOut(_) | Failure::Malformed(_) => false,
        }
    }

    async fn once<T: Send + 'static>(
        &self,
        call: &Call,
        read: &impl Read<T>,
    ) -> Result<(StatusCode, T), (Failure, Option<Duration>)> {
        let exchange = async {
            let (head, bytes) = self.answered(call).await.map_err(|failure| (failure, None))?;
            self.heed_warnings(&head.headers);
            self.memory().has_answered = true;
            let answer = read_aside(head.status, bytes, read).await;
            let retry_after = retry_after(&head.headers);
            answer.map(|answer| (head.status, answer)).map_err(|failure| (failure, retry_after))
        };
        let timeout = self.connection.request_timeout;
        tokio::time::timeout(timeout, exchange).await.unwrap_or(Err((Failure::TimedOut(timeout), None)))
    }

    /// Sends a request, unless its answer is under way already.
    async fn answered(&self, call: &Call) -> Result<Answer, Failure> {
        let request = call.request()?;
        let under_way = call.is_whole_list().then(|| self.connection.under_way.take(request.uri())).flatten();
        match under_way {
            Some(answer) => answer.await.unwrap_or_else(|error| resume_unwind(error.into_panic())),
            None => send(&self.connection.client, request).await,
        }
    }

    /// Opens an answer that goes on for as long as there is something to say.
    pub(crate) async fn stream(&self, call: &Call) -> Result<impl AsyncBufRead + Unpin + use<>, Failure> {
        let mut request = call.request()?;
        // Compressed in pieces, of which the decoder would read the first alone.
        let identity = http::HeaderValue::from_static("identity");
        request.headers_mut().insert(http::header::ACCEPT_ENCODING, identity);
        let timeout = self.connection.request_timeout;
        let sent = tokio::time::timeout(timeout, self.connection.client.send(request)).await;
        let response = sent.map_err(|_| Failure::TimedOut(timeout))?;
        let response = response.map_err(|error| Failure::Unreachable(chain(&error)))?;
        let (head, body) = response.into_parts();
        if head.status.is_success() {
            let body = Box::pin(body.into_data_stream().map_err(std::io::Error::other));
            return Ok(body.into_async_read());
        }
        let bytes = body.collect().await.map_err(|error| Failure::Unreachable(chain(&error)))?;
        Err(refusal(head.status, &bytes.to_bytes()))
    }

    fn heed_warnings(&self, headers: &HeaderMap) {
        for header in headers.get_all(http::header::WARNING) {
            let text = String::from_utf8_lossy(header.as_bytes()).into_owned();
            self.warn_once(warning_text(&text));
        }
    }
}

/// `299 - "batch/v1beta1 CronJob is deprecated"` → its text.
fn warning_text(header: &str) -> String {
    let quoted = header.split_once('"').map_or(header, |(_, rest)| rest);
    let mut text = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            '"' => break,
            c => text.push(c),
        }
    }
    text
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Makes something of the body of an answer.
pub(super) trait Read<T>:
    Fn(Vec<u8>) -> Result<T, serde_json::Error> + Clone + Send + 'static
{
}

impl<T, F: Fn(Vec<u8>) -> Result<T, serde_json::Error> + Clone + Send + 'static> Read<T> for F {}

/// An answer of more bytes takes so long to read that others are read at the same time.
const LONG: usize = 128 << 10;

async fn read_aside<T: Send + 'static>(
    code: StatusCode,
    bytes: Vec<u8>,
    read: &impl Read<T>,
) -> Result<T, Failure> {
    if bytes.len() < LONG {
        return read_answer(code, bytes, read);
    }
    let read = read.clone();
    let reading = tokio::task::spawn_blocking(move || read_answer(code, bytes, &read));
    reading.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}

fn read_answer<T>(code: StatusCode, bytes: Vec<u8>, read: &impl Read<T>) -> Result<T, Failure> {
    if code.is_success() {
        return read(bytes).map_err(|error| Failure::Malformed(format!("the answer is not JSON: {error}")));
    }
    Err(refusal(code, &bytes))
}

fn refusal(code: StatusCode, bytes: &[u8]) -> Failure {
    let status = serde_json::from_slice::<Status>(bytes);
    let mut status = status.unwrap_or_else(|_| Status::failure(&plain_words(code, bytes), ""));
    status.code = code.as_u16();
    Failure::Refused(status.boxed())
}

/// What a proxy in between, or no API server at all, has to say.
fn plain_words(code: StatusCode, bytes: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(bytes).trim().chars().take(300).collect();
    if text.is_empty() || text.starts_with('<') { code.to_string() } else { text }
}

/// An error and all that caused it, in one line and without repetitions.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let words = error.to_string();
        let words = words.split(" (os error").next().unwrap_or_default();
        next = error.source();
        // Many a wrapper prints what it wraps.
        let is_wrapper = next.is_some_and(|inner| words.contains(&inner.to_string()));
        let is_noise =
            matches!(words, "client error (Connect)" | "tcp connect error" | "error trying to connect");
        if !is_wrapper && !is_noise && !text.contains(words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(words);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_unquoted() {
        assert_eq!(warning_text(r#"299 - "a \"b\" c""#), r#"a "b" c"#);
        assert_eq!(warning_text("plain"), "plain");
    }
}
