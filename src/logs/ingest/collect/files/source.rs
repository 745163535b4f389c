//! What a file holds, by position: plain or compressed with gzip; and by what it is known again under another name.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Bytes at the beginning of a file by which it is known.
pub(super) const HEAD_BYTES: usize = 1024;
/// Bytes before a position by which it is known that they are the same still.
pub(super) const TAIL_BYTES: usize = 256;

/// File systems that the kernel makes up, by their magic numbers: proc, sysfs, cgroup, cgroup2, debugfs, tracefs, securityfs,
/// configfs, bpf, selinux, binfmt_misc.
const KERNEL: [u64; 11] = [
    0x9fa0,
    0x6265_6572,
    0x0027_e0eb,
    0x6367_7270,
    0x6462_6720,
    0x7472_6163,
    0x7363_6673,
    0x6265_6570,
    0xcafe_4a11,
    0xf97c_ff8c,
    0x4249_4e4d,
];

/// Where a file lies, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Inode {
    pub(super) dev: u64,
    pub(super) ino: u64,
}

impl Inode {
    /// That of no file.
    pub(super) const NOWHERE: Self = Self { dev: 0, ino: 0 };
}

/// The state of a file that is looked at before reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) inode: Inode,
    pub(super) len: u64,
    pub(super) modified: (i64, i64),
}

impl Stat {
    pub(super) fn of(metadata: &std::fs::Metadata) -> Self {
        Self {
            inode: Inode { dev: metadata.dev(), ino: metadata.ino() },
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// By what the content up to a position is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Print {
    /// The position.
    pub(super) at: u64,
    head: u64,
    tail: u64,
}

impl Print {
    /// Of the first bytes of a file and those before the position, each as many as there are up to their limit.
    pub(super) fn of(at: u64, head: &[u8], tail: &[u8]) -> Self {
        Self { at, head: xxh3_64(head), tail: xxh3_64(tail) }
    }

    /// Whether the content begins with these bytes, which must be as many as the head has.
    pub(super) fn begins_with(&self, head: &[u8]) -> bool {
        self.head == xxh3_64(head)
    }

    /// A position alone.
    #[cfg(test)]
    pub(super) const fn at(at: u64) -> Self {
        Self { at, head: 0, tail: 0 }
    }
}

/// The content of a file.
#[derive(Debug)]
pub(super) enum Source {
    Plain(File),
    Gzip { file: File, decoder: Box<MultiGzDecoder<File>>, at: u64 },
}

impl Source {
    /// Opens a regular file of a disk, without waiting for anybody; one whose name ends in `.gz` is unpacked.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Stat)> {
        // A pipe that nobody writes into would hold everything up.
        let file = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        // So would some files of the kernel, which look like others until they are read.
        let kind = rustix::fs::fstatfs(&file).map(|found| found.f_type as u64)?;
        if KERNEL.contains(&(kind & 0xffff_ffff)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a file of the kernel, which is no log"));
        }
        let stat = Stat::of(&metadata);
        let is_packed = path.extension().is_some_and(|end| end == "gz");
        let source = if is_packed {
            let decoder = Box::new(MultiGzDecoder::new(file.try_clone()?));
            Self::Gzip { file, decoder, at: 0 }
        } else {
            Self::Plain(file)
        };
        Ok((source, stat))
    }

    /// A file that is gone: it holds nothing.
    pub(super) fn nothing() -> io::Result<(Self, Stat)> {
        let file = File::open("/dev/null")?;
        let stat = Stat::of(&file.metadata()?);
        Ok((Self::Plain(file), stat))
    }

    pub(super) const fn is_packed(&self) -> bool {
        matches!(self, Self::Gzip { .. })
    }

    pub(super) fn stat(&self) -> io::Result<Stat> {
        let (Self::Plain(file) | Self::Gzip { file, .. }) = self;
        Ok(Stat::of(&file.metadata()?))
    }

    /// Whether it has no name any more.
    pub(super) fn is_deleted(&self) -> bool {
        let (Self::Plain(file) | Self::Gzip { file, .. }) = self;
        file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }

    /// Reads as much as there is, up to the length of `buf`, from a position on.
    pub(super) fn read_at(&mut self, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => {
                let mut filled = 0;
                while filled < buf.len() {
                    match file.read_at(&mut buf[filled..], position + filled as u64) {
                        Ok(0) => break,
                        Ok(n) => filled += n,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(filled)
            }
            Self::Gzip { file, decoder, at } => {
                if position < *at {
                    io::Seek::rewind(file)?;
                    // The copy shares its place with the original.
                    **decoder = MultiGzDecoder::new(file.try_clone()?);
                    *at = 0;
                }
                let read = unpack(decoder, at, position, buf);
                if read.is_err() {
                    // After an error a decoder is of no use: the next reading begins anew.
                    *at = u64::MAX;
                }
                read
            }
        }
    }

    /// By what the content up to a position is known; `None` if there is less.
    pub(super) fn print(&mut self, position: u64) -> io::Result<Option<Print>> {
        let most = |max: usize| usize::try_from(position).unwrap_or(usize::MAX).min(max);
        let (mut head, mut tail) = (vec![0; most(HEAD_BYTES)], vec![0; most(TAIL_BYTES)]);
        if self.read_at(0, &mut head)? < head.len() || self.read_at(position - tail.len() as u64, &mut tail)? < tail.len() {
            return Ok(None);
        }
        Ok(Some(Print::of(position, &head, &tail)))
    }

    /// The first bytes, by which it is compared with others.
    pub(super) fn heads(&mut self) -> Heads {
        let mut bytes = vec![0; HEAD_BYTES];
        let read = self.read_at(0, &mut bytes).unwrap_or(0);
        bytes.truncate(read);
        Heads { bytes, hashes: HashMap::new() }
    }

    /// Whether the content up to the print's position is what it was.
    pub(super) fn is(&mut self, print: &Print) -> bool {
        self.print(print.at).is_ok_and(|found| found.as_ref() == Some(print))
    }
}

/// The first bytes of a file, and what they would be in prints.
#[derive(Debug)]
pub(super) struct Heads {
    pub(super) bytes: Vec<u8>,
    hashes: HashMap<usize, u64>,
}

impl Heads {
    /// Whether the file may have what the print is of: nothing is read for it.
    pub(super) fn may_have(&mut self, print: &Print) -> bool {
        let len = usize::try_from(print.at).unwrap_or(usize::MAX).min(HEAD_BYTES);
        let Some(head) = self.bytes.get(..len) else { return false };
        *self.hashes.entry(len).or_insert_with(|| xxh3_64(head)) == print.head
    }
}

/// Reads on from `at`, leaving out what lies before the position.
fn unpack(decoder: &mut MultiGzDecoder<File>, at: &mut u64, position: u64, buf: &mut [u8]) -> io::Result<usize> {
    let mut skipped = [0; 8192];
    while *at < position {
        let most = usize::try_from(position - *at).unwrap_or(usize::MAX).min(skipped.len());
        match decoder.read(&mut skipped[..most])? {
            0 => return Ok(0),
            n => *at += n as u64,
        }
    }
    let mut filled = 0;
    while filled < buf.len() {
        match decoder.read(&mut buf[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    *at += filled as u64;
    Ok(filled)
}
