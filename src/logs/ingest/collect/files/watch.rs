//! Notices of changes in folders, so that lines are read as soon as they are written; without them, a look now and then.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Most folders that are watched; others are looked at now and then.
const FOLDERS_MAX: usize = 4_096;

/// The kernel's notices.
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    notices: Receiver<()>,
    names_changed: Arc<AtomicBool>,
    followed: BTreeSet<PathBuf>,
}

impl Watch {
    pub(super) fn new() -> Self {
        let (notice, notices): (SyncSender<()>, _) = sync_channel(1);
        let names_changed = Arc::new(AtomicBool::new(false));
        let changed = Arc::clone(&names_changed);
        let handler = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if event.kind.is_access() {
                return;
            }
            if matches!(event.kind, EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(notify::event::ModifyKind::Name(_))) {
                changed.store(true, Ordering::Relaxed);
            }
            // A full channel holds a notice already.
            let _one_is_enough = notice.try_send(());
        };
        let watcher = notify::recommended_watcher(handler);
        if let Err(error) = &watcher {
            tracing::warn!(%error, "no notices of changed log files, looking several times a second instead");
        }
        Self { watcher: watcher.ok(), notices, names_changed, followed: BTreeSet::new() }
    }

    /// Watches these folders, and no others.
    pub(super) fn follow(&mut self, folders: Vec<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        let wanted: BTreeSet<PathBuf> = folders.into_iter().filter(|folder| folder.is_dir()).take(FOLDERS_MAX).collect();
        for gone in self.followed.difference(&wanted) {
            // The kernel may have dropped the watch with the folder.
            let _may_be_gone = watcher.unwatch(gone);
        }
        let mut followed: BTreeSet<PathBuf> = self.followed.intersection(&wanted).cloned().collect();
        for new in wanted.difference(&self.followed) {
            if watcher.watch(new, RecursiveMode::NonRecursive).is_ok() {
                followed.insert(new.clone());
            }
        }
        self.followed = followed;
    }

    /// Whether files came, went or were renamed since this was asked last.
    pub(super) fn take_changed_names(&self) -> bool {
        self.names_changed.swap(false, Ordering::Relaxed)
    }

    /// Sleeps until something changes, but not for longer than this.
    pub(super) fn wait(&self, most: Duration) {
        let _notice_or_not = self.notices.recv_timeout(most);
    }

    /// Sleeps that long.
    pub(super) fn nap(&self, time: Duration) {
        std::thread::sleep(time);
        let _seen_with_the_next_look = self.notices.try_recv();
    }
}
