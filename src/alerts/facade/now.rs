//! What is wrong now, for dashboards.

use std::sync::Arc;

use super::pages::PageState;
use crate::series::ports::{AlertNow, AlertsNow};
use crate::ui::links;

/// Alerts as the pages know them.
pub(super) struct Now(pub(super) Arc<PageState>);

impl AlertsNow for Now {
    fn now(&self, limit: usize) -> Vec<AlertNow> {
        let mut all = self.0.known();
        all.sort_by_key(|one| (one.is_pending, std::cmp::Reverse(one.since_ms)));
        all.truncate(limit);
        let text = |annotations: &[(String, String)], name: &str| {
            annotations.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone())
        };
        let one = |one: crate::alerts::pages::known::Known| AlertNow {
            name: one.name().to_owned(),
            summary: text(&one.annotations, "summary").or_else(|| text(&one.annotations, "description")).unwrap_or_default(),
            is_firing: !one.is_pending,
            since: one.since_ms,
            path: one.rule.as_ref().map_or_else(|| links::ALERTS.to_owned(), |rule| links::alerts_rule(&rule.id)),
            labels: one.labels,
        };
        all.into_iter().map(one).collect()
    }
}
