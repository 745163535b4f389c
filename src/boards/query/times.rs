//! How densely to ask: lengths of time that come out round, as Grafana chooses them.

use crate::base::limits::QUERY_POINTS_MAX;
use crate::base::time::{Duration, TimeRange};

/// Lengths that come out, in milliseconds, each with the length up to which it does.
const NICE: [(i64, i64); 30] = [
    (10, 1),
    (15, 10),
    (35, 20),
    (75, 50),
    (150, 100),
    (350, 200),
    (750, 500),
    (1_500, 1_000),
    (3_500, 2_000),
    (7_500, 5_000),
    (12_500, 10_000),
    (17_500, 15_000),
    (25_000, 20_000),
    (45_000, 30_000),
    (90_000, 60_000),
    (210_000, 120_000),
    (450_000, 300_000),
    (750_000, 600_000),
    (1_050_000, 900_000),
    (1_500_000, 1_200_000),
    (2_700_000, 1_800_000),
    (5_400_000, 3_600_000),
    (9_000_000, 7_200_000),
    (16_200_000, 10_800_000),
    (32_400_000, 21_600_000),
    (86_400_000, 43_200_000),
    (604_800_000, 86_400_000),
    (1_814_400_000, 604_800_000),
    (3_628_800_000, 2_592_000_000),
    (i64::MAX, 31_536_000_000),
];

/// A round length near this one, in milliseconds.
pub fn nice_interval(ms: i64) -> i64 {
    NICE.iter().find(|(below, _)| ms < *below).map_or(NICE[NICE.len() - 1].1, |(_, nice)| *nice)
}

/// The distance of so many points in a range, round and not below a least one; never so short that a series would pass
/// the points a query may have.
pub fn interval(range: TimeRange, points: u32, least: i64) -> i64 {
    let length = range.end.saturating_sub(range.start).max(0);
    let nice = nice_interval(length / i64::from(points.max(1)));
    let safe = length / QUERY_POINTS_MAX;
    let safe = if nice.max(least) > safe { 0 } else { nice_interval(safe.saturating_mul(2)).max(safe + 1) };
    nice.max(least).max(safe).max(1)
}

/// `$__rate_interval`, in milliseconds: long enough that there are always two samples in it.
pub fn rate_interval(interval: i64, scrape: i64) -> i64 {
    interval.saturating_add(scrape).max(scrape.saturating_mul(4))
}

/// When and how densely something is asked; what `$__interval` and its like stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// What is shown, in milliseconds since the Unix epoch.
    pub range: TimeRange,
    /// Distance of points, in milliseconds.
    pub interval: i64,
    /// How often targets are scraped, in milliseconds.
    pub scrape: i64,
}

impl Pace {
    /// For a range that fills so many points.
    pub fn new(range: TimeRange, points: u32, scrape: i64) -> Self {
        Self { range, interval: interval(range, points, scrape), scrape }
    }

    /// The value of a built-in variable that stands for a time or a length of one.
    pub fn built_in(&self, name: &str) -> Option<String> {
        let span = |ms: i64| Duration::from_ms(ms).to_string();
        let length = self.range.end.saturating_sub(self.range.start).max(0);
        let rate = rate_interval(self.interval, self.scrape);
        Some(match name {
            "__interval" | "interval" => span(self.interval),
            "__interval_ms" => self.interval.to_string(),
            "__rate_interval" => span(rate),
            "__rate_interval_ms" => rate.to_string(),
            "__range" => format!("{}s", (length + 500) / 1_000),
            "__range_s" => ((length + 500) / 1_000).to_string(),
            "__range_ms" => length.to_string(),
            "__auto" => span(self.interval),
            "__from" => self.range.start.to_string(),
            "__to" => self.range.end.to_string(),
            _ => return None,
        })
    }
}

/// A length as options of panels write it: `30s`, `>30s`, `1m`, plain seconds; none where it is none.
pub fn length(text: &str) -> Option<i64> {
    let text = text.trim().trim_start_matches('>').trim();
    let ms = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds.abs() < 1e12 => (seconds * 1_000.0).round() as i64,
        Ok(_) => return None,
        // Grafana's months have a letter that Prometheus does not know.
        Err(_) => match text.strip_suffix('M').and_then(|months| months.parse::<u32>().ok()) {
            Some(months) => i64::from(months) * 30 * 86_400_000,
            None => Duration::parse(text).ok()?.ms(),
        },
    };
    (ms > 0).then_some(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_round_and_not_below_the_least() {
        let hours = |n: i64| TimeRange::new(0, n * 3_600_000);
        for (range, points, least, expected) in [
            (hours(1), 1_000, 0, 5_000),
            (hours(1), 1_000, 15_000, 15_000),
            (hours(6), 1_000, 15_000, 20_000),
            (hours(24), 800, 15_000, 120_000),
            (hours(24 * 7), 1_000, 15_000, 600_000),
            (hours(24 * 365), 1_000, 15_000, 28_800_000 - 7_200_000),
            (hours(0), 1_000, 0, 1),
            (TimeRange::new(0, 3_600_000), 0, 0, 3_600_000),
        ] {
            assert_eq!(interval(range, points, least), expected, "{range:?} {points} {least}");
        }
        let dense = interval(hours(24), 1_000_000, 0);
        assert!(24 * 3_600_000 / dense <= QUERY_POINTS_MAX, "{dense}");
        assert_eq!(interval(TimeRange::ALL, 1, i64::MAX), i64::MAX);
    }

    #[test]
    fn rates_look_back_over_four_scrapes_or_one_more_than_the_interval() {
        for (interval, scrape, expected) in
            [(15_000, 15_000, 60_000), (60_000, 15_000, 75_000), (1_000, 30_000, 120_000), (i64::MAX, 1, i64::MAX)]
        {
            assert_eq!(rate_interval(interval, scrape), expected);
        }
    }

    #[test]
    fn lengths_are_read_as_people_write_them() {
        for (text, ms) in [
            ("30s", Some(30_000)),
            (">1m", Some(60_000)),
            ("15", Some(15_000)),
            ("2M", Some(5_184_000_000)),
            ("", None),
            ("x", None),
            ("-5", None),
        ] {
            assert_eq!(length(text), ms, "{text}");
        }
    }

    #[test]
    fn built_in_variables_say_lengths() {
        let pace = Pace { range: TimeRange::new(1_000, 3_601_000), interval: 15_000, scrape: 15_000 };
        for (name, value) in [
            ("__interval", "15s"),
            ("__interval_ms", "15000"),
            ("__rate_interval", "1m"),
            ("__rate_interval_ms", "60000"),
            ("__range", "3600s"),
            ("__range_s", "3600"),
            ("__range_ms", "3600000"),
            ("__from", "1000"),
            ("__to", "3601000"),
        ] {
            assert_eq!(pace.built_in(name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(pace.built_in("x"), None);
    }
}
