//! Which line of which template each line of rendered text came from.
//!
//! Every line of a template that yields text gets a mark at its end, in characters that no YAML file uses; the
//! marks survive loops and macros, and are taken out before the text is parsed.

const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// Marks the lines of a template with its number and theirs.
pub(super) fn mark(text: &str, file: usize) -> String {
    let mut marked = String::with_capacity(text.len() * 2);
    let mut closing = None;
    for (index, line) in text.lines().enumerate() {
        closing = tag_open_at_end(line, closing);
        marked.push_str(line);
        let ends_with_tag = line.ends_with("%}") || line.ends_with("#}");
        if closing.is_none() && !ends_with_tag && !line.trim().is_empty() {
            marked.push_str(&format!("{OPEN}{file}:{}{CLOSE}", index + 1));
        }
        marked.push('\n');
    }
    marked
}

/// Returns what closes the tag that is open at the end of a line, if one is.
fn tag_open_at_end(line: &str, mut closing: Option<&'static str>) -> Option<&'static str> {
    let mut rest = line;
    loop {
        if let Some(close) = closing {
            let Some((_, after)) = rest.split_once(close) else { return closing };
            (closing, rest) = (None, after);
        } else {
            let opened = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")]
                .into_iter()
                .filter_map(|(open, close)| Some((rest.find(open)?, close)))
                .min_by_key(|(at, _)| *at);
            let (at, close) = opened?;
            (closing, rest) = (Some(close), &rest[at + 2..]);
        }
    }
}

/// Takes the marks out of rendered text; returns for each line the template's number and line.
pub(super) fn unmark(rendered: &str) -> (String, Vec<(usize, usize)>) {
    let mut text = String::with_capacity(rendered.len());
    let mut origins = Vec::new();
    let mut last = (0, 1);
    for line in rendered.lines() {
        let mut first = None;
        let mut rest = line;
        while let Some((before, after)) = rest.split_once(OPEN) {
            text.push_str(before);
            let Some((mark, after)) = after.split_once(CLOSE) else { break };
            let origin =
                mark.split_once(':').and_then(|(file, line)| Some((file.parse().ok()?, line.parse().ok()?)));
            first = first.or(origin);
            rest = after;
        }
        text.push_str(rest);
        text.push('\n');
        last = first.unwrap_or(last);
        origins.push(last);
    }
    (text, origins)
}

/// Lists the templates that a template imports or includes by a literal name.
pub(super) fn imports(text: &str) -> Vec<&str> {
    let tags = text.split("{%").skip(1).filter_map(|rest| rest.split_once("%}")).map(|(tag, _)| tag.trim());
    let imports =
        tags.filter(|tag| ["import", "from", "include", "extends"].iter().any(|word| tag.starts_with(word)));
    imports.filter_map(|tag| tag.split(['"', '\'']).nth(1)).collect()
}

/// Lists the macros that a template defines.
pub(super) fn macros(text: &str) -> impl Iterator<Item = &str> {
    let tags = text.split("{%").skip(1).filter_map(|tag| tag.trim_start().strip_prefix("macro "));
    tags.filter_map(|tag| tag.split_once('(')).map(|(name, _)| name.trim())
}

/// Lists the texts that stand in quotes in a template's tags.
pub(super) fn literals(text: &str) -> impl Iterator<Item = String> + '_ {
    let tags = text.split(['{', '}']).filter(|tag| tag.starts_with('%') || tag.contains(['"', '\'']));
    tags.flat_map(quoted)
}

fn quoted(tag: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = tag;
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = if rest[at..].starts_with('"') { '"' } else { '\'' };
        let Some((text, after)) = rest[at + 1..].split_once(quote) else { break };
        texts.push(text.to_owned());
        rest = after;
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_follow_lines_and_leave_tags_alone() {
        let text = "a: 1\n{% if x %}\nb: {{ y\n  }}\n{% endif %}\n\nc: 2";
        let marked = mark(text, 3);
        let expected = "a: 1\u{e000}3:1\u{e001}\n{% if x %}\nb: {{ y\n  }}\u{e000}3:4\u{e001}\n{% endif %}\n\nc: 2\u{e000}3:7\u{e001}\n";
        assert_eq!(marked, expected);
        let (clean, origins) = unmark("a: 1\u{e000}3:1\u{e001}\nplain\n");
        assert_eq!((clean.as_str(), origins), ("a: 1\nplain\n", vec![(3, 1), (3, 1)]));
    }

    #[test]
    fn finds_what_stands_in_quotes() {
        let text = "a: {{ x or 'one' }}\n{% set t = {\"k\": [\"it's\", 'three']} %}\n";
        assert_eq!(literals(text).collect::<Vec<_>>(), ["one", "k", "it's", "three"]);
    }

    #[test]
    fn finds_macros() {
        let text = "{% macro a(x) %}\n{% endmacro %}\n{%macro b_c() %}{% endmacro %}\n";
        assert_eq!(macros(text).collect::<Vec<_>>(), ["a", "b_c"]);
    }

    #[test]
    fn finds_imports() {
        assert_eq!(
            imports("{% import \"macros.yaml\" as m %}\n{% from 'x.yaml' import y %}"),
            ["macros.yaml", "x.yaml"]
        );
    }
}
