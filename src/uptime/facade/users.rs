//! What checks ask for, as the catalogue of metrics wants to know it.

use std::sync::Arc;

use crate::series::ports::{MetricUse, MetricUser, MetricUsers};
use crate::ui::links;
use crate::uptime::watch::desk::Desk;

/// Checks that are queries, as users of metrics.
pub(super) struct Users(pub(super) Arc<Desk>);

impl MetricUsers for Users {
    fn users(&self) -> Result<Vec<MetricUser>, String> {
        let views = self.0.views();
        let asking = views.iter().filter_map(|(id, view)| {
            let query = view.check.query.as_ref().filter(|query| query.language == "promql")?;
            Some(MetricUser {
                kind: MetricUse::Check,
                title: view.check.name.clone(),
                href: links::check(*id),
                queries: vec![query.expr.clone()],
                records: Vec::new(),
            })
        });
        Ok(asking.collect())
    }
}
