//! Paths into trees, as people write them and as JSON pointers.

use std::ops::Range;

/// Splits a JSON pointer (`/spec/containers/0`) into its steps.
pub fn pointer_steps(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"))
}

/// Writes a JSON pointer the way people write paths: `spec.containers[0].name`.
pub fn pointer_to_path(pointer: &str) -> String {
    let mut path = String::new();
    for step in pointer_steps(pointer) {
        if !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit()) {
            path.push_str(&format!("[{step}]"));
        } else if step.contains(['.', '/', '[']) {
            path.push_str(&format!("[\"{step}\"]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&step);
        }
    }
    path
}

/// Splits `spec.containers[0].env["a.b"]` into its steps, each a range of the text; `None` if it is no path.
pub fn path_steps(path: &str) -> Option<Vec<Range<usize>>> {
    let mut steps = Vec::new();
    let mut at = 0;
    while at < path.len() {
        let rest = &path[at..];
        let (range, next) = if let Some(inside) = rest.strip_prefix('[') {
            let (inner, end) = bracketed(inside)?;
            (at + 1 + inner.start..at + 1 + inner.end, at + 1 + end)
        } else {
            let end = at + rest.find(['.', '[']).unwrap_or(rest.len());
            (at..end, end)
        };
        if range.is_empty() {
            return None;
        }
        steps.push(range);
        at = if path[next..].starts_with('.') { next + 1 } else { next };
        if at == path.len() && path.ends_with('.') {
            return None;
        }
    }
    Some(steps)
}

/// Returns what stands in brackets, without quotes, and where the text behind them begins.
fn bracketed(text: &str) -> Option<(Range<usize>, usize)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    match quote {
        Some(quote) => {
            let end = 1 + text[1..].find(quote)?;
            text[end + 1..].starts_with(']').then_some((1..end, end + 2))
        }
        None => text.find(']').map(|end| (0..end, end + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(path: &str) -> Option<Vec<&str>> {
        path_steps(path).map(|steps| steps.into_iter().map(|range| &path[range]).collect())
    }

    #[test]
    fn paths_are_split_as_they_are_written() {
        assert_eq!(steps("spec.env[0].name"), Some(vec!["spec", "env", "0", "name"]));
        assert_eq!(steps("a[\"b.c/d\"].e['f]'][g]"), Some(vec!["a", "b.c/d", "e", "f]", "g"]));
        assert_eq!(steps(""), Some(vec![]));
        for wrong in ["a..b", ".a", "a.", "a[", "a[]", "a['b]", "a[''x]"] {
            assert_eq!(steps(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_pointer_is_written_as_a_path_that_is_read_again() {
        let path = pointer_to_path("/metadata/labels/a.b~1c/0/d");
        assert_eq!(path, "metadata.labels[\"a.b/c\"][0].d");
        assert_eq!(steps(&path), Some(vec!["metadata", "labels", "a.b/c", "0", "d"]));
    }
}
