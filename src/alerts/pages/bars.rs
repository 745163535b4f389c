//! States of alerts over time, from the series that rules leave behind, as bars on lanes.

use std::collections::BTreeMap;

use super::ways;
use crate::base::time::TimeRange;
use crate::series::labels::Labels;
use crate::series::value::RangeSeries;
use crate::ui::format;
use crate::ui::lang::{Lang, key};
use crate::ui::shell::Shell;

/// Steps of a range: the precision of bars.
const STEPS: i64 = 360;
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

/// A time during which an alert was in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spell {
    /// The alert's labels, `alertname` included.
    pub labels: Labels,
    /// Whether it fired; else it was pending.
    pub is_firing: bool,
    /// Its time in milliseconds since the Unix epoch, to the precision of a step.
    pub range: TimeRange,
    /// Whether it lasted to the end of what was asked for.
    pub is_open: bool,
}

/// The distance of evaluations that shows a range with enough precision, in milliseconds.
pub fn step_ms(range: TimeRange) -> i64 {
    ((range.end.saturating_sub(range.start)) / STEPS / 1000).clamp(5, 86_400) * 1000
}

/// Times without a gap, of instants a step apart; each with whether it lasts to the end of the range.
pub fn runs(instants: impl Iterator<Item = i64>, step: i64, range: TimeRange) -> Vec<(TimeRange, bool)> {
    let mut found: Vec<TimeRange> = Vec::new();
    for at in instants {
        match found.last_mut() {
            Some(open) if at.saturating_sub(open.end) <= step + step / 2 => open.end = at,
            _ => found.push(TimeRange::new(at, at)),
        }
    }
    let whole = |run: TimeRange| {
        let end = run.end.saturating_add(step);
        (TimeRange::new(run.start, end.min(range.end)), end > range.end)
    };
    found.into_iter().map(whole).collect()
}

/// The spells of the series `ALERTS`, by alert and time.
pub fn spells(series: &[RangeSeries], step: i64, range: TimeRange) -> Vec<Spell> {
    let mut found = Vec::new();
    for one in series {
        let is_firing = one.labels.get("alertstate") == Some("firing");
        let labels = one.labels.without(|name| name == "alertstate" || name == "__name__");
        let runs = runs(one.floats.iter().map(|(at, _)| *at), step, range);
        found.extend(runs.into_iter().map(|(range, is_open)| Spell { labels: labels.clone(), is_firing, range, is_open }));
    }
    found.sort_by(|a, b| a.labels.cmp(&b.labels).then(a.range.start.cmp(&b.range.start)));
    found
}

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

/// A lane for each alert, those that were active last first, at most so many; and how many more there are.
pub fn lanes(spells: &[Spell], range: TimeRange, most: usize, shell: &Shell) -> (Vec<Lane>, usize) {
    let mut by_alert: BTreeMap<&Labels, Vec<&Spell>> = BTreeMap::new();
    for spell in spells {
        by_alert.entry(&spell.labels).or_default().push(spell);
    }
    let mut order: Vec<(&Labels, Vec<&Spell>)> = by_alert.into_iter().collect();
    order.sort_by_key(|(_, spells)| {
        let last = spells.iter().map(|spell| (spell.range.end, spell.is_firing)).max();
        std::cmp::Reverse(last)
    });
    let more = order.len().saturating_sub(most);
    let lang = shell.lang();
    let lane = |(labels, spells): (&Labels, Vec<&Spell>)| {
        let firing = spells.iter().filter(|spell| spell.is_firing).count();
        let bars = spells.iter().map(|spell| {
            let (class, words) = if spell.is_firing { ("f", key("firing")) } else { ("p", key("pending")) };
            bar(class, shell.t(words), spell.range.start, spell.range.end, range, lang)
        });
        Lane {
            name: name(labels),
            href: ways::with_label("alertname", labels.get("alertname").unwrap_or("")),
            said: format!("{}: {}", name(labels), lang.n(firing as u64, "fired {} time", "fired {} times")),
            bars: bars.collect(),
        }
    };
    (order.into_iter().take(most).map(lane).collect(), more)
}

/// An alert in one line: its name, and what tells it from others of the name.
pub fn name(labels: &Labels) -> String {
    let rest = labels.without(|name| matches!(name, "alertname" | "severity"));
    let rest: Vec<&str> = rest.iter().map(|(_, value)| value).collect();
    let alert = labels.get("alertname").unwrap_or("");
    if rest.is_empty() { alert.to_owned() } else { format!("{alert} · {}", rest.join(" ")) }
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
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    fn series(state: &str, times: &[i64]) -> RangeSeries {
        RangeSeries {
            labels: Labels::from_pairs([("__name__", "ALERTS"), ("alertname", "Down"), ("alertstate", state), ("job", "a")]),
            floats: times.iter().map(|at| (*at, 1.0)).collect(),
            histograms: Vec::new(),
        }
    }

    #[test]
    fn gaps_end_spells() {
        let range = TimeRange::new(0, 100);
        let found = spells(&[series("firing", &[20, 30, 60, 90, 100]), series("pending", &[10])], 10, range);
        let seen: Vec<(bool, i64, i64, bool)> =
            found.iter().map(|spell| (spell.is_firing, spell.range.start, spell.range.end, spell.is_open)).collect();
        assert_eq!(seen, [(false, 10, 20, false), (true, 20, 40, false), (true, 60, 70, false), (true, 90, 100, true)]);
        let (lanes, more) = lanes(&found, range, 5, &shell(Page::Alerts, "x", "/", ""));
        assert_eq!((lanes.len(), lanes[0].bars.len(), more), (1, 4, 0));
        assert_eq!((lanes[0].name.as_str(), lanes[0].bars[1].from.as_str()), ("Down · a", "0.2000"));
    }

    #[test]
    fn what_just_began_is_seen() {
        let made = bar("f", "firing", 100, 100, TimeRange::new(0, 100), Lang::En);
        assert_eq!((made.from.as_str(), made.width.as_str()), ("0.9980", "0.0020"), "it ends where the lane does");
    }

    #[test]
    fn marks_are_few_whatever_the_range() {
        for (start, end) in [(0, 3_600_000), (0, 1), (i64::MIN, i64::MAX), (0, 86_400_000 * 400), (5, 5)] {
            assert!(ticks(TimeRange::new(start, end), Lang::En).len() <= 12, "{start} {end}");
            assert!(step_ms(TimeRange::new(start, end)) >= 5000);
        }
    }
}
