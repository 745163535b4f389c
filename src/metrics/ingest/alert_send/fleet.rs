//! One section of `alertmanagers`: who is in it now, by its own list and by discovery.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use url::Url;

use super::destination::Destination;
use super::report::Counts;
use crate::base::clock::SharedClock;
use crate::base::masked;
use crate::metrics::ingest::discovery::{DiscoveryStats, Provider, TargetGroup, Update, spawn, static_};
use crate::metrics::model::config::AlertmanagerConfig;
use crate::platform::http::client::{HttpClient, client_settings};
use crate::series::labels::{Labels, LabelsBuilder};
use crate::series::ports::OutgoingAlert;
use crate::series::relabel;

/// Updates of discovery that wait.
const UPDATES_QUEUED: usize = 16;
/// Most Alertmanagers of one section.
const MEMBERS_MAX: usize = 1000;
/// Where Alertmanagers take alerts.
const PATH: &str = "/api/v2/alerts";
/// Labels that say where an Alertmanager is; relabelling may change them.
const SCHEME: &str = "__scheme__";
const ADDRESS: &str = "__address__";
const ALERTS_PATH: &str = "__alerts_path__";

/// The Alertmanagers of a section.
pub(super) struct Fleet {
    shared: Arc<Shared>,
    _providers: Vec<Provider>,
    follower: Option<JoinHandle<()>>,
}

struct Shared {
    config: AlertmanagerConfig,
    client: Arc<HttpClient>,
    clock: SharedClock,
    counts: Arc<Mutex<BTreeMap<String, Arc<Counts>>>>,
    members: Mutex<Members>,
}

#[derive(Default)]
struct Members {
    /// Targets by provider; the section's own list is `None`.
    groups: BTreeMap<Option<usize>, Vec<TargetGroup>>,
    active: BTreeMap<String, Destination>,
    dropped: BTreeSet<String>,
}

impl Fleet {
    /// Begins to look for Alertmanagers and to send to them. Call it inside the runtime.
    pub(super) fn start(
        config: AlertmanagerConfig,
        clock: &SharedClock,
        stats: &Arc<DiscoveryStats>,
        counts: Arc<Mutex<BTreeMap<String, Arc<Counts>>>>,
    ) -> Result<Self, String> {
        let client = HttpClient::new(client_settings(&config.http), Arc::clone(clock)).map_err(|error| error.to_string())?;
        let (out, mut updates) = mpsc::channel::<Update>(UPDATES_QUEUED);
        let providers = spawn("alertmanagers", &config.discovery, clock, stats, &out);
        let own = static_::groups(&config.discovery.static_configs);
        let shared = Arc::new(Shared { config, client: Arc::new(client), clock: Arc::clone(clock), counts, members: Mutex::default() });
        shared.take(None, own);
        let following = Arc::clone(&shared);
        let follower = (!providers.is_empty()).then(|| {
            tokio::spawn(async move {
                while let Some(update) = updates.recv().await {
                    following.take(Some(update.provider), update.groups);
                }
            })
        });
        Ok(Self { shared, _providers: providers, follower })
    }

    /// The section.
    pub(super) fn config(&self) -> &AlertmanagerConfig {
        &self.shared.config
    }

    /// Puts alerts in every line, with the labels that this section gives them.
    pub(super) fn send(&self, alerts: &[Arc<OutgoingAlert>]) {
        let rules = &self.shared.config.alert_relabel_configs;
        let relabelled: Vec<Arc<OutgoingAlert>>;
        let alerts = if rules.is_empty() {
            alerts
        } else {
            let keep = |alert: &Arc<OutgoingAlert>| {
                let mut labels = alert.labels.to_builder();
                relabel::process(&mut labels, rules).then(|| Arc::new(OutgoingAlert { labels: labels.build(), ..(**alert).clone() }))
            };
            relabelled = alerts.iter().filter_map(keep).collect();
            &relabelled
        };
        for destination in self.shared.members.lock().active.values() {
            destination.push(alerts);
        }
    }

    /// Where alerts go, and where they do not because relabelling says so.
    pub(super) fn urls(&self) -> (Vec<String>, Vec<String>) {
        let members = self.shared.members.lock();
        let shown = |url: &String| masked::url(url).into_owned();
        (members.active.keys().map(shown).collect(), members.dropped.iter().map(shown).collect())
    }

    /// Alerts in line by Alertmanager.
    pub(super) fn waiting(&self) -> Vec<(String, usize)> {
        self.shared.members.lock().active.iter().map(|(url, destination)| (masked::url(url).into_owned(), destination.waiting())).collect()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if let Some(follower) = self.follower.take() {
            follower.abort();
        }
    }
}

impl Shared {
    /// Takes over what a provider knows. Those that stay keep their lines.
    fn take(&self, provider: Option<usize>, groups: Vec<TargetGroup>) {
        let mut members = self.members.lock();
        members.groups.insert(provider, groups);
        let mut urls = BTreeSet::new();
        let mut dropped = BTreeSet::new();
        for group in members.groups.values().flatten() {
            for target in &group.targets {
                match self.url(target, &group.labels) {
                    Some((url, true)) if urls.len() < MEMBERS_MAX => urls.insert(url),
                    Some((url, _)) => dropped.insert(url),
                    None => continue,
                };
            }
        }
        members.active.retain(|url, _| urls.contains(url));
        for url in urls {
            if !members.active.contains_key(&url)
                && let Ok(parsed) = Url::parse(&url)
            {
                let counts = Arc::clone(self.counts.lock().entry(masked::url(&url).into_owned()).or_default());
                let destination =
                    Destination::start(parsed, Arc::clone(&self.client), Arc::clone(&self.clock), self.config.timeout.to_std(), counts);
                members.active.insert(url, destination);
            }
        }
        members.dropped = dropped;
    }

    /// Where a target takes alerts, and whether relabelling keeps it. None if it has no address that could be one.
    fn url(&self, target: &Labels, common: &Labels) -> Option<(String, bool)> {
        let mut labels = LabelsBuilder::new();
        labels
            .set(SCHEME, &self.config.scheme)
            .set(ALERTS_PATH, &format!("/{}{PATH}", self.config.path_prefix.trim_matches('/')).replace("//", "/"));
        for (name, value) in common.iter().chain(target.iter()) {
            labels.set(name, value);
        }
        let found = |labels: &LabelsBuilder| {
            let part = |name: &str| labels.get(name).unwrap_or("").to_owned();
            format!("{}://{}{}", part(SCHEME), part(ADDRESS), part(ALERTS_PATH))
        };
        let before = found(&labels);
        if !relabel::process(&mut labels, &self.config.relabel_configs) {
            return Some((before, false));
        }
        let url = found(&labels);
        if labels.get(ADDRESS).is_none_or(|address| address.is_empty() || address.contains('/')) || Url::parse(&url).is_err() {
            tracing::warn!(url = %masked::url(&url), "this is no address of an Alertmanager, nothing is sent there");
            return None;
        }
        Some((url, true))
    }
}
