//! Which sources a query may go to, and what is said of queries that go to others.

use super::json::text;
use crate::boards::model::board::{Object, Source, Target};
use crate::boards::model::report::{Level, Report};

/// The uid of the built-in metrics, a source of the type `prometheus`.
pub const METRICS_UID: &str = "metrics";
/// The uid of the built-in logs, a source of the type `loki`.
pub const LOGS_UID: &str = "logs";

/// Types of sources that are answered here, or that are Grafana's own.
const KNOWN: &[&str] = &["prometheus", "loki", "grafana", "datasource", "alertmanager", "-- Grafana --", "-- Mixed --", "-- Dashboard --"];

/// Types of other sources, and how people call them. Where a query does not say, what it holds tells.
const OTHERS: &[(&str, &str, &str)] = &[
    ("mysql", "MySQL", ""),
    ("postgres", "PostgreSQL", ""),
    ("grafana-postgresql-datasource", "PostgreSQL", ""),
    ("mssql", "Microsoft SQL Server", ""),
    ("", "an SQL database", "rawSql"),
    ("elasticsearch", "Elasticsearch", "bucketAggs"),
    ("grafana-opensearch-datasource", "OpenSearch", ""),
    ("influxdb", "InfluxDB", "measurement"),
    ("cloudwatch", "CloudWatch", "metricName"),
    ("graphite", "Graphite", "targetFull"),
    ("opentsdb", "OpenTSDB", "downsampleAggregator"),
    ("stackdriver", "Google Cloud Monitoring", "timeSeriesList"),
    ("grafana-azure-monitor-datasource", "Azure Monitor", "azureMonitor"),
    ("jaeger", "Jaeger", ""),
    ("tempo", "Tempo", ""),
    ("zipkin", "Zipkin", ""),
    ("parca", "Parca", ""),
    ("grafana-pyroscope-datasource", "Pyroscope", ""),
    ("testdata", "Grafana's test data", "scenarioId"),
    ("grafana-testdata-datasource", "Grafana's test data", ""),
    ("alexanderzobnin-zabbix-datasource", "Zabbix", ""),
    ("grafana-clickhouse-datasource", "ClickHouse", ""),
    ("__expr__", "expressions of Grafana's server", ""),
];

/// The uid of the built-in source of a type; the metrics for types that are not known.
pub(super) fn source_uid(plugin: &str) -> &'static str {
    if plugin == "loki" { LOGS_UID } else { METRICS_UID }
}

/// Says which queries of a panel are not answered.
pub(super) fn check(targets: &[Target], panel_source: &Source, panel: (i64, &str), path: &str, report: &mut Report) {
    for (at, target) in targets.iter().enumerate() {
        let own = &target.source;
        let source = if own.kind.is_empty() && own.name.is_empty() { panel_source } else { own };
        if let Some(name) = foreign(source, &target.json) {
            let level = if source.kind == "__expr__" || source.name == "__expr__" { Level::Ignored } else { Level::Broken };
            let said = format!("query {} goes to {name}, which pharos does not ask", target.ref_id);
            report.add(Some(panel), level, format!("{path}.targets[{at}]"), said);
        }
    }
}

/// The name of a source that is none of ours.
fn foreign(source: &Source, query: &Object) -> Option<String> {
    let kind = match source.kind.as_str() {
        "" if source.name == "__expr__" => "__expr__",
        kind => kind,
    };
    if KNOWN.contains(&kind) || kind.starts_with('$') {
        return None;
    }
    if !kind.is_empty() {
        return Some(
            OTHERS.iter().find(|(id, ..)| *id == kind).map_or_else(|| format!("a source of the type \"{kind}\""), |one| one.1.to_owned()),
        );
    }
    if !text(query, "expr").is_empty() {
        return None;
    }
    OTHERS.iter().find(|(_, _, field)| !field.is_empty() && query.contains_key(*field)).map(|one| one.1.to_owned())
}
