//! Numbers, sizes and times in words a person reads at a glance.

/// `1.62k`, `3.1M`: at most three significant digits, SI prefixes.
pub fn short(value: f64) -> String {
    scaled(value, 1000.0, &["", "k", "M", "G", "T", "P"], "")
}

/// `16 GiB`: binary prefixes, a thin amount of digits.
pub fn bytes(value: f64) -> String {
    scaled(value, 1024.0, &[" B", " KiB", " MiB", " GiB", " TiB", " PiB"], "")
}

/// `2 min ago`, `in 5 s`, `just now`.
pub fn ago(then_ms: i64, now_ms: i64) -> String {
    let diff = now_ms.saturating_sub(then_ms);
    if diff.abs() < 1000 {
        return "just now".to_owned();
    }
    let text = span(diff.unsigned_abs());
    if diff > 0 { format!("{text} ago") } else { format!("in {text}") }
}

/// `850 ms`, `42 s`, `6 min 5 s`, `1 h 12 min`, `3 d 4 h`: the two largest parts, the second only where it says something.
pub fn length(ms: u64) -> String {
    const PARTS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    if ms < 1000 {
        return format!("{ms} ms");
    }
    let seconds = ms / 1000;
    let first = PARTS.iter().position(|(of, _)| seconds >= *of).unwrap_or(3);
    let (of, unit) = PARTS[first];
    let whole = format!("{} {unit}", seconds / of);
    let rest = PARTS.get(first + 1).map(|(next, unit)| (seconds % of / next, unit)).filter(|(count, _)| *count > 0);
    rest.map_or_else(|| whole.clone(), |(count, unit)| format!("{whole} {count} {unit}"))
}

/// `850 ms`, `42 s`, `6 min`, `3 h`, `12 days`.
pub fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{} s", ms / 1_000),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        3_600_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} days", ms / 86_400_000),
    }
}

/// How long something took, to the tenth of a second: `340 ms`, `1.2 s`, `2 s`.
pub fn took(length: std::time::Duration) -> String {
    let tenths = (length.as_millis() + 50) / 100;
    match (length.as_secs(), tenths % 10) {
        (0, _) => format!("{} ms", length.as_millis()),
        (_, 0) => format!("{} s", tenths / 10),
        (_, rest) => format!("{}.{rest} s", tenths / 10),
    }
}

fn scaled(value: f64, base: f64, prefixes: &[&str], unit: &str) -> String {
    if !value.is_finite() {
        return crate::base::float::plain(value);
    }
    let mut scaled = value;
    let mut index = 0;
    while scaled.abs() >= base && index + 1 < prefixes.len() {
        scaled /= base;
        index += 1;
    }
    let magnitude = scaled.abs();
    let digits = if magnitude >= 100.0 || scaled.fract() == 0.0 {
        0
    } else if magnitude >= 10.0 {
        1
    } else {
        2
    };
    let mut text = format!("{scaled:.digits$}");
    if digits > 0 {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    format!("{text}{}{unit}", prefixes[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_well() {
        assert_eq!(short(1620.0), "1.62k");
        assert_eq!(short(0.14), "0.14");
        assert_eq!(short(999.0), "999");
        assert_eq!(bytes(16.0 * 1024.0 * 1024.0 * 1024.0), "16 GiB");
        assert_eq!(bytes(1536.0), "1.5 KiB");
        assert_eq!(ago(0, 120_000), "2 min ago");
        assert_eq!(ago(5_000, 0), "in 5 s");
        assert_eq!(span(200_000_000), "2 days");
        assert_eq!([340, 1_249, 1_980].map(|ms| took(std::time::Duration::from_millis(ms))), ["340 ms", "1.2 s", "2 s"]);
    }

    #[test]
    fn lengths_have_two_parts() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (42_900, "42 s"),
            (365_000, "6 min 5 s"),
            (4_320_000, "1 h 12 min"),
            (3_605_000, "1 h"),
            (273_600_000, "3 d 4 h"),
            (u64::MAX, "213503982334 d 14 h"),
        ] {
            assert_eq!(length(ms), text);
        }
    }
}
