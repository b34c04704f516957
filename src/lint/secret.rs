//! Which values look like secrets that were written down.

/// A name that ends in one of these words holds a secret.
const WORDS: &[&str] =
    &["PASSWORD", "PASSWD", "PASSPHRASE", "PWD", "PASS", "TOKEN", "SECRET", "KEY", "CREDENTIALS"];
/// Words that need no separator before them: `PGPASSWORD`.
const GLUED: &[&str] = &["PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY", "SECRETKEY"];
/// `…_KEY` is as often a name in a data store.
const PLAIN_KEYS: &[&str] =
    &["PUBLIC", "CACHE", "PARTITION", "SORT", "PRIMARY", "FOREIGN", "ROUTING", "OBJECT", "FEATURE", "GROUP"];

/// Says whether an environment variable of this name gives a secret away by this value.
pub fn is_secret_literal(name: &str, value: &str) -> bool {
    let is_plain = value.is_empty()
        || value.starts_with('/')
        || value.contains("$(")
        || ["true", "false", "none", "null"].contains(&value.to_ascii_lowercase().as_str());
    has_password_in_url(value) || (!is_plain && is_secret_name(name))
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let mut words = name.rsplit(['_', '-', '.']);
    let last = words.next().unwrap_or_default();
    let before = words.next().unwrap_or_default();
    if last == "KEY" && PLAIN_KEYS.contains(&before) {
        return false;
    }
    WORDS.contains(&last) || GLUED.iter().any(|word| last.ends_with(word))
}

/// `postgres://user:password@host/db`.
fn has_password_in_url(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    let password = user.and_then(|user| user.split_once(':')).map(|(_, password)| password);
    password.is_some_and(|password| !password.is_empty() && !password.starts_with('$'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_give_secrets_away() {
        for (name, value) in [
            ("DB_PASSWORD", "hunter2"),
            ("PGPASSWORD", "hunter2"),
            ("api-token", "abc"),
            ("AWS_SECRET_ACCESS_KEY", "abc"),
            ("KEY", "abc"),
            ("TOKEN_2", "abc"),
            ("DATABASE_URL", "postgres://app:hunter2@db:5432/app"),
        ] {
            assert!(is_secret_literal(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("TOKEN_URL", "https://id.example.com"),
            ("PASSWORD_FILE", "/run/secrets/password"),
            ("TLS_KEY", "/etc/tls/key.pem"),
            ("DB_PASSWORD", "$(OTHER)"),
            ("DB_PASSWORD", ""),
            ("CACHE_KEY", "reports"),
            ("MAX_TOKENS", "4096"),
            ("KEYBOARD", "qwerty"),
            ("DATABASE_URL", "postgres://db:5432/app"),
            ("DATABASE_URL", "postgres://app:$(PASSWORD)@db/app"),
        ] {
            assert!(!is_secret_literal(name, value), "{name}={value}");
        }
    }
}
