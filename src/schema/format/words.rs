//! A command in one string → its words, as a shell splits them.

/// Splits a command; `None` if a quotation is not closed.
pub fn shell_words(text: &str) -> Option<Vec<String>> {
    shlex::split(text)
}

pub(super) fn ensure_words(text: &str) -> Result<(), String> {
    match shell_words(text) {
        Some(words) if words.is_empty() => {
            Err("a command must not be empty; leave it out to start the image's own".into())
        }
        Some(_) => Ok(()),
        None => {
            let what = if text.ends_with('\\') {
                "a backslash at its end quotes nothing"
            } else {
                "a quotation is not closed"
            };
            Err(format!("{what}; close it, or write the command as a list of words"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::format::assert_table;

    #[test]
    fn a_command_is_split_as_a_shell_would() {
        for (text, words) in [
            ("python script.py", vec!["python", "script.py"]),
            ("sh -c 'echo \"a b\"; exit 3'", vec!["sh", "-c", "echo \"a b\"; exit 3"]),
            (r#"a\ b "c 'd'" e"f"g"#, vec!["a b", "c 'd'", "efg"]),
        ] {
            assert_eq!(shell_words(text).unwrap(), words, "{text}");
        }
    }

    #[test]
    fn words_that_are_not_closed_are_told() {
        assert_table(
            "shell-words",
            &["python script.py", "sh -c 'a && b'"],
            &[("sh -c 'a", "not closed"), ("", "empty"), ("a \\", "backslash")],
        );
    }
}
