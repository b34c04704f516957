//! How findings are written, and where to: standard output, and files beside it.

use std::path::PathBuf;
use std::str::FromStr as _;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::files::replace_file;
use crate::check::Found;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::report::{Format, Report};

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
    /// Starts writing. With `is_aside`, standard output is for something else.
    pub(super) fn writer(&self, is_aside: bool) -> Writer<'_> {
        Writer { args: self, is_aside, pages: vec![String::new(); self.outputs.len() + 1] }
    }

    /// Writes a page for each output, standard output first.
    pub(super) fn pages(&self, found: &Found<'_>) -> Vec<String> {
        self.formats().map(|format| format.page(found)).collect()
    }

    fn formats(&self) -> impl Iterator<Item = Format> {
        std::iter::once(self.format).chain(self.outputs.iter().map(|output| output.format))
    }
}

/// What has been told so far of the files.
pub(super) struct Writer<'a> {
    args: &'a FormatArgs,
    is_aside: bool,
    pages: Vec<String>,
}

impl Writer<'_> {
    /// Prints pages where the format allows it, and keeps the others.
    pub(super) fn add(&mut self, report: &Report, pages: &[String]) {
        for (index, page) in pages.iter().enumerate() {
            if index == 0 && self.args.format.is_pages() {
                self.print(report, page);
            } else {
                self.pages[index].push_str(page);
            }
        }
    }

    /// Prints or writes what has been kept. Files that cannot be written are the result.
    pub(super) fn finish(self, report: &Report) -> Vec<Diagnostic> {
        if !self.args.format.is_pages() {
            self.print(report, &self.args.format.whole(&self.pages[0]));
        }
        let mut problems = Vec::new();
        for (output, pages) in self.args.outputs.iter().zip(&self.pages[1..]) {
            if let Err(error) = replace_file(&output.path, &output.format.whole(pages)) {
                let message = format!("`{}` cannot be written: {error}", output.path.display());
                let finding = Diagnostic::unable("unwritable", message);
                problems.push(finding.help("name a file in a folder that is there and may be written to"));
            }
        }
        problems
    }

    fn print(&self, report: &Report, text: &str) {
        if self.is_aside { report.aside(text) } else { report.product(text) }
    }
}
