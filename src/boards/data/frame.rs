//! Frames: tables of columns, which every query gives and every panel draws.

use std::sync::Arc;

use crate::boards::model::Look;
use crate::series::histogram::Histogram;
use crate::series::labels::Labels;

/// A table of columns of equal length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Frame {
    /// Its name: the legend of the query, or nothing.
    pub name: String,
    /// The letter of the query it answers.
    pub ref_id: String,
    /// What it is.
    pub kind: FrameKind,
    /// The columns.
    pub fields: Vec<Field>,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FrameKind {
    /// A time and one or more columns of numbers over it.
    #[default]
    Series,
    /// A table.
    Table,
    /// A time and one column for each bucket, whose name is its upper bound; ascending.
    Buckets,
    /// Lines of a log: `Time`, `Line`, and a column for each label.
    Lines,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Field {
    /// Its name: `Time`, `Value`, a label.
    pub name: String,
    /// What tells it from others with its name.
    pub labels: Labels,
    /// Its values.
    pub values: Column,
    /// How they look; filled by [`crate::boards::data::apply`].
    pub look: Arc<Look>,
    /// Its name for people; filled by [`crate::boards::data::apply`].
    pub title: String,
}

/// The values of a column. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Times; series of one query share them.
    Time(Arc<[i64]>),
    /// Numbers; none is a gap.
    Number(Vec<Option<f64>>),
    /// Texts.
    Text(Vec<Option<String>>),
    /// Yes or no.
    Bool(Vec<Option<bool>>),
    /// Native histograms.
    Histogram(Vec<Option<Arc<Histogram>>>),
}

impl Default for Column {
    fn default() -> Self {
        Self::Number(Vec::new())
    }
}

impl Column {
    /// How many values.
    pub fn len(&self) -> usize {
        match self {
            Self::Time(values) => values.len(),
            Self::Number(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::Histogram(values) => values.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Grafana's name of its type.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Time(_) => "time",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::Bool(_) => "boolean",
            Self::Histogram(_) => "other",
        }
    }
}

impl Frame {
    /// How many values its columns have.
    pub fn len(&self) -> usize {
        self.fields.first().map_or(0, |field| field.values.len())
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
