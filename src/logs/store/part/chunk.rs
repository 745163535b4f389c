//! A block that may hold wanted lines, to be read.

use std::sync::Arc;

use super::bits::Bits;
use super::block::{damaged, read_fields, read_head, read_text};
use super::error::PartError;
use super::reader::Part;
use super::record::Record;
use crate::logs::model::read::{LineBuf, LineChunk, SelectLinesError, Stream, Want};

/// A block and which of its streams are wanted.
pub(super) struct BlockChunk {
    part: Arc<Part>,
    record: Record,
    /// Nothing if all streams are wanted.
    wanted: Option<Arc<Bits>>,
    /// The only stream, if it is only one.
    stream: Option<Arc<Stream>>,
}

impl BlockChunk {
    pub(super) const fn new(part: Arc<Part>, record: Record, wanted: Option<Arc<Bits>>, stream: Option<Arc<Stream>>) -> Self {
        Self { part, record, wanted, stream }
    }

    fn read_part(&self, want: Want, into: &mut LineBuf) -> Result<(), PartError> {
        read_lines(&self.part, &self.record, want, into)?;
        if let Some(stream) = &self.stream {
            into.runs.push((Arc::clone(stream), 0..self.record.lines));
            return Ok(());
        }
        let mut cursor = self.part.streams_of().cursor();
        let mut runs = Vec::with_capacity(self.record.runs.min(self.record.lines) as usize);
        self.part.for_each_run(&self.record, |run, lines| {
            if self.wanted.as_ref().is_none_or(|wanted| wanted.contains(run.stream as usize)) {
                runs.push((run.stream, lines));
            }
        })?;
        for (stream, lines) in runs {
            let labels = cursor.labels(stream as usize)?;
            into.runs.push((Arc::new(Stream { labels }), lines));
        }
        Ok(())
    }
}

/// Reads the lines of a block; the runs are left empty.
pub(super) fn read_lines(part: &Part, record: &Record, want: Want, into: &mut LineBuf) -> Result<(), PartError> {
    into.clear();
    read_head(record, part.head_of(record)?, into).map_err(damaged(part.heads.path()))?;
    let (text, fields) = (record.text_len as usize, record.fields_len as usize);
    let mut scratch = std::mem::take(&mut into.scratch);
    let read = match want {
        Want::Times => Ok(()),
        Want::Fields if fields == 0 => Ok(()),
        Want::Fields => part
            .read_text_file(record.text_at.saturating_add(text as u64), fields, &mut scratch)
            .and_then(|()| read_fields(record, &scratch, into).map_err(damaged(&part.text_path))),
        Want::Text => part.read_text_file(record.text_at, text + fields, &mut scratch).and_then(|()| {
            let wrong = damaged(&part.text_path);
            read_fields(record, &scratch[text..], into).map_err(&wrong)?;
            let mut text_out = std::mem::take(&mut into.text);
            let read = read_text(record, &scratch[..text], &mut text_out);
            into.text = text_out;
            read.map_err(&wrong)
        }),
    };
    into.scratch = scratch;
    read
}

impl LineChunk for BlockChunk {
    fn bounds(&self) -> (i64, i64) {
        (self.record.min_ts, self.record.max_ts)
    }

    fn lines(&self) -> usize {
        self.record.lines as usize
    }

    fn bytes(&self) -> usize {
        self.record.text_bytes as usize
    }

    fn stream(&self) -> Option<&Arc<Stream>> {
        self.stream.as_ref()
    }

    fn read(&self, want: Want, into: &mut LineBuf) -> Result<(), SelectLinesError> {
        let read = self.read_part(want, into);
        if read.is_err() {
            into.clear();
        }
        Ok(read?)
    }
}
