//! How available something was: spans of states, less what was announced as maintenance, added up.
//!
//! Availability is the share of up in up and down. Maintenance, pauses and times of which nothing is known are in
//! neither; they are given beside it, so that nobody takes silence for success.

use super::track::{Span, State};
use super::window::Window;

/// What a length of time was made of; milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Up.
    pub up: i64,
    /// Down.
    pub down: i64,
    /// Nothing is known.
    pub unknown: i64,
    /// Paused.
    pub paused: i64,
    /// Maintenance, whatever the state was.
    pub maintenance: i64,
    /// Outages that were there at some time outside of maintenance.
    pub outages: u32,
}

impl Tally {
    /// The share of up in up and down, 0 to 1; none where neither was seen.
    pub fn availability(&self) -> Option<f64> {
        let known = self.up + self.down;
        (known > 0).then(|| self.up as f64 / known as f64)
    }

    /// Mean time to recovery in milliseconds: down per outage. None without an outage.
    pub fn mean_time_to_recovery(&self) -> Option<i64> {
        self.down.checked_div(i64::from(self.outages))
    }

    /// Mean time between failures in milliseconds: up per outage. None without an outage.
    pub fn mean_time_between_failures(&self) -> Option<i64> {
        self.up.checked_div(i64::from(self.outages))
    }

    /// Adds the times of another; outages are not added, as one may be in both.
    pub const fn add_times(&mut self, other: &Self) {
        self.up += other.up;
        self.down += other.down;
        self.unknown += other.unknown;
        self.paused += other.paused;
        self.maintenance += other.maintenance;
    }

    const fn add(&mut self, state: State, length: i64) {
        match state {
            State::Up => self.up += length,
            State::Down => self.down += length,
            State::Unknown => self.unknown += length,
            State::Paused => self.paused += length,
        }
    }
}

/// Adds up what a check was within `range`. `spans` are ascending and do not overlap, what none of them covers is
/// unknown; `maintenance` is ascending and does not touch ([`super::window::joined`]).
pub fn tally(spans: &[Span], maintenance: &[Window], range: Window) -> Tally {
    let mut tally = Tally::default();
    let first = spans.partition_point(|span| span.until <= range.from);
    let mut at = range.from;
    // Whether the down before goes on: nothing but silence was in between.
    let mut is_same_outage = false;
    for span in spans.get(first..).unwrap_or_default().iter().take_while(|span| span.from < range.until) {
        let part = range.common(Window::new(span.from, span.until));
        count(&mut tally, State::Unknown, Window::new(at, part.from), maintenance);
        let counted = count(&mut tally, span.state, part, maintenance);
        if span.state == State::Down {
            tally.outages += u32::from(counted > 0 && !is_same_outage);
            is_same_outage |= counted > 0;
        } else if span.state != State::Unknown {
            is_same_outage = false;
        }
        at = part.until;
    }
    count(&mut tally, State::Unknown, Window::new(at, range.until), maintenance);
    tally
}

/// Adds a part of one state, less the maintenance in it; says how much was outside of that.
fn count(tally: &mut Tally, state: State, part: Window, maintenance: &[Window]) -> i64 {
    if part.length() == 0 {
        return 0;
    }
    let first = maintenance.partition_point(|window| window.until <= part.from);
    let within = maintenance.get(first..).unwrap_or_default().iter().take_while(|window| window.from < part.until);
    let excluded: i64 = within.map(|window| part.common(*window).length()).sum();
    tally.maintenance += excluded;
    tally.add(state, part.length() - excluded);
    part.length() - excluded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::window::joined;
    use super::*;

    fn span(from: i64, until: i64, state: State) -> Span {
        Span { from, until, state }
    }

    #[test]
    fn parts_are_added_up() {
        let spans = [
            span(10, 40, State::Up),
            span(40, 50, State::Down),
            span(50, 60, State::Unknown),
            span(60, 70, State::Down),
            span(70, 80, State::Up),
            span(80, 90, State::Paused),
        ];
        let found = tally(&spans, &[Window::new(45, 48), Window::new(75, 85)], Window::new(0, 100));
        assert_eq!(found, Tally { up: 35, down: 17, unknown: 30, paused: 5, maintenance: 13, outages: 1 });
        assert_eq!(found.availability(), Some(35.0 / 52.0));
        assert_eq!((found.mean_time_to_recovery(), found.mean_time_between_failures()), (Some(17), Some(35)));
    }

    #[test]
    fn an_outage_within_maintenance_is_none() {
        let spans = [span(0, 10, State::Up), span(10, 20, State::Down), span(20, 30, State::Up)];
        let found = tally(&spans, &[Window::new(5, 25)], Window::new(0, 30));
        assert_eq!(found, Tally { up: 10, maintenance: 20, ..Tally::default() });
        assert_eq!((found.availability(), found.mean_time_to_recovery()), (Some(1.0), None));
    }

    #[test]
    fn what_nobody_saw_has_no_share() {
        assert_eq!(tally(&[], &[], Window::new(0, 5)).availability(), None);
        assert_eq!(tally(&[], &[], Window::new(5, 0)), Tally::default());
    }

    proptest! {
        /// Against a count of every single instant; and the parts of a range add up to the whole.
        #[test]
        fn every_instant_counts_once(
            lengths in proptest::collection::vec((0_i64..5, 1_i64..9, 0_usize..4), 0..20),
            windows in proptest::collection::vec((0_i64..150, 1_i64..20), 0..6),
            from in 0_i64..100, length in 0_i64..100, cut in 0_i64..100,
        ) {
            let mut at = 0;
            let spans: Vec<Span> = lengths.into_iter().map(|(gap, length, state)| {
                let from = at + gap;
                at = from + length;
                span(from, at, State::ALL[state])
            }).collect();
            let windows = joined(windows.into_iter().map(|(from, length)| Window::new(from, from + length)).collect());
            let range = Window::new(from, from + length);
            let found = tally(&spans, &windows, range);
            let mut slow = Tally { outages: found.outages, ..Tally::default() };
            for instant in range.from..range.until {
                let state = spans.iter().find(|span| span.from <= instant && instant < span.until).map_or(State::Unknown, |span| span.state);
                if windows.iter().any(|window| window.contains(instant)) { slow.maintenance += 1 } else { slow.add(state, 1) }
            }
            prop_assert_eq!(found, slow);
            let middle = from + cut.min(length);
            let mut parts = tally(&spans, &windows, Window::new(range.from, middle));
            parts.add_times(&tally(&spans, &windows, Window::new(middle, range.until)));
            prop_assert_eq!(Tally { outages: 0, ..parts }, Tally { outages: 0, ..found });
        }
    }
}
