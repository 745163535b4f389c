//! Follows folders of dashboards: what is new or changed in them is read once it is whole, what is gone goes.
//!
//! A dashboard that was changed here keeps that change: what its file says then becomes a version before it, and the log
//! tells in what they differ. Files are looked at every few seconds rather than by the kernel's notices, which do not come
//! over network file systems, nor when a link to a folder is turned to another one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::files::{Seen, look};
use super::providers::Provider;
use crate::base::clock::SharedClock;
use crate::boards::model::{
    About, BOARD_BYTES_MAX, Board, Folder, FolderSaving, Library, Report, Saving, Search, classic, is_uid, with_inputs,
};

/// How often files are looked at.
const EVERY: Duration = Duration::from_secs(5);
/// Findings of one dashboard that the log has.
const FINDINGS_LOGGED: usize = 20;
/// What is said of two dashboards that do not differ.
const EQUAL: &str = "they are equal";
/// Who changes dashboards by files.
const BY: &str = "file";

/// Follows the folders of all providers.
pub struct Follower {
    library: Arc<dyn Library>,
    clock: SharedClock,
    providers: Vec<Provider>,
    /// What was wrong with a file when it was read last, so that it is told once.
    told: HashMap<PathBuf, String>,
}

/// What is seen of every provider; an error where its folder cannot be read.
type Sight = Vec<Result<Vec<Seen>, String>>;

impl Follower {
    /// Of these folders, into a library.
    pub fn new(library: Arc<dyn Library>, clock: SharedClock, providers: Vec<Provider>) -> Self {
        Self { library, clock, providers, told: HashMap::new() }
    }

    /// Follows until it is aborted.
    pub async fn follow(mut self) {
        if self.providers.is_empty() {
            return;
        }
        let mut known = None;
        let mut changing = None;
        loop {
            let now = self.sight().await;
            let is_first = known.is_none();
            // Read once it looks the same twice: whoever writes it may not have finished.
            if is_first || (known.as_ref() != Some(&now) && changing.as_ref() == Some(&now)) {
                self.read_all(&now).await;
                (known, changing) = (Some(now), None);
            } else {
                changing = (known.as_ref() != Some(&now)).then_some(now);
            }
            tokio::time::sleep(if changing.is_some() { EVERY / 5 } else { EVERY }).await;
        }
    }

    async fn sight(&self) -> Sight {
        let folders: Vec<PathBuf> = self.providers.iter().map(|provider| provider.path.clone()).collect();
        let looked = tokio::task::spawn_blocking(move || folders.iter().map(|folder| look(folder)).collect());
        looked.await.unwrap_or_default()
    }

    /// Reads everything once.
    #[cfg(test)]
    pub(super) async fn read_once(&mut self) {
        let now = self.sight().await;
        self.read_all(&now).await;
    }

    async fn read_all(&mut self, sight: &Sight) {
        let kept = match self.library.find_boards(Search::default()).await {
            Ok(kept) => kept,
            Err(error) => return tracing::error!(%error, "dashboards of files are not read"),
        };
        let mut by_uid: BTreeMap<String, About> = kept.into_iter().map(|about| (about.uid.clone(), about)).collect();
        let mut taken: HashMap<String, PathBuf> = HashMap::new();
        let providers = self.providers.clone();
        for (provider, seen) in providers.iter().zip(sight) {
            let seen = match seen {
                Ok(seen) => seen,
                Err(why) => {
                    self.tell(&provider.path, why.clone());
                    continue;
                }
            };
            for file in seen {
                match self.one(provider, file, &mut by_uid, &mut taken).await {
                    Ok(()) => drop(self.told.remove(&file.path)),
                    Err(why) => self.tell(&file.path, why),
                }
            }
            self.forget_gone(provider, seen, &by_uid).await;
        }
    }

    /// Tells once what is wrong.
    fn tell(&mut self, path: &Path, why: String) {
        if self.told.get(path) != Some(&why) {
            tracing::error!(file = %path.display(), "the dashboard is not read: {why}");
            self.told.insert(path.to_owned(), why);
        }
    }

    async fn one(
        &mut self,
        provider: &Provider,
        file: &Seen,
        by_uid: &mut BTreeMap<String, About>,
        taken: &mut HashMap<String, PathBuf>,
    ) -> Result<(), String> {
        let Read { json, uid, hash, report } = read(file, &provider.path).await?;
        if let Some(other) = taken.insert(uid.clone(), file.path.clone()) {
            return Err(format!("its uid {uid:?} is that of {} too", other.display()));
        }
        let path = file.path.to_string_lossy().into_owned();
        let before = by_uid.get(&uid);
        if before.and_then(|about| about.file.as_ref()).is_some_and(|known| known.path == path && known.hash == hash) {
            return Ok(());
        }
        log_report(&path, &report);
        let edited = match before.filter(|about| about.file.is_none() || about.is_changed_here()) {
            // Whoever took a change home to the file made both the same.
            Some(about) => self.library.board(about.uid.clone()).await?.filter(|edited| difference(&json, &edited.json) != EQUAL),
            None => None,
        };
        let folder_uid = self.folder(provider, &file.inside).await?;
        let difference = edited.as_ref().map(|edited| difference(&json, &edited.json));
        let saving = Saving {
            json,
            folder_uid: Some(folder_uid),
            message: format!("from {path}"),
            by: BY.to_owned(),
            at: self.clock.now_ms(),
            overwrite: true,
            file: Some((path.clone(), hash)),
            ..Saving::default()
        };
        let mut about = self.library.save(saving).await?.map_err(|why| why.to_string())?;
        if let Some(edited) = edited {
            about = self.put_back(edited.json, &edited.about).await?;
            let (version, words) = (about.version - 1, difference.unwrap_or_default());
            tracing::warn!(file = %path, "the file changed, and so did the dashboard here, which stays; the file is its version {version}: {words}");
        }
        by_uid.insert(uid, about);
        Ok(())
    }

    /// Makes what was changed here the newest version again.
    async fn put_back(&self, json: Value, before: &About) -> Result<About, String> {
        let saving = Saving {
            json,
            folder_uid: Some(before.folder_uid.clone()),
            message: "what was changed here, over the change of the file".to_owned(),
            by: before.changed_by.clone(),
            at: self.clock.now_ms(),
            overwrite: true,
            restored: before.version,
            ..Saving::default()
        };
        self.library.save(saving).await?.map_err(|why| why.to_string())
    }

    /// The uid of the folder for files of a provider; folders that are not there are made.
    async fn folder(&self, provider: &Provider, inside: &[String]) -> Result<String, String> {
        let mut names: Vec<(&str, &str)> = Vec::new();
        if !provider.folder.is_empty() {
            names.push((&provider.folder, &provider.folder_uid));
        }
        if provider.has_folders {
            names.extend(inside.iter().map(|name| (name.as_str(), "")));
        }
        let mut parent = String::new();
        if names.is_empty() {
            return Ok(parent);
        }
        let all: Vec<Folder> = self.library.folders().await?;
        for (title, uid) in names {
            let is_it =
                |folder: &&Folder| if uid.is_empty() { folder.title == title && folder.parent_uid == parent } else { folder.uid == uid };
            parent = if let Some(known) = all.iter().find(is_it) {
                known.uid.clone()
            } else {
                let saving = FolderSaving {
                    uid: uid.to_owned(),
                    title: Some(title.to_owned()),
                    parent_uid: Some(parent),
                    is_new: true,
                    by: BY.to_owned(),
                    at: self.clock.now_ms(),
                    ..FolderSaving::default()
                };
                self.library.save_folder(saving).await?.map_err(|why| why.to_string())?.uid
            };
        }
        Ok(parent)
    }

    /// Forgets dashboards whose file is gone, but for those that were changed here.
    async fn forget_gone(&self, provider: &Provider, seen: &[Seen], by_uid: &BTreeMap<String, About>) {
        let there: HashSet<&Path> = seen.iter().map(|file| file.path.as_path()).collect();
        for about in by_uid.values() {
            let Some(file) = &about.file else { continue };
            let path = Path::new(&file.path);
            if !path.starts_with(&provider.path) || there.contains(path) || provider.keeps_gone {
                continue;
            }
            if about.is_changed_here() {
                tracing::warn!(file = %file.path, title = %about.title, "the file is gone; the dashboard was changed here and stays");
                continue;
            }
            match self.library.delete_board(about.uid.clone()).await {
                Ok(_) => tracing::info!(file = %file.path, title = %about.title, "the file is gone, and so is its dashboard"),
                Err(error) => tracing::error!(%error, file = %file.path, "the dashboard of a file that is gone cannot be removed"),
            }
        }
    }
}

/// A file that was understood.
struct Read {
    json: Value,
    uid: String,
    hash: String,
    report: Report,
}

/// Reads a file into the form that is kept.
async fn read(file: &Seen, root: &Path) -> Result<Read, String> {
    if file.size > BOARD_BYTES_MAX as u64 {
        return Err(format!("it has {} bytes, at most {BOARD_BYTES_MAX} are allowed", file.size));
    }
    let (path, root) = (file.path.clone(), root.to_owned());
    let work = move || {
        let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
        let mut json: Value = serde_json::from_slice(&bytes).map_err(|error| format!("it is no JSON: {error}"))?;
        with_inputs(&mut json, &[]);
        let (_, report) = Board::read(&json)?;
        let mut json = classic(json)?;
        let given = json.get("uid").and_then(Value::as_str).unwrap_or_default();
        // A file without a uid has one by its path, so that it stays the same dashboard.
        let beside = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
        let uid = if is_uid(given) { given.to_owned() } else { format!("file-{}", &hex(&Sha256::digest(beside.as_bytes()))[..24]) };
        let board = json.as_object_mut().ok_or("it is no dashboard")?;
        board.insert("uid".to_owned(), uid.clone().into());
        if board.get("title").and_then(Value::as_str).is_none_or(|title| title.trim().is_empty()) {
            return Err("it has no title".to_owned());
        }
        Ok(Read { json, uid, hash: hex(&Sha256::digest(&bytes)), report })
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| "reading it panicked".to_owned())?
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a text does not fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

fn log_report(path: &str, report: &Report) {
    tracing::info!(file = path, panels = report.panels, whole = report.whole, "read a dashboard");
    for one in report.findings.iter().take(FINDINGS_LOGGED) {
        let panel = one.panel.as_ref().map_or("", |(_, title)| title.as_str());
        tracing::warn!(file = path, panel, at = %one.path, "{}", one.text);
    }
    if report.findings.len() > FINDINGS_LOGGED {
        tracing::warn!(file = path, "and {} more", report.findings.len() - FINDINGS_LOGGED);
    }
}

/// In what the dashboard of a file and the one here differ, in words.
fn difference(file: &Value, here: &Value) -> String {
    let panels = |json: &Value| -> BTreeMap<String, Value> {
        let all = json.get("panels").and_then(Value::as_array).into_iter().flatten();
        let inner = all.clone().filter_map(|row| row.get("panels").and_then(Value::as_array)).flatten();
        all.chain(inner).map(|panel| (panel.get("id").map(Value::to_string).unwrap_or_default(), panel.clone())).collect()
    };
    let (theirs, ours) = (panels(file), panels(here));
    let title = |panel: &Value| format!("{:?}", panel.get("title").and_then(Value::as_str).unwrap_or_default());
    let mut words = Vec::new();
    for (id, panel) in &theirs {
        match ours.get(id) {
            None => words.push(format!("panel {} is only in the file", title(panel))),
            Some(other) if other != panel => words.push(format!("panel {} differs", title(panel))),
            Some(_) => {}
        }
    }
    words.extend(ours.iter().filter(|(id, _)| !theirs.contains_key(*id)).map(|(_, panel)| format!("panel {} is only here", title(panel))));
    let skipped = ["panels", "id", "uid", "version"];
    let keys: std::collections::BTreeSet<&String> =
        [file, here].iter().filter_map(|json| json.as_object()).flat_map(|json| json.keys()).collect();
    words.extend(
        keys.into_iter()
            .filter(|key| !skipped.contains(&key.as_str()) && file.get(*key) != here.get(*key))
            .map(|key| format!("{key} differs")),
    );
    words.truncate(FINDINGS_LOGGED);
    if words.is_empty() { EQUAL.to_owned() } else { words.join(", ") }
}
