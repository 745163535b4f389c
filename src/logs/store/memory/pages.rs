//! Memory that is only ever added to, shared with readers without copying text.
//!
//! A page is a vector behind an `Arc`. While a reader holds a page of text, the writer leaves it alone and begins another
//! one; a page of line entries, which is small, is copied then. So what a reader holds never changes.

use std::sync::Arc;

/// A page of text is about so large; a longer line has a page of its own. The allocator gives pieces of this size back to
/// the system as soon as they are freed, by whichever thread; smaller ones stay with the thread that asked for them.
const TEXT_PAGE_BYTES: usize = 1 << 20;
/// A page of text begins so small when the one before was not filled.
const TEXT_PAGE_BYTES_MIN: usize = 4 << 10;
/// Entries of a page of lines.
const LINES_PER_PAGE: usize = 1024;

/// No line.
pub const NONE: u32 = u32::MAX;

/// A line in memory.
#[derive(Debug, Clone, Copy)]
pub struct MemLine {
    /// Nanoseconds since the Unix epoch.
    pub ts: i64,
    /// Hash of stream, time, text and fields.
    pub hash: u64,
    /// Which page of text.
    pub page: u32,
    /// Where the text begins in the page; the fields follow it.
    pub at: u32,
    /// Bytes of text.
    pub len: u32,
    /// Bytes of fields.
    pub fields_len: u32,
    /// The line of the same stream that came before, or [`NONE`].
    pub prev: u32,
    /// Which stream.
    pub stream: u32,
}

/// Pages of text and lines, as they were at a moment or as they grow.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    text: Vec<Arc<Vec<u8>>>,
    lines: Vec<Arc<Vec<MemLine>>>,
}

impl Pages {
    /// How many lines there are.
    pub fn len(&self) -> u32 {
        let last = self.lines.last().map_or(0, |page| page.len());
        (self.lines.len().saturating_sub(1) * LINES_PER_PAGE + last) as u32
    }

    /// A line's entry.
    #[inline]
    pub fn line(&self, id: u32) -> Option<&MemLine> {
        self.lines.get(id as usize / LINES_PER_PAGE)?.get(id as usize % LINES_PER_PAGE)
    }

    /// A line's text.
    #[inline]
    pub fn text(&self, line: &MemLine) -> &[u8] {
        self.bytes(line, 0, line.len)
    }

    /// A line's packed fields.
    #[inline]
    pub fn fields(&self, line: &MemLine) -> &[u8] {
        self.bytes(line, line.len, line.fields_len)
    }

    /// All pages of text.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.text.iter().map(|page| page.as_slice())
    }

    fn bytes(&self, line: &MemLine, skip: u32, len: u32) -> &[u8] {
        let start = line.at as usize + skip as usize;
        self.text.get(line.page as usize).and_then(|page| page.get(start..start + len as usize)).unwrap_or_default()
    }

    /// Adds text and fields. Answers page and place, and by how many bytes the pages grew.
    pub fn put_text(&mut self, text: &[u8], fields: &[u8]) -> (u32, u32, usize) {
        let wanted = text.len() + fields.len();
        let mut begin_with = TEXT_PAGE_BYTES_MIN;
        let fits = match self.text.last_mut() {
            None => false,
            Some(page) if page.len() + wanted > TEXT_PAGE_BYTES => {
                // Lines come quickly: the next page will be filled too.
                begin_with = TEXT_PAGE_BYTES;
                false
            }
            Some(page) => Arc::get_mut(page).is_some(),
        };
        let before = if fits {
            self.text.last().map_or(0, |page| page.capacity())
        } else {
            self.text.push(Arc::new(Vec::with_capacity(begin_with.max(wanted))));
            0
        };
        let number = (self.text.len() - 1) as u32;
        let Some(page) = self.text.last_mut().and_then(Arc::get_mut) else { return (number, 0, 0) };
        let at = page.len() as u32;
        page.extend_from_slice(text);
        page.extend_from_slice(fields);
        (number, at, page.capacity() - before)
    }

    /// Adds a line's entry. Answers its number, and by how many bytes the pages grew.
    pub fn put_line(&mut self, line: MemLine) -> (u32, usize) {
        let id = self.len();
        let mut grown = 0;
        if self.lines.last().is_none_or(|page| page.len() == LINES_PER_PAGE) {
            self.lines.push(Arc::new(Vec::with_capacity(if id == 0 { 16 } else { LINES_PER_PAGE })));
            grown = self.lines.last().map_or(0, |page| page.capacity());
        }
        if let Some(page) = self.lines.last_mut() {
            let before = page.capacity();
            let page = Arc::make_mut(page);
            page.push(line);
            grown += page.capacity().saturating_sub(before);
        }
        (id, grown * size_of::<MemLine>())
    }
}
