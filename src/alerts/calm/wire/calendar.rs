//! Times of the calendar with Alertmanager's own keys.

use serde_json::{Map, Value as Json, json};

use super::fields::{Fields, Placed, WireError};
use crate::alerts::model::interval::text::{Part, read_times, write_minute};
use crate::alerts::model::interval::{Interval, Location, Range, TimeRange};

/// Ranges of each part of an interval at most.
const RANGES_MAX: usize = 32;
/// Characters of a range or the name of a place at most.
const TEXT_MAX: usize = 64;
/// Keys of an interval.
const KEYS: [&str; 6] = ["times", "weekdays", "days_of_month", "months", "years", "location"];

/// Reads `{"times": [{"start_time": "22:00", "end_time": "24:00"}], "weekdays": ["monday:friday"], ...}`.
pub(super) fn read(from: &Placed<'_>) -> Result<Interval, WireError> {
    let fields = Fields::open(from.value, from.path.clone(), &KEYS)?;
    let interval = Interval {
        times: times(&fields)?,
        weekdays: ranges(&fields, Part::Weekdays)?,
        days_of_month: ranges(&fields, Part::DaysOfMonth)?,
        months: ranges(&fields, Part::Months)?,
        years: ranges(&fields, Part::Years)?,
        location: location(&fields)?,
    };
    if KEYS[..5].iter().all(|key| fields.get(key).is_none()) {
        let message = "says nothing, so it would be always; give times, weekdays, days_of_month, months or years";
        return Err(WireError::new(&from.path, message));
    }
    Ok(interval)
}

fn times(fields: &Fields<'_>) -> Result<Option<Vec<TimeRange>>, WireError> {
    if fields.get("times").is_none() {
        return Ok(None);
    }
    let read = |item: Placed<'_>| {
        let below = Fields::open(item.value, item.path.clone(), &["start_time", "end_time"])?;
        let (start, end) = (below.text("start_time", TEXT_MAX)?, below.text("end_time", TEXT_MAX)?);
        read_times(start, end).map_err(|(key, why)| match key {
            Some(key) => WireError::new(below.at(key), why),
            None => WireError::new(item.path, format!("{why}; a window over midnight is two of them, up to 24:00 and from 00:00")),
        })
    };
    fields.list("times", 1, RANGES_MAX)?.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}

fn ranges(fields: &Fields<'_>, part: Part) -> Result<Option<Vec<Range>>, WireError> {
    if fields.get(part.key()).is_none() {
        return Ok(None);
    }
    let read = |item: Placed<'_>| part.read(item.text(TEXT_MAX)?).map_err(|why| WireError::new(item.path, why));
    fields.list(part.key(), 1, RANGES_MAX)?.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}

fn location(fields: &Fields<'_>) -> Result<Option<Location>, WireError> {
    if fields.get("location").is_none() { Ok(None) } else { place(fields, "location").map(Some) }
}

/// Reads the name of a place whose clock counts.
pub(super) fn place(fields: &Fields<'_>, key: &str) -> Result<Location, WireError> {
    let text = fields.text(key, TEXT_MAX)?;
    match Location::parse(text) {
        Some(location) => Ok(location),
        None => fields.wrong(key, format!("{} is not a time zone, expected a name such as Europe/Berlin, UTC or Local", fields.shown(key))),
    }
}

/// Writes what [`read`] reads.
pub(super) fn write(interval: &Interval) -> Json {
    let mut out = Map::new();
    if let Some(times) = &interval.times {
        let time = |range: &TimeRange| json!({ "start_time": write_minute(range.start), "end_time": write_minute(range.end) });
        out.insert("times".to_owned(), times.iter().map(time).collect());
    }
    let parts = [&interval.weekdays, &interval.days_of_month, &interval.months, &interval.years];
    for (part, ranges) in Part::ALL.into_iter().zip(parts) {
        if let Some(ranges) = ranges {
            out.insert(part.key().to_owned(), ranges.iter().map(|range| Json::String(part.write(*range))).collect());
        }
    }
    if let Some(location) = interval.location {
        out.insert("location".to_owned(), location.as_str().into());
    }
    Json::Object(out)
}
