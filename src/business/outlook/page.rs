//! The page of one KPI: its history, its segments, and where it goes.

use std::collections::BTreeMap;

use super::home::{adds_up, shape};
use crate::base::period::{Grain, Period};
use crate::business::collect::desk::{Desk, Known};
use crate::business::model::comparison::{elapsed, pace};
use crate::business::model::contribution::{Contribution, contributions};
use crate::business::model::forecast::{Foretold, forecast};
use crate::business::model::value::{Segment, Standing, Value};
use crate::business::store::Store;
use crate::platform::db::DbError;

/// What is wanted of a KPI.
#[derive(Debug, Clone)]
pub struct PageWanted<'a> {
    /// Which.
    pub known: &'a Known,
    /// The first period...
    pub from: Period,
    /// ...and the last, of the same grain.
    pub until: Period,
    /// The label by which it is split; none for all of it.
    pub label: Option<&'a str>,
    /// Periods that are foretold.
    pub ahead: usize,
}

/// What there is to say of a KPI.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// Its values, the oldest first.
    pub values: Vec<Value>,
    /// Those of its segments.
    pub segments: BTreeMap<Segment, Vec<Value>>,
    /// The periods to come, beginning with the one that goes on.
    pub foretold: Vec<(Period, Foretold)>,
    /// What the period that goes on comes to.
    pub pace: Option<f64>,
    /// What the segments gave to the change of the last period that is over.
    pub contributions: Vec<Contribution>,
}

/// After how many periods things come again.
const fn season(grain: Grain) -> usize {
    match grain {
        Grain::Hour => 24,
        Grain::Day => 7,
        Grain::Week => 52,
        Grain::Month => 12,
        Grain::Quarter => 4,
        Grain::Year => 1,
    }
}

/// The newest values without a gap before the period that goes on.
fn unbroken(values: &[Value]) -> Vec<&Value> {
    let mut found: Vec<&Value> = Vec::new();
    for value in values.iter().rev().filter(|value| value.standing != Standing::Running) {
        if found.last().is_some_and(|later| later.period.before() != value.period) {
            break;
        }
        found.push(value);
    }
    found.reverse();
    found
}

/// What there is to say of a KPI. Blocking.
///
/// # Errors
/// The database's.
pub fn page(store: &Store, desk: &Desk, wanted: &PageWanted<'_>, now: i64) -> Result<Page, DbError> {
    let PageWanted { known, from, until, label, ahead } = *wanted;
    let (calendar, longer) = (desk.calendar_of(&known.kpi), desk.longer_of(&known.kpi));
    let values = store.values(known.id, from, until)?;
    let segments = match label {
        Some(label) => store.segment_values(known.id, label, from, until)?,
        None => BTreeMap::new(),
    };
    let history = unbroken(&values);
    let numbers: Vec<f64> = history.iter().map(|value| value.value).collect();
    let told = if ahead > 0 { forecast(&numbers, season(from.grain()), ahead) } else { None };
    let first = history.last().map(|value| value.period.next());
    let foretold = first.zip(told).map(|(first, told)| (0..).zip(told).map(|(step, told)| (first.shifted(step), told)).collect());
    let running = values.last().filter(|value| value.standing == Standing::Running);
    let pace = match running {
        Some(running) => {
            let shape = shape(store, known, longer, calendar, now)?;
            elapsed(calendar, running.period, now, &shape).and_then(|over| pace(longer, running.value, over))
        }
        None => None,
    };
    let last = history.last().map(|value| value.period).filter(|_| adds_up(&known.kpi, longer));
    let contributions = match last {
        Some(last) => contributions(&store.by_segment(known.id, last.before())?, &store.by_segment(known.id, last)?),
        None => Vec::new(),
    };
    Ok(Page { values, segments, foretold: foretold.unwrap_or_default(), pace, contributions })
}
