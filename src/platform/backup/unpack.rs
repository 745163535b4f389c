//! From the file to a folder. The file may be anything: it is read as if somebody meant harm with it.
//!
//! Only plain files are taken, only those that the manifest lists, in its order, with its sizes and checksums, under names
//! that cannot leave the folder. Nothing is written that the disk has no room for.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};

use super::archive::hex;
use super::manifest::{BYTES_MAX, CHECKSUMS, Checksums, FORMAT, FORMAT_VERSION, FileEntry, MANIFEST, Manifest, unsafe_path};
use crate::base::human;
use crate::platform::disk;

/// How everything that zstd compressed begins.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// A window of zstd larger than this is refused: it is memory that the file asks for. What we write needs 2 MiB.
const WINDOW_LOG_MAX: u32 = 27;
/// Read at once.
const PIECE_BYTES: usize = 128 * 1024;
/// Left free on the disk at least.
const SPARE_BYTES: u64 = 64 << 20;

/// Why a file is no backup that can be restored.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Something else.
    #[error("this is no backup of pharos: {0}")]
    Foreign(String),
    /// Made by a later version.
    #[error("the backup has format {found}, this version of pharos reads up to {FORMAT_VERSION}: use pharos {by} or later")]
    Newer {
        /// Its format.
        found: u32,
        /// The version that made it.
        by: String,
    },
    /// The end is missing.
    #[error("the backup is cut off: {0}")]
    CutOff(String),
    /// What is in it is not what was written.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// It holds what no backup of ours holds.
    #[error("the backup is refused: {0}")]
    Unsafe(String),
    /// No room.
    #[error("the backup needs {} on the disk, and {} are free", human::bytes(*needed as f64), human::bytes(*free as f64))]
    NoSpace {
        /// Bytes.
        needed: u64,
        /// Bytes.
        free: u64,
    },
    /// The folder cannot be written to.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Reads the whole backup and checks it. `progress` is told the bytes of files done so far, and of all.
pub fn verify(input: impl Read, progress: &mut dyn FnMut(u64, u64)) -> Result<Manifest, UnpackError> {
    read(input, None, progress)
}

/// Writes the files of the backup into an empty folder and checks them; they are on the disk when this returns.
pub fn unpack(input: impl Read, folder: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Manifest, UnpackError> {
    read(input, Some(folder), progress)
}

fn read(mut input: impl Read, folder: Option<&Path>, progress: &mut dyn FnMut(u64, u64)) -> Result<Manifest, UnpackError> {
    let mut magic = [0; MAGIC.len()];
    if input.read_exact(&mut magic).is_err() || magic != MAGIC {
        return Err(UnpackError::Foreign("it is not compressed with zstd".to_owned()));
    }
    let mut decoder = zstd::Decoder::new(magic.as_slice().chain(input)).map_err(|error| UnpackError::Foreign(error.to_string()))?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(|error| UnpackError::Foreign(error.to_string()))?;
    let mut archive = Archive::new(decoder);
    // Raw: extensions of the format (long names and the like) come as entries of their own, which are refused.
    let mut entries = archive.entries().map_err(|error| broken("the beginning", &error))?.raw(true);
    let mut next = |what: &str| match entries.next() {
        Some(Ok(entry)) => Ok(entry),
        Some(Err(error)) => Err(broken(what, &error)),
        None => Err(UnpackError::CutOff(format!("{what} is not there"))),
    };
    let manifest = read_manifest(next("the beginning")?)?;
    if let Some(folder) = folder {
        make_room(folder, &manifest)?;
    }
    let (total, mut done) = (manifest.bytes(), 0);
    let mut sums = Vec::with_capacity(manifest.files.len());
    for file in &manifest.files {
        let entry = next(&file.path)?;
        check_entry(&entry, &file.path, Some(file.bytes))?;
        sums.push(take(entry, file, folder, &mut |bytes| {
            done += bytes;
            progress(done, total);
        })?);
    }
    let last = next(CHECKSUMS)?;
    check_entry(&last, CHECKSUMS, None)?;
    compare(&manifest, &sums, &read_json(last, CHECKSUMS)?)?;
    match entries.next() {
        None => {}
        Some(Ok(entry)) => return Err(UnpackError::Unsafe(format!("{} stands after its end", shown(&entry)))),
        Some(Err(error)) => return Err(broken("the end", &error)),
    }
    // To the last byte, so that the compressor's own checksum is looked at too.
    let rest = io::copy(&mut archive.into_inner().take(BYTES_MAX), &mut io::sink()).map_err(|error| broken("the end", &error))?;
    if rest >= BYTES_MAX {
        return Err(UnpackError::Unsafe("something stands after its end".to_owned()));
    }
    if let Some(folder) = folder {
        sync_folders(folder).map_err(|source| UnpackError::Write { path: folder.display().to_string(), source })?;
    }
    Ok(manifest)
}

fn read_manifest<R: Read>(first: Entry<'_, R>) -> Result<Manifest, UnpackError> {
    if check_entry(&first, MANIFEST, None).is_err() {
        return Err(UnpackError::Foreign(format!("it begins with {}, not with {MANIFEST}", shown(&first))));
    }
    // Looked at before the rest: a later format may have other fields.
    let value: serde_json::Value = read_json(first, MANIFEST)?;
    if value["format"] != FORMAT {
        return Err(UnpackError::Foreign(format!("{MANIFEST} does not say {FORMAT:?}")));
    }
    let found = value["format_version"].as_u64().and_then(|found| u32::try_from(found).ok()).unwrap_or(0);
    if found > FORMAT_VERSION {
        let by = value["pharos_version"].as_str().unwrap_or("of its time").chars().take(40).collect();
        return Err(UnpackError::Newer { found, by });
    }
    let manifest: Manifest = serde_json::from_value(value).map_err(|error| UnpackError::Damaged(format!("{MANIFEST}: {error}")))?;
    for file in &manifest.files {
        if let Some(why) = unsafe_path(&file.path) {
            return Err(UnpackError::Unsafe(format!("the path {:?} is not taken: {why}", file.path)));
        }
    }
    // Sorted, so that the same name twice, or a file where a folder is to be, shows.
    if !manifest.files.is_sorted_by(|a, b| a.path < b.path && !b.path.starts_with(&format!("{}/", a.path))) {
        return Err(UnpackError::Unsafe(format!("{MANIFEST} lists a file twice, or not in order")));
    }
    Ok(manifest)
}

fn read_json<R: Read, T: serde::de::DeserializeOwned>(entry: Entry<'_, R>, what: &str) -> Result<T, UnpackError> {
    let mut text = Vec::new();
    entry.take(BYTES_MAX).read_to_end(&mut text).map_err(|error| broken(what, &error))?;
    serde_json::from_slice(&text).map_err(|error| UnpackError::Damaged(format!("{what}: {error}")))
}

/// What an entry is, for messages.
fn shown<R: Read>(entry: &Entry<'_, R>) -> String {
    let path: String = String::from_utf8_lossy(&entry.path_bytes()).chars().take(100).collect();
    let kind = match entry.header().entry_type() {
        EntryType::Regular => "the file",
        EntryType::Symlink => "the symbolic link",
        EntryType::Link => "the hard link",
        EntryType::Directory => "the folder",
        EntryType::Char | EntryType::Block | EntryType::Fifo => "the device",
        _ => "the special entry",
    };
    format!("{kind} {path:?}")
}

fn check_entry<R: Read>(entry: &Entry<'_, R>, path: &str, bytes: Option<u64>) -> Result<(), UnpackError> {
    if entry.header().entry_type() != EntryType::Regular {
        return Err(UnpackError::Unsafe(format!("it holds {}, and a backup holds plain files only", shown(entry))));
    }
    if *entry.path_bytes() != *path.as_bytes() {
        return Err(UnpackError::Unsafe(format!("it holds {} where its manifest has {path:?}", shown(entry))));
    }
    let size = entry.header().entry_size().unwrap_or(u64::MAX);
    if size > bytes.unwrap_or(BYTES_MAX) || bytes.is_some_and(|bytes| bytes != size) {
        return Err(UnpackError::Unsafe(format!("{path:?} has {size} bytes, which is not what its manifest says")));
    }
    Ok(())
}

fn make_room(folder: &Path, manifest: &Manifest) -> Result<(), UnpackError> {
    let free = disk::free_bytes(folder).map_err(|source| UnpackError::Write { path: folder.display().to_string(), source })?;
    // A file takes whole pages of the disk.
    let needed = manifest.files.iter().map(|file| file.bytes.saturating_add(4096)).fold(SPARE_BYTES, u64::saturating_add);
    if needed > free { Err(UnpackError::NoSpace { needed, free }) } else { Ok(()) }
}

/// Reads one file, writes it where it belongs, and gives its checksum.
fn take<R: Read>(
    mut entry: Entry<'_, R>,
    file: &FileEntry,
    folder: Option<&Path>,
    done: &mut dyn FnMut(u64),
) -> Result<String, UnpackError> {
    let failed = |source| UnpackError::Write { path: file.path.clone(), source };
    let mut out = match folder {
        None => None,
        Some(folder) => {
            let path = folder.join(&file.path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(failed)?;
            }
            Some(create(&path).map_err(failed)?)
        }
    };
    let (mut sum, mut left, mut piece) = (Sha256::new(), file.bytes, vec![0; PIECE_BYTES]);
    while left > 0 {
        let read = entry.read(&mut piece).map_err(|error| broken(&file.path, &error))?;
        if read == 0 {
            return Err(UnpackError::CutOff(format!("{:?} lacks {left} bytes", file.path)));
        }
        let bytes = &piece[..read];
        sum.update(bytes);
        if let Some(out) = &mut out {
            out.write_all(bytes).map_err(failed)?;
        }
        left = left.saturating_sub(read as u64);
        done(read as u64);
    }
    if let Some(out) = out {
        out.sync_all().map_err(failed)?;
    }
    Ok(hex(&sum.finalize()))
}

/// A file that nobody else can read, and that was not there before.
fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

fn compare(manifest: &Manifest, sums: &[String], said: &Checksums) -> Result<(), UnpackError> {
    if said.files.len() != manifest.files.len() {
        return Err(UnpackError::Damaged(format!("{CHECKSUMS} knows {} files of {}", said.files.len(), manifest.files.len())));
    }
    for ((file, sum), said) in manifest.files.iter().zip(sums).zip(&said.files) {
        if said.path != file.path || !said.sha256.eq_ignore_ascii_case(sum) {
            return Err(UnpackError::Damaged(format!("the checksum of {:?} is wrong", file.path)));
        }
    }
    Ok(())
}

/// What a failed read means.
fn broken(what: &str, error: &io::Error) -> UnpackError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => UnpackError::CutOff(format!("it ends within {what}")),
        _ if error.to_string().contains("incomplete frame") => UnpackError::CutOff(format!("it ends within {what}")),
        _ => UnpackError::Damaged(format!("{what}: {error}")),
    }
}

fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    disk::sync_dir(folder)
}
