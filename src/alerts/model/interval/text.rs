//! How times of the calendar are written: `monday:friday`, `1:-1`, `january:march`, `09:00`.

use super::{Range, TimeRange};
use crate::base::time::{format_rfc3339, parse_rfc3339};
use crate::series::labels::quote;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

/// A part of the calendar that is written as ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Days of the week.
    Weekdays,
    /// Days of the month.
    DaysOfMonth,
    /// Months.
    Months,
    /// Years.
    Years,
}

impl Part {
    /// Every part, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Weekdays, Self::DaysOfMonth, Self::Months, Self::Years];

    /// The key it stands under.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Weekdays => "weekdays",
            Self::DaysOfMonth => "days_of_month",
            Self::Months => "months",
            Self::Years => "years",
        }
    }

    /// Reads a range such as `monday:friday`, or a single one.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read(self, text: &str) -> Result<Range, String> {
        let text = text.to_lowercase();
        let parts: Vec<&str> = text.split(':').collect();
        let (begin, end) = match parts.as_slice() {
            [only] => (*only, *only),
            [begin, end] => (*begin, *end),
            _ => return Err(format!("couldn't parse range {text}, invalid format")),
        };
        match self {
            Self::Weekdays => weekday(begin, end),
            Self::DaysOfMonth => day_of_month(begin, end),
            Self::Months => month(begin, end),
            Self::Years => year(begin, end),
        }
    }

    /// Writes what [`Self::read`] reads.
    pub fn write(self, range: Range) -> String {
        let show = |value: i64| match self {
            Self::Weekdays => named(&WEEKDAYS, value, 0),
            Self::Months => named(&MONTHS, value, 1),
            Self::DaysOfMonth | Self::Years => value.to_string(),
        };
        if range.begin == range.end { show(range.begin) } else { format!("{}:{}", show(range.begin), show(range.end)) }
    }
}

fn named(names: &[&str], value: i64, first: i64) -> String {
    let name = usize::try_from(value - first).ok().and_then(|index| names.get(index));
    name.map_or_else(|| value.to_string(), |name| (*name).to_owned())
}

fn weekday(begin: &str, end: &str) -> Result<Range, String> {
    let day = |text: &str| {
        let found = WEEKDAYS.iter().position(|day| *day == text).and_then(|day| i64::try_from(day).ok());
        found.ok_or_else(|| format!("{text} is not a valid weekday"))
    };
    let range = Range { begin: day(begin)?, end: day(end)? };
    if range.begin > range.end { Err("start day cannot be before end day; weeks begin with sunday".to_owned()) } else { Ok(range) }
}

fn number(text: &str) -> Result<i64, String> {
    text.parse::<i32>().map(i64::from).map_err(|_| format!("{} is not a valid number", quote(text)))
}

fn day_of_month(begin: &str, end: &str) -> Result<Range, String> {
    let range = Range { begin: number(begin)?, end: number(end)? };
    for day in [range.begin, range.end] {
        if day == 0 || !(-31..=31).contains(&day) {
            return Err(format!("{day} is not a valid day of the month: out of range"));
        }
    }
    if range.begin < 0 && range.end > 0 {
        return Err("end day must be negative if start day is negative".to_owned());
    }
    // Sure to be wrong only if it is in the shortest month.
    let in_short = |day: i64| if day < 0 { 28 + day } else { day };
    if in_short(range.begin) > in_short(range.end) {
        return Err(format!("end day {} is always before start day {}", range.end, range.begin));
    }
    Ok(range)
}

fn month(begin: &str, end: &str) -> Result<Range, String> {
    let month = |text: &str| match MONTHS.iter().position(|month| *month == text) {
        Some(month) => i64::try_from(month + 1).map_err(|error| error.to_string()),
        None => number(text).map_err(|_| format!("{text} is not a valid month")),
    };
    let range = Range { begin: month(begin)?, end: month(end)? };
    if range.begin > range.end { Err(format!("end month {end} is before start month {begin}")) } else { Ok(range) }
}

fn year(begin: &str, end: &str) -> Result<Range, String> {
    let range = Range { begin: number(begin)?, end: number(end)? };
    if range.begin > range.end { Err(format!("end year {end} is before start year {begin}")) } else { Ok(range) }
}

/// Reads `HH:MM`, up to `24:00`, as minutes of the day.
pub fn read_minute(text: &str) -> Option<u32> {
    let two = |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u32>().ok())?;
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let is_valid = hours < 24 && minutes < 60 || hours == 24 && minutes == 0;
    is_valid.then_some(hours * 60 + minutes)
}

/// Reads `2026-11-20` as days since 1970-01-01.
pub fn read_day(text: &str) -> Option<i32> {
    if text.len() != 10 {
        return None;
    }
    i32::try_from(parse_rfc3339(&format!("{text}T00:00:00Z"))?.div_euclid(DAY_MS)).ok()
}

/// Writes what [`read_day`] reads.
pub fn write_day(day: i64) -> String {
    format_rfc3339(day.saturating_mul(DAY_MS)).split('T').next().unwrap_or("").to_owned()
}

/// Writes what [`read_minute`] reads.
pub fn write_minute(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Times that cannot be: which of the two keys is wrong, or none if it is both together; and why.
pub type WrongTimes = (Option<&'static str>, String);

/// Reads the times of day from `start` to `end`.
///
/// # Errors
/// Which is wrong and why.
pub fn read_times(start: &str, end: &str) -> Result<TimeRange, WrongTimes> {
    if start.is_empty() || end.is_empty() {
        return Err((None, "both start and end times must be provided".to_owned()));
    }
    let read = |key: &'static str, text: &str| {
        read_minute(text).ok_or_else(|| (Some(key), format!("couldn't parse timestamp {text}, invalid format, expected 00:00 to 24:00")))
    };
    let (start, end) = (read("start_time", start)?, read("end_time", end)?);
    if start >= end {
        return Err((None, "start time cannot be equal or greater than end time".to_owned()));
    }
    Ok(TimeRange { start, end })
}
