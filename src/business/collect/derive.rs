//! KPIs that are made of others: their values of the periods in which a part changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::desk::{Desk, Known};
use crate::base::period::Period;
use crate::business::config::kpi::{Kpi, Source, Unit};
use crate::business::model::formula::{BySegment, Formula};
use crate::business::model::value::{Origin, Segment, Standing};
use crate::business::store::{Found, Store, Writing};
use crate::platform::db::DbError;

/// How it is made; none for what is not made of others.
pub(super) fn formula(kpi: &Kpi) -> Option<Formula> {
    match kpi.source()? {
        Source::Ratio(ratio) => {
            let usual = if kpi.unit == Unit::Percent { 100.0 } else { 1.0 };
            Some(Formula::Ratio { times: ratio.times.unwrap_or(usual) })
        }
        Source::Difference(_) => Some(Formula::Difference),
        Source::Sum(_) => Some(Formula::Sum),
        _ => None,
    }
}

/// Its values of some periods. Blocking.
pub(super) fn derived(store: &Store, desk: &Desk, known: &Known, periods: &BTreeSet<Period>, now: i64) -> Result<Vec<Writing>, DbError> {
    let Some((formula, source)) = formula(&known.kpi).zip(known.kpi.source()) else { return Ok(Vec::new()) };
    let parts: Option<Vec<Arc<Known>>> = source.parts().into_iter().map(|name| desk.find(name)).collect();
    let Some(parts) = parts else { return Ok(Vec::new()) };
    let calendar = desk.calendar_of(&known.kpi);
    let wanted: Vec<Period> = periods.iter().copied().filter(|period| period.grain() >= known.kpi.collected.grain()).collect();
    let mut writings = Vec::new();
    for period in wanted {
        let values = of_parts(store, &parts, period)?;
        let Some(window) = calendar.window(period) else { continue };
        let settles = parts.iter().map(|part| part.kpi.settles.ms()).max().unwrap_or(0);
        let found = formula.by_segment(&values.iter().collect::<Vec<_>>());
        let all = found.get(&Segment::all()).copied();
        let labels: BTreeSet<String> = values.iter().flat_map(|part| part.keys()).map(|segment| segment.label.clone()).collect();
        let whole = std::iter::once(Found { segment: Segment::all(), value: all, complete: 1.0 });
        let of_segments = found.into_iter().filter(|(segment, _)| !segment.is_all());
        writings.push(Writing {
            kpi: known.id,
            period,
            standing: Standing::of(window.end, settles, now),
            origin: Origin::Derived,
            at: now,
            found: whole.chain(of_segments.map(|(segment, value)| Found { segment, value: Some(value), complete: 1.0 })).collect(),
            whole_labels: labels.into_iter().filter(|label| !label.is_empty()).collect(),
        });
    }
    Ok(writings)
}

/// The values of parts in a period.
fn of_parts(store: &Store, parts: &[Arc<Known>], period: Period) -> Result<Vec<BySegment>, DbError> {
    parts.iter().map(|part| store.by_segment(part.id, period)).collect()
}

/// What a KPI would be in a period that is made of others; none for what is not. Blocking.
pub(super) fn tried(store: &Store, desk: &Desk, kpi: &Kpi, period: Period) -> Result<Option<BySegment>, DbError> {
    let Some((formula, source)) = formula(kpi).zip(kpi.source()) else { return Ok(None) };
    let parts: Vec<Arc<Known>> = source.parts().into_iter().filter_map(|name| desk.find(name)).collect();
    let values = of_parts(store, &parts, period)?;
    Ok(Some(formula.by_segment(&values.iter().collect::<Vec<_>>())))
}
