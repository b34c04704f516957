//! What minijinja says → a diagnostic in words of ours.

use minijinja::{Error, ErrorKind};

use super::lines;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::source::{Place, Sources};

/// Says why a template cannot be rendered.
pub(super) fn tell(error: &Error, place: Option<Place>, sources: &Sources) -> Box<Diagnostic> {
    let place = place.map(|place| match error.kind() {
        ErrorKind::UndefinedError => filtered(place, sources).unwrap_or(place),
        _ => place,
    });
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let words = place.map(|place| sources.text(place)).unwrap_or_default();
    let finding = |message: String| Diagnostic::error("template", message).at_opt(place);
    Box::new(match error.kind() {
        ErrorKind::UndefinedError if is_path(&words) => {
            finding(format!("the template asks for `{words}`, and there is no such field"))
        }
        ErrorKind::UndefinedError => {
            finding(format!("the template asks for a field that there is not: {detail}"))
        }
        ErrorKind::OutOfFuel => finding("the template does not end within its bound of steps".to_owned()),
        ErrorKind::UnknownMethod => unknown_macro(&detail, place, sources)
            .unwrap_or_else(|| finding(format!("the template cannot be rendered: {detail}"))),
        ErrorKind::TemplateNotFound => {
            let name = detail.split('\'').nth(1).unwrap_or(&detail);
            finding(format!("there is no template `{name}` to import"))
                .help("`macros.yaml` is built in; files of your own lie beside the template or below")
        }
        _ => finding(format!("the template cannot be rendered: {detail}")),
    })
}

fn is_path(words: &str) -> bool {
    !words.is_empty() && words.chars().all(is_of_path)
}

fn is_of_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '[' | ']' | '"')
}

/// A filter that is given nothing fails itself: returns the place of what it was to be given.
fn filtered(place: Place, sources: &Sources) -> Option<Place> {
    let source = sources.get(place.source);
    let before = source.text.get(..place.start as usize)?.trim_end().strip_suffix('|')?.trim_end();
    let path = before.trim_end_matches(is_of_path).len();
    (path < before.len()).then(|| Place::new(place.source, path..before.len()))
}

/// A macro is asked for as `macros.NAME(…)`; minijinja calls that a method of a map.
fn unknown_macro(detail: &str, place: Option<Place>, sources: &Sources) -> Option<Diagnostic> {
    let name = detail.strip_prefix("map has no method named ")?;
    let template = place.map(|place| sources.get(place.source))?;
    let imported = lines::imports(&template.text);
    let macros = sources.all_of(template.kind, |source| {
        let is_imported = imported.iter().any(|file| source.name.ends_with(file));
        if is_imported { lines::macros(&source.text).map(str::to_owned).collect() } else { Vec::new() }
    });
    let finding = Diagnostic::error("template", format!("there is no macro `{name}`")).at_opt(place);
    Some(match did_you_mean(name, macros.iter().map(String::as_str)) {
        Some(near) => finding.label(format!("did you mean `{near}`?")),
        None => finding.help(format!("there is {}", macros.join(", "))),
    })
}
