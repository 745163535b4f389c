//! What StatsD's metrics add up to, and the samples that this makes.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashSet;
use smallvec::SmallVec;

use super::line::Action;
use crate::base::float::push_general;
use crate::metrics::ingest::otlp::exponential::Exponential;
use crate::series::batch::WriteBatch;
use crate::series::histogram::Histogram;
use crate::series::labels::{BUCKET, Labels, METRIC_NAME};
use crate::series::sample::{MetricType, stale_nan};

/// Upper bounds of the classic buckets of timers, histograms and distributions: the usual ones of client libraries,
/// which are statsd_exporter's default too.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Members of a set that are told apart between two flushes.
const MEMBERS_MAX: usize = 10_000;
/// What a series takes beside its labels and buckets, in bytes.
const SERIES_BYTES: usize = 256;

/// What kind of metric it is. A name has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Observer,
    Set,
}

impl Kind {
    /// The kind of metric that an action is for.
    pub(super) const fn of(action: Action) -> Self {
        match action {
            Action::Count(_) => Self::Counter,
            Action::Set(_) | Action::Move(_) => Self::Gauge,
            Action::Observe(..) => Self::Observer,
            Action::Member => Self::Set,
        }
    }

    /// As metadata has it.
    pub(super) const fn metric_type(self) -> MetricType {
        match self {
            Self::Counter => MetricType::Counter,
            Self::Gauge | Self::Set => MetricType::Gauge,
            Self::Observer => MetricType::Histogram,
        }
    }
}

/// A series with what it adds up to.
#[derive(Debug)]
pub(super) struct Series {
    value: Value,
    /// When the first value came (ms), and the last one (monotonic).
    start_ms: i64,
    pub(super) seen: Duration,
}

#[derive(Debug)]
enum Value {
    Counter(f64),
    Gauge(f64),
    Observer(Box<Observer>),
    /// Hashes of the members since the last flush.
    Set(HashSet<u64>),
}

/// Observations in classic buckets and in exponential ones.
#[derive(Debug)]
struct Observer {
    /// Observations at or below each bound, above the one before.
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
    exponential: Exponential,
}

impl Series {
    /// Without values.
    pub(super) fn new(kind: Kind, start_ms: i64, seen: Duration) -> Self {
        let value = match kind {
            Kind::Counter => Value::Counter(0.0),
            Kind::Gauge => Value::Gauge(0.0),
            Kind::Observer => {
                Value::Observer(Box::new(Observer { buckets: [0; BOUNDS.len()], count: 0, sum: 0.0, exponential: Exponential::new() }))
            }
            Kind::Set => Value::Set(HashSet::new()),
        };
        Self { value, start_ms, seen }
    }

    /// Does what a line says. `text` is the value as it was written.
    pub(super) fn apply(&mut self, action: Action, text: &str, seen: Duration) {
        self.seen = seen;
        match (&mut self.value, action) {
            (Value::Counter(total), Action::Count(more)) => *total += more,
            (Value::Gauge(value), Action::Set(to)) => *value = to,
            (Value::Gauge(value), Action::Move(by)) => *value += by,
            (Value::Observer(observer), Action::Observe(value, times)) => observer.observe(value, times),
            (Value::Set(members), Action::Member) if members.len() < MEMBERS_MAX => {
                members.insert(xxhash_rust::xxh3::xxh3_64(text.as_bytes()));
            }
            // A metric has one kind, which was looked at before.
            _ => {}
        }
    }

    /// Memory taken, roughly, in bytes.
    pub(super) fn bytes(&self) -> usize {
        SERIES_BYTES
            + match &self.value {
                Value::Counter(_) | Value::Gauge(_) => 0,
                Value::Observer(observer) => size_of::<Observer>() + observer.exponential.bytes(),
                Value::Set(members) => 16 * members.len(),
            }
    }

    /// Writes the series as it is at a time (ms), or that it ends.
    pub(super) fn write(&mut self, name: &str, labels: &Labels, ts: i64, ends: bool, batch: &mut WriteBatch) {
        let start = if ends { 0 } else { self.start_ms.min(ts) };
        let mut float = |suffix: &str, extra: Option<&str>, value: f64, start: i64| {
            open(batch, labels, &format!("{name}{suffix}"), extra);
            batch.push_float_started(ts, if ends { stale_nan() } else { value }, start);
        };
        match &mut self.value {
            Value::Counter(total) => float("", None, *total, start),
            Value::Gauge(value) => float("", None, *value, 0),
            Value::Set(members) => {
                float("", None, members.len() as f64, 0);
                members.clear();
            }
            Value::Observer(observer) => {
                let mut below = 0u64;
                for (bound, count) in BOUNDS.iter().zip(observer.buckets) {
                    below = below.saturating_add(count);
                    let mut le = String::new();
                    push_general(&mut le, *bound);
                    if bound.fract() == 0.0 {
                        // As Prometheus writes bounds that are whole numbers.
                        le.push_str(".0");
                    }
                    float("_bucket", Some(&le), below as f64, start);
                }
                float("_bucket", Some("+Inf"), observer.count as f64, start);
                float("_count", None, observer.count as f64, start);
                float("_sum", None, observer.sum, start);
                open(batch, labels, name, None);
                let native = if ends { Histogram::stale() } else { observer.exponential.native() };
                batch.push_histogram_started(ts, Arc::new(native), start);
            }
        }
    }
}

impl Observer {
    fn observe(&mut self, value: f64, times: u64) {
        if let Some(at) = BOUNDS.iter().position(|bound| value <= *bound) {
            self.buckets[at] = self.buckets[at].saturating_add(times);
        }
        self.count = self.count.saturating_add(times);
        self.sum += value * times as f64;
        self.exponential.observe(value, times);
    }
}

/// Opens a series of a metric, perhaps with a bound.
fn open(batch: &mut WriteBatch, labels: &Labels, name: &str, le: Option<&str>) {
    let own = labels.iter().filter(|(name, _)| *name != METRIC_NAME && (le.is_none() || *name != BUCKET));
    let mut pairs: SmallVec<[(&str, &str); 16]> = own.chain([(METRIC_NAME, name)]).chain(le.map(|le| (BUCKET, le))).collect();
    pairs.sort_unstable_by_key(|(name, _)| *name);
    batch.open_series_sorted(pairs);
}
