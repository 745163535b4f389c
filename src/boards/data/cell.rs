//! One value of a column, whatever its type; and columns made of such.

use std::cmp::Ordering;
use std::sync::Arc;

use super::frame::Column;

/// A value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Cell {
    /// None.
    #[default]
    Nothing,
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Yes or no.
    Bool(bool),
    /// A time, in milliseconds since the Unix epoch.
    Time(i64),
}

impl Cell {
    /// As a number: times are their milliseconds, yes is 1; texts are none.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Time(at) => Some(*at as f64),
            Self::Bool(yes) => Some(f64::from(u8::from(*yes))),
            Self::Text(_) | Self::Nothing => None,
        }
    }

    /// As a text without a unit; empty for none.
    pub fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Number(number) => crate::base::float::plain(*number),
            Self::Text(text) => text.clone(),
            Self::Bool(yes) => yes.to_string(),
            Self::Time(at) => at.to_string(),
        }
    }

    /// Whether there is no value.
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// The order of values in a table: nothing first, then numbers, then texts.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => Ordering::Equal,
            (Self::Nothing, _) => Ordering::Less,
            (_, Self::Nothing) => Ordering::Greater,
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Text(_), _) => Ordering::Greater,
            (_, Self::Text(_)) => Ordering::Less,
            (a, b) => a.number().unwrap_or(f64::NAN).total_cmp(&b.number().unwrap_or(f64::NAN)),
        }
    }
}

impl Column {
    /// The value at a place; nothing beyond the end.
    pub fn cell(&self, at: usize) -> Cell {
        match self {
            Self::Time(values) => values.get(at).map_or(Cell::Nothing, |value| Cell::Time(*value)),
            Self::Number(values) => values.get(at).copied().flatten().map_or(Cell::Nothing, Cell::Number),
            Self::Text(values) => values.get(at).cloned().flatten().map_or(Cell::Nothing, Cell::Text),
            Self::Bool(values) => values.get(at).copied().flatten().map_or(Cell::Nothing, Cell::Bool),
            Self::Histogram(values) => match values.get(at).cloned().flatten() {
                // What tables can show of a histogram is how many observations it has.
                Some(histogram) => Cell::Number(histogram.count),
                None => Cell::Nothing,
            },
        }
    }

    /// Every value.
    pub fn cells(&self) -> impl Iterator<Item = Cell> + '_ {
        (0..self.len()).map(|at| self.cell(at))
    }

    /// Every value as a number.
    pub fn numbers(&self) -> Vec<Option<f64>> {
        match self {
            Self::Number(values) => values.clone(),
            other => other.cells().map(|cell| cell.number()).collect(),
        }
    }

    /// The values at some places in their order; a place that is none has no value.
    pub fn picked(&self, places: &[Option<usize>]) -> Self {
        match self {
            // A time that is not there makes the column one of numbers: times have no gaps.
            Self::Time(values) => match places.iter().map(|at| at.and_then(|at| values.get(at).copied())).collect::<Option<Vec<i64>>>() {
                Some(found) => Self::Time(found.into()),
                None => Self::Number(places.iter().map(|at| at.and_then(|at| values.get(at)).map(|at| *at as f64)).collect()),
            },
            Self::Number(values) => Self::Number(pick(values, places)),
            Self::Text(values) => Self::Text(pick(values, places)),
            Self::Bool(values) => Self::Bool(pick(values, places)),
            Self::Histogram(values) => Self::Histogram(pick(values, places)),
        }
    }

    /// A column of values: of numbers, times or truth values where all are, else of texts.
    pub fn of_cells(cells: Vec<Cell>) -> Self {
        let all = |fits: fn(&Cell) -> bool| cells.iter().all(|cell| cell.is_nothing() || fits(cell)) && cells.iter().any(fits);
        if all(|cell| matches!(cell, Cell::Time(_))) && !cells.iter().any(Cell::is_nothing) {
            return Self::Time(cells.iter().map(|cell| if let Cell::Time(at) = cell { *at } else { 0 }).collect::<Arc<[i64]>>());
        }
        if all(|cell| matches!(cell, Cell::Bool(_))) {
            return Self::Bool(cells.iter().map(|cell| if let Cell::Bool(yes) = cell { Some(*yes) } else { None }).collect());
        }
        if cells.iter().any(|cell| matches!(cell, Cell::Text(_))) {
            return Self::Text(cells.into_iter().map(|cell| (!cell.is_nothing()).then(|| cell.text())).collect());
        }
        Self::Number(cells.iter().map(Cell::number).collect())
    }
}

fn pick<T: Clone>(values: &[Option<T>], places: &[Option<usize>]) -> Vec<Option<T>> {
    places.iter().map(|at| at.and_then(|at| values.get(at).cloned().flatten())).collect()
}
