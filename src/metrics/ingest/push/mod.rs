//! The Pushgateway: jobs too short to be scraped leave their metrics here, group by group.
//!
//! A push is answered when its group is on disk. Groups are appended to storage at every tick of the scrape
//! interval, with the labels they were pushed with (`honor_labels`), until they are deleted or their time is over.

pub mod body;
pub mod group;
pub mod log;
pub mod path;
pub mod view;

use std::collections::{HashMap, HashSet};
use std::io;

use parking_lot::Mutex;

use self::body::{Pushed, PushedFamily};
use self::group::{Family, Group, PUSH_FAILURE_TIME, PUSH_TIME};
use self::log::GroupLog;
use crate::base::clock::SharedClock;
use crate::base::time::Duration;
use crate::series::batch::WriteBatch;
use crate::series::labels::Labels;
use crate::series::sample::{Metadata, MetricType, stale_nan};

/// Groups held at most; more are refused.
pub const GROUPS_MAX: usize = 20_000;

/// The headers of a push that matter. Empty when not sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct PushHeaders<'a> {
    /// `Content-Type`.
    pub content_type: &'a str,
    /// `Content-Encoding`: empty, `gzip` or `snappy`.
    pub content_encoding: &'a str,
    /// `X-Pharos-Ttl`, a duration such as `1h`: the group goes away when no push came for so long.
    pub ttl: &'a str,
}

/// An answer to a push or a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushResponse {
    /// HTTP status: 200 pushed, 202 deleted, 400 refused, 405, 413, 500 not on disk.
    pub status: u16,
    /// Plain text; empty on success.
    pub body: String,
    /// Series of the group, where a push was taken.
    pub samples: u64,
}

impl PushResponse {
    fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), samples: 0 }
    }
}

/// Holds the groups.
pub struct Pushgateway {
    clock: SharedClock,
    log: Box<dyn GroupLog>,
    ttl_default: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By grouping labels.
    groups: HashMap<Labels, Group>,
    /// Which group a series belongs to, so that no two groups claim the same.
    owners: HashMap<Labels, Labels>,
    /// Kind of each family, and how many groups have it, so that no two groups differ.
    kinds: HashMap<String, (MetricType, usize)>,
    /// Series of the last tick.
    shown: HashSet<Labels>,
    /// Families whose metadata changed since the last tick.
    described: Vec<(Box<str>, Metadata)>,
}

impl Pushgateway {
    /// Opens the gateway with the groups found in `log`. `ttl_default` is for groups that name none; without one they stay.
    ///
    /// # Errors
    /// When the log cannot be read. Damaged groups are left out with a warning.
    pub fn open(log: Box<dyn GroupLog>, clock: SharedClock, ttl_default: Option<Duration>) -> io::Result<Self> {
        let mut state = State::default();
        for bytes in log.load()? {
            match Group::decode(&bytes) {
                Some(group) => state.adopt(group),
                None => tracing::warn!(bytes = bytes.len(), "a damaged group of pushed metrics is left out"),
            }
        }
        Ok(Self { clock, log, ttl_default, state: Mutex::new(state) })
    }

    /// Handles `method` on `/metrics/job/…`; `path` is what follows `/metrics`, still percent-encoded. Blocks on disk.
    pub fn handle(&self, method: &str, path: &str, headers: PushHeaders<'_>, body: &[u8]) -> PushResponse {
        let grouping = match path::parse(path) {
            Ok(grouping) => grouping,
            Err(reason) => return PushResponse::new(400, reason),
        };
        match method {
            "PUT" => self.push(&grouping, headers, body, true),
            "POST" => self.push(&grouping, headers, body, false),
            "DELETE" => self.delete(&grouping),
            _ => PushResponse::new(405, "method not allowed"),
        }
    }

    /// Grouping labels and number of series of the group that a path names, if it is there.
    pub fn size_of(&self, path: &str) -> Option<(String, usize)> {
        let grouping = path::parse(path).ok()?;
        self.state.lock().groups.get(&grouping).map(|group| (grouping.to_string(), group.series().count()))
    }

    /// Deletes a group, if it is there.
    pub fn delete(&self, grouping: &Labels) -> PushResponse {
        let mut state = self.state.lock();
        if let Err(error) = self.log.remove(&group::file_key(grouping)) {
            return PushResponse::new(500, format!("cannot delete the group: {error}"));
        }
        state.drop_group(grouping);
        PushResponse::new(202, "")
    }

    /// Deletes all groups (`PUT /api/v1/admin/wipe`).
    pub fn wipe(&self) -> PushResponse {
        let groupings: Vec<Labels> = self.state.lock().groups.keys().cloned().collect();
        groupings.iter().map(|grouping| self.delete(grouping)).find(|response| response.status != 202).unwrap_or(PushResponse::new(202, ""))
    }

    /// All groups as the UI and `GET /api/v1/metrics` show them, sorted by labels.
    pub fn groups(&self) -> Vec<view::GroupView> {
        let state = self.state.lock();
        let mut groups: Vec<_> = state.groups.values().collect();
        groups.sort_by(|a, b| a.labels.cmp(&b.labels));
        groups.into_iter().map(view::GroupView::of).collect()
    }

    /// Writes all groups into `batch` at `now` (ms), and staleness markers for what went away since the last call.
    pub fn collect(&self, now: i64, batch: &mut WriteBatch) {
        let mut state = self.state.lock();
        let expired: Vec<Labels> = state.groups.values().filter(|group| group.is_expired(now)).map(|group| group.labels.clone()).collect();
        for grouping in expired {
            match self.log.remove(&group::file_key(&grouping)) {
                Ok(()) => state.drop_group(&grouping),
                Err(error) => tracing::warn!(%error, group = %grouping, "an expired group cannot be deleted"),
            }
        }
        let mut shown = HashSet::with_capacity(state.shown.len());
        for group in state.groups.values() {
            for (labels, value) in group.series() {
                batch.open_series(labels);
                match value {
                    group::Value::Float(value) => batch.push_float(now, *value),
                    group::Value::Histogram(histogram) => batch.push_histogram(now, histogram.clone()),
                }
                shown.insert(labels.clone());
            }
            for (labels, value) in group.own_series() {
                batch.open_series(&labels);
                batch.push_float(now, value);
                shown.insert(labels);
            }
        }
        for gone in state.shown.difference(&shown) {
            batch.open_series(gone);
            batch.push_float(now, stale_nan());
        }
        state.shown = shown;
        batch.metadata.append(&mut state.described);
    }

    fn push(&self, grouping: &Labels, headers: PushHeaders<'_>, body: &[u8], replace: bool) -> PushResponse {
        let now = self.clock.now_ms();
        let ttl = match headers.ttl {
            "" => self.ttl_default,
            text => match Duration::parse(text) {
                Ok(ttl) if ttl.ms() > 0 => Some(ttl),
                _ => return PushResponse::new(400, format!("X-Pharos-Ttl: not a duration above zero: {text:?}")),
            },
        };
        let pushed = match body::read(headers.content_type, headers.content_encoding, body, grouping) {
            Ok(pushed) => pushed,
            Err((status, reason)) => return PushResponse::new(status, reason),
        };
        let mut state = self.state.lock();
        if !state.groups.contains_key(grouping) && state.groups.len() >= GROUPS_MAX {
            return PushResponse::new(400, format!("more than {GROUPS_MAX} groups"));
        }
        let mut group = state.groups.get(grouping).cloned().unwrap_or_else(|| Group::new(grouping.clone()));
        let verdict = state.check(grouping, &pushed);
        match &verdict {
            Ok(()) => {
                if replace {
                    group.families.clear();
                }
                for PushedFamily { name, family } in pushed.families {
                    let metadata = Metadata { kind: family.kind, help: family.help.clone(), unit: family.unit.clone() };
                    state.described.push((name.as_str().into(), metadata));
                    group.families.insert(name, Family { time_ms: now, ..family });
                }
                group.push_time_ms = now;
                group.ttl_ms = ttl.map_or(0, Duration::ms);
            }
            Err(_) => group.push_failure_ms = now,
        }
        if let Err(error) = self.log.save(&group::file_key(grouping), &group.encode()) {
            return PushResponse::new(500, format!("cannot store the group: {error}"));
        }
        state.drop_group(grouping);
        let samples = group.series().count() as u64;
        state.adopt(group);
        match verdict {
            Ok(()) => PushResponse { samples, ..PushResponse::new(200, "") },
            Err(reason) => PushResponse::new(400, format!("pushed metrics are invalid or inconsistent with existing metrics: {reason}")),
        }
    }
}

impl State {
    fn adopt(&mut self, group: Group) {
        for (labels, _) in group.series() {
            self.owners.insert(labels.clone(), group.labels.clone());
        }
        for (name, family) in &group.families {
            self.kinds.entry(name.clone()).or_insert((family.kind, 0)).1 += 1;
        }
        self.groups.insert(group.labels.clone(), group);
    }

    fn drop_group(&mut self, grouping: &Labels) {
        if let Some(group) = self.groups.remove(grouping) {
            for (labels, _) in group.series() {
                self.owners.remove(labels);
            }
            for name in group.families.keys() {
                let Some((_, groups)) = self.kinds.get_mut(name) else { continue };
                *groups -= 1;
                if *groups == 0 {
                    self.kinds.remove(name);
                }
            }
        }
    }

    /// Whether a push agrees with itself and with the other groups.
    fn check(&self, grouping: &Labels, pushed: &Pushed) -> Result<(), String> {
        if let Some(reason) = &pushed.inconsistent {
            return Err(reason.clone());
        }
        let own = self.groups.get(grouping);
        for PushedFamily { name, family } in &pushed.families {
            if name == PUSH_TIME || name == PUSH_FAILURE_TIME {
                continue;
            }
            let is_own = own.is_some_and(|group| group.families.contains_key(name));
            if let Some((kind, groups)) = self.kinds.get(name)
                && *kind != family.kind
                && *groups > usize::from(is_own)
            {
                return Err(format!("metric {name} is a {}, other groups pushed it as a {}", word(family.kind), word(*kind)));
            }
            for (labels, _) in &family.series {
                if let Some(owner) = self.owners.get(labels).filter(|owner| *owner != grouping) {
                    return Err(format!(
                        "collected metric {labels} was collected before with the same name and label values by group {owner}"
                    ));
                }
            }
        }
        Ok(())
    }
}

const fn word(kind: MetricType) -> &'static str {
    match kind {
        MetricType::Unknown => "untyped",
        kind => kind.as_str(),
    }
}

#[cfg(test)]
mod tests;
