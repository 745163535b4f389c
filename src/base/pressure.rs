//! How short the server is of memory and disk, as everybody who could use less of them sees it.
//!
//! Whoever watches sets it (`platform::budget`); storage, queries and doors look at it before they take more. By itself
//! there is no pressure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// How much of the memory budget is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Enough is left.
    #[default]
    Normal,
    /// Caches go, queries get less.
    Tight,
    /// No new series either.
    Scarce,
    /// Large writes and queries are refused too.
    Critical,
}

impl Level {
    /// All, from the least to the most.
    pub const ALL: [Self; 4] = [Self::Normal, Self::Tight, Self::Scarce, Self::Critical];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Tight => "tight",
            Self::Scarce => "scarce",
            Self::Critical => "critical",
        }
    }
}

/// What was refused because of pressure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shed {
    /// A series that was not there yet.
    Series,
    /// A request with samples.
    Write,
    /// A query.
    Query,
    /// A write for want of disk.
    Disk,
}

impl Shed {
    /// All.
    pub const ALL: [Self; 4] = [Self::Series, Self::Write, Self::Query, Self::Disk];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Series => "series",
            Self::Write => "write",
            Self::Query => "query",
            Self::Disk => "disk",
        }
    }
}

/// The pressure, shared by all. Looking at it costs one load.
#[derive(Debug, Clone, Default)]
pub struct Pressure(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    memory: AtomicU8,
    disk_full: AtomicBool,
    shed: [AtomicU64; Shed::ALL.len()],
}

impl Pressure {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// How short memory is.
    #[inline]
    pub fn memory(&self) -> Level {
        Level::ALL[usize::from(self.0.memory.load(Ordering::Relaxed)).min(Level::ALL.len() - 1)]
    }

    /// Told by whoever watches.
    pub fn set_memory(&self, level: Level) {
        self.0.memory.store(level as u8, Ordering::Relaxed);
    }

    /// Whether the disk budget is used up.
    #[inline]
    pub fn is_disk_full(&self) -> bool {
        self.0.disk_full.load(Ordering::Relaxed)
    }

    /// Told by whoever watches.
    pub fn set_disk_full(&self, full: bool) {
        self.0.disk_full.store(full, Ordering::Relaxed);
    }

    /// Of what is allowed when there is enough, how much is allowed now.
    pub fn share_of(&self, allowed: u64) -> u64 {
        let part = match self.memory() {
            Level::Normal => return allowed,
            Level::Tight => 4,
            Level::Scarce => 16,
            Level::Critical => 64,
        };
        (allowed / part).max(allowed.min(1))
    }

    /// The longest body that is taken now, where `max` is when there is enough; `ordinary` ones always are.
    pub fn body_max(&self, max: usize, ordinary: usize) -> usize {
        usize::try_from(self.share_of(max as u64)).unwrap_or(max).max(ordinary.min(max))
    }

    /// Counts what was refused.
    pub fn count(&self, what: Shed) {
        self.0.shed[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often it was.
    pub fn counted(&self, what: Shed) -> u64 {
        self.0.shed[what as usize].load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_sees_the_same() {
        let (pressure, other) = (Pressure::new(), Pressure::new());
        let seen = pressure.clone();
        for (level, of_thousand, of_one) in
            [(Level::Critical, 15, 1), (Level::Scarce, 62, 1), (Level::Tight, 250, 1), (Level::Normal, 1000, 1)]
        {
            pressure.set_memory(level);
            assert_eq!((seen.memory(), seen.share_of(1000), seen.share_of(1), seen.share_of(0)), (level, of_thousand, of_one, 0));
        }
        for (level, bodies) in [(Level::Critical, [100, 50]), (Level::Tight, [250, 50]), (Level::Normal, [1000, 50])] {
            pressure.set_memory(level);
            assert_eq!([seen.body_max(1000, 100), seen.body_max(50, 100)], bodies, "{level:?}");
        }
        pressure.set_disk_full(true);
        pressure.count(Shed::Query);
        assert!(seen.is_disk_full() && seen.counted(Shed::Query) == 1 && seen.counted(Shed::Disk) == 0);
        assert!(!other.is_disk_full() && other.counted(Shed::Query) == 0);
    }
}
