//! Parts that are live: with what is true of them beside their files, and with deletions that readers have to apply.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::DAY_NS;
use crate::base::cancel::Cancel;
use crate::logs::model::read::{LineBuf, LineChunk, LineSelection, SelectLinesError, Span, Stream, StreamQuery, Want};
use crate::logs::store::deletes::{Compiled, DeleteSet, Place, Reach, leave_out, reach_of};
use crate::logs::store::manifest::PartEntry;
use crate::logs::store::part::{Part, PartError};
use crate::logs::store::retention::Retention;

/// A folder that goes when nobody reads it any more, once it is retired.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    retired: AtomicBool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.retired.load(Ordering::Acquire) {
            // What stays is removed by the next start: no manifest names it.
            drop(fs::remove_dir_all(&self.path));
        }
    }
}

/// Rules, and the periods that they give to the streams of a part.
type Periods = (Arc<Retention>, Vec<i64>);

/// A part that is live.
#[derive(Clone)]
pub(super) struct LivePart {
    pub(super) entry: PartEntry,
    pub(super) part: Arc<Part>,
    /// Deletions that concern it and are not in its files.
    pub(super) pending: Arc<DeleteSet>,
    /// Deletions up to this number were looked at: those that concern it are pending, or done.
    looked_to: u64,
    folder: Arc<Folder>,
    /// Periods of its streams, shortest first, as the rules said last.
    periods: Arc<Mutex<Option<Periods>>>,
    /// Whether reading it failed.
    suspect: Arc<AtomicBool>,
}

impl LivePart {
    /// Opens the part that an entry names.
    pub(super) fn open(parts: &Path, entry: PartEntry) -> Result<Self, PartError> {
        let path = entry.path(parts);
        let part = Part::open(&path)?;
        let oldest_day = part.info().min_ts.div_euclid(DAY_NS).min(entry.day);
        Ok(Self {
            entry: PartEntry { oldest_day, ..entry },
            part,
            pending: Arc::default(),
            looked_to: entry.deletes_done,
            folder: Arc::new(Folder { path, retired: AtomicBool::new(false) }),
            periods: Arc::default(),
            suspect: Arc::default(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder.path
    }

    /// Its folder goes with its last reader.
    pub(super) fn retire(&self) {
        self.folder.retired.store(true, Ordering::Release);
    }

    /// Its folder stays, whoever retired it.
    pub(super) fn spare(&self) {
        self.folder.retired.store(false, Ordering::Release);
    }

    /// Whether reading it failed since it was opened.
    pub(super) fn is_suspect(&self) -> bool {
        self.suspect.load(Ordering::Relaxed)
    }

    /// Reading it failed.
    pub(super) fn suspect(&self) {
        self.suspect.store(true, Ordering::Relaxed);
    }

    /// Reads all of it.
    pub(super) fn verify(&self, cancel: &Cancel) -> Verdict {
        match Part::open(self.path()).and_then(|part| part.check(cancel)) {
            Ok(()) => self.suspect.store(false, Ordering::Relaxed),
            Err(PartError::Stopped(_)) => {}
            Err(error) if is_damage(&error) => return Verdict::Damaged(error.to_string()),
            Err(error) => return Verdict::Unknown(error),
        }
        Verdict::Whole
    }

    pub(super) fn overlaps(&self, span: Span) -> bool {
        let info = self.part.info();
        info.lines > 0 && info.min_ts < span.end && info.max_ts >= span.start
    }

    /// The same part with those of these deletions (by number) that concern it.
    pub(super) fn with_deletes(&self, deletes: &[Arc<Compiled>], cancel: &Cancel) -> Self {
        let is_there = |id: u64| deletes.binary_search_by_key(&id, |delete| delete.deletion.id).is_ok();
        let mut pending: Vec<Arc<Compiled>> = self.pending.all().iter().filter(|known| is_there(known.deletion.id)).cloned().collect();
        let known = deletes.partition_point(|delete| delete.deletion.id <= self.looked_to);
        pending.extend(deletes[known..].iter().filter(|delete| self.is_concerned(delete, cancel)).cloned());
        let looked_to = deletes.last().map_or(0, |delete| delete.deletion.id).max(self.looked_to);
        let unchanged = pending.len() == self.pending.all().len() && pending.iter().all(|delete| self.pending.has(delete.deletion.id));
        let pending = if unchanged { Arc::clone(&self.pending) } else { Arc::new(self.pending.with(pending)) };
        Self { pending, looked_to, ..self.clone() }
    }

    fn is_concerned(&self, delete: &Compiled, cancel: &Cancel) -> bool {
        if !self.overlaps(delete.deletion.span) {
            return false;
        }
        let query = StreamQuery { any_of: std::slice::from_ref(&delete.deletion.matchers), span: delete.deletion.span, limit: 1 };
        // What cannot be read now is better looked at by every reader than forgotten.
        self.part.streams(&query, cancel).map_or(true, |streams| !streams.is_empty())
    }

    /// Where lines of it lie that a deletion may mean.
    pub(super) fn reach(&self, delete: &Compiled) -> Reach {
        let needs = delete.needs();
        let selection = LineSelection { matchers: &delete.deletion.matchers, span: delete.deletion.span, needs: &needs };
        match self.part.select(&selection, &Cancel::new()) {
            Ok(chunks) => {
                let place = |chunk: &dyn LineChunk| {
                    let (from, to) = chunk.bounds();
                    Place { stream: chunk.stream().map(|stream| stream.labels.stable_hash()), from, to }
                };
                reach_of(chunks.iter().map(|chunk| place(chunk.as_ref())).collect())
            }
            // What cannot be read now is better looked at by every reader than forgotten.
            Err(_) => Box::new([Place::ALL]),
        }
    }

    /// Chunks that may hold wanted lines.
    pub(super) fn select(&self, selection: &LineSelection<'_>, cancel: &Cancel) -> Result<Vec<Box<dyn LineChunk>>, SelectLinesError> {
        let chunks = self.noting_damage(self.part.select(selection, cancel))?;
        let shared = Arc::new(self.clone());
        let concerned = !self.pending.is_empty();
        Ok(chunks
            .into_iter()
            .map(|inner| Box::new(PartChunk { inner, part: Arc::clone(&shared), concerned }) as Box<dyn LineChunk>)
            .collect())
    }

    pub(super) fn noting_damage<T, E: Into<SelectLinesError>>(&self, result: Result<T, E>) -> Result<T, SelectLinesError> {
        result.map_err(Into::into).inspect_err(|error| {
            if matches!(error, SelectLinesError::Storage(_)) {
                self.suspect.store(true, Ordering::Relaxed);
            }
        })
    }

    /// Periods that the rules give to its streams, each once, the shortest first; 0 (for ever) is last.
    pub(super) fn periods(&self, retention: &Arc<Retention>, cancel: &Cancel) -> Result<Vec<i64>, SelectLinesError> {
        if retention.streams.is_empty() {
            return Ok(vec![retention.period_ms]);
        }
        let mut known = self.periods.lock();
        if let Some((of, periods)) = &*known
            && Arc::ptr_eq(of, retention)
        {
            return Ok(periods.clone());
        }
        let streams = self.noting_damage(self.part.streams(&StreamQuery { any_of: &[], span: Span::ALL, limit: 0 }, cancel))?;
        let mut periods: Vec<i64> = streams.iter().map(|labels| retention.period_of(labels)).collect();
        periods.sort_unstable_by_key(|period| if *period <= 0 { i64::MAX } else { *period });
        periods.dedup();
        *known = Some((Arc::clone(retention), periods.clone()));
        Ok(periods)
    }
}

/// A chunk of a part that keeps the part's folder, notes damage and leaves out deleted lines.
struct PartChunk {
    inner: Box<dyn LineChunk>,
    part: Arc<LivePart>,
    concerned: bool,
}

impl LineChunk for PartChunk {
    fn bounds(&self) -> (i64, i64) {
        self.inner.bounds()
    }

    fn lines(&self) -> usize {
        self.inner.lines()
    }

    fn bytes(&self) -> usize {
        self.inner.bytes()
    }

    fn stream(&self) -> Option<&Arc<Stream>> {
        self.inner.stream()
    }

    fn read(&self, want: Want, into: &mut LineBuf) -> Result<(), SelectLinesError> {
        let deletes = &self.part.pending;
        let (min, max) = self.bounds();
        if !self.concerned {
            return self.part.noting_damage(self.inner.read(want, into));
        }
        let find = |delete: &Compiled| self.part.reach(delete);
        let Some(text) = deletes.wants_text(self.stream().map(|stream| &stream.labels), (min, max), &find) else {
            return self.part.noting_damage(self.inner.read(want, into));
        };
        self.part.noting_damage(self.inner.read(if text { Want::Text } else { want }, into))?;
        leave_out(deletes, (min, max), into, &find);
        Ok(())
    }
}

/// What looking at all of a part said.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing is wrong with it.
    Whole,
    /// A sentence that says what is damaged.
    Damaged(String),
    /// It could not be read now, which says nothing about it.
    Unknown(PartError),
}

/// A part that counts but could not be opened: the system refused, and may not do so later.
#[derive(Debug, Clone)]
pub(super) struct Absent {
    pub(super) entry: PartEntry,
    /// What the system said.
    pub(super) reason: String,
}

/// Whether an error says that files are not what was written. A system that is short of files, memory or space, or whose
/// disk does not answer, says nothing about them.
pub(super) fn is_damage(error: &PartError) -> bool {
    use io::ErrorKind::{InvalidData, IsADirectory, NotADirectory, NotFound, UnexpectedEof};
    match error {
        PartError::Damaged { .. } | PartError::Version { .. } => true,
        PartError::Io { source, .. } => {
            matches!(source.kind(), NotFound | UnexpectedEof | InvalidData | IsADirectory | NotADirectory)
        }
        PartError::Input(_) | PartError::TooLarge { .. } | PartError::Stopped(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_damage_is_damage() {
        let refused = |source: io::Error| PartError::Io { action: "open", path: PathBuf::from("x"), source };
        // EINTR, EIO, EAGAIN, ENOMEM, EACCES, ENFILE, EMFILE, ENOSPC, ELOOP, ESTALE.
        for code in [4, 5, 11, 12, 13, 23, 24, 28, 40, 116] {
            assert!(!is_damage(&refused(io::Error::from_raw_os_error(code))), "error {code} of the system");
        }
        // ENOENT, ENOTDIR, EISDIR.
        for code in [2, 20, 21] {
            assert!(is_damage(&refused(io::Error::from_raw_os_error(code))), "error {code} of the system");
        }
        assert!(is_damage(&refused(io::ErrorKind::UnexpectedEof.into())));
        assert!(is_damage(&PartError::Damaged { path: PathBuf::new(), what: String::new() }));
        assert!(!is_damage(&PartError::Input("x")));
    }
}
