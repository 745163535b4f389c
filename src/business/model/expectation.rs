//! What an hour usually has, and what was missed: the cost of an incident.
//!
//! Usual is the median of the same weekday and hour, by the clock of the business, of the weeks before. Below a band around
//! it something was missed; within it hours differ by chance, and nothing is called lost.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::base::location::Location;

/// Weeks that are looked back.
const WEEKS: i64 = 8;
/// Weeks of which the hour must be known.
const WEEKS_MIN: usize = 4;
const HOUR_MS: i64 = 3_600_000;
const WEEK_HOURS: i64 = 7 * 24;
/// Of an hour that goes on, so much must be over before it says anything.
const RUNNING_MIN: f64 = 0.1;
/// The median distance from the median is so much less than a standard deviation.
const DEVIATION_OF_MEDIAN: f64 = 1.4826;
/// Standard deviations on either side that hold four of five hours.
const BAND_DEVIATIONS: f64 = 1.2816;

/// What an hour usually has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// The median.
    pub value: f64,
    /// Below, something was missed.
    pub low: f64,
    /// Above, there was more than usual.
    pub high: f64,
}

/// What was missed in a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// How much is missing below what is usual.
    pub lost: f64,
    /// What was to be expected.
    pub expected: f64,
    /// What there was.
    pub actual: f64,
    /// Hours that were compared.
    pub hours: usize,
    /// Hours that were not, since they, or too few weeks before, are not known.
    pub unknown: usize,
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => values.get(middle).copied(),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// The hour so many weeks before, which shows the same time on the clock of a place.
fn weeks_before(hour: i64, weeks: i64, location: Location) -> i64 {
    let before = hour - weeks * WEEK_HOURS;
    let ahead = |hour: i64| location.ahead(hour * HOUR_MS).unwrap_or(0);
    before + (ahead(hour) - ahead(before)) / HOUR_MS
}

/// What an hour (since the Unix epoch) usually has, by the values of hours before; none where too few are known.
pub fn usual(hours: &BTreeMap<i64, f64>, hour: i64, location: Location) -> Option<Usual> {
    let mut known: Vec<f64> = (1..=WEEKS)
        .filter_map(|weeks| hours.get(&weeks_before(hour, weeks, location)))
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    if known.len() < WEEKS_MIN {
        return None;
    }
    let value = median(&mut known)?;
    let mut distances: Vec<f64> = known.iter().map(|one| (one - value).abs()).collect();
    // Single events come at random: their number differs by its square root even where nothing else does.
    let deviation = (median(&mut distances)? * DEVIATION_OF_MEDIAN).max(value.max(0.0).sqrt());
    let band = deviation * BAND_DEVIATIONS;
    Some(Usual { value, low: value - band, high: value + band })
}

/// The hour that goes on, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Running {
    /// Which, since the Unix epoch.
    pub hour: i64,
    /// What there is so far.
    pub value: f64,
    /// How much of it is known, 0 to 1.
    pub elapsed: f64,
}

impl Running {
    /// What it comes to if it goes on like this; none where too little of it is over.
    fn whole(self) -> Option<f64> {
        (self.elapsed >= RUNNING_MIN && self.value.is_finite()).then(|| self.value / self.elapsed.min(1.0))
    }
}

/// What was missed within a range of time (milliseconds since the Unix epoch). Of an hour that lies in it in part, no more
/// than that part of what is usual; the hour that goes on counts as far as it is known.
pub fn cost(hours: &BTreeMap<i64, f64>, running: Option<Running>, within: Range<i64>, location: Location) -> Cost {
    let mut cost = Cost::default();
    if within.is_empty() {
        return cost;
    }
    for hour in within.start.div_euclid(HOUR_MS)..=(within.end - 1).div_euclid(HOUR_MS) {
        let running = running.filter(|running| running.hour == hour);
        let actual = hours.get(&hour).copied().or_else(|| running.and_then(Running::whole));
        let (Some(actual), Some(usual)) = (actual, usual(hours, hour, location)) else {
            cost.unknown += 1;
            continue;
        };
        let known = running.map_or(HOUR_MS, |running| (running.elapsed.clamp(0.0, 1.0) * HOUR_MS as f64) as i64);
        let overlap = (within.end.min(hour * HOUR_MS + known) - within.start.max(hour * HOUR_MS)).max(0);
        let share = overlap as f64 / HOUR_MS as f64;
        cost.hours += 1;
        cost.expected += usual.value * share;
        cost.actual += actual * share;
        if actual < usual.low {
            // Of an hour that goes on only what is over of it can be missing.
            let over = running.map_or(1.0, |running| running.elapsed.clamp(0.0, 1.0));
            cost.lost += ((usual.value - actual) * over).min(usual.value * share).max(0.0);
        }
    }
    cost
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shop that sells 100 an hour, on Mondays from 9 to 17 by the clock of Berlin 400.
    fn shop() -> BTreeMap<i64, f64> {
        let berlin = Location::parse("Europe/Berlin").unwrap();
        let from = crate::base::time::parse_rfc3339("2026-08-01T00:00:00Z").unwrap() / HOUR_MS;
        let value = |hour: i64| {
            let local = hour + berlin.ahead(hour * HOUR_MS).unwrap() / HOUR_MS;
            let (day, of_day) = (local.div_euclid(24), local.rem_euclid(24));
            let noise = [-3.0, 2.0, 0.0, 4.0, -1.0, 1.0][usize::try_from(hour.rem_euclid(6)).unwrap()];
            noise + if (day + 3).rem_euclid(7) == 0 && (9..17).contains(&of_day) { 400.0 } else { 100.0 }
        };
        (from..from + 120 * 24).map(|hour| (hour, value(hour))).collect()
    }

    fn at(text: &str) -> i64 {
        crate::base::time::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn an_incident_costs_what_was_missed_and_noise_costs_nothing() {
        let (mut hours, berlin) = (shop(), Location::parse("Europe/Berlin").unwrap());
        // A week after clocks were set back: the weeks before showed another hour of UTC.
        let monday = at("2026-11-02T08:00:00Z") / HOUR_MS;
        assert!((usual(&hours, monday, berlin).unwrap().value - 400.0).abs() < 5.0, "9 in the morning, in winter");
        assert!((usual(&hours, monday - 1, berlin).unwrap().value - 100.0).abs() < 5.0, "8 in the morning");
        let quiet = cost(&hours, None, at("2026-11-02T00:00:00Z")..at("2026-11-04T00:00:00Z"), berlin);
        assert_eq!((quiet.lost, quiet.hours, quiet.unknown), (0.0, 48, 0));
        hours.insert(monday, 0.0);
        hours.insert(monday + 1, 200.0);
        let down = cost(&hours, None, at("2026-11-02T08:00:00Z")..at("2026-11-02T10:00:00Z"), berlin);
        assert!((down.lost - 600.0).abs() < 10.0, "{down:?}");
        let half = cost(&hours, None, at("2026-11-02T08:00:00Z")..at("2026-11-02T08:30:00Z"), berlin);
        assert!((half.lost - 200.0).abs() < 5.0, "half an hour does not lose a whole one: {half:?}");
        // What went on longer than the history reaches.
        let early = cost(&hours, None, at("2026-08-10T00:00:00Z")..at("2026-08-10T02:00:00Z"), berlin);
        assert_eq!((early.hours, early.unknown, early.lost), (0, 2, 0.0));
        assert_eq!(cost(&hours, None, 5..5, berlin), Cost::default());
    }

    #[test]
    fn the_hour_that_goes_on_counts_as_far_as_it_is_known() {
        let (mut hours, berlin) = (shop(), Location::parse("Europe/Berlin").unwrap());
        let monday = at("2026-11-02T08:00:00Z") / HOUR_MS;
        hours.retain(|hour, _| *hour < monday);
        let so_far =
            |value: f64, elapsed: f64, within: Range<i64>| cost(&hours, Some(Running { hour: monday, value, elapsed }), within, berlin);
        let begin = at("2026-11-02T08:00:00Z");
        let half = so_far(0.0, 0.5, begin..begin + HOUR_MS / 2);
        assert!((half.lost - 200.0).abs() < 5.0 && (half.expected - 200.0).abs() < 5.0, "{half:?}");
        assert_eq!(so_far(200.0, 0.5, begin..begin + HOUR_MS / 2).lost, 0.0, "it is as it should be so far");
        // What is not known yet is not missed.
        let minutes = so_far(20.0, 0.25, begin..begin + HOUR_MS / 2);
        assert!((minutes.lost - 80.0).abs() < 5.0, "a quarter of 400, less the 20 that came: {minutes:?}");
        assert_eq!(so_far(0.0, 0.01, begin..begin + HOUR_MS / 2).unknown, 1, "too early to say");
    }
}
