//! The notification log: what a channel was told of a group last, so that nothing is told twice.

use std::collections::BTreeSet;

use super::groups::alert_order;
use crate::alerts::model::routed::RoutedAlert;
use crate::base::time::Duration;
use crate::series::labels::Labels;

/// What a channel was told of a group last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Hashes of the alerts that fired.
    pub firing: BTreeSet<u64>,
    /// Hashes of the alerts that were over.
    pub resolved: BTreeSet<u64>,
}

impl Entry {
    /// Whether the channel was told of an alert as one that fires.
    pub fn knows(&self, alert: &RoutedAlert) -> bool {
        self.firing.contains(&hash(&alert.labels))
    }
}

/// Why a group is told, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It never was, or was over.
    First,
    /// Alerts fire that did not.
    NewAlerts,
    /// Nothing fires any more.
    AllResolved,
    /// Some alerts are over.
    SomeResolved,
    /// Nothing changed for as long as the repeat interval.
    Repeat,
    /// There is nothing to tell.
    Nothing,
}

impl Reason {
    /// Whether the channel is told.
    pub const fn is_told(self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// In words, for logs and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first notification",
            Self::NewAlerts => "new alerts in group",
            Self::AllResolved => "all alerts resolved",
            Self::SomeResolved => "new resolved alerts",
            Self::Repeat => "repeat interval elapsed",
            Self::Nothing => "nothing new",
        }
    }
}

/// What is to be done for one channel of a receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Why the channel is told.
    pub reason: Reason,
    /// The alerts of the message; empty if only the log is to be written.
    pub alerts: Vec<RoutedAlert>,
    /// What the log holds once the message is through.
    pub entry: Entry,
    /// When the log may forget it, in milliseconds since the Unix epoch.
    pub expires_at: i64,
}

/// Decides what a channel is told of a group at `now`, after everything muted was left out. None if it is told
/// nothing and its log stays as it is.
///
/// Of the alerts that are hushed, those that are over are told where their beginning was; those that go on are not, and
/// what the channel knows of them stays.
pub fn plan(
    last: Option<&Entry>,
    alerts: &[RoutedAlert],
    hushed: &[RoutedAlert],
    (send_resolved, repeat): (bool, Duration),
    now: i64,
) -> Option<Plan> {
    let known: Vec<&RoutedAlert> = hushed.iter().filter(|alert| last.is_some_and(|last| last.knows(alert))).collect();
    let mut alerts: Vec<&RoutedAlert> = alerts.iter().chain(known.iter().copied().filter(|alert| alert.is_resolved_at(now))).collect();
    alerts.sort_by(|a, b| alert_order(a, b));
    let mut entry = Entry { at: now, ..Entry::default() };
    for alert in &alerts {
        let hash = hash(&alert.labels);
        if alert.is_resolved_at(now) {
            entry.resolved.insert(hash)
        } else {
            entry.firing.insert(hash)
        };
    }
    let tells_firing = !entry.firing.is_empty();
    entry.firing.extend(known.iter().filter(|alert| !alert.is_resolved_at(now)).map(|alert| hash(&alert.labels)));
    let reason = reason(last, &entry, send_resolved, repeat);
    // Nobody is reminded of what is hushed.
    if alerts.is_empty() || !reason.is_told() || (reason == Reason::Repeat && !tells_firing) {
        return None;
    }
    // Where only ends are to be told and the channel does not want them, the log learns of them all the same.
    let is_wanted = |alert: &&RoutedAlert| send_resolved || !alert.is_resolved_at(now);
    let alerts = alerts.into_iter().filter(is_wanted).cloned().collect();
    Some(Plan { reason, alerts, entry, expires_at: now.saturating_add(repeat.ms().saturating_mul(2)) })
}

fn reason(last: Option<&Entry>, new: &Entry, send_resolved: bool, repeat: Duration) -> Reason {
    let Some(last) = last else {
        // What was never told need not be called over.
        return if new.firing.is_empty() { Reason::Nothing } else { Reason::First };
    };
    if !new.firing.is_subset(&last.firing) {
        return if last.firing.is_empty() { Reason::First } else { Reason::NewAlerts };
    }
    if new.firing.is_empty() {
        return if last.firing.is_empty() { Reason::Nothing } else { Reason::AllResolved };
    }
    if send_resolved && !new.resolved.is_subset(&last.resolved) {
        return Reason::SomeResolved;
    }
    if last.at < new.at.saturating_sub(repeat.ms()) { Reason::Repeat } else { Reason::Nothing }
}

/// The name of an alert in the log.
pub fn hash(labels: &Labels) -> u64 {
    let mut bytes = Vec::with_capacity(labels.packed().len() + 16);
    for (name, value) in labels.iter() {
        for part in [name, value] {
            bytes.extend_from_slice(part.as_bytes());
            bytes.push(0xff);
        }
    }
    xxhash_rust::xxh64::xxh64(&bytes, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(name: &str, ends_at: Option<i64>) -> RoutedAlert {
        let labels = Labels::from_pairs([("alertname", name)]);
        RoutedAlert {
            labels,
            annotations: vec![],
            starts_at: 0,
            ends_at,
            updated_at: 0,
            is_timeout: false,
            generator_url: String::new(),
            hush: None,
        }
    }

    fn entry(at: i64, firing: &[&str], resolved: &[&str]) -> Entry {
        let hashes = |names: &[&str]| names.iter().map(|name| hash(&alert(name, None).labels)).collect();
        Entry { at, firing: hashes(firing), resolved: hashes(resolved) }
    }

    #[test]
    fn told_once_for_each_change() {
        let repeat = Duration::from_ms(100);
        for (what, last, firing, resolved, send_resolved, expected) in [
            ("never told", None, &["a"][..], &[][..], true, Reason::First),
            ("never told and over", None, &[], &["a"], true, Reason::Nothing),
            ("unchanged", Some(entry(950, &["a"], &[])), &["a"], &[], true, Reason::Nothing),
            ("exactly the interval", Some(entry(900, &["a"], &[])), &["a"], &[], true, Reason::Nothing),
            ("longer than the interval", Some(entry(899, &["a"], &[])), &["a"], &[], true, Reason::Repeat),
            ("one more", Some(entry(950, &["a"], &[])), &["a", "b"], &[], true, Reason::NewAlerts),
            ("one is over", Some(entry(950, &["a", "b"], &[])), &["a"], &["b"], true, Reason::SomeResolved),
            ("one is over, which nobody wants to know", Some(entry(950, &["a", "b"], &[])), &["a"], &["b"], false, Reason::Nothing),
            ("one is over, as told", Some(entry(950, &["a"], &["b"])), &["a"], &["b"], true, Reason::Nothing),
            ("one is gone", Some(entry(950, &["a", "b"], &[])), &["a"], &[], true, Reason::Nothing),
            ("all are over", Some(entry(950, &["a"], &[])), &[], &["a"], true, Reason::AllResolved),
            ("all are over, as told", Some(entry(950, &[], &["a"])), &[], &["a"], true, Reason::Nothing),
            ("all over is never repeated", Some(entry(1, &[], &["a"])), &[], &["a"], true, Reason::Nothing),
            ("again after the end", Some(entry(950, &[], &["a"])), &["a"], &[], true, Reason::First),
        ] {
            let firing = firing.iter().map(|name| alert(name, None));
            let alerts: Vec<RoutedAlert> = firing.chain(resolved.iter().map(|name| alert(name, Some(990)))).collect();
            let planned = plan(last.as_ref(), &alerts, &[], (send_resolved, repeat), 1000);
            assert_eq!(planned.map_or(Reason::Nothing, |plan| plan.reason), expected, "{what}");
        }
    }

    #[test]
    fn ends_nobody_wants_reach_only_the_log() {
        let repeat = Duration::from_ms(100);
        let over = [alert("a", Some(990))];
        let planned = plan(Some(&entry(950, &["a"], &[])), &over, &[], (false, repeat), 1000).expect("a plan");
        assert_eq!((planned.alerts.len(), planned.entry.clone(), planned.expires_at), (0, entry(1000, &[], &["a"]), 1200));
        assert_eq!(plan(Some(&planned.entry), &over, &[], (false, repeat), 1100), None);
        let both = [alert("a", Some(990)), alert("b", None)];
        let planned = plan(Some(&entry(950, &["a"], &[])), &both, &[], (false, repeat), 1000).expect("a plan");
        assert_eq!(planned.alerts.iter().map(RoutedAlert::name).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn of_what_is_hushed_only_the_end_is_told_to_those_who_know_the_beginning() {
        let repeat = Duration::from_ms(100);
        let names = |plan: &Plan| plan.alerts.iter().map(|alert| alert.name().to_owned()).collect::<Vec<_>>();
        let (a, b) = (alert("a", None), alert("b", None));
        let (a_over, b_over) = (alert("a", Some(990)), alert("b", Some(990)));
        let told = |last: &Entry, alerts: &[RoutedAlert], hushed: &[RoutedAlert]| plan(Some(last), alerts, hushed, (true, repeat), 1000);
        let knows_a = entry(700, &["a"], &[]);
        assert_eq!(told(&knows_a, &[], std::slice::from_ref(&a)), None, "no reminder, however long ago");
        let end = told(&knows_a, &[], std::slice::from_ref(&a_over)).expect("a plan");
        assert_eq!((end.reason, names(&end), end.entry), (Reason::AllResolved, vec!["a".to_owned()], entry(1000, &[], &["a"])));
        assert_eq!(told(&knows_a, &[], std::slice::from_ref(&b_over)), None, "its beginning was not told");
        assert_eq!(plan(None, &[], std::slice::from_ref(&a_over), (true, repeat), 1000), None);
        // What else is told of the group leaves it out, and does not forget it.
        let more = told(&knows_a, std::slice::from_ref(&b), std::slice::from_ref(&a)).expect("a plan");
        assert_eq!((more.reason, names(&more), &more.entry), (Reason::NewAlerts, vec!["b".to_owned()], &entry(1000, &["a", "b"], &[])));
        let less = told(&more.entry, std::slice::from_ref(&b_over), std::slice::from_ref(&a)).expect("a plan");
        assert_eq!((less.reason, names(&less), &less.entry), (Reason::SomeResolved, vec!["b".to_owned()], &entry(1000, &["a"], &["b"])));
        let again = Entry { at: 700, ..less.entry };
        assert_eq!(told(&again, std::slice::from_ref(&b_over), std::slice::from_ref(&a)), None);
    }
}
