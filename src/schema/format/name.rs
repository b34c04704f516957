//! Names, keys and paths as Kubernetes reads them.

fn is_lower(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')
}

fn ensure_length(text: &str, what: &str, max: usize) -> Result<(), String> {
    if text.is_empty() {
        return Err(format!("{what} must not be empty"));
    }
    if text.len() > max {
        return Err(format!(
            "{what} has at most {max} characters, and this one has {}; shorten it",
            text.len()
        ));
    }
    Ok(())
}

/// Names the first character that `is_allowed` does not take.
fn stranger(text: &str, is_allowed: impl Fn(u8) -> bool) -> Option<String> {
    let stranger = text.chars().find(|c| !u8::try_from(*c).is_ok_and(&is_allowed))?;
    Some(if stranger.is_whitespace() { "a blank".to_owned() } else { format!("`{stranger}`") })
}

/// What RFC 1123 says about one label, length aside.
fn ensure_label(text: &str, whole: &str) -> Result<(), String> {
    if let Some(c) = stranger(text, |b| is_lower(b) || b == b'-') {
        let lower = whole.to_ascii_lowercase().replace('_', "-");
        return Err(match c.trim_matches('`').chars().next() {
            Some('A'..='Z') => format!("`{whole}` has upper-case letters; write `{lower}`"),
            Some('_') => format!("`{whole}` has `_`, which is not allowed here; write `{lower}`"),
            Some('.') => format!("`{whole}` has a dot, which is not allowed here; use `-`"),
            _ => format!("`{whole}` has {c}; use lower-case letters, digits and `-`"),
        });
    }
    if text.is_empty() || !text.starts_with(|c: char| c.is_ascii_alphanumeric()) || text.ends_with('-') {
        return Err(format!(
            "`{whole}` must begin and end with a letter or digit{}",
            between_dots(text, whole)
        ));
    }
    Ok(())
}

fn between_dots(text: &str, whole: &str) -> &'static str {
    if text == whole { "" } else { ", and so must each part between dots" }
}

pub(super) fn ensure_dns_label(text: &str) -> Result<(), String> {
    ensure_length(text, "a name", 63)?;
    ensure_label(text, text)
}

pub(super) fn ensure_dns_subdomain(text: &str) -> Result<(), String> {
    ensure_length(text, "a name", 253)?;
    text.split('.').try_for_each(|label| ensure_label(label, text))
}

pub(super) fn ensure_env_name(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("the name of a variable must not be empty".into());
    }
    if let Some(c) = stranger(text, is_name_byte) {
        return Err(format!("`{text}` has {c}; a variable's name has letters, digits, `_`, `-` and `.`"));
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("`{text}` begins with a digit; begin a variable's name with a letter or `_`"));
    }
    ensure_no_parent(text)
}

/// What today's server takes in a plain object, which is more than a shell could read.
pub(super) fn ensure_relaxed_env_name(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("the name of a variable must not be empty".into());
    }
    match text.chars().find(|c| !matches!(c, ' '..='~') || *c == '=') {
        Some(c) => {
            Err(format!("{text:?} has {c:?}; a variable's name has printable ASCII characters but `=`"))
        }
        None => Ok(()),
    }
}

/// Such a name would be a way up when it becomes a file.
fn ensure_no_parent(text: &str) -> Result<(), String> {
    if text == "." || text.starts_with("..") {
        return Err(format!(
            "`{text}` is `.` or begins with `..`, which is not allowed; choose another name"
        ));
    }
    Ok(())
}

pub(super) fn ensure_config_key(text: &str) -> Result<(), String> {
    ensure_length(text, "a key", 253)?;
    if let Some(c) = stranger(text, is_name_byte) {
        return Err(format!("`{text}` has {c}; a key has letters, digits, `-`, `_` and `.`"));
    }
    ensure_no_parent(text)
}

pub(super) fn ensure_label_key(text: &str) -> Result<(), String> {
    let (prefix, name) = match text.rsplit_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if let Some(prefix) = prefix {
        if prefix.contains('/') {
            return Err(format!("`{text}` has more than one `/`; write `prefix/name`"));
        }
        ensure_dns_subdomain(prefix).map_err(|why| format!("before the `/`: {why}"))?;
    }
    ensure_length(name, "a key's name", 63)?;
    ensure_label_text(name, text)
}

/// An annotation's key is a label's key in any case.
pub(super) fn ensure_annotation_key(text: &str) -> Result<(), String> {
    ensure_label_key(&text.to_ascii_lowercase())
}

/// Such texts are secrets as a rule, so the message does not repeat them.
pub(super) fn ensure_base64(text: &str) -> Result<(), String> {
    let text: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    let padding = text.iter().rev().take_while(|b| **b == b'=').count();
    let (body, is_whole) = (&text[..text.len() - padding], text.len().is_multiple_of(4) && padding <= 2);
    let is_letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    if is_whole && body.iter().all(is_letter) {
        return Ok(());
    }
    Err("this is not base64; encode it, or write a Secret's plain text under `stringData`".into())
}

pub(super) fn ensure_label_value(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    ensure_length(text, "a label's value", 63)?;
    ensure_label_text(text, text)
}

fn ensure_label_text(part: &str, whole: &str) -> Result<(), String> {
    if let Some(c) = stranger(part, is_name_byte) {
        return Err(format!("`{whole}` has {c}; use letters, digits, `-`, `_` and `.`"));
    }
    let is_edge = |c: char| c.is_ascii_alphanumeric();
    if !part.starts_with(is_edge) || !part.ends_with(is_edge) {
        return Err(format!("`{whole}` must begin and end with a letter or digit"));
    }
    Ok(())
}

pub(super) fn ensure_port_name(text: &str) -> Result<(), String> {
    ensure_length(text, "a port's name", 15)?;
    if let Some(c) = stranger(text, |b| is_lower(b) || b == b'-') {
        return Err(format!("`{text}` has {c}; a port's name has lower-case letters, digits and `-`"));
    }
    if !text.bytes().any(|b| b.is_ascii_lowercase()) {
        return Err(format!("`{text}` needs at least one letter; a port's name such as `http` is no number"));
    }
    if text.starts_with('-') || text.ends_with('-') || text.contains("--") {
        return Err(format!("`{text}` must not begin or end with `-`, nor have `--`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::assert_table;

    #[test]
    fn dns_names() {
        let long = "a".repeat(64);
        let longer = "a".repeat(254);
        assert_table(
            "dns-label",
            &["a", "a-b", "0a", &long[..63]],
            &[
                ("", "must not be empty"),
                ("A_b", "write `a-b`"),
                ("a_b", "write `a-b`"),
                ("a.b", "a dot"),
                ("-a", "begin and end"),
                ("a-", "begin and end"),
                ("ä", "`ä`"),
                (&long, "at most 63 characters"),
            ],
        );
        assert_table(
            "dns-subdomain",
            &["a", "a.b-c.d", &long, &longer[..253]],
            &[("a..b", "each part between dots"), ("a.B", "upper-case"), (&longer, "at most 253")],
        );
    }

    #[test]
    fn keys_and_values() {
        let long = "a".repeat(64);
        assert_table(
            "env-name",
            &["A", "_a", "-a", ".a", "a.b-c_D1"],
            &[("", "empty"), ("1A", "begins with a digit"), ("A B", "a blank"), ("..", ".."), ("A=B", "`=`")],
        );
        assert_table(
            "relaxed-env-name",
            &["A", "1 B", "..a"],
            &[("", "empty"), ("A=B", "'='"), ("ä", "'ä'")],
        );
        assert_table(
            "config-key",
            &["a", "A.b-c_1", "1", ".dockerconfigjson", "..a".trim_start_matches('.')],
            &[("", "empty"), ("a/b", "`/`"), ("..", "`..`"), ("..a", "`..`")],
        );
        assert_table(
            "label-key",
            &["a", "a.b/c", "app.kubernetes.io/name", "A_b.c"],
            &[
                ("", "empty"),
                ("/a", "before the `/`"),
                ("a/b/c", "more than one"),
                ("a b", "a blank"),
                ("-a", "begin"),
            ],
        );
        assert_table(
            "label-value",
            &["", "a", "A_b.c-1"],
            &[("a/b", "`/`"), ("-a", "begin"), (&long, "at most 63"), ("a b", "a blank")],
        );
        assert_table(
            "port-name",
            &["http", "a-b", "0a"],
            &[
                ("80", "at least one letter"),
                ("HTTP", "`H`"),
                ("a--b", "`--`"),
                ("abcdefghijklmnop", "at most 15"),
            ],
        );
    }

    #[test]
    fn base64() {
        assert_table(
            "base64",
            &["", "eA==", "eHg=", "eHh4", "+/+/", "eA=\n=\n"],
            &[("x", "not base64"), ("eA", "stringData"), ("eA= =", "not"), ("====", "not"), ("e-_=", "not")],
        );
    }
}
