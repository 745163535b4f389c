//! Where targets come from: providers that each send the whole of what they know, whenever it changes.
//!
//! [`spawn`] starts the providers of one job. A provider that cannot learn anything new (a file half written,
//! a server down) says so in its [`ProviderStatus`] and leaves its targets as they are.

pub mod dns;
pub mod file;
mod glob;
pub mod group;
pub mod http;
pub mod static_;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::base::clock::SharedClock;
use crate::metrics::model::config::DiscoveryConfigs;

pub use group::{GROUP_BYTES_MAX, TARGETS_MAX, TargetGroup};

/// Everything one provider knows, replacing what it sent before.
#[derive(Debug, Clone)]
pub struct Update {
    /// Which provider of the job, as numbered by [`spawn`].
    pub provider: usize,
    /// Its groups.
    pub groups: Vec<TargetGroup>,
}

/// How a provider fares; shared with whoever shows it.
#[derive(Debug, Clone, Default)]
pub struct ProviderStatus(Arc<Mutex<StatusInner>>);

#[derive(Debug, Default)]
struct StatusInner {
    refreshes: u64,
    failures: u64,
    last_error: Option<String>,
}

/// A [`ProviderStatus`] at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusSnapshot {
    /// Attempts to learn the targets.
    pub refreshes: u64,
    /// Those that failed.
    pub failures: u64,
    /// Why the last one failed, if it did.
    pub last_error: Option<String>,
}

impl ProviderStatus {
    /// How it stands now.
    pub fn snapshot(&self) -> StatusSnapshot {
        let inner = self.0.lock();
        StatusSnapshot { refreshes: inner.refreshes, failures: inner.failures, last_error: inner.last_error.clone() }
    }

    /// Notes an attempt; a new kind of failure is logged once.
    fn note(&self, mechanism: &str, result: Result<(), String>) {
        let mut inner = self.0.lock();
        inner.refreshes += 1;
        match result {
            Ok(()) => inner.last_error = None,
            Err(error) => {
                inner.failures += 1;
                if inner.last_error.as_ref() != Some(&error) {
                    tracing::warn!(mechanism, %error, "service discovery cannot refresh, keeping the targets known before");
                }
                inner.last_error = Some(error);
            }
        }
    }
}

/// A provider at work; stops when dropped.
#[derive(Debug)]
pub struct Provider {
    /// `file`, `http` or `dns`.
    pub mechanism: &'static str,
    /// How it fares.
    pub status: ProviderStatus,
    task: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts the providers of one job. Static groups need none: they are [`static_::groups`].
pub fn spawn(configs: &DiscoveryConfigs, clock: &SharedClock, out: &mpsc::Sender<Update>) -> Vec<Provider> {
    let mut providers = Vec::new();
    for config in &configs.file {
        let (sink, status) = (Sink { provider: providers.len(), out: out.clone() }, ProviderStatus::default());
        let task = tokio::spawn(file::run(config.clone(), sink, status.clone()));
        providers.push(Provider { mechanism: "file", status, task });
    }
    for config in &configs.http {
        let (sink, status) = (Sink { provider: providers.len(), out: out.clone() }, ProviderStatus::default());
        let task = tokio::spawn(http::run(config.clone(), clock.clone(), sink, status.clone()));
        providers.push(Provider { mechanism: "http", status, task });
    }
    for config in &configs.dns {
        let (sink, status) = (Sink { provider: providers.len(), out: out.clone() }, ProviderStatus::default());
        let task = tokio::spawn(dns::run(config.clone(), sink, status.clone()));
        providers.push(Provider { mechanism: "dns", status, task });
    }
    for other in &configs.other {
        tracing::warn!(key = other.key, "this kind of service discovery is not supported yet, its targets are not scraped");
    }
    providers
}

/// Where one provider sends to.
#[derive(Debug, Clone)]
pub struct Sink {
    provider: usize,
    out: mpsc::Sender<Update>,
}

impl Sink {
    /// A sink on its own.
    pub fn new(provider: usize, out: mpsc::Sender<Update>) -> Self {
        Self { provider, out }
    }

    /// Sends; `false` when nobody listens any more.
    async fn send(&self, groups: Vec<TargetGroup>) -> bool {
        self.out.send(Update { provider: self.provider, groups }).await.is_ok()
    }
}
