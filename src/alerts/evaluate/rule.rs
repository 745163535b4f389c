//! One rule at one instant: from what its expression gives to samples and alerts.

use rustc_hash::FxHashSet;

use super::order::Reads;
use super::state::{Alerts, Change, Given, StepError};
use crate::alerts::model::{Alert, Kind, Rule, State};
use crate::alerts::template::{Annotations, Ask, Scene};
use crate::series::labels::{Labels, METRIC_NAME};
use crate::series::matcher::Matcher;
use crate::series::ports::EvaluateError;
use crate::series::value::{Point, Value};

/// Label that holds an alert's name.
pub const ALERT_NAME: &str = "alertname";
/// Label that holds an alert's state.
pub const ALERT_STATE: &str = "alertstate";
/// The series of alerts that are pending or firing.
pub const ALERTS: &str = "ALERTS";
/// The series that say since when, in seconds since the Unix epoch.
pub const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";

/// A rule whose templates are read.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The rule.
    pub rule: Rule,
    /// Its expression as its language writes it.
    pub text: String,
    /// What it reads.
    pub(super) reads: Reads,
    labels: Vec<(String, Annotations)>,
    annotations: Vec<(String, Annotations)>,
}

/// A sample that a rule gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its series.
    pub labels: Labels,
    /// Its value.
    pub value: Point,
}

/// What an evaluation gave.
#[derive(Debug, Default)]
pub struct Outcome {
    /// To be stored at the instant.
    pub samples: Vec<Sample>,
    /// Alerts whose state changed.
    pub changes: Vec<Change>,
}

/// Why an evaluation gave nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The expression has no answer.
    #[error("{0}")]
    Query(#[from] EvaluateError),
    /// The answer is neither numbers of series nor a number.
    #[error("rule result is not a vector or scalar")]
    Result,
    /// Two series became one.
    #[error("vector contains metrics with the same labelset after applying rule labels")]
    SameLabels,
    /// Too many series.
    #[error("exceeded limit of {limit} with {count} series")]
    TooMany {
        /// What is allowed.
        limit: u64,
        /// What there was.
        count: usize,
    },
    /// The alerts did not take it.
    #[error("{0}")]
    Alerts(#[from] StepError),
}

/// What all rules of a server share.
pub struct Around<'a> {
    /// The instant, in milliseconds since the Unix epoch.
    pub now: i64,
    /// Labels that all of this server have.
    pub external_labels: &'a Labels,
    /// Where people find this server.
    pub external_url: &'a str,
    /// Most series of a rule, 0 is no limit.
    pub limit: u64,
    /// Asks queries of templates.
    pub ask: &'a Ask<'a>,
}

impl Prepared {
    /// Reads the templates of a rule that was found right; `text` is its expression as its language writes it.
    pub fn new(rule: Rule, text: String) -> Result<Self, String> {
        let read = |texts: &[(String, String)]| {
            texts
                .iter()
                .map(|(name, text)| Annotations::read(&rule.name, text).map(|read| (name.clone(), read)))
                .collect::<Result<Vec<_>, _>>()
        };
        let (labels, annotations) = match &rule.kind {
            Kind::Recording => (Vec::new(), Vec::new()),
            Kind::Alerting(alerting) => (read(&rule.labels)?, read(&alerting.annotations)?),
        };
        Ok(Self { rule, text, reads: Reads::Anything, labels, annotations })
    }

    /// The same, when it is known what its expression selects.
    #[must_use]
    pub fn selecting(mut self, selectors: &[Vec<Matcher>]) -> Self {
        // What is asked beside selectors: by templates, and by the function that reads what describes a target.
        let asks_more = |text: &str| text.contains("query");
        let is_asking = match &self.rule.kind {
            Kind::Recording => false,
            Kind::Alerting(alerting) => self.rule.labels.iter().chain(&alerting.annotations).any(|(_, text)| asks_more(text)),
        };
        self.reads = if is_asking || self.text.contains("info(") { Reads::Anything } else { Reads::of(selectors) };
        self
    }

    /// The metrics of the series that it gives, and whether other rules give others of them.
    pub(super) fn writes(&self) -> (Vec<&str>, bool) {
        match self.rule.kind {
            Kind::Recording => (vec![&self.rule.name], false),
            Kind::Alerting(_) => (vec![ALERTS, ALERTS_FOR_STATE], true),
        }
    }

    /// What a recording rule makes of an answer.
    pub fn record(&self, answer: Value, limit: u64) -> Result<Outcome, Failure> {
        let vector = vector(answer)?;
        let mut seen = FxHashSet::default();
        let mut samples = Vec::with_capacity(vector.len());
        for (labels, value) in vector {
            let mut builder = labels.to_builder();
            builder.set(METRIC_NAME, &self.rule.name);
            for (name, value) in &self.rule.labels {
                builder.set(name, value);
            }
            let labels = builder.build();
            if !seen.insert(labels.clone()) {
                return Err(Failure::SameLabels);
            }
            samples.push(Sample { labels, value });
        }
        if limit > 0 && samples.len() as u64 > limit {
            return Err(Failure::TooMany { limit, count: samples.len() });
        }
        Ok(Outcome { samples, changes: Vec::new() })
    }

    /// What an alerting rule makes of an answer. Samples are left out while the alerts are not `restored`: they would
    /// overwrite what says since when.
    pub fn alert(&self, answer: Value, alerts: &mut Alerts, around: &Around<'_>, restored: bool) -> Result<Outcome, Failure> {
        let Kind::Alerting(alerting) = &self.rule.kind else { return Ok(Outcome::default()) };
        let given = vector(answer)?.into_iter().map(|(labels, value)| self.given(&labels, &value, around)).collect();
        let changes = alerts.step(around.now, given, alerting, around.limit)?;
        let mut samples = Vec::new();
        if restored {
            for alert in alerts.iter().filter(|alert| alert.state != State::Inactive) {
                samples.push(self.state_sample(alert));
                samples.push(self.since_sample(alert));
            }
        }
        Ok(Outcome { samples, changes })
    }

    fn given(&self, labels: &Labels, value: &Point, around: &Around<'_>) -> Given {
        let scene = scene(labels, value, around);
        let annotations = self.annotations.iter().map(|(name, text)| (name.clone(), text.make(&scene))).collect();
        Given { labels: self.name(&scene), annotations, value: scene.value }
    }

    /// An alert with its labels and value, but without its texts, for those who play many evaluations.
    pub fn named(&self, labels: &Labels, value: &Point, around: &Around<'_>) -> Given {
        let scene = scene(labels, value, around);
        Given { labels: self.name(&scene), annotations: Vec::new(), value: scene.value }
    }

    /// The labels of an alert.
    fn name(&self, scene: &Scene<'_>) -> Labels {
        let mut builder = scene.labels.without_name().to_builder();
        for (name, text) in &self.labels {
            builder.set(name, &text.make(scene));
        }
        builder.set(ALERT_NAME, &self.rule.name);
        builder.build()
    }

    fn state_sample(&self, alert: &Alert) -> Sample {
        let mut builder = alert.labels.to_builder();
        builder.set(METRIC_NAME, ALERTS).set(ALERT_NAME, &self.rule.name).set(ALERT_STATE, alert.state.as_str());
        Sample { labels: builder.build(), value: Point::Float(1.0) }
    }

    fn since_sample(&self, alert: &Alert) -> Sample {
        let mut builder = alert.labels.to_builder();
        builder.set(METRIC_NAME, ALERTS_FOR_STATE).set(ALERT_NAME, &self.rule.name);
        Sample { labels: builder.build(), value: Point::Float(alert.active_at.div_euclid(1000) as f64) }
    }
}

/// What the templates of an alert see.
fn scene<'s>(labels: &'s Labels, value: &Point, around: &'s Around<'_>) -> Scene<'s> {
    let value = match value {
        Point::Float(value) => *value,
        Point::Histogram(_) => 0.0,
    };
    let Around { now, external_labels, external_url, ask, .. } = *around;
    Scene { labels, external_labels, external_url, value, now, ask }
}

/// The series of an answer; a number is a series without labels.
fn vector(answer: Value) -> Result<Vec<(Labels, Point)>, Failure> {
    match answer {
        Value::Vector(samples) => Ok(samples.into_iter().map(|sample| (sample.labels, sample.value)).collect()),
        Value::Scalar(_, value) => Ok(vec![(Labels::empty(), Point::Float(value))]),
        Value::String(..) | Value::Matrix(_) => Err(Failure::Result),
    }
}
