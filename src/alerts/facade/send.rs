//! From what rules gave to what is routed, as Prometheus hands alerts to Alertmanager.

use std::fmt::Write;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::alerts::dispatch::{AlertChange, Dispatcher, Routing};
use crate::alerts::evaluate::{Running, Setting, Told};
use crate::alerts::model::routed::{RoutedAlert, fingerprint};
use crate::alerts::model::{Alert, Language, State};
use crate::series::labels::Labels;
use crate::series::ports::{OutgoingAlert, SendAlerts};
use crate::series::relabel::{self, RelabelConfig};
use crate::ui::links;

/// Hands on what rules gave.
pub(super) struct Sender {
    dispatcher: Arc<Dispatcher>,
    outside: Arc<dyn SendAlerts>,
    relabel: ArcSwap<Vec<RelabelConfig>>,
}

/// What a group gave, ready to be handed on.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Prepared {
    alerts: Vec<RoutedAlert>,
    /// How alerts of rules changed; none for those of others, of which routing sees it.
    history: Option<Vec<AlertChange>>,
    /// Fingerprints of those that stay in the house: they began while they were hushed, and other servers, which cannot be
    /// asked to be quiet, would tell of them.
    inside: Vec<u64>,
}

impl Sender {
    pub(super) fn new(dispatcher: Arc<Dispatcher>, outside: Arc<dyn SendAlerts>, relabel: Vec<RelabelConfig>) -> Arc<Self> {
        Arc::new(Self { dispatcher, outside, relabel: ArcSwap::from_pointee(relabel) })
    }

    /// Takes over other rules for labels.
    pub(super) fn apply(&self, relabel: Vec<RelabelConfig>) {
        self.relabel.store(Arc::new(relabel));
    }

    /// The labels of an own alert as they are routed; none if the rules for labels drop it.
    pub(super) fn as_routed(&self, labels: &Labels, external: &Labels) -> Option<Labels> {
        outside_labels(labels, external, &self.relabel.load())
    }

    /// What an evaluation gave, as others see it; none if there is nothing to say.
    pub(super) fn prepare(&self, group: &Running, told: Told, setting: &Setting) -> Option<Prepared> {
        let rules = self.relabel.load();
        let outside = |labels: &Labels| outside_labels(labels, &setting.external_labels, &rules);
        let link = |place: usize| {
            let text = group.rules.get(place).map_or("", |rule| &rule.prepared.text);
            generator_url(&setting.external_url, group.group.language, text)
        };
        let alerts = told.due.into_iter().filter_map(|(place, alert)| {
            let labels = outside(&alert.labels)?;
            Some(routed(alert, labels, link(place), told.at))
        });
        let alerts: Vec<RoutedAlert> = alerts.collect();
        let source: Arc<str> = format!("{};{}", group.group.file, group.group.name).into();
        // That an alert that was over is forgotten changes nothing for anybody.
        let changes = told.changes.into_iter().filter(|(_, change)| change.from != Some(State::Inactive) || change.to.is_some());
        let history = changes.map(|(_, change)| AlertChange {
            at: told.at,
            labels: outside(&change.labels).unwrap_or(change.labels),
            from: change.from,
            to: change.to,
            source: Arc::clone(&source),
        });
        let history: Vec<AlertChange> = history.collect();
        (!alerts.is_empty() || !history.is_empty()).then_some(Prepared { alerts, history: Some(history), inside: Vec::new() })
    }

    /// Alerts that others than rules gave, as they are routed; those that the rules for labels drop are left out.
    pub(super) fn prepare_taken(&self, alerts: Vec<OutgoingAlert>, external: &Labels, now: i64) -> Prepared {
        let mut inside = Vec::new();
        let routed = |alert: OutgoingAlert| {
            let labels = self.as_routed(&alert.labels, external)?;
            if alert.hush.as_ref().is_some_and(|(_, since)| alert.starts_at >= *since) {
                inside.push(fingerprint(&labels));
            }
            Some(RoutedAlert {
                labels,
                annotations: alert.annotations,
                starts_at: alert.starts_at,
                ends_at: Some(alert.ends_at),
                updated_at: now,
                is_timeout: false,
                generator_url: alert.generator_url,
                hush: alert.hush.map(|(hush, _)| hush),
            })
        };
        let alerts = alerts.into_iter().filter_map(routed).collect();
        Prepared { alerts, history: None, inside }
    }

    /// Hands them on; ends when they are stored.
    pub(super) async fn send(&self, prepared: Prepared) {
        if self.outside.is_wanted() && !prepared.alerts.is_empty() {
            let goes_out = |alert: &&RoutedAlert| prepared.inside.is_empty() || !prepared.inside.contains(&alert.fingerprint());
            self.outside.send(prepared.alerts.iter().filter(goes_out).map(outgoing).collect());
        }
        let heard = match prepared.history {
            Some(history) => self.dispatcher.hear(prepared.alerts, history).await,
            None => self.dispatcher.post(prepared.alerts).await,
        };
        if let Err(error) = heard {
            tracing::warn!(%error, "alerts of this server");
        }
    }
}

/// An alert's labels with those of the server, after the rules for labels; none if they drop it.
fn outside_labels(labels: &Labels, external: &Labels, rules: &[RelabelConfig]) -> Option<Labels> {
    let mut builder = labels.to_builder();
    for (name, value) in external.iter().filter(|(name, _)| labels.get(name).is_none_or(str::is_empty)) {
        builder.set(name, value);
    }
    relabel::process(&mut builder, rules).then(|| builder.build())
}

fn routed(alert: Alert, labels: Labels, generator_url: String, now: i64) -> RoutedAlert {
    let mut annotations = alert.annotations;
    annotations.sort();
    RoutedAlert {
        labels,
        annotations,
        starts_at: alert.fired_at.unwrap_or(alert.active_at),
        ends_at: Some(alert.resolved_at.unwrap_or(alert.valid_until)),
        updated_at: now,
        is_timeout: false,
        generator_url,
        hush: None,
    }
}

fn outgoing(alert: &RoutedAlert) -> OutgoingAlert {
    OutgoingAlert {
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        starts_at: alert.starts_at,
        ends_at: alert.ends_at.unwrap_or(alert.updated_at),
        generator_url: alert.generator_url.clone(),
        hush: None,
    }
}

/// Where to look at the expression; of metrics to the byte as Prometheus writes it.
fn generator_url(external_url: &str, language: Language, expr: &str) -> String {
    let expr = escaped(expr);
    match language {
        Language::PromQl => format!("{external_url}/graph?g0.expr={expr}&g0.tab=1"),
        Language::LogQl => format!("{external_url}{}?q={expr}&lang=logql", links::LOGS),
    }
}

/// A value of a query string, as Go escapes it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => {
                let written = write!(out, "%{byte:02X}");
                debug_assert!(written.is_ok(), "writing to a String cannot fail");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::relabel::{RelabelAction, RelabelRegex};

    #[test]
    fn links_are_those_of_prometheus() {
        for (expr, expected) in [
            ("up == 0", "http://p/graph?g0.expr=up+%3D%3D+0&g0.tab=1"),
            ("a{b=~\"x.*\"} * 2", "http://p/graph?g0.expr=a%7Bb%3D~%22x.%2A%22%7D+%2A+2&g0.tab=1"),
            ("ä-_.~", "http://p/graph?g0.expr=%C3%A4-_.~&g0.tab=1"),
        ] {
            assert_eq!(generator_url("http://p", Language::PromQl, expr), expected);
        }
        let of_logs = generator_url("http://p", Language::LogQl, "rate({a=\"b\"}[1m])");
        assert_eq!(of_logs, "http://p/logs?q=rate%28%7Ba%3D%22b%22%7D%5B1m%5D%29&lang=logql");
    }

    #[test]
    fn labels_of_the_server_are_added_where_the_alert_has_none() {
        let (alert, external) =
            (Labels::from_pairs([("alertname", "a"), ("dc", "1")]), Labels::from_pairs([("dc", "2"), ("replica", "b")]));
        let drop_replica =
            RelabelConfig { action: RelabelAction::LabelDrop, regex: RelabelRegex::new("replica").unwrap(), ..RelabelConfig::default() };
        assert_eq!(outside_labels(&alert, &external, &[]), Some(Labels::from_pairs([("alertname", "a"), ("dc", "1"), ("replica", "b")])));
        assert_eq!(outside_labels(&alert, &external, &[drop_replica]), Some(alert.clone()));
        let drop_all = RelabelConfig { action: RelabelAction::Drop, ..RelabelConfig::default() };
        assert_eq!(outside_labels(&alert, &external, &[drop_all]), None);
    }

    #[test]
    fn ends_are_those_of_prometheus() {
        let mut alert = Alert::pending(Labels::from_pairs([("alertname", "a")]), 1_000);
        alert.fired_at = Some(2_000);
        alert.valid_until = 9_000;
        alert.annotations = vec![("b".into(), "2".into()), ("a".into(), "1".into())];
        let firing = routed(alert.clone(), alert.labels.clone(), String::new(), 3_000);
        assert_eq!((firing.starts_at, firing.ends_at, firing.annotations[0].0.as_str()), (2_000, Some(9_000), "a"));
        alert.resolved_at = Some(4_000);
        assert_eq!(routed(alert.clone(), alert.labels, String::new(), 5_000).ends_at, Some(4_000));
    }
}
