//! Paths: in a container, in a volume, on a server.

pub(super) fn ensure_absolute_path(text: &str) -> Result<(), String> {
    if text.starts_with('/') { Ok(()) } else { Err(path_error(text)) }
}

pub(super) fn ensure_inner_path(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("a path must not be empty; write for example `app.conf`".into());
    }
    if text.starts_with('/') {
        let inner = text.trim_start_matches('/');
        return Err(format!("`{text}` begins with `/`; write it as seen from inside the volume: `{inner}`"));
    }
    if text.split('/').any(|part| part == "..") {
        return Err(format!("`{text}` leads out of the volume; write a path without `..`"));
    }
    Ok(())
}

pub(super) fn ensure_http_path(text: &str) -> Result<(), String> {
    if text.contains("://") {
        return Err(format!("`{text}` is a whole address; write only its path, such as `/healthz`"));
    }
    if let Some(c) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("`{text}` has {c:?}; escape it, for example a space as `%20`"));
    }
    ensure_absolute_path(text)
}

fn path_error(text: &str) -> String {
    if text.is_empty() {
        return "a path must not be empty; write for example `/data`".into();
    }
    let stripped = text.trim_start_matches("./").trim_start_matches("~/");
    format!("`{text}` is relative; begin the path with `/`, for example `/{stripped}`")
}

#[cfg(test)]
mod tests {
    use super::super::assert_table;

    #[test]
    fn paths() {
        assert_table("absolute-path", &["/", "/a b"], &[("", "empty"), ("a/b", "`/a/b`"), ("./a", "`/a`")]);
        assert_table(
            "inner-path",
            &["a", "a/b", "..a", "./a"],
            &[("", "empty"), ("/a", "`a`"), ("..", "without `..`"), ("a/../b", "without `..`")],
        );
        assert_table(
            "http-path",
            &["/", "/healthz?x=1"],
            &[("healthz", "`/healthz`"), ("http://x/y", "whole address"), ("/a b", "%20")],
        );
    }
}
