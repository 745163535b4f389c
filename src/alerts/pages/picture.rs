//! The past of a draft's series as a picture as wide as its page, above the lanes of what would have fired.

use std::fmt::Write;

use crate::base::time::TimeRange;
use crate::series::value::RangeSeries;

/// Units of the picture; it is stretched to its place.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 120.0;
/// Room above and below lines.
const EDGE: f64 = 6.0;
/// Series drawn; more would hide each other.
pub const SERIES_MAX: usize = 8;
/// Points drawn of each.
const POINTS_MAX: usize = 500;

/// Draws series over a range, broken where there are none, with the bound as a dashed line. Empty if there is nothing.
pub fn svg(series: &[RangeSeries], step: i64, range: TimeRange, bound: Option<f64>) -> String {
    let shown = &series[..series.len().min(SERIES_MAX)];
    let bound = bound.filter(|value| value.is_finite());
    let numbers = shown.iter().flat_map(|one| &one.floats).map(|(_, value)| *value).filter(|value| value.is_finite());
    let (low, high) = numbers.clone().chain(bound).fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if numbers.count() == 0 {
        return String::new();
    }
    let spread = if high - low > 0.0 && (high - low).is_finite() { high - low } else { 1.0 };
    let y = |value: f64| HEIGHT - EDGE - (HEIGHT - 2.0 * EDGE) * ((value - low) / spread).clamp(0.0, 1.0);
    let whole = range.end.saturating_sub(range.start).max(1) as f64;
    let x = |at: i64| WIDTH * (at.saturating_sub(range.start) as f64 / whole).clamp(0.0, 1.0);
    let mut out = format!("<svg class=\"past\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
    if let Some(bound) = bound {
        // Writing to a String cannot fail, here and below.
        let _infallible = write!(out, "<path class=\"bound\" d=\"M0 {:.1}H{WIDTH}\"/>", y(bound));
    }
    for (number, one) in shown.iter().enumerate() {
        let _infallible = write!(out, "<path class=\"l{number}\" d=\"");
        let mut before: Option<i64> = None;
        for (at, value) in one.floats.iter().filter(|(_, value)| value.is_finite()).take(POINTS_MAX) {
            let is_joined = before.is_some_and(|before| at.saturating_sub(before) <= step.saturating_mul(5) / 2);
            let _infallible = write!(out, "{}{:.1} {:.1}", if is_joined { 'L' } else { 'M' }, x(*at), y(*value));
            if !is_joined {
                // A value by itself is a dot.
                out.push_str("h.01");
            }
            before = Some(*at);
        }
        out.push_str("\"/>");
    }
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::labels::Labels;

    #[test]
    fn draws_whatever_comes() {
        let range = TimeRange::new(0, 100);
        let series = |floats: Vec<(i64, f64)>| RangeSeries { labels: Labels::empty(), floats, histograms: Vec::new() };
        assert_eq!(svg(&[], 10, range, Some(1.0)), "");
        assert_eq!(svg(&[series(vec![(0, f64::NAN)])], 10, range, None), "");
        for points in [
            vec![(0, 1.0)],
            vec![(0, f64::NAN), (10, f64::INFINITY), (20, -1e308), (30, 1e308)],
            (0..5000).map(|at| (at, at as f64)).collect(),
            vec![(i64::MIN, 0.0), (i64::MAX, 0.0)],
        ] {
            let drawn = svg(&vec![series(points); 20], 10, range, Some(0.5));
            assert!(drawn.ends_with("</svg>") && !drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
            assert_eq!(drawn.matches("<path").count(), 1 + SERIES_MAX);
        }
        let gap = svg(&[series(vec![(0, 1.0), (10, 1.0), (90, 1.0)])], 10, range, None);
        assert_eq!(gap.matches('M').count(), 2, "{gap}");
    }
}
