//! From a staged folder to the file.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::manifest::{CHECKSUMS, Checksum, Checksums, FORMAT, FORMAT_VERSION, FileEntry, MANIFEST, Manifest, unsafe_path};

/// Chunks of samples are compressed already; more effort would cost much time for little.
const LEVEL: i32 = 3;

/// Lists what was staged, sorted by path.
pub(super) fn list(staged: &Path) -> io::Result<Vec<FileEntry>> {
    let mut files = Vec::new();
    let mut open = vec![String::new()];
    while let Some(below) = open.pop() {
        for entry in fs::read_dir(staged.join(&below))? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| odd(&name.to_string_lossy(), "it is no text"))?;
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            if let Some(why) = unsafe_path(&path) {
                return Err(odd(&path, why));
            }
            let meta = fs::symlink_metadata(entry.path())?;
            if meta.is_dir() {
                open.push(path);
            } else {
                files.push(FileEntry { path, bytes: meta.len() });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn odd(path: &str, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the file {path:?} cannot be in a backup: {why}"))
}

/// A manifest of these files, made now by this version.
pub(super) fn manifest(created_ms: i64, parts: Vec<String>, files: Vec<FileEntry>) -> Manifest {
    Manifest {
        format: FORMAT.to_owned(),
        format_version: FORMAT_VERSION,
        pharos_version: env!("CARGO_PKG_VERSION").to_owned(),
        created_ms,
        parts,
        files,
    }
}

/// Writes the archive; gives the writer back when everything is in it.
pub(super) fn write<W: Write>(staged: &Path, manifest: &Manifest, out: W) -> io::Result<W> {
    let mut encoder = zstd::Encoder::new(out, LEVEL)?;
    encoder.include_checksum(true)?;
    let mut tar = Builder::new(encoder);
    put_json(&mut tar, MANIFEST, manifest, manifest.created_ms)?;
    let mut sums = Checksums::default();
    for file in &manifest.files {
        // As many bytes as the manifest says, whatever happens to the file.
        let mut content = Summed { inner: File::open(staged.join(&file.path))?.take(file.bytes), sum: Sha256::new(), bytes: 0 };
        put(&mut tar, &file.path, file.bytes, manifest.created_ms, &mut content)?;
        if content.bytes != file.bytes {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("the file {:?} became shorter meanwhile", file.path)));
        }
        sums.files.push(Checksum { path: file.path.clone(), sha256: hex(&content.sum.finalize()) });
    }
    put_json(&mut tar, CHECKSUMS, &sums, manifest.created_ms)?;
    tar.into_inner()?.finish()
}

fn put_json<W: Write>(tar: &mut Builder<W>, path: &str, value: &impl serde::Serialize, at_ms: i64) -> io::Result<()> {
    let text = serde_json::to_vec(value)?;
    put(tar, path, text.len() as u64, at_ms, &mut text.as_slice())
}

fn put<W: Write>(tar: &mut Builder<W>, path: &str, bytes: u64, at_ms: i64, content: &mut impl Read) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_path(path)?;
    header.set_entry_type(EntryType::Regular);
    header.set_size(bytes);
    // Hashes of passwords and tokens are in it.
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(at_ms / 1000).unwrap_or(0));
    header.set_cksum();
    tar.append(&header, content)
}

/// Sums up what is read.
struct Summed<R> {
    inner: R,
    sum: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.sum.update(&buf[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// In lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
        text
    })
}
