//! How fast a budget burns: pairs of windows that must both burn before anybody is told, and one word for where it stands.

use super::period::DAY;
use crate::base::time::Duration;

/// Which way people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Somebody is woken up.
    Page,
    /// Somebody looks at it in the coming days.
    Ticket,
}

impl Urgency {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Page, Self::Ticket].into_iter().find(|urgency| urgency.as_str() == text)
    }
}

/// Two windows in which the budget must burn so fast, before anybody is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// How people are told.
    pub urgency: Urgency,
    /// How fast: 1 spends the budget exactly within its period.
    pub rate: f64,
    /// Shows that much has burnt.
    pub long: Duration,
    /// Shows that it burns still.
    pub short: Duration,
    /// For how long both must burn.
    pub hold: Duration,
    /// The label `severity`; empty for that of the urgency.
    pub severity: String,
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// Of periods up to this a larger part of the budget is spent before anybody is told.
const SHORT_PERIOD: i64 = 7 * DAY;
/// From this on it is the part that the workbook names; in between it is in between.
const USUAL_PERIOD: i64 = 28 * DAY;
/// Longer periods are told of as early as this one.
const LONG_PERIOD: i64 = 30 * DAY;

/// Long and short windows of the SRE workbook, and the part of the budget that has burnt in the long one when people are
/// told: of a period of about a month, and of about a week.
const PAIRS: [(Urgency, i64, i64, f64, f64); 4] = [
    (Urgency::Page, HOUR, 5 * MINUTE, 0.02, 0.08),
    (Urgency::Page, 6 * HOUR, 30 * MINUTE, 0.05, 0.125),
    (Urgency::Ticket, DAY, 2 * HOUR, 0.10, 0.20),
    (Urgency::Ticket, 3 * DAY, 6 * HOUR, 0.10, 0.42),
];

/// The windows of burn rates that are always recorded and shown.
pub const WINDOWS: [Duration; 7] = [
    Duration::from_ms(5 * MINUTE),
    Duration::from_ms(30 * MINUTE),
    Duration::from_ms(HOUR),
    Duration::from_ms(2 * HOUR),
    Duration::from_ms(6 * HOUR),
    Duration::from_ms(DAY),
    Duration::from_ms(3 * DAY),
];

/// The pairs of a period of so many milliseconds, as the SRE workbook recommends them for 30 days.
pub fn usual(period: i64) -> Vec<Pair> {
    let along = (period - SHORT_PERIOD) as f64 / (USUAL_PERIOD - SHORT_PERIOD) as f64;
    let of = |(urgency, long, short, month, week): (Urgency, i64, i64, f64, f64)| {
        let part = week + (month - week) * along.clamp(0.0, 1.0);
        let rate = part * period.min(LONG_PERIOD) as f64 / long as f64;
        // 14.4 and not 14.399999999999999.
        let rate = (rate * 1e6).round() / 1e6;
        let (long, short) = (Duration::from_ms(long), Duration::from_ms(short));
        Pair { urgency, rate, long, short, hold: Duration::default(), severity: String::new() }
    };
    PAIRS.into_iter().map(of).collect()
}

/// Where the budget of an objective stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It burns so fast that somebody is woken up.
    Critical,
    /// It burns faster than it may for long.
    Rising,
    /// It burnt too fast, and does not now.
    Recovering,
    /// It lasts.
    Fine,
    /// Nothing was counted.
    Unknown,
}

impl State {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Rising => "rising",
            Self::Recovering => "recovering",
            Self::Fine => "fine",
            Self::Unknown => "no data",
        }
    }
}

/// The word for burn rates: `rate` gives that of a window, `left` is the part of the budget that is left.
pub fn state(pairs: &[Pair], rate: impl Fn(Duration) -> Option<f64>, left: Option<f64>) -> State {
    let over = |window: Duration, bound: f64| rate(window).is_some_and(|rate| rate > bound);
    let burns =
        |urgency: Urgency| pairs.iter().any(|pair| pair.urgency == urgency && over(pair.long, pair.rate) && over(pair.short, pair.rate));
    let [minutes, half_hour, hour, ..] = WINDOWS;
    let is_spent = left.is_some_and(|left| left <= 0.0);
    let burns_on = over(hour, 1.0) && (over(half_hour, 1.0) || over(minutes, 1.0));
    if left.is_none() && WINDOWS.iter().all(|window| rate(*window).is_none()) {
        State::Unknown
    } else if burns(Urgency::Page) {
        State::Critical
    } else if burns(Urgency::Ticket) || burns_on {
        State::Rising
    } else if is_spent || pairs.iter().any(|pair| over(pair.long, pair.rate)) {
        State::Recovering
    } else {
        State::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_those_of_the_workbook() {
        let rates = |days: i64| usual(days * DAY).iter().map(|pair| pair.rate).collect::<Vec<_>>();
        assert_eq!(rates(30), [14.4, 6.0, 3.0, 1.0]);
        assert_eq!(rates(28), [13.44, 5.6, 2.8, 0.933333]);
        assert_eq!(rates(7), [13.44, 3.5, 1.4, 0.98]);
        assert_eq!(rates(92), rates(30));
        assert_eq!(rates(14), [20.16, 5.6, 2.333333, 1.462222], "between a week and four");
        let windows: Vec<String> = usual(30 * DAY).iter().map(|pair| format!("{} {}", pair.long, pair.short)).collect();
        assert_eq!(windows, ["1h 5m", "6h 30m", "1d 2h", "3d 6h"]);
    }

    #[test]
    fn one_word_says_where_it_stands() {
        let pairs = usual(30 * DAY);
        // Rates of 5m, 30m, 1h, 2h, 6h, 1d and 3d.
        let word = |rates: [f64; 7], left: f64| {
            let rate = |window: Duration| WINDOWS.iter().position(|known| *known == window).map(|at| rates[at]);
            state(&pairs, rate, Some(left))
        };
        assert_eq!(word([0.0; 7], 1.0), State::Fine);
        assert_eq!(word([20.0, 20.0, 20.0, 10.0, 4.0, 1.0, 0.5], 0.5), State::Critical);
        assert_eq!(word([0.0, 7.0, 20.0, 10.0, 4.0, 1.0, 0.5], 0.5), State::Rising, "it burnt within half an hour");
        assert_eq!(word([0.0, 0.0, 20.0, 10.0, 4.0, 1.0, 0.5], 0.5), State::Recovering);
        assert_eq!(word([4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 1.0], 0.5), State::Rising);
        assert_eq!(word([0.0; 7], -0.2), State::Recovering, "spent, and good again");
        assert_eq!(state(&pairs, |_| None, None), State::Unknown);
    }
}
