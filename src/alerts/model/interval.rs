//! Times of the calendar, for routes that are silent or speak only then.

pub mod text;

use chrono::{DateTime, Datelike, Local, Offset, TimeZone, Timelike, Utc};

pub use crate::base::location::Location;
use crate::base::time::days_in_month;

/// Named times; an instant is inside if it is inside any of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NamedIntervals {
    /// The name routes use.
    pub name: String,
    /// The times.
    pub intervals: Vec<Interval>,
}

impl NamedIntervals {
    /// Whether an instant (milliseconds since the Unix epoch) is inside.
    pub fn contains(&self, now: i64) -> bool {
        self.intervals.iter().any(|interval| interval.contains(now))
    }
}

/// A part of the calendar: what is not empty must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Interval {
    /// Times of day; none is all day.
    pub times: Option<Vec<TimeRange>>,
    /// Days of the week, Sunday is 0.
    pub weekdays: Option<Vec<Range>>,
    /// Days of the month; negative ones count from its end.
    pub days_of_month: Option<Vec<Range>>,
    /// Months, January is 1.
    pub months: Option<Vec<Range>>,
    /// Years.
    pub years: Option<Vec<Range>>,
    /// Whose clock counts.
    pub location: Option<Location>,
}

/// Minutes of a day, the end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// First minute.
    pub start: u32,
    /// Minute after the last, up to 1440.
    pub end: u32,
}

/// A range that includes both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First.
    pub begin: i64,
    /// Last.
    pub end: i64,
}

impl Range {
    fn contains(self, value: i64) -> bool {
        self.begin <= value && value <= self.end
    }
}

/// The date and minute of an instant somewhere.
struct Moment {
    year: i64,
    month: i64,
    day: i64,
    weekday: i64,
    minute: u32,
}

impl Moment {
    fn new<Z: TimeZone>(at: &DateTime<Z>) -> Self {
        Self {
            year: i64::from(at.year()),
            month: i64::from(at.month()),
            day: i64::from(at.day()),
            weekday: i64::from(at.weekday().num_days_from_sunday()),
            minute: at.hour() * 60 + at.minute(),
        }
    }
}

impl Interval {
    /// Whether an instant (milliseconds since the Unix epoch) is inside.
    pub fn contains(&self, now: i64) -> bool {
        let Some(utc) = DateTime::<Utc>::from_timestamp_millis(now) else { return false };
        let at = match self.location {
            None | Some(Location::Utc) => Moment::new(&utc),
            Some(Location::Local) => Moment::new(&utc.with_timezone(&utc.with_timezone(&Local).offset().fix())),
            Some(Location::Zone(zone)) => Moment::new(&utc.with_timezone(&zone)),
        };
        let among =
            |ranges: &Option<Vec<Range>>, value: i64| ranges.as_ref().is_none_or(|all| all.iter().any(|range| range.contains(value)));
        self.times.as_ref().is_none_or(|times| times.iter().any(|range| range.start <= at.minute && at.minute < range.end))
            && self.days_of_month.as_ref().is_none_or(|days| days.iter().any(|range| contains_day(*range, &at)))
            && among(&self.months, at.month)
            && among(&self.weekdays, at.weekday)
            && among(&self.years, at.year)
    }
}

impl Interval {
    /// The next instant at which it may begin or end (milliseconds since the Unix epoch, as `at`): up to it an instant is
    /// inside if `at` is. None where the calendar ends.
    pub fn steady_until(&self, at: i64) -> Option<i64> {
        const DAY: i64 = 86_400_000;
        let location = self.location.unwrap_or(Location::Utc);
        let ahead = location.ahead(at)?;
        let of_day = at.checked_add(ahead)?.rem_euclid(DAY);
        let bounds = self.times.iter().flatten().flat_map(|range| [range.start, range.end]).map(|minute| i64::from(minute) * 60_000);
        let next = bounds.filter(|bound| *bound > of_day).fold(DAY, i64::min);
        let until = at.checked_add(next - of_day)?;
        if location.ahead(until)? == ahead {
            return Some(until);
        }
        // The clock is changed before: that instant counts, because from it on others are next.
        let (mut same, mut other) = (at, until);
        while other - same > 1 {
            let middle = same + (other - same) / 2;
            if location.ahead(middle)? == ahead { same = middle } else { other = middle }
        }
        Some(other)
    }
}

/// Days that a month does not have are left out; an end behind it is its last day.
fn contains_day(range: Range, at: &Moment) -> bool {
    let days = days_in_month(at.year, at.month);
    let from_start = |day: i64| if day < 0 { days + day + 1 } else { day };
    let (begin, end) = (from_start(range.begin), from_start(range.end));
    begin <= days && Range { begin: begin.clamp(-days, days), end: end.clamp(-days, days) }.contains(at.day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::parse_rfc3339;

    fn ranges(all: &[(i64, i64)]) -> Option<Vec<Range>> {
        Some(all.iter().map(|&(begin, end)| Range { begin, end }).collect())
    }

    fn at(text: &str) -> i64 {
        parse_rfc3339(text).expect("a time")
    }

    #[test]
    fn parts_of_the_calendar() {
        let office = Interval {
            times: Some(vec![TimeRange { start: 9 * 60, end: 17 * 60 }]),
            weekdays: ranges(&[(1, 5)]),
            days_of_month: ranges(&[(1, 10)]),
            months: ranges(&[(1, 3)]),
            years: ranges(&[(2020, 2020)]),
            location: None,
        };
        let month_end = |begin, end| Interval { days_of_month: ranges(&[(begin, end)]), ..Interval::default() };
        for (what, interval, instant, inside) in [
            ("always", &Interval::default(), "2020-07-10T12:00:00Z", true),
            ("first minute", &office, "2020-01-10T09:00:00Z", true),
            ("last minute", &office, "2020-01-10T16:59:59Z", true),
            ("end of day", &office, "2020-01-10T17:00:00Z", false),
            ("weekend", &office, "2020-01-04T12:00:00Z", false),
            ("day", &office, "2020-01-13T12:00:00Z", false),
            ("month", &office, "2020-04-10T12:00:00Z", false),
            ("year", &office, "2021-01-08T12:00:00Z", false),
            ("nothing named", &Interval { months: Some(Vec::new()), ..Interval::default() }, "2020-01-08T12:00:00Z", false),
            ("last day of a leap February", &month_end(-1, -1), "2024-02-29T00:00:00Z", true),
            ("not its last day", &month_end(-1, -1), "2024-02-28T00:00:00Z", false),
            ("last week", &month_end(-7, -1), "2023-02-22T00:00:00Z", true),
            ("from the middle to the end", &month_end(15, -1), "2023-02-28T00:00:00Z", true),
            ("a day February has not", &month_end(31, 31), "2023-02-28T00:00:00Z", false),
            ("cut to the month", &month_end(25, 31), "2023-02-28T00:00:00Z", true),
            ("longer than the month", &month_end(-31, -28), "2023-02-01T00:00:00Z", true),
        ] {
            assert_eq!(interval.contains(at(instant)), inside, "{what}");
        }
    }

    #[test]
    fn the_clock_of_a_place_counts() {
        let morning = |location: &str| Interval {
            times: Some(vec![TimeRange { start: 8 * 60, end: 9 * 60 }]),
            location: Location::parse(location),
            ..Interval::default()
        };
        for (location, instant, inside) in [
            ("Europe/Berlin", "2024-01-15T07:30:00Z", true),
            ("Europe/Berlin", "2024-01-15T06:30:00Z", false),
            // Summer time.
            ("Europe/Berlin", "2024-07-15T06:30:00Z", true),
            ("Europe/Berlin", "2024-07-15T07:30:00Z", false),
            // The day the clock goes forward.
            ("Europe/Berlin", "2024-03-31T06:30:00Z", true),
            ("America/New_York", "2024-01-15T13:30:00Z", true),
            ("Asia/Kolkata", "2024-01-15T02:30:00Z", true),
            ("UTC", "2024-01-15T08:30:00Z", true),
        ] {
            assert_eq!(morning(location).contains(at(instant)), inside, "{location} {instant}");
        }
        assert_eq!(Location::parse("Mars/Olympus"), None);
        assert_eq!(Location::parse("Europe/Berlin").map(Location::as_str), Some("Europe/Berlin"));
    }

    #[test]
    fn instants_of_a_places_clock() {
        for (location, date, minute, expected) in [
            ("UTC", "2024-03-31", 150, "2024-03-31T02:30:00Z"),
            ("Europe/Berlin", "2024-01-15", 8 * 60, "2024-01-15T07:00:00Z"),
            ("Europe/Berlin", "2024-07-15", 8 * 60, "2024-07-15T06:00:00Z"),
            // From two to three o'clock is left out, and from two to three comes twice.
            ("Europe/Berlin", "2024-03-31", 150, "2024-03-31T01:00:00Z"),
            ("Europe/Berlin", "2024-10-27", 150, "2024-10-27T00:30:00Z"),
            ("America/New_York", "2024-11-03", 90, "2024-11-03T05:30:00Z"),
            // Half an hour is left out.
            ("Australia/Lord_Howe", "2024-10-06", 135, "2024-10-05T15:30:00Z"),
            // This day never was.
            ("Pacific/Apia", "2011-12-30", 0, "2011-12-30T10:00:00Z"),
        ] {
            let location = Location::parse(location).expect("a place");
            let day = Location::Utc.day(at(&format!("{date}T12:00:00Z"))).expect("a day");
            assert_eq!(location.instant(day, minute), Some(at(expected)), "{location:?} {date} {minute}");
        }
        let berlin = Location::parse("Europe/Berlin").expect("a place");
        assert_eq!((berlin.day(at("1970-01-01T22:59:59Z")), berlin.day(at("1970-01-01T23:00:00Z"))), (Some(0), Some(1)));
        assert_eq!((berlin.day(i64::MAX), berlin.instant(i64::MAX, 0), berlin.instant(i64::MIN, u16::MAX)), (None, None, None));
    }
}
