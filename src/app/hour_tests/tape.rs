//! The recording: what was scraped, what rules made of it, what happened, and who was told what when.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::base::float;
use crate::series::labels::{Labels, METRIC_NAME};

/// The recording. Times are seconds of the play, unless they say otherwise.
#[derive(Debug, Deserialize)]
pub(super) struct Tape {
    /// How much faster than an hour it was recorded.
    pub(super) speed: f64,
    /// When the play began, in milliseconds since the Unix epoch.
    pub(super) zero_ms: i64,
    /// The rules before and after they were changed.
    pub(super) rules: Vec<String>,
    /// Alertmanager's configuration.
    pub(super) routing: String,
    /// Who takes no messages, from when until when, with which answer.
    pub(super) refusals: Vec<(String, f64, f64, u16)>,
    pub(super) events: Vec<Event>,
    series: Vec<Series>,
    pub(super) messages: Vec<Message>,
}

/// What is done to the servers.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Event {
    pub(super) at: f64,
    pub(super) what: String,
    /// Of a silence.
    #[serde(default)]
    pub(super) matchers: BTreeMap<String, String>,
    /// Of a silence: for how long.
    #[serde(default)]
    pub(super) seconds: f64,
    /// Of a restart: when the server is back.
    #[serde(default)]
    pub(super) until: f64,
}

#[derive(Debug, Deserialize)]
struct Series {
    labels: BTreeMap<String, String>,
    /// First time (ms of real time since the beginning), distance, count, value.
    runs: Vec<(i64, i64, i64, String)>,
}

/// A message that was taken.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Message {
    pub(super) at: f64,
    pub(super) receiver: String,
    pub(super) group: String,
    pub(super) alerts: Vec<Told>,
}

/// An alert in a message, as webhooks show it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    pub(super) status: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) starts_at: String,
    pub(super) ends_at: String,
    #[serde(rename = "generatorURL")]
    pub(super) generator_url: String,
}

impl Tape {
    pub(super) fn read(path: &str) -> Self {
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// A time of the play, in milliseconds since the Unix epoch.
    pub(super) fn real_time(&self, play: f64) -> i64 {
        self.zero_ms + (play * 1000.0 / self.speed).round() as i64
    }

    /// The other way around.
    pub(super) fn play_time(&self, real: i64) -> f64 {
        (real - self.zero_ms) as f64 / 1000.0 * self.speed
    }

    /// Every series with its values by time (ms since the Unix epoch).
    pub(super) fn series(&self) -> impl Iterator<Item = (Labels, BTreeMap<i64, String>)> {
        self.series.iter().map(move |series| {
            let runs = series.runs.iter();
            let samples = runs.flat_map(|(first, distance, count, value)| {
                let value = if value == "stale" { value.clone() } else { float::sample(value.parse().unwrap()) };
                (0..*count).map(move |number| (self.zero_ms + first + number * distance, value.clone()))
            });
            (Labels::from_pairs(series.labels.iter()), samples.collect())
        })
    }

    /// An instant at which rules were evaluated, in milliseconds since the Unix epoch.
    pub(super) fn evaluation(&self) -> i64 {
        let mut of_rules = self.series().filter(|(labels, _)| is_of_rules(labels));
        of_rules.find_map(|(_, samples)| samples.keys().next().copied()).unwrap()
    }

    /// How long it is from one evaluation to the next, in milliseconds.
    pub(super) fn evaluation_distance(&self) -> i64 {
        (15_000.0 / self.speed) as i64
    }

    /// When the servers were restarted.
    pub(super) fn restart(&self) -> Option<f64> {
        self.events.iter().find(|event| event.what == "restart").map(|event| event.at)
    }
}

/// Whether rules made a series, not targets.
pub(super) fn is_of_rules(labels: &Labels) -> bool {
    labels.get(METRIC_NAME).is_some_and(|name| name.starts_with("ALERTS") || name.contains(':'))
}

impl Message {
    /// In short, for order and for people.
    pub(super) fn text(&self) -> String {
        let name = |alert: &Told| {
            let labels = &alert.labels;
            let part = |name: &str| labels.get(name).cloned().unwrap_or_default();
            let over = if alert.status == "firing" { "" } else { "(over)" };
            format!("{}/{}{}{over}", part("alertname"), part("instance"), part("part"))
        };
        self.alerts.iter().map(name).collect::<Vec<_>>().join(" ")
    }
}
