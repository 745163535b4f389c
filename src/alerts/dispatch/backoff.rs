//! How long to wait before a message is tried again: longer each time, and never quite the same for two.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const FACTOR: f64 = 1.5;
const LONGEST: Duration = Duration::from_secs(60);

/// The waits of one message.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    random: u64,
}

impl Backoff {
    /// Before the first wait. The seed makes the waits of messages differ.
    pub(super) const fn new(seed: u64) -> Self {
        Self { next: FIRST, random: seed | 1 }
    }

    /// A seed of this machine's.
    pub(super) fn seed() -> u64 {
        // Without randomness the waits are all the same, which still works.
        getrandom::u64().unwrap_or(1)
    }

    /// The next wait: between half and one and a half of 500 ms first, half as much again each time, a minute at most.
    pub(super) fn wait(&mut self) -> Duration {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let share = (self.random >> 11) as f64 / (1_u64 << 53) as f64;
        let wait = self.next.mul_f64(0.5 + share);
        self.next = self.next.mul_f64(FACTOR).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_bounded() {
        for seed in [0, 1, 42, u64::MAX] {
            let mut backoff = Backoff::new(seed);
            let mut middle = 0.5;
            for _ in 0..40 {
                let wait = backoff.wait().as_secs_f64();
                assert!(wait >= middle * 0.499 && wait <= middle * 1.501, "{wait} around {middle}");
                middle = (middle * 1.5).min(60.0);
            }
        }
        let mut other = Backoff::new(7);
        assert_ne!(Backoff::new(99).wait(), other.wait());
    }
}
