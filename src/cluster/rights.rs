//! Objects → the least rights with which a command can do its work on them.

use std::collections::{BTreeMap, BTreeSet};

use super::Cluster;
use super::kinds::{Resource, built_in};
use super::observe::{Target, defined};
use super::wait::{has_pods, is_waited_for};
use crate::diagnostic::Diagnostics;
use crate::object::{ObjectId, Plan};

/// What a command is to do with objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Diff,
    Apply,
    Run,
}

#[derive(Debug, Clone, Copy)]
pub struct Needs {
    pub purpose: Purpose,
    /// Whether what leaves a set is deleted.
    pub prune: bool,
    /// Whether objects other than Jobs may be replaced.
    pub replace: bool,
}

/// An object's identity with its namespace, and where the API serves it.
pub type Located = (ObjectId, Resource);

/// What one subject may do in a namespace, or in the whole cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub namespace: Option<String>,
    pub rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub group: String,
    pub resources: Vec<String>,
    pub verbs: Vec<&'static str>,
}

/// The order in which people write them.
const VERBS: [&str; 6] = ["get", "list", "watch", "create", "patch", "delete"];

/// Finds out without a server where the objects of a plan are; `None` if only a server knows.
pub fn located(plan: &Plan, namespace: Option<&str>) -> Option<Vec<Located>> {
    let located = plan.objects.iter().map(|object| {
        let mut id = object.id.clone();
        let resource = built_in(&id.api_version, &id.kind).or_else(|| defined(&id, plan))?;
        id.namespace = match id.namespace.take() {
            written if resource.is_namespaced => Some(written.or_else(|| namespace.map(str::to_owned))?),
            _ => None,
        };
        Some((id, resource))
    });
    located.collect()
}

impl Cluster {
    /// Finds out where the objects of a plan are.
    pub async fn located(&self, plan: Plan) -> Result<Vec<Located>, Diagnostics> {
        let targets = self.targets(plan, false).await?;
        Ok(targets.into_iter().map(|Target { object, resource, .. }| (object.id, resource)).collect())
    }
}

/// Returns the roles that suffice, one for each namespace, and one for what is in none. `set_namespace` is where
/// the set is kept that the objects belong to.
pub fn rights(objects: &[Located], needs: Needs, set_namespace: Option<&str>) -> Vec<Role> {
    let mut rights = Rights::default();
    for (id, resource) in objects {
        rights.object(id, resource, needs);
    }
    if let Some(namespace) = set_namespace {
        let verbs: &[&'static str] =
            if needs.purpose == Purpose::Diff { &["get"] } else { &["get", "create", "patch"] };
        rights.allow(Some(namespace), "", "secrets", verbs);
    }
    rights.roles()
}

/// Verbs by namespace, group and resource.
#[derive(Default)]
struct Rights(BTreeMap<(Option<String>, String, String), BTreeSet<&'static str>>);

impl Rights {
    fn allow(&mut self, namespace: Option<&str>, group: &str, resource: &str, verbs: &[&'static str]) {
        let key = (namespace.map(str::to_owned), group.to_owned(), resource.to_owned());
        self.0.entry(key).or_default().extend(verbs);
    }

    fn object(&mut self, id: &ObjectId, resource: &Resource, needs: Needs) {
        let namespace = id.namespace.as_deref();
        let is_job = id.group() == "batch" && id.kind == "Job";
        let mut allow = |verbs: &[&'static str]| self.allow(namespace, id.group(), &resource.plural, verbs);
        // A dry-run is a patch, and what is not there yet is created by it.
        allow(&["list", "create", "patch"]);
        if needs.purpose != Purpose::Diff && is_waited_for(id) {
            allow(&["watch"]);
        }
        let is_dispatched = is_job && needs.purpose == Purpose::Run;
        // Which pods are whose, and whether a definition is served, the object itself says.
        let is_asked = id.kind == "CustomResourceDefinition" || (has_pods(id) && !is_job && id.kind != "Pod");
        if needs.purpose != Purpose::Diff && is_asked {
            allow(&["get"]);
        }
        // These stay, unless they are asked for.
        let is_pruned = needs.prune && !matches!(id.kind.as_str(), "Namespace" | "CustomResourceDefinition");
        let is_deleted = (needs.replace || is_pruned || is_job) && !is_dispatched;
        if needs.purpose == Purpose::Apply && is_deleted {
            allow(&["get", "delete"]);
        }
        if needs.purpose != Purpose::Diff && has_pods(id) {
            self.allow(namespace, "", "pods", &["list", "watch"]);
            self.allow(namespace, "", "events", &["list", "watch"]);
        }
        match needs.purpose {
            // Whether it has had its run, the records say.
            Purpose::Diff if is_job => self.allow(namespace, "", "secrets", &["list"]),
            _ if is_job => {
                self.allow(namespace, "", "secrets", &["get", "list", "create", "patch", "delete"]);
                self.allow(namespace, "", "pods/log", &["get"]);
            }
            _ => {}
        }
    }

    /// Puts together what has the same verbs.
    fn roles(self) -> Vec<Role> {
        let mut roles: Vec<Role> = Vec::new();
        for ((namespace, group, resource), verbs) in self.0 {
            let verbs: Vec<&'static str> = VERBS.into_iter().filter(|verb| verbs.contains(verb)).collect();
            if roles.last().is_none_or(|role| role.namespace != namespace) {
                roles.push(Role { namespace, rules: Vec::new() });
            }
            let Some(role) = roles.last_mut() else { continue };
            match role.rules.iter_mut().find(|rule| rule.group == group && rule.verbs == verbs) {
                Some(rule) => rule.resources.push(resource),
                None => role.rules.push(Rule { group, resources: vec![resource], verbs }),
            }
        }
        roles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(api_version: &str, kind: &str, namespace: Option<&str>) -> Located {
        let id = ObjectId {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: "x".to_owned(),
        };
        let resource = built_in(api_version, kind).unwrap();
        (id, resource)
    }

    fn needs(purpose: Purpose) -> Needs {
        Needs { purpose, prune: false, replace: false }
    }

    #[test]
    fn each_namespace_has_its_role_and_what_is_in_none_another() {
        let objects = [
            object("v1", "Namespace", None),
            object("v1", "ConfigMap", Some("a")),
            object("v1", "ServiceAccount", Some("a")),
            object("v1", "ConfigMap", Some("b")),
        ];
        let roles = rights(&objects, needs(Purpose::Diff), None);
        let shown: Vec<_> = roles.iter().map(|role| (role.namespace.as_deref(), role.rules.len())).collect();
        assert_eq!(shown, [(None, 1), (Some("a"), 1), (Some("b"), 1)]);
        assert_eq!(roles[1].rules[0].resources, ["configmaps", "serviceaccounts"]);
        assert_eq!(roles[1].rules[0].verbs, ["list", "create", "patch"]);
    }

    #[test]
    fn only_who_may_replace_or_prune_may_delete() {
        let may_delete = |needs: Needs, kind: (&str, &str)| {
            let roles = rights(&[object(kind.0, kind.1, Some("a"))], needs, None);
            let rules = roles.iter().flat_map(|role| &role.rules);
            rules
                .filter(|rule| rule.verbs.contains(&"delete"))
                .flat_map(|rule| rule.resources.clone())
                .collect()
        };
        let map = ("v1", "ConfigMap");
        let none: Vec<String> = Vec::new();
        let found: Vec<String> = may_delete(needs(Purpose::Apply), map);
        assert_eq!(found, none);
        let found: Vec<String> = may_delete(Needs { prune: true, ..needs(Purpose::Apply) }, map);
        assert_eq!(found, ["configmaps"]);
        let found: Vec<String> = may_delete(needs(Purpose::Run), ("batch/v1", "Job"));
        assert_eq!(found, ["secrets"], "old records alone");
    }
}
