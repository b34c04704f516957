//! What went wrong with a request → what to tell, at the manifest line that caused it.

mod field;

pub use field::field_place;

use kube::core::Status;

use super::Cluster;
use super::request::Failure;
use crate::diagnostic::{Class, Diagnostic, Diagnostics};
use crate::diff::Conflict;
use crate::object::Object;

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
        let server = &self.server;
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
            403 => denied(&message, what).at_opt(attempt.object.map(|object| object.node.place)),
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
        let context =
            self.context.as_ref().map(|name| format!(" of the context `{name}`")).unwrap_or_default();
        Diagnostic::error(
            "unauthorized",
            format!("`{}` does not accept the credentials{context}", self.server),
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

fn is_rbac(message: &str) -> bool {
    message.contains(" cannot ") && message.contains(" resource \"")
}

/// A denial by the authorizer: `User "u" cannot patch resource "jobs" in API group "batch" in the namespace "n"`.
struct Denial {
    user: String,
    verb: String,
    resource: String,
    group: String,
    namespace: Option<String>,
}

/// Says in a few words what a server's refusal is about.
pub fn summary(status: &Status) -> String {
    if status.code == 403 && is_rbac(&status.message) {
        return Denial::read(&status.message).sentence();
    }
    if status.message.is_empty() { format!("status {}", status.code) } else { status.message.clone() }
}

impl Denial {
    fn sentence(&self) -> String {
        let Denial { user, verb, resource, namespace, .. } = self;
        let scope = match namespace {
            Some(namespace) => format!("in the namespace `{namespace}`"),
            None => "in the whole cluster".to_owned(),
        };
        format!("`{user}` may not {verb} `{resource}` {scope}")
    }

    fn read(message: &str) -> Denial {
        let quoted = |after: &str| {
            let rest = message.split_once(after)?.1;
            rest.split_once('"').map(|(text, _)| text.to_owned())
        };
        let verb = message.split_once(" cannot ").and_then(|(_, rest)| rest.split_once(' '));
        Denial {
            user: quoted("User \"").unwrap_or_default(),
            verb: verb.map(|(verb, _)| verb.to_owned()).unwrap_or_default(),
            resource: quoted(" resource \"").unwrap_or_default(),
            group: quoted("in API group \"").unwrap_or_default(),
            namespace: quoted("in the namespace \""),
        }
    }
}

/// Turned away by a policy, a webhook or a quota.
fn denied(message: &str, what: &str) -> Diagnostic {
    let reason = message.split_once("is forbidden: ").map_or(message, |(_, reason)| reason);
    let namespace = reason
        .split_once(" in namespace ")
        .and_then(|(_, rest)| rest.split_once(" because it is being term"));
    if let Some((namespace, _)) = namespace {
        let message = format!("cannot {what}: the namespace `{namespace}` is being deleted");
        return Diagnostic::error("denied", message)
            .class(Class::Failed)
            .help("wait until it is gone, then create it anew and try again; or choose another namespace");
    }
    let error = Diagnostic::error("denied", format!("cannot {what}: {reason}"));
    if reason.contains("exceeded quota") {
        return error.class(Class::Failed).help("ask for less, or have the ResourceQuota raised");
    }
    error
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
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    let Some(object) = attempt.object else {
        return vec![Diagnostic::error("refused", format!("cannot {}: {}", attempt.what, status.message))];
    };
    let complaint = |field: &str, message: &str| {
        let message = redact(message, Some(object));
        let field_name = if field.is_empty() { String::new() } else { format!("`{field}`: ") };
        Diagnostic::error("refused", format!("the server refuses `{}`: {field_name}{message}", object.id))
            .at(field_place(&object.node, field))
    };
    let named: Vec<Diagnostic> = causes
        .iter()
        .filter(|cause| !cause.message.is_empty())
        .map(|cause| complaint(cause.field.trim_matches(['<', '>']).trim_start_matches('.'), &cause.message))
        .collect();
    if !named.is_empty() {
        return named;
    }
    let strict = field::strict_complaints(&status.message);
    if !strict.is_empty() {
        return strict.iter().map(|(field, message)| complaint(field, message)).collect();
    }
    vec![complaint("", &status.message)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_are_read() {
        let denial = Denial::read(
            r#"jobs.batch "x" is forbidden: User "system:serviceaccount:a:b" cannot patch resource "jobs" in API group "batch" in the namespace "n""#,
        );
        assert_eq!((denial.user.as_str(), denial.verb.as_str()), ("system:serviceaccount:a:b", "patch"));
        assert_eq!((denial.resource.as_str(), denial.group.as_str()), ("jobs", "batch"));
        assert_eq!(denial.namespace.as_deref(), Some("n"));
    }
}
