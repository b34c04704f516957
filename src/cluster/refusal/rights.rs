//! What an authorizer says of those who lack rights.

use kube::core::Status;

/// Whether it is the authorizer who says no.
pub fn is_rbac(message: &str) -> bool {
    message.contains(" cannot ") && message.contains(" resource \"")
}

/// A denial by the authorizer: `User "u" cannot patch resource "jobs" in API group "batch" in the namespace "n"`.
pub struct Denial {
    pub user: String,
    pub verb: String,
    pub resource: String,
    pub group: String,
    pub namespace: Option<String>,
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

    pub fn read(message: &str) -> Denial {
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
