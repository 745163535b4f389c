//! The `metrics` stage: what it counts, as it is written down.

use std::sync::Arc;

use super::super::Stage;
use super::super::metrics::{Family, Metrics, Shape, Step};
use super::nanos;
use crate::platform::config::diagnostic::Report;
use crate::platform::config::section::{Section, alternatives};
use crate::platform::config::yaml::{Kind, Node};
use crate::series::labels::is_legacy_metric_name;

/// Most metrics of one stage, and bounds of one histogram.
const METRICS_MAX: usize = 200;

/// Reads it.
pub(super) fn stage(node: &Node, report: &mut Report) -> Option<Box<dyn Stage>> {
    let pairs = match &node.kind {
        Kind::Map(pairs) if (1..=METRICS_MAX).contains(&pairs.len()) => pairs,
        _ => {
            report.error(node.at, format!("metrics: expected 1 to {METRICS_MAX} metrics, each with its name"));
            return None;
        }
    };
    let errors = report.errors_len();
    let mut steps = Vec::new();
    for (key, node) in pairs {
        let Some(mut below) = Section::open(node, &key.text, report) else { continue };
        steps.extend(metric(&key.text, &mut below));
        below.finish();
    }
    (report.errors_len() == errors).then(|| Box::new(Metrics { steps }) as _)
}

/// One metric of a `metrics` stage.
fn metric(key: &str, section: &mut Section<'_, '_>) -> Option<Step> {
    let errors = section.report.errors_len();
    let place = section.place("type");
    let kind = section.text("type").unwrap_or_default().to_lowercase();
    let help = section.text_or_empty("description");
    let source = section.text("source").unwrap_or_else(|| key.to_owned());
    let prefix = section.text("prefix").filter(|prefix| !prefix.is_empty()).unwrap_or_else(|| "promtail_custom_".to_owned());
    let idle_ns = nanos(section, "max_idle_duration").unwrap_or(300_000_000_000);
    let name = format!("{prefix}{key}");
    if !is_legacy_metric_name(&name) {
        let at = section.at;
        section.report.error(at, format!("metrics: {name:?} is no name of a metric, expected letters, digits, _ and :"));
    }
    if idle_ns < 1_000_000_000 {
        let at = section.value_place("max_idle_duration");
        section.report.error(at, "max_idle_duration: expected 1s or more");
    }
    let mut below = section.open_below("config");
    let (mut value, mut shape) = (None, None);
    if let Some(below) = &mut below {
        value = below.text("value");
        shape = match kind.as_str() {
            "counter" => counter_shape(below, value.is_some()),
            "gauge" => {
                let actions = [
                    ("set", Shape::Set),
                    ("inc", Shape::Move(1.0)),
                    ("dec", Shape::Move(-1.0)),
                    ("add", Shape::AddValue(1.0)),
                    ("sub", Shape::AddValue(-1.0)),
                ];
                action(below, &["set", "inc", "dec", "add", "sub"])
                    .and_then(|word| actions.into_iter().find(|(name, _)| *name == word).map(|(_, shape)| shape))
            }
            _ => Some(Shape::Observe),
        };
    }
    let mut bounds = Vec::new();
    if kind == "histogram" {
        shape = Some(Shape::Observe);
        if let Some(below) = &mut below {
            bounds = histogram_bounds(below);
        }
        if bounds.is_empty() {
            bounds = vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        }
    }
    let had_config = below.is_some();
    if let Some(below) = below {
        below.finish();
    }
    let kind = match kind.as_str() {
        "counter" => "counter",
        "gauge" => "gauge",
        "histogram" => "histogram",
        other => {
            section.report.error(place, format!("type: read {other:?}, expected counter, gauge or histogram"));
            return None;
        }
    };
    if !had_config && kind != "histogram" {
        let at = section.at;
        section.report.error(at, format!("config: a {kind} needs an action"));
    }
    let shape = shape.filter(|_| section.report.errors_len() == errors)?;
    let family = Arc::new(Family::new(&name, kind, &help, bounds, idle_ns));
    Some(Step { source, value, shape, family })
}

fn counter_shape(section: &mut Section<'_, '_>, has_value: bool) -> Option<Shape> {
    let all = section.truth_or("match_all", false);
    let bytes = section.truth_or("count_entry_bytes", false);
    let action = action(section, &["inc", "add"])?;
    let mistake = match (all, bytes, action) {
        (true, _, _) if has_value => Some("match_all: cannot stand beside value"),
        (false, true, _) => Some("count_entry_bytes: needs match_all: true"),
        (true, true, "inc") => Some("count_entry_bytes: needs action: add"),
        (true, false, "add") => Some("match_all: needs action: inc, or count_entry_bytes"),
        _ => None,
    };
    if let Some(mistake) = mistake {
        let at = section.at;
        section.report.error(at, mistake);
        return None;
    }
    Some(match (all, bytes, action) {
        (true, true, _) => Shape::Bytes,
        (true, false, _) => Shape::Lines,
        (_, _, "inc") => Shape::Move(1.0),
        _ => Shape::AddValue(1.0),
    })
}

fn action(section: &mut Section<'_, '_>, words: &[&'static str]) -> Option<&'static str> {
    let read = section.text("action").unwrap_or_default().to_lowercase();
    let found = words.iter().find(|word| **word == read).copied();
    if found.is_none() {
        let at = section.value_place("action");
        section.report.error(at, format!("action: read {read:?}, expected {}", alternatives(words)));
    }
    found
}

/// Bounds in rising order.
fn histogram_bounds(section: &mut Section<'_, '_>) -> Vec<f64> {
    let mut bounds: Vec<f64> = Vec::new();
    for node in section.list("buckets") {
        let bound = match &node.kind {
            Kind::Scalar { text, .. } => text.parse().ok().filter(|bound: &f64| bound.is_finite()),
            _ => None,
        };
        match bound {
            Some(bound) if bounds.last().is_none_or(|last| *last < bound) && bounds.len() < METRICS_MAX => bounds.push(bound),
            _ => section.report.error(node.at, format!("buckets: expected at most {METRICS_MAX} numbers, each larger than the one before")),
        }
    }
    bounds
}
