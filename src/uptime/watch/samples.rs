//! What a check says as series.
//!
//! `pharos_check_up` is the state that is confirmed (1 up, 0 down; no sample while it is unknown), `pharos_check_success` the
//! last result alone, `pharos_check_duration_seconds` how long that took, by phase and as a whole (`phase="total"`),
//! `pharos_check_status_code` and `pharos_check_certificate_expiry_seconds` (Unix time at which the first certificate of
//! the chain ends) where there are such. `pharos_check_maintenance` says whether there is maintenance of it, each minute
//! and when that changes.

use crate::series::batch::WriteBatch;
use crate::series::labels::{Labels, LabelsBuilder};
use crate::series::sample::stale_nan;
use crate::uptime::config::check::Check;
use crate::uptime::model::outcome::Outcome;
use crate::uptime::model::track::State;

/// Names of all series of a check that have no further label.
const PLAIN: [&str; 5] = [
    "pharos_check_up",
    "pharos_check_success",
    "pharos_check_status_code",
    "pharos_check_certificate_expiry_seconds",
    "pharos_check_maintenance",
];
/// The series with one for each phase.
const DURATION: &str = "pharos_check_duration_seconds";
const PHASES: [&str; 6] = ["total", "resolve", "connect", "tls", "processing", "transfer"];

/// Labels of every series and alert of a check.
pub fn labels(check: &Check) -> LabelsBuilder {
    let mut labels = LabelsBuilder::new();
    labels.set("check", &check.name).set("kind", check.kind()).set("instance", &check.target()).set("job", "pharos-uptime");
    for (name, value) in &check.labels {
        labels.set(name, value);
    }
    labels
}

fn named(labels: &LabelsBuilder, name: &str, phase: Option<&str>) -> Labels {
    let mut labels = labels.clone();
    labels.set("__name__", name);
    if let Some(phase) = phase {
        labels.set("phase", phase);
    }
    labels.build()
}

/// Adds what was found at `at` (milliseconds since the Unix epoch).
pub fn add(batch: &mut WriteBatch, check: &Check, state: State, is_up: bool, outcome: &Outcome, at: i64) {
    let labels = labels(check);
    let mut put = |name: &str, phase: Option<&str>, value: f64| {
        batch.open_series(&named(&labels, name, phase));
        batch.push_float(at, value);
    };
    if let State::Up | State::Down = state {
        put(PLAIN[0], None, f64::from(u8::from(state == State::Up)));
    }
    put(PLAIN[1], None, f64::from(u8::from(is_up)));
    if let Some(status) = outcome.status {
        put(PLAIN[2], None, f64::from(status));
    }
    if let Some(ends) = outcome.certificates.iter().map(|certificate| certificate.not_after).min() {
        put(PLAIN[3], None, ends as f64);
    }
    let phases = &outcome.phases;
    let times = [Some(outcome.took), phases.resolve, phases.connect, phases.tls, phases.processing, phases.transfer];
    for (phase, took) in PHASES.into_iter().zip(times) {
        if let Some(took) = took {
            put(DURATION, Some(phase), took.as_secs_f64());
        }
    }
}

/// Says whether there is maintenance of a check.
pub fn add_maintenance(batch: &mut WriteBatch, check: &Check, is_maintained: bool, at: i64) {
    batch.open_series(&named(&labels(check), PLAIN[4], None));
    batch.push_float(at, f64::from(u8::from(is_maintained)));
}

/// Ends every series of a check that is gone, paused or is called something else now.
pub fn end(batch: &mut WriteBatch, check: &Check, at: i64) {
    let labels = labels(check);
    let plain = PLAIN.into_iter().map(|name| named(&labels, name, None));
    let phases = PHASES.into_iter().map(|phase| named(&labels, DURATION, Some(phase)));
    for series in plain.chain(phases) {
        batch.open_series(&series);
        batch.push_float(at, stale_nan());
    }
}
