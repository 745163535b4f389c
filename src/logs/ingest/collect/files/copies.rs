//! Copies that hold less than was read of their original: what a program wrote while its file was being copied or packed was
//! read where it was written, and is not in the copy.

use std::io;
use std::path::Path;

use super::Files;
use super::positions::Record;
use super::source::{HEAD_BYTES, Print, Source, Stat};

/// Bytes looked through at once for the end of a packed file.
const BYTES_AT_ONCE: usize = 64 << 10;

/// Whether a file is called as rotation calls those that had the name `original` before.
pub(super) fn was_called(path: &Path, original: &Path) -> bool {
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let (Some(other), Some(name)) = (name(path), name(original)) else { return false };
    path.parent() == original.parent() && other.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(['.', '-']))
}

impl Source {
    /// Whether this is the beginning of what is known by the print, and ends before its position. What is shorter than the
    /// head by which files are known says too little.
    fn is_beginning_of(&mut self, print: &Print) -> io::Result<bool> {
        let mut head = vec![0; HEAD_BYTES];
        // The head first, which costs little where a file is packed.
        let may_be = print.at >= HEAD_BYTES as u64 && self.read_at(0, &mut head)? == HEAD_BYTES && print.begins_with(&head);
        Ok(may_be && self.print(print.at)?.is_none())
    }

    /// By what the whole content is known.
    fn print_of_all(&mut self, stat: &Stat) -> io::Result<Option<Print>> {
        if !self.is_packed() {
            return self.print(stat.len);
        }
        let (mut at, mut bytes) = (0, vec![0; BYTES_AT_ONCE]);
        loop {
            match self.read_at(at, &mut bytes)? {
                0 => return self.print(at),
                read => at += read as u64,
            }
        }
    }
}

impl Files {
    /// A record of a file that is such a copy, as read to its end.
    pub(super) fn known_as_shorter_copy(&mut self, job: usize, path: &Path, stat: Stat, source: &mut Source) -> Option<Record> {
        let name = self.jobs[job].name.clone();
        let mut is_original = |record: &&Record| {
            record.job == name && was_called(path, &record.path) && source.is_beginning_of(&record.print).unwrap_or(false)
        };
        let original = self.positions.records().find(|record| is_original(record)).cloned()?;
        let print = source.print_of_all(&stat).ok()??;
        let id = self.positions.add(&name, &original.path, stat.inode, self.clock.now_ms()).ok()?;
        let copy = Record { id, inode: stat.inode, print, ..original };
        self.positions.put(copy.clone()).ok()?;
        tracing::debug!(file = %path.display(), "a copy of a log file holds less than was read of the original");
        Some(copy)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_shorter_copy_is_known_by_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            if name.ends_with(".gz") {
                let mut packed = flate2::write::GzEncoder::new(std::fs::File::create(&path).unwrap(), flate2::Compression::fast());
                packed.write_all(text.as_bytes()).unwrap();
                packed.finish().unwrap();
            } else {
                std::fs::write(&path, text).unwrap();
            }
            Source::open(&path).unwrap()
        };
        let text: String = (0..200).map(|number| format!("line {number}\n")).collect();
        let print = write("app.log", &text).0.print(text.len() as u64).unwrap().unwrap();
        for name in ["app.log.1", "app.log.1.gz"] {
            let (mut source, stat) = write(name, &text[..1500]);
            assert!(source.is_beginning_of(&print).unwrap(), "{name}");
            assert_eq!(source.print_of_all(&stat).unwrap().unwrap().at, 1500);
            assert!(!write(name, &text).0.is_beginning_of(&print).unwrap(), "what is whole is known otherwise");
            assert!(!write(name, &text[..1000]).0.is_beginning_of(&print).unwrap(), "too short to tell");
            assert!(!write(name, &text[1..1500]).0.is_beginning_of(&print).unwrap());
        }
        let called = |path: &str| was_called(Path::new(path), Path::new("/l/app.log"));
        assert!(called("/l/app.log.1.gz") && called("/l/app.log-2026") && !called("/l/app.log") && !called("/m/app.log.1"));
    }
}
