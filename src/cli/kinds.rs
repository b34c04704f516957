//! `daphnia schema`, `kinds`, `init`: what the tool knows of kinds.

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCompleter;
use serde_json::{Value as Json, json};

use super::lints::ConfigArgs;
use super::{Session, Status, completions, starter};
use crate::catalog::{Catalog, Flaws};
use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::explain::{Topic, kinds as list_kinds};
use crate::kubernetes;
use crate::manifest::examine_rules;

/// Print the JSON Schema of a kind, for editors and other tools
///
/// It stands alone: no reference leads out of it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia schema KubernetesJob > kubernetes-job.json\n  daphnia schema CronJob\n\nIn an editor with the YAML language server, this is the first line of the manifest:\n  # yaml-language-server: $schema=kubernetes-job.json"
)]
pub(super) struct SchemaArgs {
    /// A kind
    #[arg(value_name = "KIND", add = ArgValueCompleter::new(completions::all_kinds))]
    kind: String,

    /// The group and version, where several have a kind of this name
    #[arg(long, value_name = "VERSION")]
    api_version: Option<String>,

    #[command(flatten)]
    config: ConfigArgs,
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

    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ListFormat {
    Table,
    Json,
}

/// Print a manifest to start from
///
/// It is valid as it is, says what its fields mean, and lists those that it leaves out.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia init KubernetesJob > job.yaml\n  daphnia init KubernetesJob | daphnia render -\n  daphnia init CronJob"
)]
pub(super) struct InitArgs {
    /// One of the kinds that `daphnia kinds` lists, or one of Kubernetes' own that their examples become
    #[arg(value_name = "KIND", add = ArgValueCompleter::new(completions::own_kinds))]
    kind: String,

    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn schema(args: &SchemaArgs) -> Status {
    with_session(&args.config, |session| {
        let topic = Topic::find(&args.kind, args.api_version.as_deref(), &session.catalog, &session.sources)?;
        session.report.product_json(&topic.schema());
        Ok(())
    })
}

pub(super) fn kinds(args: &KindsArgs) -> Status {
    with_session(&args.config, |session| {
        let (kinds, flaws) = list_kinds(&session.catalog, args.all);
        match args.output {
            ListFormat::Table => session.report.kinds(&kinds),
            ListFormat::Json => {
                let list = kinds.iter().map(|kind| {
                    json!({
                        "kind": kind.kind,
                        "apiVersions": kind.api_versions,
                        "description": kind.description,
                        "source": kind.source,
                    })
                });
                session.report.product_json(&list.collect::<Json>());
            }
        }
        let flaws: Vec<Flaws> = flaws.into_iter().chain(unusable(&session.catalog)).collect();
        let findings: Vec<Diagnostic> = flaws.iter().flat_map(|flaws| flaws.tell(&session.sources)).collect();
        if findings.is_empty() { Ok(()) } else { Err(Diagnostics(findings)) }
    })
}

/// What a schema may hold that is only looked at when a manifest asks for it.
fn unusable(catalog: &Catalog) -> Vec<Flaws> {
    let kinds = catalog.kinds();
    let kinds = kinds.iter().filter_map(|name| catalog.kind(name)?.ok());
    let flaws = kinds.flat_map(|kind| [kind.ensure_rules(examine_rules).err(), kind.template().err()]);
    flaws.flatten().collect()
}

pub(super) fn init(args: &InitArgs) -> Status {
    with_session(&args.config, |session| {
        let plain = |name: &str| name.replace(['-', '_'], "").to_lowercase();
        let kinds = session.catalog.kinds();
        let found = kinds.iter().find(|name| plain(name) == plain(&args.kind));
        let Some(found) = found.and_then(|name| session.catalog.kind(name)) else {
            let own = kubernetes::kinds_named(&args.kind);
            let object = own
                .iter()
                .find_map(|(version, kind)| starter::object_starter(version, kind, &session.catalog));
            let object = object.ok_or_else(|| no_starter(&args.kind, &kinds))?;
            session.report.product(&object);
            return Ok(());
        };
        let tell = |flaws: Flaws| Diagnostics(flaws.tell(&session.sources));
        let kind = found.map_err(tell)?;
        session.report.product(&starter::starter(&kind, &kind.example().map_err(tell)?));
        Ok(())
    })
}

pub(super) fn with_session(
    config: &ConfigArgs,
    work: impl FnOnce(&Session) -> Result<(), Diagnostics>,
) -> Status {
    let session = match Session::open(config) {
        Ok(session) => session,
        Err(status) => return status,
    };
    work(&session).map_or_else(|Diagnostics(findings)| session.refuse_all(&findings), |()| Status::DONE)
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
