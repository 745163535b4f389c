//! The store from outside: what goes in comes out once, whatever happens in between.

mod analyze;
mod compat;
mod crash;
mod freeze;
mod lifecycle;
mod model;
mod pressure;
mod rules;
mod save;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Store, StoreSettings};
use crate::base::cancel::Cancel;
use crate::base::clock::ManualClock;
use crate::base::time::TimeRange;
use crate::series::batch::WriteBatch;
use crate::series::labels::Labels;
use crate::series::matcher::{MatchOp, Matcher};
use crate::series::ports::{Append, AppendError, AppendOptions, AppendReport, Refused, RefusedReason, Select, Selection};
use crate::series::sample::SampleBuf;

/// A moment on a boundary of the block range.
const T0: i64 = 1_760_400_000_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn settings(dir: &Path) -> StoreSettings {
    StoreSettings { background: false, reserve_bytes: 0, ..StoreSettings::new(dir) }
}

fn clock() -> Arc<ManualClock> {
    ManualClock::at(T0 + 10_000 * HOUR)
}

fn open(dir: &Path) -> Store {
    Store::open(settings(dir), clock()).expect("open")
}

/// With the head saved by every round of maintenance.
fn open_saving(dir: &Path) -> Store {
    Store::open(StoreSettings { save_log_bytes: 1, ..settings(dir) }, clock()).expect("open")
}

fn labels(name: &str) -> Labels {
    Labels::from_pairs([("__name__", name), ("job", "test")])
}

fn append(store: &Store, name: &str, samples: &[(i64, f64)]) -> AppendReport {
    try_append(store, name, samples, &AppendOptions::default()).expect("append")
}

fn try_append(store: &Store, name: &str, samples: &[(i64, f64)], options: &AppendOptions) -> Result<AppendReport, AppendError> {
    let mut batch = WriteBatch::new();
    batch.open_series(&labels(name));
    for &(ts, value) in samples {
        batch.push_float(ts, value);
    }
    store.append(&batch, options)
}

fn reasons(report: &AppendReport) -> Vec<(RefusedReason, usize)> {
    report.refused.iter().map(|Refused { reason, samples, .. }| (*reason, *samples)).collect()
}

fn everything() -> Vec<Matcher> {
    vec![Matcher::new("__name__", MatchOp::Regex, ".+").expect("valid")]
}

fn read_all(store: &Store, range: TimeRange) -> Vec<(Labels, SampleBuf)> {
    let selection = Selection { matchers: &everything(), range, series_max: usize::MAX };
    let found = store.select(&selection, &Cancel::new()).expect("select");
    assert!(found.windows(2).all(|pair| pair[0].labels() < pair[1].labels()), "sorted and unique");
    let mut all = Vec::new();
    for series in found {
        let mut buf = SampleBuf::default();
        series.read(range, &mut buf).expect("read");
        if !buf.is_empty() {
            all.push((series.labels().clone(), buf));
        }
    }
    all
}

fn floats(store: &Store, name: &str) -> Vec<(i64, f64)> {
    let all = read_all(store, TimeRange::ALL);
    let found = all.into_iter().find(|(found, _)| *found == labels(name));
    found.map(|(_, buf)| buf.float_ts.into_iter().zip(buf.floats).collect()).unwrap_or_default()
}

/// What a crash leaves: the files as they are now.
fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("create");
    for entry in std::fs::read_dir(from).expect("list") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copy");
        }
    }
}

fn every_quarter_minute(from: i64, count: i64) -> Vec<(i64, f64)> {
    (0..count).map(|at| (from + at * 15_000, at as f64)).collect()
}

const SECOND: Duration = Duration::from_secs(1);
