//! The rate of the whole server.

use std::time::Duration;

/// Lets so many bytes a second through, and some more at once.
#[derive(Debug)]
pub(super) struct Bucket {
    per_s: f64,
    room: f64,
    left: f64,
    filled: Duration,
}

impl Bucket {
    pub(super) fn new(per_s: u64, burst: u64, now: Duration) -> Self {
        let room = burst.max(per_s) as f64;
        Self { per_s: per_s as f64, room, left: room, filled: now }
    }

    /// A request larger than the whole bucket passes a full one, or it could never pass.
    pub(super) fn take(&mut self, bytes: u64, now: Duration) -> bool {
        self.left = (self.left + now.saturating_sub(self.filled).as_secs_f64() * self.per_s).min(self.room);
        self.filled = now;
        let wanted = (bytes as f64).min(self.room);
        if wanted > self.left {
            return false;
        }
        self.left -= bytes as f64;
        true
    }

    /// Bytes that were taken, but not kept.
    pub(super) fn give_back(&mut self, bytes: u64) {
        self.left = (self.left + bytes as f64).min(self.room);
    }
}
