//! How much there was when: `index/volume_range`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;

use super::ApiState;
use super::answer::{ApiError, json};
use super::index::Grouping;
use super::params::{self, HOUR};
use super::result_json::{Encoding, put_head, put_tail, put_value};
use super::selector;
use super::stats_json::QueryStats;
use crate::logs::model::read::StreamQuery;
use crate::platform::http::extract::Params;
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;
use crate::series::ports::When;
use crate::series::value::{RangeSeries, Value};

const NS_PER_MS: i64 = 1_000_000;

/// `GET|POST /loki/api/v1/index/volume_range`.
pub(super) async fn range(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), HOUR)?;
    let step = params::step(&params, bounds)?;
    let matchers = selector::of_query(&params)?;
    let mut grouping = Grouping::of(&params, &matchers)?;
    if grouping.labels.is_empty() {
        // Fields of lines would be groups too, so the labels of streams are named.
        let any_of = vec![matchers.clone()];
        grouping.labels = state
            .read(move |select, cancel| select.label_names(&StreamQuery { any_of: &any_of, span: bounds.span(), limit: 0 }, cancel))
            .await?;
    }
    let ms = |ns: i64| ns.div_euclid(NS_PER_MS);
    let when = When::Range { start: ms(bounds.start), end: ms(bounds.end), step: ms(step).max(1) };
    let (value, stats) = state.evaluate(bytes_query(&matchers, &grouping.labels, step), when.into()).await?;
    let Value::Matrix(series) = value else { return Ok(volumes(&Value::Matrix(Vec::new()), &stats)) };
    let mut series = if grouping.by_label { by_label(&series) } else { series };
    series.retain(|one| !one.labels.is_empty());
    let total = |one: &RangeSeries| one.floats.iter().map(|(_, bytes)| *bytes).sum::<f64>();
    series.sort_by(|a, b| total(b).total_cmp(&total(a)));
    series.truncate(grouping.limit);
    Ok(volumes(&Value::Matrix(series), &stats))
}

/// The bytes of each group within each step.
fn bytes_query(matchers: &[Matcher], labels: &[String], step: i64) -> String {
    let matchers: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    let step_ms = ms_at_least_one(step);
    format!("sum by ({}) (bytes_over_time({{{}}}[{step_ms}ms]))", labels.join(", "), matchers.join(", "))
}

fn ms_at_least_one(ns: i64) -> i64 {
    ns.div_euclid(NS_PER_MS).max(1)
}

/// Adds series up by the names of their labels.
fn by_label(series: &[RangeSeries]) -> Vec<RangeSeries> {
    let mut sums: BTreeMap<&str, BTreeMap<i64, f64>> = BTreeMap::new();
    for one in series {
        for (name, _) in one.labels.iter() {
            let sum = sums.entry(name).or_default();
            one.floats.iter().for_each(|(ts, bytes)| *sum.entry(*ts).or_default() += bytes);
        }
    }
    let named = |(name, points): (&str, BTreeMap<i64, f64>)| RangeSeries {
        labels: empty_valued(name),
        floats: points.into_iter().collect(),
        histograms: Vec::new(),
    };
    sums.into_iter().map(named).collect()
}

/// A label whose value is empty, which no series has; upstream answers so.
fn empty_valued(name: &str) -> Labels {
    Labels::from_ordered([(name, "")])
}

fn volumes(value: &Value, stats: &QueryStats) -> Response {
    let mut out = Vec::new();
    put_head(&mut out, "matrix", Encoding::default(), &[]);
    put_value(&mut out, value);
    put_tail(&mut out, stats);
    json(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::api::params::NS_PER_S;

    #[test]
    fn volumes_are_asked_for_and_added_up() {
        let matchers = [Matcher::equal("app", "a\"b")];
        assert_eq!(
            bytes_query(&matchers, &["app".to_owned(), "env".to_owned()], 90 * NS_PER_S),
            "sum by (app, env) (bytes_over_time({app=\"a\\\"b\"}[90000ms]))"
        );
        let series = |pairs: &[(&str, &str)], floats: &[(i64, f64)]| RangeSeries {
            labels: Labels::from_pairs(pairs.iter().copied()),
            floats: floats.to_vec(),
            histograms: Vec::new(),
        };
        let summed = by_label(&[series(&[("app", "a"), ("env", "x")], &[(1, 2.0)]), series(&[("app", "b")], &[(1, 3.0), (2, 1.0)])]);
        let shown: Vec<_> =
            summed.iter().map(|one| (one.labels.iter().next().map(|(name, _)| name.to_owned()), one.floats.clone())).collect();
        assert_eq!(shown, [(Some("app".to_owned()), vec![(1, 5.0), (2, 1.0)]), (Some("env".to_owned()), vec![(1, 2.0)])]);
    }
}
