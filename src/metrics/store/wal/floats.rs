//! Floats of a batch as a record: in columns when there are enough of them to pay for what stands around these.

use super::columns::ColumnsWriter;
use super::record::{Kind, SamplesWriter};

/// Samples of a batch from which columns are smaller.
const COLUMNS_FROM: usize = 256;

/// Writes a record of floats group by group, in the form that suits the size of the batch.
#[derive(Debug, Default)]
pub struct FloatsWriter {
    plain: SamplesWriter,
    columns: ColumnsWriter,
    in_columns: bool,
    content: Vec<u8>,
}

impl FloatsWriter {
    /// Forgets what was written, keeps the memory. About so many samples will come.
    pub fn restart(&mut self, samples: usize) {
        self.plain.clear();
        self.columns.clear();
        self.in_columns = samples >= COLUMNS_FROM;
    }

    /// Starts the group of the ids with this rest.
    pub fn begin_group(&mut self, group: usize) {
        if self.in_columns { self.columns.begin_group(group) } else { self.plain.begin_group(group) }
    }

    /// Ends the group; an empty one leaves nothing.
    pub fn end_group(&mut self) {
        if self.in_columns { self.columns.end_group() } else { self.plain.end_group() }
    }

    /// Adds floats of one series, at least one.
    #[inline]
    pub fn put_floats(&mut self, id: u32, count: usize, samples: impl Iterator<Item = (i64, f64)>) {
        if self.in_columns { self.columns.put_floats(id, count, samples) } else { self.plain.put_floats(id, count, samples) }
    }

    /// The record: its kind and content, which is empty when nothing was written.
    pub fn finish(&mut self) -> (Kind, &[u8]) {
        if !self.in_columns {
            return (Kind::Floats, self.plain.bytes());
        }
        self.content.clear();
        if !self.columns.is_empty() {
            self.columns.finish(&mut self.content);
        }
        (Kind::Columns, &self.content)
    }
}
