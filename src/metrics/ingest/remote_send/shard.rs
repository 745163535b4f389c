//! One shard: fills requests, sends them one after the other, tries again while the error may pass.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::backlog::Ticket;
use super::encode::encode;
use super::series::SeriesTable;
use super::stats::{Counts, Kinds};
use crate::base::clock::SharedClock;
use crate::metrics::model::config::{RemoteWriteConfig, WriteMessage};
use crate::platform::http::client::{HttpClient, Request, Response};
use crate::series::batch::FloatSample;
use crate::series::histogram::Histogram;
use crate::series::labels::Labels;
use crate::series::sample::Exemplar;

/// Bytes of an error's body that are logged.
const ERROR_BODY_BYTES: usize = 1024;
/// Longest pause that a server may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// Something to send.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub labels: Labels,
    pub payload: Payload,
}

/// What it is.
#[derive(Debug, Clone)]
pub(super) enum Payload {
    Float(FloatSample),
    Histogram(i64, Arc<Histogram>),
    Exemplar(Exemplar),
}

impl Item {
    pub fn ts(&self) -> i64 {
        match &self.payload {
            Payload::Float(sample) => sample.ts,
            Payload::Histogram(ts, _) => *ts,
            Payload::Exemplar(exemplar) => exemplar.ts,
        }
    }
}

/// Items on their way to a shard.
#[derive(Debug)]
pub(super) struct Chunk {
    pub items: Vec<Item>,
    /// Told when they are done.
    pub ticket: Arc<Ticket>,
}

/// Whose items wait in a shard, in their order.
#[derive(Debug, Default)]
struct Owners(VecDeque<(Arc<Ticket>, usize)>);

impl Owners {
    /// So many of the oldest items are done.
    fn settle(&mut self, mut items: usize) {
        while let Some((ticket, left)) = self.0.front_mut() {
            let part = items.min(*left);
            ticket.done(part);
            (*left, items) = (*left - part, items - part);
            if *left > 0 {
                return;
            }
            self.0.pop_front();
        }
    }
}

/// Counts items by kind.
pub(super) fn kinds(items: &[Item]) -> Kinds {
    let mut kinds = Kinds::default();
    for item in items {
        match item.payload {
            Payload::Float(_) => kinds.samples += 1,
            Payload::Histogram(..) => kinds.histograms += 1,
            Payload::Exemplar(_) => kinds.exemplars += 1,
        }
    }
    kinds
}

/// How a request went.
pub(super) enum Outcome {
    Sent,
    /// May go better later; the server may have said when.
    Retry(Option<Duration>, String),
    /// Will never be taken.
    Refused(String),
}

/// What the shards of an endpoint share.
pub(super) struct Sender {
    pub config: RemoteWriteConfig,
    pub client: HttpClient,
    pub counts: Arc<Counts>,
    pub series: Arc<SeriesTable>,
    pub clock: SharedClock,
    /// For logs.
    pub name: String,
}

impl Sender {
    /// Sends what comes in until the channel closes and all is sent.
    pub async fn run(self: Arc<Self>, mut incoming: mpsc::Receiver<Chunk>) {
        let most = usize::try_from(self.config.queue_config.max_samples_per_send).unwrap_or(usize::MAX).max(1);
        let patience = self.config.queue_config.batch_send_deadline.to_std();
        let mut pending: Vec<Item> = Vec::new();
        let mut owners = Owners::default();
        let mut deadline = Instant::now();
        let mut open = true;
        while open || !pending.is_empty() {
            if pending.len() >= most || (!open && !pending.is_empty()) {
                let mut end = pending.len().min(most);
                // An exemplar stays with its sample.
                while pending.get(end).is_some_and(|item| matches!(item.payload, Payload::Exemplar(_))) {
                    end += 1;
                }
                let rest = pending.split_off(end);
                self.deliver(std::mem::replace(&mut pending, rest)).await;
                owners.settle(end);
                deadline = Instant::now() + patience;
                continue;
            }
            tokio::select! {
                chunk = incoming.recv() => match chunk {
                    Some(chunk) => {
                        if pending.is_empty() {
                            deadline = Instant::now() + patience;
                        }
                        owners.0.push_back((chunk.ticket, chunk.items.len()));
                        pending.extend(chunk.items);
                    }
                    None => open = false,
                },
                () = tokio::time::sleep_until(deadline), if !pending.is_empty() => {
                    let count = pending.len();
                    self.deliver(std::mem::take(&mut pending)).await;
                    owners.settle(count);
                }
            }
        }
    }

    /// Sends one request until it is taken or refused.
    async fn deliver(self: &Arc<Self>, mut items: Vec<Item>) {
        let queue = &self.config.queue_config;
        let mut backoff = queue.min_backoff.to_std().max(Duration::from_millis(1));
        let mut attempt = 0;
        let mut encoded: Option<Bytes> = None;
        loop {
            if self.drop_too_old(&mut items) {
                encoded = None;
            }
            if items.is_empty() {
                return;
            }
            let body = match encoded.clone() {
                Some(body) => body,
                None => {
                    let (this, shared) = (self.clone(), std::mem::take(&mut items));
                    let work = tokio::task::spawn_blocking(move || {
                        let body = encode(this.config.protobuf_message, &shared, |metric| this.series.metadata_of(metric));
                        (body, shared)
                    });
                    match work.await {
                        Ok((Ok(body), same)) => {
                            items = same;
                            encoded.insert(Bytes::from(body)).clone()
                        }
                        Ok((Err(error), same)) => return self.give_up(&same, &error),
                        Err(error) => return tracing::error!(%error, "encoding a remote write request failed"),
                    }
                }
            };
            let bytes = body.len() as u64;
            match self.send(body, attempt).await {
                Outcome::Sent => {
                    self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
                    let newest = items.iter().map(Item::ts).max().unwrap_or(0);
                    return self.counts.sent(kinds(&items), newest);
                }
                Outcome::Refused(error) => return self.give_up(&items, &error),
                Outcome::Retry(after, error) => {
                    if attempt == 0 {
                        tracing::warn!(remote = self.name, %error, "remote write failed, trying again");
                    }
                    self.counts.retried(kinds(&items));
                    attempt += 1;
                    tokio::time::sleep(after.unwrap_or(backoff).min(RETRY_AFTER_MAX)).await;
                    backoff = (backoff * 2).min(queue.max_backoff.to_std().max(Duration::from_millis(1)));
                }
            }
        }
    }

    /// Sends bytes once.
    pub async fn send(&self, body: Bytes, attempt: u32) -> Outcome {
        let started = self.clock.monotonic();
        let mut request = Request::post(self.config.url.expose().clone(), body, self.config.remote_timeout.to_std());
        request.headers = headers(&self.config, attempt);
        let outcome = match self.client.send(request).await {
            Ok(response) => self.judge(response).await,
            Err(error) => Outcome::Retry(None, error.to_string()),
        };
        let took = self.clock.monotonic().saturating_sub(started);
        self.counts.sending_ms.fetch_add(u64::try_from(took.as_millis()).unwrap_or(0), Ordering::Relaxed);
        self.counts.durations.0.observe(took);
        outcome
    }

    async fn judge(&self, response: Response) -> Outcome {
        let status = response.status();
        if status.is_success() {
            // Read to the end, or the connection cannot be used again.
            let _content_does_not_matter = response.read_body(ERROR_BODY_BYTES, &mut Vec::new()).await;
            return Outcome::Sent;
        }
        let after = retry_after(response.header("retry-after"), self.clock.now_ms());
        let line = response.status_line();
        let mut body = Vec::new();
        let _as_much_as_there_is = response.read_body(ERROR_BODY_BYTES, &mut body).await;
        let error = format!("server returned HTTP status {line}: {}", String::from_utf8_lossy(&body).trim());
        let later = status.is_server_error() || (status == StatusCode::TOO_MANY_REQUESTS && self.config.queue_config.retry_on_http_429);
        if later { Outcome::Retry(after, error) } else { Outcome::Refused(error) }
    }

    fn give_up(&self, items: &[Item], error: &str) {
        self.counts.failed(kinds(items));
        tracing::error!(remote = self.name, count = items.len(), %error, "remote write was refused, these samples are not sent again");
    }

    /// Drops what is older than `sample_age_limit`. `true`: something was.
    fn drop_too_old(&self, items: &mut Vec<Item>) -> bool {
        let limit = self.config.queue_config.sample_age_limit.ms();
        if limit <= 0 {
            return false;
        }
        let oldest = self.clock.now_ms() - limit;
        let (kept, old): (Vec<Item>, Vec<Item>) = std::mem::take(items).into_iter().partition(|item| item.ts() >= oldest);
        *items = kept;
        self.counts.too_old(kinds(&old));
        !old.is_empty()
    }
}

/// Headers of one request.
fn headers(config: &RemoteWriteConfig, attempt: u32) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &config.headers {
        if let (Ok(name), Ok(value)) = (http::HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    let (content_type, version) = match config.protobuf_message {
        WriteMessage::V1 => ("application/x-protobuf", "0.1.0"),
        WriteMessage::V2 => ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0"),
    };
    headers.insert("content-encoding", HeaderValue::from_static("snappy"));
    headers.insert("content-type", HeaderValue::from_static(content_type));
    headers.insert("x-prometheus-remote-write-version", HeaderValue::from_static(version));
    if attempt > 0 {
        headers.insert("retry-attempt", HeaderValue::from(attempt));
    }
    headers
}

/// `Retry-After` as seconds or as an HTTP date.
fn retry_after(header: &str, now_ms: i64) -> Option<Duration> {
    if let Ok(secs) = header.trim().parse::<u64>() {
        return Some(Duration::from_secs(secs));
    }
    let at = http_date(header.trim())?;
    Some(Duration::from_millis(u64::try_from(at - now_ms).unwrap_or(0)))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` in milliseconds.
fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.split_once(", ")?;
    let mut words = rest.split(' ');
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    crate::base::time::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        let now = crate::base::time::parse_rfc3339("1994-11-06T08:49:27Z").unwrap();
        for (header, secs) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:17 GMT", Some(0)),
            ("", None),
            ("soon", None),
            ("-5", None),
        ] {
            assert_eq!(retry_after(header, now), secs.map(Duration::from_secs), "{header}");
        }
    }
}
