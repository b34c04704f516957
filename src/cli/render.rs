//! `daphnia render`: the Kubernetes objects, as YAML, as JSON, or as a folder of files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value as Json, json};

use super::files::write_folder;
use super::{Input, Session, Status};
use crate::diagnostic::did_you_mean;
use crate::object::{Masks, Object, ObjectId, Plan};
use crate::report::plural;
use crate::source::Sources;
use crate::workers::Workers;
use crate::yaml::{self, Node, Value};

/// Print the Kubernetes objects that manifests become
///
/// The output is the same for the same input. Values of Secrets are masked, so a masked rendering cannot be
/// applied by mistake. In a folder each object has a file of its own, `<kind>-<namespace>-<name>.yaml`; files
/// that `render` did not write stay as they are.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia render job.yaml\n  daphnia render job.yaml --set spec.image.tag=v2\n  daphnia render job.yaml --origins\n  daphnia render job.yaml -o rendered/\n  daphnia render job.yaml --show-secrets | kubectl apply -f -"
)]
pub(super) struct RenderArgs {
    #[command(flatten)]
    input: Input,

    /// `yaml`, `json`, or a folder to write a file for each object to
    #[arg(short, long, value_name = "yaml|json|DIR", default_value = "yaml", value_parser = output)]
    output: Output,

    /// Say of every field where it comes from: as comments, or with `-o json` as a list
    #[arg(long)]
    origins: bool,

    /// Print the values of Secrets
    #[arg(long)]
    show_secrets: bool,

    /// With a folder: overwrite files that `render` did not write
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone)]
enum Output {
    Yaml,
    Json,
    Folder(PathBuf),
}

fn output(argument: &str) -> Result<Output, String> {
    match argument {
        "yaml" => return Ok(Output::Yaml),
        "json" => return Ok(Output::Json),
        _ => {}
    }
    let is_path = argument.contains(std::path::is_separator) || Path::new(argument).is_dir();
    match did_you_mean(argument, ["yaml", "json"]) {
        Some(near) if !is_path => {
            Err(format!("did you mean `{near}`? For a folder of this name, write `./{argument}`"))
        }
        _ => Ok(Output::Folder(argument.into())),
    }
}

pub(super) fn render(args: &RenderArgs) -> Status {
    let mut session = Session::default();
    let mut plan = match session.plan(&args.input) {
        Ok(plan) => plan,
        Err(status) => return status,
    };
    if !args.show_secrets {
        let mut masks = Masks::default();
        plan.objects.iter_mut().for_each(|object| masks.mask(&mut object.node));
    }
    let yaml = |object: &Object| {
        if args.origins {
            yaml::write_with_comments(&object.node, &|node| session.sources.origin(node.place))
        } else {
            yaml::write(&object.node)
        }
    };
    match &args.output {
        Output::Yaml => {
            let texts = Workers::All.map(plan.objects.iter().collect(), |o| format!("---\n{}", yaml(o)));
            texts.iter().for_each(|text| session.report.product(text));
        }
        Output::Json if args.origins => {
            let objects = plan.objects.iter().map(|object| origins(object, &session.sources));
            session.report.product_json(&objects.collect());
        }
        Output::Json => {
            plan.objects.iter().for_each(|o| session.report.product(&yaml::write_json(&o.node)));
        }
        Output::Folder(folder) => {
            return write_plan(&session, &plan, folder, args.force, &yaml);
        }
    }
    Status::DONE
}

fn write_plan(
    session: &Session,
    plan: &Plan,
    folder: &Path,
    force: bool,
    yaml: &dyn Fn(&Object) -> String,
) -> Status {
    let names = file_names(plan.objects.iter().map(|object| &object.id));
    let files: Vec<(String, String)> =
        names.into_iter().zip(&plan.objects).map(|(name, object)| (name, yaml(object))).collect();
    match write_folder(folder, &files, force) {
        Ok(stale) => {
            let shown = folder.display();
            session.report.note(&format!("{} written to {shown}", plural(files.len(), "file")));
            for name in stale {
                session.report.note(&format!(
                    "{} is from an earlier render, and no object of this one; delete it if it is not needed",
                    folder.join(name).display()
                ));
            }
            Status::DONE
        }
        Err(finding) => session.refuse(*finding),
    }
}

/// Names a file for each object. Two names may come out the same, since `-` is a letter of names.
fn file_names<'i>(ids: impl Iterator<Item = &'i ObjectId>) -> Vec<String> {
    let mut taken = HashSet::new();
    ids.map(|id| {
        let parts = [Some(id.kind.as_str()), id.namespace.as_deref(), Some(id.name.as_str())];
        let stem = parts.into_iter().flatten().collect::<Vec<_>>().join("-").to_lowercase();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        let stem: String = stem.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
        let numbered = (2..).map(|number| format!("{stem}-{number}.yaml"));
        let mut candidates = std::iter::once(format!("{stem}.yaml")).chain(numbered);
        let name = candidates.find(|name| !taken.contains(name)).unwrap_or(stem);
        taken.insert(name.clone());
        name
    })
    .collect()
}

fn origins(object: &Object, sources: &Sources) -> Json {
    let mut fields = Vec::new();
    list_origins(&object.node, "", sources, &mut fields);
    let id = &object.id;
    json!({
        "apiVersion": id.api_version,
        "kind": id.kind,
        "namespace": id.namespace,
        "name": id.name,
        "fields": fields,
    })
}

fn list_origins(node: &Node, pointer: &str, sources: &Sources, fields: &mut Vec<Json>) {
    if !pointer.is_empty() {
        let path = yaml::pointer_to_path(pointer);
        fields.push(json!({"path": path, "pointer": pointer, "origin": sources.origin(node.place)}));
    }
    match &node.value {
        Value::Map(map) => {
            for (key, value) in map.iter() {
                let step = key.replace('~', "~0").replace('/', "~1");
                list_origins(value, &format!("{pointer}/{step}"), sources, fields);
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                list_origins(item, &format!("{pointer}/{index}"), sources, fields);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(kind: &str, namespace: Option<&str>, name: &str) -> ObjectId {
        let namespace = namespace.map(str::to_owned);
        ObjectId { api_version: "v1".to_owned(), kind: kind.to_owned(), namespace, name: name.to_owned() }
    }

    #[test]
    fn files_have_plain_names_and_each_its_own() {
        let ids = [
            id("Namespace", None, "a"),
            id("Job", Some("a-b"), "c"),
            id("Job", Some("a"), "b-c"),
            id("ClusterRole", None, "system:../x"),
        ];
        let expected =
            ["namespace-a.yaml", "job-a-b-c.yaml", "job-a-b-c-2.yaml", "clusterrole-system_.._x.yaml"];
        assert_eq!(file_names(ids.iter()), expected);
    }
}
