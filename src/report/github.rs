//! Findings as workflow commands of GitHub Actions, which become annotations of a change.

use std::fmt::Write as _;

use super::region::Region;
use super::without_controls;
use crate::diagnostic::{Diagnostic, Level};
use crate::source::Sources;

pub(super) fn page(findings: &[&Diagnostic], sources: &Sources) -> String {
    findings.iter().map(|finding| command(finding, sources)).collect()
}

fn command(finding: &Diagnostic, sources: &Sources) -> String {
    let name = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let mut regions = finding.places().filter_map(|place| Region::of(place, sources));
    let mut properties = String::new();
    // Only what is in a file can be annotated: of a template or a profile it is the manifest that they are for.
    if let Some(region) = regions.find(Region::is_in_file) {
        // An annotation is shown at its last line, so it must not reach past the first.
        let end = region.first_line_end;
        let _ = write!(properties, "file={},", property(region.name.trim_start_matches("./")));
        let _ = write!(properties, "line={},col={},", region.start.0, region.start.1);
        let _ = write!(properties, "endLine={},endColumn={},", end.0, end.1);
    }
    let mut message = finding.message.clone();
    if let Some(place) = finding.place
        && Region::of(place, sources).is_some_and(|region| !region.is_in_file())
    {
        let _ = write!(message, "\nat {}", sources.describe(place));
    }
    for (place, label) in &finding.related {
        let _ = write!(message, "\n{}: {label}", sources.describe(*place));
    }
    if !finding.label.is_empty() {
        let _ = write!(message, "\n{}", finding.label);
    }
    for help in &finding.help {
        let _ = write!(message, "\nhelp: {help}");
    }
    if let Some(fix) = &finding.fix {
        let _ = write!(message, "\nhelp: {}", fix.message);
    }
    format!("::{name} {properties}title={}::{}\n", property(&finding.code), data(&message))
}

/// One line must stay one command, whatever a manifest holds.
fn data(text: &str) -> String {
    let text = without_controls(&text.replace('\r', " "));
    text.replace('%', "%25").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Place, Source, SourceKind};

    #[test]
    fn nothing_leaves_its_command() {
        let sources = Sources::default();
        let id = sources.add(Source::new(SourceKind::Manifest, "a,b:c%.yaml", "k:\n  é: 1\n"));
        let finding = Diagnostic::warning("odd", "100%\r\n::set-env name=A::b\u{1b}[0m")
            .at(Place::new(id, 5..10))
            .label("here")
            .help("mend it");
        assert_eq!(
            page(&[&finding], &sources),
            "::warning file=a%2Cb%3Ac%25.yaml,line=2,col=3,endLine=2,endColumn=7,title=odd::\
             100%25 %0A::set-env name=A::b\u{fffd}[0m%0Ahere%0Ahelp: mend it\n"
        );
    }
}
