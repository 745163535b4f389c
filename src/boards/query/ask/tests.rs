//! Panels asked over made-up answers.

use serde_json::json;

use super::*;
use crate::base::time::TimeRange;
use crate::boards::data::{Column, FrameKind};
use crate::boards::model::Board;
use crate::boards::query::fakes::World;
use crate::boards::query::plan::{Scene, plan};
use crate::boards::query::times::Pace;
use crate::boards::query::variables::Resolved;
use crate::series::labels::Labels;
use crate::series::ports::Line;
use crate::series::value::{InstantSample, Point, RangeSeries, Value};

const RANGE: TimeRange = TimeRange::new(1_763_710_400_000, 1_763_710_460_000);

/// Numbers at every step: of `up` its series, of `buckets` a cumulative histogram, of `bad` an error.
fn answer(question: &Question<'_>) -> Result<Value, EvaluateError> {
    let series = |labels: &[(&str, &str)], value: f64| match question.when {
        When::Range { start, end, step } => {
            let floats = (0..=(end - start) / step).filter(|n| n % 2 == 0).map(|n| (start + n * step, value)).collect();
            RangeSeries { labels: Labels::from_pairs(labels.iter().copied()), floats, histograms: Vec::new() }
        }
        When::Instant(at) => {
            RangeSeries { labels: Labels::from_pairs(labels.iter().copied()), floats: vec![(at, value)], histograms: Vec::new() }
        }
    };
    let all = match question.query {
        "up" => vec![series(&[("__name__", "up"), ("job", "a")], 1.0), series(&[("__name__", "up"), ("job", "b")], 0.0)],
        "buckets" => vec![series(&[("le", "10")], 5.0), series(&[("le", "+Inf")], 7.0), series(&[("le", "2.5")], 2.0)],
        "none" => vec![],
        // Only just begun: nothing at whole steps yet.
        "young" => match question.when {
            When::Range { .. } => vec![],
            When::Instant(_) => vec![series(&[("job", "a")], 3.0)],
        },
        query => return Err(EvaluateError::Invalid { message: format!("1:3: unknown function {query}"), span: Some((0, 3)) }),
    };
    Ok(match question.when {
        When::Range { .. } => Value::Matrix(all),
        When::Instant(_) => Value::Vector(
            all.into_iter()
                .map(|one| InstantSample { labels: one.labels, ts: one.floats[0].0, value: Point::Float(one.floats[0].1) })
                .collect(),
        ),
    })
}

struct Log;

impl Search for Log {
    fn search(&self, wanted: &SearchWanted<'_>) -> Result<Vec<Line>, EvaluateError> {
        assert_eq!(wanted.limit, 500);
        Ok(vec![Line {
            at_ns: 1_763_710_400_000_000_001,
            text: "hello".into(),
            level: "info".into(),
            labels: Labels::from_pairs([("job", "a")]),
        }])
    }

    fn is_metric(&self, query: &str) -> bool {
        !query.starts_with('{')
    }
}

fn asked(panel: serde_json::Value) -> Answers {
    asked_at(panel, RANGE, RANGE.end)
}

fn asked_at(panel: serde_json::Value, range: TimeRange, now: i64) -> Answers {
    let (board, _) = Board::read(&json!({"title": "t", "panels": [panel]})).unwrap();
    let resolved = Resolved::empty(Pace::new(range, 100, 15_000));
    let scene = Scene { board: &board, resolved: &resolved, scoped: &[], range, points: 100, now, scrape: 15_000 };
    let plan = plan(&board.panels[0], &scene).unwrap();
    let mut world = World::of(&[]);
    world.answer = answer;
    let world = Arc::new(world);
    let engines = Engines { metrics: world.clone(), logs: world, search: Arc::new(Log) };
    ask(&plan, &engines, &Cancel::new()).unwrap()
}

#[test]
fn series_lie_on_one_grid_with_gaps() {
    let found = asked(json!({"id": 1, "type": "timeseries", "targets": [
        {"refId": "A", "expr": "up", "legendFormat": "__auto"}, {"refId": "B", "expr": "up", "instant": true, "legendFormat": "{{job}}!"}, {"refId": "C", "expr": "bad"}]}));
    let names: Vec<(&str, &str)> = found.frames.iter().map(|frame| (frame.name.as_str(), frame.ref_id.as_str())).collect();
    assert_eq!(names, [("a", "A"), ("b", "A"), ("a!", "B"), ("b!", "B")]);
    let [time, value] = found.frames[0].fields.as_slice() else { panic!() };
    let Column::Time(times) = &time.values else { panic!() };
    assert_eq!((times.len(), times[0] % 15_000), (5, 0));
    assert_eq!(value.values, Column::Number(vec![Some(1.0), None, Some(1.0), None, Some(1.0)]));
    assert_eq!(found.failures, [Failure { ref_id: "C".into(), text: "1:3: unknown function bad".into(), span: Some((0, 3)) }]);
}

#[test]
fn tables_have_a_column_for_each_label() {
    let found = asked(json!({"id": 1, "type": "table", "targets": [
        {"refId": "A", "expr": "up", "instant": true, "format": "table"}, {"refId": "B", "expr": "none", "instant": true, "format": "table"}]}));
    let names: Vec<&str> = found.frames[0].fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["Time", "__name__", "job", "Value #A"]);
    assert_eq!((found.frames[0].kind, found.frames[0].len(), found.frames[1].len()), (FrameKind::Table, 2, 0));
}

#[test]
fn cumulative_buckets_are_taken_apart_in_order() {
    let found = asked(json!({"id": 1, "type": "heatmap", "targets": [{"refId": "A", "expr": "buckets", "format": "heatmap"}]}));
    let columns: Vec<(&str, Option<f64>)> = found.frames[0].fields[1..]
        .iter()
        .map(|field| match &field.values {
            Column::Number(values) => (field.name.as_str(), values[0]),
            _ => panic!(),
        })
        .collect();
    assert_eq!(columns, [("2.5", Some(2.0)), ("10", Some(3.0)), ("+Inf", Some(2.0))]);
}

#[test]
fn lines_and_numbers_of_logs_are_told_apart() {
    let log = |expr: &str| json!({"id": 1, "type": "logs", "datasource": {"type": "loki", "uid": "x"}, "targets": [{"refId": "A", "expr": expr}]});
    let lines = asked(log("{job=\"a\"}"));
    let names: Vec<&str> = lines.frames[0].fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!((lines.frames[0].kind, names), (FrameKind::Lines, vec!["Time", "Line", "level", "tsNs", "job"]));
    assert_eq!(asked(log("up")).frames.len(), 2);
}

#[test]
fn what_began_after_the_last_whole_step_is_there_at_once() {
    let values = |range: TimeRange, now: i64| {
        let found = asked_at(json!({"id": 1, "type": "timeseries", "targets": [{"refId": "A", "expr": "young"}]}), range, now);
        found.frames.into_iter().map(|frame| frame.fields[1].values.clone()).collect::<Vec<_>>()
    };
    let range = TimeRange::new(RANGE.start, RANGE.end + 7_000);
    assert_eq!(values(range, range.end), [Column::Number(vec![None, None, None, None, Some(3.0)])]);
    assert_eq!(values(range, range.end + 600_000), [], "what is over does not change any more");
}

#[test]
fn reckonings_take_the_answers_of_others() {
    let found = asked(json!({"id": 1, "type": "stat", "targets": [
        {"refId": "A", "expr": "up", "hide": true},
        {"refId": "B", "datasource": {"type": "__expr__", "uid": "__expr__"}, "type": "reduce", "expression": "A", "reducer": "mean"},
        {"refId": "C", "datasource": {"type": "__expr__", "uid": "__expr__"}, "type": "threshold", "expression": "B", "conditions": [{"evaluator": {"type": "gt", "params": [0.5]}}]},
        {"refId": "D", "datasource": {"type": "__expr__", "uid": "__expr__"}, "type": "sql", "expression": "x"},
        {"refId": "E", "datasource": {"type": "__expr__", "uid": "__expr__"}, "type": "math", "expression": "$F * 10 + ${B}"},
        {"refId": "F", "datasource": {"type": "__expr__", "uid": "__expr__"}, "type": "resample", "expression": "A", "window": "$__interval_ms", "downsampler": "mean", "upsampler": "pad", "hide": true},
        {"refId": "G", "datasource": {"type": "__expr__", "uid": "__expr__"}, "type": "math", "expression": "$G + 1"}]}));
    let values: Vec<(&str, &Column)> = found.frames.iter().map(|frame| (frame.ref_id.as_str(), &frame.fields[1].values)).collect();
    let one = |value: f64| Column::Number(vec![Some(value)]);
    assert_eq!(values[..4], [("B", &one(1.0)), ("B", &one(0.0)), ("C", &one(1.0)), ("C", &one(0.0))]);
    let wrong: Vec<&str> = found.failures.iter().map(|one| one.text.as_str()).collect();
    assert!(wrong[0].contains("\"sql\""), "{wrong:?}");
    assert!(wrong[1].contains("in a circle"), "{wrong:?}");
    // The window is 15000 s here, as `$__interval_ms` has no unit: one point.
    assert_eq!(values[4..], [("E", &one(11.0)), ("E", &one(0.0))]);
}
