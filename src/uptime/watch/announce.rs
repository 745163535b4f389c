//! Checks that are down as alerts, told as Prometheus tells Alertmanager: again and again while they fire, and once more
//! when they are over. In maintenance, and while what it depends on is down, an alert goes on and says that nobody is to
//! be told of it.

use std::collections::{BTreeMap, HashMap};

use super::samples;
use super::timing::CheckId;
use super::watcher::View;
use crate::series::ports::{Hush, OutgoingAlert};
use crate::uptime::config::Check;

/// The name of every alert of a check.
pub const ALERT_NAME: &str = "CheckDown";
/// How long an alert counts as on without being told again, in milliseconds.
const VALID: i64 = 240_000;
/// How often an alert that fires is told again.
const AGAIN: i64 = 60_000;

/// What was told of checks so far.
#[derive(Debug, Default)]
pub struct Announcer {
    told: BTreeMap<CheckId, (OutgoingAlert, i64)>,
}

impl Announcer {
    /// What is to be told now (milliseconds since the Unix epoch). `held` gives the title of the maintenance that a check
    /// is in, and since when.
    pub fn due(
        &mut self,
        views: &BTreeMap<CheckId, View>,
        held: impl Fn(CheckId) -> Option<(String, i64)>,
        url: &str,
        now: i64,
    ) -> Vec<OutgoingAlert> {
        let down: HashMap<&str, i64> =
            views.values().filter_map(|view| Some((view.check.name.as_str(), view.incident.as_ref()?.from))).collect();
        let hush = |id: CheckId, check: &Check| {
            let parent = || down.get(check.parent.as_str()).map(|since| (Hush::Parent(check.parent.clone()), *since));
            held(id).map(|(title, since)| (Hush::Maintenance(title), since)).or_else(parent)
        };
        let mut due = Vec::new();
        for (id, view) in views.iter().filter(|(_, view)| view.incident.is_some()) {
            let mut alert = alert(*id, view, url);
            alert.ends_at = now.saturating_add(VALID);
            alert.hush = hush(*id, &view.check);
            match self.told.get(id) {
                Some((before, at)) if before.labels == alert.labels && before.hush == alert.hush && now - at < AGAIN => continue,
                // Called something else now: what it was called before is over.
                Some((before, _)) if before.labels != alert.labels => due.push(OutgoingAlert { ends_at: now, ..before.clone() }),
                _ => {}
            }
            self.told.insert(*id, (alert.clone(), now));
            due.push(alert);
        }
        self.told.retain(|id, (alert, _)| {
            let still = views.get(id).is_some_and(|view| view.incident.is_some());
            if !still {
                due.push(OutgoingAlert { ends_at: now, ..alert.clone() });
            }
            still
        });
        due
    }
}

fn alert(id: CheckId, view: &View, url: &str) -> OutgoingAlert {
    let check = &view.check;
    let mut labels = samples::labels(check);
    labels.set("alertname", ALERT_NAME);
    if !check.severity.is_empty() {
        labels.set("severity", &check.severity);
    }
    let (since, cause, excerpt) =
        view.incident.as_ref().map_or((0, "", ""), |incident| (incident.from, incident.cause.as_str(), incident.excerpt.as_str()));
    let mut annotations = vec![("summary".to_owned(), format!("{} is down: {cause}", check.name))];
    for (name, text) in [("answer", excerpt), ("note", check.note.as_str())] {
        if !text.is_empty() {
            annotations.push((name.to_owned(), text.to_owned()));
        }
    }
    annotations.sort();
    OutgoingAlert {
        labels: labels.build(),
        annotations,
        starts_at: since,
        ends_at: 0,
        generator_url: format!("{url}/uptime/{id}"),
        hush: None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::uptime::config::file::read_one;
    use crate::uptime::model::incident::Incident;
    use crate::uptime::model::outcome::Outcome;
    use crate::uptime::model::track::{Span, State};

    fn view(yaml: &str, is_down: bool) -> View {
        View {
            check: Arc::new(read_one(yaml, None).unwrap().check),
            span: Span { from: 0, until: 0, state: if is_down { State::Down } else { State::Up } },
            in_doubt_since: None,
            incident: is_down.then(|| Incident::begun(1_000, 2_000, &Outcome::default())),
            newest: None,
        }
    }

    fn names(alerts: &[OutgoingAlert]) -> Vec<(&str, i64)> {
        alerts.iter().map(|alert| (alert.labels.get("check").unwrap(), alert.ends_at)).collect()
    }

    #[test]
    fn alerts_are_told_again_and_once_when_they_are_over() {
        let mut announcer = Announcer::default();
        let down = BTreeMap::from([(1, view("{name: A, severity: page, labels: {team: web}, ping: {host: a}}", true))]);
        let first = announcer.due(&down, |_| None, "http://p", 5_000);
        assert_eq!(names(&first), [("A", 245_000)]);
        let labels = &first[0].labels;
        assert_eq!((labels.get("alertname"), labels.get("severity"), labels.get("team")), (Some("CheckDown"), Some("page"), Some("web")));
        assert_eq!((first[0].starts_at, first[0].generator_url.as_str()), (1_000, "http://p/uptime/1"));
        assert_eq!(announcer.due(&down, |_| None, "http://p", 64_999), []);
        assert_eq!(names(&announcer.due(&down, |_| None, "http://p", 65_000)), [("A", 305_000)]);
        let up = BTreeMap::from([(1, view("{name: A, ping: {host: a}}", false))]);
        assert_eq!(names(&announcer.due(&up, |_| None, "http://p", 70_000)), [("A", 70_000)]);
        assert_eq!(announcer.due(&up, |_| None, "http://p", 71_000), []);
        assert_eq!(announcer.due(&BTreeMap::new(), |_| None, "", 72_000), []);
    }

    /// Names, whether they are over, and why nobody is to be told.
    fn hushes(alerts: &[OutgoingAlert], now: i64) -> Vec<(String, bool, String)> {
        let words = |alert: &OutgoingAlert| alert.hush.as_ref().map_or_else(String::new, |(hush, since)| format!("{hush} {since}"));
        let one = |alert: &OutgoingAlert| (alert.labels.get("check").unwrap().to_owned(), alert.ends_at <= now, words(alert));
        alerts.iter().map(one).collect()
    }

    fn says(name: &str, is_over: bool, hush: &str) -> (String, bool, String) {
        (name.to_owned(), is_over, hush.to_owned())
    }

    #[test]
    fn in_maintenance_an_alert_goes_on_and_nobody_is_to_be_told() {
        let mut announcer = Announcer::default();
        let down = BTreeMap::from([(1, view("{name: A, ping: {host: a}}", true))]);
        let held = |_| Some(("Move".to_owned(), 4_000));
        assert_eq!(hushes(&announcer.due(&down, |_| None, "", 5_000), 5_000), [says("A", false, "")]);
        let quiet = announcer.due(&down, held, "", 6_000);
        assert_eq!(hushes(&quiet, 6_000), [says("A", false, "maintenance: Move 4000")], "at once");
        assert_eq!(quiet[0].starts_at, 1_000, "the same alert");
        assert_eq!(announcer.due(&down, held, "", 7_000), []);
        assert_eq!(hushes(&announcer.due(&down, |_| None, "", 8_000), 8_000), [says("A", false, "")], "and so is the end of it");
        announcer.due(&down, held, "", 9_000);
        let up = BTreeMap::from([(1, view("{name: A, ping: {host: a}}", false))]);
        assert_eq!(hushes(&announcer.due(&up, held, "", 10_000), 10_000), [says("A", true, "maintenance: Move 4000")]);
    }

    #[test]
    fn nobody_is_to_be_told_of_a_child_whose_parent_is_down() {
        let mut announcer = Announcer::default();
        let mut all = BTreeMap::from([
            (1, view("{name: Host, ping: {host: a}}", true)),
            (2, view("{name: Shop, parent: Host, ping: {host: a}}", true)),
        ]);
        let told = announcer.due(&all, |_| None, "", 5_000);
        assert_eq!(hushes(&told, 5_000), [says("Host", false, ""), says("Shop", false, "parent: Host 1000")]);
        all.insert(1, view("{name: Host, ping: {host: a}}", false));
        let told = announcer.due(&all, |_| None, "", 6_000);
        assert_eq!(hushes(&told, 6_000), [says("Shop", false, ""), says("Host", true, "")]);
    }
}
