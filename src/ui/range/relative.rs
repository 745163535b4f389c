//! Moments that are told from now: `now-6h`, `now/d`, `now-1M/M`. `/` rounds to the unit that holds the moment: to its
//! start, or for the end of a range to its last millisecond, as in Grafana. Weeks begin on Monday.

use chrono::{DateTime, Datelike, Days, Duration as Length, Months, NaiveDate, Offset, TimeZone, Utc};
use chrono_tz::Tz;

use crate::base::time::Duration;

/// Most steps of one text.
const STEPS_MAX: usize = 10;

/// Which end of a range is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Start,
    Last,
}

/// The moment in milliseconds; none where the text is no such moment.
pub(super) fn moment(text: &str, now_ms: i64, end: End, zone: Tz) -> Option<i64> {
    let mut rest = text.trim().strip_prefix("now")?.trim_start();
    let is_rounded = rest.contains('/');
    let mut at = now_ms;
    for _ in 0..STEPS_MAX {
        let Some(sign) = rest.chars().next() else { return Some(at) };
        let after = rest[sign.len_utf8()..].trim_start();
        let length = after.find(['+', '-', '/']).unwrap_or(after.len());
        let step = after[..length].trim_end();
        at = match sign {
            '/' => rounded(at, step, end, zone)?,
            '+' => moved(at, step, 1, is_rounded, zone)?,
            '-' => moved(at, step, -1, is_rounded, zone)?,
            _ => return None,
        };
        rest = &after[length..];
    }
    rest.is_empty().then_some(at)
}

fn local(at: i64, zone: Tz) -> Option<DateTime<Tz>> {
    Some(DateTime::<Utc>::from_timestamp_millis(at)?.with_timezone(&zone))
}

/// Months and years are those of the calendar, and beside a rounding days and weeks, which are not all of one length.
fn moved(at: i64, by: &str, sign: i64, is_rounded: bool, zone: Tz) -> Option<i64> {
    let count = |unit: char| by.strip_suffix(unit)?.parse::<u32>().ok();
    let months = count('M').map(|count| (count, 1)).or_else(|| count('y').map(|count| (count, 12)));
    let days = count('d').map(|count| (count, 1)).or_else(|| count('w').map(|count| (count, 7))).filter(|_| is_rounded);
    let here = local(at, zone)?.naive_local();
    let there = match (months, days) {
        (Some((count, each)), _) => {
            let months = Months::new(count.checked_mul(each)?);
            if sign < 0 { here.checked_sub_months(months) } else { here.checked_add_months(months) }
        }
        (None, Some((count, each))) => {
            let days = Days::new(u64::from(count) * each);
            if sign < 0 { here.checked_sub_days(days) } else { here.checked_add_days(days) }
        }
        (None, None) => return at.checked_add(Duration::parse(by).ok()?.ms().checked_mul(sign)?),
    };
    at_local(there?, zone)
}

fn rounded(at: i64, unit: &str, end: End, zone: Tz) -> Option<i64> {
    let here = local(at, zone)?;
    let size = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    if size > 0 {
        let offset = i64::from(here.offset().fix().local_minus_utc()) * 1_000;
        let start = (at + offset).div_euclid(size) * size - offset;
        return Some(if end == End::Start { start } else { start + size - 1 });
    }
    let day = here.date_naive();
    let (start, next) = match unit {
        "d" => (day, day.checked_add_days(Days::new(1))?),
        "w" => {
            let monday = day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday())))?;
            (monday, monday.checked_add_days(Days::new(7))?)
        }
        "M" => (day.with_day(1)?, day.with_day(1)?.checked_add_months(Months::new(1))?),
        "y" => {
            let first = NaiveDate::from_ymd_opt(day.year(), 1, 1)?;
            (first, first.checked_add_months(Months::new(12))?)
        }
        _ => return None,
    };
    let begin = |date: NaiveDate| at_local(date.and_hms_opt(0, 0, 0)?, zone);
    if end == End::Start { begin(start) } else { Some(begin(next)? - 1) }
}

/// A time of a zone's clocks; one that they skip is an hour later.
fn at_local(time: chrono::NaiveDateTime, zone: Tz) -> Option<i64> {
    let found = zone.from_local_datetime(&time).earliest();
    found.or_else(|| zone.from_local_datetime(&time.checked_add_signed(Length::hours(1))?).earliest()).map(|at| at.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same cases as in `web/test/range.test.ts`.
    #[test]
    fn moments_from_now_are_moved_and_rounded() {
        let ms = |text: &str| crate::base::time::parse_rfc3339(text).unwrap();
        let now = ms("2026-03-31T14:25:36Z");
        for (text, start, last) in [
            ("now", "2026-03-31T14:25:36Z", "2026-03-31T14:25:36Z"),
            ("now - 90m", "2026-03-31T12:55:36Z", "2026-03-31T12:55:36Z"),
            ("now/m", "2026-03-31T14:25:00Z", "2026-03-31T14:25:59.999Z"),
            ("now/h", "2026-03-31T14:00:00Z", "2026-03-31T14:59:59.999Z"),
            ("now/d", "2026-03-31T00:00:00Z", "2026-03-31T23:59:59.999Z"),
            ("now-1d/d", "2026-03-30T00:00:00Z", "2026-03-30T23:59:59.999Z"),
            ("now/w", "2026-03-30T00:00:00Z", "2026-04-05T23:59:59.999Z"),
            ("now/M", "2026-03-01T00:00:00Z", "2026-03-31T23:59:59.999Z"),
            ("now-1M", "2026-02-28T14:25:36Z", "2026-02-28T14:25:36Z"),
            ("now-1M/M", "2026-02-01T00:00:00Z", "2026-02-28T23:59:59.999Z"),
            ("now-1y/y", "2025-01-01T00:00:00Z", "2025-12-31T23:59:59.999Z"),
            ("now/d+8h", "2026-03-31T08:00:00Z", "2026-04-01T07:59:59.999Z"),
            ("now /d - 1d", "2026-03-30T00:00:00Z", "2026-03-30T23:59:59.999Z"),
        ] {
            assert_eq!(moment(text, now, End::Start, Tz::UTC), Some(ms(start)), "{text}");
            assert_eq!(moment(text, now, End::Last, Tz::UTC), Some(ms(last)), "{text}");
        }
        for text in [
            "now/",
            "now/x",
            "now-1",
            "now-/d",
            "now//d",
            "nowish",
            "now-1dd",
            "then/d",
            &format!("now{}", "/d".repeat(11)),
            "now-9999999M",
            "nowé",
        ] {
            assert_eq!(moment(text, now, End::Start, Tz::UTC), None, "{text}");
        }
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let ms = |text: &str| crate::base::time::parse_rfc3339(text).unwrap();
        let berlin: Tz = "Europe/Berlin".parse().unwrap();
        // Clocks went forward on 29 March 2026: that day has 23 hours.
        let now = ms("2026-03-29T22:30:00Z");
        assert_eq!(moment("now/d", now, End::Start, berlin), Some(ms("2026-03-29T22:00:00Z")), "it is the 30th there");
        assert_eq!(moment("now-1d/d", now, End::Start, berlin), Some(ms("2026-03-28T23:00:00Z")));
        assert_eq!(moment("now-1d/d", now, End::Last, berlin), Some(ms("2026-03-29T21:59:59.999Z")));
        let kathmandu: Tz = "Asia/Kathmandu".parse().unwrap();
        assert_eq!(moment("now/h", ms("2026-03-29T22:30:00Z"), End::Start, kathmandu), Some(ms("2026-03-29T22:15:00Z")));
    }
}
