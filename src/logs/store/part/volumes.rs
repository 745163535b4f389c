//! What lies in the streams of a part, stream by stream.

use super::error::PartError;
use super::streams::LabelsCursor;
use crate::logs::model::read::StreamVolume;

/// Sums are put together when there are twice as many as there were streams, and at least so many.
const SUMS_MIN: usize = 4096;

/// What one stream has in a span.
struct Sum {
    stream: u32,
    chunks: u32,
    lines: u64,
    bytes: u64,
}

/// Adds up runs of lines by stream. Those of blocks that streams share come in order, the others as they like.
pub(super) struct Sums {
    all: Vec<Sum>,
    put_together_at: usize,
}

impl Sums {
    /// For at most so many streams.
    pub(super) fn new(streams: usize) -> Self {
        Self { all: Vec::with_capacity(streams), put_together_at: SUMS_MIN.max(streams) }
    }

    pub(super) fn add(&mut self, stream: u32, lines: u32, bytes: u32) {
        let (lines, bytes) = (u64::from(lines), u64::from(bytes));
        match self.all.last_mut() {
            Some(last) if last.stream == stream => *last = last.plus(&Sum { stream, chunks: 1, lines, bytes }),
            _ => {
                if self.all.len() >= self.put_together_at {
                    self.put_together();
                    self.put_together_at = (2 * self.all.len()).max(SUMS_MIN);
                }
                self.all.push(Sum { stream, chunks: 1, lines, bytes });
            }
        }
    }

    fn put_together(&mut self) {
        self.all.sort_unstable_by_key(|sum| sum.stream);
        self.all.dedup_by(|next, kept| {
            let same = next.stream == kept.stream;
            if same {
                *kept = kept.plus(next);
            }
            same
        });
    }

    /// The streams, in the order of their numbers.
    pub(super) fn finish(mut self, cursor: LabelsCursor<'_>) -> Volumes<'_> {
        self.put_together();
        Volumes { cursor, sums: self.all.into_iter() }
    }
}

impl Sum {
    const fn plus(&self, more: &Self) -> Self {
        let chunks = self.chunks.saturating_add(more.chunks);
        Self { stream: self.stream, chunks, lines: self.lines + more.lines, bytes: self.bytes + more.bytes }
    }
}

/// Streams with what they have in a span, in ascending order of their packed labels.
pub struct Volumes<'p> {
    cursor: LabelsCursor<'p>,
    sums: std::vec::IntoIter<Sum>,
}

impl Iterator for Volumes<'_> {
    type Item = Result<StreamVolume, PartError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Sum { stream, chunks, lines, bytes } = self.sums.next()?;
        let labels = self.cursor.labels(stream as usize);
        Some(labels.map(|labels| StreamVolume { labels, chunks: u64::from(chunks), lines, bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_streams_that_come_again_and_again_stay_few() {
        let mut sums = Sums::new(3);
        for at in 0..100_000u32 {
            sums.add(at % 7, 1, 2);
        }
        assert!(sums.all.len() <= SUMS_MIN, "{}", sums.all.len());
        sums.put_together();
        let shown: Vec<_> = sums.all.iter().map(|sum| (sum.stream, sum.chunks, sum.lines, sum.bytes)).collect();
        let of = |stream: u32| 100_000 / 7 + u32::from(stream < 100_000 % 7);
        assert_eq!(shown, (0..7).map(|at| (at, of(at), u64::from(of(at)), 2 * u64::from(of(at)))).collect::<Vec<_>>());
    }
}
