//! Heatmaps: counts in rows of buckets over time, of classic or native histograms, or counted here.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::colour::colour;
use super::grid::{self, Grid};
use super::{Canvas, Drawn};
use crate::boards::data::{Column, Field, Frame, FrameKind, Options};
use crate::boards::model::Panel;
use crate::series::histogram::Histogram;
use crate::ui::units::Unit;

/// Most rows; more are thinner than a pixel or two.
const ROWS_MAX: usize = 300;
/// Least and most shades, and how many there are where nothing is said.
const SHADES: (u32, u32) = (2, 128);
/// See [`SHADES`].
const SHADES_USUAL: u32 = 64;
/// Rows of a heatmap that counts by itself.
const COUNTED_ROWS: usize = 20;

/// A row of buckets: its bounds, and its count at each place of the grid.
struct Row {
    label: String,
    from: f64,
    to: f64,
    values: Vec<Option<f64>>,
}

/// A heatmap.
pub(super) fn draw(panel: &Panel, frames: &[Frame], canvas: &Canvas) -> Result<Drawn, String> {
    let grid = Grid::of(canvas);
    let options = Options::new(&panel.options);
    let look = frames.iter().flat_map(|frame| frame.fields.iter().skip(1)).map(|field| &field.look).next();
    let unit = options.child("yAxis").text("unit").filter(|unit| !unit.is_empty()).map(str::to_owned);
    let unit = Unit::from_id(&unit.or_else(|| look.map(|look| look.unit.clone())).unwrap_or_default());
    let decimals = options.child("yAxis").count("decimals", 0, 20);
    let counts = options.flag("calculate");
    let mut rows = if counts { counted(frames, &grid) } else { rows(frames, &grid) };
    if rows.is_empty() {
        return Ok(Drawn::Empty { text: canvas.lang.t("No data").to_owned() });
    }
    if rows.len() > ROWS_MAX {
        return Err(format!("the heatmap has {} rows of buckets, at most {ROWS_MAX} are drawn: ask for fewer buckets", rows.len()));
    }
    if options.child("yAxis").flag("reverse") {
        rows.reverse();
    }
    hide_small(&mut rows, options.child("filterValues"));
    let named = |row: &Row| {
        let bound = if row.to.is_finite() { row.to } else { row.from };
        let text = if row.label.is_empty() || row.label.parse::<f64>().is_ok() { unit.show(bound, decimals) } else { row.label.clone() };
        if row.to == f64::INFINITY { "+Inf".to_owned() } else { text }
    };
    let heads: Vec<Value> = rows.iter().map(|row| json!({ "label": named(row), "from": bound(row.from), "to": bound(row.to) })).collect();
    let values: Vec<Value> = rows.iter().map(|row| grid::numbers(&row.values)).collect();
    let (of_count, count_decimals) = counted_in(options, look.map(|look| look.unit.as_str()).unwrap_or_default());
    let data = json!({
        "start": grid::seconds(grid.start), "step": grid::seconds(grid.step), "n": grid.len,
        "rows": heads, "v": values, "unit": of_count.form(), "decimals": count_decimals, "colour": colouring(options.child("color")),
        "scale": options.child("legend").flag_or("show", true),
    });
    Ok(Drawn::Heat { data })
}

/// The unit of counts and its decimals: that of cells, else that of fields where rows have one of their own.
fn counted_in(options: Options<'_>, of_fields: &str) -> (Unit, Option<u32>) {
    let (cells, rows) = (options.child("cellValues"), options.child("yAxis").word("unit"));
    let unit = cells.text("unit").filter(|unit| !unit.is_empty());
    let unit = unit.or(Some(of_fields).filter(|unit| !unit.is_empty() && !rows.is_empty() && *unit != rows)).unwrap_or("short");
    (Unit::from_id(unit), cells.count("decimals", 0, 20))
}

/// How counts are coloured: by a scheme of some name, by shades of one colour, or by our own where nothing is said.
fn colouring(said: Options<'_>) -> Value {
    let steps = said.count("steps", SHADES.0, SHADES.1).unwrap_or(SHADES_USUAL);
    let mut found = json!({ "steps": steps, "reverse": said.flag("reverse"), "min": said.number("min"), "max": said.number("max") });
    if said.word("mode") == "opacity" {
        found["fill"] = colour(said.text("fill").filter(|fill| !fill.is_empty()).unwrap_or("dark-orange")).into();
        if said.word("scale") != "linear" {
            found["exponent"] = said.number("exponent").unwrap_or(0.5).clamp(0.05, 20.0).into();
        }
    } else if let Some(scheme) = said.text("scheme").filter(|scheme| !scheme.is_empty()) {
        found["scheme"] = scheme.into();
    }
    if let Some(found) = found.as_object_mut() {
        found.retain(|_, value| !value.is_null());
    }
    found
}

fn bound(value: f64) -> Value {
    if value.is_finite() { grid::number(value) } else { Value::Null }
}

/// Counts at or below a bound are not shown (`filterValues.le`), or those above another.
fn hide_small(rows: &mut [Row], filter: Options<'_>) {
    let (least, most) = (filter.number("le"), filter.number("ge"));
    for value in rows.iter_mut().flat_map(|row| &mut row.values) {
        if value.is_some_and(|count| least.is_some_and(|least| count <= least) || most.is_some_and(|most| count >= most)) {
            *value = None;
        }
    }
}

fn rows(frames: &[Frame], grid: &Grid) -> Vec<Row> {
    let mut found = BTreeMap::new();
    let mut classic = Vec::new();
    for frame in frames {
        let Some(times) = grid::times(frame) else { continue };
        for field in &frame.fields {
            match &field.values {
                Column::Histogram(values) => native(&mut found, times, values, grid),
                Column::Number(values) => {
                    classic.push(Row { label: name(field), from: f64::NEG_INFINITY, to: upper(field), values: grid.values(times, values) })
                }
                _ => {}
            }
        }
    }
    if classic.is_empty() {
        return found.into_values().collect();
    }
    let is_one_frame = frames.iter().any(|frame| frame.kind == FrameKind::Buckets);
    if !is_one_frame && classic.iter().all(|row| !row.to.is_nan()) {
        classic.sort_by(|a, b| a.to.total_cmp(&b.to));
    }
    for at in 1..classic.len() {
        classic[at].from = classic[at - 1].to;
    }
    if let Some(first) = classic.first_mut().filter(|first| first.to > 0.0) {
        first.from = 0.0;
    }
    classic
}

fn name(field: &Field) -> String {
    if field.title.is_empty() { field.name.clone() } else { field.title.clone() }
}

/// The upper bound of a bucket: its label, or a number in its name.
fn upper(field: &Field) -> f64 {
    let read = |text: &str| text.trim_start_matches('+').parse::<f64>().ok();
    field.labels.get("le").and_then(read).or_else(|| read(&name(field))).unwrap_or(f64::NAN)
}

/// Order of floats as keys.
#[derive(PartialEq)]
struct Key(f64);

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Buckets of native histograms, added up over series.
fn native(found: &mut BTreeMap<Key, Row>, times: &[i64], values: &[Option<std::sync::Arc<Histogram>>], grid: &Grid) {
    for (time, histogram) in times.iter().zip(values) {
        let Some(histogram) = histogram else { continue };
        for (from, to, count) in buckets(histogram) {
            if found.len() > ROWS_MAX && !found.contains_key(&Key(to)) {
                continue;
            }
            let row = found.entry(Key(to)).or_insert_with(|| Row { label: String::new(), from, to, values: vec![None; grid.len] });
            let place = grid.values(&[*time], &[Some(count)]);
            if let Some(at) = place.iter().position(Option::is_some) {
                row.values[at] = Some(row.values[at].unwrap_or(0.0) + count);
            }
        }
    }
}

/// Bounds and counts of the buckets of a native histogram that hold something.
fn buckets(histogram: &Histogram) -> Vec<(f64, f64, f64)> {
    let base = 2f64.powf(2f64.powi(-histogram.schema));
    let is_custom = !histogram.custom_bounds.is_empty();
    let bounds = |index: i64| {
        if is_custom {
            let at = |index: i64| usize::try_from(index).ok().and_then(|index| histogram.custom_bounds.get(index)).copied();
            (at(index - 1).unwrap_or(f64::NEG_INFINITY), at(index).unwrap_or(f64::INFINITY))
        } else {
            (base.powf((index - 1) as f64), base.powf(index as f64))
        }
    };
    let mut found = Vec::new();
    for (spans, counts, sign) in
        [(&histogram.positive_spans, &histogram.positive_buckets, 1.0), (&histogram.negative_spans, &histogram.negative_buckets, -1.0)]
    {
        let (mut index, mut at) = (0_i64, 0);
        for span in spans {
            index += i64::from(span.offset);
            for _ in 0..span.length {
                let Some(count) = counts.get(at) else { return found };
                if *count != 0.0 {
                    let (low, high) = bounds(index);
                    found.push(if sign > 0.0 { (low, high, *count) } else { (-high, -low, *count) });
                }
                (index, at) = (index + 1, at + 1);
            }
        }
    }
    if histogram.zero_count != 0.0 {
        found.push((-histogram.zero_threshold, histogram.zero_threshold, histogram.zero_count));
    }
    found
}

/// Counts how many values of all series lie in which of twenty even rows.
fn counted(frames: &[Frame], grid: &Grid) -> Vec<Row> {
    let all: Vec<Vec<Option<f64>>> = frames
        .iter()
        .filter_map(|frame| grid::times(frame).map(|times| (times, frame)))
        .flat_map(|(times, frame)| {
            frame.fields.iter().filter_map(move |field| match &field.values {
                Column::Number(values) => Some(grid.values(times, values)),
                _ => None,
            })
        })
        .collect();
    let finite = || all.iter().flatten().flatten().copied().filter(|value| value.is_finite());
    let (Some(min), Some(max)) = (finite().reduce(f64::min), finite().reduce(f64::max)) else { return Vec::new() };
    let height = ((max - min) / COUNTED_ROWS as f64).max(f64::MIN_POSITIVE);
    let height = if min == max { 1.0 } else { height };
    let rows = if min == max { 1 } else { COUNTED_ROWS };
    let one = |at: usize| {
        let (from, to) = (min + height * at as f64, min + height * (at + 1) as f64);
        Row { label: String::new(), from, to, values: vec![None; grid.len] }
    };
    let mut found: Vec<Row> = (0..rows).map(one).collect();
    for series in &all {
        for (at, value) in series.iter().enumerate() {
            let Some(value) = value.filter(|value| value.is_finite()) else { continue };
            let row = (((value - min) / height) as usize).min(rows - 1);
            found[row].values[at] = Some(found[row].values[at].unwrap_or(0.0) + 1.0);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::TimeRange;
    use crate::series::histogram::Span;
    use crate::ui::lang::Lang;

    const CANVAS: Canvas = Canvas { width: 600, height: 240, lang: Lang::En, range: TimeRange::new(0, 30_000), step: 15_000, now: 30_000 };

    fn column(name: &str, values: Column) -> Field {
        Field { name: name.into(), title: name.into(), values, ..Field::default() }
    }

    fn heat(panel: &Panel, frames: &[Frame]) -> Value {
        match draw(panel, frames, &CANVAS).unwrap() {
            Drawn::Heat { data } => data,
            other => panic!("{other:?}"),
        }
    }

    fn times() -> Field {
        column("Time", Column::Time([0, 15_000, 30_000].into()))
    }

    #[test]
    fn buckets_are_rows() {
        let counts = |values: [f64; 3]| Column::Number(values.map(Some).to_vec());
        let fields = vec![
            times(),
            column("0.1", counts([1.0, 2.0, 3.0])),
            column("0.5", counts([0.0, 1.0, 0.0])),
            column("+Inf", counts([0.0, 0.0, 4.0])),
        ];
        let data = heat(&Panel::default(), &[Frame { kind: FrameKind::Buckets, fields, ..Frame::default() }]);
        assert_eq!(data["rows"][0], json!({"label": "0.1", "from": 0, "to": 0.1}));
        assert_eq!(data["rows"][2], json!({"label": "+Inf", "from": 0.5, "to": null}));
        assert_eq!(data["v"], json!([[1, 2, 3], [0, 1, 0], [0, 0, 4]]));
    }

    #[test]
    fn counts_are_coloured_as_the_panel_says() {
        let of = |color: Value| colouring(Options::new(json!({ "color": color }).as_object().unwrap()).child("color"));
        assert_eq!(of(json!({})), json!({"steps": 64, "reverse": false}));
        let scheme =
            json!({"mode": "scheme", "scheme": "Viridis", "fill": "red", "exponent": 0.5, "steps": 9000, "reverse": true, "max": 12});
        assert_eq!(of(scheme), json!({"scheme": "Viridis", "steps": 128, "reverse": true, "max": 12.0}));
        let fill = |scale: &str| of(json!({"mode": "opacity", "scheme": "Blues", "fill": "green", "scale": scale, "steps": 0, "min": 1}));
        assert_eq!(fill("linear"), json!({"fill": "ok", "steps": 2, "reverse": false, "min": 1.0}));
        assert_eq!(fill("exponential")["exponent"], json!(0.5));
        assert_eq!(of(json!({"mode": "opacity", "fill": "\"><script>"}))["fill"], json!("c1"));
    }

    #[test]
    fn counts_have_a_unit_of_their_own() {
        let unit = |options: Value, of_fields: &str| counted_in(Options::new(options.as_object().unwrap()), of_fields).0.show(1500.0, None);
        assert_eq!(unit(json!({"yAxis": {"unit": "s"}}), "s"), "1.5k");
        assert_eq!(unit(json!({"yAxis": {"unit": "s"}}), ""), "1.5k");
        assert_eq!(unit(json!({}), "s"), "1.5k");
        assert_eq!(unit(json!({"yAxis": {"unit": "s"}}), "bytes"), Unit::from_id("bytes").show(1500.0, None));
        assert_eq!(unit(json!({"cellValues": {"unit": "percent"}}), "s"), Unit::from_id("percent").show(1500.0, None));
    }

    #[test]
    fn native_histograms_are_taken_apart() {
        let histogram = Histogram {
            schema: 0,
            zero_threshold: 0.001,
            zero_count: 1.0,
            count: 6.0,
            positive_spans: vec![Span { offset: 0, length: 2 }, Span { offset: 1, length: 1 }],
            positive_buckets: vec![2.0, 0.0, 3.0],
            ..Histogram::default()
        };
        assert_eq!(buckets(&histogram), [(0.5, 1.0, 2.0), (4.0, 8.0, 3.0), (-0.001, 0.001, 1.0)]);
        let values = vec![Some(std::sync::Arc::new(histogram)), None, None];
        let data = heat(&Panel::default(), &[Frame { fields: vec![times(), column("x", Column::Histogram(values))], ..Frame::default() }]);
        assert_eq!(data["v"], json!([[1, null, null], [2, null, null], [3, null, null]]));
    }

    #[test]
    fn values_are_counted_where_that_is_asked_for() {
        let mut panel = Panel::default();
        panel.options.insert("calculate".into(), json!(true));
        let frame =
            |values: [f64; 3]| Frame { fields: vec![times(), column("x", Column::Number(values.map(Some).to_vec()))], ..Frame::default() };
        let data = heat(&panel, &[frame([0.0, 10.0, f64::NAN]), frame([0.0, 0.0, 20.0])]);
        assert_eq!((data["rows"].as_array().unwrap().len(), &data["v"][0]), (20, &json!([2, 1, null])));
        assert!(matches!(draw(&panel, &[], &CANVAS), Ok(Drawn::Empty { .. })));
    }
}
