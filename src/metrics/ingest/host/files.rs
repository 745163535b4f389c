//! Reading the kernel's small files, whole and bounded.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::CollectError;

/// The largest file that is read: `/proc/net/udp` of a busy machine fits, a runaway file does not.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Where the machine's trees are mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// `/proc`.
    pub proc: PathBuf,
    /// `/sys`.
    pub sys: PathBuf,
    /// `/`.
    pub root: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into(), root: "/".into() }
    }
}

impl Roots {
    /// A file of `/proc/net` as process 1 sees it. `/proc/net` itself is what the asking process sees: in a container
    /// that has a network of its own, and the machine's `/proc` mounted, the container's.
    pub fn net(&self, file: &str) -> PathBuf {
        let of_init = self.proc.join("1/net").join(file);
        if fs::File::open(&of_init).is_ok() { of_init } else { self.proc.join("net").join(file) }
    }
}

/// A whole file as text; bytes that are not UTF-8 are replaced.
pub(super) fn read(path: &Path) -> Result<String, CollectError> {
    let fail = |source| CollectError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(fail)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(fail)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(not_utf8) => String::from_utf8_lossy(not_utf8.as_bytes()).into_owned(),
    })
}

/// A file that may be absent.
pub(super) fn read_if_there(path: &Path) -> Result<Option<String>, CollectError> {
    match read(path) {
        Ok(text) => Ok(Some(text)),
        Err(CollectError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file with one word, where absent, unreadable and empty are the same: many drivers fail reads of what they do not know.
pub(super) fn word(path: &Path) -> Option<String> {
    let text = read(path).ok()?;
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// A file with one number, decimal or `0x…`.
pub(super) fn number(path: &Path) -> Option<f64> {
    parse(&word(path)?)
}

/// Reads a number, decimal or `0x…`.
pub(super) fn parse(text: &str) -> Option<f64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(|value| value as f64),
        None => text.parse().ok(),
    }
}

/// Entries of a folder, sorted by name; none where the folder is absent.
pub(super) fn entries(path: &Path) -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect();
    found.sort();
    found
}

/// An error about content.
pub(super) fn unexpected(path: &Path, what: impl Into<String>) -> CollectError {
    CollectError::Content { path: path.to_owned(), what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_that_of_process_1() {
        let root = tempfile::tempdir().unwrap();
        let proc = root.path().to_owned();
        for folder in ["net", "1/net"] {
            fs::create_dir_all(proc.join(folder)).unwrap();
        }
        for file in ["net/dev", "1/net/dev", "net/arp"] {
            fs::write(proc.join(file), file).unwrap();
        }
        let roots = Roots { proc: proc.clone(), ..Roots::default() };
        assert_eq!((roots.net("dev"), roots.net("arp")), (proc.join("1/net/dev"), proc.join("net/arp")));
    }
}
