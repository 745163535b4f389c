//! Times as bars on lanes, and the marks below them.

use crate::base::time::TimeRange;
use crate::ui::format;
use crate::ui::lang::Lang;

/// The least width of a bar, as a share of the whole.
const WIDTH_LEAST: f64 = 0.002;
/// Marks below lanes.
const TICKS: i64 = 6;
/// Distances of marks on offer, in milliseconds.
const TICK_MS: [i64; 16] = [
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
    604_800_000,
    1_209_600_000,
    2_592_000_000,
];

/// A bar on a lane; both numbers are shares of the whole.
pub struct Bar {
    /// The class of its colour.
    pub class: &'static str,
    /// Where it begins.
    pub from: String,
    /// How long it is.
    pub width: String,
    /// What it is, with its time.
    pub title: String,
}

/// Bars in a line, under a name.
pub struct Lane {
    /// The name.
    pub name: String,
    /// Where it leads; empty for nowhere.
    pub href: String,
    /// The lane in words.
    pub said: String,
    /// The bars.
    pub bars: Vec<Bar>,
}

/// A mark below lanes.
pub struct Tick {
    /// Its time, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The same in words.
    pub words: String,
    /// Where it stands, as a share of the whole.
    pub share: String,
}

fn share(at: i64, range: TimeRange) -> f64 {
    let whole = range.end.saturating_sub(range.start).max(1) as f64;
    (at.saturating_sub(range.start) as f64 / whole).clamp(0.0, 1.0)
}

/// A bar over a time; what is shorter than can be seen is made as wide as can be.
pub fn bar(class: &'static str, words: &str, from: i64, to: i64, range: TimeRange, lang: Lang) -> Bar {
    let (begin, end) = (share(from, range), share(to, range));
    let width = (end - begin).max(WIDTH_LEAST);
    let title = if to > from {
        format!("{words}, {} – {} UTC", format::date_time(from, lang), format::date_time(to, lang))
    } else {
        format!("{words}, {} UTC", format::date_time(from, lang))
    };
    // What has only just begun must not lie behind the end of its lane.
    Bar { class, from: format!("{:.4}", begin.min(1.0 - width)), width: format!("{width:.4}"), title }
}

/// Marks at round times.
pub fn ticks(range: TimeRange, lang: Lang) -> Vec<Tick> {
    let whole = range.end.saturating_sub(range.start);
    let distance = TICK_MS.into_iter().find(|ms| whole / ms <= TICKS).unwrap_or(whole.max(1));
    let mut at = range.start.div_euclid(distance).saturating_add(1).saturating_mul(distance);
    let mut found = Vec::new();
    while at < range.end && found.len() < 12 {
        let minutes = at.div_euclid(60_000).rem_euclid(1440);
        let date = format::date(at, lang);
        let day = date.rsplit_once(' ').map_or(date.clone(), |(day, _)| day.to_owned());
        let words = if minutes == 0 { day } else { format!("{:02}:{:02}", minutes / 60, minutes % 60) };
        let share = share(at, range);
        // Words near the edge would stand beyond it.
        if share < 0.97 {
            found.push(Tick { at_ms: at, words, share: format!("{share:.4}") });
        }
        at = at.saturating_add(distance);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_just_began_is_seen() {
        let made = bar("f", "firing", 100, 100, TimeRange::new(0, 100), Lang::En);
        assert_eq!((made.from.as_str(), made.width.as_str()), ("0.9980", "0.0020"), "it ends where the lane does");
    }

    #[test]
    fn marks_are_few_whatever_the_range() {
        for (start, end) in [(0, 3_600_000), (0, 1), (i64::MIN, i64::MAX), (0, 86_400_000 * 400), (5, 5)] {
            assert!(ticks(TimeRange::new(start, end), Lang::En).len() <= 12, "{start} {end}");
        }
    }
}
