//! `daphnia explain`: what a field is for, and where the value of a rendered one comes from.

use clap::Args;
use clap_complete::engine::ArgValueCompleter;

use super::kinds::with_session;
use super::{Input, Session, Status, completions};
use crate::diagnostic::Diagnostic;
use crate::explain::{Topic, topic_steps};
use crate::object::{Address, Masks};

/// Explain a kind or a field, and where a rendered field comes from
///
/// Knows daphnia's kinds and Kubernetes' own; names may be written in any case. With a file, it is a field of an object
/// that the file renders to: its value, the line that it comes from (of the manifest, a default, a profile, `--set`), and
/// the lines of templates that put it there.
#[derive(Debug, Args)]
#[command(
    mut_arg("paths", |paths| paths.required_unless_present("topic")),
    after_help = "Examples:\n  daphnia explain KubernetesJob\n  daphnia explain KubernetesJob.spec.image\n  daphnia explain job.spec.template.spec.containers\n  daphnia explain HorizontalPodAutoscaler --api-version autoscaling/v1\n  daphnia explain Job.spec.backoffLimit job.yaml\n  daphnia explain 'Job/migrate:spec.template.spec.containers[0].image' job.yaml"
)]
pub(super) struct ExplainArgs {
    /// A kind, and the path of a field in it; with a file, `KIND/NAME:FIELD` of an object
    #[arg(value_name = "KIND[.FIELD]", add = ArgValueCompleter::new(completions::topics))]
    topic: String,

    /// The group and version, where several have a kind of this name
    #[arg(long, value_name = "VERSION")]
    api_version: Option<String>,

    #[command(flatten)]
    input: Input,
}

pub(super) fn explain(args: &ExplainArgs) -> Status {
    if !args.input.all_paths().is_empty() {
        return explain_rendered(args);
    }
    with_session(&args.input.config, |session| {
        if Address::parse(&args.topic).is_of_object() {
            let message =
                format!("`{}` is a field of an object, and no file says which objects there are", args.topic);
            return Err(Diagnostic::unable("no-input", message)
                .help(format!("name the manifest: `daphnia explain {} FILE`", args.topic))
                .into());
        }
        let (kind, path) = topic_steps(&args.topic).ok_or_else(|| {
            let message = format!("`{}` is no path to a field", args.topic);
            Diagnostic::unable("unknown-field", message)
                .help("write names separated by dots: `Job.spec.template.spec.containers.image`")
        })?;
        let topic = Topic::find(kind, args.api_version.as_deref(), &session.catalog, &session.sources)?;
        let explanation = topic.explain(&path).map_err(|finding| *finding)?;
        session.report.explanation(&topic, &explanation);
        Ok(())
    })
}

/// Explains a field of what a manifest becomes.
fn explain_rendered(args: &ExplainArgs) -> Status {
    let mut session = Session::default();
    let mut plan = match session.plan(&args.input) {
        Ok(plan) => plan,
        Err(status) => return status,
    };
    let mut masks = Masks::default();
    plan.objects.iter_mut().for_each(|object| masks.mask(&mut object.node));
    match plan.trace(&Address::parse(&args.topic), &session.sources) {
        Ok(trace) => {
            let id = trace.object;
            let topic = Topic::find(&id.kind, Some(&id.api_version), &session.catalog, &session.sources).ok();
            let told = topic.and_then(|topic| topic.explain(&trace.fields).ok());
            session.report.trace(&trace, told.as_ref(), &session.sources);
            Status::DONE
        }
        Err(finding) => session.refuse(*finding),
    }
}
