//! `daphnia rbac`: the least rights with which a command can do its work on these manifests.

use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::server::{ServerArgs, narrator};
use super::{Input, Session, Status};
use crate::cluster::{Located, Needs, Purpose, Role, located, rights};
use crate::object::Plan;
use crate::report::plural;
use crate::source::{Place, Source, SourceKind};
use crate::yaml::{self, Node};

/// Print the least Role with which a command can do its work on these manifests
///
/// One Role for each namespace, and a ClusterRole for what is in none. Rights are by kind, for a name cannot be
/// told to the right to create. Records of runs are Secrets of their Job's namespace. A cluster is asked only for
/// kinds that neither Kubernetes nor a definition among the manifests has.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia rbac job.yaml --for apply\n  daphnia rbac k8s/ --for apply --prune --set-name shop -n shop\n  daphnia rbac job.yaml --for run | kubectl apply -f -"
)]
pub(super) struct RbacArgs {
    #[command(flatten)]
    input: Input,

    #[command(flatten)]
    server: ServerArgs,

    /// The command that is to be allowed
    #[arg(long = "for", value_name = "COMMAND", value_enum)]
    command: CommandName,

    /// Name of the roles; without it, daphnia-COMMAND
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Allow to keep a set, as with `apply --set-name`
    #[arg(long, value_name = "NAME")]
    set_name: Option<String>,

    /// Allow to delete what leaves the set, as with `apply --prune`
    #[arg(long, requires = "set_name")]
    prune: bool,

    /// Allow to replace objects other than Jobs, as with `apply --replace`
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CommandName {
    Diff,
    Apply,
    Run,
}

impl CommandName {
    fn name(self) -> &'static str {
        match self {
            CommandName::Diff => "diff",
            CommandName::Apply => "apply",
            CommandName::Run => "run",
        }
    }
}

pub(super) fn rbac(args: &RbacArgs) -> Status {
    let mut session = Session::default();
    let plan = match session.plan(&args.input) {
        Ok(plan) => plan,
        Err(status) => return status,
    };
    match session.places(plan, args) {
        Ok((objects, namespace)) => {
            session.print_roles(&objects, &namespace, args);
            Status::DONE
        }
        Err(status) => status,
    }
}

impl Session {
    /// Says where the objects are, and in which namespace those of the context; a cluster is asked only if it must.
    fn places(&self, plan: Plan, args: &RbacArgs) -> Result<(Vec<Located>, String), Status> {
        let namespace = args.server.namespace.clone();
        let needs_context = args.set_name.is_some() && namespace.is_none();
        if let Some(located) = located(&plan, namespace.as_deref()).filter(|_| !needs_context) {
            return Ok((located, namespace.unwrap_or_default()));
        }
        self.block_on(async {
            let cluster = self.connect(&args.server, narrator(None)).await?;
            let located = self.told(cluster.located(plan).await)?;
            Ok((located, cluster.namespace().to_owned()))
        })
    }

    fn print_roles(&self, objects: &[Located], namespace: &str, args: &RbacArgs) {
        let command = args.command.name();
        let purpose = match args.command {
            CommandName::Diff => Purpose::Diff,
            CommandName::Apply => Purpose::Apply,
            CommandName::Run => Purpose::Run,
        };
        let needs = Needs { purpose, prune: args.prune, replace: args.replace };
        let set_namespace = args.set_name.as_ref().map(|_| namespace);
        let name = args.name.clone().unwrap_or_else(|| format!("daphnia-{command}"));
        let source = self.sources.add(Source::new(SourceKind::Argument, "rbac", ""));
        let place = Place::new(source, 0..0);
        let count = plural(objects.len(), "object");
        self.report.product(&format!("# The least rights for `daphnia {command}` of {count}.\n"));
        for role in rights(objects, needs, set_namespace) {
            let text = yaml::write(&Node::from_json(&manifest(&role, &name), place));
            self.report.product(&format!("---\n{}{text}", hint(&role, &name)));
        }
        let grants = objects.iter().any(|(id, _)| id.group() == "rbac.authorization.k8s.io");
        if grants {
            self.report.note(
                "the manifests grant rights: who applies them needs those rights, too, or `escalate` and `bind`",
            );
        }
    }
}

fn manifest(role: &Role, name: &str) -> Json {
    let mut metadata = json!({"name": name});
    if let Some(namespace) = &role.namespace {
        metadata["namespace"] = namespace.as_str().into();
    }
    let rules = role
        .rules
        .iter()
        .map(|rule| json!({"apiGroups": [rule.group], "resources": rule.resources, "verbs": rule.verbs}));
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind(role),
        "metadata": metadata,
        "rules": rules.collect::<Json>(),
    })
}

fn kind(role: &Role) -> &'static str {
    if role.namespace.is_some() { "Role" } else { "ClusterRole" }
}

/// How to give the role to someone.
fn hint(role: &Role, name: &str) -> String {
    match &role.namespace {
        Some(namespace) => {
            format!("# kubectl create rolebinding {name} -n {namespace} --role={name} --user=USER\n")
        }
        None => format!("# kubectl create clusterrolebinding {name} --clusterrole={name} --user=USER\n"),
    }
}
