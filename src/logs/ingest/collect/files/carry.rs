//! Lines that rotation cuts: a container's runtime writes a long line in pieces, and the next piece may lie in the next file.
//!
//! Files that had one name one after another are read in that order ([`Files::line_up`]), and what a file begins and does not
//! end goes on in the next one ([`Files::hand_over`]). The journal says so in the same breath in which it says that the first
//! file is read to its end, and keeps the beginnings themselves: the first file may be gone by the time the next one is read.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::finder::siblings;
use super::positions::Record;
use super::source::{Inode, Source, Stat};
use super::tail::Tail;
use super::{Files, Followed, Stopped};
use crate::logs::ingest::stage::Entry;
use crate::logs::model::batch::LineBatch;
use crate::series::labels::{Labels, LabelsBuilder};

/// Bytes that one file may leave to the next.
const ONE_BYTES_MAX: usize = 1 << 20;
/// Bytes that all files together may, as the journal keeps them.
const ALL_BYTES_MAX: usize = 32 << 20;
/// Numbers of old files are smaller; what is larger is a date.
const NUMBER_MAX: u64 = 1_000_000;

/// The beginning of a line that goes on in another file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Carried {
    /// The stage that holds it, by number.
    pub(super) stage: usize,
    ts: Option<i64>,
    text: String,
    labels: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    extracted: Vec<(String, String)>,
}

/// What of a file goes on in another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Carries {
    /// The other one.
    pub(super) to: u64,
    pub(super) lines: Vec<Carried>,
}

impl Carried {
    pub(super) fn of(stage: usize, entry: Entry) -> Self {
        let pairs = |labels: &LabelsBuilder| labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (labels, fields) = (pairs(&entry.labels), pairs(&entry.fields));
        Self { stage, ts: entry.ts, text: entry.text, labels, fields, extracted: entry.extracted.into_iter().collect() }
    }

    /// The entry, which lies before the first byte of the file that goes on with it.
    pub(super) fn entry(&self) -> Entry {
        let builder = |pairs: &[(String, String)]| {
            let mut builder = LabelsBuilder::new();
            pairs.iter().for_each(|(name, value)| _ = builder.set(name, value));
            builder
        };
        Entry {
            labels: builder(&self.labels).into(),
            ts: self.ts,
            text: self.text.clone(),
            fields: builder(&self.fields),
            extracted: self.extracted.iter().cloned().collect(),
            from: 0,
            until: 0,
        }
    }

    fn bytes(&self) -> usize {
        let pairs = [&self.labels, &self.fields, &self.extracted];
        let of_pairs: usize = pairs.into_iter().flatten().map(|(name, value)| name.len() + value.len()).sum();
        self.text.len() + of_pairs
    }
}

/// The name that a file had before it was rotated away: without a number or a date behind it, and unpacked.
fn original(path: &Path) -> PathBuf {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return path.to_owned() };
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let is_number = |end: &str| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let name = name.rsplit_once('.').filter(|(stem, end)| !stem.is_empty() && is_number(end)).map_or(name, |(stem, _)| stem);
    path.with_file_name(name)
}

/// How old a file is by its name, among those that had the name `original`: zero for the one that has it still.
fn age(path: &Path, original: &Path) -> u64 {
    let (name, original) = (path.as_os_str().as_bytes(), original.as_os_str().as_bytes());
    let Some(end) = name.strip_prefix(original) else { return u64::MAX };
    let digits: String = end.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect();
    match digits.parse::<u64>() {
        Err(_) if end.is_empty() => 0,
        Err(_) => u64::MAX,
        Ok(number) if number < NUMBER_MAX => number,
        // The later the date, the younger the file.
        Ok(date) => u64::MAX - 1 - date,
    }
}

/// What a file that is gone leaves of lines that were cut before it.
pub(super) fn rest_of(record: &Record) -> Option<(Source, Stat)> {
    if record.carried.is_empty() || record.print.at > 0 {
        return None;
    }
    Source::nothing().ok()
}

impl Files {
    /// Finds out which file is to be read before which, where lines may go on from one to the next.
    pub(super) fn line_up(&mut self) {
        if std::mem::replace(&mut self.is_lined_up, true) {
            return;
        }
        let mut families: HashMap<(usize, u64, PathBuf), Vec<usize>> = HashMap::new();
        for (at, Followed { job, tail, .. }) in self.tails.iter().enumerate().filter(|(_, followed)| followed.tail.joins()) {
            // Lines go on within one stream only.
            let labels = tail.labels().build().stable_hash();
            families.entry((*job, labels, original(&tail.path))).or_default().push(at);
        }
        for ((_, _, original), mut members) in families {
            if members.len() < 2 || !members.iter().any(|at| self.tails[*at].tail.is_unread()) {
                continue;
            }
            let ages: HashMap<Inode, u64> = siblings(&original)
                .into_iter()
                .filter_map(|path| Some((Stat::of(&std::fs::metadata(&path).ok()?).inode, age(&path, &original))))
                .collect();
            members.sort_by_cached_key(|at| {
                let Followed { tail, inode, .. } = &self.tails[*at];
                // What has no name any more was rotated furthest.
                let age = ages.get(inode).copied().unwrap_or(u64::MAX);
                (Reverse(age), tail.source.stat().map_or(tail.stat.modified, |stat| stat.modified), tail.id)
            });
            let mut before = None;
            for at in members {
                let tail = &mut self.tails[at].tail;
                tail.after = before.filter(|_| tail.is_unread());
                before = Some(tail.id);
            }
        }
    }

    /// Lets files be read whose time has come, with what those before them leave.
    pub(super) fn hand_over(&mut self) -> Result<(), Stopped> {
        if self.tails.iter().all(|followed| followed.tail.after.is_none()) {
            return Ok(());
        }
        let mut tails = std::mem::take(&mut self.tails);
        let handed = self.hand_over_among(&mut tails);
        self.tails = tails;
        handed
    }

    fn hand_over_among(&mut self, tails: &mut [Followed]) -> Result<(), Stopped> {
        let places: HashMap<u64, usize> = tails.iter().enumerate().map(|(at, followed)| (followed.tail.id, at)).collect();
        for at in 0..tails.len() {
            let Some(before) = tails[at].tail.after else { continue };
            let Some(before) = places.get(&before) else {
                tails[at].tail.after = None;
                continue;
            };
            let Ok([Followed { tail: before, .. }, Followed { tail, .. }]) = tails.get_disjoint_mut([*before, at]) else { continue };
            if before.after.is_some() || !before.is_at_end() {
                continue;
            }
            let is_empty = tail.source.stat().is_ok_and(|stat| stat.len == 0);
            if !before.is_done() && is_empty && !before.is_ending {
                // Programs write on into the old file until they open the new one.
                continue;
            }
            self.carry_on(before, tail)?;
            tail.after = None;
        }
        Ok(())
    }

    /// Hands what a file that was read to its end begins to the one that follows. Whether there was anything.
    pub(super) fn carry_on(&mut self, before: &mut Tail, tail: &mut Tail) -> Result<bool, Stopped> {
        if !tail.is_unread() || !tail.is_done() {
            return Ok(false);
        }
        let kept: usize = self.positions.records().flat_map(|record| &record.carried).map(Carried::bytes).sum();
        let fits = |lines: &[Carried]| {
            let bytes: usize = lines.iter().map(Carried::bytes).sum();
            bytes <= ONE_BYTES_MAX && kept + bytes <= ALL_BYTES_MAX
        };
        let Some(lines) = before.take_open(fits) else { return Ok(false) };
        let mut batch = LineBatch::new();
        let mut base = self.base(self.now_ns());
        let slice = before.take_last_slice(&mut batch, &mut base, Carries { to: tail.id, lines: lines.clone() });
        self.next_ns = base;
        self.store(vec![slice], &batch)?;
        tail.go_on_with(&lines);
        Ok(true)
    }

    /// The same where the file has no place among those that are followed any more: another one has its name.
    pub(super) fn carry_to_name(&mut self, job: usize, before: &mut Tail) -> Result<bool, Stopped> {
        let mut tails = std::mem::take(&mut self.tails);
        let next = tails.iter_mut().rev().find(|followed| followed.job == job && followed.tail.path == before.path);
        let carried = next.map_or(Ok(false), |next| self.carry_on(before, &mut next.tail));
        self.tails = tails;
        carried
    }

    /// Ends lines that go on nowhere, as the file that was to go on with them is gone.
    pub(super) fn end_carried(&mut self, job: usize, record: &Record, labels: &Labels) {
        if self.tails.iter().any(|followed| followed.tail.id == record.id) {
            return;
        }
        let Some((source, stat)) = rest_of(record) else { return };
        self.follow(job, record, source, stat, labels);
        if let Some(followed) = self.tails.last_mut().filter(|followed| followed.tail.id == record.id) {
            followed.tail.is_ending = true;
        }
    }
}

#[cfg(test)]
mod tests;
