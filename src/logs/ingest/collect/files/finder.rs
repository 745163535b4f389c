//! Which files there are now, which of them are known, and under which other name a known one goes on.

use std::collections::{BTreeMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::glob::Expanded;
use super::positions::Record;
use super::source::{Heads, Inode, Print, Source, Stat};
use super::tail::Tail;
use super::{FAILED_MS, Files, Followed, KNOWN_BYTES_MIN, ROTATED_QUIET_MS};

/// Most files of a folder that are looked at for a copy.
const SIBLINGS_MAX: usize = 1_000;

/// With more files that are new at once nobody looks for what was rotated away before each of them.
const MANY: usize = 500;

/// How long after its last change a short file may still be a copy being made, in seconds.
const COPY_YOUNG_S: i64 = 2;
/// After how long what may be a copy is looked at again, in milliseconds.
const COPY_AGAIN_MS: i64 = 300;

/// Bytes by which a file is known again that lost its place, among those beside it.
const BESIDE_BYTES_MIN: u64 = 16;

/// A file that need not be opened again as long as it is as it was, or for some time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dormant {
    /// As it was.
    pub(super) stat: Option<Stat>,
    /// Until when it is left alone, in milliseconds of the clock.
    pub(super) until_ms: i64,
}

/// The folder and the name of a path.
fn parts(path: &Path) -> (&[u8], &[u8]) {
    let bytes = path.as_os_str().as_bytes();
    memchr::memrchr(b'/', bytes).map_or((&[][..], bytes), |at| (&bytes[..at], &bytes[at + 1..]))
}

/// What the names of a file and of its copies begin with.
fn stem(name: &str) -> &str {
    name.split('.').find(|part| !part.is_empty()).unwrap_or(name)
}

/// Whether a name begins as those of copies of `path` do, in the same folder.
fn is_beside(path: &Path, other: &Path) -> bool {
    let ((folder, name), (their_folder, their_name)) = (parts(path), parts(other));
    let stem = std::str::from_utf8(name).map_or(&[][..], |name| stem(name).as_bytes());
    let dots = their_name.iter().take_while(|byte| **byte == b'.').count();
    folder == their_folder && !stem.is_empty() && their_name[dots..].starts_with(stem)
}

/// Files beside this one whose names begin alike.
pub(super) fn siblings(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else { return Vec::new() };
    let stem = stem(name);
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|other| other.trim_start_matches('.').starts_with(stem)))
        .map(|entry| entry.path())
        .take(SIBLINGS_MAX)
        .collect();
    found.sort();
    found
}

/// The file of a record, whatever it is called now: by its inode, or by its content, which is known up to `print`.
pub(super) fn locate(record: &Record, print: &Print) -> Option<(Source, Stat)> {
    let mut candidates = vec![record.path.clone()];
    candidates.extend(siblings(&record.path));
    let open = |path: &PathBuf| -> Option<(Source, Stat)> {
        let (mut source, stat) = Source::open(path).ok()?;
        source.is(print).then_some((source, stat))
    };
    let by_inode = candidates.iter().find(|path| std::fs::metadata(path).is_ok_and(|found| Stat::of(&found).inode == record.inode));
    by_inode.and_then(open).or_else(|| {
        if print.at < BESIDE_BYTES_MIN {
            return None;
        }
        candidates.iter().find_map(open)
    })
}

impl Files {
    /// Matches the patterns anew. The folders in which more files may appear.
    pub(super) fn scan(&mut self) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        let mut seen: HashSet<(usize, Inode)> = HashSet::new();
        let followed: HashSet<(usize, Inode)> = self.tails.iter().map(|followed| (followed.job, followed.inode)).collect();
        let mut found: Vec<(usize, usize, PathBuf, Stat)> = Vec::new();
        let mut unreadable: BTreeMap<PathBuf, String> = BTreeMap::new();
        for (job_at, job) in self.jobs.iter().enumerate() {
            for (target_at, target) in job.targets.iter().enumerate() {
                let Expanded { files: paths, folders: of_target, denied } = target.pattern.expand();
                folders.extend(of_target);
                unreadable.extend(denied.into_iter().map(|(folder, why)| (folder, format!("the folder cannot be listed: {why}"))));
                for path in paths {
                    if target.exclude.as_ref().is_some_and(|exclude| exclude.matches(&path)) {
                        continue;
                    }
                    let Ok(metadata) = std::fs::metadata(&path) else { continue };
                    let stat = Stat::of(&metadata);
                    let is_new = metadata.is_file() && seen.insert((job_at, stat.inode));
                    if is_new && !followed.contains(&(job_at, stat.inode)) {
                        found.push((job_at, target_at, path, stat));
                    }
                }
            }
        }
        self.stats.deny_folders(unreadable);
        let mut orphans: Vec<Record> = Vec::new();
        self.many_are_new = found.len() > MANY;
        if self.first_scan {
            self.first_scan = false;
            let is_found = |record: &&Record| {
                self.jobs.iter().position(|job| job.name == record.job).is_some_and(|job| seen.contains(&(job, record.inode)))
            };
            orphans.extend(self.positions.records().filter(|record| !is_found(record)).cloned());
        }
        for (job, target, path, stat) in found {
            self.consider(job, target, &path, stat, &mut orphans);
        }
        self.many_are_new = false;
        for record in orphans {
            self.go_on_elsewhere(&record);
        }
        self.note_rotated(&seen);
        self.line_up();
        folders.sort();
        folders.dedup();
        folders
    }

    /// Follows a file unless that is done already or need not be.
    fn consider(&mut self, job: usize, target: usize, path: &Path, stat: Stat, orphans: &mut Vec<Record>) {
        if self.is_followed(job, stat.inode) {
            return;
        }
        let now = self.monotonic_ms();
        if let Some(dormant) = self.dormant.get(&(job, stat.inode)) {
            let is_as_it_was = dormant.stat.is_none_or(|known| known == stat);
            if is_as_it_was && now < dormant.until_ms {
                return;
            }
        }
        self.dormant.remove(&(job, stat.inode));
        if self.tails.len() >= self.tails_max && !self.make_room() {
            let why = format!("waits, since {} log files are followed already and have lines left", self.tails_max);
            self.stats.deny(path, &why);
            // As soon as others have been read.
            self.scans_now = true;
            return;
        }
        let (mut source, stat) = match Source::open(path) {
            Ok(opened) => opened,
            Err(error) => {
                self.stats.errors.fetch_add(1, Ordering::Relaxed);
                // Said once, and shown as long as it is so.
                if self.stats.deny(path, &error.to_string()) {
                    tracing::warn!(file = %path.display(), %error, "a log file cannot be opened");
                }
                self.dormant.insert((job, stat.inode), Dormant { stat: None, until_ms: now.saturating_add(FAILED_MS) });
                return;
            }
        };
        self.stats.allow(path);
        let mut heads = source.heads();
        let record = match self.known(job, path, stat, (&mut source, &mut heads), orphans) {
            Known::Same(record) => record,
            Known::CopyOfFollowed => {
                // It may go on here, once the original is cut off.
                self.dormant.insert((job, stat.inode), Dormant { stat: Some(stat), until_ms: now.saturating_add(COPY_AGAIN_MS) });
                return;
            }
            Known::New => {
                let name = self.jobs[job].name.clone();
                let added = self.positions.add(&name, path, stat.inode, self.clock.now_ms());
                match added.ok().and_then(|id| self.positions.get(id).cloned()) {
                    Some(record) => record,
                    // The journal cannot be written; the next scan tries again.
                    None => return,
                }
            }
        };
        if record.print.at == stat.len && !source.is_packed() && path != record.path {
            // An older one that was read to its end: only looked at again when it changes.
            self.dormant.insert((job, stat.inode), Dormant { stat: Some(stat), until_ms: i64::MAX });
            return;
        }
        let labels = self.jobs[job].targets[target].labels_of(&record.path);
        self.follow(job, &record, source, stat, &labels);
        if let Some(followed) = self.tails.last_mut().filter(|followed| followed.tail.id == record.id) {
            followed.tail.begins = heads.bytes;
        }
        if record.print.at == 0 && !self.many_are_new {
            // Nothing was read of it yet: what it held since it was seen first may have been rotated away meanwhile.
            let seen = (record.seen_ms.div_euclid(1000), record.seen_ms.rem_euclid(1000) * 1_000_000);
            // As may be what came between the file that had the name when it was looked at last and this one.
            let before = self.tails.iter().filter(|followed| followed.job == job && followed.tail.path == record.path);
            let before = before.filter(|followed| followed.inode != stat.inode && followed.tail.has_looked());
            let modified = before.map(|followed| followed.tail.stat.modified).max().map_or(seen, |before| before.min(seen));
            self.follow_missed(job, &record.path, Stat { modified, ..stat });
        }
    }

    pub(super) fn follow(&mut self, job: usize, record: &Record, source: Source, stat: Stat, labels: &crate::series::labels::Labels) {
        let is_packed = source.is_packed();
        match Tail::new(record, source, stat, labels, &self.jobs[job]) {
            Ok(mut tail) => {
                tail.is_ending = is_packed;
                self.is_lined_up = false;
                self.tails.push(Followed { job, tail, inode: stat.inode });
            }
            Err(error) => tracing::warn!(file = %record.path.display(), %error, "a log file cannot be read"),
        }
    }

    /// Closes a file that was read to its end and has not changed for longest: it is opened again when it changes. Whether there
    /// was one.
    fn make_room(&mut self) -> bool {
        let idle = self.tails.iter().enumerate().filter(|(_, followed)| followed.tail.has_looked() && followed.tail.is_done());
        let oldest = idle.min_by_key(|(_, followed)| followed.tail.stat.modified).map(|(at, _)| at);
        let Some(at) = oldest else { return false };
        let followed = self.tails.swap_remove(at);
        self.dormant.insert((followed.job, followed.inode), Dormant { stat: Some(followed.tail.stat), until_ms: i64::MAX });
        true
    }

    fn is_followed(&self, job: usize, inode: Inode) -> bool {
        self.tails.iter().any(|followed| followed.job == job && followed.inode == inode)
    }

    /// What is known of a file.
    fn known(
        &mut self,
        job: usize,
        path: &Path,
        stat: Stat,
        (source, heads): (&mut Source, &mut Heads),
        orphans: &mut Vec<Record>,
    ) -> Known {
        let inode = stat.inode;
        let name = self.jobs[job].name.clone();
        let by_inode =
            self.positions.records().filter(|record| record.job == name && record.inode == inode).max_by_key(|record| record.id).cloned();
        if let Some(record) = by_inode {
            if source.is(&record.print) {
                return Known::Same(record);
            }
            // Another file has its place now, or it was cut off: the old one may go on elsewhere.
            orphans.push(record);
        }
        // Copies lie beside their originals, and are mostly called like them.
        let folder = parts(path).0;
        let mut may_be = |record: &&Record| {
            let may_be = record.print.at >= BESIDE_BYTES_MIN
                && record.inode != inode
                && record.job == name
                && parts(&record.path).0 == folder
                && heads.may_have(&record.print);
            may_be && (record.print.at >= KNOWN_BYTES_MIN || (is_beside(path, &record.path) && record.path.exists()))
        };
        let mut by_content: Vec<Record> = self.positions.records().filter(|record| may_be(record)).cloned().collect();
        // The one that was read furthest.
        by_content.sort_by_key(|record| std::cmp::Reverse(record.print.at));
        let Some(record) = by_content.into_iter().find(|record| source.is(&record.print)) else {
            if let Some(copy) = self.known_as_shorter_copy(job, path, stat, source) {
                return Known::Same(copy);
            }
            return if self.may_be_copy(job, path, stat, source, &heads.bytes) { Known::CopyOfFollowed } else { Known::New };
        };
        if self.tails.iter().any(|followed| followed.tail.id == record.id) {
            return Known::CopyOfFollowed;
        }
        let copied = self.positions.add(&name, &record.path, inode, self.clock.now_ms()).ok().and_then(|id| {
            let copy = Record { id, inode, ..record };
            self.positions.put(copy.clone()).ok()?;
            Some(copy)
        });
        copied.map_or(Known::New, Known::Same)
    }

    /// Whether a new file may be a copy being made of one that is followed, before that is cut off.
    fn may_be_copy(&mut self, job: usize, path: &Path, stat: Stat, source: &mut Source, head: &[u8]) -> bool {
        let age_s = self.clock.now_ms().div_euclid(1000).saturating_sub(stat.modified.0);
        let is_young = age_s < COPY_YOUNG_S;
        for followed in self.tails.iter_mut().filter(|followed| followed.job == job) {
            let tail = &mut followed.tail;
            let may_be = tail.may_begin_like(head) && is_beside(path, &tail.path) && tail.path != path;
            if !may_be {
                continue;
            }
            let len = if source.is_packed() { head.len() as u64 } else { stat.len };
            if len < KNOWN_BYTES_MIN && is_young && tail.path.exists() {
                // Too short to tell.
                return true;
            }
            if tail.path.exists() && tail.begins_like(source) {
                return true;
            }
        }
        false
    }

    /// Looks for a file that was followed before the start, or had this place, under another name.
    fn go_on_elsewhere(&mut self, record: &Record) {
        let Some((job, labels)) = self.target_of(record) else { return };
        let Some((mut source, stat)) = locate(record, &record.print) else {
            self.end_carried(job, record, &labels);
            return;
        };
        if self.is_followed(job, stat.inode) || self.tails.iter().any(|followed| followed.tail.id == record.id) {
            return;
        }
        let age_ms = self.clock.now_ms().saturating_sub(stat.modified.0.saturating_mul(1000));
        if stat.len <= record.print.at && !source.is_packed() && age_ms > ROTATED_QUIET_MS {
            // Read to its end; what came after it may have gone too.
            self.follow_missed(job, &record.path, stat);
            return;
        }
        // Another record may know this very file, further on; inodes of files that are gone are given to others.
        let further = self.positions.records().filter(|other| {
            other.id != record.id && other.job == record.job && other.inode == stat.inode && other.print.at >= record.print.at
        });
        let prints: Vec<Print> = further.map(|other| other.print).collect();
        if prints.iter().any(|print| source.is(print)) {
            return;
        }
        let moved = Record { inode: stat.inode, ..record.clone() };
        if self.positions.put(moved.clone()).is_ok() {
            self.stats.rotations.fetch_add(1, Ordering::Relaxed);
            self.follow(job, &moved, source, stat, &labels);
            self.follow_missed(job, &record.path, stat);
        }
    }

    /// Follows the file that has a name now, without waiting for the next scan: it may not last long.
    pub(super) fn take_place(&mut self, job: usize, path: &Path) {
        let Some(target) = self.jobs[job].targets.iter().position(|target| target.finds(path)) else { return };
        let Ok(metadata) = std::fs::metadata(path) else { return };
        let mut orphans = Vec::new();
        self.consider(job, target, path, Stat::of(&metadata), &mut orphans);
        for record in orphans {
            self.go_on_elsewhere(&record);
        }
    }

    /// Follows files that had the name `path` after the one that is now as `after` says, and were rotated away before anybody
    /// looked.
    pub(super) fn follow_missed(&mut self, job: usize, path: &Path, after: Stat) {
        let Some(target) = self.jobs[job].targets.iter().position(|target| target.finds(path)) else { return };
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return };
        let was_called = |sibling: &Path| {
            let rest = sibling.file_name().and_then(|other| other.to_str()).and_then(|other| other.strip_prefix(name));
            rest.is_some_and(|rest| rest.starts_with(['.', '-']))
        };
        for sibling in siblings(path).into_iter().filter(|sibling| was_called(sibling)) {
            let Ok(metadata) = std::fs::metadata(&sibling) else { continue };
            let stat = Stat::of(&metadata);
            let is_newer = stat.modified > after.modified && stat.inode != after.inode && metadata.is_file();
            if !is_newer || self.is_followed(job, stat.inode) {
                continue;
            }
            let Ok((mut source, stat)) = Source::open(&sibling) else { continue };
            let job_name = &self.jobs[job].name;
            let of_inode = self.positions.records().filter(|record| record.job == *job_name && record.inode == stat.inode);
            let prints: Vec<Print> = of_inode.map(|record| record.print).collect();
            if prints.iter().any(|print| source.is(print)) {
                continue;
            }
            let mut heads = source.heads();
            let record = match self.known(job, &sibling, stat, (&mut source, &mut heads), &mut Vec::new()) {
                Known::Same(record) => record,
                Known::CopyOfFollowed => continue,
                Known::New => {
                    let name = self.jobs[job].name.clone();
                    let added = self.positions.add(&name, path, stat.inode, self.clock.now_ms());
                    let Some(record) = added.ok().and_then(|id| self.positions.get(id).cloned()) else { continue };
                    record
                }
            };
            self.stats.rotations.fetch_add(1, Ordering::Relaxed);
            let labels = self.jobs[job].targets[target].labels_of(path);
            self.follow(job, &record, source, stat, &labels);
        }
    }

    /// Notes which files no pattern finds any more.
    fn note_rotated(&mut self, seen: &HashSet<(usize, Inode)>) {
        let now = self.monotonic_ms();
        let mut ids = Vec::with_capacity(self.tails.len());
        for followed in &mut self.tails {
            let tail = &mut followed.tail;
            if seen.contains(&(followed.job, followed.inode)) {
                tail.quiet_since_ms = None;
            } else if tail.quiet_since_ms.is_none() {
                tail.quiet_since_ms = Some(now);
            }
            ids.push(tail.id);
        }
        self.dormant.retain(|key, _| seen.contains(key));
        let still_there = self.positions.records().filter(|record| {
            self.jobs.iter().position(|job| job.name == record.job).is_some_and(|job| seen.contains(&(job, record.inode)))
        });
        ids.extend(still_there.map(|record| record.id));
        if let Err(error) = self.positions.seen(&ids, self.clock.now_ms()) {
            tracing::debug!(%error, "positions of files that are gone stay for now");
        }
    }
}

enum Known {
    /// It was read before, as far as this says.
    Same(Record),
    /// It has the content of a file that is being read.
    CopyOfFollowed,
    New,
}
