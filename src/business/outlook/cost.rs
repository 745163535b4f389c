//! What a length of time cost: by how much KPIs stayed below what their hours usually have.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::base::period::{Grain, Period};
use crate::business::collect::desk::{Desk, Known};
use crate::business::config::kpi::{Kpi, Unit};
use crate::business::model::expectation::{Cost, Running, cost};
use crate::business::model::kind::{Better, Longer};
use crate::business::model::value::Standing;
use crate::business::store::Store;
use crate::platform::db::DbError;

/// Weeks of hours that are read for what is usual.
const USUAL_WEEKS: i64 = 9;
const HOUR_MS: i64 = 3_600_000;
/// KPIs that are looked at for one range of time.
const KPIS_MAX: usize = 50;
/// Days of a range that are looked at; of a longer one, its first.
const DAYS_MAX: i64 = 31;

/// What was missed of a KPI in a range of time (milliseconds since the Unix epoch), by its hours; none of a KPI whose
/// hours are not counted. Blocking.
///
/// # Errors
/// The database's.
pub fn cost_of(store: &Store, desk: &Desk, known: &Known, within: Range<i64>) -> Result<Option<Cost>, DbError> {
    if known.kpi.collected.grain() != Grain::Hour {
        return Ok(None);
    }
    let first = within.start.div_euclid(HOUR_MS) - USUAL_WEEKS * 7 * 24;
    let (Some(first), Some(last)) = (Period::new(Grain::Hour, first), Period::new(Grain::Hour, within.end.div_euclid(HOUR_MS))) else {
        return Ok(None);
    };
    let values = store.values(known.id, first, last)?;
    let over = values.iter().filter(|value| value.standing != Standing::Running);
    let hours: BTreeMap<i64, f64> = over.map(|value| (value.period.number(), value.value)).collect();
    let running = values.iter().find(|value| value.standing == Standing::Running).map(|value| {
        let hour = value.period.number();
        Running { hour, value: value.value, elapsed: (value.at - hour * HOUR_MS) as f64 / HOUR_MS as f64 }
    });
    Ok(Some(cost(&hours, running, within, desk.calendar_of(&known.kpi).location)))
}

/// Whether less of it than usual is a loss: hours of it are counted, they add up, and more is better.
fn can_be_missed(desk: &Desk, kpi: &Kpi) -> bool {
    let is_counted = kpi.collected.grain() == Grain::Hour && desk.longer_of(kpi) == Longer::Sum;
    is_counted && kpi.better == Better::Up && matches!(kpi.unit, Unit::Count | Unit::Currency) && !kpi.paused
}

/// What was missed of every KPI of which something can be, the greatest part of what was expected first. Blocking.
///
/// # Errors
/// The database's.
pub fn costs(store: &Store, desk: &Desk, within: Range<i64>) -> Result<Vec<(Arc<Known>, Cost)>, DbError> {
    let within = within.start..within.end.min(within.start.saturating_add(DAYS_MAX * 24 * HOUR_MS));
    let mut found = Vec::new();
    for known in desk.all().iter().filter(|known| can_be_missed(desk, &known.kpi)).take(KPIS_MAX) {
        if let Some(cost) = cost_of(store, desk, known, within.clone())? {
            found.push((Arc::clone(known), cost));
        }
    }
    let share = |cost: &Cost| if cost.expected > 0.0 { cost.lost / cost.expected } else { 0.0 };
    found.sort_by(|(_, a), (_, b)| share(b).total_cmp(&share(a)));
    Ok(found)
}
