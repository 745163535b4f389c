//! The last hour of an alert's value as a small picture that stands in a page as an image.

use std::fmt::Write;

use crate::base::time::TimeRange;
use crate::series::labels::Labels;
use crate::series::value::RangeSeries;
use crate::ui::shell::Severity;

/// Size of the picture.
const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 28.0;
/// Room above and below the line.
const EDGE: f64 = 3.0;
/// Points drawn at most.
const POINTS_MAX: usize = 240;

/// The series an alert is made of: one whose labels it all has, the more of them the better.
pub fn series_of<'a>(series: &'a [RangeSeries], alert: &Labels) -> Option<&'a RangeSeries> {
    let has = |labels: &Labels| labels.iter().filter(|(name, _)| *name != "__name__").all(|(name, value)| alert.get(name) == Some(value));
    series.iter().filter(|one| has(&one.labels)).max_by_key(|one| one.labels.len())
}

/// Draws values over a range, broken where there are none, with the threshold as a dashed line. Colours suit both themes,
/// as a picture does not see the page's.
pub fn svg(points: &[(i64, f64)], step: i64, range: TimeRange, threshold: Option<f64>, severity: Severity) -> String {
    let colour = match severity {
        Severity::Critical => "#e0504c",
        Severity::Warning => "#c98a1b",
        Severity::Info => "#3f8fd0",
    };
    let mut out = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" fill=\"none\">");
    let finite: Vec<(i64, f64)> = points.iter().copied().filter(|(_, value)| value.is_finite()).take(POINTS_MAX).collect();
    let values = finite.iter().map(|(_, value)| *value).chain(threshold.filter(|value| value.is_finite()));
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if !finite.is_empty() {
        let spread = if high - low > 0.0 && (high - low).is_finite() { high - low } else { 1.0 };
        let y = |value: f64| HEIGHT - EDGE - (HEIGHT - 2.0 * EDGE) * ((value - low) / spread).clamp(0.0, 1.0);
        let whole = range.end.saturating_sub(range.start).max(1) as f64;
        let x = |at: i64| WIDTH * (at.saturating_sub(range.start) as f64 / whole).clamp(0.0, 1.0);
        if let Some(threshold) = threshold.filter(|value| value.is_finite()) {
            let at = y(threshold);
            // Writing to a String cannot fail, here and below.
            let _infallible =
                write!(out, "<path d=\"M0 {at:.1}H{WIDTH}\" stroke=\"#8a93a0\" stroke-width=\"1\" stroke-dasharray=\"3 3\" opacity=\".8\"/>");
        }
        let mut line = String::new();
        let mut before: Option<i64> = None;
        for (at, value) in &finite {
            let is_joined = before.is_some_and(|before| at.saturating_sub(before) <= step.saturating_mul(5) / 2);
            let _infallible = write!(line, "{}{:.1} {:.1}", if is_joined { 'L' } else { 'M' }, x(*at), y(*value));
            if !is_joined {
                // A value by itself is a dot.
                line.push_str("h.01");
            }
            before = Some(*at);
        }
        let _infallible = write!(
            out,
            "<path d=\"{line}\" stroke=\"{colour}\" stroke-width=\"1.6\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/>"
        );
    }
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_whatever_comes() {
        let range = TimeRange::new(0, 100);
        for points in [
            vec![],
            vec![(0, 1.0)],
            vec![(0, f64::NAN), (10, f64::INFINITY), (20, -1e308), (30, 1e308)],
            (0..5000).map(|at| (at, at as f64)).collect(),
            vec![(i64::MIN, 0.0), (i64::MAX, 0.0)],
        ] {
            for threshold in [None, Some(0.5), Some(f64::NAN)] {
                let svg = svg(&points, 10, range, threshold, Severity::Critical);
                assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
                assert!(svg.len() < 8000);
            }
        }
        let gap = svg(&[(0, 1.0), (10, 1.0), (90, 1.0)], 10, range, None, Severity::Info);
        assert_eq!(gap.matches('M').count(), 2, "{gap}");
    }

    #[test]
    fn the_nearest_series_is_taken() {
        let one = |pairs: &[(&str, &str)]| RangeSeries {
            labels: Labels::from_pairs(pairs.iter().copied()),
            floats: Vec::new(),
            histograms: Vec::new(),
        };
        let all = [one(&[]), one(&[("__name__", "up"), ("job", "a"), ("i", "1")]), one(&[("job", "b")])];
        let alert = Labels::from_pairs([("alertname", "Down"), ("job", "a"), ("i", "1"), ("severity", "x")]);
        assert_eq!(series_of(&all, &alert).map(|one| one.labels.len()), Some(3));
        assert!(series_of(&all[2..], &alert).is_none());
    }
}
