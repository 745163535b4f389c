//! "pharos itself": how the server does, from its own metrics.

use crate::ui::format::{self, Unit};
use crate::ui::lang::key;
use crate::ui::links;
use crate::ui::page;
use crate::ui::shell::Shell;

/// Its title.
pub const TITLE: &str = key("pharos itself");

/// What the tiles show, read from the server's own metrics.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Now {
    /// Resident memory in bytes.
    pub memory: Option<f64>,
    /// Bytes on disk: blocks and log.
    pub disk: Option<f64>,
    /// Series in memory.
    pub series: Option<f64>,
    /// Queries that run now.
    pub queries: Option<f64>,
    /// Seconds since 1970 when the process started.
    pub started: Option<f64>,
    /// Open files.
    pub files: Option<f64>,
}

impl Now {
    /// From the page that the server shows to scrapers.
    pub fn read(exposition: &str) -> Self {
        let sum = |names: &[&str]| {
            let values: Vec<f64> = exposition.lines().filter_map(|line| sample(line, names)).collect();
            (!values.is_empty()).then(|| values.iter().sum())
        };
        Self {
            memory: sum(&["process_resident_memory_bytes"]),
            disk: sum(&["prometheus_tsdb_storage_blocks_bytes", "pharos_storage_wal_bytes"]),
            series: sum(&["prometheus_tsdb_head_series"]),
            queries: sum(&["prometheus_engine_queries"]),
            started: sum(&["process_start_time_seconds"]),
            files: sum(&["process_open_fds"]),
        }
    }
}

/// The value of a line that is a sample of one of these metrics.
fn sample(line: &str, names: &[&str]) -> Option<f64> {
    let (series, value) = line.rsplit_once(' ')?;
    let name = series.split('{').next()?;
    names.contains(&name).then(|| value.parse().ok()).flatten()
}

/// What the page is made of.
#[derive(Debug, Clone, Default)]
pub struct AboutInput {
    /// The tiles.
    pub now: Now,
    /// Whether the server collects its own metrics, which the charts need.
    pub is_collected: bool,
}

/// A chart over time.
struct Chart {
    title: &'static str,
    src: String,
    explore: String,
    unit: &'static str,
    /// Columns of twelve.
    span: u8,
}

/// A chart under a heading: title, queries, legends, unit, columns.
type Row = (&'static str, &'static [&'static str], &'static [&'static str], Unit, u8);

/// Only what this server says of itself.
const CHARTS: &[(&str, &[Row])] = &[
    (
        key("Resources"),
        &[
            (key("Memory"), &["process_resident_memory_bytes{job=\"pharos\"}"], &["resident"], Unit::Bytes, 4),
            (key("Processor"), &["rate(process_cpu_seconds_total{job=\"pharos\"}[2m])"], &["cores"], Unit::None, 4),
            (
                key("Disk"),
                &["prometheus_tsdb_storage_blocks_bytes{job=\"pharos\"}", "pharos_storage_wal_bytes{job=\"pharos\"}"],
                &["blocks", "log"],
                Unit::Bytes,
                4,
            ),
        ],
    ),
    (
        key("Taking in"),
        &[
            (
                key("Samples stored"),
                &["rate(prometheus_tsdb_head_samples_appended_total{job=\"pharos\"}[2m])"],
                &["samples a second"],
                Unit::None,
                4,
            ),
            (
                key("Samples sent here, by door"),
                &["sum by (door) (rate(pharos_ingest_samples_total{job=\"pharos\"}[2m]))"],
                &["{{door}}"],
                Unit::None,
                4,
            ),
            (
                key("Refused"),
                &[
                    "sum by (door) (rate(pharos_ingest_refused_total{job=\"pharos\"}[5m]))",
                    "sum(rate(pharos_scrape_refused_total{job=\"pharos\"}[5m]))",
                ],
                &["{{door}}", "scraped samples"],
                Unit::None,
                4,
            ),
            (
                key("Scrape lag"),
                &[
                    "max(prometheus_target_interval_length_seconds{job=\"pharos\",quantile=\"0.99\"} - ignoring (quantile) \
                     prometheus_target_interval_length_seconds{job=\"pharos\",quantile=\"0.5\"})",
                    "max(scrape_duration_seconds)",
                ],
                &["late by (p99)", "slowest scrape"],
                Unit::Seconds,
                4,
            ),
            (key("Series in memory"), &["prometheus_tsdb_head_series{job=\"pharos\"}"], &["series"], Unit::None, 4),
            (
                key("Waiting to be sent on"),
                &["sum by (url) (prometheus_remote_storage_samples_pending{job=\"pharos\"})"],
                &["{{url}}"],
                Unit::None,
                4,
            ),
        ],
    ),
    (
        key("Answering"),
        &[
            (
                key("Query time"),
                &[
                    "histogram_quantile(0.5, sum by (le) (rate(pharos_query_duration_seconds_bucket{job=\"pharos\"}[5m])))",
                    "histogram_quantile(0.95, sum by (le) (rate(pharos_query_duration_seconds_bucket{job=\"pharos\"}[5m])))",
                    "histogram_quantile(0.99, sum by (le) (rate(pharos_query_duration_seconds_bucket{job=\"pharos\"}[5m])))",
                ],
                &["half", "95 %", "99 %"],
                Unit::Seconds,
                4,
            ),
            (
                key("Work at once"),
                &[
                    "prometheus_engine_queries{job=\"pharos\"}",
                    "pharos_work_running{job=\"pharos\",pool=\"writes\"}",
                    "sum(pharos_work_waiting{job=\"pharos\"})",
                ],
                &["queries", "writes", "waiting"],
                Unit::None,
                4,
            ),
            (
                key("Answers taken from memory"),
                &["sum by (result) (rate(pharos_query_cache_requests_total{job=\"pharos\"}[5m]))"],
                &["{{result}}"],
                Unit::None,
                4,
            ),
            (
                key("HTTP requests by class"),
                &[
                    "sum by (class) (label_replace(rate(prometheus_http_requests_total{job=\"pharos\"}[2m]), \"class\", \"${1}xx\", \"code\", \"(.).*\"))",
                ],
                &["{{class}}"],
                Unit::None,
                4,
            ),
            (
                key("HTTP time, 95 %"),
                &["histogram_quantile(0.95, sum by (le) (rate(prometheus_http_request_duration_seconds_bucket{job=\"pharos\"}[5m])))"],
                &["95 %"],
                Unit::Seconds,
                4,
            ),
            (
                key("Connections and files"),
                &["pharos_http_connections{job=\"pharos\"}", "process_open_fds{job=\"pharos\"}"],
                &["connections", "open files"],
                Unit::None,
                4,
            ),
        ],
    ),
];

/// A heading with its charts.
struct Group {
    title: &'static str,
    charts: Vec<Chart>,
}

#[derive(askama::Template)]
#[template(path = "admin/about.html")]
struct AboutPage<'a> {
    shell: &'a Shell,
    tiles: Vec<(&'static str, String)>,
    groups: Vec<Group>,
    is_collected: bool,
}

fn chart(row: &Row) -> Chart {
    let (title, queries, legends, unit, span) = *row;
    let params: Vec<(&str, &str)> = queries.iter().map(|query| ("q", *query)).collect();
    let src = links::chart(queries, legends, "");
    Chart { title, src, explore: links::with(links::EXPLORE, &params), unit: unit.listed_id(), span }
}

/// Renders the page.
pub fn render(input: &AboutInput, shell: &Shell) -> String {
    let shown = |value: Option<f64>, unit: Unit| value.map_or_else(|| "–".to_owned(), |value| format::number(value, unit));
    let now = &input.now;
    let up_s = now.started.map(|started| (shell.now_ms as f64 / 1e3 - started).max(0.0));
    let tiles = vec![
        (key("Memory"), shown(now.memory, Unit::Bytes)),
        (key("On disk"), shown(now.disk, Unit::Bytes)),
        (key("Series in memory"), shown(now.series, Unit::None)),
        (key("Queries running"), shown(now.queries, Unit::None)),
        (key("Open files"), shown(now.files, Unit::None)),
        (key("Up for"), shown(up_s, Unit::Seconds)),
    ];
    let groups = CHARTS.iter().map(|(title, rows)| Group { title, charts: rows.iter().map(chart).collect() }).collect();
    page::html(&AboutPage { shell, tiles, groups, is_collected: input.is_collected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_come_from_the_exposition() {
        let now = Now::read(
            "# HELP x y\nprocess_resident_memory_bytes 5e6\npharos_storage_wal_bytes 10\nprometheus_tsdb_storage_blocks_bytes 32\nprometheus_engine_queries_concurrent_max 20\n",
        );
        assert_eq!(now, Now { memory: Some(5e6), disk: Some(42.0), ..Now::default() });
    }
}
