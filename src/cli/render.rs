//! `daphnia render`: the Kubernetes objects, as YAML or JSON.

use clap::{Args, ValueEnum};

use super::{Input, Session, Status};
use crate::object::Masks;
use crate::yaml;

/// Print the Kubernetes objects that manifests become
///
/// The output is the same for the same input. Values of Secrets are masked, so a masked rendering cannot be
/// applied by mistake.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia render job.yaml\n  daphnia render job.yaml --set spec.image.tag=v2\n  daphnia render job.yaml --show-secrets | kubectl apply -f -"
)]
pub(super) struct RenderArgs {
    #[command(flatten)]
    input: Input,

    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Yaml)]
    output: Format,

    /// Print the values of Secrets
    #[arg(long)]
    show_secrets: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Yaml,
    Json,
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
    for object in &plan.objects {
        let text = match args.output {
            Format::Yaml => format!("---\n{}", yaml::write(&object.node)),
            Format::Json => yaml::write_json(&object.node),
        };
        session.report.product(&text);
    }
    Status::DONE
}
