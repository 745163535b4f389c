//! How long probes took, kept small: counts by size, for averages that are exact and quantiles that are off by at most
//! 2.2 %.
//!
//! Sizes grow by a sixteenth of an octave each, as in logarithmic histograms generally; two of them add up to one without
//! a loss, so hours make days and days make years.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::bytes::{Cursor, put_uvarint};

/// Sizes an octave is cut into.
const CUTS: f64 = 16.0;
/// What the first size begins with, in microseconds: less counts as this.
const LEAST_US: f64 = 100.0;
/// The number of the last size, a little over 16 minutes: more counts as this.
const LAST: u16 = 373;

/// How long probes took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Latencies {
    count: u64,
    sum_us: u64,
    sizes: BTreeMap<u16, u64>,
}

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.count = self.count.saturating_add(1);
        self.sum_us = self.sum_us.saturating_add(us);
        let times = self.sizes.entry(size_of(us)).or_default();
        *times = times.saturating_add(1);
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
        for (size, times) in &other.sizes {
            let own = self.sizes.entry(*size).or_default();
            *own = own.saturating_add(*times);
        }
    }

    /// How many.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their average.
    pub fn mean(&self) -> Option<Duration> {
        self.sum_us.checked_div(self.count).map(Duration::from_micros)
    }

    /// The time within which a share (0 to 1) of them stayed; none without any.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = (share.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0_u64;
        for (size, times) in &self.sizes {
            seen = seen.saturating_add(*times);
            if seen >= wanted {
                return Some(Duration::from_micros(middle_of(*size) as u64));
            }
        }
        None
    }

    /// As stored: count, sum, then pairs of the distance to the next size and the times, as variable-length integers.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 2 * self.sizes.len());
        put_uvarint(&mut bytes, self.count);
        put_uvarint(&mut bytes, self.sum_us);
        let mut before = 0;
        for (size, times) in &self.sizes {
            put_uvarint(&mut bytes, u64::from(size - before));
            put_uvarint(&mut bytes, *times);
            before = *size;
        }
        bytes
    }

    /// From what was stored; none where that is torn or makes no sense.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let mut found = Self { count: cursor.uvarint().ok()?, sum_us: cursor.uvarint().ok()?, sizes: BTreeMap::new() };
        let (mut size, mut counted) = (0_u16, 0_u64);
        while !cursor.is_empty() {
            size = size.checked_add(u16::try_from(cursor.uvarint().ok()?).ok()?).filter(|size| *size <= LAST)?;
            let times = cursor.uvarint().ok()?;
            counted = counted.checked_add(times)?;
            found.sizes.insert(size, times);
        }
        (counted == found.count).then_some(found)
    }
}

fn size_of(us: u64) -> u16 {
    let octaves = (us as f64 / LEAST_US).max(1.0).log2();
    ((octaves * CUTS) as u16).min(LAST)
}

/// The geometric middle of a size, in microseconds.
fn middle_of(size: u16) -> f64 {
    LEAST_US * ((f64::from(size) + 0.5) / CUTS).exp2()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(all: &[u64]) -> Latencies {
        let mut latencies = Latencies::default();
        all.iter().for_each(|us| latencies.add(Duration::from_micros(*us)));
        latencies
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!((of(&[]).mean(), of(&[]).quantile(0.5)), (None, None));
    }

    #[test]
    fn torn_bytes_are_refused() {
        let whole = of(&[1, 500, 90_000, 90_000]).encode();
        for cut in 0..whole.len() {
            assert_eq!(Latencies::decode(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(Latencies::decode(&[0xff; 40]), None);
    }

    proptest! {
        #[test]
        fn quantiles_are_near(mut all in proptest::collection::vec(100_u64..600_000_000, 1..300), share in 0.0..1.0_f64) {
            let found = of(&all).quantile(share).unwrap().as_micros() as f64;
            all.sort_unstable();
            let at = ((share * all.len() as f64).ceil() as usize).max(1) - 1;
            let right = all[at] as f64;
            prop_assert!((found / right - 1.0).abs() < 0.0225, "{found} instead of {right}");
        }

        #[test]
        fn parts_add_up_and_come_back(a in proptest::collection::vec(0_u64..u64::MAX, 0..50), b in proptest::collection::vec(0_u64..10_000_000, 0..50)) {
            let mut parts = of(&a);
            parts.merge(&of(&b));
            let whole = of(&[a, b].concat());
            prop_assert_eq!(&parts, &whole);
            prop_assert_eq!(Latencies::decode(&whole.encode()), Some(whole));
        }

        #[test]
        fn any_bytes_are_taken_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            drop(Latencies::decode(&bytes));
        }
    }
}
