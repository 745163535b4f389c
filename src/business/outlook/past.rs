//! How KPIs were over many periods: what the scorecard and letters are made of.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::home::adds_up;
use crate::base::period::{Grain, Period};
use crate::business::collect::desk::{Desk, Known};
use crate::business::model::comparison::{Change, Progress, change, progress};
use crate::business::model::contribution::{Contribution, greatest};
use crate::business::model::value::{Standing, Value};
use crate::business::store::Store;
use crate::platform::db::DbError;

/// A KPI over periods.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Which.
    pub known: Arc<Known>,
    /// Its values by period, those of the year before among them.
    values: BTreeMap<Period, Value>,
}

impl Past {
    /// Its value in a period.
    pub fn value(&self, period: Period) -> Option<&Value> {
        self.values.get(&period)
    }

    /// How its value in a period changed since another.
    pub fn change(&self, from: Period, to: Period) -> Option<Change> {
        Some(change(self.value(from)?.value, self.value(to)?.value, self.known.kpi.better))
    }

    /// How its value in a period stands to what it should have been.
    pub fn progress(&self, period: Period) -> Option<Progress> {
        let (value, target) = (self.value(period)?, self.known.kpi.target(period)?);
        let pace = (value.standing != Standing::Running).then_some(value.value);
        Some(progress(value.value, pace, target, self.known.kpi.better))
    }
}

/// Every KPI over so many periods until one, in the order of the desk. One question of the database, however many there
/// are. Blocking.
///
/// # Errors
/// The database's.
pub fn past(store: &Store, desk: &Desk, until: Period, periods: i64) -> Result<Vec<Past>, DbError> {
    let first = until.shifted(1 - periods.max(1)).year_before();
    let mut all = store.history(first, until)?;
    let one = |known: &Arc<Known>| Past { known: Arc::clone(known), values: by_period(all.remove(&known.id).unwrap_or_default()) };
    Ok(desk.all().iter().map(one).collect())
}

fn by_period(values: Vec<Value>) -> BTreeMap<Period, Value> {
    values.into_iter().map(|value| (value.period, value)).collect()
}

/// A KPI as a letter tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// It over its periods.
    pub past: Past,
    /// The one that is told of.
    pub period: Period,
    /// The segment that explains most of its change.
    pub why: Option<Contribution>,
}

/// Those KPIs that are wanted, over so many periods until the one that a letter is about. `over_by` gives the newest period
/// of another length that is over by then, for KPIs that are collected less often. Blocking.
///
/// # Errors
/// The database's.
pub fn told(
    (store, desk): (&Store, &Desk),
    (about, periods): (Period, i64),
    over_by: impl Fn(&Known, Grain) -> Option<Period>,
    is_wanted: impl Fn(&Known) -> bool,
) -> Result<Vec<Told>, DbError> {
    let mut read: HashMap<Period, HashMap<i64, Vec<Value>>> = HashMap::new();
    let mut all = Vec::new();
    for known in desk.all().iter().filter(|known| !known.kpi.paused && is_wanted(known)) {
        let Some(period) = over_by(known, about.grain().max(known.kpi.collected.grain())) else { continue };
        let of_period = match read.entry(period) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(place) => place.insert(store.history(period.shifted(1 - periods).year_before(), period)?),
        };
        let values = of_period.remove(&known.id).unwrap_or_default();
        let why = if adds_up(&known.kpi, desk.longer_of(&known.kpi)) {
            greatest(&store.by_segment(known.id, period.before())?, &store.by_segment(known.id, period)?)
        } else {
            None
        };
        all.push(Told { past: Past { known: Arc::clone(known), values: by_period(values) }, period, why });
    }
    Ok(all)
}
