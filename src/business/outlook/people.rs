//! What people do: how many go on from step to step, and how many come back.

use crate::base::period::Period;
use crate::business::ask::{Ask, AskError, Cohorts};
use crate::business::collect::desk::Desk;
use crate::business::config::file::{Funnel, Retention};
use crate::business::config::kpi::Source;
use crate::business::model::cohort::{Cohort, table};
use crate::business::model::funnel::{Step, steps};
use crate::business::model::value::Segment;
use crate::business::store::Store;
use crate::platform::db::DbError;

/// What became of a funnel in a period.
#[derive(Debug, Clone, PartialEq)]
pub struct FunnelOf {
    /// When.
    pub period: Period,
    /// Each step with the name of its KPI.
    pub steps: Vec<(String, Step)>,
}

/// A funnel in a period. Blocking.
///
/// # Errors
/// The database's.
pub fn funnel(store: &Store, desk: &Desk, funnel: &Funnel, period: Period) -> Result<FunnelOf, DbError> {
    let mut values = Vec::with_capacity(funnel.steps.len());
    for name in &funnel.steps {
        let found = match desk.find(name) {
            Some(known) => store.by_segment(known.id, period)?.get(&Segment::all()).copied(),
            None => None,
        };
        values.push(found);
    }
    Ok(FunnelOf { period, steps: funnel.steps.iter().cloned().zip(steps(&values)).collect() })
}

/// Those who come back, as a table of cohorts.
///
/// # Errors
/// What is wrong with its query, or with its answer.
pub(super) async fn retention(desk: &Desk, ask: &dyn Ask, retention: &Retention, now: i64) -> Result<Vec<Cohort>, AskError> {
    let known = desk.find(&retention.database_of);
    let from = match known.as_ref().and_then(|known| known.kpi.source()) {
        Some(Source::Sql(source)) => Cohorts::Sql(source, &retention.sql),
        _ if retention.promql.is_empty() => {
            return Err(AskError::Wrong(format!("database_of: {:?} is no KPI with a database", retention.database_of)));
        }
        _ => Cohorts::Promql(&retention.promql),
    };
    let rows = ask.cohorts(from, now).await?;
    let read = |(cohort, age, value): (String, u32, f64)| {
        Period::parse(&cohort)
            .map(|period| (period, age, value))
            .ok_or_else(|| AskError::Wrong(format!("cohort: read {cohort:?}, expected a period such as 2026-01 or 2026-W05")))
    };
    Ok(table(rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?))
}
