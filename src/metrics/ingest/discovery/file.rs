//! Targets from files that others write: JSON or YAML, read again as soon as they change.
//!
//! Three things tell of a change: notices of the kernel for the folders and files concerned, a look at size and
//! modification time every few seconds (network and container mounts send no notices), and the refresh interval.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::glob::{expand, folder};
use super::group::{parse_json, parse_yaml};
use super::{DiscoveryStats, GROUP_BYTES_MAX, ProviderStatus, Sink, TargetGroup};
use crate::metrics::model::config::FileSd;

/// How often file states are compared without notice.
const POLL: Duration = Duration::from_secs(5);
/// Writers often make several changes at once; this is how long to wait for the last of them.
const SETTLE: Duration = Duration::from_millis(50);

/// Watches and reads until nobody listens.
pub async fn run(config: FileSd, sink: Sink, status: ProviderStatus) {
    let (notice, mut notices) = mpsc::channel(1);
    let mut watch = Watch::new(notice);
    let interval = config.refresh_interval.to_std().max(Duration::from_millis(100));
    let mut refresh = tokio::time::interval(interval);
    let mut poll = tokio::time::interval(interval.min(POLL));
    refresh.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut reader = Reader { patterns: config.files.clone(), known: BTreeMap::new(), errors: Vec::new(), stats: status.stats.clone() };
    let mut sent: Option<Vec<TargetGroup>> = None;
    loop {
        let forced = tokio::select! {
            _ = refresh.tick() => true,
            _ = poll.tick() => false,
            _ = notices.recv() => {
                tokio::time::sleep(SETTLE).await;
                let _newer_notice_counts_too = notices.try_recv();
                // Two writes within one tick of the file system's clock look alike from outside.
                true
            }
        };
        let read = tokio::task::spawn_blocking(move || {
            // Watch first, so that a change while reading is noticed.
            let patterns = reader.patterns.clone();
            watch.follow(&patterns);
            let groups = reader.read(forced);
            (watch, reader, groups)
        });
        let Ok((same_watch, same_reader, groups)) = read.await else { return };
        (watch, reader) = (same_watch, same_reader);
        let Some(groups) = groups else { continue };
        status.note("file", if reader.errors.is_empty() { Ok(()) } else { Err(reader.errors.join("; ")) });
        if sent.as_ref() != Some(&groups) {
            sent = Some(groups.clone());
            if !sink.send(groups).await {
                return;
            }
        }
    }
}

/// The files and what they held when last read well.
struct Reader {
    patterns: Vec<String>,
    known: BTreeMap<PathBuf, Known>,
    errors: Vec<String>,
    stats: Arc<DiscoveryStats>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.known.keys().for_each(|path| self.stats.file_seen(&path.display().to_string(), None));
    }
}

struct Known {
    /// Inode, size and time of change as of the last attempt, good or bad.
    stamp: Option<(u64, u64, SystemTime)>,
    groups: Vec<TargetGroup>,
    error: Option<String>,
}

impl Reader {
    /// Reads files that changed (all when `forced`). `None` when there is nothing new.
    fn read(&mut self, forced: bool) -> Option<Vec<TargetGroup>> {
        let mut changed = forced;
        let mut paths: Vec<PathBuf> = self.patterns.iter().flat_map(|pattern| expand(pattern)).collect();
        paths.sort();
        paths.dedup();
        let before = self.known.len();
        let stats = &self.stats;
        self.known.retain(|path, _| {
            let stays = paths.binary_search(path).is_ok();
            if !stays {
                stats.file_seen(&path.display().to_string(), None);
            }
            stays
        });
        changed |= self.known.len() != before;
        for path in paths {
            let stamp = std::fs::metadata(&path).and_then(|found| Ok((found.ino(), found.len(), found.modified()?))).ok();
            let known = self.known.get(&path);
            if !forced && known.is_some_and(|known| known.stamp == stamp) {
                continue;
            }
            changed = true;
            let (groups, error) = match read_file(&path) {
                Ok(groups) => (groups, None),
                Err(error) => {
                    self.stats.file_failed();
                    (known.map(|known| known.groups.clone()).unwrap_or_default(), Some(format!("{}: {error}", path.display())))
                }
            };
            let modified = stamp.and_then(|(_, _, modified)| modified.duration_since(SystemTime::UNIX_EPOCH).ok());
            self.stats.file_seen(&path.display().to_string(), modified.map(|since| since.as_secs_f64()));
            self.known.insert(path, Known { stamp, groups, error });
        }
        self.errors = self.known.values().filter_map(|known| known.error.clone()).collect();
        changed.then(|| self.known.values().flat_map(|known| known.groups.iter().cloned()).collect())
    }
}

fn read_file(path: &Path) -> Result<Vec<TargetGroup>, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(GROUP_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > GROUP_BYTES_MAX {
        return Err(format!("larger than {GROUP_BYTES_MAX} bytes"));
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("").to_ascii_lowercase();
    let groups = match extension.as_str() {
        "json" => parse_json(&bytes)?,
        "yml" | "yaml" => parse_yaml(&bytes)?,
        _ => return Err("neither .json nor .yml nor .yaml".to_owned()),
    };
    let name = path.display().to_string();
    let named = groups.into_iter().enumerate().map(|(index, group)| group.into_group(format!("{name}:{index}"), "__meta_filepath", &name));
    Ok(named.collect())
}

/// The kernel's notices; without them the polling goes on alone.
struct Watch {
    watcher: Option<RecommendedWatcher>,
    /// What is watched: folders of the patterns, files, and the folders that links lead to.
    followed: Vec<PathBuf>,
}

impl Watch {
    fn new(notice: mpsc::Sender<()>) -> Self {
        let handler = move |event: notify::Result<notify::Event>| {
            // Reading is a kind of event too; following it would never end.
            if event.is_ok_and(|event| !event.kind.is_access()) {
                // A full channel already holds a notice.
                let _one_is_enough = notice.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(handler);
        if let Err(error) = &watcher {
            tracing::warn!(%error, "no notices of file changes, looking every few seconds instead");
        }
        Self { watcher: watcher.ok(), followed: Vec::new() }
    }

    /// Sets the watches that the files of now need. A replaced file is a new one and needs a new watch.
    fn follow(&mut self, patterns: &[String]) {
        let Some(watcher) = &mut self.watcher else { return };
        let mut wanted: Vec<PathBuf> = patterns.iter().map(|pattern| PathBuf::from(folder(pattern))).collect();
        for path in patterns.iter().flat_map(|pattern| expand(pattern)) {
            if let Ok(real) = path.canonicalize() {
                wanted.extend(real.parent().map(Path::to_path_buf));
                wanted.push(real);
            }
        }
        wanted.sort();
        wanted.dedup();
        for gone in self.followed.iter().filter(|path| wanted.binary_search(path).is_err()) {
            // The kernel may have dropped the watch with the file already.
            let _may_be_gone = watcher.unwatch(gone);
        }
        wanted.retain(|path| watcher.watch(path, RecursiveMode::NonRecursive).is_ok());
        self.followed = wanted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Duration as ConfigDuration;

    struct Running {
        updates: mpsc::Receiver<super::super::Update>,
        status: ProviderStatus,
        task: tokio::task::JoinHandle<()>,
    }

    fn start(pattern: &Path) -> Running {
        let (out, updates) = mpsc::channel(8);
        let status = ProviderStatus::default();
        let config = FileSd { files: vec![pattern.to_str().unwrap().to_owned()], refresh_interval: ConfigDuration::from_secs(300) };
        let task = tokio::spawn(run(config, Sink::new(0, out), status.clone()));
        Running { updates, status, task }
    }

    impl Running {
        /// Waits until the addresses are these.
        async fn expect(&mut self, addresses: &[&str]) -> Vec<TargetGroup> {
            let wait = async {
                loop {
                    let groups = self.updates.recv().await.unwrap().groups;
                    let found: Vec<_> = groups.iter().flat_map(|group| &group.targets).map(|t| t.get("__address__").unwrap()).collect();
                    if found == addresses {
                        return groups;
                    }
                }
            };
            tokio::time::timeout(Duration::from_secs(120), wait).await.expect("targets did not come")
        }

        async fn expect_error(&self, part: &str) {
            let wait = async {
                while !self.status.last_error().is_some_and(|error| error.contains(part)) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(120), wait).await.expect("no error was reported");
        }
    }

    fn replace(path: &Path, content: &str) {
        let new = path.with_extension("new");
        std::fs::write(&new, content).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    #[tokio::test]
    async fn follows_writes_renames_new_and_removed_files() {
        let dir = tempfile::tempdir().unwrap();
        let (json, yaml) = (dir.path().join("a.json"), dir.path().join("b.yml"));
        std::fs::write(&json, r#"[{"targets":["a:1"],"labels":{"k":"v"}}]"#).unwrap();
        let mut running = start(&dir.path().join("*.*[nl]"));
        let groups = running.expect(&["a:1"]).await;
        assert_eq!(groups[0].source, format!("{}:0", json.display()));
        assert_eq!(groups[0].labels.get("__meta_filepath"), json.to_str());
        replace(&json, r#"[{"targets":["a:2"]}]"#);
        running.expect(&["a:2"]).await;
        std::fs::write(&yaml, "- targets: [b:1]\n").unwrap();
        running.expect(&["a:2", "b:1"]).await;
        // A broken file keeps what it held, and says so.
        std::fs::write(&json, r#"[{"targets":"#).unwrap();
        running.expect_error("a.json").await;
        std::fs::remove_file(&yaml).unwrap();
        running.expect(&["a:2"]).await;
        std::fs::write(&json, "[]").unwrap();
        running.expect(&[]).await;
        assert_eq!(running.status.last_error(), None);
        running.task.abort();
    }

    #[tokio::test]
    async fn follows_links_that_are_switched_or_written_through() {
        // As Kubernetes mounts configuration: file -> ..data/file, ..data -> version.
        let dir = tempfile::tempdir().unwrap();
        for (version, address) in [("v1", "a:1"), ("v2", "a:2")] {
            std::fs::create_dir(dir.path().join(version)).unwrap();
            std::fs::write(dir.path().join(version).join("t.yml"), format!("- targets: ['{address}']\n")).unwrap();
        }
        std::os::unix::fs::symlink("v1", dir.path().join("..data")).unwrap();
        std::os::unix::fs::symlink("..data/t.yml", dir.path().join("t.yml")).unwrap();
        let mut running = start(&dir.path().join("t.yml"));
        running.expect(&["a:1"]).await;
        std::os::unix::fs::symlink("v2", dir.path().join("..tmp")).unwrap();
        std::fs::rename(dir.path().join("..tmp"), dir.path().join("..data")).unwrap();
        running.expect(&["a:2"]).await;
        std::fs::write(dir.path().join("v2/t.yml"), "- targets: ['a:3', 'a:4']\n").unwrap();
        running.expect(&["a:3", "a:4"]).await;
        running.task.abort();
    }
}
