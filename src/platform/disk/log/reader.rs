//! Reading files of a log back: record by record, past damage. What cannot be read is set aside and named.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::frame::{Format, Found, Frame, Frames};
use crate::platform::disk;

/// Folder below the log's for what cannot be read.
const QUARANTINE: &str = "quarantine";

/// A part of a log that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Which file.
    pub file: PathBuf,
    /// Where in it, in bytes.
    pub offset: u64,
    /// What was found and done, in words.
    pub what: String,
}

/// What to do about parts that cannot be read, and about leftovers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damaged {
    /// Set the parts aside, remove the leftovers: the log is about to be written.
    Mend,
    /// Touch nothing: somebody else may be writing it.
    Leave,
}

/// A record as it lies in a file.
#[derive(Debug, Clone)]
pub struct Record<'b> {
    /// What it is.
    pub frame: Frame<'b>,
    /// Where it lies, in bytes.
    pub place: Range<usize>,
}

/// Reads files of a log, and remembers what could not be read.
#[derive(Debug)]
pub struct LogReader {
    dir: PathBuf,
    format: Format,
    damaged: Damaged,
    /// What could not be read so far.
    pub damage: Vec<Damage>,
}

impl LogReader {
    /// Of the log in a folder.
    pub fn new(dir: impl Into<PathBuf>, format: Format, damaged: Damaged) -> Self {
        Self { dir: dir.into(), format, damaged, damage: Vec::new() }
    }

    /// Hands every record of a file to `each`, which says what is wrong with one, if anything. A torn end of the newest file
    /// is cut off; anything else that is damaged is copied to `quarantine/`, noted, and passed over. Answers the length of
    /// the part that stays, `None` if the file is none of the log.
    ///
    /// # Errors
    /// Of `each`, and of the disk.
    pub fn walk<'b>(
        &mut self,
        path: &Path,
        bytes: &'b [u8],
        is_last: bool,
        mut each: impl FnMut(Record<'b>) -> io::Result<Option<&'static str>>,
    ) -> io::Result<Option<u64>> {
        let Some(mut frames) = Frames::new(bytes, self.format) else {
            if is_last && bytes.len() <= self.format.magic.len() {
                // Created, and then the process ended.
                if self.damaged == Damaged::Mend {
                    fs::remove_file(path)?;
                }
            } else {
                self.set_aside(path, bytes, 0, "not a log file of a known version");
            }
            return Ok(None);
        };
        if frames.has_damaged_head() {
            self.set_aside(path, &bytes[..frames.offset()], 0, "its first bytes are damaged; the records after them were read");
        }
        let mut good_len = bytes.len();
        loop {
            let at = frames.offset();
            let found = frames.next_frame();
            let place = at..frames.offset();
            match found {
                Found::Frame(frame) => {
                    if let Some(wrong) = each(Record { frame, place: place.clone() })? {
                        self.set_aside(path, &bytes[place], at, wrong);
                    }
                }
                Found::End => break,
                Found::Mended(frame) => {
                    self.set_aside(path, &bytes[place.clone()], at, "the length of a record is damaged; it was read all the same");
                    if let Some(wrong) = each(Record { frame, place: place.clone() })? {
                        self.set_aside(path, &bytes[place], at, wrong);
                    }
                }
                Found::Damaged if place.end < bytes.len() => {
                    let what = format!("{} bytes are damaged; the records after them were read", place.len());
                    self.set_aside(path, &bytes[place], at, &what);
                }
                Found::Torn if is_last => {
                    good_len = at;
                    let cut = bytes.len() - at;
                    tracing::info!(path = %path.display(), offset = at, cut, "the log ends with a record that was not finished; it is cut off");
                    break;
                }
                Found::Damaged | Found::Torn => {
                    let what = format!("the last {} bytes are damaged", bytes.len() - at);
                    if self.set_aside(path, &bytes[at..], at, &what) {
                        good_len = at;
                    }
                    break;
                }
            }
        }
        if good_len < bytes.len() && self.damaged == Damaged::Mend {
            let file = File::options().write(true).open(path)?;
            file.set_len(good_len as u64)?;
            file.sync_all()?;
        }
        Ok(Some(good_len as u64))
    }

    /// Notes damage and keeps the bytes for whoever wants to look. Answers whether they are kept: on a full disk they are
    /// not, which is no reason not to start.
    fn set_aside(&mut self, path: &Path, bytes: &[u8], at: usize, what: &str) -> bool {
        let kept = match self.damaged {
            Damaged::Leave => false,
            Damaged::Mend => self
                .keep(path, bytes, at)
                .inspect_err(|error| {
                    tracing::warn!(path = %path.display(), offset = at, %error, "damaged bytes of the log cannot be copied to quarantine");
                })
                .is_ok(),
        };
        self.damage.push(Damage { file: path.to_owned(), offset: at as u64, what: what.to_owned() });
        kept
    }

    fn keep(&self, path: &Path, bytes: &[u8], at: usize) -> io::Result<()> {
        let folder = self.dir.join(QUARANTINE);
        fs::create_dir_all(&folder)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        disk::replace_file(&folder.join(format!("{name}-{at}")), bytes)
    }
}
