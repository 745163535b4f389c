//! The lines of one stream from several places, in order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::KeepLine;
use super::batch::Batch;
use super::source::Source;
use crate::logs::model::read::{LineBuf, Want};
use crate::logs::store::part::chunk::read_lines;
use crate::logs::store::part::error::PartError;
use crate::logs::store::part::reader::Part;
use crate::logs::store::part::record::Record;
use crate::logs::store::part::writer::PartWriter;
use crate::series::labels::Labels;

/// A place that lines of the stream come from, in order of time.
pub(super) enum Lines {
    /// A block of its own, read when its turn comes.
    Own(Box<OwnLines>),
    /// The shared blocks of a source.
    Shared { source: usize, next: u32, end: u32 },
}

/// The lines of a block of its own.
pub(super) struct OwnLines {
    part: Arc<Part>,
    record: Record,
    buffer: Option<LineBuf>,
    next: usize,
}

impl Lines {
    pub(super) fn own(part: Arc<Part>, block: u32) -> Result<Self, PartError> {
        let record = part.record(block as usize)?;
        Ok(Self::Own(Box::new(OwnLines { part, record, buffer: None, next: 0 })))
    }

    pub(super) fn shared(index: usize, source: &mut Source<'_>) -> Result<Self, PartError> {
        let lines = source.shared_lines()?;
        Ok(Self::Shared { source: index, next: lines.start, end: lines.end })
    }

    /// Not after the time of its next line; nothing at the end.
    fn next_ts(&self, sources: &[Source<'_>]) -> Option<i64> {
        match self {
            Self::Own(own) => match &own.buffer {
                None => Some(own.record.min_ts),
                Some(buffer) => buffer.times.get(own.next).copied(),
            },
            Self::Shared { source, next, end } => sources[*source].buffer.times.get(*next as usize).copied().filter(|_| next < end),
        }
    }
}

/// Leaves the lines out.
pub(super) fn skip(all: Vec<Lines>, sources: &mut [Source<'_>]) -> Result<(), PartError> {
    for lines in all {
        if let Lines::Shared { source, .. } = lines {
            while sources[source].end_run()? {}
        }
    }
    Ok(())
}

/// Writes the lines from all places, in order of time.
pub(super) fn merge_lines(
    mut all: Vec<Lines>,
    sources: &mut [Source<'_>],
    labels: &Labels,
    keep: Option<&KeepLine<'_>>,
    batch: &mut Batch,
    buffers: &mut Vec<LineBuf>,
    writer: &mut PartWriter,
) -> Result<(), PartError> {
    let mut heap: BinaryHeap<Reverse<(i64, usize)>> =
        all.iter().enumerate().filter_map(|(at, lines)| Some(Reverse((lines.next_ts(sources)?, at)))).collect();
    while let Some(Reverse((_, at))) = heap.pop() {
        // Goes on with the same place as long as no other comes before.
        let until = heap.peek().map_or((i64::MAX, usize::MAX), |Reverse(next)| *next);
        open(&mut all[at], buffers)?;
        while let Some(ts) = all[at].next_ts(sources) {
            if (ts, at) > until {
                heap.push(Reverse((ts, at)));
                break;
            }
            if batch.is_full(ts) {
                batch.write(labels, writer)?;
            }
            let (buffer, index) = match &mut all[at] {
                Lines::Own(own) => {
                    own.next += 1;
                    let Some(buffer) = &own.buffer else { break };
                    (buffer, own.next - 1)
                }
                Lines::Shared { source, next, .. } => {
                    *next += 1;
                    (&sources[*source].buffer, *next as usize - 1)
                }
            };
            let (text, fields) = (buffer.line(index), buffer.fields_of(index));
            if keep.is_none_or(|keep| keep(ts, text, fields)) {
                batch.push(ts, text, fields, at);
            }
            advance(&mut all[at], sources, buffers)?;
        }
    }
    batch.write(labels, writer)
}

fn open(lines: &mut Lines, buffers: &mut Vec<LineBuf>) -> Result<(), PartError> {
    if let Lines::Own(own) = lines
        && own.buffer.is_none()
    {
        let mut read = buffers.pop().unwrap_or_default();
        read_lines(&own.part, &own.record, Want::Text, &mut read)?;
        own.buffer = Some(read);
    }
    Ok(())
}

/// What to do when a place has no more lines where it is.
fn advance(lines: &mut Lines, sources: &mut [Source<'_>], buffers: &mut Vec<LineBuf>) -> Result<(), PartError> {
    match lines {
        Lines::Own(own) if own.next >= own.record.lines as usize => {
            // An empty buffer in its place says that there is nothing left.
            buffers.extend(own.buffer.replace(LineBuf::default()));
            own.next = 0;
        }
        Lines::Shared { source, next, end } if *next >= *end && sources[*source].end_run()? => {
            let more = sources[*source].shared_lines()?;
            (*next, *end) = (more.start, more.end);
        }
        _ => {}
    }
    Ok(())
}
