//! `${__from:date:…}`: times as texts, in forms as moment.js writes them, in a zone.

use chrono::{Offset, TimeZone, Utc};
use chrono_tz::Tz;

/// Longest form, in bytes.
const FORM_BYTES_MAX: usize = 200;
const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// A moment, taken apart.
struct Parts {
    year: i64,
    month: usize,
    day: i64,
    /// Days since 1970.
    days: i64,
    hour: i64,
    minute: i64,
    second: i64,
    ms: i64,
    /// How far the zone is ahead of UTC then, in seconds.
    ahead: i64,
}

/// How far a zone (`Europe/Berlin`) is ahead of UTC at a time, in seconds; nothing for one that is not known.
fn ahead(at: i64, zone: &str) -> i64 {
    let found = zone.parse::<Tz>().ok().zip(Utc.timestamp_millis_opt(at).single());
    found.map_or(0, |(zone, at)| i64::from(at.with_timezone(&zone).offset().fix().local_minus_utc()))
}

fn parts(at: i64, ahead: i64) -> Parts {
    let at = at + ahead * 1_000;
    let (days, of_day) = (at.div_euclid(86_400_000), at.rem_euclid(86_400_000));
    // Days are counted from the first of March of the year 0, so that leap days come last.
    let z = days + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    Parts {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month: usize::try_from(month - 1).unwrap_or(0),
        day: of_year - (153 * shifted + 2) / 5 + 1,
        days,
        hour: of_day / 3_600_000,
        minute: of_day / 60_000 % 60,
        second: of_day / 1_000 % 60,
        ms: of_day % 1_000,
        ahead,
    }
}

/// A time (ms since the Unix epoch) in a form: empty or `iso`, `seconds`, or letters such as `YYYY-MM-DD HH:mm`, which
/// are of a zone.
pub(super) fn date(at: i64, form: &str, zone: &str) -> String {
    // Years beyond four digits are no dates that anybody means.
    let at = at.clamp(-62_135_596_800_000, 253_402_300_799_999);
    let local = || parts(at, ahead(at, zone));
    match form {
        "" | "iso" => shaped(&parts(at, 0), "YYYY-MM-DD[T]HH:mm:ss.SSS[Z]"),
        "seconds" => at.div_euclid(1_000).to_string(),
        form if form.len() > FORM_BYTES_MAX => shaped(&local(), "YYYY-MM-DD HH:mm:ss"),
        form => shaped(&local(), form),
    }
}

/// Letters that stand for a part, the longest first.
const TOKENS: [&str; 27] = [
    "YYYY", "MMMM", "dddd", "SSS", "MMM", "ddd", "DDD", "YY", "MM", "DD", "Do", "HH", "hh", "mm", "ss", "ZZ", "dd", "M", "D", "H", "h",
    "m", "s", "A", "a", "X", "x",
];

fn shaped(at: &Parts, form: &str) -> String {
    let mut out = String::new();
    let mut rest = form;
    while !rest.is_empty() {
        if let Some((literal, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            out.push_str(literal);
            rest = after;
        } else if let Some(token) = TOKENS.iter().find(|token| rest.starts_with(**token)) {
            out.push_str(&part(at, token));
            rest = &rest[token.len()..];
        } else if let Some(after) = rest.strip_prefix('Z') {
            out.push_str(&offset(at.ahead, ":"));
            rest = after;
        } else {
            let mut chars = rest.chars();
            out.extend(chars.next());
            rest = chars.as_str();
        }
    }
    out
}

/// `+05:30`.
fn offset(ahead: i64, between: &str) -> String {
    let (sign, minutes) = (if ahead < 0 { '-' } else { '+' }, ahead.abs() / 60);
    format!("{sign}{:02}{between}{:02}", minutes / 60, minutes % 60)
}

fn part(at: &Parts, token: &str) -> String {
    let month = MONTHS[at.month.min(11)];
    let weekday = DAYS[usize::try_from(at.days.rem_euclid(7)).unwrap_or(0)];
    let half = if at.hour % 12 == 0 { 12 } else { at.hour % 12 };
    let seconds = at.days * 86_400 + at.hour * 3_600 + at.minute * 60 + at.second - at.ahead;
    match token {
        "YYYY" => format!("{:04}", at.year),
        "YY" => format!("{:02}", at.year.rem_euclid(100)),
        "MMMM" => month.to_owned(),
        "MMM" => month[..3].to_owned(),
        "MM" => format!("{:02}", at.month + 1),
        "M" => (at.month + 1).to_string(),
        "DDD" => {
            let first = (at.month as i64, at.day);
            let leap = (at.year % 4 == 0 && at.year % 100 != 0) || at.year % 400 == 0;
            let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][at.month.min(11)];
            (before + first.1 + i64::from(leap && first.0 > 1)).to_string()
        }
        "DD" => format!("{:02}", at.day),
        "Do" => format!("{}{}", at.day, ordinal(at.day)),
        "D" => at.day.to_string(),
        "dddd" => weekday.to_owned(),
        "ddd" => weekday[..3].to_owned(),
        "dd" => weekday[..2].to_owned(),
        "HH" => format!("{:02}", at.hour),
        "H" => at.hour.to_string(),
        "hh" => format!("{half:02}"),
        "h" => half.to_string(),
        "mm" => format!("{:02}", at.minute),
        "m" => at.minute.to_string(),
        "ss" => format!("{:02}", at.second),
        "s" => at.second.to_string(),
        "SSS" => format!("{:03}", at.ms),
        "A" => if at.hour < 12 { "AM" } else { "PM" }.to_owned(),
        "a" => if at.hour < 12 { "am" } else { "pm" }.to_owned(),
        "ZZ" => offset(at.ahead, ""),
        "X" => seconds.to_string(),
        _ => (seconds * 1_000 + at.ms).to_string(),
    }
}

const fn ordinal(day: i64) -> &'static str {
    match (day, day % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_come_in_the_form_that_is_asked_for() {
        const AT: i64 = 1_763_714_000_123;
        for (form, text) in [
            ("", "2025-11-21T08:33:20.123Z"),
            ("iso", "2025-11-21T08:33:20.123Z"),
            ("seconds", "1763714000"),
            ("YYYY-MM-DD HH:mm:ss", "2025-11-21 08:33:20"),
            ("dddd, MMMM Do YYYY", "Friday, November 21st 2025"),
            ("ddd D MMM YY h:mm a", "Fri 21 Nov 25 8:33 am"),
            ("DDD [days] ZZ Z x X", "325 days +0000 +00:00 1763714000123 1763714000"),
            ("[open é", "[open é"),
        ] {
            assert_eq!(date(AT, form, "utc"), text, "{form}");
        }
        assert_eq!(date(AT, "YYYY-MM-DD HH:mm:ss Z ZZ x", "Asia/Kolkata"), "2025-11-21 14:03:20 +05:30 +0530 1763714000123");
        assert_eq!(date(AT, "HH:mm Z", "America/New_York"), "03:33 -05:00");
        assert_eq!(date(AT, "iso", "Asia/Kolkata"), "2025-11-21T08:33:20.123Z");
        assert_eq!(date(AT, "HH:mm Z", "browser"), "08:33 +00:00");
        assert_eq!(date(951_782_400_000, "YYYY-MM-DD DDD", ""), "2000-02-29 60");
        assert_eq!(date(-1, "iso", ""), "1969-12-31T23:59:59.999Z");
        for extreme in [i64::MIN, i64::MAX] {
            assert!(!date(extreme, "YYYY", "Asia/Kolkata").is_empty());
        }
    }
}
