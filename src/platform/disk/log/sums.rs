//! Checksums of pieces of a file, each at the cost of a few kilobytes however long the piece is.

use std::ops::Range;

use crc32fast::Hasher;

/// Distance between the places up to which checksums are kept.
const STEP: usize = 4096;

/// The CRC-32 of any piece of some bytes.
#[derive(Debug, Clone)]
pub(super) struct PieceSums<'a> {
    bytes: &'a [u8],
    /// Of the first 0, 1, 2... steps, as far as they were needed.
    kept: Vec<u32>,
}

impl<'a> PieceSums<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, kept: vec![0] }
    }

    /// Of a piece; of as much of it as there is.
    pub(super) fn of(&mut self, piece: Range<usize>) -> u32 {
        let end = piece.end.min(self.bytes.len());
        let start = piece.start.min(end);
        if end - start <= 2 * STEP {
            return crc32fast::hash(&self.bytes[start..end]);
        }
        let (before, up_to_end) = (self.up_to(start), self.up_to(end));
        // The checksum of all is that of what stands before, moved on by the length of the piece, together with the piece's.
        let mut moved = Hasher::new_with_initial_len(before, 0);
        moved.combine(&Hasher::new_with_initial_len(0, (end - start) as u64));
        up_to_end ^ moved.finalize()
    }

    /// Of everything before a place.
    fn up_to(&mut self, end: usize) -> u32 {
        let steps = end / STEP;
        while self.kept.len() <= steps {
            let at = (self.kept.len() - 1) * STEP;
            let next = continued(self.kept[self.kept.len() - 1], &self.bytes[at..at + STEP]);
            self.kept.push(next);
        }
        continued(self.kept[steps], &self.bytes[steps * STEP..end])
    }
}

fn continued(sum: u32, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new_with_initial(sum);
    hasher.update(bytes);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_has_its_own_checksum() {
        let bytes: Vec<u8> = (0..5 * STEP as u64 + 77).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8).collect();
        let mut sums = PieceSums::new(&bytes);
        let places = [0, 1, 7, STEP - 1, STEP, STEP + 1, 2 * STEP, 3 * STEP + 5, 5 * STEP, bytes.len() - 1, bytes.len()];
        for start in places {
            for end in places.into_iter().filter(|end| *end >= start) {
                assert_eq!(sums.of(start..end), crc32fast::hash(&bytes[start..end]), "{start}..{end}");
            }
        }
        assert_eq!(sums.of(9..usize::MAX), crc32fast::hash(&bytes[9..]));
    }
}
