//! The files of an index in one file, and tantivy's way to read them there.
//!
//! The files lie one after the other; then for each a varint length and its name, and its length as a varint; then the
//! length of that list in four bytes, little endian. The checksums of [`super::super::pages`] are behind all of it.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::HasLen;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{Directory, DirectoryLock, FileHandle, Lock, OwnedBytes, WatchCallback, WatchHandle, WritePtr};

use crate::base::bytes::{Cursor, Malformed, put_uvarint};
use crate::logs::store::part::error::PartError;
use crate::logs::store::part::pages::{FileSeal, Pages, PagesWriter};

/// Writes files as one.
pub(super) fn write(path: PathBuf, files: &[(PathBuf, OwnedBytes)]) -> Result<FileSeal, PartError> {
    let mut out = PagesWriter::create(path)?;
    let mut list = Vec::new();
    for (name, bytes) in files {
        out.write(bytes)?;
        let name = name.to_string_lossy();
        put_uvarint(&mut list, name.len() as u64);
        list.extend_from_slice(name.as_bytes());
        put_uvarint(&mut list, bytes.len() as u64);
    }
    let len = list.len() as u32;
    list.extend_from_slice(&len.to_le_bytes());
    out.write(&list)?;
    out.finish()
}

/// The files, to be read.
#[derive(Clone)]
pub(super) struct Packed {
    pages: Arc<Pages>,
    files: Arc<[(PathBuf, Range<usize>)]>,
}

impl Packed {
    pub(super) fn open(pages: Arc<Pages>) -> Result<Self, PartError> {
        let files = read_list(&pages)?;
        Ok(Self { pages, files: files.into() })
    }

    fn find(&self, path: &Path) -> Result<PackedFile, OpenReadError> {
        match self.files.iter().find(|(name, _)| name == path) {
            Some((_, range)) => Ok(PackedFile { pages: Arc::clone(&self.pages), range: range.clone() }),
            None => Err(OpenReadError::FileDoesNotExist(path.to_owned())),
        }
    }
}

fn read_list(pages: &Pages) -> Result<Vec<(PathBuf, Range<usize>)>, PartError> {
    let malformed = |_: Malformed| PartError::damaged(pages.path(), "its list of files is malformed");
    let end = pages.len().checked_sub(4).ok_or_else(|| PartError::damaged(pages.path(), "it is too short"))?;
    let len = Cursor::new(pages.get(end..end + 4)?).u32_le().map_err(malformed)? as usize;
    let start = end.checked_sub(len).ok_or_else(|| PartError::damaged(pages.path(), "its list of files is too long"))?;
    let mut cursor = Cursor::new(pages.get(start..end)?);
    let mut files = Vec::new();
    let mut at = 0usize;
    while !cursor.is_empty() {
        let name_len = cursor.len().map_err(malformed)?;
        let name = String::from_utf8_lossy(cursor.take(name_len).map_err(malformed)?).into_owned();
        let bytes = cursor.uvarint().map_err(malformed)?;
        let next = usize::try_from(bytes).ok().and_then(|bytes| at.checked_add(bytes)).filter(|next| *next <= start);
        let next = next.ok_or_else(|| PartError::damaged(pages.path(), "a file of its list does not fit"))?;
        files.push((PathBuf::from(name), at..next));
        at = next;
    }
    Ok(files)
}

fn read_only() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "the index of a part is never changed")
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packed({})", self.pages.path().display())
    }
}

impl Directory for Packed {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        Ok(Arc::new(self.find(path)?))
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        Err(DeleteError::IoError { io_error: Arc::new(read_only()), filepath: path.to_owned() })
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        Ok(self.find(path).is_ok())
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        Err(OpenWriteError::wrap_io_error(read_only(), path.to_owned()))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let file = self.find(path)?;
        let bytes = file.read_bytes(0..file.len()).map_err(|error| OpenReadError::wrap_io_error(error, path.to_owned()))?;
        Ok(bytes.as_slice().to_vec())
    }

    fn atomic_write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(read_only())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn acquire_lock(&self, _: &Lock) -> Result<DirectoryLock, LockError> {
        Ok(DirectoryLock::from(Box::new(())))
    }

    fn watch(&self, _: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(WatchHandle::empty())
    }
}

/// One of the files. What is read of it is copied, after its pages were checked.
#[derive(Debug)]
struct PackedFile {
    pages: Arc<Pages>,
    range: Range<usize>,
}

impl HasLen for PackedFile {
    fn len(&self) -> usize {
        self.range.len()
    }
}

impl FileHandle for PackedFile {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        let outside = || io::Error::new(io::ErrorKind::UnexpectedEof, "outside of the file");
        if range.start > range.end || range.end > self.range.len() {
            return Err(outside());
        }
        let start = self.range.start + range.start;
        let bytes = self.pages.get(start..start + range.len()).map_err(io::Error::other)?;
        Ok(OwnedBytes::new(bytes.to_vec()))
    }
}
