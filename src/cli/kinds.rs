//! `daphnia explain`, `schema`, `kinds`, `init`: what the tool knows of kinds.

use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::{Session, Status, starter};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::explain::{Topic, kinds as list_kinds};
use crate::kubernetes;

/// Explain a kind or one of its fields: type, default, allowed values, rules
///
/// Knows daphnia's kinds and Kubernetes' own. Names may be written in any case.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia explain KubernetesJob\n  daphnia explain KubernetesJob.spec.image\n  daphnia explain job.spec.template.spec.containers\n  daphnia explain HorizontalPodAutoscaler --api-version autoscaling/v1"
)]
pub(super) struct ExplainArgs {
    /// A kind, and the path of a field in it
    #[arg(value_name = "KIND[.FIELD]")]
    topic: String,

    /// The group and version, where several have a kind of this name
    #[arg(long, value_name = "VERSION")]
    api_version: Option<String>,
}

/// Print the JSON Schema of a kind, for editors and other tools
///
/// It stands alone: no reference leads out of it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia schema KubernetesJob > kubernetes-job.json\n  daphnia schema CronJob\n\nIn an editor with the YAML language server, this is the first line of the manifest:\n  # yaml-language-server: $schema=kubernetes-job.json"
)]
pub(super) struct SchemaArgs {
    /// A kind
    #[arg(value_name = "KIND")]
    kind: String,

    /// The group and version, where several have a kind of this name
    #[arg(long, value_name = "VERSION")]
    api_version: Option<String>,
}

/// List the kinds that manifests can be of
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  daphnia kinds\n  daphnia kinds --all\n  daphnia kinds -o json")]
pub(super) struct KindsArgs {
    /// Kubernetes' own kinds, too
    #[arg(long)]
    all: bool,

    /// Output format
    #[arg(short, long, value_enum, default_value_t = ListFormat::Table)]
    output: ListFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ListFormat {
    Table,
    Json,
}

/// Print a manifest to start from
///
/// It is valid as it is, says what its fields mean, and lists those that it leaves out.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia init KubernetesJob > job.yaml\n  daphnia init KubernetesJob | daphnia render -"
)]
pub(super) struct InitArgs {
    /// One of the kinds that `daphnia kinds` lists
    #[arg(value_name = "KIND")]
    kind: String,
}

pub(super) fn explain(args: &ExplainArgs) -> Status {
    let session = Session::default();
    let mut steps = args.topic.split(['.', '[', ']']).filter(|step| !step.is_empty());
    let kind = steps.next().unwrap_or_default();
    // `containers[0]` names the same field as `containers`.
    let path: Vec<&str> = steps.filter(|step| step.parse::<usize>().is_err()).collect();
    let topic = match Topic::find(kind, args.api_version.as_deref(), &session.catalog) {
        Ok(topic) => topic,
        Err(finding) => return session.refuse(*finding),
    };
    match topic.explain(&path) {
        Ok(explanation) => {
            session.report.explanation(&topic, &explanation);
            Status::DONE
        }
        Err(finding) => session.refuse(*finding),
    }
}

pub(super) fn schema(args: &SchemaArgs) -> Status {
    let session = Session::default();
    match Topic::find(&args.kind, args.api_version.as_deref(), &session.catalog) {
        Ok(topic) => {
            session.report.product_json(&topic.schema());
            Status::DONE
        }
        Err(finding) => session.refuse(*finding),
    }
}

pub(super) fn kinds(args: &KindsArgs) -> Status {
    let session = Session::default();
    let kinds = list_kinds(&session.catalog, args.all);
    match args.output {
        ListFormat::Table => session.report.kinds(&kinds),
        ListFormat::Json => {
            let list = kinds.iter().map(|kind| {
                json!({
                    "kind": kind.kind,
                    "apiVersions": kind.api_versions,
                    "description": kind.description,
                    "source": if kind.is_ours { "daphnia" } else { "kubernetes" },
                })
            });
            session.report.product_json(&list.collect::<Json>());
        }
    }
    Status::DONE
}

pub(super) fn init(args: &InitArgs) -> Status {
    let session = Session::default();
    let same =
        |name: &str| name.replace(['-', '_'], "").eq_ignore_ascii_case(&args.kind.replace(['-', '_'], ""));
    let kinds = session.catalog.kinds();
    let found = kinds.iter().find(|name| same(name)).and_then(|name| session.catalog.kind(name));
    match found {
        Some(kind) => {
            session.report.product(&starter::starter(&kind));
            Status::DONE
        }
        None => session.refuse(no_starter(&args.kind, &kinds)),
    }
}

fn no_starter(kind: &str, kinds: &[String]) -> Diagnostic {
    let list = kinds.join(", ");
    if let Some((_, known)) = kubernetes::kinds_named(kind).first() {
        let message = format!("there is no manifest to start from for Kubernetes' own `{known}`");
        return Diagnostic::unable("unknown-kind", message)
            .help(format!("`daphnia explain {known}` lists its fields; `init` knows {list}"));
    }
    let finding = Diagnostic::unable("unknown-kind", format!("there is no kind `{kind}`"));
    match did_you_mean(kind, kinds.iter().map(String::as_str)) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help(format!("`init` knows {list}")),
    }
}
