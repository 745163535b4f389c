//! What is kept back when a group is due, and why: inhibition, times of the calendar, silences, in this order.

use std::collections::BTreeMap;

use super::inhibit::Inhibitor;
use crate::alerts::model::interval::NamedIntervals;
use crate::alerts::model::routed::RoutedAlert;
use crate::alerts::model::silence::{Silence, silenced_by};

/// Everything that may keep alerts back at an instant.
#[derive(Debug)]
pub struct Muting<'m> {
    /// Who inhibits whom.
    pub inhibitor: &'m Inhibitor,
    /// Silences, of which those count that are active.
    pub silences: &'m [Silence],
    /// Named times by name.
    pub intervals: &'m BTreeMap<String, NamedIntervals>,
}

/// What is told of a group, and what is kept back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// Alerts to tell, in the order they came.
    pub alerts: Vec<RoutedAlert>,
    /// Names of the times that keep the whole group back.
    pub muted_by: Vec<String>,
    /// Fingerprints of alerts that are inhibited, and of what inhibits them.
    pub inhibited: Vec<(u64, Vec<u64>)>,
    /// Fingerprints of alerts that are silenced, and the silences.
    pub silenced: Vec<(u64, Vec<String>)>,
    /// Alerts of which their sender wants nobody told.
    pub hushed: Vec<RoutedAlert>,
}

impl Muting<'_> {
    /// The names of the times that keep back, at `now`, what a route with these names would send.
    pub fn muted_by(&self, mute: &[String], active: &[String], now: i64) -> Vec<String> {
        let holds = |name: &String| self.intervals.get(name).is_some_and(|named| named.contains(now));
        if !active.is_empty() && !active.iter().any(holds) {
            return active.to_vec();
        }
        mute.iter().filter(|name| holds(name)).cloned().collect()
    }

    /// What is left of a group's alerts.
    pub fn sift(&self, alerts: &[RoutedAlert], mute: &[String], active: &[String], now: i64) -> Told {
        let mut told = Told::default();
        for alert in alerts {
            match self.inhibitor.inhibits(&alert.labels, now) {
                Some(inhibition) => told.inhibited.push((alert.fingerprint(), inhibition.by)),
                None => told.alerts.push(alert.clone()),
            }
        }
        told.muted_by = self.muted_by(mute, active, now);
        if !told.muted_by.is_empty() {
            told.alerts.clear();
        }
        told.alerts.retain(|alert| {
            let by = silenced_by(self.silences, &alert.labels, now);
            let is_told = by.is_empty();
            if !is_told {
                told.silenced.push((alert.fingerprint(), by));
            }
            is_told
        });
        (told.hushed, told.alerts) = told.alerts.into_iter().partition(|alert| alert.hush.is_some());
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::model::interval::{Interval, Range};
    use crate::alerts::model::matcher::{Matchers, Syntax, parse_matchers};
    use crate::alerts::model::routing::InhibitRule;
    use crate::series::labels::Labels;

    fn matchers(text: &str) -> Matchers {
        Matchers::new(parse_matchers(text, Syntax::Both).expect("reads").value)
    }

    fn alert(name: &str) -> RoutedAlert {
        let labels = Labels::from_pairs([("alertname", name)]);
        RoutedAlert {
            labels,
            annotations: vec![],
            starts_at: 0,
            ends_at: None,
            updated_at: 0,
            is_timeout: false,
            generator_url: String::new(),
            hush: None,
        }
    }

    #[test]
    fn everything_that_keeps_back() {
        let mut inhibitor =
            Inhibitor::new(&[InhibitRule { source: matchers("alertname=A"), target: matchers("alertname=B"), ..InhibitRule::default() }]);
        inhibitor.observe(&alert("A"));
        let (id, created_by, comment) = ("s".to_owned(), String::new(), String::new());
        let silences = [Silence {
            id,
            matchers: matchers("alertname=C"),
            starts_at: 0,
            ends_at: 100,
            updated_at: 0,
            created_by,
            comment,
            annotations: vec![],
        }];
        // 1970-01-01 is a Thursday.
        let on = |day: i64| NamedIntervals {
            name: String::new(),
            intervals: vec![Interval { weekdays: Some(vec![Range { begin: day, end: day }]), ..Interval::default() }],
        };
        let intervals = BTreeMap::from([("thursday".to_owned(), on(4)), ("friday".to_owned(), on(5))]);
        let muting = Muting { inhibitor: &inhibitor, silences: &silences, intervals: &intervals };
        let alerts = [alert("A"), alert("B"), alert("C"), alert("D")];
        for (mute, active, now, told, muted) in [
            (&[][..], &[][..], 50, &["A", "D"][..], &[][..]),
            (&[], &[], 100, &["A", "C", "D"], &[]),
            (&["thursday"], &[], 50, &[], &["thursday"]),
            (&["friday"], &[], 50, &["A", "D"], &[]),
            (&[], &["thursday"], 50, &["A", "D"], &[]),
            (&[], &["friday"], 50, &[], &["friday"]),
            (&[], &["friday", "thursday"], 50, &["A", "D"], &[]),
            (&["thursday"], &["thursday"], 50, &[], &["thursday"]),
        ] {
            let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let result = muting.sift(&alerts, &texts(mute), &texts(active), now);
            assert_eq!(result.alerts.iter().map(RoutedAlert::name).collect::<Vec<_>>(), told, "{mute:?} {active:?} {now}");
            assert_eq!(result.muted_by, texts(muted), "{mute:?} {active:?} {now}");
            assert_eq!(result.inhibited, [(alert("B").fingerprint(), vec![alert("A").fingerprint()])]);
        }
        let result = muting.sift(&alerts, &[], &[], 50);
        assert_eq!(result.silenced, [(alert("C").fingerprint(), vec!["s".to_owned()])]);
    }
}
