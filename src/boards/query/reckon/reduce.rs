//! `reduce`: one number of each series.

use super::{Numbers, text};
use crate::boards::data::Options;
use crate::boards::query::plan::Query;

/// What is done with what is no number.
#[derive(Clone, Copy)]
enum Odd {
    /// One of them makes the result none.
    Strict,
    /// They are left out.
    Dropped,
    /// They count as this.
    Replaced(f64),
}

pub(super) fn reckon(query: &Query, input: Vec<Numbers>) -> Result<Vec<Numbers>, String> {
    let settings = Options::new(&query.json).child("settings");
    let odd = match settings.word("mode") {
        "dropNN" => Odd::Dropped,
        "replaceNN" => Odd::Replaced(settings.number("replaceWithValue").unwrap_or(0.0)),
        _ => Odd::Strict,
    };
    input
        .into_iter()
        .map(|one| {
            let value = reduced(&one.values, text(query, "reducer"), odd)?;
            Ok(Numbers { times: [query.at].into(), values: vec![value], ..one })
        })
        .collect()
}

/// One number of many; gaps are not there, as no sample is.
fn reduced(values: &[Option<f64>], reducer: &str, odd: Odd) -> Result<Option<f64>, String> {
    let there = values.iter().copied().flatten();
    let known: Vec<f64> = match odd {
        Odd::Strict => there.collect(),
        Odd::Dropped => there.filter(|value| value.is_finite()).collect(),
        Odd::Replaced(by) => there.map(|value| if value.is_finite() { value } else { by }).collect(),
    };
    let some = |value: f64| (!known.is_empty()).then_some(value);
    let is_odd = known.iter().any(|value| value.is_nan());
    let sum: f64 = known.iter().sum();
    let value = match reducer {
        "last" => known.last().copied(),
        "first" => known.first().copied(),
        "count" => Some(known.len() as f64),
        "sum" => Some(sum),
        "mean" | "avg" => some(sum / known.len() as f64),
        "min" | "max" | "median" if is_odd => Some(f64::NAN),
        "min" => known.iter().copied().min_by(f64::total_cmp),
        "max" => known.iter().copied().max_by(f64::total_cmp),
        "median" => median(known),
        other => return Err(format!("\"{other}\" reduces nothing; allowed are last, first, mean, sum, min, max, count and median")),
    };
    Ok(value)
}

fn median(mut known: Vec<f64>) -> Option<f64> {
    known.sort_by(f64::total_cmp);
    let middle = known.len() / 2;
    match known.len() {
        0 => None,
        even if even % 2 == 0 => Some(f64::midpoint(known[middle - 1], known[middle])),
        _ => Some(known[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_become_one() {
        let values = [Some(4.0), None, Some(1.0), Some(f64::NAN), Some(3.0)];
        for (reducer, odd, expected) in [
            ("last", Odd::Strict, Some(3.0)),
            ("first", Odd::Strict, Some(4.0)),
            ("count", Odd::Strict, Some(4.0)),
            ("count", Odd::Dropped, Some(3.0)),
            ("sum", Odd::Dropped, Some(8.0)),
            ("mean", Odd::Replaced(0.0), Some(2.0)),
            ("min", Odd::Replaced(-1.0), Some(-1.0)),
            ("median", Odd::Dropped, Some(3.0)),
        ] {
            assert_eq!(reduced(&values, reducer, odd), Ok(expected), "{reducer}");
        }
        for reducer in ["sum", "mean", "min", "max", "median"] {
            assert!(reduced(&values, reducer, Odd::Strict).unwrap().unwrap().is_nan(), "{reducer}");
        }
        assert_eq!(reduced(&[], "mean", Odd::Strict), Ok(None));
        assert!(reduced(&[], "mode", Odd::Strict).unwrap_err().contains("\"mode\""));
    }
}
