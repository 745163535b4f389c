//! What dashboards ask for, as the catalogue of metrics wants to know it: queries of panels, of variables and of marks,
//! with something in place of every variable.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::base::time::TimeRange;
use crate::boards::model::{About, Board, LOGS_UID, Library, METRICS_UID, Search, Source, Variable, VariableKind, options};
use crate::boards::query::{ALL, Lead, Offered, Pace, Resolved, Usage, lead, promql_in};
use crate::series::ports::{MetricUse, MetricUser, MetricUsers};
use crate::ui::links;

/// Values of a variable that are put in, one after the other: it may stand for the name of a metric.
const VALUES_MAX: usize = 20;
/// What stands for a variable of which nothing is known; it is a word wherever PromQL takes one.
const UNKNOWN: &str = "unknown";
/// What stands for a length of time of which nothing is known.
const LENGTH: &str = "5m";
/// A range, its points and the distance of scrapes: lengths of time come of them, but no metric does.
const PACE: (i64, u32, i64) = (3_600_000, 100, 15_000);

/// A version of a dashboard, and its queries.
type Read = ((i64, i64), Arc<Vec<String>>);

/// Dashboards, those from files and the ready-made ones included.
pub(super) struct Users {
    library: Arc<dyn Library>,
    /// By uid: a dashboard that did not change is not read again.
    read: Mutex<HashMap<String, Read>>,
}

impl Users {
    pub(super) fn new(library: Arc<dyn Library>) -> Self {
        Self { library, read: Mutex::default() }
    }

    /// The queries of a dashboard; none where it was deleted in the meantime or cannot be read.
    fn queries(&self, about: &About) -> Result<Arc<Vec<String>>, String> {
        let version = (about.version, about.changed_at);
        if let Some((_, queries)) = self.read.lock().get(&about.uid).filter(|(known, _)| *known == version) {
            return Ok(Arc::clone(queries));
        }
        let stored = Handle::current().block_on(self.library.board(about.uid.clone()))?;
        let board = stored.and_then(|stored| Board::read(&stored.json).ok());
        let queries = Arc::new(board.map_or_else(Vec::new, |(board, _)| queries_of(&board)));
        self.read.lock().insert(about.uid.clone(), (version, Arc::clone(&queries)));
        Ok(queries)
    }
}

impl MetricUsers for Users {
    fn users(&self) -> Result<Vec<MetricUser>, String> {
        let all = Handle::current().block_on(self.library.find_boards(Search::default()))?;
        let user = |about: &About| {
            Ok(MetricUser {
                kind: MetricUse::Board,
                title: about.title.clone(),
                href: links::board(&about.uid, &about.slug()),
                queries: self.queries(about)?.to_vec(),
                records: Vec::new(),
            })
        };
        let users = all.iter().map(user).collect::<Result<Vec<_>, String>>()?;
        self.read.lock().retain(|uid, _| all.iter().any(|about| about.uid == *uid));
        Ok(users)
    }
}

/// What may stand for a variable in a query.
fn values(variable: &Variable) -> Vec<String> {
    let chosen = variable.current.iter().filter(|value| !value.is_empty() && *value != ALL).cloned();
    let mut values: Vec<String> = match variable.kind {
        VariableKind::Source if variable.query == "loki" => return vec![LOGS_UID.to_owned()],
        VariableKind::Source => return vec![METRICS_UID.to_owned()],
        VariableKind::Interval => return vec![LENGTH.to_owned()],
        VariableKind::Query => chosen.chain(options(variable).into_iter().map(|(_, value)| value)).collect(),
        VariableKind::Custom => {
            let listed = variable.query.split(',').map(|one| one.rsplit(" : ").next().unwrap_or(one).trim().to_owned());
            chosen.chain(listed).collect()
        }
        _ => chosen.chain([variable.query.clone()]).collect(),
    };
    values.retain(|value| !value.is_empty() && value != ALL);
    values.dedup();
    values.truncate(VALUES_MAX);
    if values.is_empty() { vec![UNKNOWN.to_owned()] } else { values }
}

/// Every query of PromQL of a dashboard.
fn queries_of(board: &Board) -> Vec<String> {
    let (length, points, scrape) = PACE;
    let pace = Pace::new(TimeRange { start: 0, end: length }, points, scrape);
    let offered = board.variables.iter().map(|variable| Offered { variable: variable.clone(), ..Offered::default() }).collect();
    let resolved = Resolved { variables: offered, pace, about: Default::default() };
    let known: Vec<(&str, Vec<String>)> = board.variables.iter().map(|variable| (variable.name.as_str(), values(variable))).collect();
    let rounds = known.iter().map(|(_, values)| values.len()).max().unwrap_or(1);
    let mut found = Vec::new();
    for round in 0..rounds {
        let scoped: Vec<(String, String, String)> = known
            .iter()
            .map(|(name, values)| ((*name).to_owned(), &values[round % values.len()]))
            .map(|(name, value)| (name, value.clone(), value.clone()))
            .collect();
        let filling = resolved.filling(&scoped, &[], Usage::PromQl);
        let mut take = |text: &str, own: &Source, panel: &Source| {
            if !text.trim().is_empty() && matches!(lead(own, panel, &filling), Ok(Lead::Metrics)) {
                found.push(filling.fill(text));
            }
        };
        for panel in board.every_panel() {
            panel.targets.iter().for_each(|target| take(&target.expr, &target.source, &panel.source));
        }
        for mark in &board.annotations {
            take(&mark.expr, &mark.source, &Source::default());
        }
        for variable in board.variables.iter().filter(|variable| variable.kind == VariableKind::Query) {
            take(promql_in(&variable.query).unwrap_or_default(), &variable.source, &Source::default());
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn variables_hide_no_metric() {
        let board = json!({
            "title": "Shop",
            "templating": { "list": [
                { "name": "source", "type": "datasource", "query": "prometheus" },
                { "name": "job", "type": "query", "query": "label_values(shop_up{a=\"b\"}, job)", "includeAll": true, "multi": true, "current": { "value": ["$__all"] } },
                { "name": "metric", "type": "custom", "query": "orders_total, refunds_total" },
                { "name": "every", "type": "interval", "query": "1m,10m", "current": { "value": "$__auto_interval_every" } },
            ] },
            "annotations": { "list": [{ "name": "Deploys", "enable": true, "datasource": { "type": "prometheus" }, "expr": "changes(build_info[5m])" }] },
            "panels": [
                { "id": 1, "type": "timeseries", "datasource": { "type": "prometheus", "uid": "${source}" }, "targets": [
                    { "refId": "A", "expr": "sum by (job) (rate(http_requests_total{job=~\"$job\"}[$__rate_interval]))" },
                    { "refId": "B", "expr": "rate($metric[$every])" },
                ] },
                { "id": 2, "type": "logs", "datasource": { "type": "loki" }, "targets": [{ "refId": "A", "expr": "{app=\"x\"}" }] },
                { "id": 3, "type": "row", "collapsed": true, "panels": [
                    { "id": 4, "type": "stat", "targets": [{ "refId": "A", "expr": "up{job=\"[[job]]\"}", "hide": true }] },
                ] },
            ],
        });
        let (board, _) = Board::read(&board).unwrap();
        let expected = [
            "changes(build_info[5m])",
            "rate(orders_total[5m])",
            "rate(refunds_total[5m])",
            "shop_up{a=\"b\"}",
            "sum by (job) (rate(http_requests_total{job=~\"unknown\"}[1m]))",
            "up{job=\"unknown\"}",
        ];
        assert_eq!(queries_of(&board), expected);
    }
}
