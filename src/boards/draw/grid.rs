//! Values over time on one grid, as the browser gets them.

use serde_json::{Number, Value};

use super::Canvas;
use crate::base::float::plain;
use crate::boards::data::{Column, Frame};

/// Most points of a grid.
const POINTS_MAX: i64 = 5_000;
/// Digits that are sent of a number: more than anybody reads, fewer than make answers long.
const DIGITS: i32 = 6;

/// Times from a start in even steps, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) start: i64,
    pub(super) step: i64,
    pub(super) len: usize,
}

impl Grid {
    /// What a canvas has room for.
    pub(super) fn of(canvas: &Canvas) -> Self {
        let length = canvas.range.end.saturating_sub(canvas.range.start).max(0);
        let step = canvas.step.max(1).max(length / POINTS_MAX + 1);
        let start = canvas.range.start - canvas.range.start.rem_euclid(step);
        let len = (canvas.range.end.saturating_sub(start)).max(0) / step + 1;
        Self { start, step, len: usize::try_from(len).unwrap_or(1) }
    }

    /// The place nearest to a time.
    fn at(&self, time: i64) -> Option<usize> {
        let at = time.checked_sub(self.start)?.checked_add(self.step / 2)?.div_euclid(self.step);
        usize::try_from(at).ok().filter(|at| *at < self.len)
    }

    /// Values at the places of the grid; of several at one place the last stays. A step in which nothing falls is empty.
    pub(super) fn values(&self, times: &[i64], values: &[Option<f64>]) -> Vec<Option<f64>> {
        let mut out = vec![None; self.len];
        for (time, value) in times.iter().zip(values) {
            if let (Some(at), Some(value)) = (self.at(*time), value) {
                out[at] = Some(*value);
            }
        }
        out
    }
}

/// The times of a frame; none where it has none.
pub(super) fn times(frame: &Frame) -> Option<&[i64]> {
    frame.fields.iter().find_map(|field| match &field.values {
        Column::Time(times) => Some(&**times),
        _ => None,
    })
}

/// The usual distance of the times of a frame.
pub(super) fn distance(times: &[i64]) -> Option<i64> {
    let mut all: Vec<i64> = times.windows(2).take(200).map(|pair| pair[1] - pair[0]).filter(|by| *by > 0).collect();
    all.sort_unstable();
    all.get(all.len().saturating_sub(1) / 2).copied()
}

/// A number as JSON: at most six digits, whole ones without a fraction, what is no number as text.
pub(super) fn number(value: f64) -> Value {
    if !value.is_finite() {
        return Value::String(plain(value));
    }
    let value = legible(value);
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Value::Number((value as i64).into())
    } else {
        Number::from_f64(value).map_or(Value::Null, Value::Number)
    }
}

/// Values as JSON.
pub(super) fn numbers(values: &[Option<f64>]) -> Value {
    Value::Array(values.iter().map(|value| value.map_or(Value::Null, number)).collect())
}

/// Milliseconds as seconds.
pub(super) fn seconds(ms: i64) -> Value {
    number_whole(ms as f64 / 1_000.0)
}

fn number_whole(value: f64) -> Value {
    if value.fract() == 0.0 { Value::Number((value as i64).into()) } else { Number::from_f64(value).map_or(Value::Null, Value::Number) }
}

fn legible(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let exponent = DIGITS - 1 - value.abs().log10().floor() as i32;
    match exponent {
        // Dividing by an exact power of ten gives the nearest float, so its shortest text has few digits.
        0..=22 => {
            let power = 10f64.powi(exponent);
            let scaled = (value * power).round() / power;
            if scaled.is_finite() { scaled } else { value }
        }
        -18..0 => {
            let power = 10f64.powi(-exponent);
            (value / power).round() * power
        }
        _ => format!("{value:.5e}").parse().unwrap_or(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::TimeRange;
    use crate::ui::lang::Lang;

    #[test]
    fn values_find_their_places() {
        let canvas = |start, end, step| Canvas { width: 1, height: 1, lang: Lang::En, range: TimeRange::new(start, end), step, now: end };
        let grid = Grid::of(&canvas(12, 45, 10));
        assert_eq!((grid.start, grid.len), (10, 4));
        assert_eq!(
            grid.values(&[-50, 10, 21, 29, 99], &[Some(9.0), Some(1.0), Some(2.0), Some(3.0), Some(4.0)]),
            [Some(1.0), Some(2.0), Some(3.0), None]
        );
        assert!(Grid::of(&canvas(0, i64::MAX, 1)).len <= 5_001);
        assert_eq!(Grid::of(&canvas(5, 5, 0)).len, 1);
        assert_eq!(distance(&[0, 10, 20, 50]), Some(10));
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.1 + 0.2, "0.3"),
            (1_234_567.0, "1234570"),
            (123_456.7, "123457"),
            (1e300, "1e+300"),
            (-1.5e-12, "-1.5e-12"),
            (f64::NAN, "\"NaN\""),
            (f64::NEG_INFINITY, "\"-Inf\""),
            (-0.0, "0"),
        ] {
            assert_eq!(number(value).to_string(), text);
        }
        assert_eq!(seconds(1_500).to_string(), "1.5");
    }
}
