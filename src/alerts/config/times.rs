//! Named times of the calendar, read from the file and printed back.

use crate::alerts::model::interval::text::{Part, read_times, write_minute};
use crate::alerts::model::interval::{Interval, Location, NamedIntervals, Range, TimeRange};
use crate::platform::config::diagnostic::Report;
use crate::platform::config::section::{self, Section};
use crate::platform::config::yaml::{Kind, MapWriter, Node};

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
        weekdays: ranges(&mut section, Part::Weekdays),
        days_of_month: ranges(&mut section, Part::DaysOfMonth),
        months: ranges(&mut section, Part::Months),
        years: ranges(&mut section, Part::Years),
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
        match read_times(&start, &end) {
            Ok(range) => times.push(range),
            Err((key, why)) => {
                let at = key.map_or(node.at, |key| below.value_place(key));
                below.report.error(at, why);
            }
        }
        below.finish_exactly();
    }
    Some(times)
}

fn ranges(section: &mut Section<'_, '_>, part: Part) -> Option<Vec<Range>> {
    let key = part.key();
    section.node(key)?;
    let mut ranges = Vec::new();
    for node in section.list(key) {
        let Some(text) = section::text(node, key, section.report) else { continue };
        match part.read(&text) {
            Ok(range) => ranges.push(range),
            Err(error) => section.report.error(node.at, format!("{key}: {error}")),
        }
    }
    Some(ranges)
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
    let time = |range: &TimeRange| {
        let mut below = MapWriter::default();
        below.put("start_time", Node::text(write_minute(range.start))).put("end_time", Node::text(write_minute(range.end)));
        below.finish()
    };
    out.list_if("times", interval.times.iter().flatten().map(time).collect());
    let parts = [&interval.weekdays, &interval.days_of_month, &interval.months, &interval.years];
    for (part, ranges) in Part::ALL.into_iter().zip(parts) {
        out.list_if(part.key(), ranges.iter().flatten().map(|range| Node::text(part.write(*range))).collect());
    }
    if let Some(location) = interval.location {
        out.text("location", location.as_str());
    }
    out.finish()
}
