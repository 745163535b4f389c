//! From a request to a batch of samples, as Prometheus' receiver does it.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashSet;
use smallvec::SmallVec;

use super::attributes::{Label, Names, ResourceLabels, ScopeLabels, point_labels, scope_labels};
use super::delta::{Deltas, Explicit, Total};
use super::exponential::{self, Exponential};
use super::name::{Kind, metric_name, unit_name};
use super::settings::Settings;
use super::{exemplar, explicit, target_info};
use crate::series::batch::{BatchSeries, FloatSample, WriteBatch};
use crate::series::histogram::Histogram as Native;
use crate::series::labels::{METRIC_NAME, put_label};
use crate::series::otlp::metrics::{
    CUMULATIVE, DELTA, Exemplar, ExponentialPoint, ExportMetricsRequest, HistogramPoint, Metric, NO_RECORDED_VALUE, NumberPoint,
    ResourceMetrics, SummaryPoint,
};
use crate::series::sample::{Metadata, MetricType, stale_nan};

/// Problems that are told; more are only counted.
const PROBLEMS_MAX: usize = 10;
/// Owner of series that belong to no point.
pub(super) const NO_POINT: u32 = u32::MAX;

/// Why a point, or all of a request, does not become samples.
#[derive(Debug)]
pub(super) enum Stop {
    /// The point is refused.
    Refused(String),
    /// The request would take too much memory.
    TooLarge,
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Refused(why)
    }
}

/// What a request became.
#[derive(Debug, Default)]
pub(super) struct Translated {
    pub(super) batch: WriteBatch,
    /// To which point each series of the batch belongs.
    pub(super) owners: Vec<u32>,
    /// Points seen.
    pub(super) points: u32,
    /// Points that did not become samples.
    pub(super) rejected: u64,
    /// Why, each reason once.
    pub(super) problems: Vec<String>,
}

impl Translated {
    /// Whether one more problem is told.
    pub(super) fn has_room_for_problem(&self) -> bool {
        self.problems.len() < PROBLEMS_MAX
    }

    /// Notes why something was refused.
    pub(super) fn note(&mut self, problem: String) {
        if self.has_room_for_problem() && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// What a translation works with.
pub(super) struct Inputs<'s> {
    pub(super) settings: &'s Settings,
    /// The sums of deltas, and the monotonic time now; none if the request has no deltas.
    pub(super) deltas: Option<&'s mut Deltas>,
    pub(super) now: Duration,
    /// Samples later than this (ms) are refused.
    pub(super) ahead_max: i64,
    /// Memory that the batch may take, in bytes.
    pub(super) memory_max: usize,
}

/// Whether a request has points that count from the one before.
pub(super) fn has_deltas(request: &ExportMetricsRequest) -> bool {
    let metrics = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics).flat_map(|scope| &scope.metrics);
    metrics.into_iter().any(|metric| temporality(metric) == Some(DELTA))
}

fn temporality(metric: &Metric) -> Option<i32> {
    let sum = metric.sum.as_ref().map(|sum| sum.aggregation_temporality);
    let histogram = || metric.histogram.as_ref().map(|histogram| histogram.aggregation_temporality);
    let exponential = || metric.exponential_histogram.as_ref().map(|histogram| histogram.aggregation_temporality);
    sum.or_else(histogram).or_else(exponential)
}

/// Translates a request.
///
/// # Errors
/// When the batch would take too much memory.
pub(super) fn translate(request: &ExportMetricsRequest, inputs: Inputs<'_>) -> Result<Translated, Stop> {
    let left = inputs.memory_max;
    let mut translator =
        Translator { inputs, names: Names::default(), out: Translated::default(), left, targets: HashSet::new(), scratch: Vec::new() };
    for resource in &request.resource_metrics {
        translator.resource(resource)?;
    }
    Ok(translator.out)
}

/// Works through one request.
pub(super) struct Translator<'a, 's> {
    pub(super) inputs: Inputs<'s>,
    pub(super) names: Names<'a>,
    pub(super) out: Translated,
    left: usize,
    /// Samples of `target_info` there are: packed labels and times (ms).
    pub(super) targets: HashSet<(Vec<u8>, i64)>,
    scratch: Vec<u8>,
}

/// The name of a metric with what its parts are called, and the labels that say its type and unit.
struct Family {
    name: String,
    type_labels: Vec<(&'static str, String)>,
}

/// Where points are: labels around them.
struct Around<'a, 'r> {
    resource: &'r ResourceLabels<'a>,
    scope: &'r ScopeLabels<'a>,
}

impl<'a> Translator<'a, '_> {
    fn resource(&mut self, resource: &'a ResourceMetrics) -> Result<(), Stop> {
        static NONE: crate::series::otlp::value::Resource =
            crate::series::otlp::value::Resource { attributes: Vec::new(), dropped_attributes_count: 0 };
        let described = resource.resource.as_ref().unwrap_or(&NONE);
        let metrics = || resource.scope_metrics.iter().flat_map(|scope| &scope.metrics);
        let labels = match ResourceLabels::new(described, self.inputs.settings, &mut self.names) {
            Ok(labels) => labels,
            Err(why) => {
                metrics().for_each(|metric| self.reject(metric, &why));
                return Ok(());
            }
        };
        for scope in &resource.scope_metrics {
            match scope_labels(scope.scope.as_ref(), &scope.schema_url, self.inputs.settings) {
                Ok(scope_labels) => {
                    for metric in &scope.metrics {
                        self.metric(metric, &Around { resource: &labels, scope: &scope_labels })?;
                    }
                }
                Err(why) => scope.metrics.iter().for_each(|metric| self.reject(metric, &why)),
            }
        }
        target_info::write(self, &described.attributes, &labels, metrics())
    }

    /// Refuses all points of a metric.
    fn reject(&mut self, metric: &Metric, why: &str) {
        let points = points_of(metric);
        self.out.points = self.out.points.saturating_add(points as u32);
        self.out.rejected += points as u64;
        self.out.note(format!("{why} (metric {:?})", metric.name));
    }

    fn metric(&mut self, metric: &'a Metric, around: &Around<'a, '_>) -> Result<(), Stop> {
        if let Some(temporality) = temporality(metric)
            && ![DELTA, CUMULATIVE].contains(&temporality)
        {
            self.reject(metric, "invalid temporality and type combination");
            return Ok(());
        }
        let kind = match (&metric.gauge, &metric.sum) {
            (Some(_), _) => Kind::Gauge,
            (_, Some(sum)) if sum.is_monotonic => Kind::Counter,
            _ => Kind::Other,
        };
        let name = match metric_name(&metric.name, &metric.unit, kind, self.inputs.settings.strategy) {
            Ok(name) => name,
            Err(why) => {
                self.reject(metric, &why);
                return Ok(());
            }
        };
        if points_of(metric) == 0 {
            return Ok(());
        }
        let family = self.describe(metric, name)?;
        self.points(metric, &family, around)
    }

    /// Adds the metadata of a metric.
    fn describe(&mut self, metric: &Metric, name: String) -> Result<Family, Stop> {
        let kind = match &metric.sum {
            _ if metric.gauge.is_some() => MetricType::Gauge,
            Some(sum) if sum.is_monotonic => MetricType::Counter,
            Some(_) => MetricType::Gauge,
            None if metric.summary.is_some() => MetricType::Summary,
            None => MetricType::Histogram,
        };
        let unit = unit_name(&metric.unit);
        let mut type_labels = Vec::new();
        if self.inputs.settings.labels_type_and_unit {
            type_labels.push(("__type__", kind.as_str().to_owned()));
            type_labels.push(("__unit__", unit.clone()));
            type_labels.retain(|(_, value)| !value.is_empty());
        }
        self.charge(2 * size_of::<Metadata>() + name.len() + metric.description.len() + unit.len())?;
        self.out.batch.metadata.push((name.as_str().into(), Metadata { kind, help: metric.description.clone(), unit }));
        Ok(Family { name, type_labels })
    }

    fn points(&mut self, metric: &'a Metric, family: &Family, around: &Around<'a, '_>) -> Result<(), Stop> {
        let is_delta = temporality(metric) == Some(DELTA);
        if let Some(gauge) = &metric.gauge {
            for point in &gauge.data_points {
                let done = self.number(point, family, around, None);
                self.settle(&metric.name, done)?;
            }
        } else if let Some(sum) = &metric.sum {
            for point in &sum.data_points {
                let done = self.number(point, family, around, Some(is_delta));
                self.settle(&metric.name, done)?;
            }
        } else if let Some(histogram) = &metric.histogram {
            for point in &histogram.data_points {
                let done = self.histogram(point, family, around, is_delta);
                self.settle(&metric.name, done)?;
            }
        } else if let Some(histogram) = &metric.exponential_histogram {
            for point in &histogram.data_points {
                let done = self.exponential(point, family, around, is_delta);
                self.settle(&metric.name, done)?;
            }
        } else if let Some(summary) = &metric.summary {
            for point in &summary.data_points {
                let done = self.summary(point, family, around);
                self.settle(&metric.name, done)?;
            }
        }
        Ok(())
    }

    /// Counts a point; goes on unless the whole request has to stop.
    fn settle(&mut self, metric: &str, done: Result<(), Stop>) -> Result<(), Stop> {
        self.out.points = self.out.points.saturating_add(1);
        match done {
            Ok(()) => Ok(()),
            Err(Stop::TooLarge) => Err(Stop::TooLarge),
            Err(Stop::Refused(why)) => {
                self.out.rejected += 1;
                self.out.note(format!("{why} (metric {metric:?})"));
                Ok(())
            }
        }
    }

    /// A number. A gauge has no deltas, and its start says nothing.
    fn number(&mut self, point: &'a NumberPoint, family: &Family, around: &Around<'a, '_>, delta: Option<bool>) -> Result<(), Stop> {
        let (labels, ts) = self.begin(&point.attributes, point.time_unix_nano, family, around)?;
        let (mut value, mut start) = (point.value(), point.start_time_unix_nano);
        let is_stale = point.flags & NO_RECORDED_VALUE != 0;
        if delta == Some(true) {
            if is_stale {
                self.end(&labels, &family.name);
            } else if let (Total::Number(total), begun) =
                self.add_up(&labels, family, (start, point.time_unix_nano), Total::Number(value))?
            {
                (value, start) = (total, begun);
            }
        }
        let start = if delta.is_none() || is_stale { 0 } else { start_ms(start, ts) };
        self.open(&labels, &family.name, None)?;
        self.float(ts, if is_stale { stale_nan() } else { value }, start)?;
        if delta.is_some() {
            self.exemplars(&point.exemplars, ts)?;
        }
        Ok(())
    }

    fn histogram(&mut self, point: &'a HistogramPoint, family: &Family, around: &Around<'a, '_>, is_delta: bool) -> Result<(), Stop> {
        let (labels, ts) = self.begin(&point.attributes, point.time_unix_nano, family, around)?;
        let is_stale = point.flags & NO_RECORDED_VALUE != 0;
        let mut start = point.start_time_unix_nano;
        let mut whole = std::borrow::Cow::Borrowed(point);
        if is_delta && is_stale {
            self.end(&labels, &family.name);
        } else if is_delta {
            let delta =
                Explicit { bounds: point.explicit_bounds.clone(), counts: point.bucket_counts.clone(), count: point.count, sum: point.sum };
            if let (Total::Explicit(total), begun) = self.add_up(&labels, family, (start, point.time_unix_nano), Total::Explicit(delta))? {
                start = begun;
                let Explicit { bounds, counts, count, sum } = total;
                let exemplars = point.exemplars.clone();
                let made =
                    HistogramPoint { explicit_bounds: bounds, bucket_counts: counts, count, sum, exemplars, ..HistogramPoint::default() };
                whole = std::borrow::Cow::Owned(made);
            }
        }
        let start = if is_stale { 0 } else { start_ms(start, ts) };
        if self.inputs.settings.to_nhcb {
            let native = if is_stale { Native::stale() } else { explicit::custom_buckets(&whole) };
            self.native(&labels, family, native, (ts, start), &point.exemplars)
        } else {
            explicit::classic(self, &labels, &family.name, &whole, explicit::When { ts, start, is_stale })
        }
    }

    fn exponential(&mut self, point: &'a ExponentialPoint, family: &Family, around: &Around<'a, '_>, is_delta: bool) -> Result<(), Stop> {
        let (labels, ts) = self.begin(&point.attributes, point.time_unix_nano, family, around)?;
        let invalid = |error: exponential::Invalid| Stop::Refused(error.to_string());
        let start = point.start_time_unix_nano;
        if point.flags & NO_RECORDED_VALUE != 0 {
            if is_delta {
                self.end(&labels, &family.name);
            }
            return self.native(&labels, family, Native::stale(), (ts, 0), &[]);
        }
        if !is_delta {
            let native = exponential::native(point).map_err(invalid)?;
            return self.native(&labels, family, native, (ts, start_ms(start, ts)), &point.exemplars);
        }
        let delta = Total::Exponential(Box::new(Exponential::of_point(point).map_err(invalid)?));
        match self.add_up(&labels, family, (start, point.time_unix_nano), delta)? {
            (Total::Exponential(total), begun) => self.native(&labels, family, total.native(), (ts, start_ms(begun, ts)), &point.exemplars),
            _ => Ok(()),
        }
    }

    fn summary(&mut self, point: &'a SummaryPoint, family: &Family, around: &Around<'a, '_>) -> Result<(), Stop> {
        let (labels, ts) = self.begin(&point.attributes, point.time_unix_nano, family, around)?;
        let is_stale = point.flags & NO_RECORDED_VALUE != 0;
        let start = if is_stale { 0 } else { start_ms(point.start_time_unix_nano, ts) };
        let shown = |value: f64| if is_stale { stale_nan() } else { value };
        for (suffix, value) in [("_sum", point.sum), ("_count", point.count as f64)] {
            self.open(&labels, &format!("{}{suffix}", family.name), None)?;
            self.float(ts, shown(value), start)?;
        }
        for quantile in &point.quantile_values {
            self.open(&labels, &family.name, Some(("quantile", &crate::base::float::plain(quantile.quantile))))?;
            self.float(ts, shown(quantile.value), start)?;
        }
        Ok(())
    }

    fn native(
        &mut self,
        labels: &[Label<'_>],
        family: &Family,
        native: Native,
        (ts, start): (i64, i64),
        exemplars: &[Exemplar],
    ) -> Result<(), Stop> {
        let numbers = native.positive_buckets.len() + native.negative_buckets.len() + native.custom_bounds.len();
        let spans = native.positive_spans.len() + native.negative_spans.len();
        self.charge(2 * size_of::<Native>() + 8 * (numbers + spans))?;
        self.open(labels, &family.name, None)?;
        self.out.batch.push_histogram_started(ts, Arc::new(native), start);
        self.exemplars(exemplars, ts)
    }

    /// The labels of a point, and its time in milliseconds.
    fn begin(
        &mut self,
        attributes: &'a [crate::series::otlp::value::KeyValue],
        time: u64,
        family: &Family,
        around: &Around<'a, '_>,
    ) -> Result<(Vec<Label<'a>>, i64), Stop> {
        let ts = ms(time);
        if ts > self.inputs.ahead_max {
            return Err(Stop::Refused("the time of a point lies too far in the future".to_owned()));
        }
        let mut labels = point_labels(attributes, around.resource, around.scope, self.inputs.settings, &mut self.names)?;
        for (name, value) in &family.type_labels {
            labels.retain(|(known, _)| **known != **name);
            labels.push(((*name).into(), std::borrow::Cow::Owned(value.clone())));
        }
        Ok((labels, ts))
    }

    /// Adds a delta to its stream; gives the total and its start (ns).
    fn add_up(&mut self, labels: &[Label<'_>], family: &Family, (start, ts): (u64, u64), delta: Total) -> Result<(Total, u64), Stop> {
        let mut key = std::mem::take(&mut self.scratch);
        pack(labels, &family.name, None, &mut key);
        let now = self.inputs.now;
        let added = match &mut self.inputs.deltas {
            Some(deltas) => deltas.add(&key, start, ts, delta, now).map(|(total, start)| (total.clone(), start)),
            None => Ok((delta, start)),
        };
        self.scratch = key;
        added.map_err(|error| Stop::Refused(error.to_string()))
    }

    /// Ends a stream of deltas.
    fn end(&mut self, labels: &[Label<'_>], name: &str) {
        pack(labels, name, None, &mut self.scratch);
        if let Some(deltas) = &mut self.inputs.deltas {
            deltas.end(&self.scratch);
        }
    }

    /// Counts memory that is about to be taken.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Stop> {
        self.left = self.left.checked_sub(bytes).ok_or(Stop::TooLarge)?;
        Ok(())
    }

    /// Opens a series of the point under way.
    pub(super) fn open(&mut self, labels: &[Label<'_>], name: &str, extra: Option<(&str, &str)>) -> Result<(), Stop> {
        self.open_for(self.out.points, labels, name, extra)
    }

    /// Opens a series of a point, or of [`NO_POINT`].
    pub(super) fn open_for(&mut self, owner: u32, labels: &[Label<'_>], name: &str, extra: Option<(&str, &str)>) -> Result<(), Stop> {
        let pairs = sorted(labels, name, extra);
        let bytes: usize = pairs.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
        self.charge(size_of::<BatchSeries>() + size_of::<u32>() + bytes)?;
        self.out.batch.open_series_sorted(pairs);
        self.out.owners.push(owner);
        Ok(())
    }

    /// Adds a float to the open series.
    pub(super) fn float(&mut self, ts: i64, value: f64, start: i64) -> Result<(), Stop> {
        self.charge(size_of::<FloatSample>())?;
        self.out.batch.push_float_started(ts, value, start);
        Ok(())
    }

    /// Adds exemplars to the open series.
    pub(super) fn exemplars(&mut self, exemplars: &[Exemplar], ts: i64) -> Result<(), Stop> {
        for made in exemplars.iter().filter_map(|exemplar| exemplar::made(exemplar, ts)) {
            self.push_exemplar(made)?;
        }
        Ok(())
    }

    /// Adds an exemplar to the open series.
    pub(super) fn push_exemplar(&mut self, exemplar: crate::series::sample::Exemplar) -> Result<(), Stop> {
        self.charge(2 * size_of_val(&exemplar) + exemplar.labels.packed().len())?;
        self.out.batch.push_exemplar(exemplar);
        Ok(())
    }
}

/// Labels with the metric's name and perhaps one more, in order; what stands apart from the point's labels wins.
fn sorted<'l>(labels: &'l [Label<'_>], name: &'l str, extra: Option<(&'l str, &'l str)>) -> SmallVec<[(&'l str, &'l str); 32]> {
    let own = labels.iter().map(|(name, value)| (&**name, &**value));
    let is_free = |pair: &(&str, &str)| pair.0 != METRIC_NAME && extra.is_none_or(|(taken, _)| pair.0 != taken);
    let mut pairs: SmallVec<[(&str, &str); 32]> = own.filter(is_free).chain([(METRIC_NAME, name)]).chain(extra).collect();
    pairs.sort_unstable_by_key(|(name, _)| *name);
    pairs
}

/// Writes the packed labels of a series over `out`.
pub(super) fn pack(labels: &[Label<'_>], name: &str, extra: Option<(&str, &str)>, out: &mut Vec<u8>) {
    out.clear();
    for (name, value) in sorted(labels, name, extra) {
        put_label(out, name, value);
    }
}

fn points_of(metric: &Metric) -> usize {
    metric.gauge.as_ref().map_or(0, |gauge| gauge.data_points.len())
        + metric.sum.as_ref().map_or(0, |sum| sum.data_points.len())
        + metric.histogram.as_ref().map_or(0, |histogram| histogram.data_points.len())
        + metric.exponential_histogram.as_ref().map_or(0, |histogram| histogram.data_points.len())
        + metric.summary.as_ref().map_or(0, |summary| summary.data_points.len())
}

/// Milliseconds of nanoseconds.
pub(super) const fn ms(ns: u64) -> i64 {
    (ns / 1_000_000) as i64
}

/// A start (ns) in milliseconds; none if it does not come before the sample.
const fn start_ms(start: u64, ts: i64) -> i64 {
    let start = ms(start);
    if start <= ts { start } else { 0 }
}
