//! What the business tells the others: what a range of time cost.

use std::sync::Arc;

use crate::base::time::TimeRange;
use crate::business::api::ApiState;
use crate::business::outlook;
use crate::business::pages::figure::Figures;
use crate::series::ports::{Costs, Missed};
use crate::ui::links;

/// By the KPIs that are kept.
pub(super) struct ByKpis(pub(super) Arc<ApiState>);

impl Costs for ByKpis {
    fn within(&self, range: TimeRange) -> Result<Vec<Missed>, String> {
        let ApiState { store, desk, .. } = &*self.0;
        let found = outlook::costs(store, desk, range.start..range.end).map_err(|error| error.to_string())?;
        let missed = found.into_iter().map(|(known, cost)| {
            let figures = Figures::of(&known.kpi);
            // Less than half of one is nothing that anybody missed.
            let lost = if cost.lost >= 0.5 { figures.show(cost.lost) } else { String::new() };
            Missed {
                name: known.kpi.name.clone(),
                lost,
                expected: figures.show(cost.expected),
                actual: figures.show(cost.actual),
                unknown_hours: cost.unknown as u64,
                path: links::kpi(known.id),
            }
        });
        Ok(missed.collect())
    }
}
