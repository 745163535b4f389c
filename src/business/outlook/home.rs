//! The front page: of every KPI its newest value, how that stands, and what explains its change.

use std::sync::Arc;

use crate::base::period::{Calendar, Grain, Period};
use crate::business::collect::desk::{Desk, Known};
use crate::business::config::kpi::{Kpi, Unit};
use crate::business::model::comparison::{Change, Progress, SHAPE_WEEKS, WeekShape, change, elapsed, pace, progress};
use crate::business::model::contribution::{Contribution, greatest};
use crate::business::model::kind::Longer;
use crate::business::model::value::Value;
use crate::business::store::{Store, TileWanted};
use crate::platform::db::DbError;

/// Periods of a line.
const LINE: i64 = 30;

/// How a KPI stands, as the front page shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Which.
    pub known: Arc<Known>,
    /// The period that is shown: the one that goes on.
    pub period: Period,
    /// How much of it is over, 0 to 1.
    pub elapsed: f64,
    /// Its value, or the newest there is; none where there is none.
    pub value: Option<Value>,
    /// The newest value of a period that is over, against the one before it.
    pub before: Option<Change>,
    /// That value against a year before.
    pub year_before: Option<Change>,
    /// How the value stands to its target.
    pub progress: Option<Progress>,
    /// Its newest values, the oldest first.
    pub line: Vec<Value>,
    /// The segment that explains most of the change to the period before.
    pub why: Option<Contribution>,
}

/// By which length of time a KPI is shown: that of its first target, else the shortest of which there are segments.
pub fn shown_grain(kpi: &Kpi) -> Grain {
    let of_target = kpi.targets.first().map(|target| target.by.grain());
    of_target.unwrap_or(Grain::Day).max(kpi.collected.grain())
}

/// Whether its segments add up to the whole.
pub(super) fn adds_up(kpi: &Kpi, longer: Longer) -> bool {
    !kpi.segments.is_empty() && matches!(longer, Longer::Sum | Longer::Last) && matches!(kpi.unit, Unit::Count | Unit::Currency)
}

/// The shape of a week by values of days before.
pub(super) fn shape(store: &Store, known: &Known, longer: Longer, calendar: Calendar, now: i64) -> Result<WeekShape, DbError> {
    if longer != Longer::Sum || known.kpi.collected.grain() > Grain::Day {
        return Ok(WeekShape::FLAT);
    }
    let Some(today) = calendar.period(Grain::Day, now) else { return Ok(WeekShape::FLAT) };
    let days = store.values(known.id, today.shifted(-7 * SHAPE_WEEKS), today.before())?;
    Ok(WeekShape::of(&days.iter().map(|value| (value.period, value.value)).collect::<Vec<_>>()))
}

/// How every KPI stands at `now` (milliseconds since the Unix epoch), in the order of the desk. Blocking.
///
/// # Errors
/// The database's.
pub fn home(store: &Store, desk: &Desk, now: i64) -> Result<Vec<Shown>, DbError> {
    stand(store, desk, &desk.all(), now)
}

/// How one KPI stands at `now`; none where the calendar ends before. Blocking.
///
/// # Errors
/// The database's.
pub fn one(store: &Store, desk: &Desk, known: &Arc<Known>, now: i64) -> Result<Option<Shown>, DbError> {
    Ok(stand(store, desk, std::slice::from_ref(known), now)?.pop())
}

fn stand(store: &Store, desk: &Desk, all: &[Arc<Known>], now: i64) -> Result<Vec<Shown>, DbError> {
    let current = |known: &Arc<Known>| desk.calendar_of(&known.kpi).period(shown_grain(&known.kpi), now);
    let shown: Vec<(Arc<Known>, Period)> = all.iter().filter_map(|known| Some((Arc::clone(known), current(known)?))).collect();
    // Of periods that are over the segments are compared: what goes on has only a part of them.
    let wanted: Vec<TileWanted> =
        shown.iter().map(|(known, period)| TileWanted { kpi: known.id, period: period.before(), line: LINE }).collect();
    let tiles = store.tiles(&wanted)?;
    let mut standings = Vec::with_capacity(shown.len());
    for ((known, period), tile) in shown.into_iter().zip(tiles) {
        let (calendar, longer) = (desk.calendar_of(&known.kpi), desk.longer_of(&known.kpi));
        let running = store.values(known.id, period, period)?.pop();
        let target = known.kpi.target(period);
        // Only where something depends on it.
        let shape = if target.is_some() { shape(store, &known, longer, calendar, now)? } else { WeekShape::FLAT };
        let elapsed = elapsed(calendar, period, now, &shape).unwrap_or(1.0);
        let better = known.kpi.better;
        let of = |wanted: Period| tile.line.iter().find(|value| value.period == wanted).map(|value| value.value);
        let last = of(period.before());
        let progress =
            running.as_ref().zip(target).map(|(value, target)| progress(value.value, pace(longer, value.value, elapsed), target, better));
        let why = if adds_up(&known.kpi, longer) { greatest(&tile.before, &tile.now) } else { None };
        let year_before = tile.year_before.as_ref().map(|value| value.value);
        let mut line = tile.line.clone();
        line.extend(running.clone());
        standings.push(Shown {
            period,
            elapsed,
            value: running.or_else(|| line.last().cloned()),
            before: of(period.before().before()).zip(last).map(|(from, to)| change(from, to, better)),
            year_before: year_before.zip(last).map(|(from, to)| change(from, to, better)),
            progress,
            line,
            why,
            known,
        });
    }
    Ok(standings)
}
