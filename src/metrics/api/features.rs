//! `GET /api/v1/features`: what this server can do, for clients that ask before they use it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::ApiState;
use super::answer::success;
use crate::metrics::query::engine::Options;
use crate::metrics::query::signature::FUNCTIONS;

/// Operators and aggregations by whether they are experimental.
const OPERATORS: [(&str, bool); 35] = [
    ("!=", false),
    ("!~", false),
    ("%", false),
    ("*", false),
    ("+", false),
    ("-", false),
    ("/", false),
    ("<", false),
    ("</", false),
    ("<=", false),
    ("==", false),
    ("=~", false),
    (">", false),
    (">/", false),
    (">=", false),
    ("@", false),
    ("^", false),
    ("and", false),
    ("atan2", false),
    ("avg", false),
    ("bottomk", false),
    ("count", false),
    ("count_values", false),
    ("group", false),
    ("limit_ratio", true),
    ("limitk", true),
    ("max", false),
    ("min", false),
    ("or", false),
    ("quantile", false),
    ("stddev", false),
    ("stdvar", false),
    ("sum", false),
    ("topk", false),
    ("unless", false),
];

/// Features of one kind.
type Features = BTreeMap<&'static str, bool>;

/// `GET /api/v1/features`.
pub(super) async fn features(State(state): State<Arc<ApiState>>) -> Response {
    let runtime = state.server.runtime();
    let options = state.engine.options();
    let api = [
        ("admin", runtime.admin_api),
        ("exclude_alerts", true),
        ("label_values_match", true),
        ("lifecycle", runtime.lifecycle),
        ("openapi_3.1", false),
        ("openapi_3.2", false),
        ("otlp_write_receiver", true),
        ("query_stats", true),
        ("query_warnings", true),
        ("remote_write_receiver", state.remote_write_receiver),
        ("search", false),
        ("time_range_labels", true),
        ("time_range_series", true),
    ];
    let experimental = options.parse.experimental_functions;
    let all: BTreeMap<&str, Features> = BTreeMap::from([
        ("api", Features::from(api)),
        ("otlp_receiver", Features::from([("delta_conversion", true), ("native_delta_ingestion", false)])),
        ("prometheus", Features::from([("agent_mode", false), ("auto_reload_config", false), ("server_mode", true)])),
        ("promql", promql(options)),
        ("promql_functions", FUNCTIONS.iter().map(|one| (one.name, !one.experimental || experimental)).collect()),
        ("promql_operators", OPERATORS.iter().map(|(name, is_trial)| (*name, !is_trial || experimental)).collect()),
        ("scrape", Features::from([("extra_scrape_metrics", true), ("type_and_unit_labels", options.type_and_unit_labels)])),
        ("service_discovery_providers", Features::from([("dns", true), ("file", true), ("http", true), ("static", true)])),
        ("tsdb", Features::from([("exemplar_storage", true), ("native_histograms", true)])),
    ]);
    success(&all)
}

fn promql(options: &Options) -> Features {
    let always = [
        "at_modifier",
        "bool",
        "by",
        "group_left",
        "group_right",
        "ignoring",
        "negative_offset",
        "offset",
        "on",
        "per_query_lookback_delta",
        "per_step_stats",
        "subqueries",
        "without",
    ];
    let mut all: Features = always.into_iter().map(|name| (name, true)).collect();
    let parse = options.parse;
    all.extend([
        ("anchored", parse.extended_range_selectors),
        ("delayed_name_removal", options.delayed_name_removal),
        ("duration_expr", parse.duration_expressions),
        ("fill", parse.binop_fill),
        ("fill_left", parse.binop_fill),
        ("fill_right", parse.binop_fill),
        ("smoothed", parse.extended_range_selectors),
        ("type_and_unit_labels", options.type_and_unit_labels),
    ]);
    all
}
