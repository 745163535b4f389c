//! `GET /ui/logs/chart?q=<LogQL>&from=…&to=…&points=…`: the columns of a metric query over lines, as charts take them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Data, json};

use super::{PageState, USUAL_FROM, work};
use crate::logs::pages::rows::selector;
use crate::platform::http::problem::Problem;
use crate::series::ports::{Question, When};
use crate::series::value::{RangeSeries, Value};
use crate::ui::asked::{Asked, Pages as _};
use crate::ui::range::PageRange;

/// Series of a chart; more are counted.
const SERIES_MAX: usize = 100;
/// Points of a series, least and most.
const POINTS: [i64; 2] = [50, 2_000];

pub(super) async fn route(State(state): State<Arc<PageState>>, asked: Asked) -> Result<Response, Problem> {
    let range = PageRange::from_query(asked.query(), USUAL_FROM).resolve(state.now_ms());
    let points: i64 = asked.param("points").parse().unwrap_or(600).clamp(POINTS[0], POINTS[1]);
    let query = asked.param("q");
    let frame = work(&state, move |state, cancel| {
        let range = match range {
            Ok(range) => range,
            Err(message) => return refused(&message),
        };
        // Whole seconds, at round times, so that charts agree with each other.
        let step = (range.end.saturating_sub(range.start) / points / 1000 + 1).saturating_mul(1000);
        let when = When::Range { start: range.start.div_euclid(step).saturating_mul(step), end: range.end, step };
        match state.logs.engine.numbers(&Question { query: &query, when, cancel: cancel.clone() }) {
            Ok((answer, _)) => match answer.value {
                Value::Matrix(series) => frame(&series, when),
                Value::Vector(_) | Value::Scalar(..) | Value::String(..) => refused("the query has no values over time"),
            },
            Err(error) => refused(&error.to_string()),
        }
    });
    Ok(Json(frame.await?).into_response())
}

fn refused(message: &str) -> Data {
    json!({"start": 0, "step": 1, "series": [], "errors": [{"q": 0, "message": message}]})
}

fn frame(series: &[RangeSeries], when: When) -> Data {
    let When::Range { start, end, step } = when else { return refused("a range is expected") };
    let columns = usize::try_from(end.saturating_sub(start) / step.max(1)).unwrap_or(0) + 1;
    let mut order: Vec<&RangeSeries> = series.iter().collect();
    let heaviest = |one: &RangeSeries| one.floats.iter().map(|(_, value)| *value).filter(|value| value.is_finite()).sum::<f64>();
    order.sort_by(|a, b| heaviest(b).total_cmp(&heaviest(a)));
    let made: Vec<Data> = order
        .into_iter()
        .take(SERIES_MAX)
        .map(|one| {
            let mut values = vec![Data::Null; columns];
            for (at, value) in &one.floats {
                if let Some(cell) = usize::try_from((at - start) / step).ok().and_then(|at| values.get_mut(at)) {
                    // JSON has no NaN and no infinities: they travel as text.
                    *cell = if value.is_finite() { json!(value) } else { json!(crate::base::float::plain(*value)) };
                }
            }
            let labels: serde_json::Map<String, Data> = one.labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
            json!({"name": selector(&one.labels), "labels": labels, "v": values})
        })
        .collect();
    json!({"start": start as f64 / 1000.0, "step": step as f64 / 1000.0, "series": made, "total": series.len()})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels::Labels;

    #[test]
    fn columns_stand_at_their_times() {
        let one =
            |name: &str, floats: Vec<(i64, f64)>| RangeSeries { labels: Labels::from_pairs([("a", name)]), floats, histograms: vec![] };
        let series = [one("x", vec![(1_000, 1.0), (3_000, f64::NAN)]), one("y", vec![(2_000, 5.5)])];
        let made = frame(&series, When::Range { start: 1_000, end: 3_000, step: 1_000 });
        assert_eq!(made["series"][0], json!({"name": "{a=\"y\"}", "labels": {"a": "y"}, "v": [null, 5.5, null]}));
        assert_eq!(made["series"][1]["v"], json!([1.0, null, "NaN"]));
        assert_eq!((&made["start"], &made["step"], &made["total"]), (&json!(1.0), &json!(1.0), &json!(2)));
    }
}
