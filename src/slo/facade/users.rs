//! What SLOs ask for, as the catalogue of metrics wants to know it.

use std::sync::Arc;

use crate::base::time::Duration;
use crate::series::ports::{MetricUse, MetricUser, MetricUsers};
use crate::slo::rules::{BAD, BUDGET_LEFT, BURN, EVENTS, OBJECTIVE, question};
use crate::slo::watch::desk::Desk;
use crate::ui::links;

/// In which window its counters are asked for; the metrics are the same in every one.
const WINDOW: Duration = Duration::from_secs(300);

/// Objectives, as users of metrics.
pub(super) struct Users(pub(super) Arc<Desk>);

impl MetricUsers for Users {
    fn users(&self) -> Result<Vec<MetricUser>, String> {
        let user = |kept: Arc<crate::slo::watch::desk::Kept>| {
            let slo = &kept.slo;
            let asked = question(slo, WINDOW).into_iter().flat_map(|(total, bad)| [total, bad]);
            let excluded = Some(slo.exclude.clone()).filter(|query| !query.is_empty());
            // Its alerts and its page ask for what its rules record.
            let own = [EVENTS, BAD, BURN, BUDGET_LEFT, OBJECTIVE].map(str::to_owned);
            MetricUser {
                kind: MetricUse::Slo,
                title: slo.name.clone(),
                href: links::slo(&slo.name),
                queries: asked.chain(excluded).chain(own.clone()).collect(),
                records: own.to_vec(),
            }
        };
        Ok(self.0.all().into_iter().map(user).collect())
    }
}
