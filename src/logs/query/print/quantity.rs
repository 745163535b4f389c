//! Lengths of time and sizes as Go prints them.

use crate::logs::query::convert;

/// A duration as Go's `time.Duration.String`: `1h0m0s`, `1.5s`, `100ms`, `0s`.
pub(super) fn go_duration(nanos: i64) -> String {
    let (sign, rest) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    if rest == 0 {
        return "0s".to_owned();
    }
    for (unit, size, below) in [("ns", 1, 1_000), ("\u{b5}s", 1_000, 1_000_000), ("ms", 1_000_000, 1_000_000_000)] {
        if rest < below {
            return format!("{sign}{}{unit}", decimal(rest, size));
        }
    }
    const MINUTE: u64 = 60_000_000_000;
    let (hours, minutes, seconds) = (rest / (60 * MINUTE), rest / MINUTE % 60, decimal(rest % MINUTE, 1_000_000_000));
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// `value / size` without trailing zeros; `size` is a power of ten.
fn decimal(value: u64, size: u64) -> String {
    let (whole, rest) = (value / size, value % size);
    if rest == 0 {
        return whole.to_string();
    }
    let width = size.ilog10() as usize;
    let fraction = format!("{rest:0width$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// A size in powers of 1000 as Go's humanize package, two digits at most (`5.2kB`), or to the byte where that would
/// be another size.
pub(super) fn bytes(bytes: u64) -> String {
    let short = humanized(bytes);
    if convert::parse_bytes(&short) == Ok(bytes) { short } else { format!("{bytes}B") }
}

fn humanized(bytes: u64) -> String {
    if bytes < 10 {
        return format!("{bytes}B");
    }
    let exponent = (bytes as f64).log(1000.0).floor();
    let value = (bytes as f64 / 1000_f64.powf(exponent) * 10.0 + 0.5).floor() / 10.0;
    let unit = ["B", "kB", "MB", "GB", "TB", "PB"].get(exponent as usize).unwrap_or(&"B");
    if value < 10.0 { format!("{value:.1}{unit}") } else { format!("{value:.0}{unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_print_as_go_prints_them() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1\u{b5}s"),
            (250_000_000, "250ms"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (3_600_000_000_000, "1h0m0s"),
            (-90_000_000_000, "-1m30s"),
            (432_000_000_000_000, "120h0m0s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(go_duration(nanos), text);
            assert_eq!(convert::parse_duration(text), Ok(nanos));
        }
    }

    #[test]
    fn sizes_print_short_where_nothing_is_lost() {
        for (size, text) in [
            (0, "0B"),
            (9, "9B"),
            (82, "82B"),
            (1_000, "1.0kB"),
            (5_200, "5.2kB"),
            (5_242, "5242B"),
            (83_000_000, "83MB"),
            (1 << 20, "1048576B"),
            (u64::MAX, "18446744073709551615B"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }
}
