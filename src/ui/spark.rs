//! Charts small enough to be drawn by the server.

use std::fmt::Write;

/// Most points a sparkline shows; more are thinned out.
const POINTS_MAX: usize = 64;

/// A sparkline as SVG, or nothing when there are fewer than two values. Gaps are joined, the number beside it
/// carries the meaning. The scale begins at zero for values that never fall below it and vary by much.
pub fn svg(values: &[f64]) -> String {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if finite.len() < 2 {
        return String::new();
    }
    let points = thinned(&finite);
    let high = points.iter().copied().fold(f64::MIN, f64::max);
    let mut low = points.iter().copied().fold(f64::MAX, f64::min);
    if low > 0.0 && low < high / 2.0 {
        low = 0.0;
    }
    let height = (high - low).max(high.abs() * 0.02).max(1e-9);
    let last = (points.len() - 1) as f64;
    let mut line = String::with_capacity(points.len() * 12);
    for (at, value) in points.iter().enumerate() {
        let (x, y) = (200.0 * at as f64 / last, 30.0 - 26.0 * (value - low) / height);
        // Writing to a String cannot fail.
        let _infallible = write!(line, "{}{x:.1} {y:.1}", if at == 0 { 'M' } else { 'L' });
    }
    format!(
        "<svg class=\"spark\" viewBox=\"0 0 200 34\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <path class=\"a\" d=\"{line}L200 34L0 34Z\"/><path class=\"l\" d=\"{line}\"/></svg>"
    )
}

/// Means of equal parts when there are too many values.
fn thinned(values: &[f64]) -> Vec<f64> {
    if values.len() <= POINTS_MAX {
        return values.to_vec();
    }
    (0..POINTS_MAX)
        .map(|at| {
            let part = &values[at * values.len() / POINTS_MAX..(at + 1) * values.len() / POINTS_MAX];
            part.iter().sum::<f64>() / part.len() as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_within_its_box_whatever_comes() {
        for values in [vec![1.0, 2.0], vec![0.0; 9], vec![f64::NAN, 1.0, f64::INFINITY, -5.0], (0..1000).map(f64::from).collect()] {
            let svg = svg(&values);
            assert!(svg.starts_with("<svg") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert!(svg.len() < 2500);
        }
        assert_eq!(svg(&[1.0]), "");
        assert_eq!(svg(&[f64::NAN, 1.0]), "");
    }
}
