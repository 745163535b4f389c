//! Quantiles of what happened lately, as a summary shows them.

use std::collections::VecDeque;
use std::time::Duration;

use crate::platform::telemetry::metrics::Page;

/// How long an observation counts for the quantiles, as in Go's client library.
const WINDOW: Duration = Duration::from_secs(600);
/// Most observations kept; when there are more in the window, the newest count.
const KEPT_MAX: usize = 1024;
/// Upstream's quantiles.
const QUANTILES: [(&str, f64); 5] = [("0.01", 0.01), ("0.05", 0.05), ("0.5", 0.5), ("0.9", 0.9), ("0.99", 0.99)];

/// Observations with sum and count since the start.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// When (on the monotonic clock) and how much.
    recent: VecDeque<(Duration, f64)>,
    sum: f64,
    count: u64,
}

impl Summary {
    /// Adds one.
    pub fn observe(&mut self, now: Duration, value: f64) {
        if self.recent.len() == KEPT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((now, value));
        self.sum += value;
        self.count += 1;
    }

    /// Writes the samples of one label into an open family.
    pub fn write(&self, page: &mut Page, name: &str, (label, text): (&str, &str), now: Duration) {
        let mut values: Vec<f64> = self.recent.iter().filter(|(at, _)| now.saturating_sub(*at) < WINDOW).map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        for (shown, quantile) in QUANTILES {
            let rank = (quantile * values.len() as f64).ceil() as usize;
            let value = values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN);
            page.sample(name, &[(label, text), ("quantile", shown)], value);
        }
        page.sample(&format!("{name}_sum"), &[(label, text)], self.sum);
        page.sample(&format!("{name}_count"), &[(label, text)], self.count as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_late_and_sums_of_all() {
        let mut summary = Summary::default();
        summary.observe(Duration::ZERO, 1000.0);
        for n in 1..=100 {
            summary.observe(Duration::from_secs(700), f64::from(n));
        }
        let mut page = Page::default();
        summary.write(&mut page, "s", ("a", "b"), Duration::from_secs(701));
        let text = page.finish();
        for line in [
            "s{a=\"b\",quantile=\"0.01\"} 1",
            "s{a=\"b\",quantile=\"0.5\"} 50",
            "s{a=\"b\",quantile=\"0.99\"} 99",
            "s_sum{a=\"b\"} 6050",
            "s_count{a=\"b\"} 101",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line}: {text}");
        }
        let mut page = Page::default();
        Summary::default().write(&mut page, "s", ("a", "b"), Duration::ZERO);
        assert!(page.finish().starts_with("s{a=\"b\",quantile=\"0.01\"} NaN\n"));
    }
}
