//! Image references by the grammar of container registries.

/// The most that a registry takes for a repository's name.
const MAX_NAME: usize = 255;

pub(super) fn ensure_reference(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("an image must not be empty; write for example `nginx:1.27`".into());
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    let (name, tag) = split_tag(rest);
    ensure_name(text, name)?;
    if let Some(tag) = tag {
        ensure_tag(tag)?;
    }
    digest.map_or(Ok(()), ensure_digest)
}

pub(super) fn ensure_repository(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("a repository must not be empty; write for example `ghcr.io/acme/app`".into());
    }
    if let Some((name, digest)) = text.split_once('@') {
        return Err(format!("`{text}` holds a digest; write `{name}` here and put `{digest}` in `digest`"));
    }
    if let (name, Some(tag)) = split_tag(text) {
        return Err(format!("`{text}` holds a tag; write `{name}` here and put the tag in `tag`: `{tag}`"));
    }
    ensure_name(text, text)
}

pub(super) fn ensure_tag(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("a tag must not be empty; write for example `v1.2.0`".into());
    }
    if text.starts_with("sha256:") {
        return Err(format!("`{text}` is a digest, not a tag; write it after `@`, or in `digest`"));
    }
    if text.len() > 128 {
        return Err(format!("a tag has at most 128 characters, and this one has {}; shorten it", text.len()));
    }
    let is_tag_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if let Some(c) = text.chars().find(|c| !is_tag_char(*c)) {
        return Err(format!("the tag `{text}` has `{c}`; a tag has letters, digits, `_`, `.` and `-`"));
    }
    if text.starts_with(['.', '-']) {
        return Err(format!("the tag `{text}` must begin with a letter, a digit or `_`"));
    }
    Ok(())
}

pub(super) fn ensure_digest(text: &str) -> Result<(), String> {
    let (algorithm, hex) = match text.split_once(':') {
        Some(parts) => parts,
        None if text.len() == 64 => return Err(format!("the digest `{text}` lacks `sha256:` in front")),
        None => return Err(format!("the digest `{text}` is not `sha256:` and 64 hexadecimal digits")),
    };
    let due = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(format!("`{algorithm}` in a digest is unknown; use `sha256`")),
    };
    if hex.len() != due {
        return Err(format!(
            "a {algorithm} digest has {due} hexadecimal digits, and this one has {}",
            hex.len()
        ));
    }
    if !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(format!("the digest `{text}` has other characters than 0-9 and a-f"));
    }
    Ok(())
}

/// Splits off a tag: what follows the last colon, unless that colon belongs to a port.
fn split_tag(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (text, None),
    }
}

fn ensure_name(whole: &str, name: &str) -> Result<(), String> {
    if let Some((scheme, rest)) = whole.split_once("://") {
        return Err(format!("`{scheme}://` does not belong to an image; write `{rest}`"));
    }
    if name.is_empty() {
        return Err(format!("`{whole}` has no repository; write for example `nginx:1.27`"));
    }
    if let Some(c) = whole.chars().find(|c| c.is_whitespace()) {
        return Err(format!("`{whole}` has {c:?}; an image has no blanks"));
    }
    let (registry, path) = split_registry(name);
    if let Some(registry) = registry {
        ensure_registry(registry)?;
    }
    // Docker Hub puts `library/` before a bare name, and that counts.
    let hidden = if registry.is_none() && !path.contains('/') { "library/".len() } else { 0 };
    if path.len() + hidden > MAX_NAME {
        return Err(format!(
            "a repository has at most {MAX_NAME} characters, and `{path}` has {}",
            path.len()
        ));
    }
    if path.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(format!(
            "repository names are lowercase; write `{}`",
            whole.replacen(path, &path.to_lowercase(), 1)
        ));
    }
    if whole == path && path.len() == 64 && path.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("64 hexadecimal digits are an image's identifier, not a repository".into());
    }
    path.split('/').try_for_each(|component| ensure_component(component, whole))
}

/// What stands before the first slash is a registry if it could not be a repository's name.
fn split_registry(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':'])
                || first.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            (Some(first), rest)
        }
        _ => (None, name),
    }
}

fn ensure_registry(registry: &str) -> Result<(), String> {
    let wrong = || {
        format!(
            "`{registry}` is no registry; write a host and maybe a port, such as `ghcr.io` or `localhost:5000`"
        )
    };
    let (host, port) = match registry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let is_address =
                !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
            if !is_address || !(port.is_empty() || port.starts_with(':')) {
                return Err(wrong());
            }
            ("x", port.strip_prefix(':'))
        }
        None => match registry.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (registry, None),
        },
    };
    let is_part = |part: &str| {
        let is_char = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        !part.is_empty() && part.bytes().all(is_char) && !part.starts_with('-') && !part.ends_with('-')
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    if host.split('.').all(is_part) && port.is_none_or(is_port) { Ok(()) } else { Err(wrong()) }
}

/// Letters and digits, joined by one dot, one or two underscores, or any number of dashes.
fn ensure_component(component: &str, whole: &str) -> Result<(), String> {
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if component.is_empty() {
        return Err(format!(
            "`{whole}` has an empty part; write `registry/repository:tag` with single slashes"
        ));
    }
    if let Some(c) = component.chars().find(|c| !is_alphanumeric(*c) && !matches!(c, '.' | '_' | '-')) {
        return Err(format!("`{whole}` has `{c}`; an image is `registry/repository:tag`"));
    }
    let mut separators = component.split(is_alphanumeric).filter(|s| !s.is_empty());
    let is_edge_wrong = !component.starts_with(is_alphanumeric) || !component.ends_with(is_alphanumeric);
    let is_joined = |s: &str| matches!(s, "." | "_" | "__") || s.bytes().all(|b| b == b'-');
    if is_edge_wrong || !separators.all(is_joined) {
        return Err(format!(
            "`{component}` in `{whole}` must be letters and digits, joined by single `.`, `_` or `-`"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::check;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn takes_references() {
        let with_digest = format!("a/b:1@{DIGEST}");
        for text in [
            "nginx",
            "nginx:1.27",
            "ghcr.io/acme/app:v1",
            "localhost:5000/a/b",
            "localhost/a",
            "127.0.0.1:5000/x:1",
            "[::1]:5000/x",
            "a__b/c--d.e:T_1.x-y",
            "REG.io/a",
            &with_digest,
        ] {
            assert_eq!(check("image-reference", text), Some(Ok(())), "{text}");
        }
    }

    #[test]
    fn refuses_references_with_advice() {
        let short = "nginx@sha256:abc";
        let cases = [
            ("", "must not be empty"),
            ("Nginx", "repository names are lowercase; write `nginx`"),
            ("ghcr.io/Acme/App:V1", "write `ghcr.io/acme/app:V1`"),
            ("nginx:", "a tag must not be empty"),
            (":1", "has no repository"),
            ("https://ghcr.io/a/b", "write `ghcr.io/a/b`"),
            ("a//b", "empty part"),
            ("a/b:ta g", "blanks"),
            ("a/b:-x", "must begin with"),
            ("a/-b", "joined by single"),
            ("a..b/c..d", "no registry"),
            (short, "64 hexadecimal digits"),
            ("a@md5:00", "unknown"),
        ];
        for (text, words) in cases {
            let error = check("image-reference", text).unwrap().expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn parts_of_references() {
        let bad = |format: &str, text: &str, words: &str| {
            let error: String = check(format, text).unwrap().expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        };
        assert_eq!(check("image-repository", "localhost:5000/a"), Some(Ok(())));
        bad("image-repository", "nginx:1.27", "put the tag in `tag`");
        bad("image-repository", &format!("nginx@{DIGEST}"), "in `digest`");
        assert_eq!(check("image-tag", "v1.2.0"), Some(Ok(())));
        bad("image-tag", "v1/2", "`/`");
        bad("image-tag", DIGEST, "is a digest, not a tag");
        assert_eq!(check("image-digest", DIGEST), Some(Ok(())));
        bad("image-digest", &DIGEST[7..], "lacks `sha256:`");
    }
}
