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

/// How long something took, to the tenth of a second: `340 ms`, `1.2 s`.
pub fn took(length: std::time::Duration) -> String {
    let secs = length.as_secs_f64();
    if secs < 1.0 { format!("{} ms", length.as_millis()) } else { format!("{secs:.1} s") }
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
        assert_eq!([340, 1_249].map(|ms| took(std::time::Duration::from_millis(ms))), ["340 ms", "1.2 s"]);
    }
}
