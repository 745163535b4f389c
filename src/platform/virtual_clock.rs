//! A clock for tests on tokio's paused time: both kinds of time follow it.

use std::time::Duration;

use crate::base::clock::{Clock, SharedClock};

/// Shows a time that goes on as tokio's does.
struct VirtualClock {
    base_ms: i64,
    origin: tokio::time::Instant,
}

impl Clock for VirtualClock {
    fn now_ms(&self) -> i64 {
        self.base_ms + i64::try_from(self.origin.elapsed().as_millis()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// A clock that shows `now_ms` now. Call it on the runtime whose time it follows.
pub fn virtual_clock(now_ms: i64) -> SharedClock {
    std::sync::Arc::new(VirtualClock { base_ms: now_ms, origin: tokio::time::Instant::now() })
}
