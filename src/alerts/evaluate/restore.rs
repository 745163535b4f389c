//! Gives alerts back, after a restart, the time they have been pending: from the series `ALERTS_FOR_STATE`.

use super::group::RunningRule;
use super::rule::{ALERT_NAME, ALERTS_FOR_STATE};
use crate::alerts::model::Kind;
use crate::base::cancel::Cancel;
use crate::base::time::{Duration, TimeRange};
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::matcher::Matcher;
use crate::series::ports::{Select, SelectError, Selection};
use crate::series::sample::{SampleBuf, is_stale};

/// A server that was away for longer than this begins anew.
pub const OUTAGE_MAX: Duration = Duration::from_secs(3600);
/// Most alerts of a rule that are looked for.
const ALERTS_MAX: usize = 100_000;

/// Restores the alerts of a rule at `now`.
pub fn restore(rule: &RunningRule, select: &dyn Select, now: i64) -> Result<(), SelectError> {
    let Kind::Alerting(alerting) = &rule.prepared.rule.kind else { return Ok(()) };
    let matchers = [Matcher::equal(METRIC_NAME, ALERTS_FOR_STATE), Matcher::equal(ALERT_NAME, &rule.prepared.rule.name)];
    let range = TimeRange::new(now - OUTAGE_MAX.ms(), now);
    let found = select.select(&Selection { matchers: &matchers, range, series_max: ALERTS_MAX }, &Cancel::new())?;
    let mut samples = SampleBuf::default();
    let mut alerts = rule.alerts.lock();
    for series in found {
        samples.clear();
        series.read(range, &mut samples)?;
        let (Some(seen), Some(value)) = (samples.float_ts.last(), samples.floats.last()) else { continue };
        if is_stale(*value) || !value.is_finite() {
            continue;
        }
        let labels: Labels = series.labels().without_name();
        alerts.restore(&labels, alerting, now, *seen, (*value * 1000.0) as i64);
    }
    Ok(())
}
