//! One custom metric as JSON.

use std::collections::BTreeMap;

use super::series::SeriesState;
use crate::base::limits::{LABEL_NAME_BYTES_MAX, LABEL_SET_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_PER_SERIES_MAX};
use crate::base::time::parse_timestamp;
use crate::series::labels::{BUCKET, Labels, QUANTILE};
use crate::series::sample::MetricType;

/// Bounds of histograms that name none: those of the client libraries, seconds in mind.
const DEFAULT_BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Bounds or quantiles of one metric.
const BOUNDS_MAX: usize = 500;
/// Observations of one metric in one request.
const OBSERVATIONS_MAX: usize = 100_000;
/// How far the clock of who sends may be off, in milliseconds.
const TIMESTAMP_OFF_MS_MAX: f64 = 600_000.0;
/// Bytes of a help text or a unit; each is kept with every series of the metric.
const ABOUT_BYTES_MAX: usize = 4 * 1024;

/// A number, or a text such as `"+Inf"`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(untagged)]
pub enum Number {
    /// As JSON writes it.
    Plain(f64),
    /// As text.
    Text(String),
}

impl Number {
    fn value(&self) -> Result<f64, String> {
        match self {
            Self::Plain(value) => Ok(*value),
            Self::Text(text) => text.parse().map_err(|_| format!("not a number: {text:?}")),
        }
    }
}

/// A label's value: text, or something that is taken as text.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(untagged)]
pub enum LabelValue {
    /// Text.
    Text(String),
    /// `true`, `200`.
    Plain(serde_json::Number),
    /// `true`.
    Bool(bool),
}

/// A metric as sent.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its name.
    #[serde(alias = "metric", alias = "metric_name")]
    pub name: String,
    /// `counter`, `gauge`, `histogram` or `summary`; gauge when absent.
    #[serde(rename = "type", alias = "metric_type", default)]
    word: String,
    #[serde(default)]
    labels: BTreeMap<String, LabelValue>,
    /// What it measures.
    #[serde(default, alias = "description")]
    pub help: String,
    /// Its unit.
    #[serde(default)]
    pub unit: String,
    value: Option<Number>,
    #[serde(default, alias = "observations")]
    values: Vec<Number>,
    #[serde(default)]
    operation: String,
    total: Option<Number>,
    #[serde(default)]
    bounds: Vec<Number>,
    #[serde(default)]
    buckets: BTreeMap<String, Number>,
    #[serde(default)]
    quantiles: BTreeMap<String, Number>,
    sum: Option<Number>,
    count: Option<Number>,
    timestamp: Option<Number>,
}

impl Item {
    /// A metric counts when it arrives. One that says it is from another time would be counted wrongly.
    pub(super) fn is_from_now(&self, now_ms: i64) -> Result<(), String> {
        let Some(timestamp) = &self.timestamp else { return Ok(()) };
        let ms = match timestamp {
            // Nobody means seconds after the year 5000; JavaScript's clock counts milliseconds.
            Number::Plain(number) if number.abs() < 1e11 => number * 1e3,
            Number::Plain(number) => *number,
            Number::Text(text) => {
                parse_timestamp(text).ok_or_else(|| format!("timestamp must be Unix seconds or RFC 3339, not {text:?}"))? as f64
            }
        };
        if (ms - now_ms as f64).abs() <= TIMESTAMP_OFF_MS_MAX {
            return Ok(());
        }
        Err("timestamp is more than 10 minutes from now; a metric counts when it arrives, so leave the timestamp out".to_owned())
    }

    /// Its type.
    pub(super) fn kind(&self) -> Result<MetricType, String> {
        match self.word.as_str() {
            "counter" => Ok(MetricType::Counter),
            "" | "gauge" => Ok(MetricType::Gauge),
            "histogram" => Ok(MetricType::Histogram),
            "summary" => Ok(MetricType::Summary),
            other => Err(format!("type must be counter, gauge, histogram or summary, not {other:?}")),
        }
    }

    /// Whether it adds to what was counted here, and does not say what a client counted itself: then a series that begins
    /// with it was at zero before.
    pub(super) fn adds(&self, kind: MetricType) -> bool {
        match kind {
            MetricType::Counter => self.total.is_none(),
            MetricType::Histogram => self.buckets.is_empty(),
            MetricType::Summary => self.quantiles.is_empty() && self.count.is_none(),
            _ => false,
        }
    }

    /// Its labels without the name, checked.
    pub(super) fn labels(&self, kind: MetricType) -> Result<Labels, String> {
        if self.name.is_empty() || self.name.len() > LABEL_NAME_BYTES_MAX {
            return Err(format!("name must have 1 to {LABEL_NAME_BYTES_MAX} bytes"));
        }
        if self.help.len().max(self.unit.len()) > ABOUT_BYTES_MAX {
            return Err(format!("help and unit must have at most {ABOUT_BYTES_MAX} bytes"));
        }
        if self.labels.len() >= LABELS_PER_SERIES_MAX {
            return Err(format!("more than {LABELS_PER_SERIES_MAX} labels"));
        }
        let own = if kind == MetricType::Histogram { BUCKET } else { QUANTILE };
        let is_composed = matches!(kind, MetricType::Histogram | MetricType::Summary);
        let mut pairs = Vec::with_capacity(self.labels.len());
        for (name, value) in &self.labels {
            if name.is_empty() || name.starts_with("__") || name.len() > LABEL_NAME_BYTES_MAX || (is_composed && name == own) {
                return Err(format!("label name {name:?} is not allowed"));
            }
            let text = match value {
                LabelValue::Text(text) => text.clone(),
                LabelValue::Plain(number) => number.to_string(),
                LabelValue::Bool(value) => value.to_string(),
            };
            if text.len() > LABEL_VALUE_BYTES_MAX {
                return Err(format!("value of label {name:?} is longer than {LABEL_VALUE_BYTES_MAX} bytes"));
            }
            pairs.push((name, text));
        }
        if pairs.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>() > LABEL_SET_BYTES_MAX / 2 {
            return Err(format!("labels are longer than {} bytes together", LABEL_SET_BYTES_MAX / 2));
        }
        Ok(Labels::from_pairs(pairs))
    }

    /// Bounds of a histogram that is seen for the first time, without `+Inf`.
    pub(super) fn bounds(&self) -> Result<Vec<f64>, String> {
        if self.kind()? != MetricType::Histogram {
            return Ok(Vec::new());
        }
        let mut bounds = if !self.buckets.is_empty() {
            self.buckets.keys().map(|bound| number_of(bound)).collect::<Result<Vec<_>, _>>()?
        } else if self.bounds.is_empty() {
            DEFAULT_BOUNDS.to_vec()
        } else {
            self.bounds.iter().map(Number::value).collect::<Result<Vec<_>, _>>()?
        };
        if bounds.len() > BOUNDS_MAX || bounds.iter().any(|bound| bound.is_nan()) {
            return Err(format!("bounds must be at most {BOUNDS_MAX} numbers"));
        }
        bounds.retain(|bound| bound.is_finite());
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        Ok(bounds)
    }

    /// Changes a series as the metric says.
    pub(super) fn apply_to(&self, series: &mut SeriesState, bounds: &[f64]) -> Result<(), String> {
        let value = self.value.as_ref().map(Number::value).transpose()?;
        match series {
            SeriesState::Counter(total) => {
                if let Some(absolute) = &self.total {
                    *total = not_negative("total", absolute.value()?)?;
                } else {
                    *total += not_negative("value", value.unwrap_or(1.0))?;
                }
            }
            SeriesState::Gauge(current) => {
                let value = value.ok_or("value is missing")?;
                match self.operation.as_str() {
                    "" | "set" => *current = value,
                    "inc" | "add" => *current += value,
                    "dec" | "sub" => *current -= value,
                    other => return Err(format!("operation must be set, inc or dec, not {other:?}")),
                }
            }
            SeriesState::Histogram { counts, sum, count } if !self.buckets.is_empty() => {
                let (new_sum, new_count) = self.sum_and_count()?;
                *counts = self.cumulative(bounds)?;
                (*sum, *count) = (new_sum, new_count.max(counts.last().copied().unwrap_or_default()));
            }
            SeriesState::Histogram { counts, sum, count } => {
                for observed in self.observations(value)? {
                    let first = bounds.partition_point(|bound| *bound < observed);
                    // Buckets are cumulative: every bound at or above the value counts it.
                    counts.iter_mut().skip(first).for_each(|bucket| *bucket += 1.0);
                    *sum += observed;
                    *count += 1.0;
                }
            }
            SeriesState::Summary { quantiles, sum, count } if !self.quantiles.is_empty() || self.count.is_some() => {
                if self.quantiles.len() > BOUNDS_MAX {
                    return Err(format!("more than {BOUNDS_MAX} quantiles"));
                }
                let mut found = Vec::with_capacity(self.quantiles.len());
                for (quantile, value) in &self.quantiles {
                    let quantile = number_of(quantile)?;
                    if !(0.0..=1.0).contains(&quantile) {
                        return Err(format!("quantile {quantile} is not between 0 and 1"));
                    }
                    found.push((quantile, value.value()?));
                }
                found.sort_by(|a, b| a.0.total_cmp(&b.0));
                (*sum, *count) = self.sum_and_count()?;
                *quantiles = found;
            }
            SeriesState::Summary { sum, count, .. } => {
                for observed in self.observations(value)? {
                    *sum += observed;
                    *count += 1.0;
                }
            }
        }
        Ok(())
    }

    fn observations(&self, value: Option<f64>) -> Result<Vec<f64>, String> {
        if self.values.len() > OBSERVATIONS_MAX {
            return Err(format!("more than {OBSERVATIONS_MAX} values"));
        }
        let mut all = self.values.iter().map(Number::value).collect::<Result<Vec<_>, _>>()?;
        all.extend(value);
        if all.is_empty() {
            return Err("value or values is missing".to_owned());
        }
        match all.iter().find(|value| value.is_nan()) {
            Some(_) => Err("an observation must be a number".to_owned()),
            None => Ok(all),
        }
    }

    fn sum_and_count(&self) -> Result<(f64, f64), String> {
        let sum = self.sum.as_ref().ok_or("sum is missing")?.value()?;
        let count = self.count.as_ref().ok_or("count is missing")?.value()?;
        Ok((sum, not_negative("count", count)?))
    }

    /// Cumulative counts for the family's bounds, which the metric must name all.
    fn cumulative(&self, bounds: &[f64]) -> Result<Vec<f64>, String> {
        let mut given = Vec::with_capacity(self.buckets.len());
        for (bound, count) in &self.buckets {
            given.push((number_of(bound)?, not_negative("bucket", count.value()?)?));
        }
        given.retain(|(bound, _)| bound.is_finite());
        given.sort_by(|a, b| a.0.total_cmp(&b.0));
        if !given.iter().map(|(bound, _)| *bound).eq(bounds.iter().copied()) {
            return Err("buckets do not have the bounds that the metric began with".to_owned());
        }
        let counts: Vec<f64> = given.into_iter().map(|(_, count)| count).collect();
        if counts.is_sorted() { Ok(counts) } else { Err("bucket counts must be cumulative".to_owned()) }
    }
}

fn number_of(text: &str) -> Result<f64, String> {
    text.parse::<f64>().ok().filter(|value| !value.is_nan()).ok_or_else(|| format!("not a number: {text:?}"))
}

fn not_negative(what: &str, value: f64) -> Result<f64, String> {
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err(format!("{what} must be a number not below zero")) }
}
