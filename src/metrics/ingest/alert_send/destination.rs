//! One Alertmanager: its line of alerts, and who carries them there.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use url::Url;

use super::report::{Counts, add};
use crate::base::clock::SharedClock;
use crate::base::masked;
use crate::base::time::format_rfc3339;
use crate::platform::http::client::{HttpClient, Request};
use crate::series::ports::OutgoingAlert;

/// Alerts in line at most.
pub(super) const QUEUE_MAX: usize = 10_000;
/// Alerts of one request at most.
const BATCH_MAX: usize = 64;

/// The line of an Alertmanager. Ends when it is dropped.
pub(super) struct Destination {
    queue: Arc<Queue>,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Queue {
    alerts: Mutex<VecDeque<Arc<OutgoingAlert>>>,
    changed: Notify,
}

impl Destination {
    /// Begins to carry. Call it inside the runtime.
    pub(super) fn start(url: Url, client: Arc<HttpClient>, clock: SharedClock, timeout: Duration, counts: Arc<Counts>) -> Self {
        let queue: Arc<Queue> = Arc::default();
        let carrier = Carrier { url, client, clock, timeout, queue: Arc::clone(&queue), counts: Arc::clone(&counts) };
        Self { queue, counts, task: tokio::spawn(carrier.run()) }
    }

    /// Puts alerts in line; the oldest go where there is no room.
    pub(super) fn push(&self, alerts: &[Arc<OutgoingAlert>]) {
        let mut line = self.queue.alerts.lock();
        line.extend(alerts.iter().cloned());
        let surplus = line.len().saturating_sub(QUEUE_MAX);
        line.drain(..surplus);
        drop(line);
        if surplus > 0 {
            add(&self.counts.dropped, surplus);
            tracing::warn!(surplus, "the line of alerts to an Alertmanager is full, the oldest are dropped");
        }
        self.queue.changed.notify_one();
    }

    /// How many are in line.
    pub(super) fn waiting(&self) -> usize {
        self.queue.alerts.lock().len()
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        self.task.abort();
        add(&self.counts.dropped, self.waiting());
    }
}

struct Carrier {
    url: Url,
    client: Arc<HttpClient>,
    clock: SharedClock,
    timeout: Duration,
    queue: Arc<Queue>,
    counts: Arc<Counts>,
}

impl Carrier {
    async fn run(self) {
        loop {
            let batch: Vec<Arc<OutgoingAlert>> = {
                let mut line = self.queue.alerts.lock();
                let count = line.len().min(BATCH_MAX);
                line.drain(..count).collect()
            };
            if batch.is_empty() {
                self.queue.changed.notified().await;
                continue;
            }
            add(&self.counts.sent, batch.len());
            if let Err(error) = self.deliver(&batch).await {
                add(&self.counts.errors, batch.len());
                add(&self.counts.dropped, batch.len());
                tracing::error!(alertmanager = %masked::url(self.url.as_str()), count = batch.len(), error, "alerts cannot be sent");
            }
        }
    }

    async fn deliver(&self, batch: &[Arc<OutgoingAlert>]) -> Result<(), String> {
        let body = body(batch).map_err(|error| error.to_string())?;
        let mut request = Request::post(self.url.clone(), body, self.timeout);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let began = self.clock.monotonic();
        let answer = self.client.send(request).await;
        self.counts.latency.observe(self.clock.monotonic().saturating_sub(began));
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("bad response status {}", answer.status_line())),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// An alert as Alertmanager's API takes it, keys in the order of Prometheus.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    annotations: BTreeMap<&'a str, &'a str>,
    ends_at: String,
    starts_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    generator_url: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
}

fn body(batch: &[Arc<OutgoingAlert>]) -> Result<Bytes, serde_json::Error> {
    let wire = |alert: &'_ Arc<OutgoingAlert>| -> Result<Box<serde_json::value::RawValue>, serde_json::Error> {
        serde_json::value::to_raw_value(&Wire {
            annotations: alert.annotations.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect(),
            ends_at: time(alert.ends_at),
            starts_at: time(alert.starts_at),
            generator_url: &alert.generator_url,
            labels: alert.labels.iter().collect(),
        })
    };
    let all: Vec<_> = batch.iter().map(wire).collect::<Result<_, _>>()?;
    serde_json::to_vec(&all).map(Bytes::from)
}

/// With three digits of milliseconds, always.
fn time(ms: i64) -> String {
    let whole = format_rfc3339(ms - ms.rem_euclid(1000));
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), ms.rem_euclid(1000))
}
