//! Histogram: how many values lie in each of some buckets.

use super::bars::{Bars, Series, chart};
use super::colour::of_look;
use super::{Canvas, Drawn, empty};
use crate::boards::data::{Cell, Column, Field, Frame, FrameKind, Options, reduce};
use crate::boards::model::Panel;
use crate::ui::units::{Form, Unit};

/// Buckets unless the panel says, and most of them.
const BUCKETS: (f64, usize) = (30.0, 400);

/// Draws a histogram panel.
pub(super) fn draw(panel: &Panel, frames: &[Frame], canvas: &Canvas) -> Drawn {
    let options = Options::new(&panel.options);
    if let Some(frame) = frames.iter().find(|frame| frame.kind == FrameKind::Buckets) {
        return of_buckets(frame, options, canvas);
    }
    let fields: Vec<&Field> =
        frames.iter().flat_map(|frame| &frame.fields).filter(|field| matches!(field.values, Column::Number(_))).collect();
    let numbers = |field: &Field| -> Vec<f64> { field.values.numbers().into_iter().flatten().filter(|value| value.is_finite()).collect() };
    let all: Vec<Vec<f64>> = fields.iter().map(|field| numbers(field)).collect();
    let low = all.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let high = all.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return empty(canvas);
    }
    let unit = Unit::from_id(if fields[0].look.unit.is_empty() { "short" } else { &fields[0].look.unit });
    let size = options.number("bucketSize").filter(|size| *size > 0.0).unwrap_or_else(|| {
        let wanted = options.number("bucketCount").unwrap_or(BUCKETS.0).clamp(1.0, BUCKETS.1 as f64);
        round_size(low, high, wanted, unit)
    });
    let offset = options.number("bucketOffset").unwrap_or(0.0);
    let size = size.max((high - low) / BUCKETS.1 as f64);
    let first = ((low - offset) / size).floor();
    let count = ((((high - offset) / size).floor() - first) as usize + 1).min(BUCKETS.1 + 2);
    let edge = |at: usize| unit.show(offset + (first + at as f64) * size, fields[0].look.decimals);
    let names = (0..count).map(|at| format!("{} – {}", edge(at), edge(at + 1))).collect();
    let is_combined = options.flag("combine");
    let groups: Vec<(String, String, Vec<f64>)> = if is_combined {
        vec![(canvas.lang.t("Count").to_owned(), of_look(&fields[0].look, None, (0.0, 1.0), 0, ""), all.into_iter().flatten().collect())]
    } else {
        fields
            .iter()
            .zip(all)
            .enumerate()
            .map(|(at, (field, values))| (field.title.clone(), of_look(&field.look, None, (0.0, 1.0), at, &field.title), values))
            .collect()
    };
    let series = groups.into_iter().take(24).map(|(name, colour, values)| {
        let mut counts = vec![0.0_f64; count];
        for value in values {
            let at = (((value - offset) / size).floor() - first).max(0.0) as usize;
            if let Some(bucket) = counts.get_mut(at) {
                *bucket += 1.0;
            }
        }
        one(name, colour, counts)
    });
    bars(names, series.collect(), options, canvas)
}

/// Buckets that the query gave: how many observations each has over the range.
fn of_buckets(frame: &Frame, options: Options<'_>, canvas: &Canvas) -> Drawn {
    let fields: Vec<&Field> = frame.fields.iter().filter(|field| !matches!(field.values, Column::Time(_))).take(BUCKETS.1).collect();
    let counts: Vec<f64> =
        fields.iter().map(|field| if let Cell::Number(sum) = reduce(&field.values, "sum") { sum } else { 0.0 }).collect();
    if counts.iter().all(|count| *count == 0.0) {
        return empty(canvas);
    }
    let names = fields.iter().map(|field| format!("≤ {}", if field.title.is_empty() { &field.name } else { &field.title })).collect();
    bars(names, vec![one(canvas.lang.t("Count").to_owned(), "c1".to_owned(), counts)], options, canvas)
}

fn one(name: String, colour: String, counts: Vec<f64>) -> Series {
    let texts = counts.iter().map(|count| Unit::Short.show(*count, None)).collect();
    let colour = if colour == "none" { "c1".to_owned() } else { colour };
    Series { name, colours: vec![colour], values: counts.into_iter().map(Some).collect(), texts }
}

fn bars(names: Vec<String>, series: Vec<Series>, options: Options<'_>, canvas: &Canvas) -> Drawn {
    let bars = Bars {
        names,
        series,
        unit: Unit::Short,
        decimals: None,
        stacking: "none",
        is_lying: false,
        shows_values: false,
        group_share: 0.94,
        is_overlaid: true,
        min: None,
        max: None,
    };
    chart(&bars, options, canvas)
}

/// A round size that gives about so many buckets; a power of two for bytes.
fn round_size(low: f64, high: f64, wanted: f64, unit: Unit) -> f64 {
    let rough = (high - low) / wanted;
    if !(rough.is_finite() && rough > 0.0) {
        return 1.0;
    }
    if matches!(unit.form(), Form::Scaled { b, .. } if b == 1024.0) {
        return 2f64.powf(rough.log2().ceil());
    }
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|round| round * power >= rough * 0.999).unwrap_or(10.0) * power
}
