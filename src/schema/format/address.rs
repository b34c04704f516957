//! Ranges of network addresses.

use std::net::IpAddr;

pub(super) fn ensure_cidr(text: &str) -> Result<(), String> {
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    let Ok(parsed) = address.parse::<IpAddr>() else {
        return Err(format!("`{text}` is no range of addresses; write for example `10.0.0.0/8`"));
    };
    let most = if parsed.is_ipv4() { 32 } else { 128 };
    if bits.is_empty() {
        return Err(format!(
            "`{text}` says no size of the range; for this address alone write `{address}/{most}`"
        ));
    }
    let Some(length) = bits.parse::<u8>().ok().filter(|n| *n <= most && n.to_string() == bits) else {
        return Err(format!(
            "`{text}` needs a number from 0 to {most} after the `/`, for example `{address}/{most}`"
        ));
    };
    let first = first_of(parsed, u32::from(most - length));
    if first == parsed {
        return Ok(());
    }
    Err(format!("`{text}` begins in the middle of its range; write `{first}/{length}`"))
}

/// Returns the first address of the range that leaves `free` bits open.
fn first_of(address: IpAddr, free: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & u32::MAX.checked_shl(free).unwrap_or(0)).into()),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & u128::MAX.checked_shl(free).unwrap_or(0)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_an_address_and_a_size() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "fd00::/8", "::1/128"] {
            assert_eq!(ensure_cidr(text), Ok(()), "{text}");
        }
        for (text, words) in [
            ("example.com", "no range"),
            ("10.0.0.256/8", "no range"),
            ("10.0.0.1", "`10.0.0.1/32`"),
            ("::1", "`::1/128`"),
            ("10.1.0.1/8", "`10.0.0.0/8`"),
            ("10.0.0.1/0", "`0.0.0.0/0`"),
            ("fd00::1/64", "`fd00::/64`"),
            ("10.0.0.0/33", "0 to 32"),
            ("10.0.0.0/08", "0 to 32"),
        ] {
            let error = ensure_cidr(text).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
