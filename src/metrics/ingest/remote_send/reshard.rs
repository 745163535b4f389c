//! How many shards an endpoint needs.

/// Changes smaller than this part are left alone.
const TOLERANCE: f64 = 0.3;
/// Weight of the newest rate in the moving average.
const NEW_WEIGHT: f64 = 0.2;
/// The part of what waits that is to be worked off per second.
const CATCH_UP: f64 = 0.05;
/// So far behind (seconds) no shard is taken away.
const BEHIND_SECS: f64 = 10.0;

/// Totals since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Totals {
    pub received: u64,
    pub sent: u64,
    pub dropped: u64,
    /// Time spent sending, over all shards.
    pub sending_secs: f64,
}

/// Smoothed rates.
#[derive(Debug, Default)]
pub(super) struct Resharder {
    last: Totals,
    /// Received, sent, dropped, and seconds of sending, each per second.
    rates: Option<[f64; 4]>,
}

impl Resharder {
    /// Shards to run from now on, and the exact number wanted; `delay_secs` tells how far sending is behind.
    pub fn decide(&mut self, now: Totals, period_secs: f64, delay_secs: f64, shards: usize, bounds: (usize, usize)) -> (usize, f64) {
        let fresh = [
            now.received.saturating_sub(self.last.received) as f64 / period_secs,
            now.sent.saturating_sub(self.last.sent) as f64 / period_secs,
            now.dropped.saturating_sub(self.last.dropped) as f64 / period_secs,
            (now.sending_secs - self.last.sending_secs).max(0.0) / period_secs,
        ];
        self.last = now;
        let old = self.rates.unwrap_or(fresh);
        let mut rates = [0.0; 4];
        for ((rate, old), fresh) in rates.iter_mut().zip(old).zip(fresh) {
            *rate = NEW_WEIGHT * fresh + (1.0 - NEW_WEIGHT) * old;
        }
        self.rates = Some(rates);
        let [received, sent, dropped, sending] = rates;
        // Nothing gets through: more shards would only ask a broken server more often.
        if sent <= 0.0 {
            return (shards, shards as f64);
        }
        let kept = sent / (sent + dropped);
        let wanted_rate = received * kept * (1.0 + CATCH_UP * delay_secs);
        let desired = sending / sent * wanted_rate;
        let whole = desired.ceil();
        let current = shards as f64;
        if (current * (1.0 - TOLERANCE)..=current * (1.0 + TOLERANCE)).contains(&whole) {
            return (shards, desired);
        }
        let next = (whole as usize).clamp(bounds.0, bounds.1);
        if next < shards && delay_secs > BEHIND_SECS { (shards, desired) } else { (next, desired) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(received: u64, sent: u64, sending_secs: f64) -> Totals {
        Totals { received, sent, dropped: 0, sending_secs }
    }

    #[test]
    fn shards_follow_the_work() {
        for (what, now, delay, shards, expected) in [
            ("slow sends need more", totals(10_000, 10_000, 80.0), 0.0, 1, 8),
            ("quick ones need fewer", totals(10_000, 10_000, 5.0), 0.0, 8, 1),
            ("but not while behind", totals(10_000, 10_000, 5.0), 11.0, 8, 8),
            ("a backlog counts", totals(10_000, 10_000, 10.0), 60.0, 1, 4),
            ("small changes do not", totals(10_000, 10_000, 45.0), 0.0, 4, 4),
            ("nothing sent changes nothing", totals(10_000, 0, 100.0), 100.0, 3, 3),
            ("at most the maximum", totals(10_000, 10_000, 9_000.0), 0.0, 1, 50),
        ] {
            assert_eq!(Resharder::default().decide(now, 10.0, delay, shards, (1, 50)).0, expected, "{what}");
        }
    }
}
