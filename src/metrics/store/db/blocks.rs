//! The set of blocks: opened in parallel, swapped as a whole, files removed when the last reader is gone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::base::clock::Clock;
use crate::base::time::TimeRange;
use crate::metrics::store::block::{Block, BlockId, TMP_SUFFIX};
use crate::metrics::store::stats::{BlockStats, SetAside};
use crate::platform::disk;

/// Folder beside the blocks for those that cannot be read.
const QUARANTINE: &str = "quarantine";

/// A block in use.
#[derive(Debug)]
pub struct LiveBlock {
    block: Arc<Block>,
    /// Its folder goes with the last reader.
    doomed: AtomicBool,
}

impl std::ops::Deref for LiveBlock {
    type Target = Block;

    fn deref(&self) -> &Block {
        &self.block
    }
}

impl Drop for LiveBlock {
    fn drop(&mut self) {
        if self.doomed.load(Ordering::Acquire) {
            // Under a name that the next start removes, should this process not come to the end of it.
            let mut name = self.block.dir().as_os_str().to_owned();
            name.push(TMP_SUFFIX);
            let doomed = PathBuf::from(name);
            let renamed = fs::rename(self.block.dir(), &doomed);
            drop(fs::remove_dir_all(if renamed.is_ok() { &doomed } else { self.block.dir() }));
        }
    }
}

impl LiveBlock {
    /// For merging, which takes blocks as such.
    pub fn shared(&self) -> Arc<Block> {
        Arc::clone(&self.block)
    }
}

/// A list of blocks as it was at one moment, in the order in which their samples were written.
pub type BlockList = Arc<[Arc<LiveBlock>]>;

/// The blocks of a store.
#[derive(Debug)]
pub struct BlockSet {
    dir: PathBuf,
    current: RwLock<BlockList>,
    set_aside: Mutex<Vec<SetAside>>,
    /// Time in the newest name given out.
    last_id_ms: AtomicI64,
}

/// A clock that stands still, for names.
struct At(i64);

impl Clock for At {
    fn now_ms(&self) -> i64 {
        self.0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl BlockSet {
    /// Opens all blocks below `dir`. Leftovers of crashes are removed; what cannot be read is moved to `quarantine/`.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let mut folders = Vec::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if name.ends_with(TMP_SUFFIX) {
                remove(&path)?;
            } else if name.parse::<BlockId>().is_ok() {
                folders.push(path);
            }
        }
        let opened = Mutex::new(Vec::new());
        let failed = Mutex::new(Vec::new());
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(folders.len().max(1)).min(8);
        std::thread::scope(|scope| {
            for worker in 0..threads {
                let (folders, opened, failed) = (&folders, &opened, &failed);
                scope.spawn(move || {
                    for path in folders.iter().skip(worker).step_by(threads) {
                        match Block::open(path) {
                            Ok(block) => opened.lock().push(block),
                            Err(error) => failed.lock().push((path.clone(), error.to_string())),
                        }
                    }
                });
            }
        });
        let mut set_aside = Vec::new();
        for (path, reason) in failed.into_inner() {
            set_aside.push(quarantine(dir, &path, reason)?);
        }
        let blocks = without_replaced(opened.into_inner())?;
        let blocks =
            blocks.into_iter().map(|block| Arc::new(LiveBlock { block: Arc::new(block), doomed: AtomicBool::new(false) })).collect();
        Ok(Self {
            dir: dir.to_owned(),
            current: RwLock::new(sorted(blocks)),
            set_aside: Mutex::new(set_aside),
            last_id_ms: AtomicI64::new(0),
        })
    }

    /// Folder of the blocks.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The blocks there are now.
    pub fn current(&self) -> BlockList {
        Arc::clone(&self.current.read())
    }

    /// The blocks with samples in `range`.
    pub fn within(&self, range: TimeRange) -> Vec<Arc<LiveBlock>> {
        self.current.read().iter().filter(|block| block.meta().range().overlaps(&range)).cloned().collect()
    }

    /// What could not be read.
    pub fn set_aside(&self) -> Vec<SetAside> {
        self.set_aside.lock().clone()
    }

    /// Lets blocks take the place of others, in one step: nobody sees both or neither. Files of the others go with their last reader.
    pub fn replace(&self, added: Vec<Block>, gone: &[BlockId]) {
        let mut current = self.current.write();
        let (removed, kept): (Vec<_>, Vec<_>) = current.iter().cloned().partition(|block| gone.contains(&block.meta().id));
        let added = added.into_iter().map(|block| Arc::new(LiveBlock { block: Arc::new(block), doomed: AtomicBool::new(false) }));
        *current = sorted(kept.into_iter().chain(added).collect());
        drop(current);
        for block in removed {
            block.doomed.store(true, Ordering::Release);
        }
    }

    /// Takes a block out of service whose content turned out to be damaged, and moves it aside.
    pub fn set_block_aside(&self, id: BlockId, reason: String) -> io::Result<()> {
        let mut current = self.current.write();
        let Some(block) = current.iter().find(|block| block.meta().id == id).cloned() else { return Ok(()) };
        *current = current.iter().filter(|block| block.meta().id != id).cloned().collect();
        drop(current);
        let moved = quarantine(&self.dir, block.dir(), reason)?;
        self.set_aside.lock().push(moved);
        Ok(())
    }

    /// A name for a new block that sorts after all there are, whatever the clock does.
    pub fn next_id(&self, clock: &dyn Clock) -> BlockId {
        let newest = self.current.read().iter().map(|block| block.meta().id.created_ms()).max().unwrap_or(0);
        let earliest = newest.max(self.last_id_ms.load(Ordering::Acquire)).saturating_add(1);
        let at = clock.now_ms().max(earliest);
        self.last_id_ms.fetch_max(at, Ordering::AcqRel);
        BlockId::generate(&At(at))
    }

    /// The blocks in numbers.
    pub fn stats(&self) -> Vec<BlockStats> {
        let stats = |block: &Arc<LiveBlock>| {
            let meta = block.meta();
            BlockStats {
                id: meta.id.to_string(),
                min_ts: meta.min_ts,
                max_ts: meta.max_ts,
                series: meta.series,
                samples: meta.samples,
                level: meta.level,
                bytes: meta.bytes,
            }
        };
        let mut all: Vec<BlockStats> = self.current.read().iter().map(stats).collect();
        all.sort_by_key(|block| (block.min_ts, block.max_ts));
        all
    }
}

fn sorted(mut blocks: Vec<Arc<LiveBlock>>) -> BlockList {
    // Of samples at the same time those written later win, so what was written later stands later. A merged block
    // counts as written when its newest source was.
    blocks.sort_by_key(|block| block.meta().sources.iter().copied().max().unwrap_or(block.meta().id));
    blocks.into()
}

/// A crash after a merge and before the removal of what it replaces leaves both: what another block of a higher
/// level says it is made of goes.
fn without_replaced(blocks: Vec<Block>) -> io::Result<Vec<Block>> {
    let replaced = replaced(&blocks);
    let mut kept = Vec::new();
    for (block, replaced) in blocks.into_iter().zip(replaced) {
        if replaced {
            fs::remove_dir_all(block.dir())?;
        } else {
            kept.push(block);
        }
    }
    Ok(kept)
}

/// For each block, whether another one has taken its place.
pub fn replaced(blocks: &[Block]) -> Vec<bool> {
    let covers = |by: &Block, block: &Block| {
        let (by, of) = (by.meta(), block.meta());
        by.id != of.id && by.level > of.level && of.sources.iter().all(|source| by.sources.contains(source))
    };
    blocks.iter().map(|block| blocks.iter().any(|by| covers(by, block))).collect()
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn quarantine(dir: &Path, path: &Path, reason: String) -> io::Result<SetAside> {
    let folder = dir.join(QUARANTINE);
    fs::create_dir_all(&folder)?;
    let to = folder.join(path.file_name().unwrap_or_default());
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    fs::rename(path, &to)?;
    disk::sync_dir(dir)?;
    Ok(SetAside { path: to, reason })
}
