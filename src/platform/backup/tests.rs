//! Round trips, and files that mean harm.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use tar::{Builder, EntryType, Header};

use super::manifest::{CHECKSUMS, MANIFEST};
use super::*;
use crate::base::clock::ManualClock;

struct Files(&'static [(&'static str, &'static [u8])]);

impl Part for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn stage(&self, folder: &Path) -> Result<(), String> {
        for (path, content) in self.0 {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, content).expect("a file");
        }
        Ok(())
    }
}

struct Broken;

impl Part for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn stage(&self, _: &Path) -> Result<(), String> {
        Err("it is on fire".to_owned())
    }
}

const FILES: Files =
    Files(&[("pharos.db", b"rows"), ("metrics/wal/00000001", b"log"), ("metrics/blocks/A/index", b""), ("metrics-x", b"!")]);

fn backups(data: &Path, keep: usize, parts: Vec<Arc<dyn Part>>) -> (Arc<Backups>, Arc<ManualClock>) {
    let clock = ManualClock::at(1_795_268_400_000);
    let options = BackupsOptions { data: data.to_owned(), folder: data.join("backups"), keep, clock: Arc::clone(&clock) as _, parts };
    (Backups::new(options), clock)
}

fn archive() -> Vec<u8> {
    let data = tempfile::tempdir().expect("a folder");
    let (backups, _) = backups(data.path(), 0, vec![Arc::new(FILES)]);
    backups.to_writer(Vec::new()).expect("made").0
}

/// An archive of any entries.
fn packed(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(zstd::Encoder::new(Vec::new(), 1).expect("an encoder"));
    for (path, kind, content) in entries {
        let mut header = Header::new_ustar();
        // Past the checks of the library, as somebody with bad intentions would.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, *content).expect("appended");
    }
    tar.into_inner().expect("whole").finish().expect("whole")
}

fn manifest_of(files: &[(&str, u64)]) -> Vec<u8> {
    let files: Vec<_> = files.iter().map(|(path, bytes)| serde_json::json!({"path": path, "bytes": bytes})).collect();
    let manifest = serde_json::json!({
        "format": "pharos backup", "format_version": 1, "pharos_version": "0", "created_ms": 0, "parts": [], "files": files,
    });
    serde_json::to_vec(&manifest).expect("json")
}

/// What is said about an archive; nothing must be written outside of the folder.
fn refusal(archive: &[u8]) -> String {
    let around = tempfile::tempdir().expect("a folder");
    let folder = around.path().join("in");
    fs::create_dir(&folder).expect("a folder");
    let error = unpack(archive, &folder, &mut |_, _| {}).expect_err("refused");
    assert_eq!(fs::read_dir(around.path()).expect("readable").count(), 1, "something was written elsewhere");
    let read_only = verify(archive, &mut |_, _| {}).expect_err("refused");
    assert_eq!(read_only.to_string(), error.to_string());
    error.to_string()
}

#[test]
fn what_goes_in_comes_out() {
    let target = tempfile::tempdir().expect("a folder");
    let bytes = archive();
    let (mut told, mut total) = (0, 0);
    let manifest = unpack(bytes.as_slice(), target.path(), &mut |done, all| (told, total) = (done, all)).expect("whole");
    assert_eq!((told, total), (8, 8));
    assert_eq!((manifest.created_ms, manifest.parts.as_slice()), (1_795_268_400_000, &["files".to_owned()][..]));
    for (path, content) in FILES.0 {
        assert_eq!(fs::read(target.path().join(path)).expect("there"), *content, "{path}");
    }
    assert_eq!(verify(bytes.as_slice(), &mut |_, _| {}).expect("whole"), manifest);
    // Ordinary tools read it too.
    let names: Vec<String> = tar::Archive::new(zstd::Decoder::new(bytes.as_slice()).expect("zstd"))
        .entries()
        .expect("tar")
        .map(|entry| entry.expect("whole").path().expect("a path").display().to_string())
        .collect();
    assert_eq!(names.first().map(String::as_str), Some(MANIFEST));
    assert_eq!(names.last().map(String::as_str), Some(CHECKSUMS));
    assert_eq!(names.len(), 6);
}

#[test]
fn cut_and_changed_archives_are_refused() {
    let whole = archive();
    for len in 0..whole.len() {
        let said = refusal(&whole[..len]);
        assert!(said.contains("cut off") || said.contains("no backup of pharos"), "{len}: {said}");
    }
    let same = verify(whole.as_slice(), &mut |_, _| {}).expect("whole");
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x20;
        // Some bits of the compressor's header say nothing about the content, which then is what it was.
        match verify(changed.as_slice(), &mut |_, _| {}) {
            Ok(found) => assert_eq!(found, same, "{at}"),
            Err(_) => drop(refusal(&changed)),
        }
    }
    let mut longer = whole;
    longer.extend_from_slice(b"and more");
    refusal(&longer);
}

#[test]
fn harmful_archives_are_refused() {
    let file = EntryType::Regular;
    let all_zero = vec![0_u8; 4096];
    let sums = br#"{"files": [{"path": "a", "sha256": "00"}]}"#;
    let one = manifest_of(&[("a", 1)]);
    let newer = String::from_utf8(manifest_of(&[])).expect("text").replace("\"format_version\":1", "\"format_version\":7");
    for (archive, said) in [
        (
            packed(&[("other.txt", file, b"x")]),
            "this is no backup of pharos: it begins with the file \"other.txt\", not with manifest.json",
        ),
        (packed(&[(MANIFEST, file, b"{}")]), "does not say \"pharos backup\""),
        (packed(&[(MANIFEST, file, b"[")]), "the backup is damaged: manifest.json"),
        (packed(&[(MANIFEST, EntryType::Symlink, b"")]), "it begins with the symbolic link"),
        (
            packed(&[(MANIFEST, file, newer.as_bytes())]),
            "the backup has format 7, this version of pharos reads up to 1: use pharos 0 or later",
        ),
        (packed(&[(MANIFEST, file, &manifest_of(&[("../a", 1)]))]), "the path \"../a\" is not taken: it leads out of the folder"),
        (packed(&[(MANIFEST, file, &manifest_of(&[("/etc/passwd", 1)]))]), "it is absolute"),
        (packed(&[(MANIFEST, file, &manifest_of(&[("a/./b", 1)]))]), "it has characters that no file of pharos has"),
        (packed(&[(MANIFEST, file, &manifest_of(&[("a\\b", 1)]))]), "it has characters that no file of pharos has"),
        (packed(&[(MANIFEST, file, &manifest_of(&[("a", 1), ("a", 1)]))]), "lists a file twice, or not in order"),
        (packed(&[(MANIFEST, file, &manifest_of(&[("a", 1), ("a/b", 1)]))]), "lists a file twice, or not in order"),
        (packed(&[(MANIFEST, file, &manifest_of(&[("a", u64::MAX), ("b", u64::MAX)]))]), "the backup"),
        (
            packed(&[(MANIFEST, file, &one), ("a", EntryType::Symlink, b"x")]),
            "the symbolic link \"a\", and a backup holds plain files only",
        ),
        (packed(&[(MANIFEST, file, &one), ("a", EntryType::Link, b"x")]), "the hard link \"a\""),
        (packed(&[(MANIFEST, file, &one), ("a", EntryType::GNULongName, b"x")]), "the special entry \"a\""),
        (packed(&[(MANIFEST, file, &one), ("../a", file, b"x")]), "it holds the file \"../a\" where its manifest has \"a\""),
        (packed(&[(MANIFEST, file, &one), ("a", file, &all_zero)]), "\"a\" has 4096 bytes, which is not what its manifest says"),
        (packed(&[(MANIFEST, file, &one), ("a", file, b"x")]), "the backup is cut off: checksums.json is not there"),
        (packed(&[(MANIFEST, file, &one), ("a", file, b"x"), (CHECKSUMS, file, sums)]), "the checksum of \"a\" is wrong"),
        (packed(&[(MANIFEST, file, &one), ("a", file, b"x"), (CHECKSUMS, file, b"{\"files\":[]}")]), "knows 0 files of 1"),
        (b"no archive at all".to_vec(), "this is no backup of pharos"),
        (Vec::new(), "this is no backup of pharos"),
    ] {
        let found = refusal_of_folder(&archive);
        assert!(found.contains(said), "{found:?} instead of {said:?}");
    }
}

/// As [`refusal`], where reading alone may say something else (free space is not looked at).
fn refusal_of_folder(archive: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    unpack(archive, folder.path(), &mut |_, _| {}).expect_err("refused").to_string()
}

#[test]
fn more_than_the_disk_holds_is_refused_before_anything_is_written() {
    let archive = packed(&[(MANIFEST, EntryType::Regular, &manifest_of(&[("a", 1 << 60)]))]);
    let folder = tempfile::tempdir().expect("a folder");
    let error = unpack(archive.as_slice(), folder.path(), &mut |_, _| {}).expect_err("refused");
    assert!(matches!(error, UnpackError::NoSpace { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
}

#[test]
fn the_newest_are_kept_and_nothing_half_stays() {
    let data = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(data.path().join("backup-staging/x")).expect("what a crash left");
    fs::create_dir_all(data.path().join("backups")).expect("a folder");
    fs::write(data.path().join("backups/pharos-1.tar.zst.partial"), "half").expect("what a crash left");
    fs::write(data.path().join("backups/notes.txt"), "mine").expect("somebody's file");
    let (made, clock) = backups(data.path(), 2, vec![Arc::new(FILES)]);
    assert!(!data.path().join("backup-staging").exists());
    let first = made.to_folder().expect("made").0;
    assert_eq!(first.name, "pharos-20261121T134000Z.tar.zst");
    assert_eq!(made.to_folder().expect("made").0.name, "pharos-20261121T134000Z-2.tar.zst");
    clock.advance(std::time::Duration::from_secs(60));
    made.to_folder().expect("made");
    let names: Vec<String> = made.list().expect("listed").into_iter().map(|file| file.name).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(!names.contains(&first.name), "the oldest went: {names:?}");
    assert!(data.path().join("backups/notes.txt").exists());
    assert_eq!(fs::read_dir(data.path().join("backups")).expect("readable").count(), 3);
    let (file, found) = made.open(&names[0]).expect("readable").expect("there");
    assert_eq!(file.metadata().expect("readable").len(), found.bytes);
    assert!(verify(file, &mut |_, _| {}).is_ok());
    for name in ["../pharos.db", "notes.txt", "/etc/passwd", ""] {
        assert!(made.open(name).expect("looked").is_none(), "{name}");
    }
}

#[test]
fn a_failure_leaves_no_file_and_is_told() {
    let data = tempfile::tempdir().expect("a folder");
    let (made, _) = backups(data.path(), 2, vec![Arc::new(FILES), Arc::new(Broken)]);
    let error = made.to_folder().expect_err("failed").to_string();
    assert_eq!(error, "cannot take broken into the backup: it is on fire");
    assert_eq!(fs::read_dir(data.path().join("backups")).expect("readable").count(), 0);
    assert!(!data.path().join("backup-staging").exists());
    assert_eq!(made.failure().expect("told").1, error);
    let mut page = crate::platform::telemetry::metrics::Page::default();
    crate::platform::telemetry::metrics::Report::report(&*made, &mut page);
    assert!(page.finish().contains("pharos_backups_total{result=\"failure\"} 1\n"));
}

/// Takes some bytes, then says that the disk is full.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.min(bytes.len()) {
            0 => Err(io::ErrorKind::StorageFull.into()),
            some => {
                self.0 -= some;
                Ok(some)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_a_failure_and_two_at_once_are_refused() {
    let data = tempfile::tempdir().expect("a folder");
    let (made, _) = backups(data.path(), 0, vec![Arc::new(FILES)]);
    let error = made.to_writer(Full(100)).map(drop).expect_err("full");
    assert!(error.to_string().starts_with("cannot write the backup: "), "{error}");
    struct Nested(Arc<Backups>, Option<BackupError>);
    impl Write for Nested {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = self.0.to_writer(io::sink()).map(drop).err();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (nested, _) = made.to_writer(Nested(Arc::clone(&made), None)).expect("made");
    assert_eq!(nested.1, Some(BackupError::Busy));
    assert!(made.failure().is_none(), "a success since");
}
