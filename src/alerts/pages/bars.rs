//! States of alerts over time, from the series that rules leave behind, as bars on lanes.

use std::collections::BTreeMap;

use super::ways;
use crate::alerts::model::State;
use crate::alerts::model::history::AlertChange;
use crate::base::time::TimeRange;
use crate::series::labels::Labels;
use crate::series::value::RangeSeries;
pub use crate::ui::lanes::{Bar, Lane, Tick, bar, ticks};
use crate::ui::lang::key;
use crate::ui::shell::Shell;

/// Steps of a range: the precision of bars.
const STEPS: i64 = 360;

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

/// The spells of alerts that leave no series, by alert and time: of their changes, the newest first, and of those that are
/// on now with the instant since which they are. What was on before the first change that is known began with the range.
pub fn spells_of_changes(changes: &[AlertChange], on_now: &[(Labels, i64)], range: TimeRange) -> Vec<Spell> {
    let mut by_alert: BTreeMap<&Labels, Vec<&AlertChange>> = BTreeMap::new();
    for change in changes.iter().rev() {
        by_alert.entry(&change.labels).or_default().push(change);
    }
    let mut found = Vec::new();
    for (labels, changes) in &by_alert {
        let was_on = changes.first().is_some_and(|first| first.from == Some(State::Firing));
        let mut since = was_on.then_some(range.start);
        for change in changes {
            match (change.to == Some(State::Firing), since) {
                (true, None) => since = Some(change.at),
                (false, Some(start)) => {
                    found.push(spell(labels, start, change.at));
                    since = None;
                }
                _ => {}
            }
        }
        found.extend(since.map(|start| spell(labels, start, i64::MAX)));
    }
    let unchanged = on_now.iter().filter(|(labels, _)| !by_alert.contains_key(labels));
    found.extend(unchanged.map(|(labels, since)| spell(labels, *since, i64::MAX)));
    found.retain(|spell| spell.range.start < range.end && spell.range.end > range.start);
    for spell in &mut found {
        spell.is_open = spell.range.end > range.end;
        spell.range = TimeRange::new(spell.range.start.max(range.start), spell.range.end.min(range.end));
    }
    found.sort_by(|a, b| a.labels.cmp(&b.labels).then(a.range.start.cmp(&b.range.start)));
    found
}

fn spell(labels: &Labels, start: i64, end: i64) -> Spell {
    Spell { labels: labels.clone(), is_firing: true, range: TimeRange::new(start, end), is_open: false }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::model::State::{Firing, Inactive};
    use crate::ui::nav::Page;
    use crate::ui::shell::tests::shell;

    #[test]
    fn alerts_without_a_series_are_drawn_from_how_they_changed() {
        let labels = |name: &str| Labels::from_pairs([("alertname", name)]);
        let change = |name: &str, at: i64, from, to| AlertChange { at, labels: labels(name), from, to: Some(to), source: "".into() };
        let changes = [
            change("late", 900, None, Firing),
            change("twice", 400, Some(Inactive), Firing),
            change("twice", 250, Some(Firing), Inactive),
            change("twice", 200, None, Firing),
            change("before", 150, Some(Firing), Inactive),
        ];
        let on_now = [(labels("long"), 20), (labels("twice"), 400), (labels("late"), 900)];
        let found = spells_of_changes(&changes, &on_now, TimeRange::new(100, 500));
        let told: Vec<(&str, i64, i64, bool)> =
            found.iter().map(|spell| (spell.labels.get("alertname").unwrap(), spell.range.start, spell.range.end, spell.is_open)).collect();
        assert_eq!(told, [("before", 100, 150, false), ("long", 100, 500, true), ("twice", 200, 250, false), ("twice", 400, 500, true)]);
        assert!(found.iter().all(|spell| spell.is_firing));
    }

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
    fn steps_are_never_shorter_than_five_seconds() {
        for (start, end) in [(0, 3_600_000), (0, 1), (i64::MIN, i64::MAX), (5, 5)] {
            assert!(step_ms(TimeRange::new(start, end)) >= 5000);
        }
    }
}
