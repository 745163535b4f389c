//! Checks that are down as alerts, told as Prometheus tells Alertmanager: again and again while they fire, and once more
//! when they are over.

use std::collections::BTreeMap;

use super::samples;
use super::timing::CheckId;
use super::watcher::View;
use crate::series::ports::OutgoingAlert;

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
    /// What is to be told now (milliseconds since the Unix epoch). `is_quiet` says of which checks nobody is told.
    pub fn due(&mut self, views: &BTreeMap<CheckId, View>, is_quiet: impl Fn(CheckId) -> bool, url: &str, now: i64) -> Vec<OutgoingAlert> {
        let down: Vec<&str> = views.values().filter(|view| view.incident.is_some()).map(|view| view.check.name.as_str()).collect();
        let fires = |id: CheckId, view: &View| view.incident.is_some() && !down.contains(&view.check.parent.as_str()) && !is_quiet(id);
        let mut due = Vec::new();
        for (id, view) in views.iter().filter(|(id, view)| fires(**id, view)) {
            let mut alert = alert(*id, view, url);
            alert.ends_at = now.saturating_add(VALID);
            match self.told.get(id) {
                Some((before, at)) if before.labels == alert.labels && now - at < AGAIN => continue,
                // Called something else now: what it was called before is over.
                Some((before, _)) if before.labels != alert.labels => due.push(OutgoingAlert { ends_at: now, ..before.clone() }),
                _ => {}
            }
            self.told.insert(*id, (alert.clone(), now));
            due.push(alert);
        }
        self.told.retain(|id, (alert, _)| {
            let still = views.get(id).is_some_and(|view| fires(*id, view));
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
    OutgoingAlert { labels: labels.build(), annotations, starts_at: since, ends_at: 0, generator_url: format!("{url}/uptime/{id}") }
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
        let first = announcer.due(&down, |_| false, "http://p", 5_000);
        assert_eq!(names(&first), [("A", 245_000)]);
        let labels = &first[0].labels;
        assert_eq!((labels.get("alertname"), labels.get("severity"), labels.get("team")), (Some("CheckDown"), Some("page"), Some("web")));
        assert_eq!((first[0].starts_at, first[0].generator_url.as_str()), (1_000, "http://p/uptime/1"));
        assert_eq!(announcer.due(&down, |_| false, "http://p", 64_999), []);
        assert_eq!(names(&announcer.due(&down, |_| false, "http://p", 65_000)), [("A", 305_000)]);
        let up = BTreeMap::from([(1, view("{name: A, ping: {host: a}}", false))]);
        assert_eq!(names(&announcer.due(&up, |_| false, "http://p", 70_000)), [("A", 70_000)]);
        assert_eq!(announcer.due(&up, |_| false, "http://p", 71_000), []);
        assert_eq!(announcer.due(&BTreeMap::new(), |_| false, "", 72_000), []);
    }

    #[test]
    fn nobody_is_told_of_a_child_whose_parent_is_down_nor_in_maintenance() {
        let mut announcer = Announcer::default();
        let mut all = BTreeMap::from([
            (1, view("{name: Host, ping: {host: a}}", true)),
            (2, view("{name: Shop, parent: Host, ping: {host: a}}", true)),
            (3, view("{name: Other, ping: {host: a}}", true)),
        ]);
        assert_eq!(names(&announcer.due(&all, |id| id == 3, "", 0)), [("Host", 240_000)]);
        all.insert(1, view("{name: Host, ping: {host: a}}", false));
        assert_eq!(names(&announcer.due(&all, |_| false, "", 1)), [("Shop", 240_001), ("Other", 240_001), ("Host", 1)]);
    }
}
