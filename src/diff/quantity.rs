//! Kubernetes quantities, as far as is needed to tell equal from different.

use crate::yaml::{Node, Value};

/// Whether two scalars mean the same quantity: `1000m` and `1`, `2` and `"2"`.
pub fn is_same(a: &Node, b: &Node) -> bool {
    match (nanos(a), nanos(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

fn nanos(node: &Node) -> Option<i128> {
    let text = match &node.value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string().into(),
        _ => return None,
    };
    let digits = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let (base, power) = scale(suffix)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_negative = whole.starts_with('-');
    let all = format!("{}{fraction}", whole.trim_start_matches(['-', '+']));
    let mut value: i128 = all.parse().ok()?;
    value = value.checked_mul(1_000_000_000)?;
    let factor = i128::checked_pow(base, power.unsigned_abs())?;
    value = if power < 0 { value / factor } else { value.checked_mul(factor)? };
    value /= 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some(if is_negative { -value } else { value })
}

/// Returns base and exponent of a suffix.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    Some(match suffix {
        "" => (10, 0),
        "n" => (10, -9),
        "u" => (10, -6),
        "m" => (10, -3),
        "k" => (10, 3),
        "M" => (10, 6),
        "G" => (10, 9),
        "T" => (10, 12),
        "P" => (10, 15),
        "E" => (10, 18),
        "Ki" => (1024, 1),
        "Mi" => (1024, 2),
        "Gi" => (1024, 3),
        "Ti" => (1024, 4),
        "Pi" => (1024, 5),
        "Ei" => (1024, 6),
        _ => (10, suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Place, Source, SourceKind, Sources};

    #[test]
    fn equal_quantities_in_other_words() {
        let place = Place::new(Sources::default().add(Source::new(SourceKind::Manifest, "t", "")), 0..0);
        let same = |a: &str, b: &str| is_same(&Node::string(a, place), &Node::string(b, place));
        assert!(same("1000m", "1") && same("1Gi", "1024Mi") && same("0.5", "500m") && same("1e3", "1k"));
        assert!(!same("1G", "1Gi") && !same("1", "1x") && !same("", "0") && !same("1e999", "1"));
    }
}
