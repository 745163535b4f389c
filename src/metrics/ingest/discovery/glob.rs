//! Files that match a pattern with `*`, `?` and `[…]`, as Go's `filepath.Glob`.

use std::path::{Path, PathBuf};

use crate::base::glob::matches;

/// Most files of one pattern.
const FILES_MAX: usize = 10_000;
/// What negates a class of characters, as in Go.
const NEGATIONS: &[u8] = b"^";

/// Paths that match, sorted. A pattern without wildcard is a path that may or may not exist.
pub fn expand(pattern: &str) -> Vec<PathBuf> {
    let (folder, name) = match pattern.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((folder, name)) => (folder, name),
        None => ("", pattern),
    };
    let mut found = Vec::new();
    let folders = if has_wildcard(folder) { expand(folder) } else { vec![PathBuf::from(folder)] };
    for folder in folders {
        if !has_wildcard(name) {
            let path = folder.join(name);
            if path.symlink_metadata().is_ok() {
                found.push(path);
            }
            continue;
        }
        let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
        let Ok(entries) = std::fs::read_dir(listed) else { continue };
        for entry in entries.flatten().take(FILES_MAX) {
            if entry.file_name().to_str().is_some_and(|entry| matches(name.as_bytes(), entry.as_bytes(), NEGATIONS)) {
                found.push(folder.join(entry.file_name()));
            }
        }
    }
    found.sort();
    found.truncate(FILES_MAX);
    found
}

/// The folders to watch for a pattern.
pub fn folder(pattern: &str) -> &str {
    match pattern.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
        None => ".",
    }
}

fn has_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_files_and_folders() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["a/one.yml", "b/two.yml", "b/other.json"] {
            std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            std::fs::write(dir.path().join(path), "").unwrap();
        }
        let root = dir.path().to_str().unwrap();
        let expanded = |pattern: &str| {
            let paths = expand(&format!("{root}/{pattern}"));
            paths.iter().map(|path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(expanded("*/*.yml"), ["a/one.yml", "b/two.yml"]);
        assert_eq!(expanded("b/two.yml"), ["b/two.yml"]);
        assert_eq!(expanded("b/none.yml"), Vec::<String>::new());
        assert_eq!(expanded("nowhere/*.yml"), Vec::<String>::new());
    }
}
