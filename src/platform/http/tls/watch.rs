//! Notices when files change, however they are replaced: written over, renamed into place, or by a link that leads
//! elsewhere, as Kubernetes does with secrets.

use std::path::PathBuf;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// How often to look anyway, where the kernel says nothing, such as on network file systems.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Files are often written in several steps; this long after the first one they are looked at.
const SETTLE: Duration = Duration::from_millis(200);

/// Tells when some files may have changed.
pub struct FileWatch {
    watcher: Option<RecommendedWatcher>,
    notices: mpsc::Receiver<()>,
    /// Keeps the channel open where there is no watcher.
    _sender: mpsc::Sender<()>,
    followed: Vec<PathBuf>,
}

impl std::fmt::Debug for FileWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileWatch").field("followed", &self.followed).finish_non_exhaustive()
    }
}

impl Default for FileWatch {
    fn default() -> Self {
        Self::new()
    }
}

impl FileWatch {
    /// Follows nothing yet.
    pub fn new() -> Self {
        let (sender, notices) = mpsc::channel(1);
        let notice = sender.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading is a kind of event too; following it would never end.
            if event.is_ok_and(|event| !event.kind.is_access()) {
                // A full channel already holds a notice.
                let _one_is_enough = notice.try_send(());
            }
        });
        if let Err(error) = &watcher {
            tracing::warn!(%error, "no notices of file changes, looking every few seconds instead");
        }
        Self { watcher: watcher.ok(), notices, _sender: sender, followed: Vec::new() }
    }

    /// Follows the folders of these files, and those that links lead to. Blocking.
    pub fn follow(&mut self, files: &[PathBuf]) {
        let Some(watcher) = &mut self.watcher else { return };
        let real = files.iter().filter_map(|file| file.canonicalize().ok());
        let mut folders: Vec<PathBuf> = files
            .iter()
            .cloned()
            .chain(real)
            .filter_map(|file| {
                file.parent().map(|folder| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() })
            })
            .collect();
        folders.sort();
        folders.dedup();
        for gone in self.followed.iter().filter(|folder| folders.binary_search(folder).is_err()) {
            // The kernel may have dropped the watch with the folder already.
            let _may_be_gone = watcher.unwatch(gone);
        }
        folders.retain(|folder| watcher.watch(folder, RecursiveMode::NonRecursive).is_ok());
        self.followed = folders;
    }

    /// Waits until it is time to look.
    pub async fn changed(&mut self) {
        let noticed = tokio::time::timeout(LOOK_EVERY, self.notices.recv()).await.is_ok();
        if noticed {
            tokio::time::sleep(SETTLE).await;
            while self.notices.try_recv().is_ok() {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn replaced_and_rewritten_files_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.pem");
        fs::write(&file, "1").unwrap();
        let mut watch = FileWatch::new();
        watch.follow(std::slice::from_ref(&file));
        for way in 0..2 {
            if way == 0 {
                fs::write(&file, "2").unwrap();
            } else {
                fs::write(folder.path().join("b"), "3").unwrap();
                fs::rename(folder.path().join("b"), &file).unwrap();
            }
            // Sooner than the look that comes anyway.
            tokio::time::timeout(LOOK_EVERY - Duration::from_secs(1), watch.changed()).await.expect("noticed");
        }
    }
}
