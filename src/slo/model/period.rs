//! The time over which an objective counts: the last so many days, or a week, month or quarter of the calendar.

use std::fmt;

use crate::base::location::Location;
use crate::base::period::{Calendar, Grain};
use crate::base::time::Duration;

/// A day, in milliseconds.
pub const DAY: i64 = 86_400_000;

/// A part of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// From Monday on.
    Week,
    /// From the first on.
    Month,
    /// From the first of January, April, July or October on.
    Quarter,
}

impl Unit {
    /// All, the shortest first.
    pub const ALL: [Self; 3] = [Self::Week, Self::Month, Self::Quarter];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.as_str() == text)
    }

    /// More days than any of them has.
    pub const fn days_max(self) -> i64 {
        match self {
            Self::Week => 7,
            Self::Month => 31,
            Self::Quarter => 92,
        }
    }

    const fn grain(self) -> Grain {
        match self {
            Self::Week => Grain::Week,
            Self::Month => Grain::Month,
            Self::Quarter => Grain::Quarter,
        }
    }
}

/// A length of time with its ends, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First instant.
    pub from: i64,
    /// The instant after the last.
    pub until: i64,
}

impl Span {
    /// How long, in milliseconds.
    pub const fn length(self) -> i64 {
        self.until - self.from
    }
}

/// Over which time an objective counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// The last so long.
    Rolling(Duration),
    /// A part of the calendar, by the clock of a place.
    Calendar(Unit, Location),
}

impl Period {
    /// The time that counts at an instant: what is rolling ends then, what is of the calendar ends later.
    pub fn around(self, at: i64) -> Span {
        let rolling = |length: i64| Span { from: at - length, until: at };
        match self {
            Self::Rolling(length) => rolling(length.ms()),
            Self::Calendar(unit, place) => calendar(unit, place, at).unwrap_or_else(|| rolling(unit.days_max() * DAY)),
        }
    }

    /// How long it is in all at an instant.
    pub fn length(self, at: i64) -> i64 {
        self.around(at).length()
    }

    /// Which part of it is over at an instant, 0 to 1; a rolling one is always over.
    pub fn elapsed(self, at: i64) -> f64 {
        let span = self.around(at);
        if span.length() <= 0 { 1.0 } else { ((at - span.from) as f64 / span.length() as f64).clamp(0.0, 1.0) }
    }
}

impl fmt::Display for Period {
    /// As the label `window` says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rolling(length) => f.write_str(&window(*length)),
            Self::Calendar(unit, _) => f.write_str(unit.as_str()),
        }
    }
}

/// A length of time in whole days where it is that: `28d`, not `4w`, since people speak of 28 days.
pub fn window(length: Duration) -> String {
    let ms = length.ms();
    if ms > 0 && ms % DAY == 0 { format!("{}d", ms / DAY) } else { length.to_string() }
}

fn calendar(unit: Unit, place: Location, at: i64) -> Option<Span> {
    let calendar = Calendar::of(place);
    let window = calendar.window(calendar.period(unit.grain(), at)?)?;
    Some(Span { from: window.start, until: window.end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::{format_rfc3339, parse_rfc3339};

    fn span(period: Period, at: &str) -> (String, String) {
        let span = period.around(parse_rfc3339(at).unwrap());
        (format_rfc3339(span.from), format_rfc3339(span.until))
    }

    #[test]
    fn parts_of_the_calendar_begin_by_the_clock_of_their_place() {
        let berlin = Location::parse("Europe/Berlin").unwrap();
        for (unit, place, at, from, until) in [
            (Unit::Month, Location::Utc, "2026-11-20T12:00:00Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            (Unit::Week, Location::Utc, "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
            (Unit::Quarter, Location::Utc, "2026-11-22T00:00:00Z", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            // The month in which clocks are set back is an hour longer.
            (Unit::Month, berlin, "2026-10-31T22:30:00Z", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
            (Unit::Month, berlin, "2026-10-31T23:00:00Z", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"),
        ] {
            let found = span(Period::Calendar(unit, place), at);
            let is = |text: &str, expected: &str| parse_rfc3339(text) == parse_rfc3339(expected);
            assert!(is(&found.0, from) && is(&found.1, until), "{unit:?} {at}: {found:?}");
        }
    }

    #[test]
    fn what_rolls_is_always_over() {
        let period = Period::Rolling(Duration::from_ms(30 * DAY));
        let span = period.around(100 * DAY);
        assert_eq!((span.from, span.until, period.elapsed(5)), (70 * DAY, 100 * DAY, 1.0));
        assert_eq!((period.to_string(), Period::Rolling(Duration::from_ms(28 * DAY)).to_string()), ("30d".to_owned(), "28d".to_owned()));
        let month = Period::Calendar(Unit::Month, Location::Utc);
        let middle = parse_rfc3339("2026-11-16T00:00:00Z").unwrap();
        assert!((month.elapsed(middle) - 0.5).abs() < 1e-9);
    }
}
