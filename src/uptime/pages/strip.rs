//! States of a check over time, as bars of equal length, and the figures beside them.

use crate::ui::format::{self, Unit};
use crate::ui::lang::{Lang, key};
use crate::uptime::model::figures::Tally;
use crate::uptime::model::window::Window;

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// How far bars reach back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Four hours, six minutes a bar.
    Hours4,
    /// A day, forty minutes a bar.
    #[default]
    Day,
    /// A month, a day a bar.
    Days30,
    /// A quarter, three days a bar.
    Days90,
}

impl Reach {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Hours4, Self::Day, Self::Days30, Self::Days90];

    /// From the URL.
    pub fn read(text: &str) -> Self {
        Self::ALL.into_iter().find(|reach| reach.as_str() == text).unwrap_or_default()
    }

    /// The value of `range` in the URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hours4 => "4h",
            Self::Day => "24h",
            Self::Days30 => "30d",
            Self::Days90 => "90d",
        }
    }

    /// Its words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Hours4 => key("4 h"),
            Self::Day => key("24 h"),
            Self::Days30 => key("30 d"),
            Self::Days90 => key("90 d"),
        }
    }

    /// Bars, and the length of each in milliseconds.
    const fn bars(self) -> (i64, i64) {
        match self {
            Self::Hours4 => (40, 6 * MINUTE),
            Self::Day => (36, 40 * MINUTE),
            Self::Days30 => (30, DAY),
            Self::Days90 => (30, 3 * DAY),
        }
    }

    /// The windows of its bars, ascending and beside each other. They begin at round times, so that bars do not move with
    /// each look; the last ends now.
    pub fn windows(self, now: i64) -> Vec<Window> {
        let (count, step) = self.bars();
        windows(count, step, now)
    }
}

/// Windows of days until now, ascending.
pub fn days(count: i64, now: i64) -> Vec<Window> {
    windows(count, DAY, now)
}

fn windows(count: i64, step: i64, now: i64) -> Vec<Window> {
    let last = now.div_euclid(step) * step;
    (0..count).rev().map(|back| last - back * step).map(|from| Window::new(from, (from + step).min(now.max(from + 1)))).collect()
}

/// A bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// The class of its look; empty for up.
    pub class: &'static str,
    /// What it is, in words; empty where it was up all the time.
    pub title: String,
}

/// Bars in a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Strip {
    /// The bars, ascending.
    pub bars: Vec<Bar>,
    /// All of them in words.
    pub said: String,
    /// The share of up, in words; a dash where nothing is known.
    pub available: String,
    /// Whether the share is below what anybody would call fine.
    pub is_low: bool,
}

/// A share as people read it: never 100 % unless it is all.
pub fn percent(share: f64) -> String {
    if share >= 1.0 {
        return "100 %".to_owned();
    }
    let hundredths = (share * 10_000.0).floor().max(0.0) / 100.0;
    format!("{hundredths:.2} %")
}

/// The bars of some windows.
pub fn strip(windows: &[Window], tallies: &[Tally], lang: Lang) -> Strip {
    let mut whole = Tally::default();
    let bars = windows.iter().zip(tallies).map(|(window, tally)| {
        whole.add_times(tally);
        bar(*window, tally, lang)
    });
    let bars = bars.collect();
    let available = whole.availability().map_or_else(|| "–".to_owned(), percent);
    let down = format::number(whole.down as f64 / 1000.0, Unit::Seconds);
    let said = match (whole.availability(), whole.down) {
        (None, _) => lang.t("Nothing is known").to_owned(),
        (Some(_), 0) => lang.fill("Up {}", &[&available]),
        (Some(_), _) => lang.fill("Up {}, down {}", &[&available, &down]),
    };
    Strip { bars, said, is_low: whole.availability().is_some_and(|share| share < 0.99), available }
}

fn bar(window: Window, tally: &Tally, lang: Lang) -> Bar {
    let known = tally.up + tally.down;
    let class = if tally.down > 0 && tally.down * 2 >= known {
        "d"
    } else if tally.down > 0 {
        "w"
    } else if tally.up > 0 {
        ""
    } else if tally.maintenance > 0 {
        "m"
    } else if tally.paused > 0 {
        "p"
    } else {
        "u"
    };
    let words = match class {
        "d" | "w" => lang.fill("down {}", &[&format::number(tally.down as f64 / 1000.0, Unit::Seconds)]),
        "m" => lang.t("maintenance").to_owned(),
        "p" => lang.t("paused").to_owned(),
        _ => return Bar { class, title: String::new() },
    };
    Bar { class, title: format!("{} UTC: {words}", format::date_time(window.from, lang)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_714_000_000;

    #[test]
    fn bars_are_beside_each_other_and_end_now() {
        for reach in Reach::ALL {
            let windows = reach.windows(NOW);
            assert!(windows.len() <= 40 && windows.last().unwrap().until == NOW, "{reach:?}");
            assert!(windows.windows(2).all(|pair| pair[0].until == pair[1].from), "{reach:?}");
            assert_eq!(Reach::read(reach.as_str()), reach);
        }
        let at_a_round_time = days(3, 10 * DAY);
        assert!(at_a_round_time.iter().all(|window| window.length() > 0), "{at_a_round_time:?}");
    }

    #[test]
    fn a_share_is_never_more_than_it_is() {
        assert_eq!((percent(1.0), percent(0.999_999), percent(0.5)), ("100 %".into(), "99.99 %".into(), "50.00 %".into()));
    }

    #[test]
    fn each_state_has_its_look() {
        let of =
            |up, down, paused, maintenance| bar(Window::new(0, 10), &Tally { up, down, paused, maintenance, ..Tally::default() }, Lang::En);
        let classes =
            [of(10, 0, 0, 0), of(9, 1, 0, 0), of(1, 9, 0, 0), of(0, 0, 5, 0), of(0, 0, 0, 5), of(0, 0, 0, 0)].map(|bar| bar.class);
        assert_eq!(classes, ["", "w", "d", "p", "m", "u"]);
        assert!(of(1, 9_000, 0, 0).title.contains("down 9 s"));
        let none = strip(&[], &[], Lang::En);
        assert_eq!((none.available.as_str(), none.is_low), ("–", false));
    }
}
