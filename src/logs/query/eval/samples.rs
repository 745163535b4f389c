//! What range aggregations make of the values within a window, in the order of time, as upstream computes it.

use super::window::Windows;
use crate::logs::query::ast::RangeOp;

/// A value of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    /// Its series.
    pub(crate) series: u32,
    /// When (ns).
    pub(crate) ts: i64,
    /// What.
    pub(crate) value: f64,
}

impl Sample {
    /// Order by series and time; values last, so that the order does not hang on threads.
    pub(crate) fn order(&self, other: &Self) -> std::cmp::Ordering {
        (self.series, self.ts).cmp(&(other.series, other.ts)).then_with(|| self.value.total_cmp(&other.value))
    }
}

/// Makes one value of the samples in a window; there is at least one. `range` in seconds, `end` of the window in ns.
pub(crate) fn over_time(op: RangeOp, param: f64, samples: &[Sample], range: f64, end: i64, scratch: &mut Vec<f64>) -> f64 {
    let values = samples.iter().map(|sample| sample.value);
    match op {
        RangeOp::Rate => values.sum::<f64>() / range,
        RangeOp::SumOverTime => values.sum(),
        RangeOp::AvgOverTime => mean(values),
        RangeOp::MaxOverTime => values.fold(f64::NAN, |max, value| if value > max || max.is_nan() { value } else { max }),
        RangeOp::MinOverTime => values.fold(f64::NAN, |min, value| if value < min || min.is_nan() { value } else { min }),
        RangeOp::StdvarOverTime => variance(values),
        RangeOp::StddevOverTime => variance(values).sqrt(),
        RangeOp::QuantileOverTime => {
            scratch.clear();
            scratch.extend(values);
            quantile(param, scratch)
        }
        RangeOp::FirstOverTime => samples.first().map_or(f64::NAN, |sample| sample.value),
        RangeOp::LastOverTime => samples.last().map_or(f64::NAN, |sample| sample.value),
        RangeOp::RateCounter => rate_counter(samples, range, end),
        RangeOp::CountOverTime => samples.len() as f64,
        RangeOp::BytesRate | RangeOp::BytesOverTime | RangeOp::AbsentOverTime => 1.0,
    }
}

/// Infinities stay, as long as there are none of both signs.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut mean, mut count) = (0.0_f64, 0.0);
    for value in values {
        count += 1.0;
        if mean.is_infinite() {
            let is_same = value.is_infinite() && (mean > 0.0) == (value > 0.0);
            if is_same || value.is_finite() {
                continue;
            }
        }
        mean += value / count - mean / count;
    }
    mean
}

fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut squares, mut count, mut mean) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
    }
    squares / count
}

/// The φ-quantile, between the two samples next to it.
fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    // NaN is the smallest.
    let order = |a: &f64, b: &f64| b.is_nan().cmp(&a.is_nan()).then_with(|| a.total_cmp(b));
    let count = values.len() as f64;
    let rank = q * (count - 1.0);
    let lower = rank.floor().max(0.0);
    let weight = rank - rank.floor();
    if values.is_empty() {
        return f64::NAN;
    }
    let (_, lower, above) = values.select_nth_unstable_by((lower as usize).min(values.len() - 1), order);
    let lower = *lower;
    let upper = above.iter().copied().min_by(order).unwrap_or(lower);
    lower * (1.0 - weight) + upper * weight
}

/// Increase per second of a counter, extended to the window's edges where samples come close to them.
fn rate_counter(samples: &[Sample], range: f64, end: i64) -> f64 {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return 0.0 };
    if samples.len() < 2 {
        return 0.0;
    }
    let resets: f64 = samples.windows(2).filter(|pair| pair[1].value < pair[0].value).map(|pair| pair[0].value).sum();
    let mut increase = last.value - first.value + resets;
    let seconds = |nanos: i64| nanos as f64 / 1e9;
    let mut to_start = range - seconds(end - first.ts);
    let mut to_end = seconds(end - last.ts);
    let sampled = seconds(last.ts - first.ts);
    let between = sampled / (samples.len() - 1) as f64;
    let threshold = between * 1.1;
    if to_start >= threshold {
        to_start = between / 2.0;
    }
    // A counter begins at zero at the earliest.
    if increase > 0.0 && first.value >= 0.0 {
        to_start = to_start.min(sampled * (first.value / increase));
    }
    if to_end >= threshold {
        to_end = between / 2.0;
    }
    increase *= (sampled + to_start + to_end) / sampled;
    increase / range
}

/// Calls `each` with every step and the samples of one series in its window, if there are any. They are in order of time.
pub(crate) fn each_window(samples: &[Sample], windows: &Windows, mut each: impl FnMut(usize, &[Sample])) {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return };
    let (from, upto) = windows.steps_between(first.ts, last.ts);
    let (mut low, mut high) = (0, 0);
    for step in from..upto {
        let (start, end) = (windows.start(step), windows.end(step));
        while samples.get(high).is_some_and(|sample| sample.ts <= end) {
            high += 1;
        }
        while samples.get(low).is_some_and(|sample| sample.ts <= start) {
            low += 1;
        }
        if low < high {
            each(step, &samples[low..high]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(op: RangeOp, param: f64, values: &[(i64, f64)]) -> f64 {
        let samples: Vec<Sample> = values.iter().map(|(ts, value)| Sample { series: 0, ts: ts * 1_000_000_000, value: *value }).collect();
        over_time(op, param, &samples, 60.0, 60_000_000_000, &mut Vec::new())
    }

    #[test]
    fn functions() {
        let values = [(10, 1.0), (20, 2.0), (30, 4.0), (40, 3.0)];
        for (op, expected) in [
            (RangeOp::SumOverTime, 10.0),
            (RangeOp::AvgOverTime, 2.5),
            (RangeOp::MinOverTime, 1.0),
            (RangeOp::MaxOverTime, 4.0),
            (RangeOp::StdvarOverTime, 1.25),
            (RangeOp::FirstOverTime, 1.0),
            (RangeOp::LastOverTime, 3.0),
            (RangeOp::Rate, 10.0 / 60.0),
            (RangeOp::CountOverTime, 4.0),
        ] {
            assert!((run(op, 0.0, &values) - expected).abs() < 1e-12, "{op:?}");
        }
        assert_eq!(run(RangeOp::QuantileOverTime, 0.5, &values), 2.5);
        assert_eq!(run(RangeOp::QuantileOverTime, 1.5, &values), f64::INFINITY);
        assert_eq!(run(RangeOp::MaxOverTime, 0.0, &[(1, f64::NAN), (2, 1.0)]), 1.0);
        assert_eq!(run(RangeOp::AvgOverTime, 0.0, &[(1, f64::INFINITY), (2, 1.0), (3, f64::INFINITY)]), f64::INFINITY);
        assert_eq!(run(RangeOp::RateCounter, 0.0, &[(30, 100.0), (60, 130.0)]), 1.0);
        assert_eq!(run(RangeOp::RateCounter, 0.0, &[(30, 100.0)]), 0.0);
    }
}
