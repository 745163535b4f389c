//! Counts of one endpoint; their names follow upstream's `prometheus_remote_storage_*`.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::platform::telemetry::metrics::Durations;

/// Upper bounds of `sent_batch_duration_seconds`, as upstream.
const DURATION_BOUNDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0, 120.0, 300.0];

/// A count by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds {
    /// Floats.
    pub samples: u64,
    /// Native histograms.
    pub histograms: u64,
    /// Exemplars.
    pub exemplars: u64,
}

impl Kinds {
    pub(super) fn add(&mut self, other: Self) {
        self.samples += other.samples;
        self.histograms += other.histograms;
        self.exemplars += other.exemplars;
    }

    pub(super) fn total(&self) -> u64 {
        self.samples + self.histograms + self.exemplars
    }
}

#[derive(Debug, Default)]
pub(super) struct AtomicKinds([AtomicU64; 3]);

impl AtomicKinds {
    fn add(&self, kinds: Kinds) {
        for (counter, count) in self.0.iter().zip([kinds.samples, kinds.histograms, kinds.exemplars]) {
            if count > 0 {
                counter.fetch_add(count, Ordering::Relaxed);
            }
        }
    }

    fn get(&self) -> Kinds {
        let get = |at: usize| self.0[at].load(Ordering::Relaxed);
        Kinds { samples: get(0), histograms: get(1), exemplars: get(2) }
    }
}

/// How long requests took.
#[derive(Debug)]
pub(super) struct RequestDurations(pub Durations);

impl Default for RequestDurations {
    fn default() -> Self {
        Self(Durations::new(DURATION_BOUNDS))
    }
}

/// Counters shared by the tasks of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Counts {
    received: AtomicKinds,
    sent: AtomicKinds,
    failed: AtomicKinds,
    retried: AtomicKinds,
    relabelled_away: AtomicKinds,
    too_old: AtomicKinds,
    pub metadata_sent: AtomicU64,
    pub metadata_failed: AtomicU64,
    pub metadata_retried: AtomicU64,
    pub bytes: AtomicU64,
    pub metadata_bytes: AtomicU64,
    pub enqueue_retries: AtomicU64,
    pub sending_ms: AtomicU64,
    pub durations: RequestDurations,
    pub shards: AtomicU64,
    /// Hundredths of a shard.
    pub shards_desired: AtomicU64,
    highest_received_ms: AtomicI64,
    highest_sent_ms: AtomicI64,
}

impl Counts {
    /// Something is to be sent that is as new as this.
    pub fn noticed(&self, newest_ms: i64) {
        self.highest_received_ms.fetch_max(newest_ms, Ordering::Relaxed);
    }

    /// So much waits in memory from now on.
    pub fn arrived(&self, kinds: Kinds) {
        self.received.add(kinds);
    }

    pub fn dropped_by_relabelling(&self, kinds: Kinds) {
        self.relabelled_away.add(kinds);
    }

    pub fn too_old(&self, kinds: Kinds) {
        self.too_old.add(kinds);
    }

    pub fn failed(&self, kinds: Kinds) {
        self.failed.add(kinds);
    }

    pub fn retried(&self, kinds: Kinds) {
        self.retried.add(kinds);
    }

    pub fn sent(&self, kinds: Kinds, newest_ms: i64) {
        self.sent.add(kinds);
        self.highest_sent_ms.fetch_max(newest_ms, Ordering::Relaxed);
    }

    /// Received, sent, and given up so far.
    pub fn totals(&self) -> (u64, u64, u64) {
        let dropped = self.relabelled_away.get().total() + self.too_old.get().total();
        (self.received.get().total(), self.sent.get().total(), dropped + self.failed.get().total())
    }

    /// How far sending is behind, in seconds.
    pub fn delay_secs(&self) -> f64 {
        let (received, sent) = (self.highest_received_ms.load(Ordering::Relaxed), self.highest_sent_ms.load(Ordering::Relaxed));
        if sent == 0 { 0.0 } else { (received - sent).max(0) as f64 / 1000.0 }
    }

    pub fn snapshot(&self) -> EndpointStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let received = self.received.get();
        let mut done = self.sent.get();
        for gone in [&self.failed, &self.relabelled_away, &self.too_old] {
            done.add(gone.get());
        }
        EndpointStats {
            name: String::new(),
            url: String::new(),
            catching_up: false,
            sent: self.sent.get(),
            failed: self.failed.get(),
            retried: self.retried.get(),
            dropped_by_relabelling: self.relabelled_away.get(),
            too_old: self.too_old.get(),
            pending: Kinds {
                samples: received.samples.saturating_sub(done.samples),
                histograms: received.histograms.saturating_sub(done.histograms),
                exemplars: received.exemplars.saturating_sub(done.exemplars),
            },
            metadata_sent: get(&self.metadata_sent),
            metadata_failed: get(&self.metadata_failed),
            metadata_retried: get(&self.metadata_retried),
            bytes: get(&self.bytes),
            metadata_bytes: get(&self.metadata_bytes),
            enqueue_retries: get(&self.enqueue_retries),
            highest_timestamp_secs: self.highest_received_ms.load(Ordering::Relaxed) as f64 / 1000.0,
            highest_sent_timestamp_secs: self.highest_sent_ms.load(Ordering::Relaxed) as f64 / 1000.0,
            shards: get(&self.shards),
            shards_min: 0,
            shards_max: 0,
            shards_desired: get(&self.shards_desired) as f64 / 100.0,
            shard_capacity: 0,
            max_samples_per_send: 0,
        }
    }
}

/// An endpoint at one moment. Upstream's metric stands beside each count.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EndpointStats {
    /// Label `remote_name`.
    pub name: String,
    /// Label `url`, without password.
    pub url: String,
    /// `samples_total`, `histograms_total`, `exemplars_total`.
    pub sent: Kinds,
    /// `*_failed_total`: refused for good.
    pub failed: Kinds,
    /// `*_retried_total`.
    pub retried: Kinds,
    /// `*_dropped_total` with reason `dropped_series`.
    pub dropped_by_relabelling: Kinds,
    /// `*_dropped_total` with reason `too_old`.
    pub too_old: Kinds,
    /// Whether samples are still to be read back from the store.
    pub catching_up: bool,
    /// `*_pending`.
    pub pending: Kinds,
    /// `metadata_total`.
    pub metadata_sent: u64,
    /// `metadata_failed_total`.
    pub metadata_failed: u64,
    /// `metadata_retried_total`.
    pub metadata_retried: u64,
    /// `bytes_total`, compressed.
    pub bytes: u64,
    /// `metadata_bytes_total`, compressed.
    pub metadata_bytes: u64,
    /// `enqueue_retries_total`: how often a full shard was waited for.
    pub enqueue_retries: u64,
    /// `queue_highest_timestamp_seconds`.
    pub highest_timestamp_secs: f64,
    /// `queue_highest_sent_timestamp_seconds`.
    pub highest_sent_timestamp_secs: f64,
    /// `shards`.
    pub shards: u64,
    /// `shards_min`.
    pub shards_min: u64,
    /// `shards_max`.
    pub shards_max: u64,
    /// `shards_desired`.
    pub shards_desired: f64,
    /// `shard_capacity`.
    pub shard_capacity: u64,
    /// `max_samples_per_send`.
    pub max_samples_per_send: u64,
}
