//! What KPIs ask for, as the catalogue of metrics wants to know it.

use std::sync::Arc;

use crate::business::ask::question;
use crate::business::collect::desk::Desk;
use crate::business::config::kpi::Source;
use crate::series::ports::{MetricUse, MetricUser, MetricUsers};
use crate::ui::links;

/// KPIs and what is shown beside them, as users of metrics.
pub(super) struct Users(pub(super) Arc<Desk>);

fn user(title: &str, href: String, query: &str) -> MetricUser {
    MetricUser { kind: MetricUse::Kpi, title: title.to_owned(), href, queries: vec![question(query)], records: Vec::new() }
}

impl MetricUsers for Users {
    fn users(&self) -> Result<Vec<MetricUser>, String> {
        let all = self.0.all();
        let kpis = all.iter().filter_map(|known| match known.kpi.source() {
            Some(Source::Promql(source)) => Some(user(&known.kpi.name, links::kpi(known.id), &source.query)),
            _ => None,
        });
        let kept = self.0.retentions().map_err(|error| error.to_string())?;
        let who_stays = kept.iter().map(|(one, _)| one).filter(|one| !one.promql.is_empty());
        Ok(kpis.chain(who_stays.map(|one| user(&one.name, links::BUSINESS.to_owned(), &one.promql))).collect())
    }
}
