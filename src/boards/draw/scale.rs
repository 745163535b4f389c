//! Axes of charts that stand still: round ticks and their labels.

use crate::ui::units::{Form, Unit};

/// Ticks from below the least to above the greatest value, at round distances; powers of two for bytes.
pub(super) fn ticks(low: f64, high: f64, most: usize, unit: Unit) -> Vec<f64> {
    let (low, high) = if low.is_finite() && high.is_finite() && low < high { (low, high) } else { (low.min(0.0), low.max(0.0) + 1.0) };
    if !(low.is_finite() && high.is_finite()) {
        return vec![0.0, 1.0];
    }
    let rough = (high - low) / most.max(1) as f64;
    let step = if matches!(unit.form(), Form::Scaled { b, .. } if b == 1024.0) {
        2f64.powf(rough.log2().ceil())
    } else {
        let power = 10f64.powf(rough.log10().floor());
        let round = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|round| round * power >= rough * 0.999).unwrap_or(10.0);
        round * power
    };
    if !(step.is_finite() && step > 0.0) {
        return vec![low, high];
    }
    let first = (low / step).floor();
    (0..=most + 2).map(|at| (first + at as f64) * step).take_while(|tick| *tick < high + step * 0.999).collect()
}

/// Labels of ticks.
pub(super) fn labels(ticks: &[f64], unit: Unit, decimals: Option<u32>) -> Vec<String> {
    ticks.iter().map(|tick| unit.show(*tick, decimals)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_what_is_shown() {
        assert_eq!(ticks(0.0, 93.0, 5, Unit::Short), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(0.0, 3.0 * 1024.0, 4, Unit::Bytes), [0.0, 1024.0, 2048.0, 3072.0]);
        assert_eq!(ticks(-5.0, 5.0, 4, Unit::Short), [-5.0, -2.5, 0.0, 2.5, 5.0]);
        for (low, high) in [(0.0, 0.0), (1.0, 1.0), (f64::NAN, 1.0), (f64::NEG_INFINITY, 1.0), (-1e300, 1e300), (0.0, 1e-300)] {
            let found = ticks(low, high, 5, Unit::Short);
            assert!(found.len() >= 2 && found.len() < 10 && found.iter().all(|tick| !tick.is_nan()), "{low} {high} {found:?}");
        }
    }
}
