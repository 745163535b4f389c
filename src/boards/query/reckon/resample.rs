//! `resample`: series at times in even steps, so that series of different steps can be reckoned with each other.

use std::sync::Arc;

use super::{Numbers, POINTS_MAX, text};
use crate::boards::query::plan::Query;
use crate::boards::query::times::length;

pub(super) fn reckon(query: &Query, input: Vec<Numbers>) -> Result<Vec<Numbers>, String> {
    let window = text(query, "window");
    let step = length(window).ok_or_else(|| format!("\"{window}\" is no length of time to resample to, such as 1m"))?;
    let (start, end) = (query.times.start, query.times.end);
    let count = usize::try_from(end.saturating_sub(start).max(0) / step).unwrap_or(usize::MAX).saturating_add(1);
    if count.saturating_mul(input.len()) > POINTS_MAX {
        return Err(format!("resampling to {window} gives {count} points for each of {} series, which is too much", input.len()));
    }
    let times: Arc<[i64]> = (0..count).map(|at| start + step * at as i64).collect();
    let (down, up) = (text(query, "downsampler"), text(query, "upsampler"));
    let one = |one: Numbers| Ok(Numbers { values: resampled(&one, &times, (down, up))?, times: Arc::clone(&times), ..one });
    input.into_iter().map(one).collect()
}

/// The values at some times: of all since the time before one is made; where there are none, one before or after stands in.
fn resampled(one: &Numbers, times: &[i64], (down, up): (&str, &str)) -> Result<Vec<Option<f64>>, String> {
    let there: Vec<(i64, f64)> = one.times.iter().zip(&one.values).filter_map(|(at, value)| value.map(|value| (*at, value))).collect();
    let (mut out, mut seen) = (Vec::with_capacity(times.len()), 0);
    for time in times {
        let until = seen + there[seen..].partition_point(|(at, _)| at <= time);
        let within: Vec<f64> = there[seen..until].iter().map(|(_, value)| *value).collect();
        let value = if within.is_empty() {
            match up {
                "pad" | "" => seen.checked_sub(1).and_then(|at| there.get(at)).map(|(_, value)| *value),
                "backfilling" => there.get(seen).map(|(_, value)| *value),
                "fillna" => None,
                other => return Err(format!("\"{other}\" fills no gaps; allowed are pad, backfilling and fillna")),
            }
        } else {
            Some(joined(&within, down)?)
        };
        out.push(value);
        seen = until;
    }
    Ok(out)
}

fn joined(values: &[f64], down: &str) -> Result<f64, String> {
    let sum: f64 = values.iter().sum();
    Ok(match down {
        "mean" | "" => sum / values.len() as f64,
        "sum" => sum,
        "min" => values.iter().copied().fold(f64::INFINITY, f64::min),
        "max" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        "last" => values.last().copied().unwrap_or(f64::NAN),
        other => return Err(format!("\"{other}\" joins no values; allowed are mean, sum, min, max and last")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_at_even_times() {
        let series = Numbers { times: [0, 5, 10, 40].into(), values: vec![Some(1.0), Some(3.0), None, Some(7.0)], ..Numbers::default() };
        let at = |down, up| resampled(&series, &[0, 10, 20, 30, 40, 50], (down, up));
        let some = |values: [f64; 6]| Ok(values.map(|value| (!value.is_nan()).then_some(value)).to_vec());
        assert_eq!(at("mean", "pad"), some([1.0, 3.0, 3.0, 3.0, 7.0, 7.0]));
        assert_eq!(at("sum", "backfilling"), some([1.0, 3.0, 7.0, 7.0, 7.0, f64::NAN]));
        assert_eq!(at("last", "fillna"), some([1.0, 3.0, f64::NAN, f64::NAN, 7.0, f64::NAN]));
        let coarse = |down| resampled(&series, &[40], (down, "pad")).unwrap()[0].unwrap();
        assert_eq!(["mean", "sum", "min", "max", "last"].map(coarse), [11.0 / 3.0, 11.0, 1.0, 7.0, 7.0]);
        assert!(at("first", "pad").is_err() && at("mean", "guess").is_err());
    }
}
