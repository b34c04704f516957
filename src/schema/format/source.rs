//! Where source code is: an address, or a file beside the manifest.

use super::path;

const SCHEMES: &[&str] = &["git+https", "http", "https", "zip+http", "zip+https", "s3", "zip+s3"];

pub(super) fn ensure_source(text: &str) -> Result<(), String> {
    let Some((scheme, rest)) = text.split_once("://") else { return ensure_file(text) };
    if !SCHEMES.contains(&scheme) {
        let near = match scheme {
            "git" | "git+http" | "git+ssh" | "ssh" => "; git is read as `git+https://`".to_owned(),
            "store" => "; what a platform keeps for itself only the platform can read: give the address where it lies".to_owned(),
            _ => format!("; write one of {}", list()),
        };
        return Err(format!("`{scheme}://` cannot be fetched{near}"));
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if host.is_empty() || path.is_empty() {
        let whole = if scheme.ends_with("s3") {
            "a bucket and a key, `s3://bucket/key`"
        } else {
            "a host and a path"
        };
        return Err(format!("an address has {whole}"));
    }
    if let Some(c) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("an address has no {c:?}; escape it, for example a space as `%20`"));
    }
    Ok(())
}

fn list() -> String {
    SCHEMES.iter().map(|scheme| format!("`{scheme}://`")).collect::<Vec<_>>().join(", ")
}

fn ensure_file(text: &str) -> Result<(), String> {
    if text.ends_with('/') || text == "." {
        return Err(
            "a folder cannot be sent along: put it into a git repository or a zip file, and give its address"
                .into(),
        );
    }
    if text.contains(':') {
        return Err("a file that is mounted has no `:` in its name; an address has `://`".into());
    }
    if text.starts_with('/') {
        return Err("a file is looked for beside the manifest; write its path from there, without `/` at the beginning".into());
    }
    path::ensure_inner_path(text)
        .map_err(|_| "a file is looked for beside the manifest or below; write its path without `..`".into())
}

#[cfg(test)]
mod tests {
    use crate::schema::format::assert_table;

    #[test]
    fn addresses_and_files_are_told_from_others() {
        assert_table(
            "code-source",
            &[
                "git+https://github.com/acme/etl#main",
                "https://example.com/main.py",
                "zip+http://example.com/code.zip?version=2",
                "s3://bucket/key.py",
                "s3://bucket/folder/",
                "zip+s3://bucket/code.zip",
                "main.py",
                "src/main.py",
            ],
            &[
                ("git+ssh://git@github.com/acme/etl", "git+https"),
                ("store://project/artifact/x", "only the platform"),
                ("hf://org/model", "write one of"),
                ("s3://bucket", "a bucket and a key"),
                ("https://example.com", "a host and a path"),
                ("https://example.com/a b", "%20"),
                ("../main.py", "without `..`"),
                ("/etc/passwd", "beside the manifest"),
                ("src/", "folder"),
                ("a:b", "no `:`"),
            ],
        );
    }
}
