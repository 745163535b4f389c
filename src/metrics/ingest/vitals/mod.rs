//! Web vitals: how fast pages were for those who looked at them, as their browsers tell.
//!
//! Each measurement sets a gauge (`web_vitals_lcp`, the newest value as sent) and is counted in a histogram
//! (`web_vitals_lcp_seconds{site, page, device}`), both kept as custom metrics are: they survive a restart, and what was
//! answered well is stored. The library sends a measurement again where it grew while a page was looked at once more;
//! by its id the first counts, since a histogram takes nothing back.

pub mod beacon;
mod place;

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value as Json, json};

use self::beacon::Measured;
use self::place::Places;
use super::custom::{CustomError, CustomMetrics};
use crate::metrics::model::vital::Vital;

/// Measurements that are remembered, so that none is counted twice.
const IDS_MAX: usize = 50_000;

/// Who sends a measurement, in the words of the request.
#[derive(Debug, Clone, Default)]
pub struct Sender<'a> {
    /// `Origin`.
    pub origin: &'a str,
    /// `Referer`: the page, where the browser tells it.
    pub referer: &'a str,
    /// `User-Agent`.
    pub agent: &'a str,
    /// `Sec-CH-UA-Mobile`.
    pub mobile_hint: Option<&'a str>,
}

/// Why measurements are not taken.
#[derive(Debug, thiserror::Error)]
pub enum VitalsError {
    /// The body is none of ours.
    #[error("{0}")]
    Malformed(String),
    /// They come from a site that is not ours.
    #[error("web vitals of this site are not taken; pharos.server.vitals_sites says of which they are")]
    Site,
    /// They cannot be stored.
    #[error(transparent)]
    NotStored(#[from] CustomError),
}

/// Takes measurements.
pub struct WebVitals {
    custom: Arc<CustomMetrics>,
    /// Hosts whose pages may send; empty for any.
    sites: Vec<String>,
    hasher: RandomState,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    places: Places,
    ids: HashSet<u64>,
    /// The same, the oldest first.
    order: VecDeque<u64>,
}

impl Known {
    /// Whether it was not there before.
    fn is_new(&mut self, id: u64) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > IDS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }

    fn forget(&mut self, id: u64) {
        self.ids.remove(&id);
        self.order.retain(|known| *known != id);
    }
}

impl WebVitals {
    /// Keeps them in `custom`; `sites` are the hosts whose pages may send, none for any.
    pub fn new(custom: Arc<CustomMetrics>, sites: Vec<String>) -> Self {
        let mut places = Places::default();
        for vital in Vital::ALL {
            for labels in custom.label_sets(vital.histogram()) {
                let of = |name: &str| labels.get(name).unwrap_or_default().to_owned();
                places.counted(of("site"), of("page"));
            }
        }
        let known = Mutex::new(Known { places, ..Known::default() });
        Self { custom, sites, hasher: RandomState::new(), known }
    }

    /// Sites that sent something.
    pub fn sites(&self) -> Vec<String> {
        self.known.lock().places.sites().filter(|site| !site.is_empty()).map(str::to_owned).collect()
    }

    /// Takes a body; gives how many measurements were counted. Blocks on disk.
    ///
    /// # Errors
    /// Why none was.
    pub fn take(&self, body: &[u8], sender: &Sender<'_>) -> Result<usize, VitalsError> {
        let measured = beacon::read(body).map_err(VitalsError::Malformed)?;
        let site = [sender.origin, sender.referer].into_iter().map(place::site).find(|site| !site.is_empty()).unwrap_or_default();
        if !self.sites.is_empty() && !self.sites.contains(&site) {
            return Err(VitalsError::Site);
        }
        let Some(device) = place::device(sender.agent, sender.mobile_hint) else { return Ok(0) };
        let mut counted = Vec::new();
        let mut items = Vec::new();
        {
            let mut known = self.known.lock();
            for one in &measured {
                let id = self.hasher.hash_one((one.vital, &one.id));
                if !one.id.is_empty() && !known.is_new(id) {
                    continue;
                }
                counted.push(id);
                let page = place::page(one.page.as_deref().unwrap_or(sender.referer));
                let (site, page) = known.places.counted(site.clone(), page);
                items.extend(items_of(one, &site, &page, device));
            }
        }
        if items.is_empty() {
            return Ok(0);
        }
        let stored = self.custom.record_batch(Json::Array(items).to_string().as_bytes());
        let problem = match stored {
            Ok(outcome) if outcome.rejected == 0 => return Ok(counted.len()),
            Ok(outcome) => {
                let why = outcome.errors.first().map_or_else(String::new, |error| error.reason.clone());
                VitalsError::NotStored(CustomError::NotNow(why))
            }
            Err(error) => error.into(),
        };
        // Whoever sends it again is not to be told that it was there.
        let mut known = self.known.lock();
        counted.into_iter().for_each(|id| known.forget(id));
        Err(problem)
    }
}

/// A measurement as custom metrics: its histogram and its gauge.
fn items_of(one: &Measured, site: &str, page: &str, device: &str) -> [Json; 2] {
    let vital = one.vital;
    let unit = if vital == Vital::Cls { "" } else { "seconds" };
    let labels = json!({ "site": site, "page": page, "device": device });
    [
        json!({
            "name": vital.histogram(), "type": "histogram", "help": vital.about(), "unit": unit,
            "labels": labels, "bounds": vital.bounds(), "value": vital.in_base_unit(one.value),
        }),
        json!({ "name": vital.gauge(), "type": "gauge", "help": format!("{} The newest value, as it was sent.", vital.about()), "value": one.value }),
    ]
}

#[cfg(test)]
mod tests;
