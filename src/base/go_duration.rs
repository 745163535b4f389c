//! Durations as Go writes them, `1h15m30.918s`.

/// Units, in nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A Go duration such as `1h15m30.918s` (`time.ParseDuration`), in nanoseconds.
///
/// # Errors
/// What is wrong, in Go's words; `quote` puts texts into quotes.
pub fn parse(text: &str, quote: &dyn Fn(&str) -> String) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        if !rest.starts_with(|c: char| c == '.' || c.is_ascii_digit()) {
            return Err(invalid());
        }
        let (whole, after) = split_digits(rest);
        let mut amount: u64 = if whole.is_empty() { 0 } else { whole.parse().ok().filter(|n| *n <= 1 << 63).ok_or_else(invalid)? };
        rest = after;
        let mut fraction = "";
        if let Some(after) = rest.strip_prefix('.') {
            (fraction, rest) = split_digits(after);
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
        }
        let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
        let (unit, after) = rest.split_at(end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quote(text)));
        }
        let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!("time: unknown unit {} in duration {}", quote(unit), quote(text)));
        };
        amount = amount.checked_mul(*scale).ok_or_else(invalid)?;
        if !fraction.is_empty() {
            let (mut value, mut base) = (0_u64, 1.0_f64);
            for digit in fraction.bytes() {
                // Digits beyond the precision do not count.
                let Some(next) = value.checked_mul(10).and_then(|v| v.checked_add(u64::from(digit - b'0'))) else { break };
                value = next;
                base *= 10.0;
            }
            amount = amount.checked_add((value as f64 * (*scale as f64 / base)) as u64).ok_or_else(invalid)?;
        }
        total = total.checked_add(amount).filter(|sum| *sum <= 1 << 63).ok_or_else(invalid)?;
        rest = after;
    }
    if negative {
        return Ok((total as i64).wrapping_neg());
    }
    i64::try_from(total).map_err(|_| invalid())
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, ns) in [
            ("0", Ok(0)),
            ("1.5h", Ok(5_400_000_000_000)),
            ("1m20s", Ok(80_000_000_000)),
            ("-3ms", Ok(-3_000_000)),
            ("2µs7ns", Ok(2_007)),
            ("3", Err("time: missing unit in duration <3>")),
            ("3d", Err("time: unknown unit <d> in duration <3d>")),
            ("", Err("time: invalid duration <>")),
            ("9999999999h", Err("time: invalid duration <9999999999h>")),
        ] {
            assert_eq!(parse(text, &|text| format!("<{text}>")), ns.map_err(str::to_owned), "{text}");
        }
    }
}
