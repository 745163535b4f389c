//! Numbers for people, as Prometheus' templates write them (source: its template reference).

use crate::base::float;

/// `%.4g` as Go prints it.
fn short(value: f64) -> String {
    float::significant(value, 4)
}

/// `1.234k`, `12m`: with a prefix of powers of 1000.
pub fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return short(value);
    }
    let (mut value, mut prefix) = (value, "");
    if value.abs() >= 1.0 {
        for next in ["k", "M", "G", "T", "P", "E", "Z", "Y"] {
            if value.abs() < 1000.0 {
                break;
            }
            prefix = next;
            value /= 1000.0;
        }
    } else {
        for next in ["m", "u", "n", "p", "f", "a", "z", "y"] {
            if value.abs() >= 1.0 {
                break;
            }
            prefix = next;
            value *= 1000.0;
        }
    }
    format!("{}{prefix}", short(value))
}

/// `1.5Ki`: with a prefix of powers of 1024.
pub fn humanize_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return short(value);
    }
    let (mut value, mut prefix) = (value, "");
    for next in ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"] {
        if value.abs() < 1024.0 {
            break;
        }
        prefix = next;
        value /= 1024.0;
    }
    format!("{}{prefix}", short(value))
}

/// Seconds as `1d 2h 3m 4s`, or as `12.35ms`.
pub fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return short(value);
    }
    if value == 0.0 {
        return format!("{}s", short(value));
    }
    if value.abs() < 1.0 {
        let (mut value, mut prefix) = (value, "");
        for next in ["m", "u", "n", "p", "f", "a", "z", "y"] {
            if value.abs() >= 1.0 {
                break;
            }
            prefix = next;
            value *= 1000.0;
        }
        return format!("{}{prefix}s", short(value));
    }
    let (sign, seconds) = if value < 0.0 { ("-", -value) } else { ("", value) };
    let whole = seconds as i64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60);
    if days != 0 {
        return format!("{sign}{days}d {hours}h {minutes}m {}s", whole % 60);
    }
    if hours != 0 {
        return format!("{sign}{hours}h {minutes}m {}s", whole % 60);
    }
    if minutes != 0 {
        return format!("{sign}{minutes}m {}s", whole % 60);
    }
    format!("{sign}{}s", short(seconds))
}

/// `12.35%` of a ratio.
pub fn humanize_percentage(value: f64) -> String {
    format!("{}%", short(value * 100.0))
}
