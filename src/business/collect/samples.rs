//! What KPIs say as series, so that rules and dashboards see them.
//!
//! `pharos_kpi_value` is the newest value of each length of period (`period="day"`), of the one that goes on
//! (`standing="running"`) and of the last that is over (`standing="ended"`); `pharos_kpi_target` what it should be in the one
//! that goes on, `pharos_kpi_elapsed_ratio` how much of that is over.

use std::collections::BTreeMap;

use super::desk::{Desk, Known};
use super::plan::grains;
use crate::base::period::Period;
use crate::business::model::comparison::{WeekShape, elapsed};
use crate::business::store::Store;
use crate::platform::db::DbError;
use crate::series::batch::WriteBatch;
use crate::series::labels::{Labels, LabelsBuilder};

fn named(known: &Known, name: &str, more: &[(&str, &str)]) -> Labels {
    let mut labels = LabelsBuilder::new();
    labels.set("__name__", name).set("kpi", &known.kpi.name).set("job", "pharos-business");
    for (key, text) in [("group", &known.kpi.group), ("owner", &known.kpi.owner)] {
        if !text.is_empty() {
            labels.set(key, text);
        }
    }
    for (key, text) in more {
        labels.set(key, text);
    }
    labels.build()
}

/// The newest values of every KPI at `now` (milliseconds since the Unix epoch). Blocking.
pub(super) fn add(batch: &mut WriteBatch, store: &Store, desk: &Desk, now: i64) -> Result<(), DbError> {
    let mut put = |labels: &Labels, value: f64| {
        batch.open_series(labels);
        batch.push_float(now, value);
    };
    for known in desk.all().iter().filter(|known| !known.kpi.paused) {
        let calendar = desk.calendar_of(&known.kpi);
        for grain in grains(&known.kpi) {
            let Some(current) = calendar.period(grain, now) else { continue };
            let word = grain.as_str();
            let newest: BTreeMap<Period, f64> =
                store.values(known.id, current.before(), current)?.into_iter().map(|value| (value.period, value.value)).collect();
            for (period, standing) in [(current, "running"), (current.before(), "ended")] {
                if let Some(value) = newest.get(&period) {
                    put(&named(known, "pharos_kpi_value", &[("period", word), ("standing", standing)]), *value);
                }
            }
            if let Some(target) = known.kpi.target(current) {
                put(&named(known, "pharos_kpi_target", &[("period", word)]), target);
                if let Some(over) = elapsed(calendar, current, now, &WeekShape::FLAT) {
                    put(&named(known, "pharos_kpi_elapsed_ratio", &[("period", word)]), over);
                }
            }
        }
    }
    Ok(())
}
