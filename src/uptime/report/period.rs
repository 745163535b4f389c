//! Periods that are reported: a month, a quarter, a year, by the clock of a place.

pub use crate::base::period::{Grain, Period};

use crate::base::location::Location;
use crate::base::period::Calendar;
use crate::uptime::model::window::Window;

/// Reads `2026-10`, `2026-Q4`, `2026`.
pub fn parse(text: &str) -> Option<Period> {
    Period::parse(text).filter(|period| period.grain() >= Grain::Month)
}

/// The month of an instant (milliseconds since the Unix epoch) there.
pub fn month_of(at: i64, location: Location) -> Option<Period> {
    Calendar::of(location).period(Grain::Month, at)
}

/// From its first instant there until the first of the next.
pub fn window(period: Period, location: Location) -> Option<Window> {
    Calendar::of(location).window(period).map(|window| Window::new(window.start, window.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_longer_are_reported() {
        assert!(["2026-01", "2026-Q4", "2026"].iter().all(|text| parse(text).is_some()));
        assert!(["", "2026-01-01", "2026-W01", "2026-01-01T00"].iter().all(|text| parse(text).is_none()));
    }
}
