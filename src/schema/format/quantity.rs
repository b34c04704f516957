//! Quantities as Kubernetes' `resource.Quantity` reads them, exact and comparable.

/// An amount in billionths, the finest that Kubernetes keeps. Amounts beyond what fits are held at the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(i128);

impl Quantity {
    pub const ZERO: Quantity = Quantity(0);

    /// Returns the amount in billionths.
    pub fn nanos(self) -> i128 {
        self.0
    }

    pub fn is_negative(self) -> bool {
        self.0 < 0
    }
}

/// Reads a quantity; `None` if it is none.
pub fn quantity(text: &str) -> Option<Quantity> {
    parse(text).ok()
}

pub(super) fn ensure_quantity(text: &str) -> Result<(), String> {
    parse(text).map(drop)
}

pub(super) fn ensure_positive(text: &str) -> Result<(), String> {
    if parse(text)?.is_negative() {
        return Err(format!("`{text}` is below 0; write an amount from 0 up"));
    }
    Ok(())
}

pub(super) fn ensure_bytes(text: &str) -> Result<(), String> {
    ensure_positive(text)?;
    if parse(text)?.nanos() % 1_000_000_000 == 0 {
        return Ok(());
    }
    Err(match text.strip_suffix('m') {
        Some(number) => format!(
            "`{text}` is {number} thousandths of a byte; for megabytes write `{number}M` or `{number}Mi`"
        ),
        None => format!("`{text}` is no whole number of bytes; write for example `512Mi`"),
    })
}

pub(super) fn ensure_percent(text: &str) -> Result<(), String> {
    let is_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    match text.strip_suffix('%') {
        Some(number) if is_digits(number) => Ok(()),
        Some(_) => Err(format!("`{text}` needs a whole number before `%`, for example `25%`")),
        None if is_digits(text) => Err(format!("`{text}` is quoted; write the number {text} or `{text}%`")),
        None => Err(format!("`{text}` is neither a number nor a percentage such as `25%`")),
    }
}

/// What a suffix multiplies by.
#[derive(Clone, Copy)]
enum Scale {
    Decimal(i64),
    Binary(u32),
}

fn parse(text: &str) -> Result<Quantity, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("a quantity must not be empty; write for example `500m` or `1Gi`".into());
    }
    let (negative, rest) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, rest) = digits(rest);
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(format!("`{text}` has no number in front; write for example `1Gi` or `500m`"));
    }
    let scale = scale(suffix).ok_or_else(|| suffix_error(text, suffix))?;
    let amount = amount(whole, fraction, scale);
    Ok(Quantity(if negative { -amount } else { amount }))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len()))
}

fn scale(suffix: &str) -> Option<Scale> {
    Some(match suffix {
        "n" => Scale::Decimal(-9),
        "u" => Scale::Decimal(-6),
        "m" => Scale::Decimal(-3),
        "" => Scale::Decimal(0),
        "k" => Scale::Decimal(3),
        "M" => Scale::Decimal(6),
        "G" => Scale::Decimal(9),
        "T" => Scale::Decimal(12),
        "P" => Scale::Decimal(15),
        "E" => Scale::Decimal(18),
        "Ki" => Scale::Binary(10),
        "Mi" => Scale::Binary(20),
        "Gi" => Scale::Binary(30),
        "Ti" => Scale::Binary(40),
        "Pi" => Scale::Binary(50),
        "Ei" => Scale::Binary(60),
        _ => Scale::Decimal(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

/// Computes billionths, rounded away from zero as Kubernetes does.
fn amount(whole: &str, fraction: &str, scale: Scale) -> i128 {
    let mantissa = format!("{whole}{fraction}");
    let mantissa = mantissa.trim_start_matches('0');
    if mantissa.is_empty() {
        return 0;
    }
    let Ok(mantissa) = mantissa.parse::<i128>() else { return i128::MAX };
    let places = fraction.len() as i64;
    match scale {
        Scale::Decimal(exponent) => shift(mantissa, exponent.saturating_sub(places).saturating_add(9)),
        Scale::Binary(power) => {
            let scaled = mantissa.checked_mul(1 << power).map_or(i128::MAX, |m| shift(m, 9 - places));
            scaled.min(i128::from(i64::MAX) * 1_000_000_000)
        }
    }
}

/// Multiplies a positive number by a power of ten.
fn shift(number: i128, exponent: i64) -> i128 {
    let power = u32::try_from(exponent.unsigned_abs()).ok().and_then(|e| 10i128.checked_pow(e));
    match power {
        Some(power) if exponent >= 0 => number.saturating_mul(power),
        Some(power) => number / power + i128::from(number % power != 0),
        None if exponent >= 0 => i128::MAX,
        None => 1,
    }
}

fn suffix_error(text: &str, suffix: &str) -> String {
    let number = &text[..text.len() - suffix.len()];
    let unit = suffix.trim();
    let bare = unit.strip_suffix(['B', 'b']).unwrap_or(unit);
    let letter = bare.strip_suffix(['i', 'I']).unwrap_or(bare).to_ascii_uppercase();
    let is_binary = bare.ends_with(['i', 'I']);
    let advice = match letter.as_str() {
        "K" if is_binary => format!("did you mean `{number}Ki`?"),
        "K" => format!("did you mean `{number}k` or `{number}Ki`?"),
        "M" | "G" | "T" | "P" | "E" if is_binary => format!("did you mean `{number}{letter}i`?"),
        "M" | "G" | "T" | "P" | "E" => format!("did you mean `{number}{letter}` or `{number}{letter}i`?"),
        "" if unit.eq_ignore_ascii_case("b") => format!("bytes need no unit: `{number}`"),
        _ if unit.to_ascii_lowercase().starts_with("core")
            || unit.to_ascii_lowercase().starts_with("cpu") =>
        {
            format!("cores need no unit: `{number}`")
        }
        _ => "use one of n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei, or an exponent such as `1e3`"
            .into(),
    };
    format!("`{text}` ends in `{unit}`, which is no unit of a quantity; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_kubernetes_reads() {
        let nano = 1_000_000_000i128;
        let cases = [
            ("0", 0),
            ("00", 0),
            ("1", nano),
            ("+1", nano),
            ("-1", -nano),
            ("1.", nano),
            (".5", nano / 2),
            ("100m", nano / 10),
            ("1u", 1000),
            ("1n", 1),
            ("0.1n", 1),
            ("-0.1n", -1),
            ("1k", 1000 * nano),
            ("1Ki", 1024 * nano),
            ("0.1Ki", 102_400_000_000),
            ("1.5Gi", 1_610_612_736 * nano),
            ("1e3", 1000 * nano),
            ("1E3", 1000 * nano),
            ("1e-3", nano / 1000),
            ("1e+3", 1000 * nano),
            ("1e-40", 1),
            ("1E", 1_000_000_000_000_000_000 * nano),
            ("10Ei", i128::from(i64::MAX) * nano),
            ("1e99999", i128::MAX),
            (" 1Gi ", 1_073_741_824 * nano),
        ];
        for (text, expected) in cases {
            assert_eq!(quantity(text).map(Quantity::nanos), Some(expected), "{text}");
        }
        assert!(quantity("1Gi") > quantity("1G"));
        assert_eq!(quantity("1000m"), quantity("1"));
    }

    #[test]
    fn refuses_with_advice() {
        let cases = [
            ("", "must not be empty"),
            ("Gi", "no number in front"),
            ("-", "no number in front"),
            ("1e3Gi", "no unit of a quantity"),
            ("1e", "no unit of a quantity"),
            ("1GB", "did you mean `1G` or `1Gi`?"),
            ("512MiB", "did you mean `512Mi`?"),
            ("512mb", "did you mean `512M` or `512Mi`?"),
            ("1K", "did you mean `1k` or `1Ki`?"),
            ("2 Gi", "did you mean `2Gi`?"),
            ("100B", "bytes need no unit"),
            ("2 cores", "cores need no unit"),
            ("1.2.3", "no unit of a quantity"),
            ("1,5", "no unit of a quantity"),
        ];
        for (text, words) in cases {
            let error = ensure_quantity(text).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
        assert!(ensure_positive("-1Gi").is_err());
        assert!(ensure_positive("0").is_ok());
    }

    #[test]
    fn bytes_are_whole() {
        for text in ["0", "1", "1000m", "512Mi", "0.5Gi", "1e3"] {
            assert_eq!(ensure_bytes(text), Ok(()), "{text}");
        }
        for (text, words) in
            [("500m", "write `500M` or `500Mi`"), ("1.5", "no whole number"), ("-1", "below 0")]
        {
            let error = ensure_bytes(text).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn percentages_are_whole() {
        assert!(ensure_percent("25%").is_ok());
        for text in ["25", "2.5%", "%", "x", "-5%"] {
            assert!(ensure_percent(text).is_err(), "{text}");
        }
    }
}
