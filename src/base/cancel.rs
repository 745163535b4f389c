//! A flag that long work looks at now and then, so that it stops when nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Why the work should stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The client went away or the server is shutting down.
    Cancelled,
    /// The time allowed is over.
    TimedOut,
}

/// Shared between the one who waits and the one who works. Cheap to look at (one relaxed load).
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicU8>);

impl Cancel {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag; the first reason stays.
    pub fn raise(&self, why: Stop) {
        let code = match why {
            Stop::Cancelled => 1,
            Stop::TimedOut => 2,
        };
        // Losing the race means that another reason came first, which is the one to report.
        let _first_reason_stays = self.0.compare_exchange(0, code, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// `Err` once the flag is raised.
    #[inline]
    pub fn check(&self) -> Result<(), Stop> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            1 => Err(Stop::Cancelled),
            _ => Err(Stop::TimedOut),
        }
    }
}
