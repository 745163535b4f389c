//! What StatsD's metrics add up to, and the samples that this makes.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashSet;
use smallvec::SmallVec;

use super::line::Action;
use super::mapping::BOUNDS;
use super::summary::{SummaryShape, Window};
use crate::base::float::push_general;
use crate::metrics::ingest::otlp::exponential::Exponential;
use crate::series::batch::WriteBatch;
use crate::series::histogram::Histogram;
use crate::series::labels::{BUCKET, Labels, METRIC_NAME};
use crate::series::sample::{MetricType, stale_nan};

/// The label of a summary's quantiles.
const QUANTILE: &str = "quantile";
/// Members of a set that are told apart between two flushes.
const MEMBERS_MAX: usize = 10_000;
/// What a series takes beside its labels and buckets, in bytes.
const SERIES_BYTES: usize = 256;

/// What becomes of timers, histograms and distributions.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Observing {
    /// Classic buckets with these upper bounds, and exponential ones.
    Histogram(Arc<[f64]>),
    /// Quantiles.
    Summary(Arc<SummaryShape>),
}

impl Default for Observing {
    fn default() -> Self {
        Self::Histogram(Arc::new(BOUNDS))
    }
}

/// What kind of metric it is. A name has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    Set,
}

impl Kind {
    /// The kind of metric that an action is for.
    pub(super) const fn of(action: Action, observing: &Observing) -> Self {
        match action {
            Action::Count(_) => Self::Counter,
            Action::Set(_) | Action::Move(_) => Self::Gauge,
            Action::Observe(..) => match observing {
                Observing::Histogram(_) => Self::Histogram,
                Observing::Summary(_) => Self::Summary,
            },
            Action::Member => Self::Set,
        }
    }

    /// As metadata has it.
    pub(super) const fn metric_type(self) -> MetricType {
        match self {
            Self::Counter => MetricType::Counter,
            Self::Gauge | Self::Set => MetricType::Gauge,
            Self::Histogram => MetricType::Histogram,
            Self::Summary => MetricType::Summary,
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
    /// After how long without values it ends; zero for what the settings say.
    pub(super) ttl: Duration,
}

#[derive(Debug)]
enum Value {
    Counter(f64),
    Gauge(f64),
    Observer(Box<Observer>),
    Summary(Box<Summary>),
    /// Hashes of the members since the last flush.
    Set(HashSet<u64>),
}

/// Observations in classic buckets and in exponential ones.
#[derive(Debug)]
struct Observer {
    bounds: Arc<[f64]>,
    /// Observations at or below each bound, above the one before.
    buckets: Vec<u64>,
    count: u64,
    sum: f64,
    exponential: Exponential,
}

/// Quantiles of the last observations, and the sum of all.
#[derive(Debug)]
struct Summary {
    shape: Arc<SummaryShape>,
    window: Window,
    count: u64,
    sum: f64,
}

impl Series {
    /// Without values.
    pub(super) fn new(kind: Kind, observing: &Observing, start_ms: i64, seen: Duration) -> Self {
        let value = match kind {
            Kind::Counter => Value::Counter(0.0),
            Kind::Gauge => Value::Gauge(0.0),
            Kind::Histogram | Kind::Summary => match observing {
                Observing::Histogram(bounds) => Value::Observer(Box::new(Observer {
                    bounds: Arc::clone(bounds),
                    buckets: vec![0; bounds.len()],
                    count: 0,
                    sum: 0.0,
                    exponential: Exponential::new(),
                })),
                Observing::Summary(shape) => {
                    Value::Summary(Box::new(Summary { shape: Arc::clone(shape), window: Window::new(shape, seen), count: 0, sum: 0.0 }))
                }
            },
            Kind::Set => Value::Set(HashSet::new()),
        };
        Self { value, start_ms, seen, ttl: Duration::ZERO }
    }

    /// Does what a line says. `text` is the value as it was written.
    pub(super) fn apply(&mut self, action: Action, text: &str, seen: Duration) {
        self.seen = seen;
        match (&mut self.value, action) {
            (Value::Counter(total), Action::Count(more)) => *total += more,
            (Value::Gauge(value), Action::Set(to)) => *value = to,
            (Value::Gauge(value), Action::Move(by)) => *value += by,
            (Value::Observer(observer), Action::Observe(value, times)) => observer.observe(value, times),
            (Value::Summary(summary), Action::Observe(value, times)) => {
                summary.window.observe(value, times, &summary.shape, seen);
                summary.count = summary.count.saturating_add(times);
                summary.sum += value * times as f64;
            }
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
                Value::Observer(observer) => size_of::<Observer>() + 8 * observer.buckets.len() + observer.exponential.bytes(),
                Value::Summary(summary) => size_of::<Summary>() + summary.window.bytes(),
                Value::Set(members) => 16 * members.len(),
            }
    }

    /// Writes the series as it is at a time (ms), or that it ends.
    pub(super) fn write(&mut self, name: &str, labels: &Labels, ts: i64, mono: Duration, ends: bool, batch: &mut WriteBatch) {
        let start = if ends { 0 } else { self.start_ms.min(ts) };
        let mut float = |suffix: &str, extra: Option<(&str, &str)>, value: f64, start: i64| {
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
            Value::Summary(summary) => {
                let answers = summary.window.answers(&summary.shape, mono);
                for (one, answer) in summary.shape.objectives.iter().zip(answers) {
                    float("", Some((QUANTILE, &bound_text(one.quantile))), answer, 0);
                }
                float("_sum", None, summary.sum, start);
                float("_count", None, summary.count as f64, start);
            }
            Value::Observer(observer) => {
                let mut below = 0u64;
                for (bound, count) in observer.bounds.iter().zip(&observer.buckets) {
                    below = below.saturating_add(*count);
                    float("_bucket", Some((BUCKET, &bound_text(*bound))), below as f64, start);
                }
                float("_bucket", Some((BUCKET, "+Inf")), observer.count as f64, start);
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
        if let Some(at) = self.bounds.iter().position(|bound| value <= *bound) {
            self.buckets[at] = self.buckets[at].saturating_add(times);
        }
        self.count = self.count.saturating_add(times);
        self.sum += value * times as f64;
        self.exponential.observe(value, times);
    }
}

/// A bound or quantile as Prometheus writes it: whole numbers have `.0` behind them.
fn bound_text(bound: f64) -> String {
    let mut text = String::new();
    push_general(&mut text, bound);
    if bound.fract() == 0.0 && !text.contains('e') {
        text.push_str(".0");
    }
    text
}

/// Opens a series of a metric, perhaps with a bound or quantile.
fn open(batch: &mut WriteBatch, labels: &Labels, name: &str, extra: Option<(&str, &str)>) {
    let own = labels.iter().filter(|(name, _)| *name != METRIC_NAME && extra.is_none_or(|(extra, _)| *name != extra));
    let mut pairs: SmallVec<[(&str, &str); 16]> = own.chain([(METRIC_NAME, name)]).chain(extra).collect();
    pairs.sort_unstable_by_key(|(name, _)| *name);
    batch.open_series_sorted(pairs);
}
