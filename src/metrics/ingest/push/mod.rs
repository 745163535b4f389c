//! The Pushgateway: jobs too short to be scraped leave their metrics here, group by group.
//!
//! A push is answered when its group is on disk and its samples are in storage. Groups are stated again at every tick
//! of the scrape interval, with the labels they were pushed with (`honor_labels`), until they are deleted or their
//! time is over. A push costs what its own group takes, however many others there are.

pub mod body;
pub mod group;
pub mod log;
pub mod path;
pub mod view;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use self::body::{Pushed, PushedFamily};
use self::group::{Family, Group, PUSH_FAILURE_TIME, PUSH_TIME};
use self::log::GroupLog;
use super::restated::{NotTaken, ROUND, WHOLE, append_whole, time_after};
use crate::base::clock::SharedClock;
use crate::base::time::Duration;
use crate::series::batch::WriteBatch;
use crate::series::labels::Labels;
use crate::series::ports::Append;
use crate::series::sample::{MetricType, stale_nan};

/// Groups held at most; more are refused.
pub const GROUPS_MAX: usize = 20_000;
/// Series that wait to be marked as stale, at most: while storage takes nothing, none become more.
const GONE_MAX: usize = 1_000_000;

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
    /// HTTP status: 200 pushed, 202 deleted, 400 refused, 405, 413, 503 cannot be stored now.
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
///
/// A push is checked, written beside the group's file, appended to storage, and takes the place of the group; only then
/// it is answered. So what storage refuses leaves no trace, and what a crash leaves half done was not acknowledged:
/// the next push of the same, or the group as it was, is stated again.
pub struct Pushgateway {
    clock: SharedClock,
    log: Box<dyn GroupLog>,
    append: Arc<dyn Append>,
    ttl_default: Option<Duration>,
    /// Held by whoever changes groups, also while the disk is waited for.
    writer: Mutex<Writer>,
    /// Locked after `writer`, and never while the disk is waited for.
    state: Mutex<State>,
}

struct Writer {
    /// Time of the newest samples, in milliseconds.
    last_ms: i64,
    /// Series that went away and are not marked as stale in storage yet.
    gone: HashSet<Labels>,
}

#[derive(Default)]
struct State {
    /// By grouping labels.
    groups: HashMap<Labels, Group>,
    /// Which group a series belongs to, so that no two groups claim the same.
    owners: HashMap<Labels, Labels>,
    /// Kind of each family, and how many groups have it, so that no two groups differ.
    kinds: HashMap<String, (MetricType, usize)>,
}

impl Pushgateway {
    /// Opens the gateway with the groups found in `log`; samples go to `append`. `ttl_default` is for groups that name none;
    /// without one they stay.
    ///
    /// # Errors
    /// When the log cannot be read. Damaged groups are left out with a warning.
    pub fn open(log: Box<dyn GroupLog>, append: Arc<dyn Append>, clock: SharedClock, ttl_default: Option<Duration>) -> io::Result<Self> {
        let mut state = State::default();
        for bytes in log.load()? {
            match Group::decode(&bytes) {
                Some(group) => state.adopt(group),
                None => tracing::warn!(bytes = bytes.len(), "a damaged group of pushed metrics is left out"),
            }
        }
        let writer = Mutex::new(Writer { last_ms: i64::MIN, gone: HashSet::new() });
        Ok(Self { clock, log, append, ttl_default, writer, state: Mutex::new(state) })
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
        self.delete_all(std::slice::from_ref(grouping))
    }

    /// Deletes all groups (`PUT /api/v1/admin/wipe`).
    pub fn wipe(&self) -> PushResponse {
        let groupings: Vec<Labels> = self.state.lock().groups.keys().cloned().collect();
        self.delete_all(&groupings)
    }

    fn delete_all(&self, groupings: &[Labels]) -> PushResponse {
        let mut writer = self.writer.lock();
        let mut response = PushResponse::new(202, "");
        for grouping in groupings {
            match self.remove(grouping, &mut writer) {
                Ok(()) => {}
                Err(error) => response = PushResponse::new(503, format!("cannot delete the group: {error}")),
            }
        }
        self.mark_gone(&mut writer);
        response
    }

    /// Deletes a group here; its series are to be marked.
    fn remove(&self, grouping: &Labels, writer: &mut Writer) -> io::Result<()> {
        self.log.remove(&group::file_key(grouping))?;
        let removed = self.state.lock().drop_group(grouping);
        writer.replace(removed.as_ref(), None);
        Ok(())
    }

    /// All groups as the UI and `GET /api/v1/metrics` show them, sorted by labels.
    pub fn groups(&self) -> Vec<view::GroupView> {
        let state = self.state.lock();
        let mut groups: Vec<_> = state.groups.values().collect();
        groups.sort_by(|a, b| a.labels.cmp(&b.labels));
        groups.into_iter().map(view::GroupView::of).collect()
    }

    /// Deletes groups whose time is over, and appends all others to storage, so that they do not go stale. Blocks on disk.
    pub fn restate(&self) {
        let mut batch = WriteBatch::new();
        {
            let mut writer = self.writer.lock();
            let now = self.clock.now_ms();
            self.expire(now, &mut writer);
            self.mark_gone(&mut writer);
            writer.last_ms = time_after(writer.last_ms, now);
            let state = self.state.lock();
            for group in state.groups.values() {
                group.write(writer.last_ms, &mut batch);
            }
        }
        if batch.series.is_empty() {
            return;
        }
        if let Err(error) = self.append.append(&batch, &ROUND) {
            tracing::warn!(%error, "pushed metrics could not be stated again");
        }
    }

    fn expire(&self, now: i64, writer: &mut Writer) {
        let expired: Vec<Labels> =
            self.state.lock().groups.values().filter(|group| group.is_expired(now)).map(|group| group.labels.clone()).collect();
        for grouping in expired {
            if let Err(error) = self.remove(&grouping, writer) {
                tracing::warn!(%error, group = %grouping, "an expired group cannot be deleted");
            }
        }
    }

    /// Marks what went away as stale. What storage does not take now is marked in the next round.
    fn mark_gone(&self, writer: &mut Writer) {
        if writer.gone.is_empty() {
            return;
        }
        writer.last_ms = time_after(writer.last_ms, self.clock.now_ms());
        let mut batch = WriteBatch::new();
        for gone in &writer.gone {
            batch.open_series(gone);
            batch.push_float(writer.last_ms, stale_nan());
        }
        match self.append.append(&batch, &ROUND) {
            Ok(_) => writer.gone.clear(),
            Err(error) if writer.gone.len() <= GONE_MAX => tracing::debug!(%error, "series that went away are not marked yet"),
            Err(error) => {
                tracing::warn!(%error, series = writer.gone.len(), "pushed series that went away end without a mark");
                writer.gone.clear();
            }
        }
    }

    fn push(&self, grouping: &Labels, headers: PushHeaders<'_>, body: &[u8], replace: bool) -> PushResponse {
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
        let mut writer = self.writer.lock();
        let now = self.clock.now_ms();
        let (before, verdict) = {
            let state = self.state.lock();
            let before = state.groups.get(grouping).cloned();
            if before.is_none() && state.groups.len() >= GROUPS_MAX {
                return PushResponse::new(400, format!("more than {GROUPS_MAX} groups"));
            }
            (before, state.check(grouping, &pushed))
        };
        if let Err(reason) = verdict {
            let group = before.unwrap_or_else(|| Group::new(grouping.clone()));
            let why = format!("pushed metrics are invalid or inconsistent with existing metrics: {reason}");
            return self.note_failure(group, now, why);
        }
        let mut group = before.clone().unwrap_or_else(|| Group::new(grouping.clone()));
        if replace {
            group.families.clear();
        }
        for PushedFamily { name, family } in pushed.families {
            group.families.insert(name, Family { time_ms: now, ..family });
        }
        (group.push_time_ms, group.ttl_ms) = (now, ttl.map_or(0, Duration::ms));
        self.take(&mut writer, before, group)
    }

    /// Puts a group in place of the one before, on disk, in storage and here, or leaves all as it was.
    fn take(&self, writer: &mut Writer, before: Option<Group>, group: Group) -> PushResponse {
        let key = group::file_key(&group.labels);
        if let Err(error) = self.log.prepare(&key, &group.encode()) {
            return PushResponse::new(503, format!("cannot store the group: {error}"));
        }
        let ts = time_after(writer.last_ms, self.clock.now_ms());
        let mut batch = WriteBatch::new();
        group.write(ts, &mut batch);
        group.describe(&mut batch);
        let samples = group.series().count() as u64;
        let failed = match append_whole(&*self.append, &mut batch, &WHOLE) {
            Ok(()) => match self.log.commit(&key) {
                Ok(()) => None,
                Err(error) => Some((true, PushResponse::new(503, format!("cannot store the group: {error}")))),
            },
            Err(NotTaken::Refused(refused)) => {
                self.log.discard(&key);
                let why = format!("pushed metrics cannot be stored: {}", group.name_refused(&refused));
                return match before {
                    Some(before) => self.note_failure(before, self.clock.now_ms(), why),
                    None => PushResponse::new(400, why),
                };
            }
            Err(NotTaken::Later(why)) => Some((false, PushResponse::new(503, why))),
            Err(NotTaken::InDoubt(why)) => Some((true, PushResponse::new(503, format!("storage does not take writes now: {why}")))),
        };
        if let Some((is_visible, response)) = failed {
            self.log.discard(&key);
            if is_visible {
                // Readers saw it; the group as it was is stated again, and what it does not have ends.
                writer.last_ms = ts;
                writer.replace(Some(&group), before.as_ref());
            }
            return response;
        }
        writer.last_ms = ts;
        writer.replace(before.as_ref(), Some(&group));
        {
            let mut state = self.state.lock();
            state.drop_group(&group.labels);
            state.adopt(group);
        }
        self.mark_gone(writer);
        PushResponse { samples, ..PushResponse::new(200, "") }
    }

    /// Remembers with a group that a push to it failed; answers `why`.
    fn note_failure(&self, mut group: Group, now: i64, why: String) -> PushResponse {
        group.push_failure_ms = now;
        let key = group::file_key(&group.labels);
        if let Err(error) = self.log.prepare(&key, &group.encode()).and_then(|()| self.log.commit(&key)) {
            self.log.discard(&key);
            tracing::warn!(%error, group = %group.labels, "that a push failed cannot be noted");
        } else {
            let mut state = self.state.lock();
            state.drop_group(&group.labels);
            state.adopt(group);
        }
        PushResponse::new(400, why)
    }
}

impl Writer {
    /// What one group has and the other has not went away.
    fn replace(&mut self, before: Option<&Group>, after: Option<&Group>) {
        self.gone.extend(before.into_iter().flat_map(Group::all_labels));
        for labels in after.into_iter().flat_map(Group::all_labels) {
            self.gone.remove(&labels);
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

    fn drop_group(&mut self, grouping: &Labels) -> Option<Group> {
        let group = self.groups.remove(grouping)?;
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
        Some(group)
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
