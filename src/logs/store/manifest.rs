//! The manifest: which parts are live, how far the log is in them, and what was deleted. One file, replaced as a whole,
//! so that a crash leaves either the old truth or the new one.
//!
//! # Format, version 2
//!
//! ```text
//! PHARLGM and the version byte 2 | CRC-32 of the rest (u32) |
//! next part | last deletion | segment of the log | offset in it: what is before that is in parts
//! count of parts, then per part: number | day (signed, since the Unix epoch) | deletions done |
//!     flags (1 byte: 1 = dense, 2 = an older day follows) | with flag 2: oldest day (signed)
//! count of deletions, then per deletion: number | created (signed, ms) | start | end (signed, ns; end excluded) |
//!     processed (signed, ms; 0 = not yet) | count of matchers, each name, operator (1 byte), value |
//!     1 and a query, or 0 (1 byte, text)
//! ```
//!
//! Numbers are LEB128 varints, signed ones zigzag; texts have their length before them. Version 1, which can be read, has
//! no flag 2.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::wal::WalPlace;
use crate::base::bytes::{Cursor, Malformed, has_crc32, put_uvarint, put_varint};
use crate::logs::model::read::Span;
use crate::platform::disk;
use crate::series::matcher::{MatchOp, Matcher};

/// Its name in the store's folder.
pub const MANIFEST: &str = "MANIFEST";
const MAGIC: [u8; 8] = *b"PHARLGM\x02";
/// The oldest version that can be read.
const OLDEST: u8 = 1;
/// Flags of a part.
const DENSE: u8 = 1;
const OLDER_DAY: u8 = 2;
/// Finished deletions are remembered for lists, but not more than so many.
const PROCESSED_MAX: usize = 200;

/// A part that is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartEntry {
    /// Its number, never used again.
    pub id: u64,
    /// The day of its newest lines, in days since the Unix epoch (UTC).
    pub day: i64,
    /// The day of its oldest lines: nearly always the same.
    pub oldest_day: i64,
    /// Deletions up to this number need not be applied to it.
    pub deletes_done: u64,
    /// Whether it was packed for good.
    pub dense: bool,
}

impl PartEntry {
    /// Path of its folder, below the folder of parts.
    pub fn path(&self, parts: &Path) -> PathBuf {
        parts.join(format!("{}-{:08x}", self.day, self.id))
    }
}

/// The number and the day that a folder's name stands for.
pub fn part_name(name: &str) -> Option<(u64, i64)> {
    let (day, id) = name.rsplit_once('-')?;
    (id.len() >= 8).then_some(())?;
    Some((u64::from_str_radix(id, 16).ok()?, day.parse().ok()?))
}

/// Lines that somebody asked to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// Its number.
    pub id: u64,
    /// When it was asked for, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// All of these must match the stream.
    pub matchers: Vec<Matcher>,
    /// When.
    pub span: Span,
    /// Which lines, in the words of the one who asked, if not all.
    pub query: Option<String>,
    /// When the lines were gone from the disk, milliseconds since the Unix epoch.
    pub processed_ms: Option<i64>,
}

/// Everything that is true of the store beside its files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// Number for the next part.
    pub next_part: u64,
    /// Number of the newest deletion ever.
    pub last_delete: u64,
    /// What stands in the log before this is in parts.
    pub wal: WalPlace,
    /// Live parts.
    pub parts: Vec<PartEntry>,
    /// Deletions, oldest first.
    pub deletes: Vec<Deletion>,
}

/// What a folder says about itself.
#[derive(Debug)]
pub enum Found {
    /// Nothing; it is new.
    Nothing,
    /// A manifest.
    Manifest(Manifest),
    /// A file that is none, with the reason.
    Damaged(String),
}

impl Manifest {
    /// Reads the manifest of a folder.
    pub fn read(dir: &Path) -> io::Result<Found> {
        let bytes = match fs::read(dir.join(MANIFEST)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        };
        let Some((head, rest)) = bytes.split_first_chunk::<12>() else { return Ok(Found::Damaged("it is too short".to_owned())) };
        if head[..7] != MAGIC[..7] || !(OLDEST..=MAGIC[7]).contains(&head[7]) {
            return Ok(Found::Damaged("it is not a manifest of a known version".to_owned()));
        }
        if !has_crc32(rest, u32::from_le_bytes([head[8], head[9], head[10], head[11]])) {
            return Ok(Found::Damaged("it does not fit its checksum".to_owned()));
        }
        Ok(match Self::decode(rest) {
            Ok(manifest) => Found::Manifest(manifest),
            Err(error) => Found::Damaged(error.to_string()),
        })
    }

    /// Replaces the manifest of a folder.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let mut bytes = MAGIC.to_vec();
        let content = self.encode();
        bytes.extend_from_slice(&crc32fast::hash(&content).to_le_bytes());
        bytes.extend_from_slice(&content);
        disk::replace_file(&dir.join(MANIFEST), &bytes)
    }

    /// Forgets finished deletions beyond a number.
    pub fn trim(&mut self) {
        let processed = self.deletes.iter().filter(|delete| delete.processed_ms.is_some()).count();
        let mut surplus = processed.saturating_sub(PROCESSED_MAX);
        self.deletes.retain(|delete| {
            let goes = delete.processed_ms.is_some() && surplus > 0;
            surplus -= usize::from(goes);
            !goes
        });
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for number in [self.next_part, self.last_delete, self.wal.segment, self.wal.offset, self.parts.len() as u64] {
            put_uvarint(&mut out, number);
        }
        for part in &self.parts {
            put_uvarint(&mut out, part.id);
            put_varint(&mut out, part.day);
            put_uvarint(&mut out, part.deletes_done);
            let has_older = part.oldest_day != part.day;
            out.push(if part.dense { DENSE } else { 0 } | if has_older { OLDER_DAY } else { 0 });
            if has_older {
                put_varint(&mut out, part.oldest_day);
            }
        }
        put_uvarint(&mut out, self.deletes.len() as u64);
        for delete in &self.deletes {
            put_uvarint(&mut out, delete.id);
            for number in [delete.created_ms, delete.span.start, delete.span.end, delete.processed_ms.unwrap_or(0)] {
                put_varint(&mut out, number);
            }
            put_uvarint(&mut out, delete.matchers.len() as u64);
            for matcher in &delete.matchers {
                put_text(&mut out, &matcher.name);
                out.push(op_byte(matcher.op));
                put_text(&mut out, &matcher.value);
            }
            match &delete.query {
                Some(query) => {
                    out.push(1);
                    put_text(&mut out, query);
                }
                None => out.push(0),
            }
        }
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(bytes);
        let mut manifest = Self {
            next_part: cursor.uvarint()?,
            last_delete: cursor.uvarint()?,
            wal: WalPlace { segment: cursor.uvarint()?, offset: cursor.uvarint()? },
            ..Self::default()
        };
        for _ in 0..cursor.len()? {
            let (id, day, deletes_done, flags) = (cursor.uvarint()?, cursor.varint()?, cursor.uvarint()?, cursor.u8()?);
            let oldest_day = if flags & OLDER_DAY == 0 { day } else { cursor.varint()? };
            manifest.parts.push(PartEntry { id, day, oldest_day, deletes_done, dense: flags & DENSE != 0 });
        }
        for _ in 0..cursor.len()? {
            manifest.deletes.push(take_delete(&mut cursor)?);
        }
        if cursor.is_empty() { Ok(manifest) } else { Err(Malformed { offset: cursor.offset() }) }
    }
}

fn take_delete(cursor: &mut Cursor<'_>) -> Result<Deletion, Malformed> {
    let id = cursor.uvarint()?;
    let created_ms = cursor.varint()?;
    let span = Span { start: cursor.varint()?, end: cursor.varint()? };
    let processed_ms = Some(cursor.varint()?).filter(|at| *at != 0);
    let mut matchers = Vec::new();
    for _ in 0..cursor.len()? {
        let name = take_text(cursor)?;
        let malformed = Malformed { offset: cursor.offset() };
        let op = match cursor.u8()? {
            0 => MatchOp::Equal,
            1 => MatchOp::NotEqual,
            2 => MatchOp::Regex,
            3 => MatchOp::NotRegex,
            _ => return Err(malformed),
        };
        let value = take_text(cursor)?;
        matchers.push(Matcher::new(name, op, value).map_err(|_| malformed)?);
    }
    let query = match cursor.u8()? {
        0 => None,
        _ => Some(take_text(cursor)?.to_owned()),
    };
    Ok(Deletion { id, created_ms, matchers, span, query, processed_ms })
}

const fn op_byte(op: MatchOp) -> u8 {
    match op {
        MatchOp::Equal => 0,
        MatchOp::NotEqual => 1,
        MatchOp::Regex => 2,
        MatchOp::NotRegex => 3,
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_uvarint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn take_text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, Malformed> {
    let malformed = Malformed { offset: cursor.offset() };
    let len = cursor.len()?;
    std::str::from_utf8(cursor.take(len)?).map_err(|_| malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Manifest {
        Manifest {
            next_part: 300,
            last_delete: 7,
            wal: WalPlace { segment: 12, offset: 900 },
            parts: vec![
                PartEntry { id: 1, day: 20_000, oldest_day: 19_000, deletes_done: 3, dense: true },
                PartEntry { id: 299, day: -1, oldest_day: -1, deletes_done: 7, dense: false },
            ],
            deletes: vec![Deletion {
                id: 7,
                created_ms: 1_700_000_000_000,
                matchers: vec![Matcher::equal("job", "a"), Matcher::new("env", MatchOp::NotRegex, "p.*").unwrap()],
                span: Span { start: -5, end: i64::MAX },
                query: Some("{job=\"a\"} |= \"x\"".to_owned()),
                processed_ms: None,
            }],
        }
    }

    #[test]
    fn comes_back_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Manifest::read(dir.path()).unwrap(), Found::Nothing));
        for manifest in [Manifest::default(), example()] {
            manifest.write(dir.path()).unwrap();
            let Found::Manifest(read) = Manifest::read(dir.path()).unwrap() else { panic!("no manifest") };
            assert_eq!(read, manifest);
        }
        let part = example().parts[1];
        let path = part.path(Path::new("x"));
        assert_eq!(part_name(path.file_name().unwrap().to_str().unwrap()), Some((part.id, part.day)));
        assert_eq!(part_name("20000-0000000g"), None);
    }

    #[test]
    fn the_version_before_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut manifest = example();
        manifest.parts[0].oldest_day = manifest.parts[0].day;
        manifest.write(dir.path()).unwrap();
        let path = dir.path().join(MANIFEST);
        let mut bytes = fs::read(&path).unwrap();
        for (version, is_known) in [(0, false), (1, true), (2, true), (3, false)] {
            bytes[7] = version;
            fs::write(&path, &bytes).unwrap();
            let found = Manifest::read(dir.path()).unwrap();
            assert_eq!(matches!(found, Found::Manifest(found) if found == manifest), is_known, "version {version}");
        }
    }

    #[test]
    fn every_damage_is_seen_and_none_panics() {
        let dir = tempfile::tempdir().unwrap();
        example().write(dir.path()).unwrap();
        let good = fs::read(dir.path().join(MANIFEST)).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            fs::write(dir.path().join(MANIFEST), &bad).unwrap();
            assert!(matches!(Manifest::read(dir.path()).unwrap(), Found::Damaged(_)), "byte {at}");
            fs::write(dir.path().join(MANIFEST), &good[..at]).unwrap();
            assert!(matches!(Manifest::read(dir.path()).unwrap(), Found::Damaged(_)), "cut at {at}");
            // Without the checksum in the way.
            let _any = Manifest::decode(&bad[12.min(at)..]);
        }
    }

    #[test]
    fn finished_deletions_are_not_kept_for_ever() {
        let mut manifest = Manifest::default();
        let one = &example().deletes[0];
        manifest.deletes = (0..500).map(|id| Deletion { id, processed_ms: (id % 2 == 0).then_some(1), ..one.clone() }).collect();
        manifest.trim();
        assert_eq!(manifest.deletes.len(), 250 + PROCESSED_MAX);
        assert_eq!(manifest.deletes.last().map(|delete| delete.id), Some(499));
    }
}
