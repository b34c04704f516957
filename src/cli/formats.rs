//! How findings are written, and where to: standard output, and files beside it.

use std::path::PathBuf;
use std::str::FromStr as _;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::Session;
use super::files::replace_file;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::report::Format;

#[derive(Debug, Args)]
pub(super) struct FormatArgs {
    /// How findings are written to standard output
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = PossibleValuesParser::new(names()).map(|name| named(&name)))]
    format: Format,

    /// Write findings to a file as well, for example `sarif=findings.sarif`; can be given several times
    #[arg(long = "output", value_name = "FORMAT=FILE", value_parser = Output::from_str)]
    outputs: Vec<Output>,
}

#[derive(Debug, Clone)]
struct Output {
    format: Format,
    path: PathBuf,
}

fn names() -> Vec<&'static str> {
    Format::NAMED.iter().map(|(name, _)| *name).collect()
}

fn named(name: &str) -> Format {
    Format::NAMED.iter().find(|(known, _)| *known == name).map_or(Format::Text, |(_, format)| *format)
}

impl std::str::FromStr for Output {
    type Err = String;

    fn from_str(argument: &str) -> Result<Output, String> {
        let (name, path) = argument
            .split_once('=')
            .filter(|(_, path)| !path.is_empty())
            .ok_or("write a format and a file, for example `sarif=findings.sarif`")?;
        if !names().contains(&name) {
            let near = did_you_mean(name, names()).map(|near| format!("; did you mean `{near}`?"));
            return Err(format!(
                "there is no format `{name}`{}",
                near.unwrap_or_else(|| format!("; there are {}", names().join(", ")))
            ));
        }
        Ok(Output { format: named(name), path: path.into() })
    }
}

impl FormatArgs {
    /// Writes findings to standard output and to the files. Findings of its own, such as a file that cannot be
    /// written, are the result.
    pub(super) fn publish(&self, session: &Session, findings: &[Diagnostic]) -> Vec<Diagnostic> {
        session.report.product_findings(findings, &session.sources, self.format);
        let mut problems = Vec::new();
        for output in &self.outputs {
            let text = session.report.findings_as(output.format, findings, &session.sources);
            if let Err(error) = replace_file(&output.path, &text) {
                let message = format!("`{}` cannot be written: {error}", output.path.display());
                problems.push(
                    Diagnostic::unable("unwritable", message)
                        .help("name a file in a folder that is there and may be written to"),
                );
            }
        }
        session.report.findings(&problems, &session.sources);
        problems
    }
}
