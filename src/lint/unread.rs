//! Where secrets may stand in a text that could not be read, by the look of its lines.

use std::ops::Range;

use super::is_secret_literal;
use crate::diagnostic::Diagnostic;
use crate::source::{Place, Sources};

/// Codes of findings about texts that no tree came of.
const UNREAD: &[&str] =
    &["duplicate-key", "not-utf-8", "yaml-alias", "yaml-key", "yaml-merge", "yaml-syntax", "yaml-tag"];

/// Lists the places that may be secret in texts that could not be read, and takes them out of what is said of these.
pub fn hide_unread(findings: &mut [Diagnostic], sources: &Sources) -> Vec<Place> {
    let unread = |finding: &Diagnostic| {
        finding.place.filter(|_| UNREAD.contains(&&*finding.code)).map(|place| place.source)
    };
    let mut ids: Vec<_> = findings.iter().filter_map(unread).collect();
    ids.sort_unstable();
    ids.dedup();
    let of = |id| secrets(&sources.get(id).text).into_iter().map(move |range| Place::new(id, range));
    let places: Vec<Place> = ids.into_iter().flat_map(of).collect();
    for finding in findings.iter_mut().filter(|finding| ["yaml-alias", "yaml-tag"].contains(&&*finding.code))
    {
        let Some(place) = finding.place else { continue };
        let is_hidden =
            places.iter().any(|p| p.source == place.source && p.start < place.end && place.start < p.end);
        // An alias or a tag is told by its name: `*` or `!` may begin a password.
        let written = sources.text(place).trim_start_matches(['*', '&', '!']).to_owned();
        if is_hidden && !written.is_empty() {
            finding.message = finding.message.replace(&written, "***");
        }
    }
    places
}

/// A key whose values are hidden, and what below it is.
struct Region {
    indent: usize,
    /// How far the names below it are indented; what is not there itself is part of a value.
    names: Option<usize>,
    /// Whether there are names below it, which may be shown.
    is_map: bool,
}

fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut document = Vec::new();
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") {
            found.extend(secrets_of_document(&document));
            document.clear();
        }
        document.push((start, line.trim_end_matches(['\n', '\r'])));
        start += line.len();
    }
    found.extend(secrets_of_document(&document));
    found
}

fn secrets_of_document(lines: &[(usize, &str)]) -> Vec<Range<usize>> {
    let is_secret = lines
        .iter()
        .any(|(_, line)| pairs(line).any(|(key, value)| key == "kind" && scalar(value) == "Secret"));
    let mut found = Vec::new();
    let mut region: Option<Region> = None;
    let mut name = "";
    for (start, line) in lines {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if line.trim().is_empty() {
            continue;
        }
        region = region.filter(|region| indent > region.indent);
        if let Some(region) = &mut region {
            let names = *region.names.get_or_insert(indent);
            let value = pairs(line).next().filter(|_| region.is_map && indent == names);
            let shown = value.map_or(indent, |(_, value)| offset(line, value));
            found.push(start + shown..start + line.len());
            continue;
        }
        for (key, value) in pairs(line) {
            let is_map = key == "secrets" || (is_secret && ["data", "stringData"].contains(&key));
            let literal = scalar(value);
            if is_map
                || is_secret_literal(key, literal)
                || (key == "value" && is_secret_literal(name, literal))
            {
                found.push(start + offset(line, value)..start + line.len());
                region = Some(Region { indent, names: None, is_map });
                break;
            }
            name = if key == "name" { literal } else { name };
        }
    }
    found.retain(|range| !range.is_empty());
    found
}

fn offset(line: &str, part: &str) -> usize {
    part.as_ptr() as usize - line.as_ptr() as usize
}

/// Lists what looks like keys in a line, each with all that follows it there.
fn pairs(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.match_indices(':').filter_map(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + 1..]);
        let is_key = after.is_empty() || after.starts_with([' ', '\t']) || before.ends_with(['"', '\'']);
        let key = before.rsplit(['{', ',', '[']).next().unwrap_or(before);
        let key = key.trim().trim_start_matches("- ").trim().trim_matches(['"', '\'']);
        is_key.then_some((key, after.trim_start()))
    })
}

/// The text of a scalar, as far as it can be told.
fn scalar(value: &str) -> &str {
    let end = value.find([',', '}']).unwrap_or(value.len());
    value[..end].trim().trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, SourceKind};

    fn shown(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for range in secrets(text) {
            bytes[range].fill(b'*');
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn secrets_are_found_line_by_line() {
        for (text, due) in [
            (
                "kind: Secret\ndata:\n  a: b2\n   c: d4\ntype: e\n",
                "kind: Secret\ndata:\n  a: **\n   *****\ntype: e\n",
            ),
            ("kind: Secret\nstringData: {a: b}\n", "kind: Secret\nstringData: ******\n"),
            (r#"{"kind":"Secret","data":{"a":"b"},}"#, r#"{"kind":"Secret","data":***********"#),
            (
                "kind: Secret\nstringData:\n  a: |\n    b\n\n    c\n  d: e\n",
                "kind: Secret\nstringData:\n  a: *\n    *\n\n    *\n  d: *\n",
            ),
            (
                "env:\n  secrets:\n    A: b\n    C:\n      value: d\n  x: y\n",
                "env:\n  secrets:\n    A: *\n    C:\n      ********\n  x: y\n",
            ),
            ("env:\n  DB_PASSWORD: \"b\n    c\n  x: y\n", "env:\n  DB_PASSWORD: **\n    *\n  x: y\n"),
            (
                "- name: TOKEN\n  value: b\n- name: MODE\n  value: c\n",
                "- name: TOKEN\n  value: *\n- name: MODE\n  value: c\n",
            ),
            ("- {name: TOKEN, value: b, c}\n", "- {name: TOKEN, value: *****\n"),
            ("url: postgres://a:b@c/d\n", "url: ******************\n"),
            (
                "kind: ConfigMap\ndata:\n  a: b\n---\nkind: Secret\n",
                "kind: ConfigMap\ndata:\n  a: b\n---\nkind: Secret\n",
            ),
            ("secrets:\r\n  A: bé\r\n", "secrets:\r\n  A: ***\r\n"),
        ] {
            assert_eq!(shown(text), due);
        }
    }

    #[test]
    fn what_is_said_tells_no_secret() {
        let text = "kind: Secret\nstringData:\n  password: *hunter2\n";
        let sources = Sources::default();
        let id = sources.add(Source::new(SourceKind::Manifest, "t.yaml", text));
        let mut findings = crate::yaml::read(id, text).1;
        assert!(findings[0].message.contains("hunter2"));
        assert!(!hide_unread(&mut findings, &sources).is_empty());
        assert_eq!(findings[0].message, "alias `****` has no anchor `&***` before it in this document");
    }
}
