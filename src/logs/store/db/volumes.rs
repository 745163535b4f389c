//! What lies in streams, memory and parts together: each is in order of streams, so one stream after the other is added
//! up, and memory does not depend on how many there are.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::parts::LivePart;
use super::{View, select::is_wanted};
use crate::base::cancel::Cancel;
use crate::logs::model::read::{SelectLinesError, StreamQuery, StreamVolume};
use crate::logs::store::memory::MemVolume;
use crate::logs::store::part::Volumes;
use crate::series::labels::Labels;

/// How often long work looks whether it should stop.
const CHECK_EVERY: usize = 1024;

/// Where streams come from.
enum Source<'v> {
    Memory(std::vec::IntoIter<MemVolume>),
    Part(&'v LivePart, Volumes<'v>),
}

/// The next stream of a source.
struct Head {
    volume: StreamVolume,
    source: usize,
}

impl View {
    /// Shows each stream that has something in the span of a query, in order of packed labels.
    pub(super) fn each_volume(
        &self,
        query: &StreamQuery<'_>,
        cancel: &Cancel,
        see: &mut dyn FnMut(StreamVolume),
    ) -> Result<(), SelectLinesError> {
        let mut sources = self.sources(query, cancel)?;
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (at, source) in sources.iter_mut().enumerate() {
            heads.extend(source.next()?.map(|volume| Head { volume, source: at }));
        }
        let (mut seen, limit) = (0, if query.limit == 0 { usize::MAX } else { query.limit });
        while let Some(Head { mut volume, source }) = heads.pop() {
            if seen % CHECK_EVERY == 0 {
                cancel.check()?;
            }
            heads.extend(sources[source].next()?.map(|volume| Head { volume, source }));
            while let Some(same) = heads.peek().filter(|head| head.volume.labels == volume.labels) {
                volume.chunks += same.volume.chunks;
                volume.lines += same.volume.lines;
                volume.bytes += same.volume.bytes;
                let source = same.source;
                heads.pop();
                heads.extend(sources[source].next()?.map(|volume| Head { volume, source }));
            }
            see(volume);
            seen += 1;
            if seen == limit {
                break;
            }
        }
        Ok(())
    }

    fn sources(&self, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<Source<'_>>, SelectLinesError> {
        let wanted = |labels: &Labels| is_wanted(labels, query);
        let mut sources = Vec::new();
        for memory in self.memories() {
            let mut volumes = memory.volumes(query.span, &wanted, cancel)?;
            volumes.sort_unstable_by(|a, b| a.stream.labels.packed().cmp(b.stream.labels.packed()));
            sources.push(Source::Memory(volumes.into_iter()));
        }
        for part in self.parts.iter().filter(|part| part.overlaps(query.span)) {
            cancel.check()?;
            sources.push(Source::Part(part, part.noting_damage(part.part.volume(query, cancel))?));
        }
        Ok(sources)
    }
}

impl Source<'_> {
    fn next(&mut self) -> Result<Option<StreamVolume>, SelectLinesError> {
        match self {
            Self::Memory(volumes) => Ok(volumes.next().map(|volume| StreamVolume {
                labels: volume.stream.labels.clone(),
                chunks: 1,
                lines: volume.lines,
                bytes: volume.bytes,
            })),
            Self::Part(part, volumes) => part.noting_damage(volumes.next().transpose()),
        }
    }
}

impl Ord for Head {
    /// The first in order is the greatest: that is what a heap gives out.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_labels = other.volume.labels.packed().cmp(self.volume.labels.packed());
        by_labels.then(other.source.cmp(&self.source))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}
