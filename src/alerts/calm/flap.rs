//! Which alerts come and go so often that they count as on until they are quiet.

use std::collections::{HashMap, VecDeque};

use super::rule::Flapping;
use crate::alerts::model::matcher::Matchers;
use crate::series::labels::Labels;

/// Most alerts whose beginnings are remembered at a time.
const ALERTS_MAX: usize = 100_000;
/// Most beginnings of an alert that are remembered.
const STARTS_MAX: u32 = 1_000;

/// What is remembered of alerts that began lately. Times are milliseconds since the Unix epoch.
#[derive(Debug, Default)]
pub struct Flaps {
    rules: Vec<(Matchers, Damping)>,
    alerts: HashMap<u64, Comings>,
}

/// What a rule asks for, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Damping {
    changes: u32,
    within: i64,
    quiet: i64,
}

/// How an alert came and went lately.
#[derive(Debug, Clone)]
struct Comings {
    labels: Labels,
    damping: Damping,
    /// Its last beginnings, as many as it takes.
    starts: VecDeque<i64>,
    /// Whether it is on, and since when it is as it is.
    is_on: bool,
    since: i64,
    is_flapping: bool,
}

impl Flaps {
    /// Whether there is a rule. If not, nothing is remembered.
    pub fn is_at_work(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Goes on under other rules; of each alert the first counts that it passes.
    pub fn set_rules<'r>(&mut self, rules: impl Iterator<Item = &'r Flapping>) {
        let damping =
            |rule: &Flapping| Damping { changes: rule.changes.clamp(2, STARTS_MAX), within: rule.within.ms(), quiet: rule.quiet.ms() };
        self.rules = rules.map(|rule| (rule.matchers.clone(), damping(rule))).collect();
        let rules = &self.rules;
        self.alerts.retain(|_, alert| {
            let Some(damping) = damping_of(rules, &alert.labels) else { return false };
            if alert.damping != damping {
                alert.damping = damping;
                alert.is_flapping = alert.began_often();
            }
            true
        });
    }

    /// How far back the history has to be read for counts to go on after a restart: in milliseconds, if there is a rule.
    pub fn looks_back(&self) -> Option<i64> {
        self.rules.iter().map(|(_, damping)| damping.within.saturating_add(damping.quiet)).max()
    }

    /// An alert begins to fire.
    pub fn began(&mut self, name: u64, labels: &Labels, at: i64) {
        if !self.alerts.contains_key(&name) {
            if self.alerts.len() >= ALERTS_MAX {
                return;
            }
            let Some(damping) = damping_of(&self.rules, labels) else { return };
            let (labels, starts) = (labels.clone(), VecDeque::new());
            self.alerts.insert(name, Comings { labels, damping, starts, is_on: false, since: at, is_flapping: false });
        }
        let Some(alert) = self.alerts.get_mut(&name) else { return };
        alert.come_to(at);
        if alert.is_on {
            return;
        }
        (alert.is_on, alert.since) = (true, at);
        alert.starts.push_back(at);
        while alert.starts.len() > alert.damping.changes as usize {
            alert.starts.pop_front();
        }
        alert.is_flapping |= alert.began_often();
    }

    /// An alert is over.
    pub fn ended(&mut self, name: u64, at: i64) {
        if let Some(alert) = self.alerts.get_mut(&name).filter(|alert| alert.is_on) {
            alert.come_to(at);
            (alert.is_on, alert.since) = (false, at);
        }
    }

    /// Whether an alert counts as flapping.
    pub fn is_flapping(&self, name: u64) -> bool {
        self.alerts.get(&name).is_some_and(|alert| alert.is_flapping)
    }

    /// Until when an alert that is over counts as on, unless it begins again.
    pub fn holds_until(&self, name: u64) -> Option<i64> {
        let alert = self.alerts.get(&name).filter(|alert| alert.is_flapping && !alert.is_on)?;
        Some(alert.since.saturating_add(alert.damping.quiet))
    }

    /// Since when an alert is over, if it is.
    pub fn over_since(&self, name: u64) -> Option<i64> {
        self.alerts.get(&name).filter(|alert| !alert.is_on).map(|alert| alert.since)
    }

    /// How many alerts count as flapping.
    pub fn count(&self) -> usize {
        self.alerts.values().filter(|alert| alert.is_flapping).count()
    }

    /// Forgets what no longer counts.
    pub fn sweep(&mut self, now: i64) {
        self.alerts.retain(|_, alert| {
            alert.come_to(now);
            let last = alert.starts.back().copied().unwrap_or(i64::MIN);
            alert.is_flapping || last > now.saturating_sub(alert.damping.within)
        });
    }
}

impl Comings {
    /// Whether as many of the last beginnings as it takes are close together.
    fn began_often(&self) -> bool {
        let needed = self.damping.changes as usize;
        let first = self.starts.len().checked_sub(needed).and_then(|place| self.starts.get(place));
        first.zip(self.starts.back()).is_some_and(|(first, last)| last - first <= self.damping.within)
    }

    /// What time alone changes: one that was over for long enough is quiet, and one that was on for long does not come and
    /// go any more.
    fn come_to(&mut self, now: i64) {
        let lasts = now.saturating_sub(self.since);
        let enough = if self.is_on { self.damping.quiet.max(self.damping.within) } else { self.damping.quiet };
        if self.is_flapping && lasts >= enough {
            self.is_flapping = false;
            self.starts.clear();
        }
    }
}

fn damping_of(rules: &[(Matchers, Damping)], labels: &Labels) -> Option<Damping> {
    rules.iter().find(|(matchers, _)| matchers.matches(labels)).map(|(_, damping)| *damping)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::model::matcher::{Syntax, parse_matchers};
    use crate::base::time::Duration;

    fn flapping(matchers: &str, changes: u32, within: i64, quiet: i64) -> Flapping {
        let matchers = Matchers::new(parse_matchers(matchers, Syntax::Both).expect("reads").value);
        Flapping { title: String::new(), matchers, changes, within: Duration::from_ms(within), quiet: Duration::from_ms(quiet) }
    }

    fn labels(name: &str) -> Labels {
        Labels::from_pairs([("alertname", name)])
    }

    #[test]
    fn often_enough_and_close_together() {
        // Every second time is an end.
        for (what, times, held) in [
            ("never ended", &[0][..], None),
            ("twice", &[0, 10, 20, 30], None),
            ("three times", &[0, 10, 20, 30, 40, 50], Some(100)),
            ("just within", &[0, 10, 20, 30, 100, 110], Some(160)),
            ("too slow", &[0, 10, 20, 30, 101, 110], None),
            ("slow, then fast", &[0, 10, 90, 95, 110, 112, 120, 125], Some(175)),
            ("on until it began again", &[0, 10, 20, 30, 40, 50, 99, 120], Some(170)),
            ("quiet meanwhile", &[0, 10, 20, 30, 40, 50, 100, 120], None),
            ("on for long", &[0, 10, 20, 30, 40, 140], None),
            ("on for not quite as long", &[0, 10, 20, 30, 40, 139], Some(189)),
        ] {
            let mut flaps = Flaps::default();
            flaps.set_rules([flapping("", 3, 100, 50)].iter());
            for (place, at) in times.iter().enumerate() {
                if place % 2 == 0 { flaps.began(1, &labels("a"), *at) } else { flaps.ended(1, *at) }
            }
            assert_eq!(flaps.holds_until(1), held, "{what}");
            assert_eq!((flaps.is_flapping(1), flaps.count()), (held.is_some(), usize::from(held.is_some())), "{what}");
        }
    }

    #[test]
    fn the_first_rule_counts_and_other_rules_count_anew() {
        let mut flaps = Flaps::default();
        assert!(!flaps.is_at_work());
        let few = flapping("alertname=a", 2, 100, 10);
        flaps.set_rules([&few, &flapping("", 3, 100, 50)].into_iter());
        for (name, text) in [(1, "a"), (2, "b")] {
            for at in [0, 20] {
                flaps.began(name, &labels(text), at);
                flaps.ended(name, at + 5);
            }
        }
        assert_eq!((flaps.holds_until(1), flaps.holds_until(2), flaps.looks_back()), (Some(35), None, Some(150)));
        flaps.set_rules([flapping("alertname=b", 2, 100, 70)].iter());
        assert_eq!((flaps.holds_until(1), flaps.holds_until(2), flaps.over_since(2)), (None, Some(95), Some(25)));
        flaps.sweep(94);
        assert_eq!(flaps.count(), 1);
        flaps.sweep(95);
        assert_eq!((flaps.count(), flaps.alerts.len()), (0, 0));
        flaps.set_rules([].into_iter());
        flaps.began(3, &labels("c"), 0);
        assert!(flaps.alerts.is_empty() && !flaps.is_at_work());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut flaps = Flaps::default();
        flaps.set_rules([flapping("", u32::MAX, i64::MAX, i64::MAX)].iter());
        for at in 0..5_000 {
            flaps.began(1, &labels("a"), at * 2);
            flaps.ended(1, at * 2 + 1);
        }
        assert_eq!(flaps.alerts.get(&1).map(|alert| alert.starts.len()), Some(1_000));
        assert_eq!(flaps.holds_until(1), Some(i64::MAX));
    }
}
