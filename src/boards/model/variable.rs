//! Variables of a dashboard: what a reader may choose, and where the choices come from.

use super::board::{Object, Source};

/// A variable.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Variable {
    /// Its name, as in `$name`.
    pub name: String,
    /// Its name for people; empty for its own.
    pub label: String,
    /// What it is for.
    pub description: String,
    /// Where its choices come from.
    pub kind: VariableKind,
    /// What the kind needs: a query, `a,b,c`, a kind of source. With variables.
    pub query: String,
    /// A regular expression (`/…/flags`) that picks or cuts choices; empty for none.
    pub regex: String,
    /// In which order choices stand.
    pub sort: Sort,
    /// When choices are asked for again.
    pub refresh: Refresh,
    /// Whether several may be chosen.
    pub is_multi: bool,
    /// Whether "All" is a choice.
    pub has_all: bool,
    /// What "All" stands for; empty for all choices.
    pub all_value: String,
    /// What is chosen at first; `$__all` for all.
    pub current: Vec<String>,
    /// What the reader sees of it.
    pub shown: Shown,
    /// Whether the URL does not carry it.
    pub skips_url: bool,
    /// Where its query goes.
    pub source: Source,
    /// All of it (`filters`, `auto`, `auto_count`, `auto_min`, `options` ...).
    pub json: Object,
}

/// Where the choices of a variable come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VariableKind {
    /// A query of labels, series or values.
    #[default]
    Query,
    /// A list in the dashboard.
    Custom,
    /// Whatever the reader types.
    Text,
    /// A value that nobody chooses.
    Constant,
    /// Lengths of time.
    Interval,
    /// Sources of a kind.
    Source,
    /// Conditions on labels that go into every query.
    AdHoc,
    /// On or off.
    Switch,
    /// Labels by which results are grouped.
    GroupBy,
    /// Given by pharos or by the user, not by the dashboard; or not known.
    Other,
}

/// In which order choices stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    AsGiven,
    TextUp,
    TextDown,
    NumberUp,
    NumberDown,
    TextUpAnyCase,
    TextDownAnyCase,
    NaturalUp,
    NaturalDown,
}

/// When choices are asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Refresh {
    /// Never: those in the JSON hold. pharos asks at load all the same where there are none.
    Never,
    /// When the dashboard is opened.
    #[default]
    OnLoad,
    /// Also when the range changes.
    OnRange,
}

/// What the reader sees of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shown {
    /// Name and value.
    #[default]
    Whole,
    /// Only the value.
    Value,
    /// Nothing.
    Nothing,
}
