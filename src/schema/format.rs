//! Texts of a custom `format` → what is wrong with them, and what to write instead.

mod address;
mod cron;
mod image;
mod name;
mod path;
mod quantity;
mod source;
mod words;

pub use words::shell_words;

pub use quantity::{Quantity, quantity};

/// A custom format: its name in schemas, what a text of it is called, and its check.
struct Format {
    name: &'static str,
    noun: &'static str,
    check: Check,
}

/// The error is one sentence that says what is wrong and what to write.
pub type Check = fn(&str) -> Result<(), String>;

const FORMATS: &[Format] = &[
    Format { name: "quantity", noun: "a quantity", check: quantity::ensure_quantity },
    Format { name: "positive-quantity", noun: "a quantity from 0 up", check: quantity::ensure_positive },
    Format { name: "bytes", noun: "a number of bytes", check: quantity::ensure_bytes },
    Format { name: "int-or-percent", noun: "a number or a percentage", check: quantity::ensure_percent },
    Format { name: "duration", noun: "a duration", check: cron::ensure_duration },
    Format { name: "cron", noun: "a cron schedule", check: cron::ensure_cron },
    Format { name: "dns-label", noun: "a DNS label", check: name::ensure_dns_label },
    Format { name: "dns-subdomain", noun: "a DNS subdomain", check: name::ensure_dns_subdomain },
    Format { name: "env-name", noun: "a variable's name", check: name::ensure_env_name },
    Format { name: "relaxed-env-name", noun: "a variable's name", check: name::ensure_relaxed_env_name },
    Format { name: "label-key", noun: "a label's key", check: name::ensure_label_key },
    Format { name: "annotation-key", noun: "an annotation's key", check: name::ensure_annotation_key },
    Format { name: "label-value", noun: "a label's value", check: name::ensure_label_value },
    Format { name: "config-key", noun: "a key of a ConfigMap or Secret", check: name::ensure_config_key },
    Format { name: "port-name", noun: "a port's name", check: name::ensure_port_name },
    Format { name: "base64", noun: "base64", check: name::ensure_base64 },
    Format { name: "absolute-path", noun: "an absolute path", check: path::ensure_absolute_path },
    Format { name: "cidr", noun: "a range of addresses", check: address::ensure_cidr },
    Format { name: "inner-path", noun: "a path inside a volume", check: path::ensure_inner_path },
    Format { name: "http-path", noun: "an HTTP path", check: path::ensure_http_path },
    Format { name: "image-reference", noun: "an image reference", check: image::ensure_reference },
    Format { name: "image-repository", noun: "an image repository", check: image::ensure_repository },
    Format { name: "image-tag", noun: "an image tag", check: image::ensure_tag },
    Format { name: "code-source", noun: "an address or a file", check: source::ensure_source },
    Format { name: "shell-words", noun: "a command", check: words::ensure_words },
    Format { name: "image-digest", noun: "an image digest", check: image::ensure_digest },
];

/// Checks a text against a format; `None` if there is no such format.
pub fn check(format: &str, value: &str) -> Option<Result<(), String>> {
    find(format).map(|f| (f.check)(value))
}

/// Names what a text of this format is: "a cron schedule".
pub fn noun(format: &str) -> Option<&'static str> {
    find(format).map(|f| f.noun)
}

/// Lists the names of the formats.
pub fn names() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|f| f.name)
}

/// Lists every format with its check, for the schema compiler.
pub(super) fn checks() -> impl Iterator<Item = (&'static str, Check)> {
    FORMATS.iter().map(|f| (f.name, f.check))
}

fn find(format: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|f| f.name == format)
}

/// Says whether a text looks like a blank that somebody was to fill in: `<your-namespace>`, `${VAR}`, `{{ x }}`.
pub fn is_placeholder(value: &str) -> bool {
    let begins_name = |c: char| c.is_alphabetic() || matches!(c, '_' | '.' | '$');
    [("<", ">"), ("${", "}"), ("{{", "}}")].iter().any(|(open, close)| {
        let inside =
            value.split_once(open).and_then(|(_, rest)| rest.split_once(close)).map(|(inside, _)| inside);
        let inside = if *open == "{{" { inside.map(str::trim) } else { inside };
        inside.is_some_and(|inside| inside.starts_with(begins_name))
    })
}

/// What each format takes, and a part of what is said of what it does not.
#[cfg(test)]
fn assert_table(format: &str, good: &[&str], bad: &[(&str, &str)]) {
    for text in good {
        assert_eq!(check(format, text), Some(Ok(())), "{format} {text}");
    }
    for (text, words) in bad {
        let error = check(format, text).unwrap().expect_err(text);
        assert!(error.contains(words), "{format} {text}: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_format_is_none() {
        assert_eq!(check("no-such-format", "x"), None);
        assert_eq!(noun("cron"), Some("a cron schedule"));
    }

    #[test]
    fn placeholders_are_told_from_texts() {
        for text in
            ["<your-namespace>", "${VAR}", "{{ x }}", "ghcr.io/<org>/app", "{{ .Values.image }}", "v${TAG}"]
        {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["a < b > c", "a", "$(VAR)", "<>", "${}", "5 <6> 7", "{{}}"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
