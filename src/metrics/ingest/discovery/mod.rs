//! Where targets come from: providers that each send the whole of what they know, whenever it changes.
//!
//! [`spawn`] starts the providers of one job. A provider that cannot learn anything new (a file half written,
//! a server down) says so in the log and leaves its targets as they are.

pub mod dns;
pub mod file;
mod glob;
pub mod group;
pub mod http;
pub mod static_;
mod stats;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::base::clock::SharedClock;
use crate::metrics::model::config::DiscoveryConfigs;

pub use group::{GROUP_BYTES_MAX, TargetGroup};
pub use stats::DiscoveryStats;

/// Everything one provider knows, replacing what it sent before.
#[derive(Debug, Clone)]
pub struct Update {
    /// Which provider of the job, as numbered by [`spawn`].
    pub provider: usize,
    /// Its groups.
    pub groups: Vec<TargetGroup>,
}

/// How a provider fares: what its last attempt ran into, if anything.
#[derive(Debug, Clone, Default)]
pub struct ProviderStatus {
    last_error: Arc<Mutex<Option<String>>>,
    job: Arc<str>,
    stats: Arc<DiscoveryStats>,
}

impl ProviderStatus {
    /// Of a provider of this job.
    fn new(mechanism: &'static str, job: &str, stats: &Arc<DiscoveryStats>) -> Self {
        stats.begins(mechanism, job);
        Self { last_error: Arc::default(), job: job.into(), stats: Arc::clone(stats) }
    }

    /// Notes an attempt; a new kind of failure is logged once.
    fn note(&self, mechanism: &'static str, result: Result<(), String>) {
        let mut last_error = self.last_error.lock();
        match result {
            Ok(()) => *last_error = None,
            Err(error) => {
                self.stats.failed(mechanism, &self.job);
                if last_error.as_ref() != Some(&error) {
                    let job = &*self.job;
                    tracing::warn!(job, mechanism, %error, "service discovery cannot refresh, keeping the targets known before");
                }
                *last_error = Some(error);
            }
        }
    }

    #[cfg(test)]
    fn last_error(&self) -> Option<String> {
        self.last_error.lock().clone()
    }
}

/// A provider at work; stops when dropped.
#[derive(Debug)]
pub struct Provider {
    task: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts the providers of one job. Static groups need none: they are [`static_::groups`].
pub fn spawn(
    job: &str,
    configs: &DiscoveryConfigs,
    clock: &SharedClock,
    stats: &Arc<DiscoveryStats>,
    out: &mpsc::Sender<Update>,
) -> Vec<Provider> {
    let mut providers = Vec::new();
    let sink = |provider: usize| Sink { provider, out: out.clone(), stats: Arc::clone(stats) };
    let status = |mechanism: &'static str| ProviderStatus::new(mechanism, job, stats);
    for config in &configs.file {
        let run = file::run(config.clone(), sink(providers.len()), status("file"));
        providers.push(Provider { task: tokio::spawn(run) });
    }
    for config in &configs.http {
        let run = http::run(config.clone(), clock.clone(), sink(providers.len()), status("http"));
        providers.push(Provider { task: tokio::spawn(run) });
    }
    for config in &configs.dns {
        let run = dns::run(config.clone(), sink(providers.len()), status("dns"));
        providers.push(Provider { task: tokio::spawn(run) });
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
    stats: Arc<DiscoveryStats>,
}

impl Sink {
    /// A sink on its own.
    #[cfg(test)]
    fn new(provider: usize, out: mpsc::Sender<Update>) -> Self {
        Self { provider, out, stats: Arc::default() }
    }

    /// Sends; `false` when nobody listens any more.
    async fn send(&self, groups: Vec<TargetGroup>) -> bool {
        self.stats.updated();
        self.out.send(Update { provider: self.provider, groups }).await.is_ok()
    }
}
