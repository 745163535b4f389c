//! What was down, for other wings.

use std::sync::Arc;

use crate::base::time::TimeRange;
use crate::series::ports::{IncidentThen, Incidents};
use crate::ui::links;
use crate::uptime::model::window::Window;
use crate::uptime::watch::desk::Desk;

/// Says it.
pub(super) struct Past(pub(super) Arc<Desk>);

impl Incidents for Past {
    fn within(&self, range: TimeRange, limit: usize) -> Result<Vec<IncidentThen>, String> {
        within(&self.0, range, limit)
    }
}

/// What was down in a range, the newest first.
pub(super) fn within(desk: &Desk, range: TimeRange, limit: usize) -> Result<Vec<IncidentThen>, String> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = desk.incidents(None, Window::new(range.start, range.end), limit).map_err(|error| error.to_string())?;
    let views = desk.views();
    let told = found.into_iter().map(|of| IncidentThen {
        of: views.get(&of.check).map_or_else(|| format!("#{}", of.check), |view| view.check.name.clone()),
        from: of.incident.from,
        until: of.incident.until,
        path: links::incident(of.check, of.incident.from),
        cause: of.incident.cause,
    });
    Ok(told.collect())
}
