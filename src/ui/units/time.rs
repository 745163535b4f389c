//! Lengths of time and moments as units write them.

use super::form::{Kind, places};
use crate::base::time::civil_from_days;

/// Parts of a length of time with their seconds, largest first.
const PARTS: [(f64, &str, &str); 6] = [
    (31_536_000.0, "year", "years"),
    (86_400.0, "day", "days"),
    (3600.0, "h", "h"),
    (60.0, "min", "min"),
    (1.0, "s", "s"),
    (0.001, "ms", "ms"),
];
/// The last moment that is shown as a date: the year 9999.
const MOMENT_MAX: f64 = 253_402_300_799_999.0;

/// A number of seconds in the unit that makes it legible, and that unit.
pub(super) fn length(seconds: f64) -> (f64, &'static str) {
    let (by, end) = match seconds.abs() {
        0.0 => (1.0, " s"),
        a if a < 1e-6 => (1e9, " ns"),
        a if a < 1e-3 => (1e6, " µs"),
        a if a < 1.0 => (1e3, " ms"),
        a if a < 90.0 => (1.0, " s"),
        a if a < 5400.0 => (1.0 / 60.0, " min"),
        a if a < 172_800.0 => (1.0 / 3600.0, " h"),
        _ => (1.0 / 86_400.0, " days"),
    };
    (seconds * by, end)
}

/// `42 days 3 h`: the two largest parts, or one more than the digits that are asked for.
pub(super) fn duration(seconds: f64, decimals: Option<u32>) -> String {
    let parts = decimals.map_or(2, |count| count.saturating_add(1) as usize);
    let mut left = seconds.abs();
    if left < 0.0005 {
        return "0 s".to_owned();
    }
    let mut out: Vec<String> = Vec::new();
    let whole = left;
    for (of, one, many) in PARTS.into_iter().skip_while(|(of, ..)| whole < *of).take(parts) {
        let count = (left / of + 1e-9).floor();
        left = (left - count * of).max(0.0);
        // A part that is nothing says nothing, unless it is all.
        if count > 0.0 {
            out.push(format!("{} {}", places(count, Some(0)), if count == 1.0 { one } else { many }));
        }
    }
    if out.is_empty() {
        out.push(format!("{} ms", places(left * 1000.0, None)));
    }
    (if seconds < 0.0 { "-" } else { "" }).to_owned() + &out.join(" ")
}

/// `01:02:03`.
pub(super) fn hms(seconds: f64) -> String {
    let whole = seconds.abs().round();
    format!("{}{:02}:{:02}:{:02}", sign(seconds), (whole / 3600.0).floor(), (whole / 60.0).floor() % 60.0, whole % 60.0)
}

/// `4 d 01:02:03`.
pub(super) fn dhms(seconds: f64) -> String {
    let whole = seconds.abs().round();
    format!("{}{} d {}", sign(seconds), (whole / 86_400.0).floor(), hms(whole % 86_400.0))
}

const fn sign(value: f64) -> &'static str {
    if value < 0.0 { "-" } else { "" }
}

/// `12h:05m:06s:007ms`, cut after so many parts behind the first.
pub(super) fn clock(ms: f64, decimals: Option<u32>) -> String {
    let whole = ms.abs().floor();
    let parts = [
        (format!("{:02}h", (whole / 3_600_000.0).floor()), whole >= 3_600_000.0),
        (format!("{:02}m", (whole / 60_000.0).floor() % 60.0), whole >= 60_000.0),
        (format!("{:02}s", (whole / 1000.0).floor() % 60.0), whole >= 1000.0),
        (format!("{:03}ms", whole % 1000.0), true),
    ];
    let shown = decimals.map_or(parts.len(), |count| count.saturating_add(1) as usize);
    let texts: Vec<String> = parts.into_iter().skip_while(|(_, begun)| !begun).take(shown).map(|(text, _)| text).collect();
    sign(ms).to_owned() + &texts.join(":")
}

/// A moment in UTC, in milliseconds since the Unix epoch. Where now is known, see `units::Unit::show_at`.
pub(super) fn moment(kind: Kind, ms: f64) -> String {
    if !(-MOMENT_MAX..=MOMENT_MAX).contains(&ms) {
        return places(ms, None);
    }
    let ms = ms as i64;
    let (year, month, day) = civil_from_days(ms.div_euclid(86_400_000));
    let seconds = ms.rem_euclid(86_400_000) / 1000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match kind {
        Kind::DateUs | Kind::DateUsToday => {
            let half = if hour < 12 { "am" } else { "pm" };
            let hour = (hour + 11) % 12 + 1;
            format!("{month:02}/{day:02}/{year} {hour}:{minute:02}:{second:02} {half}")
        }
        _ => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
    }
}

/// The same, without its date if that is today's.
pub(super) fn moment_today(kind: Kind, ms: f64, now: i64) -> String {
    let text = moment(kind, ms);
    let is_today = ms.is_finite() && (ms as i64).div_euclid(86_400_000) == now.div_euclid(86_400_000);
    match (kind, text.split_once(' ')) {
        (Kind::DateIsoToday | Kind::DateUsToday | Kind::DateToday, Some((_, clock))) if is_today => clock.to_owned(),
        _ => text,
    }
}

/// A moment by a pattern of moment.js: `YYYY-MM-DD HH:mm:ss`; what is no token stands as it is.
pub(super) fn by_pattern(pattern: &str, ms: f64) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    if !(-MOMENT_MAX..=MOMENT_MAX).contains(&ms) {
        return places(ms, None);
    }
    let ms = ms as i64;
    let days = ms.div_euclid(86_400_000);
    let (year, month, day) = civil_from_days(days);
    let seconds = ms.rem_euclid(86_400_000) / 1000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if first == '['
            && let Some(end) = rest.find(']')
        {
            out.push_str(&rest[1..end]);
            rest = &rest[end + 1..];
            continue;
        }
        let run = rest.len() - rest.trim_start_matches(first).len();
        let token = match (first, run / first.len_utf8()) {
            ('Y', 4..) => format!("{year:04}"),
            ('Y', 2..) => format!("{:02}", year.rem_euclid(100)),
            ('M', 3..) => MONTHS[usize::try_from(month - 1).unwrap_or(0) % 12].to_owned(),
            ('M', 2) => format!("{month:02}"),
            ('M', _) => month.to_string(),
            ('D', 2) => format!("{day:02}"),
            ('D', 1) => day.to_string(),
            ('d', 3..) => DAYS[usize::try_from(days.rem_euclid(7)).unwrap_or(0)].to_owned(),
            ('H', 2..) => format!("{hour:02}"),
            ('H', _) => hour.to_string(),
            ('h', 2..) => format!("{:02}", (hour + 11) % 12 + 1),
            ('h', _) => ((hour + 11) % 12 + 1).to_string(),
            ('m', 2..) => format!("{minute:02}"),
            ('m', _) => minute.to_string(),
            ('s', 2..) => format!("{second:02}"),
            ('s', _) => second.to_string(),
            ('S', 3..) => format!("{:03}", ms.rem_euclid(1000)),
            ('A', _) => (if hour < 12 { "AM" } else { "PM" }).to_owned(),
            ('a', _) => (if hour < 12 { "am" } else { "pm" }).to_owned(),
            ('X', _) => ms.div_euclid(1000).to_string(),
            ('x', _) => ms.to_string(),
            ('Z', _) => "+00:00".to_owned(),
            _ => rest[..run].to_owned(),
        };
        out.push_str(&token);
        rest = &rest[run..];
    }
    out
}
