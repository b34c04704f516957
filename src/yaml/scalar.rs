//! Plain scalars as Kubernetes' own reader understands them (YAML 1.1, as `kubectl` does), and which of them
//! other readers understand otherwise.

use std::borrow::Cow;

use super::Value;

/// Resolves an unquoted scalar.
pub(super) fn resolve(text: Cow<'_, str>) -> Value {
    let word = match &*text {
        "" | "~" | "null" | "Null" | "NULL" => Some(Value::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(Value::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(Value::Bool(false))
        }
        _ => None,
    };
    word.or_else(|| number(&text).map(Value::Number)).unwrap_or_else(|| Value::String(text.into()))
}

/// Says whether YAML 1.1 and 1.2 readers disagree about an unquoted scalar that was resolved to this value.
pub(super) fn is_ambiguous(text: &str, value: &Value) -> bool {
    match value {
        Value::Bool(_) => !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false"),
        Value::Number(_) => text.contains('_') || is_octal(text),
        Value::String(_) => is_sexagesimal(text),
        _ => false,
    }
}

/// `0644`
fn is_octal(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    digits.len() > 1 && digits.starts_with('0') && is_digits(digits)
}

/// `12:30:45` is a number in base 60 to some 1.1 readers.
fn is_sexagesimal(text: &str) -> bool {
    let is_part = |part: &str| is_digits(part) && part.len() <= 2 && part.parse::<u8>().is_ok_and(|n| n < 60);
    match text.trim_start_matches(['+', '-']).split_once(':') {
        Some((first, rest)) => is_digits(first) && rest.split(':').all(is_part),
        None => false,
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn number(text: &str) -> Option<serde_json::Number> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    let plain = if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    if let Some(integer) = integer(&plain) {
        return Some(integer);
    }
    if !is_float(&plain) {
        return None;
    }
    let float: f64 = plain.parse().ok()?;
    // Go writes a whole float without a fraction when it turns YAML into JSON, so the server sees an integer.
    if float.fract() == 0.0 && float.abs() < 1e15 {
        return Some((float as i64).into());
    }
    serde_json::Number::from_f64(float)
}

fn integer(plain: &str) -> Option<serde_json::Number> {
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, &plain[1..]),
        b'+' => (false, &plain[1..]),
        _ => (false, plain),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        let value = 0i128 - i128::from(magnitude);
        i64::try_from(value).ok().map(Into::into)
    } else {
        Some(magnitude.into())
    }
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa_ok = match mantissa.split_once('.') {
        Some(("", fraction)) => is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && (fraction.is_empty() || is_digits(fraction)),
        None => is_digits(mantissa),
    };
    mantissa_ok && exponent.is_none_or(|e| is_digits(e.strip_prefix(['-', '+']).unwrap_or(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        match resolve(text.into()) {
            Value::Null => "null".into(),
            Value::Bool(flag) => flag.to_string(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => format!("{text:?}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn plain_scalars_resolve_as_kubectl_does() {
        let cases = [
            ("yes", "true"),
            ("off", "false"),
            ("y", "true"),
            ("~", "null"),
            ("", "null"),
            ("0644", "420"),
            ("0o17", "15"),
            ("1_000", "1000"),
            ("1:30", "\"1:30\""),
            ("0x1F", "31"),
            ("1e3", "1000"),
            ("1.5", "1.5"),
            ("-7", "-7"),
            ("+7", "7"),
            ("08", "8"),
            ("2024-01-01", "\"2024-01-01\""),
            ("-", "\"-\""),
            (".", "\".\""),
            ("1.2.3", "\"1.2.3\""),
            ("500m", "\"500m\""),
            ("0x", "\"0x\""),
            ("18446744073709551615", "18446744073709551615"),
            ("1.0", "1"),
            ("_1", "\"_1\""),
        ];
        for (text, expected) in cases {
            assert_eq!(show(text), expected, "{text}");
        }
    }

    #[test]
    fn ambiguous_are_those_that_readers_disagree_about() {
        for text in ["yes", "NO", "on", "0644", "1_000", "12:30"] {
            assert!(is_ambiguous(text, &resolve(text.into())), "{text}");
        }
        for text in ["true", "False", "0", "10", "1.5", "nginx:1.27", "sha256:00", "--012"] {
            assert!(!is_ambiguous(text, &resolve(text.into())), "{text}");
        }
    }
}
