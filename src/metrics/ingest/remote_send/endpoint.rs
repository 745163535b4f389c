//! One endpoint: takes blocks from its backlog, or slices of the store, makes labels of series, feeds the shards and
//! decides on their number.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxHashMap;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::StopOnDrop;
use super::backlog::{Backlog, Block, Ticket, Work};
use super::catch_up::{Held, SLICE_MS_FIRST, Wanted, next_slice_ms, read_slice};
use super::encode::encode_metadata;
use super::reshard::{Resharder, Totals};
use super::series::SeriesTable;
use super::shard::{Chunk, Item, Outcome, Payload, Sender, kinds};
use super::stats::{Counts, EndpointStats};
use crate::base::clock::SharedClock;
use crate::base::time::TimeRange;
use crate::metrics::model::config::{RemoteWriteConfig, WriteMessage};
use crate::platform::http::client::{HttpClient, client_settings};
use crate::series::labels::Labels;
use crate::series::ports::{Select, SelectError};
use crate::series::relabel;

/// How often the number of shards is decided.
const RESHARD_EVERY: Duration = Duration::from_secs(10);
/// Resolved series kept beyond those known.
const RESOLVED_SPARE: usize = 10_000;
/// First and longest pause after the store could not be read.
const READ_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// So often a slice is tried; a block that is damaged must not end all sending.
const READ_ATTEMPTS: u32 = 10;

/// An endpoint at work; its tasks end when it is dropped.
pub(super) struct Endpoint {
    config: RemoteWriteConfig,
    external: Labels,
    name: String,
    pub backlog: Arc<Backlog>,
    pub counts: Arc<Counts>,
    flush: CancellationToken,
    dispatcher: JoinHandle<()>,
    /// Cancelled once nothing of it runs any more.
    pub ended: CancellationToken,
    stop: StopOnDrop,
}

impl Endpoint {
    /// Starts its tasks, which send once its backlog has begun and `before`, which it takes over from, has ended. `key` is
    /// the name of its position.
    pub fn start(
        key: String,
        config: RemoteWriteConfig,
        external: Labels,
        (series, select): (Arc<SeriesTable>, Arc<dyn Select>),
        clock: SharedClock,
        before: Option<CancellationToken>,
    ) -> Result<Self, String> {
        let client = HttpClient::new(client_settings(&config.http), clock.clone()).map_err(|error| error.to_string())?;
        let name = match config.name.as_str() {
            // Stable over restarts, and different for different configurations; the key differs where only secrets do.
            "" => format!("{:06x}", xxhash_rust::xxh3::xxh3_64(format!("{key}{config:?}{external}").as_bytes()) & 0xff_ffff),
            name => name.to_owned(),
        };
        let counts = Arc::new(Counts::default());
        let wants = (config.send_native_histograms, config.send_exemplars);
        let queues = config.queue_config.capacity.saturating_mul(config.queue_config.max_shards);
        let backlog = Arc::new(Backlog::new(key, queues, wants, counts.clone()));
        let (quit, flush) = (CancellationToken::new(), CancellationToken::new());
        let sender = Arc::new(Sender { config: config.clone(), client, counts: counts.clone(), series, clock, name: name.clone() });
        if config.metadata_config.send && config.protobuf_message == WriteMessage::V1 {
            let (sender, quit) = (sender.clone(), quit.clone());
            tokio::spawn(async move { quit.run_until_cancelled(send_metadata(sender)).await });
        }
        let mut dispatcher = Dispatcher {
            backlog: backlog.clone(),
            shards: Shards::start(&sender, sender.config.queue_config.min_shards),
            fed: false,
            sender,
            external: external.clone(),
            resolver: Some(Resolver { external: external.clone(), resolved: FxHashMap::default() }),
            resharder: Resharder::default(),
            select,
            slice_ms: SLICE_MS_FIRST,
            failures: 0,
            flush: flush.clone(),
        };
        let (stop, ended) = (quit.clone(), CancellationToken::new());
        let end = ended.clone().drop_guard();
        let task = tokio::spawn(async move {
            let work = async {
                if let Some(before) = before {
                    before.cancelled().await;
                }
                dispatcher.run().await;
            };
            stop.run_until_cancelled(work).await;
            // Whoever goes on from here must not meet a request of these.
            dispatcher.shards.tasks.shutdown().await;
            drop(end);
        });
        Ok(Self { config, external, name, backlog, counts, flush, dispatcher: task, ended, stop: StopOnDrop(quit) })
    }

    /// Whether it was started with these settings.
    pub fn is_for(&self, config: &RemoteWriteConfig, external: &Labels) -> bool {
        self.config == *config && self.external == *external
    }

    /// Ends once everything in memory is sent, or after so long. Whether it was sent.
    pub async fn flush(mut self, at_most: Duration) -> bool {
        self.flush.cancel();
        let in_time = tokio::time::timeout(at_most, &mut self.dispatcher).await;
        let is_sent = in_time.is_ok();
        let ended = match in_time {
            Ok(ended) => ended,
            Err(_too_long) => {
                drop(self.stop);
                self.dispatcher.await
            }
        };
        if let Err(error) = ended {
            tracing::error!(remote = self.name, %error, "remote write ended abnormally");
        }
        is_sent
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
            catching_up: self.backlog.is_behind(),
            ..self.counts.snapshot()
        }
    }
}

struct Dispatcher {
    backlog: Arc<Backlog>,
    sender: Arc<Sender>,
    shards: Shards,
    /// Whether these shards were given anything.
    fed: bool,
    external: Labels,
    /// Away while the blocking pool uses it.
    resolver: Option<Resolver>,
    resharder: Resharder,
    select: Arc<dyn Select>,
    /// Length of the next slice read from the store.
    slice_ms: i64,
    /// How often in a row the store could not be read.
    failures: u32,
    flush: CancellationToken,
}

impl Dispatcher {
    async fn run(&mut self) {
        let mut reshard = tokio::time::interval(RESHARD_EVERY);
        reshard.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        reshard.reset();
        loop {
            // At the end only what is in memory goes out; the rest is read when the server is back.
            let slice_ms = if self.flush.is_cancelled() { 0 } else { self.slice_ms };
            match self.backlog.next(slice_ms) {
                Some(work) => self.work(work).await,
                None if self.flush.is_cancelled() => break,
                None => {
                    self.slice_ms = SLICE_MS_FIRST;
                    tokio::select! {
                        () = self.backlog.wait() => {}
                        () = self.flush.cancelled() => {}
                        _ = reshard.tick() => self.reshard().await,
                    }
                    continue;
                }
            }
            // A backlog that never empties must not keep the number of shards as it is.
            if futures_util::FutureExt::now_or_never(reshard.tick()).is_some() {
                self.reshard().await;
            }
        }
        self.shards.close().await;
    }

    /// Hands out what is next. What may repeat something sent before shares no request with anything else: a receiver
    /// that refuses a request for what it has already must not refuse anything new along with it.
    async fn work(&mut self, work: Work) {
        let (Work::Block { repeated, .. } | Work::Slice { repeated, .. }) = work;
        if repeated {
            self.settle().await;
        }
        match work {
            Work::Block { block, ticket, .. } => self.feed(block, ticket).await,
            Work::Slice { range, ticket, .. } => self.catch_up(range, repeated, ticket).await,
        }
        if repeated {
            self.settle().await;
        }
    }

    /// Waits until all is sent that the shards were given.
    async fn settle(&mut self) {
        if std::mem::take(&mut self.fed) {
            let count = self.shards.queues.len() as u64;
            self.shards.close().await;
            self.shards = Shards::start(&self.sender, count);
        }
    }

    /// Hands one block to the shards; waits while they are full.
    async fn feed(&mut self, block: Arc<Block>, ticket: Arc<Ticket>) {
        let Some(mut resolver) = self.resolver.take() else { return };
        let (sender, count) = (self.sender.clone(), self.shards.queues.len());
        let work = tokio::task::spawn_blocking(move || {
            let chunks = resolver.split(&block, &sender, count);
            (resolver, chunks)
        });
        match work.await {
            Ok((resolver, chunks)) => {
                self.resolver = Some(resolver);
                self.hand_over(chunks, &ticket).await;
            }
            Err(error) => {
                self.resolver = Some(Resolver { external: self.external.clone(), resolved: FxHashMap::default() });
                tracing::error!(remote = self.sender.name, %error, "resolving series for remote write failed");
            }
        }
        ticket.done(1);
    }

    /// Gives chunks to the shards they are for; waits while those are full.
    async fn hand_over(&mut self, chunks: Vec<Vec<Vec<Item>>>, ticket: &Arc<Ticket>) {
        ticket.expect(chunks.iter().flatten().map(Vec::len).sum());
        self.fed = true;
        // Each shard waits for itself: a full one must not keep the others from their work.
        let sends = chunks.into_iter().zip(&self.shards.queues).map(|(chunks, queue)| {
            let counts = &self.sender.counts;
            async move {
                for items in chunks {
                    let chunk = Chunk { items, ticket: Arc::clone(ticket) };
                    if let Err(mpsc::error::TrySendError::Full(chunk)) = queue.try_send(chunk) {
                        counts.enqueue_retries.fetch_add(1, Ordering::Relaxed);
                        let _closed_only_at_the_end = queue.send(chunk).await;
                    }
                }
            }
        });
        futures_util::future::join_all(sends).await;
    }

    /// Reads a slice of the store and hands it to the shards, a piece at a time.
    async fn catch_up(&mut self, range: TimeRange, repeated: bool, ticket: Arc<Ticket>) {
        match self.read(range, &ticket).await {
            Ok(held) => {
                self.failures = 0;
                if !repeated {
                    self.slice_ms = next_slice_ms(self.slice_ms, held);
                }
            }
            Err(error) => {
                self.failures += 1;
                let (remote, name) = (&self.sender.name, format!("{}..{}", range.start, range.end));
                if self.failures < READ_ATTEMPTS {
                    tracing::warn!(remote, range = name, %error, "remote write cannot read from storage, trying again");
                    self.backlog.give_back(range);
                    let pause = READ_PAUSE.0.saturating_mul(1 << self.failures.min(6)).min(READ_PAUSE.1);
                    self.flush.run_until_cancelled(tokio::time::sleep(pause)).await;
                } else {
                    self.failures = 0;
                    tracing::error!(remote, range = name, %error, "remote write leaves out what cannot be read from storage");
                }
            }
        }
        ticket.done(1);
    }

    async fn read(&mut self, range: TimeRange, ticket: &Arc<Ticket>) -> Result<Held, SelectError> {
        let (out, mut pieces) = mpsc::channel(1);
        let (select, sender, external) = (self.select.clone(), self.sender.clone(), self.external.clone());
        let shards = self.shards.queues.len();
        let reading = tokio::task::spawn_blocking(move || {
            let config = &sender.config;
            let wanted = Wanted { range, histograms: config.send_native_histograms, exemplars: config.send_exemplars };
            let resolve = |labels: &Labels| resolve(labels, &external, config);
            read_slice(&*select, &wanted, resolve, |piece| {
                let newest = piece.iter().map(Item::ts).max().unwrap_or(0);
                sender.counts.noticed(newest);
                sender.counts.arrived(kinds(&piece));
                out.blocking_send(by_shard(piece, config, shards)).is_ok()
            })
        });
        while let Some(piece) = pieces.recv().await {
            self.hand_over(piece, ticket).await;
        }
        reading.await.unwrap_or_else(|error| Err(SelectError::Storage(error.to_string().into())))
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
    queues: Vec<mpsc::Sender<Chunk>>,
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

/// Items by shard, in chunks of one request at most.
struct Chunks {
    shards: Vec<Vec<Vec<Item>>>,
    most: usize,
}

impl Chunks {
    fn new(config: &RemoteWriteConfig, shards: usize) -> Self {
        let most = usize::try_from(config.queue_config.max_samples_per_send).unwrap_or(usize::MAX).max(1);
        Self { shards: vec![Vec::new(); shards], most }
    }

    /// `hash` is that of the item's labels: a series keeps its shard, wherever its samples were read.
    fn push(&mut self, hash: u64, item: Item) {
        let at = (hash % self.shards.len().max(1) as u64) as usize;
        let Some(chunks) = self.shards.get_mut(at) else { return };
        let follows = matches!(item.payload, Payload::Exemplar(_));
        match chunks.last_mut() {
            // An exemplar stays with its sample.
            Some(chunk) if chunk.len() < self.most || follows => chunk.push(item),
            _ => chunks.push(vec![item]),
        }
    }
}

/// Spreads a piece of the store over the shards.
fn by_shard(piece: Vec<Item>, config: &RemoteWriteConfig, shards: usize) -> Vec<Vec<Vec<Item>>> {
    let mut chunks = Chunks::new(config, shards);
    let mut last: Option<(Labels, u64)> = None;
    for item in piece {
        let hash = match &last {
            Some((labels, hash)) if *labels == item.labels => *hash,
            _ => last.insert((item.labels.clone(), item.labels.stable_hash())).1,
        };
        chunks.push(hash, item);
    }
    chunks.shards
}

/// The labels under which a series is sent; `None`: relabelling drops it.
fn resolve(labels: &Labels, external: &Labels, config: &RemoteWriteConfig) -> Option<Labels> {
    let mut builder = labels.to_builder();
    for (name, value) in external {
        if builder.get(name).is_none() {
            builder.set(name, value);
        }
    }
    let kept = relabel::process(&mut builder, &config.write_relabel_configs);
    Some(builder.build()).filter(|labels| kept && !labels.is_empty())
}

/// Makes labels of series, and remembers them with their hash.
struct Resolver {
    external: Labels,
    /// `None`: relabelling drops the series.
    resolved: FxHashMap<u64, Option<(Labels, u64)>>,
}

impl Resolver {
    /// The items of a block by shard, in chunks of one request at most.
    fn split(&mut self, block: &Block, sender: &Sender, shards: usize) -> Vec<Vec<Vec<Item>>> {
        let config = &sender.config;
        if self.resolved.len() > 2 * sender.series.len() + RESOLVED_SPARE {
            self.resolved.clear();
        }
        let mut chunks = Chunks::new(config, shards);
        let mut dropped = Vec::new();
        let mut put = |series: u64, payload: Payload| match self.labels(series, sender) {
            Some((labels, hash)) => chunks.push(hash, Item { labels, payload }),
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
        chunks.shards
    }

    fn labels(&mut self, series: u64, sender: &Sender) -> Option<(Labels, u64)> {
        if let Some(known) = self.resolved.get(&series) {
            return known.clone();
        }
        // A series that the table has forgotten meanwhile is dropped this once only.
        let labels = sender.series.labels(series)?;
        let resolved = resolve(&labels, &self.external, &sender.config).map(|labels| {
            let hash = labels.stable_hash();
            (labels, hash)
        });
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
