//! Answers as frames: series over time on one grid, tables, buckets of histograms, lines of logs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::legend;
use super::plan::Query;
use crate::boards::data::{Column, Field, Frame, FrameKind};
use crate::boards::model::TargetFormat;
use crate::series::labels::{BUCKET, Labels};
use crate::series::ports::Line;
use crate::series::value::{InstantSample, Point, RangeSeries, Value};

/// Most series of a query that a panel takes.
const SERIES_MAX: usize = 1_000;
/// Most points of a query's series together.
const POINTS_MAX: usize = 2_000_000;
/// Most rows of a table.
const ROWS_MAX: usize = 10_000;
/// Most columns of labels.
const LABELS_MAX: usize = 100;

const TIME: &str = "Time";
const VALUE: &str = "Value";

/// An answer over time.
pub(super) fn over_time(query: &Query, value: Value, is_alone: bool, notes: &mut Vec<String>) -> Vec<Frame> {
    let series = match value {
        Value::Matrix(series) => series,
        // A scalar or a text is no series.
        Value::Scalar(at, value) => vec![RangeSeries { floats: vec![(at, value)], ..RangeSeries::default() }],
        Value::Vector(_) | Value::String(..) => Vec::new(),
    };
    let grid = Grid::new(query);
    let series = bounded(series, SERIES_MAX.min(POINTS_MAX / grid.times.len().max(1)).max(1), query, notes);
    match query.format {
        TargetFormat::TimeSeries => named(query, series).into_iter().map(|(name, one)| grid.frame(query, name, one)).collect(),
        TargetFormat::Table => vec![table(query, rows_of(series, notes), is_alone)],
        TargetFormat::Heatmap => buckets(query, &grid, series),
    }
}

/// An answer of an instant.
pub(super) fn of_instant(query: &Query, value: Value, is_alone: bool, notes: &mut Vec<String>) -> Vec<Frame> {
    let samples = match value {
        Value::Vector(samples) => samples,
        Value::Scalar(ts, value) => vec![InstantSample { labels: Labels::empty(), ts, value: Point::Float(value) }],
        // A selector of a range gives the samples as they are stored.
        Value::Matrix(series) => return over_time_as_stored(query, series, is_alone, notes),
        Value::String(ts, text) => return vec![said(query, ts, text)],
    };
    if query.format == TargetFormat::Table {
        let rows: Vec<Row> =
            samples.into_iter().take(ROWS_MAX).map(|one| Row { labels: one.labels, at: query.at, value: number(&one.value) }).collect();
        return vec![table(query, rows, is_alone)];
    }
    let samples = bounded(samples, SERIES_MAX, query, notes);
    let sets: Vec<&Labels> = samples.iter().map(|one| &one.labels).collect();
    let names = legend::names(&query.legend, &sets, &query.expr);
    let times: Arc<[i64]> = Arc::from([query.at]);
    let one = |(sample, name): (&InstantSample, String)| {
        let values = match &sample.value {
            Point::Float(value) => Column::Number(vec![Some(*value)]),
            Point::Histogram(histogram) => Column::Histogram(vec![Some(Arc::clone(histogram))]),
        };
        series_frame(query, name, &times, sample.labels.clone(), values)
    };
    samples.iter().zip(names).map(one).collect()
}

fn over_time_as_stored(query: &Query, series: Vec<RangeSeries>, is_alone: bool, notes: &mut Vec<String>) -> Vec<Frame> {
    let series = bounded(series, SERIES_MAX, query, notes);
    if query.format == TargetFormat::Table {
        return vec![table(query, rows_of(series, notes), is_alone)];
    }
    let one = |(name, one): (String, RangeSeries)| {
        let times: Arc<[i64]> = one.floats.iter().map(|(at, _)| *at).collect();
        series_frame(query, name, &times, one.labels, Column::Number(one.floats.iter().map(|(_, value)| Some(*value)).collect()))
    };
    named(query, series).into_iter().map(one).collect()
}

fn said(query: &Query, ts: i64, text: String) -> Frame {
    let time = Field { name: TIME.to_owned(), values: Column::Time(Arc::from([ts])), ..Field::default() };
    let value = Field { name: VALUE.to_owned(), values: Column::Text(vec![Some(text)]), ..Field::default() };
    Frame { name: String::new(), ref_id: query.ref_id.clone(), kind: FrameKind::Table, fields: vec![time, value] }
}

fn bounded<T>(mut all: Vec<T>, max: usize, query: &Query, notes: &mut Vec<String>) -> Vec<T> {
    if all.len() > max {
        notes.push(format!("{}: {} series, the first {max} are shown", query.ref_id, all.len()));
        all.truncate(max);
    }
    all
}

fn named(query: &Query, series: Vec<RangeSeries>) -> Vec<(String, RangeSeries)> {
    let sets: Vec<&Labels> = series.iter().map(|one| &one.labels).collect();
    let names = legend::names(&query.legend, &sets, &query.expr);
    names.into_iter().zip(series).collect()
}

fn series_frame(query: &Query, name: String, times: &Arc<[i64]>, labels: Labels, values: Column) -> Frame {
    let time = Field { name: TIME.to_owned(), values: Column::Time(Arc::clone(times)), ..Field::default() };
    let value = Field { name: VALUE.to_owned(), labels, values, ..Field::default() };
    Frame { name, ref_id: query.ref_id.clone(), kind: FrameKind::Series, fields: vec![time, value] }
}

/// The times of a range query, which all its series share.
struct Grid {
    start: i64,
    step: i64,
    times: Arc<[i64]>,
}

impl Grid {
    fn new(query: &Query) -> Self {
        let (start, step) = (query.times.start, query.step.max(1));
        let count = usize::try_from((query.times.end.saturating_sub(start)) / step + 1).unwrap_or(0).min(POINTS_MAX);
        let times = (0..count).map(|at| start + step * at as i64).collect();
        Self { start, step, times }
    }

    fn at(&self, ts: i64) -> Option<usize> {
        let offset = ts.checked_sub(self.start).filter(|offset| *offset >= 0 && offset % self.step == 0)?;
        usize::try_from(offset / self.step).ok().filter(|at| *at < self.times.len())
    }

    fn numbers(&self, points: &[(i64, f64)]) -> Vec<Option<f64>> {
        let mut values = vec![None; self.times.len()];
        for (ts, value) in points {
            if let Some(at) = self.at(*ts) {
                values[at] = Some(*value);
            }
        }
        values
    }

    fn frame(&self, query: &Query, name: String, series: RangeSeries) -> Frame {
        let values = if series.floats.is_empty() && !series.histograms.is_empty() {
            let mut values = vec![None; self.times.len()];
            for (ts, histogram) in series.histograms {
                if let Some(at) = self.at(ts) {
                    values[at] = Some(histogram);
                }
            }
            Column::Histogram(values)
        } else {
            Column::Number(self.numbers(&series.floats))
        };
        series_frame(query, name, &self.times, series.labels, values)
    }
}

/// Buckets of a classic histogram: each series is one, named by its bound; cumulative ones are taken apart.
fn buckets(query: &Query, grid: &Grid, series: Vec<RangeSeries>) -> Vec<Frame> {
    if series.iter().all(|one| one.floats.is_empty() && !one.histograms.is_empty()) {
        return named(query, series).into_iter().map(|(name, one)| grid.frame(query, name, one)).collect();
    }
    let is_cumulative = series.iter().all(|one| one.labels.contains(BUCKET));
    let mut rows: BTreeMap<Bound, (String, Vec<Option<f64>>)> = BTreeMap::new();
    for (name, one) in named(query, series) {
        let bound = one.labels.get(BUCKET).map_or_else(|| name.clone(), str::to_owned);
        let values = grid.numbers(&one.floats);
        let name = if is_cumulative { bound.clone() } else { name };
        let row = rows.entry(Bound::of(&bound)).or_insert_with(|| (name, vec![None; grid.times.len()]));
        for (sum, value) in row.1.iter_mut().zip(values) {
            if let Some(value) = value {
                *sum = Some(sum.unwrap_or(0.0) + value);
            }
        }
    }
    if rows.is_empty() {
        return Vec::new();
    }
    let mut below: Vec<f64> = vec![0.0; grid.times.len()];
    let mut fields = vec![Field { name: TIME.to_owned(), values: Column::Time(Arc::clone(&grid.times)), ..Field::default() }];
    for (name, mut values) in rows.into_values() {
        if is_cumulative {
            for (value, below) in values.iter_mut().zip(&mut below) {
                if let Some(value) = value {
                    let whole = *value;
                    *value = (whole - *below).max(0.0);
                    *below = whole;
                }
            }
        }
        let labels = Labels::from_pairs([(BUCKET, name.as_str())]);
        fields.push(Field { title: name.clone(), name, labels, values: Column::Number(values), ..Field::default() });
    }
    vec![Frame { name: String::new(), ref_id: query.ref_id.clone(), kind: FrameKind::Buckets, fields }]
}

/// The order of bounds: numbers as numbers, then texts.
#[derive(Debug, Clone, PartialEq)]
struct Bound(f64, String);

impl Bound {
    fn of(text: &str) -> Self {
        match text.trim_start_matches('+').parse::<f64>() {
            Ok(number) if !number.is_nan() => Self(number, String::new()),
            _ => Self(f64::NAN, text.to_owned()),
        }
    }
}

impl Eq for Bound {}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bound {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0).then_with(|| self.1.cmp(&other.1))
    }
}

struct Row {
    labels: Labels,
    at: i64,
    value: Option<f64>,
}

fn number(point: &Point) -> Option<f64> {
    match point {
        Point::Float(value) => Some(*value),
        Point::Histogram(histogram) => Some(histogram.count),
    }
}

fn rows_of(series: Vec<RangeSeries>, notes: &mut Vec<String>) -> Vec<Row> {
    let whole: usize = series.iter().map(|one| one.floats.len()).sum();
    if whole > ROWS_MAX {
        notes.push(format!("{whole} rows, the first {ROWS_MAX} are shown"));
    }
    let rows = series.into_iter().flat_map(|one| {
        let labels = one.labels;
        one.floats.into_iter().map(move |(at, value)| Row { labels: labels.clone(), at, value: Some(value) })
    });
    rows.take(ROWS_MAX).collect()
}

/// A row for each sample, a column for each label.
fn table(query: &Query, rows: Vec<Row>, is_alone: bool) -> Frame {
    let mut names: Vec<&str> = rows.iter().flat_map(|row| row.labels.iter().map(|(name, _)| name)).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(LABELS_MAX);
    let time = Field { name: TIME.to_owned(), values: Column::Time(rows.iter().map(|row| row.at).collect()), ..Field::default() };
    let column = |name: &str| {
        let values = rows.iter().map(|row| row.labels.get(name).map(str::to_owned)).collect();
        Field { name: name.to_owned(), values: Column::Text(values), ..Field::default() }
    };
    let value = if is_alone { VALUE.to_owned() } else { format!("{VALUE} #{}", query.ref_id) };
    let value = Field { name: value, values: Column::Number(rows.iter().map(|row| row.value).collect()), ..Field::default() };
    let fields = std::iter::once(time).chain(names.into_iter().map(column)).chain([value]).collect();
    let fields = if rows.is_empty() { Vec::new() } else { fields };
    Frame { name: String::new(), ref_id: query.ref_id.clone(), kind: FrameKind::Table, fields }
}

/// Lines of a log: `Time`, `Line`, `level`, `tsNs`, and a column for each label.
pub(super) fn lines(query: &Query, lines: Vec<Line>) -> Frame {
    let mut names: Vec<&str> = lines.iter().flat_map(|line| line.labels.iter().map(|(name, _)| name)).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| *name != "level");
    names.truncate(LABELS_MAX);
    let text = |name: &str, values: Vec<Option<String>>| Field { name: name.to_owned(), values: Column::Text(values), ..Field::default() };
    let column = |name: &str| text(name, lines.iter().map(|line| line.labels.get(name).map(str::to_owned)).collect());
    let mut fields = vec![
        Field {
            name: TIME.to_owned(),
            values: Column::Time(lines.iter().map(|line| line.at_ns.div_euclid(1_000_000)).collect()),
            ..Field::default()
        },
        text("Line", lines.iter().map(|line| Some(line.text.clone())).collect()),
        text("level", lines.iter().map(|line| Some(line.level.clone())).collect()),
        text("tsNs", lines.iter().map(|line| Some(line.at_ns.to_string())).collect()),
    ];
    fields.extend(names.iter().map(|name| column(name)));
    let fields = if lines.is_empty() { Vec::new() } else { fields };
    Frame { name: String::new(), ref_id: query.ref_id.clone(), kind: FrameKind::Lines, fields }
}
