//! What went wrong with a request → what to tell, at the manifest line that caused it.

mod field;
mod rights;

pub use field::field_place;
pub use rights::summary;

use rights::{Denial, is_rbac};

use kube::core::Status;

use super::Cluster;
use super::request::Failure;
use crate::diagnostic::{Class, Diagnostic, Diagnostics};
use crate::diff::Conflict;
use crate::object::Object;
use crate::source::Place;

pub const NAMESPACE_MISSING: &str = "namespace-missing";

/// What was tried: "apply `Job a/b`".
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// An imperative with its object.
    what: &'a str,
    object: Option<&'a Object>,
}

impl<'a> Attempt<'a> {
    pub fn new(what: &'a str) -> Self {
        Attempt { what, object: None }
    }

    pub fn with(what: &'a str, object: &'a Object) -> Self {
        Attempt { what, object: Some(object) }
    }
}

impl Cluster {
    /// Says why a request failed; several complaints about one object are several diagnostics.
    pub(crate) fn explain(&self, failure: &Failure, attempt: &Attempt) -> Diagnostics {
        let server = self.server();
        let what = attempt.what;
        let one = match failure {
            Failure::Refused(status) => return Diagnostics(self.refused(status, attempt)),
            Failure::Unreachable(detail) if is_tls(detail) => tls(server, detail),
            Failure::Unreachable(detail) => {
                Diagnostic::error("unreachable", format!("cannot reach `{server}`: {detail}"))
                    .help("is the cluster up, and does the kubeconfig's context point to it?")
            }
            Failure::TimedOut(after) => {
                let seconds = after.as_secs();
                Diagnostic::error("unreachable", format!("`{server}` did not answer within {seconds} s"))
                    .help(format!("this was to {what}; try again, or allow more with `--request-timeout`"))
            }
            Failure::Malformed(detail) => Diagnostic::error(
                "unreachable",
                format!("`{server}` does not talk like a Kubernetes API server: {detail}"),
            ),
        };
        Diagnostics(vec![one.class(Class::Unreachable)])
    }

    fn refused(&self, status: &Status, attempt: &Attempt) -> Vec<Diagnostic> {
        let what = attempt.what;
        let message = redact(&status.message, attempt.object);
        let one = match status.code {
            401 => self.unauthorized(),
            403 if is_rbac(&status.message) => {
                self.forbidden(status, what).at_opt(attempt.object.map(|object| object.node.place))
            }
            403 => return denied(status, &message, attempt),
            404 if missing_namespace(status).is_some() => self.missing_namespace(status, attempt),
            409 if status.reason == "Conflict" && !conflicts(status, attempt.object).is_empty() => {
                let conflicts = conflicts(status, attempt.object);
                return conflicts.iter().map(|conflict| conflict_error(conflict, attempt.object)).collect();
            }
            409 if message.contains("UID in the precondition") => {
                let message = format!("cannot {what}: it is no longer the one that was there");
                Diagnostic::error("changed-meanwhile", message)
                    .class(Class::Conflict)
                    .help("someone else changed it at the same time; try again")
            }
            409 => Diagnostic::error("changed-meanwhile", format!("cannot {what}: {message}"))
                .class(Class::Conflict)
                .help("someone else changed it at the same time; try again"),
            400 | 413 | 415 | 422 | 500 => return invalid(status, attempt),
            code => {
                Diagnostic::error("server-error", format!("cannot {what}: the server says {code}, {message}"))
                    .class(Class::Unreachable)
            }
        };
        vec![one]
    }

    fn unauthorized(&self) -> Diagnostic {
        let context = self.context().map(|name| format!(" of the context `{name}`")).unwrap_or_default();
        Diagnostic::error(
            "unauthorized",
            format!("`{}` does not accept the credentials{context}", self.server()),
        )
        .class(Class::Unreachable)
        .help("the token or certificate is wrong or has expired: log in again")
    }

    fn forbidden(&self, status: &Status, what: &str) -> Diagnostic {
        let denial = Denial::read(&status.message);
        let scope = match &denial.namespace {
            Some(namespace) => format!("in the namespace `{namespace}`"),
            None => "in the whole cluster".to_owned(),
        };
        let message =
            format!("cannot {what}: `{}` may not {} `{}` {scope}", denial.user, denial.verb, denial.resource);
        let role = if denial.namespace.is_some() { "Role" } else { "ClusterRole" };
        Diagnostic::error("forbidden", message).class(Class::Unreachable).help(format!(
            "a {role} of this user needs the rule {{apiGroups: [\"{}\"], resources: [\"{}\"], verbs: [\"{}\"]}}",
            denial.group, denial.resource, denial.verb
        ))
    }

    fn missing_namespace(&self, status: &Status, attempt: &Attempt) -> Diagnostic {
        let name = missing_namespace(status).unwrap_or_default();
        let place = attempt.object.map(|object| object.origin(["metadata", "namespace"]));
        Diagnostic::unable(NAMESPACE_MISSING, format!("the namespace `{name}` does not exist"))
            .at_opt(place)
            .help(format!(
                "create it with `kubectl create namespace {name}`, or add a Namespace to what you apply"
            ))
    }
}

/// Keeps the values of a Secret, which the server repeats in its complaints, out of ours.
fn redact(message: &str, object: Option<&Object>) -> String {
    if object.is_none_or(|object| object.id.kind != "Secret") {
        return message.to_owned();
    }
    let Some((before, after)) = message.split_once("Invalid value: ") else { return message.to_owned() };
    let rest = after.rfind("\": ").map_or("", |end| &after[end + 1..]);
    format!("{before}Invalid value{rest}")
}

fn is_tls(detail: &str) -> bool {
    ["certificate", "TLS", "tls", "HandshakeFailure", "UnknownIssuer", "corrupt message"]
        .iter()
        .any(|word| detail.contains(word))
}

fn tls(server: &str, detail: &str) -> Diagnostic {
    let error = Diagnostic::error("tls", format!("cannot trust `{server}`: {detail}"));
    if detail.contains("UnknownIssuer") {
        return error.help(
            "its certificate is not signed by the `certificate-authority` of the kubeconfig's cluster",
        );
    }
    if detail.contains("NotValidForName") {
        return error
            .help("set the cluster's `tls-server-name` in the kubeconfig to a name in the certificate");
    }
    if detail.contains("corrupt message") {
        return error.help("does it speak plain HTTP? then the kubeconfig's `server` begins with `http://`");
    }
    error
}

/// Turned away by a policy, a webhook or a quota, at the fields that they name, if they do.
fn denied(status: &Status, message: &str, attempt: &Attempt) -> Vec<Diagnostic> {
    let what = attempt.what;
    let reason = message.split_once("is forbidden: ").map_or(message, |(_, reason)| reason);
    let namespace = reason
        .split_once(" in namespace ")
        .and_then(|(_, rest)| rest.split_once(" because it is being term"));
    let object = attempt.object.map(|object| object.node.place);
    if let Some((namespace, _)) = namespace {
        let message = format!("cannot {what}: the namespace `{namespace}` is being deleted");
        let error = Diagnostic::error("denied", message).class(Class::Failed).at_opt(object);
        let help = "wait until it is gone, then create it anew and try again; or choose another namespace";
        return vec![error.help(help)];
    }
    if reason.contains("exceeded quota") {
        let error = Diagnostic::error("denied", format!("cannot {what}: {reason}")).class(Class::Failed);
        return vec![error.at_opt(object).help("ask for less, or have the ResourceQuota raised")];
    }
    let complaints = attempt.object.map(|object| complaints(status, object)).unwrap_or_default();
    if complaints.is_empty() {
        let place = attempt.object.map(|object| named_place(object, reason));
        return vec![Diagnostic::error("denied", format!("cannot {what}: {reason}")).at_opt(place)];
    }
    let who = reason.split_once(" denied the request").map_or("admission", |(who, _)| who);
    let tell = |(complaint, place): (String, Place)| {
        Diagnostic::error("denied", format!("cannot {what}: {who} denied the request: {complaint}")).at(place)
    };
    complaints.into_iter().map(tell).collect()
}

fn missing_namespace(status: &Status) -> Option<String> {
    let details = status.details.as_ref()?;
    (details.kind == "namespaces").then(|| details.name.clone())
}

/// Reads the conflicts of a server-side apply.
pub fn conflicts(status: &Status, object: Option<&Object>) -> Vec<Conflict> {
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    let conflicts = causes.iter().filter(|cause| cause.reason == "FieldManagerConflict");
    let read = conflicts.filter_map(|cause| {
        let object = object?;
        let manager = cause.message.split('"').nth(1).unwrap_or("another manager").to_owned();
        let field = cause.field.trim_start_matches('.').to_owned();
        let place = field_place(&object.node, &field);
        Some(Conflict { field, manager, place })
    });
    read.collect()
}

pub fn conflict_error(conflict: &Conflict, object: Option<&Object>) -> Diagnostic {
    let Conflict { field, manager, place } = conflict;
    let of = object.map(|object| format!(" of `{}`", object.id)).unwrap_or_default();
    Diagnostic::error(
        "conflict",
        format!("`{field}`{of} belongs to `{manager}`, which has set another value"),
    )
    .class(Class::Conflict)
    .at(*place)
    .label("you want this")
    .help("take it over with `--force-conflicts`, or leave the field out of the manifest")
}

/// The server looked at the object and does not want it as it is.
fn invalid(status: &Status, attempt: &Attempt) -> Vec<Diagnostic> {
    let Some(object) = attempt.object else {
        return vec![Diagnostic::error("refused", format!("cannot {}: {}", attempt.what, status.message))];
    };
    let mut complaints = complaints(status, object);
    if complaints.is_empty() {
        let message = redact(&status.message, Some(object));
        let place = named_place(object, &message);
        complaints.push((message, place));
    }
    let tell = |(complaint, place): (String, Place)| {
        Diagnostic::error("refused", format!("the server refuses `{}`: {complaint}", object.id)).at(place)
    };
    complaints.into_iter().map(tell).collect()
}

/// What a server has against single fields, and where they were written.
fn complaints(status: &Status, object: &Object) -> Vec<(String, Place)> {
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    let named = causes.iter().filter(|cause| !cause.message.is_empty()).map(|cause| {
        let field = cause.field.trim_matches(['<', '>']).trim_start_matches('.');
        (field.to_owned(), cause.message.clone())
    });
    let mut complaints: Vec<(String, String)> = named.collect();
    if complaints.is_empty() {
        complaints = field::strict_complaints(&status.message);
    }
    let told = complaints.into_iter().map(|(field, message)| {
        let message = redact(&message, Some(object));
        match field.as_str() {
            "" => {
                let place = named_place(object, &message);
                (message, place)
            }
            field => (format!("`{field}`: {message}"), field_place(&object.node, field)),
        }
    });
    told.collect()
}

/// Returns the place of the field that a sentence is about; that of the object, if it names none.
fn named_place(object: &Object, sentence: &str) -> Place {
    field::field_in(sentence, &object.node)
        .map_or(object.node.place, |field| field_place(&object.node, &field))
}
