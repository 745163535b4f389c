//! Where queries go: pharos is all the sources that a dashboard may name, and says so where it is not.

use super::choices::Choice;
use super::interpolate::{Filling, Usage};
use crate::boards::model::{LOGS_UID, METRICS_UID, Source};

/// A source as dashboards know it: its kind, its uid and its name.
struct Known {
    kind: &'static str,
    uid: &'static str,
    name: &'static str,
    lead: Lead,
}

/// Where a query goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lead {
    /// To metrics, in PromQL.
    Metrics,
    /// To logs, in LogQL.
    Logs,
    /// To alerts.
    Alerts,
    /// To annotations and other things that every dashboard has (`-- Grafana --`).
    Own,
    /// To the answers of another panel.
    Panel,
    /// To a reckoning with the answers of other queries.
    Expression,
    /// Made-up data, which pharos does not make up.
    Nowhere,
}

const KNOWN: [Known; 3] = [
    Known { kind: "prometheus", uid: METRICS_UID, name: "Metrics", lead: Lead::Metrics },
    Known { kind: "loki", uid: LOGS_UID, name: "Logs", lead: Lead::Logs },
    Known { kind: "alertmanager", uid: "alerts", name: "Alerts", lead: Lead::Alerts },
];

/// Kinds of sources that speak PromQL.
const PROMETHEUS_LIKE: [&str; 5] = [
    "prometheus",
    "victoriametrics-metrics-datasource",
    "grafana-amazonprometheus-datasource",
    "grafana-azureprometheus-datasource",
    "mimir",
];

/// What a variable for sources of a kind offers.
pub(super) fn offered(kind: &str) -> Vec<Choice> {
    let kind = if PROMETHEUS_LIKE.contains(&kind) { "prometheus" } else { kind };
    let known = KNOWN.iter().filter(|one| one.kind == kind);
    known.map(|one| Choice { text: one.name.to_owned(), value: one.uid.to_owned() }).collect()
}

/// Why a variable for sources offers none.
pub(super) fn no_such_kind(kind: &str) -> String {
    format!("pharos is no source of the kind \"{kind}\"; it is one for prometheus, loki and alertmanager")
}

/// Where a source leads, after its variables are filled in.
///
/// `own` is what the query says, `panel` what its panel says; what neither says goes to metrics.
///
/// # Errors
/// A sentence why it leads nowhere.
pub fn lead(own: &Source, panel: &Source, filling: &Filling<'_>) -> Result<Lead, String> {
    let filled = |source: &Source| {
        let name = Filling { usage: Usage::Plain, ..*filling }.fill(&source.name);
        Source { kind: source.kind.clone(), name }
    };
    let (own, panel) = (filled(own), filled(panel));
    let is_empty = |source: &Source| source.kind.is_empty() && matches!(source.name.as_str(), "" | "default");
    let said = [&own, &panel].into_iter().find(|source| !is_empty(source) && !is_mixed(source));
    said.map_or(Ok(Lead::Metrics), lead_of)
}

fn is_mixed(source: &Source) -> bool {
    source.name == "-- Mixed --" || source.kind == "mixed"
}

fn lead_of(source: &Source) -> Result<Lead, String> {
    let (kind, name) = (source.kind.as_str(), source.name.as_str());
    match name {
        "__expr__" | "-100" => return Ok(Lead::Expression),
        "-- Dashboard --" => return Ok(Lead::Panel),
        "-- Grafana --" | "grafana" => return Ok(Lead::Own),
        _ => {}
    }
    if let Some(known) = KNOWN.iter().find(|one| one.uid == name || one.name == name) {
        return Ok(known.lead);
    }
    match kind {
        "__expr__" => return Ok(Lead::Expression),
        "loki" => return Ok(Lead::Logs),
        "alertmanager" => return Ok(Lead::Alerts),
        "datasource" | "grafana" => return Ok(Lead::Own),
        "testdata" | "grafana-testdata-datasource" => return Ok(Lead::Nowhere),
        kind if PROMETHEUS_LIKE.contains(&kind) => return Ok(Lead::Metrics),
        _ => {}
    }
    if kind.is_empty() {
        // Older schemas name a source without its kind; a variable that nobody filled (`${DS_PROMETHEUS}`) has a name too.
        let name = name.to_lowercase();
        return Ok(if name.contains("loki") || name.contains("logs") {
            Lead::Logs
        } else if name.contains("alertmanager") {
            Lead::Alerts
        } else {
            Lead::Metrics
        });
    }
    Err(format!("this query is for a source of the kind \"{kind}\", which pharos does not have: it answers PromQL and LogQL"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::TimeRange;
    use crate::boards::query::times::Pace;
    use crate::boards::query::variables::Resolved;

    #[test]
    fn sources_lead_somewhere_or_say_why_not() {
        let source = |text: &str| {
            let (kind, name) = text.split_once('/').unwrap_or(("", text));
            Source { kind: kind.to_owned(), name: name.to_owned() }
        };
        let resolved = Resolved::empty(Pace::new(TimeRange::new(0, 1), 1, 1));
        let filling = resolved.filling(&[], &[], Usage::Plain);
        for (own, panel, expected) in [
            ("", "", Some(Lead::Metrics)),
            ("default", "", Some(Lead::Metrics)),
            ("${DS_PROMETHEUS}", "", Some(Lead::Metrics)),
            ("$loki_datasource", "", Some(Lead::Logs)),
            ("loki/abc", "prometheus/x", Some(Lead::Logs)),
            ("", "loki/abc", Some(Lead::Logs)),
            ("logs", "", Some(Lead::Logs)),
            ("prometheus/logs", "", Some(Lead::Logs)),
            ("", "-- Mixed --", Some(Lead::Metrics)),
            ("datasource/-- Mixed --", "loki/x", Some(Lead::Logs)),
            ("datasource/-- Dashboard --", "", Some(Lead::Panel)),
            ("__expr__", "", Some(Lead::Expression)),
            ("__expr__/__expr__", "prometheus/x", Some(Lead::Expression)),
            ("datasource/grafana", "", Some(Lead::Own)),
            ("alertmanager/x", "", Some(Lead::Alerts)),
            ("influxdb/x", "", None),
        ] {
            let found = lead(&source(own), &source(panel), &filling);
            assert_eq!(found.as_ref().ok().copied(), expected, "{own} {panel}");
        }
        assert!(offered("influxdb").is_empty());
        assert_eq!(offered("prometheus")[0].value, "metrics");
        assert!(no_such_kind("influxdb").contains("\"influxdb\""));
    }
}
