//! One endpoint: takes blocks from its backlog, makes labels of series, feeds the shards and decides on their number.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxHashMap;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::StopOnDrop;
use super::backlog::{BACKLOG_SAMPLES_MAX, Backlog, Block};
use super::encode::encode_metadata;
use super::reshard::{Resharder, Totals};
use super::series::SeriesTable;
use super::shard::{Item, Outcome, Payload, Sender, kinds};
use super::stats::{Counts, EndpointStats};
use crate::base::clock::SharedClock;
use crate::metrics::ingest::http_settings::client_settings;
use crate::metrics::ingest::relabel;
use crate::metrics::model::config::{RemoteWriteConfig, WriteMessage};
use crate::platform::http::client::HttpClient;
use crate::series::labels::Labels;

/// How often the number of shards is decided.
const RESHARD_EVERY: Duration = Duration::from_secs(10);
/// Resolved series kept beyond those known.
const RESOLVED_SPARE: usize = 10_000;

/// An endpoint at work; its tasks end when it is dropped.
pub(super) struct Endpoint {
    config: RemoteWriteConfig,
    external: Labels,
    name: String,
    pub backlog: Arc<Backlog>,
    counts: Arc<Counts>,
    flush: CancellationToken,
    dispatcher: JoinHandle<()>,
    _stop: StopOnDrop,
}

impl Endpoint {
    /// Starts its tasks.
    pub fn start(config: RemoteWriteConfig, external: Labels, series: Arc<SeriesTable>, clock: SharedClock) -> Result<Self, String> {
        let client = HttpClient::new(client_settings(&config.http), clock.clone()).map_err(|error| error.to_string())?;
        let name = match config.name.as_str() {
            // Stable over restarts, and different for different configurations.
            "" => format!("{:06x}", xxhash_rust::xxh3::xxh3_64(format!("{config:?}{external}").as_bytes()) & 0xff_ffff),
            name => name.to_owned(),
        };
        let counts = Arc::new(Counts::default());
        let wants = (config.send_native_histograms, config.send_exemplars);
        let backlog = Arc::new(Backlog::new(BACKLOG_SAMPLES_MAX, wants, counts.clone()));
        let (quit, flush) = (CancellationToken::new(), CancellationToken::new());
        let sender = Arc::new(Sender { config: config.clone(), client, counts: counts.clone(), series, clock, name: name.clone() });
        if config.metadata_config.send && config.protobuf_message == WriteMessage::V1 {
            let (sender, quit) = (sender.clone(), quit.clone());
            tokio::spawn(async move { quit.run_until_cancelled(send_metadata(sender)).await });
        }
        let dispatcher = Dispatcher {
            backlog: backlog.clone(),
            shards: Shards::start(&sender, sender.config.queue_config.min_shards),
            sender,
            resolver: Some(Resolver { external: external.clone(), resolved: FxHashMap::default() }),
            resharder: Resharder::default(),
            flush: flush.clone(),
        };
        let stop = quit.clone();
        let task = tokio::spawn(async move {
            // Dropping the dispatcher drops its shards, which ends their tasks.
            stop.run_until_cancelled(dispatcher.run()).await;
        });
        Ok(Self { config, external, name, backlog, counts, flush, dispatcher: task, _stop: StopOnDrop(quit) })
    }

    /// Whether it was started with these settings.
    pub fn is_for(&self, config: &RemoteWriteConfig, external: &Labels) -> bool {
        self.config == *config && self.external == *external
    }

    /// Ends once everything is sent.
    pub async fn flush(mut self) {
        self.flush.cancel();
        if let Err(error) = (&mut self.dispatcher).await {
            tracing::error!(remote = self.name, %error, "remote write ended abnormally");
        }
    }

    pub fn stats(&self) -> EndpointStats {
        let queue = &self.config.queue_config;
        EndpointStats {
            name: self.name.clone(),
            url: self.config.url.to_string(),
            shards_min: queue.min_shards,
            shards_max: queue.max_shards,
            shard_capacity: queue.capacity,
            max_samples_per_send: queue.max_samples_per_send,
            ..self.counts.snapshot()
        }
    }
}

struct Dispatcher {
    backlog: Arc<Backlog>,
    sender: Arc<Sender>,
    shards: Shards,
    /// Away while the blocking pool uses it.
    resolver: Option<Resolver>,
    resharder: Resharder,
    flush: CancellationToken,
}

impl Dispatcher {
    async fn run(mut self) {
        let mut reshard = tokio::time::interval(RESHARD_EVERY);
        reshard.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        reshard.reset();
        loop {
            if let Some(block) = self.backlog.take() {
                self.feed(block).await;
            } else if self.flush.is_cancelled() {
                break;
            } else {
                tokio::select! {
                    () = self.backlog.wait() => {}
                    () = self.flush.cancelled() => {}
                    _ = reshard.tick() => self.reshard().await,
                }
                continue;
            }
            // A backlog that never empties must not keep the number of shards as it is.
            if futures_util::FutureExt::now_or_never(reshard.tick()).is_some() {
                self.reshard().await;
            }
        }
        self.shards.close().await;
    }

    /// Hands one block to the shards; waits while they are full.
    async fn feed(&mut self, block: Arc<Block>) {
        let Some(mut resolver) = self.resolver.take() else { return };
        let (sender, count) = (self.sender.clone(), self.shards.queues.len());
        let work = tokio::task::spawn_blocking(move || {
            let chunks = resolver.split(&block, &sender, count);
            (resolver, chunks)
        });
        let Ok((resolver, chunks)) = work.await else {
            self.resolver = Some(Resolver { external: Labels::empty(), resolved: FxHashMap::default() });
            return tracing::error!(remote = self.sender.name, "resolving series for remote write failed");
        };
        self.resolver = Some(resolver);
        // Each shard waits for itself: a full one must not keep the others from their work.
        let sends = chunks.into_iter().zip(&self.shards.queues).map(|(chunks, queue)| {
            let counts = &self.sender.counts;
            async move {
                for chunk in chunks {
                    if let Err(mpsc::error::TrySendError::Full(chunk)) = queue.try_send(chunk) {
                        counts.enqueue_retries.fetch_add(1, Ordering::Relaxed);
                        let _closed_only_at_the_end = queue.send(chunk).await;
                    }
                }
            }
        });
        futures_util::future::join_all(sends).await;
    }

    /// Changes the number of shards if need be. The old ones finish first, so that no sample overtakes another.
    async fn reshard(&mut self) {
        let counts = &self.sender.counts;
        let queue = &self.sender.config.queue_config;
        let (received, sent, dropped) = counts.totals();
        let sending_secs = counts.sending_ms.load(Ordering::Relaxed) as f64 / 1000.0;
        let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let bounds = (size(queue.min_shards).max(1), size(queue.max_shards.max(queue.min_shards)).max(1));
        let now = Totals { received, sent, dropped, sending_secs };
        let running = self.shards.queues.len();
        let (wanted, desired) = self.resharder.decide(now, RESHARD_EVERY.as_secs_f64(), counts.delay_secs(), running, bounds);
        counts.shards_desired.store((desired * 100.0) as u64, Ordering::Relaxed);
        if wanted != running {
            tracing::info!(remote = self.sender.name, from = running, to = wanted, "remote write changes its number of shards");
            self.shards.close().await;
            self.shards = Shards::start(&self.sender, wanted as u64);
        }
    }
}

/// The shards that run.
struct Shards {
    queues: Vec<mpsc::Sender<Vec<Item>>>,
    tasks: JoinSet<()>,
}

impl Shards {
    fn start(sender: &Arc<Sender>, count: u64) -> Self {
        let queue = &sender.config.queue_config;
        let chunks = (queue.capacity / queue.max_samples_per_send.max(1)).clamp(1, 1024) as usize;
        let mut shards = Self { queues: Vec::new(), tasks: JoinSet::new() };
        for _ in 0..count.max(1) {
            let (out, incoming) = mpsc::channel(chunks);
            shards.queues.push(out);
            shards.tasks.spawn(sender.clone().run(incoming));
        }
        sender.counts.shards.store(count.max(1), Ordering::Relaxed);
        shards
    }

    /// Lets them send what they have, then ends them.
    async fn close(&mut self) {
        self.queues.clear();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Makes labels of series, and remembers them.
struct Resolver {
    external: Labels,
    /// `None`: relabelling drops the series.
    resolved: FxHashMap<u64, Option<Labels>>,
}

impl Resolver {
    /// The items of a block by shard, in chunks of one request at most.
    fn split(&mut self, block: &Block, sender: &Sender, shards: usize) -> Vec<Vec<Vec<Item>>> {
        let config = &sender.config;
        if self.resolved.len() > 2 * sender.series.len() + RESOLVED_SPARE {
            self.resolved.clear();
        }
        let most = usize::try_from(config.queue_config.max_samples_per_send).unwrap_or(usize::MAX).max(1);
        let mut out: Vec<Vec<Vec<Item>>> = vec![Vec::new(); shards];
        let mut dropped = Vec::new();
        let mut put = |series: u64, payload: Payload| match self.labels(series, sender) {
            Some(labels) => {
                let chunks = &mut out[(series % shards as u64) as usize];
                let follows = matches!(payload, Payload::Exemplar(_));
                match chunks.last_mut() {
                    // An exemplar stays with its sample.
                    Some(chunk) if chunk.len() < most || follows => chunk.push(Item { labels, payload }),
                    _ => chunks.push(vec![Item { labels, payload }]),
                }
            }
            None => dropped.push(Item { labels: Labels::empty(), payload }),
        };
        let mut exemplars = block.exemplars.iter().filter(|_| config.send_exemplars).peekable();
        for record in &block.floats {
            put(record.series, Payload::Float(record.sample));
            while let Some((series, exemplar)) = exemplars.next_if(|(series, _)| *series == record.series) {
                put(*series, Payload::Exemplar(exemplar.clone()));
            }
        }
        if config.send_native_histograms {
            let mut exemplars = block.histogram_exemplars.iter().filter(|_| config.send_exemplars).peekable();
            for (series, ts, histogram) in &block.histograms {
                put(*series, Payload::Histogram(*ts, histogram.clone()));
                while let Some((owner, exemplar)) = exemplars.next_if(|(owner, _)| owner == series) {
                    put(*owner, Payload::Exemplar(exemplar.clone()));
                }
            }
        }
        sender.counts.dropped_by_relabelling(kinds(&dropped));
        out
    }

    fn labels(&mut self, series: u64, sender: &Sender) -> Option<Labels> {
        if let Some(known) = self.resolved.get(&series) {
            return known.clone();
        }
        // A series that the table has forgotten meanwhile is dropped this once only.
        let labels = sender.series.labels(series)?;
        let mut builder = labels.to_builder();
        for (name, value) in &self.external {
            if builder.get(name).is_none() {
                builder.set(name, value);
            }
        }
        let kept = relabel::process(&mut builder, &sender.config.write_relabel_configs);
        let resolved = Some(builder.build()).filter(|labels| kept && !labels.is_empty());
        self.resolved.insert(series, resolved.clone());
        resolved
    }
}

/// Sends the metadata of all families now and then.
async fn send_metadata(sender: Arc<Sender>) {
    let config = &sender.config.metadata_config;
    let most = usize::try_from(config.max_samples_per_send).unwrap_or(usize::MAX).max(1);
    let mut ticker = tokio::time::interval(config.send_interval.to_std().max(Duration::from_millis(100)));
    ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticker.tick().await;
        for entries in sender.series.all_metadata().chunks(most) {
            let count = entries.len() as u64;
            let Ok(body) = encode_metadata(entries).map(Bytes::from) else { continue };
            let mut backoff = sender.config.queue_config.min_backoff.to_std().max(Duration::from_millis(1));
            let counts = &sender.counts;
            // A few attempts: the next round sends the same again anyway.
            for attempt in 0..4 {
                match sender.send(body.clone(), attempt).await {
                    Outcome::Sent => {
                        counts.metadata_sent.fetch_add(count, Ordering::Relaxed);
                        counts.metadata_bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
                        break;
                    }
                    Outcome::Retry(after, _) if attempt < 3 => {
                        counts.metadata_retried.fetch_add(count, Ordering::Relaxed);
                        tokio::time::sleep(after.unwrap_or(backoff).min(config.send_interval.to_std())).await;
                        backoff *= 2;
                    }
                    Outcome::Retry(_, error) | Outcome::Refused(error) => {
                        counts.metadata_failed.fetch_add(count, Ordering::Relaxed);
                        tracing::warn!(remote = sender.name, count, %error, "remote write did not take metadata");
                        break;
                    }
                }
            }
        }
    }
}
