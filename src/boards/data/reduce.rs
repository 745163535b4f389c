//! Reducers: one value of a whole column. The ids and their meaning are Grafana's.

use std::collections::BTreeSet;

use super::cell::Cell;
use super::frame::Column;

/// Most values that are listed as text.
const LISTED_MAX: usize = 100;

/// Ids with their names for people; percentiles (`p1` to `p99`) besides.
pub const REDUCERS: [(&str, &str); 24] = [
    ("lastNotNull", "Last *"),
    ("last", "Last"),
    ("firstNotNull", "First *"),
    ("first", "First"),
    ("min", "Min"),
    ("max", "Max"),
    ("mean", "Mean"),
    ("median", "Median"),
    ("variance", "Variance"),
    ("stdDev", "StdDev"),
    ("sum", "Total"),
    ("count", "Count"),
    ("range", "Range"),
    ("delta", "Delta"),
    ("step", "Step"),
    ("diff", "Difference"),
    ("logmin", "Min (above zero)"),
    ("allIsZero", "All zeros"),
    ("allIsNull", "All nulls"),
    ("changeCount", "Change count"),
    ("distinctCount", "Distinct count"),
    ("diffperc", "Difference percent"),
    ("allValues", "All values"),
    ("uniqueValues", "All unique values"),
];

/// The name of a reducer for people; its id if it is not known.
pub fn reducer_name(id: &str) -> String {
    let id = modern(id);
    if let Some(percent) = percentile(id) {
        return format!("{}th %", percent * 100.0);
    }
    REDUCERS.iter().find(|(known, _)| *known == id).map_or(id, |(_, name)| name).to_owned()
}

/// Whether the result of a reducer is in the unit of its values.
pub fn keeps_unit(id: &str) -> bool {
    !matches!(modern(id), "count" | "allIsZero" | "allIsNull" | "changeCount" | "distinctCount" | "diffperc" | "allValues" | "uniqueValues")
}

/// Older dashboards use other names.
fn modern(id: &str) -> &str {
    match id {
        "current" => "lastNotNull",
        "avg" => "mean",
        "total" => "sum",
        other => other,
    }
}

fn percentile(id: &str) -> Option<f64> {
    let digits = id.strip_prefix('p')?;
    let percent: u32 = digits.parse().ok()?;
    (1..=99).contains(&percent).then_some(f64::from(percent) / 100.0)
}

/// One value of a column; a reducer that is not known counts as the last value that is there.
pub fn reduce(column: &Column, id: &str) -> Cell {
    match modern(id) {
        "first" => column.cell(0),
        "last" => column.len().checked_sub(1).map_or(Cell::Nothing, |at| column.cell(at)),
        "firstNotNull" => column.cells().find(|cell| !cell.is_nothing()).unwrap_or_default(),
        "count" => Cell::Number(column.len() as f64),
        "allIsNull" => Cell::Bool(column.cells().all(|cell| cell.is_nothing())),
        "allIsZero" => Cell::Bool(!column.is_empty() && column.cells().all(|cell| cell.number() == Some(0.0))),
        "changeCount" => Cell::Number(changes(column)),
        "distinctCount" => Cell::Number(distinct(column).len() as f64),
        "allValues" => listed(column.cells().map(|cell| cell.text())),
        "uniqueValues" => listed(distinct(column).into_iter()),
        other => match of_numbers(&column.numbers(), other) {
            Some(found) => found.map_or(Cell::Nothing, |number| back(column, other, number)),
            None => (0..column.len()).rev().map(|at| column.cell(at)).find(|cell| !cell.is_nothing()).unwrap_or_default(),
        },
    }
}

/// Times stay times where the reducer picks one.
fn back(column: &Column, id: &str, number: f64) -> Cell {
    match column {
        Column::Time(_) if matches!(id, "min" | "max" | "median" | "mean" | "logmin") => Cell::Time(number as i64),
        _ => Cell::Number(number),
    }
}

fn listed(texts: impl Iterator<Item = String>) -> Cell {
    Cell::Text(texts.take(LISTED_MAX).collect::<Vec<_>>().join(", "))
}

fn changes(column: &Column) -> f64 {
    let texts: Vec<String> = column.cells().filter(|cell| !cell.is_nothing()).map(|cell| cell.text()).collect();
    texts.windows(2).filter(|pair| pair[0] != pair[1]).count() as f64
}

/// Distinct values in the order in which they come.
fn distinct(column: &Column) -> Vec<String> {
    let mut seen = BTreeSet::new();
    column.cells().map(|cell| cell.text()).filter(|text| seen.insert(text.clone())).collect()
}

/// None where the reducer is not one of numbers; inside, none where there is no number.
fn of_numbers(values: &[Option<f64>], id: &str) -> Option<Option<f64>> {
    let there: Vec<f64> = values.iter().copied().flatten().collect();
    let pairs = || there.windows(2).map(|pair| pair[1] - pair[0]);
    let least = |values: &mut dyn Iterator<Item = f64>| values.filter(|value| !value.is_nan()).reduce(f64::min);
    let greatest = || there.iter().copied().filter(|value| !value.is_nan()).reduce(f64::max);
    let mean = || (!there.is_empty()).then(|| there.iter().sum::<f64>() / there.len() as f64);
    let difference = || Some(there.last()? - there.first()?);
    Some(match id {
        "min" => least(&mut there.iter().copied()),
        "max" => greatest(),
        "mean" => mean(),
        "sum" => (!there.is_empty()).then(|| there.iter().sum()),
        "range" => greatest().zip(least(&mut there.iter().copied())).map(|(high, low)| high - low),
        "logmin" => least(&mut there.iter().copied().filter(|value| *value > 0.0)),
        "step" => least(&mut pairs()),
        "diff" => difference(),
        "diffperc" => difference().zip(there.first()).map(|(difference, first)| difference / first),
        "delta" => (!there.is_empty()).then(|| delta(&there)),
        "median" => middle(&there),
        "variance" => variance(&there),
        "stdDev" => variance(&there).map(f64::sqrt),
        other => {
            let share = percentile(other)?;
            let sorted = sorted(&there);
            sorted.get(((sorted.len().saturating_sub(1)) as f64 * share).round() as usize).copied()
        }
    })
}

/// What a counter grew by; where it fell it began anew.
fn delta(values: &[f64]) -> f64 {
    let mut sum = 0.0;
    let mut is_up = true;
    for (at, pair) in values.windows(2).enumerate() {
        if pair[0] > pair[1] {
            is_up = false;
            if at + 2 == values.len() {
                sum += pair[1];
            }
        } else {
            sum += if is_up { pair[1] - pair[0] } else { pair[1] };
            is_up = true;
        }
    }
    sum
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn middle(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let half = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        Some(f64::midpoint(*sorted.get(half.checked_sub(1)?)?, sorted[half]))
    } else {
        sorted.get(half).copied()
    }
}

fn variance(values: &[f64]) -> Option<f64> {
    let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)?;
    Some(values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_becomes_one_value() {
        let column = Column::Number(vec![None, Some(4.0), Some(10.0), Some(2.0), Some(0.0), Some(4.0), None]);
        for (id, expected) in [
            ("first", Cell::Nothing),
            ("last", Cell::Nothing),
            ("firstNotNull", Cell::Number(4.0)),
            ("lastNotNull", Cell::Number(4.0)),
            ("current", Cell::Number(4.0)),
            ("min", Cell::Number(0.0)),
            ("max", Cell::Number(10.0)),
            ("mean", Cell::Number(4.0)),
            ("avg", Cell::Number(4.0)),
            ("sum", Cell::Number(20.0)),
            ("count", Cell::Number(7.0)),
            ("range", Cell::Number(10.0)),
            ("step", Cell::Number(-8.0)),
            ("diff", Cell::Number(0.0)),
            ("diffperc", Cell::Number(0.0)),
            ("logmin", Cell::Number(2.0)),
            ("delta", Cell::Number(10.0)),
            ("median", Cell::Number(4.0)),
            ("variance", Cell::Number(11.2)),
            ("p50", Cell::Number(4.0)),
            ("p99", Cell::Number(10.0)),
            ("p1", Cell::Number(0.0)),
            ("allIsZero", Cell::Bool(false)),
            ("allIsNull", Cell::Bool(false)),
            ("changeCount", Cell::Number(4.0)),
            ("distinctCount", Cell::Number(5.0)),
            ("uniqueValues", Cell::Text(", 4, 10, 2, 0".into())),
            ("moon", Cell::Number(4.0)),
        ] {
            assert_eq!(reduce(&column, id), expected, "{id}");
        }
        assert_eq!(reducer_name("p95"), "95th %");
        assert_eq!((reducer_name("current").as_str(), reducer_name("moon").as_str()), ("Last *", "moon"));
    }

    #[test]
    fn nothing_and_texts_do_not_panic() {
        let ids = REDUCERS.iter().map(|(id, _)| *id).chain(["p1", "p50", "p99", "p100", "p", ""]);
        for id in ids {
            for column in
                [Column::Number(vec![]), Column::Number(vec![None]), Column::Number(vec![Some(f64::NAN)]), Column::Time([].into())]
            {
                let _any = reduce(&column, id);
            }
            let texts = Column::Text(vec![Some("a".into()), Some("b".into()), None]);
            if id == "lastNotNull" {
                assert_eq!(reduce(&texts, id), Cell::Text("b".into()));
            }
            let _any = reduce(&texts, id);
        }
    }
}
