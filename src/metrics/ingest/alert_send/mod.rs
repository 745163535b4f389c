//! Alerts to Alertmanagers outside (`alerting` of the configuration), as Prometheus sends them.
//!
//! Every Alertmanager has a line of its own, so that one that is slow or away holds up no other. What cannot be delivered
//! is dropped and counted: rules say again every minute which alerts fire, and for a quarter of an hour which ended.

mod destination;
mod fleet;
mod report;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use self::fleet::Fleet;
use self::report::Counts;
use crate::base::clock::SharedClock;
use crate::metrics::ingest::discovery::DiscoveryStats;
use crate::metrics::model::config::AlertingConfig;
use crate::series::ports::{OutgoingAlert, SendAlerts};

/// All Alertmanagers.
pub struct AlertSend {
    clock: SharedClock,
    fleets: Mutex<Vec<Fleet>>,
    stats: Arc<DiscoveryStats>,
    /// By Alertmanager; kept when one goes, as counters only go up.
    counts: Arc<Mutex<BTreeMap<String, Arc<Counts>>>>,
}

impl AlertSend {
    /// Without anybody to send to.
    pub fn new(clock: SharedClock) -> Arc<Self> {
        Arc::new(Self { clock, fleets: Mutex::default(), stats: Arc::default(), counts: Arc::default() })
    }

    /// Takes over a configuration; what stays the same goes on. Call it inside the runtime.
    ///
    /// # Errors
    /// What is wrong with clients; those sections are left out.
    pub fn apply(&self, config: &AlertingConfig) -> Result<(), Vec<String>> {
        let mut fleets = self.fleets.lock();
        let mut before = std::mem::take(&mut *fleets);
        let mut errors = Vec::new();
        for section in &config.alertmanagers {
            match before.iter().position(|fleet| fleet.config() == section) {
                Some(at) => fleets.push(before.swap_remove(at)),
                None => match Fleet::start(section.clone(), &self.clock, &self.stats, Arc::clone(&self.counts)) {
                    Ok(fleet) => fleets.push(fleet),
                    Err(error) => errors.push(error),
                },
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Ends it: what is under way is left.
    pub fn stop(&self) {
        self.fleets.lock().clear();
    }
}

impl SendAlerts for AlertSend {
    fn is_wanted(&self) -> bool {
        !self.fleets.lock().is_empty()
    }

    fn send(&self, alerts: Vec<OutgoingAlert>) {
        let alerts: Vec<Arc<OutgoingAlert>> = alerts.into_iter().map(Arc::new).collect();
        for fleet in self.fleets.lock().iter() {
            fleet.send(&alerts);
        }
    }

    fn alertmanagers(&self) -> (Vec<String>, Vec<String>) {
        let mut all = (Vec::new(), Vec::new());
        for fleet in self.fleets.lock().iter() {
            let (active, dropped) = fleet.urls();
            all.0.extend(active);
            all.1.extend(dropped);
        }
        all
    }
}

#[cfg(test)]
mod tests;
