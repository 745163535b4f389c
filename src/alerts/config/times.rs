//! Named times of the calendar, read from the file and printed back.

use crate::alerts::model::interval::{Interval, Location, NamedIntervals, Range, TimeRange};
use crate::platform::config::diagnostic::Report;
use crate::platform::config::section::{self, Section};
use crate::platform::config::yaml::{Kind, MapWriter, Node};
use crate::series::labels::quote;

const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

/// Reads one name with its times.
pub(super) fn read(node: &Node, what: &str, report: &mut Report) -> Option<NamedIntervals> {
    let mut section = Section::open(node, what, report)?;
    let mut named = NamedIntervals { name: section.text_or_empty("name"), intervals: Vec::new() };
    if named.name.is_empty() {
        section.report.error(node.at, format!("missing name in {what}"));
    }
    for node in section.list("time_intervals") {
        named.intervals.extend(interval(node, section.report));
    }
    section.finish_exactly();
    Some(named)
}

fn interval(node: &Node, report: &mut Report) -> Option<Interval> {
    let mut section = Section::open(node, "time_intervals", report)?;
    let interval = Interval {
        times: times(&mut section),
        weekdays: ranges(&mut section, "weekdays", weekday),
        days_of_month: ranges(&mut section, "days_of_month", day_of_month),
        months: ranges(&mut section, "months", month),
        years: ranges(&mut section, "years", year),
        location: location(&mut section),
    };
    section.finish_exactly();
    Some(interval)
}

fn location(section: &mut Section<'_, '_>) -> Option<Location> {
    let text = section.text("location")?;
    let read = Location::parse(&text);
    if read.is_none() {
        let at = section.value_place("location");
        section.report.error(at, format!("unknown time zone {text}, expected a name such as Europe/Berlin, UTC or Local"));
    }
    read
}

fn times(section: &mut Section<'_, '_>) -> Option<Vec<TimeRange>> {
    section.node("times")?;
    let mut times = Vec::new();
    for node in section.list("times") {
        let Some(mut below) = Section::open(node, "times", section.report) else { continue };
        let (start, end) = (below.text_or_empty("start_time"), below.text_or_empty("end_time"));
        if start.is_empty() || end.is_empty() {
            below.report.error(node.at, "both start and end times must be provided");
        } else {
            match (minute(&start), minute(&end)) {
                (Some(start), Some(end)) if start >= end => {
                    below.report.error(node.at, "start time cannot be equal or greater than end time");
                }
                (Some(start), Some(end)) => times.push(TimeRange { start, end }),
                (start_read, _) => {
                    let (key, text) = if start_read.is_none() { ("start_time", &start) } else { ("end_time", &end) };
                    let at = below.value_place(key);
                    below.report.error(at, format!("couldn't parse timestamp {text}, invalid format, expected 00:00 to 24:00"));
                }
            }
        }
        below.finish_exactly();
    }
    Some(times)
}

/// `HH:MM` as minutes of the day.
fn minute(text: &str) -> Option<u32> {
    let two = |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u32>().ok())?;
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let is_valid = hours < 24 && minutes < 60 || hours == 24 && minutes == 0;
    is_valid.then_some(hours * 60 + minutes)
}

/// Reads ranges such as `monday:friday`; `check` reads the two ends as texts and says what is wrong.
fn ranges(section: &mut Section<'_, '_>, key: &'static str, check: fn(&str, &str) -> Result<Range, String>) -> Option<Vec<Range>> {
    section.node(key)?;
    let mut ranges = Vec::new();
    for node in section.list(key) {
        let Some(text) = section::text(node, key, section.report) else { continue };
        let text = text.to_lowercase();
        let parts: Vec<&str> = text.split(':').collect();
        let read = match parts.as_slice() {
            [only] => check(only, only),
            [begin, end] => check(begin, end),
            _ => Err(format!("couldn't parse range {text}, invalid format")),
        };
        match read {
            Ok(range) => ranges.push(range),
            Err(error) => section.report.error(node.at, format!("{key}: {error}")),
        }
    }
    Some(ranges)
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

/// As it is printed.
pub(super) fn to_node(named: &NamedIntervals) -> Node {
    let mut out = MapWriter::default();
    out.text("name", &named.name);
    out.put("time_intervals", Node::new(Kind::List(named.intervals.iter().map(interval_to_node).collect())));
    out.finish()
}

fn interval_to_node(interval: &Interval) -> Node {
    let mut out = MapWriter::default();
    let clock = |minute: u32| Node::text(format!("{:02}:{:02}", minute / 60, minute % 60));
    let time = |range: &TimeRange| {
        let mut below = MapWriter::default();
        below.put("start_time", clock(range.start)).put("end_time", clock(range.end));
        below.finish()
    };
    out.list_if("times", interval.times.iter().flatten().map(time).collect());
    let name = |names: &'static [&'static str], first: i64| {
        move |value: i64| {
            usize::try_from(value - first).ok().and_then(|index| names.get(index)).map_or(value.to_string(), |name| (*name).to_owned())
        }
    };
    let plain = |value: i64| value.to_string();
    let mut write = |key: &str, ranges: &Option<Vec<Range>>, show: &dyn Fn(i64) -> String| {
        let text = |range: &Range| {
            if range.begin == range.end { show(range.begin) } else { format!("{}:{}", show(range.begin), show(range.end)) }
        };
        out.list_if(key, ranges.iter().flatten().map(|range| Node::text(text(range))).collect());
    };
    write("weekdays", &interval.weekdays, &name(&WEEKDAYS, 0));
    write("days_of_month", &interval.days_of_month, &plain);
    write("months", &interval.months, &name(&MONTHS, 1));
    write("years", &interval.years, &plain);
    if let Some(location) = interval.location {
        out.text("location", location.as_str());
    }
    out.finish()
}
