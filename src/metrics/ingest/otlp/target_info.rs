//! `target_info`: what is known of a resource, as labels of a series with the value 1.
//!
//! Samples stand from the earliest to the latest point of the resource, so near to each other that a query at any time
//! in between finds one.

use super::attributes::{IDENTIFYING, ResourceLabels, target_labels};
use super::translate::{NO_POINT, Stop, Translator, ms, pack};
use crate::series::otlp::metrics::Metric;
use crate::series::otlp::value::KeyValue;
use crate::series::sample::{Metadata, MetricType};

const NAME: &str = "target_info";
/// Samples of one resource in one request, the latest ones; points may be years apart.
const SAMPLES_MAX: i64 = 1_000;

/// Writes the samples of a resource, if it says more than which service it is, and says that.
pub(super) fn write<'a>(
    to: &mut Translator<'a, '_>,
    attributes: &'a [KeyValue],
    resource: &ResourceLabels<'a>,
    metrics: impl Iterator<Item = &'a Metric>,
) -> Result<(), Stop> {
    if !resource.is_identified() || attributes.iter().all(|pair| IDENTIFYING.contains(&pair.key.as_str())) {
        return Ok(());
    }
    let times = || metrics.flat_map(times_of).filter(|time| *time > 0);
    let Some((earliest, latest)) = times().fold(None, |range: Option<(i64, i64)>, time| {
        let (earliest, latest) = range.unwrap_or((time, time));
        Some((earliest.min(time), latest.max(time)))
    }) else {
        return Ok(());
    };
    let latest = latest.min(to.inputs.ahead_max);
    let labels = match target_labels(attributes, resource, to.inputs.settings, &mut to.names) {
        Ok(labels) => labels,
        Err(why) => {
            to.out.note(format!("{why} (target_info)"));
            return Ok(());
        }
    };
    let mut key = Vec::new();
    pack(&labels, NAME, None, &mut key);
    let step = (to.inputs.settings.lookback_ms / 2).max(1000);
    let steps = (latest.saturating_sub(earliest) + step - 1).div_euclid(step).clamp(0, SAMPLES_MAX);
    let first = if steps == SAMPLES_MAX { latest - SAMPLES_MAX * step } else { earliest };
    to.open_for(NO_POINT, &labels, NAME, None)?;
    for time in (0..steps).map(|at| first + at * step).chain([latest]) {
        to.charge(key.len() + size_of::<(Vec<u8>, i64)>())?;
        if to.targets.insert((key.clone(), time)) {
            to.float(time, 1.0, 0)?;
        }
    }
    let described = Metadata { kind: MetricType::Gauge, help: "Target metadata".to_owned(), unit: String::new() };
    if !to.out.batch.metadata.iter().rev().any(|(name, _)| **name == *NAME) {
        to.out.batch.metadata.push((NAME.into(), described));
    }
    Ok(())
}

/// Times of all points of a metric (ms).
fn times_of(metric: &Metric) -> impl Iterator<Item = i64> {
    let gauges = metric.gauge.iter().flat_map(|gauge| &gauge.data_points);
    let sums = metric.sum.iter().flat_map(|sum| &sum.data_points);
    let numbers = gauges.chain(sums).map(|point| point.time_unix_nano);
    let histograms = metric.histogram.iter().flat_map(|histogram| &histogram.data_points).map(|point| point.time_unix_nano);
    let exponentials = metric.exponential_histogram.iter().flat_map(|histogram| &histogram.data_points).map(|point| point.time_unix_nano);
    let summaries = metric.summary.iter().flat_map(|summary| &summary.data_points).map(|point| point.time_unix_nano);
    numbers.chain(histograms).chain(exponentials).chain(summaries).map(ms)
}
