//! What a block says about itself.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::clock::Clock;
use crate::base::time::TimeRange;

/// Name of a block: a ULID, 48 bits of time in milliseconds, then chance. Sorts by the time of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId(u128);

/// Crockford's base 32, as ULIDs use it.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a ULID.
const TEXT_LEN: usize = 26;
const RANDOM_BITS: u32 = 80;

impl BlockId {
    /// A new name.
    pub fn generate(clock: &dyn Clock) -> Self {
        // The standard hasher is keyed with the system's randomness.
        let chance = || u128::from(RandomState::new().hash_one(()));
        let time = u128::from(clock.now_ms().max(0).cast_unsigned()) & 0xffff_ffff_ffff;
        Self(time << RANDOM_BITS | (chance() << 64 | chance()) & ((1 << RANDOM_BITS) - 1))
    }

    /// When it was made, in milliseconds.
    pub const fn created_ms(self) -> i64 {
        (self.0 >> RANDOM_BITS) as i64
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for digit in (0..TEXT_LEN).rev() {
            let character = ALPHABET[(self.0 >> (5 * digit)) as usize & 31];
            fmt::Write::write_char(f, char::from(character))?;
        }
        Ok(())
    }
}

/// A text that is not the name of a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a block id")]
pub struct InvalidBlockId;

impl FromStr for BlockId {
    type Err = InvalidBlockId;

    fn from_str(text: &str) -> Result<Self, InvalidBlockId> {
        if text.len() != TEXT_LEN || text.as_bytes()[0] > b'7' {
            return Err(InvalidBlockId);
        }
        text.bytes()
            .try_fold(0, |value, byte| {
                let digit = ALPHABET.iter().position(|character| *character == byte)?;
                Some(value << 5 | digit as u128)
            })
            .map(Self)
            .ok_or(InvalidBlockId)
    }
}

impl Serialize for BlockId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BlockId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a block says about itself. Written as JSON into the block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockMeta {
    /// Its name.
    pub id: BlockId,
    /// Format version.
    pub version: u32,
    /// Time of the first sample, in milliseconds.
    pub min_ts: i64,
    /// Time of the last sample.
    pub max_ts: i64,
    /// Number of series.
    pub series: u64,
    /// Number of samples, floats and histograms.
    pub samples: u64,
    /// Histograms among them.
    pub histograms: u64,
    /// Number of chunks.
    pub chunks: u64,
    /// How often its samples were compacted; 0 when written from the head.
    pub level: u32,
    /// Names of the blocks without parents that its samples come from.
    pub sources: Vec<BlockId>,
    /// Size of the file in bytes; known once it is written.
    #[serde(skip)]
    pub bytes: u64,
}

impl BlockMeta {
    /// From the first to the last sample.
    pub const fn range(&self) -> TimeRange {
        TimeRange::new(self.min_ts, self.max_ts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;

    #[test]
    fn names_sort_by_time_and_read_back() {
        let clock = ManualClock::at(1_760_000_000_000);
        let first = BlockId::generate(&*clock);
        clock.advance(std::time::Duration::from_millis(1));
        let second = BlockId::generate(&*clock);
        assert!(first < second && first.to_string() < second.to_string());
        assert_eq!(first.to_string().parse(), Ok(first));
        assert_eq!(first.created_ms(), 1_760_000_000_000);
        assert_ne!(BlockId::generate(&*clock), second);
        for bad in ["", "0", "ZZZZZZZZZZZZZZZZZZZZZZZZZZ", "0123456789012345678901234U", "01234567890123456789012345678"] {
            assert_eq!(bad.parse::<BlockId>(), Err(InvalidBlockId), "{bad}");
        }
    }
}
