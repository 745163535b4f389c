//! Groups as the UI lists them and as `GET /api/v1/metrics` of the Pushgateway's API shows them.

use serde_json::{Map, Value as Json, json};

use super::group::{Family, Group, Value};
use crate::base::float::push_general;
use crate::base::time::format_rfc3339;
use crate::series::labels::{BUCKET, Labels, METRIC_NAME, QUANTILE};
use crate::series::sample::MetricType;

/// A group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupView {
    /// The grouping key.
    pub labels: Labels,
    /// Last successful push, ms, 0 = never.
    pub push_time_ms: i64,
    /// Last failed push, ms, 0 = never.
    pub push_failure_ms: i64,
    /// How long it stays after a push, ms, 0 = for ever.
    pub ttl_ms: i64,
    /// Its families by name.
    pub families: Vec<(String, Family)>,
}

impl GroupView {
    pub(super) fn of(group: &Group) -> Self {
        Self {
            labels: group.labels.clone(),
            push_time_ms: group.push_time_ms,
            push_failure_ms: group.push_failure_ms,
            ttl_ms: group.ttl_ms,
            families: group.families.iter().map(|(name, family)| (name.clone(), family.clone())).collect(),
        }
    }

    /// Whether the last push was taken.
    pub const fn last_push_successful(&self) -> bool {
        self.push_time_ms > self.push_failure_ms
    }
}

/// The answer of `GET /api/v1/metrics`.
pub fn metrics_json(groups: &[GroupView]) -> Json {
    json!({ "status": "success", "data": groups.iter().map(group_json).collect::<Vec<_>>() })
}

fn group_json(group: &GroupView) -> Json {
    let mut object = Map::new();
    object.insert("labels".to_owned(), labels_json(&group.labels));
    object.insert("last_push_successful".to_owned(), json!(group.last_push_successful()));
    let own = [
        ("push_time_seconds", "Last Unix time when changing this group in the Pushgateway succeeded.", group.push_time_ms),
        ("push_failure_time_seconds", "Last Unix time when changing this group in the Pushgateway failed.", group.push_failure_ms),
    ];
    for (name, help, ms) in own {
        let time = format_rfc3339(group.push_time_ms.max(group.push_failure_ms));
        let metrics = json!([{ "labels": metric_labels_json(&group.labels), "value": exponent(ms as f64 / 1000.0) }]);
        object.insert(name.to_owned(), json!({ "time_stamp": time, "type": "GAUGE", "help": help, "metrics": metrics }));
    }
    for (name, family) in &group.families {
        let kind = match family.kind {
            MetricType::Unknown => "UNTYPED".to_owned(),
            MetricType::GaugeHistogram => "GAUGE_HISTOGRAM".to_owned(),
            kind => kind.as_str().to_uppercase(),
        };
        let family = json!({
            "time_stamp": format_rfc3339(family.time_ms), "type": kind, "help": family.help, "metrics": family_json(name, family),
        });
        object.insert(name.clone(), family);
    }
    Json::Object(object)
}

/// The metrics of a family: histograms and summaries put together again.
fn family_json(name: &str, family: &Family) -> Vec<Json> {
    let mut metrics: Vec<(Labels, Map<String, Json>)> = Vec::new();
    for (labels, value) in &family.series {
        let bare = labels.without(|label| matches!(label, METRIC_NAME | BUCKET | QUANTILE));
        let is_composed = matches!(family.kind, MetricType::Histogram | MetricType::GaugeHistogram | MetricType::Summary);
        let own = if is_composed { bare } else { labels.without_name() };
        let at = metrics.iter().rposition(|(found, _)| *found == own).filter(|_| is_composed);
        let at = at.unwrap_or_else(|| {
            metrics.push((own.clone(), Map::from_iter([("labels".to_owned(), metric_labels_json(&own))])));
            metrics.len() - 1
        });
        let object = &mut metrics[at].1;
        let number = match value {
            Value::Float(value) => exponent(*value),
            Value::Histogram(histogram) => {
                object.insert("count".to_owned(), json!(exponent(histogram.count)));
                object.insert("sum".to_owned(), json!(exponent(histogram.sum)));
                continue;
            }
        };
        let full = labels.metric_name();
        let part = if is_composed { full.strip_prefix(name).unwrap_or_default() } else { "value" };
        match (part, labels.get(BUCKET), labels.get(QUANTILE)) {
            ("_bucket", Some(bound), _) => insert_into(object, "buckets", bound, number),
            ("_sum", ..) => drop(object.insert("sum".to_owned(), json!(number))),
            ("_count", ..) => drop(object.insert("count".to_owned(), json!(number))),
            ("", _, Some(quantile)) => insert_into(object, "quantiles", quantile, number),
            _ => drop(object.insert("value".to_owned(), json!(number))),
        }
    }
    metrics.into_iter().map(|(_, object)| Json::Object(object)).collect()
}

fn insert_into(object: &mut Map<String, Json>, list: &str, key: &str, number: String) {
    if let Json::Object(inner) = object.entry(list).or_insert_with(|| Json::Object(Map::new())) {
        inner.insert(key.to_owned(), json!(number));
    }
}

/// Labels of a metric: where no instance was pushed, the empty one keeps a scraper from adding its own.
fn metric_labels_json(labels: &Labels) -> Json {
    let mut object = labels_json(labels);
    if let Json::Object(object) = &mut object {
        object.entry("instance").or_insert_with(|| json!(""));
    }
    object
}

fn labels_json(labels: &Labels) -> Json {
    Json::Object(labels.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect())
}

/// Numbers as the text format prints them.
fn exponent(value: f64) -> String {
    let mut text = String::new();
    push_general(&mut text, value);
    text
}
