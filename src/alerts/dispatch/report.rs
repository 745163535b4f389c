//! Numbers of routing for telemetry, under Alertmanager's names.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;

use super::dispatcher::Dispatcher;
use crate::platform::telemetry::metrics::{Durations, Page, Report};

/// Bounds of how long a message takes, in seconds, as upstream.
const LATENCY: &[f64] = &[1.0, 5.0, 10.0, 15.0, 20.0];

/// What is counted of each kind of channel.
#[derive(Debug)]
struct OfKind {
    messages: u64,
    /// Given up because the other side said never, and because time was over.
    failed: [u64; 2],
    tries: u64,
    tries_failed: u64,
    latency: Durations,
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Numbers(Mutex<BTreeMap<&'static str, OfKind>>);

impl Numbers {
    fn of(&self, kind: &'static str, count: impl FnOnce(&mut OfKind)) {
        let mut all = self.0.lock();
        let new = || OfKind { messages: 0, failed: [0; 2], tries: 0, tries_failed: 0, latency: Durations::new(LATENCY) };
        count(all.entry(kind).or_insert_with(new));
    }

    /// A message is to be told.
    pub(super) fn began(&self, kind: &'static str) {
        self.of(kind, |numbers| numbers.messages += 1);
    }

    /// A try came to its end.
    pub(super) fn tried(&self, kind: &'static str, took: Duration, is_taken: bool) {
        self.of(kind, |numbers| {
            numbers.tries += 1;
            numbers.tries_failed += u64::from(!is_taken);
            numbers.latency.observe(took);
        });
    }

    /// A message was given up.
    pub(super) fn gave_up(&self, kind: &'static str, is_for_good: bool) {
        self.of(kind, |numbers| numbers.failed[usize::from(!is_for_good)] += 1);
    }
}

impl Report for Dispatcher {
    fn report(&self, page: &mut Page) {
        let (counts, received) = {
            let standing = self.standing.lock();
            (standing.counts(self.clock.now_ms()), standing.received)
        };
        page.family("alertmanager_alerts", "gauge", "Alerts that are not over, by state.");
        for (state, count) in [("active", counts.active), ("suppressed", counts.suppressed), ("unprocessed", counts.unprocessed)] {
            page.sample("alertmanager_alerts", &[("state", state)], count as f64);
        }
        page.family("alertmanager_alerts_received_total", "counter", "Alerts that came, by status.");
        for (status, count) in [("firing", received.0), ("resolved", received.1)] {
            page.sample("alertmanager_alerts_received_total", &[("status", status), ("version", "v2")], count as f64);
        }
        page.family("alertmanager_silences", "gauge", "Silences by state.");
        for (state, count) in ["active", "pending", "expired"].into_iter().zip(counts.silences) {
            page.sample("alertmanager_silences", &[("state", state)], count as f64);
        }
        page.gauge("alertmanager_dispatcher_aggregation_groups", "Groups of alerts.", counts.groups as f64);
        page.counter(
            "alertmanager_dispatcher_aggregation_group_limit_reached_total",
            "Alerts that found no group because there were too many.",
            counts.refused,
        );
        page.gauge("pharos_alerts_flapping", "Alerts that come and go, so that their ends are held back.", counts.flapping as f64);
        page.counter("pharos_alert_escalations_total", "Steps of escalations that alerts reached.", counts.escalations);
        page.counter("pharos_alert_digests_total", "Messages of several groups that a cap held back.", counts.digests);
        let all = self.numbers.0.lock();
        let mut each = |name: &str, help: &str, read: &dyn Fn(&OfKind) -> u64| {
            page.family(name, "counter", help);
            for (kind, numbers) in all.iter() {
                page.sample(name, &[("integration", kind)], read(numbers) as f64);
            }
        };
        each("alertmanager_notifications_total", "Messages to be told.", &|numbers| numbers.messages);
        each("alertmanager_notification_requests_total", "Tries to tell a message.", &|numbers| numbers.tries);
        each("alertmanager_notification_requests_failed_total", "Tries that failed.", &|numbers| numbers.tries_failed);
        let name = "alertmanager_notifications_failed_total";
        page.family(name, "counter", "Messages given up until their group is due again, by reason.");
        for (kind, numbers) in all.iter() {
            for (reason, count) in ["clientError", "contextDeadlineExceeded"].into_iter().zip(numbers.failed) {
                page.sample(name, &[("integration", kind), ("reason", reason)], count as f64);
            }
        }
        let name = "alertmanager_notification_latency_seconds";
        page.family(name, "histogram", "How long a try takes.");
        for (kind, numbers) in all.iter() {
            numbers.latency.write(page, name, &[("integration", kind)]);
        }
    }
}
