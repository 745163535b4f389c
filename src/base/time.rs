//! Timestamps, durations and ranges in milliseconds, read and written as Prometheus does.

use std::fmt;

/// A closed range of time in milliseconds since the Unix epoch: both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// First millisecond.
    pub start: i64,
    /// Last millisecond.
    pub end: i64,
}

impl TimeRange {
    /// Everything.
    pub const ALL: Self = Self { start: i64::MIN, end: i64::MAX };

    /// From `start` to `end`, both included.
    pub const fn new(start: i64, end: i64) -> Self {
        Self { start, end }
    }

    /// Whether `at` lies within.
    #[inline]
    pub const fn contains(&self, at: i64) -> bool {
        self.start <= at && at <= self.end
    }

    /// Whether the two share a millisecond.
    #[inline]
    pub const fn overlaps(&self, other: &Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}

/// Why a duration was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing there.
    #[error("empty duration string")]
    Empty,
    /// Not of the form `1h30m`.
    #[error("not a valid duration string: {0:?}")]
    Invalid(String),
    /// More than 292 years.
    #[error("duration out of range")]
    OutOfRange,
}

/// A length of time in milliseconds as Prometheus writes it: `1h30m`, `0s`, `7d`, `1y` (365 days).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Duration(i64);

/// Units from large to small; a text must use them in this order, each at most once.
const UNITS: [(&str, i64); 7] =
    [("y", 365 * 86_400_000), ("w", 7 * 86_400_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Duration {
    /// So many milliseconds.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// So many seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs * 1000)
    }

    /// Milliseconds.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Seconds, with fraction.
    pub fn secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// For timers; a negative length counts as none.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }

    /// Reads `1h30m`, `0`, `15s`, ... exactly as Prometheus' `model.ParseDuration`.
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        match text {
            "" => return Err(DurationError::Empty),
            "0" => return Ok(Self(0)),
            _ => {}
        }
        let invalid = || DurationError::Invalid(text.to_owned());
        let mut rest = text;
        let mut total: i64 = 0;
        let mut next_unit = 0;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = rest.split_at_checked(digits).ok_or_else(invalid)?;
            if number.is_empty() {
                return Err(invalid());
            }
            let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
            let (unit, after) = after.split_at_checked(letters).ok_or_else(invalid)?;
            let at = UNITS.iter().position(|(name, _)| *name == unit).ok_or_else(invalid)?;
            if at < next_unit {
                return Err(invalid());
            }
            next_unit = at + 1;
            let number: i64 = number.parse().map_err(|_| DurationError::OutOfRange)?;
            let part = number.checked_mul(UNITS[at].1).ok_or(DurationError::OutOfRange)?;
            total = total.checked_add(part).ok_or(DurationError::OutOfRange)?;
            // Upstream counts in nanoseconds of 64 bits; refuse what it refuses.
            if total > i64::MAX / 1_000_000 {
                return Err(DurationError::OutOfRange);
            }
            rest = after;
        }
        Ok(Self(total))
    }
}

impl fmt::Display for Duration {
    /// As `model.Duration.String`: years, weeks and days only where they divide evenly.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ms = self.0;
        if ms == 0 {
            return f.write_str("0s");
        }
        if ms < 0 {
            f.write_str("-")?;
            ms = -ms;
        }
        for (unit, size) in UNITS {
            let exact_only = matches!(unit, "y" | "w" | "d");
            if exact_only && ms % size != 0 {
                continue;
            }
            let count = ms / size;
            if count > 0 {
                write!(f, "{count}{unit}")?;
                ms -= count * size;
            }
        }
        Ok(())
    }
}

impl std::str::FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl<'de> serde::Deserialize<'de> for Duration {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for Duration {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Reads a point in time as the HTTP API does: Unix seconds with fraction, or RFC 3339. Milliseconds out.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    if let Ok(secs) = text.parse::<f64>() {
        if !secs.is_finite() {
            return None;
        }
        let ms = (secs * 1000.0).round();
        return (ms.abs() < 9.2e18).then_some(ms as i64);
    }
    parse_rfc3339(text)
}

/// Reads RFC 3339 (`2026-11-21T07:00:00.5+01:00`). Milliseconds out.
pub fn parse_rfc3339(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let part = text.get(from..to)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if separators.iter().any(|&(at, byte)| bytes.get(at) != Some(&byte)) || !matches!(bytes.get(10), Some(b'T' | b't')) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut at = 19;
    let mut millis = 0;
    if bytes.get(at) == Some(&b'.') {
        let digits = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let fraction = format!("{:0<3}", text.get(at + 1..at + 1 + digits.min(3))?);
        millis = fraction.parse().ok()?;
        at += 1 + digits;
    }
    let offset_minutes = match (bytes.get(at), bytes.len() - at) {
        (Some(b'Z' | b'z'), 1) => 0,
        (Some(sign @ (b'+' | b'-')), 6) if bytes[at + 3] == b':' => {
            let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    let days = days_from_civil(year, month, day);
    Some((((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second) * 1000 + millis)
}

/// Writes RFC 3339 in UTC with milliseconds when there are any: `2026-11-21T07:00:00.5Z`.
pub fn format_rfc3339(ms: i64) -> String {
    let (days, of_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = civil_from_days(days);
    let (hour, minute, second, milli) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60, of_day % 1000);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if milli > 0 {
        text.push_str(format!(".{milli:03}").trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// Days in a month of the Gregorian calendar; `month` counts from 1.
pub const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant's `days_from_civil`).
pub const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date of the Gregorian calendar so many days after 1970-01-01, as year, month, day.
pub const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print_as_upstream() {
        for (text, ms, printed) in [
            ("0", 0, "0s"),
            ("0w", 0, "0s"),
            ("324ms", 324, "324ms"),
            ("3s", 3_000, "3s"),
            ("5m", 300_000, "5m"),
            ("1h", 3_600_000, "1h"),
            ("4d", 4 * 86_400_000, "4d"),
            ("4d1h", 4 * 86_400_000 + 3_600_000, "97h"),
            ("14d", 14 * 86_400_000, "2w"),
            ("3w2d1h", 23 * 86_400_000 + 3_600_000, "553h"),
            ("10y", 3650 * 86_400_000, "10y"),
            ("1h30m", 5_400_000, "1h30m"),
        ] {
            assert_eq!(Duration::parse(text), Ok(Duration::from_ms(ms)), "{text}");
            assert_eq!(Duration::from_ms(ms).to_string(), printed, "{text}");
        }
        for bad in ["", "1", "1y1m1d", "-1w", "1.5d", "d", "294y", "200y10400w", "107675d", "2584200h", "1h1h", "1 h"] {
            assert!(Duration::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn timestamps_read_as_the_api_does() {
        assert_eq!(parse_timestamp("1700000000"), Some(1_700_000_000_000));
        assert_eq!(parse_timestamp("1700000000.123"), Some(1_700_000_000_123));
        assert_eq!(parse_timestamp("2015-06-03T13:21:58.555Z"), Some(1_433_337_718_555));
        assert_eq!(parse_timestamp("2015-06-03T14:21:58.555+01:00"), Some(1_433_337_718_555));
        for bad in ["", "NaN", "Inf", "2015-06-03", "2015-13-03T13:21:58Z", "2015-02-29T13:21:58Z", "2015-06-03T13:21:58"] {
            assert_eq!(parse_timestamp(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates_round_trip() {
        for ms in [0, 1_433_337_718_555, -1, 951_782_400_000, 4_102_444_799_999] {
            assert_eq!(parse_rfc3339(&format_rfc3339(ms)), Some(ms));
        }
        assert_eq!(format_rfc3339(1_433_337_718_500), "2015-06-03T13:21:58.5Z");
    }
}
