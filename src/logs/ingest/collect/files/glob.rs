//! Files that match a pattern with `*`, `?`, `[…]`, `{a,b}` and `**` for any folders between, as Promtail's `__path__`.

use std::path::{Path, PathBuf};

use crate::base::glob::matches;

/// Most files of one pattern.
const FILES_MAX: usize = 10_000;
/// What negates a class of characters.
const NEGATIONS: &[u8] = b"^!";
/// Most entries of folders that are looked at for one pattern.
const ENTRIES_MAX: usize = 200_000;
/// How deep `**` goes.
const DEPTH_MAX: usize = 32;
/// Most patterns that braces may stand for.
const ALTERNATIVES_MAX: usize = 256;

/// Most folders that cannot be listed of which is told.
const DENIED_MAX: usize = 20;
/// Folders that `**` does not enter.
const KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];

/// What a pattern finds.
#[derive(Debug)]
pub(crate) struct Expanded {
    /// Files that match, sorted.
    pub(crate) files: Vec<PathBuf>,
    /// Folders in which more may appear.
    pub(crate) folders: Vec<PathBuf>,
    /// Folders that cannot be listed, and why.
    pub(crate) denied: Vec<(PathBuf, String)>,
}

/// A pattern, read.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    alternatives: Vec<Vec<Box<str>>>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A sentence, when it cannot be one.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err(format!("{text:?} does not begin with /; the whole path is needed"));
        }
        let mut texts = vec![String::new()];
        braces(text, &mut texts)?;
        let alternatives = texts.iter().map(|text| text.split('/').filter(|part| !part.is_empty()).map(Into::into).collect()).collect();
        Ok(Self { alternatives })
    }

    /// Whether a path matches.
    pub(crate) fn matches(&self, path: &Path) -> bool {
        let Some(path) = path.to_str() else { return false };
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        self.alternatives.iter().any(|pattern| parts_match(pattern, &parts))
    }

    /// What is there now.
    pub(crate) fn expand(&self) -> Expanded {
        let mut search = Search { files: Vec::new(), folders: Vec::new(), denied: Vec::new(), entries: 0 };
        for pattern in &self.alternatives {
            search.walk(Path::new("/"), pattern, DEPTH_MAX);
        }
        let Search { mut files, mut folders, denied, .. } = search;
        files.sort();
        files.dedup();
        files.truncate(FILES_MAX);
        folders.sort();
        folders.dedup();
        Expanded { files, folders, denied }
    }
}

/// Multiplies what was read so far by what braces offer.
fn braces(text: &str, out: &mut Vec<String>) -> Result<(), String> {
    let Some(open) = text.find('{') else {
        out.iter_mut().for_each(|known| known.push_str(text));
        return Ok(());
    };
    let close = text[open..].find('}').map(|at| at + open).ok_or_else(|| format!("{text:?} opens a brace and does not close it"))?;
    let choices: Vec<&str> = text[open + 1..close].split(',').collect();
    if out.len() * choices.len() > ALTERNATIVES_MAX {
        return Err(format!("braces stand for more than {ALTERNATIVES_MAX} patterns"));
    }
    *out = out.iter().flat_map(|known| choices.iter().map(move |choice| format!("{known}{}{choice}", &text[..open]))).collect();
    braces(&text[close + 1..], out)
}

fn parts_match(pattern: &[Box<str>], parts: &[&str]) -> bool {
    match pattern.split_first() {
        None => parts.is_empty(),
        Some((first, rest)) if &**first == "**" => (0..=parts.len()).any(|skipped| parts_match(rest, &parts[skipped..])),
        Some((first, rest)) => parts
            .split_first()
            .is_some_and(|(part, others)| matches(first.as_bytes(), part.as_bytes(), NEGATIONS) && parts_match(rest, others)),
    }
}

struct Search {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    denied: Vec<(PathBuf, String)>,
    entries: usize,
}

impl Search {
    fn walk(&mut self, folder: &Path, pattern: &[Box<str>], depth: usize) {
        let Some((first, rest)) = pattern.split_first() else { return };
        if depth == 0 || self.files.len() > FILES_MAX {
            return;
        }
        if &**first == "**" {
            self.walk(folder, rest, depth - 1);
            for sub in self.list(folder).into_iter().filter(|entry| entry.is_folder && !entry.is_link) {
                // Folders of the kernel hold no logs, and never end.
                if KERNEL.iter().any(|kernel| sub.path == Path::new(kernel)) {
                    continue;
                }
                self.walk(&sub.path, pattern, depth - 1);
            }
            return;
        }
        if !first.contains(['*', '?', '[', '\\']) {
            let path = folder.join(&**first);
            if rest.is_empty() {
                self.folders.push(folder.to_owned());
                if path.is_file() {
                    self.files.push(path);
                }
            } else {
                self.walk(&path, rest, depth);
            }
            return;
        }
        for entry in self.list(folder) {
            let fits = entry
                .path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| matches(first.as_bytes(), name.as_bytes(), NEGATIONS));
            if !fits {
                continue;
            }
            if !rest.is_empty() {
                if entry.is_folder {
                    self.walk(&entry.path, rest, depth);
                }
            } else if !entry.is_folder && entry.path.is_file() {
                self.files.push(entry.path);
            }
        }
    }

    fn list(&mut self, folder: &Path) -> Vec<Entry> {
        self.folders.push(folder.to_owned());
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() == std::io::ErrorKind::PermissionDenied && self.denied.len() < DENIED_MAX {
                    self.denied.push((folder.to_owned(), error.to_string()));
                }
                return Vec::new();
            }
        };
        let left = ENTRIES_MAX.saturating_sub(self.entries);
        let found: Vec<Entry> = entries
            .flatten()
            .take(left)
            .filter_map(|entry| {
                let kind = entry.file_type().ok()?;
                let path = entry.path();
                let is_folder = kind.is_dir() || (kind.is_symlink() && path.is_dir());
                Some(Entry { path, is_folder, is_link: kind.is_symlink() })
            })
            .collect();
        self.entries += found.len();
        found
    }
}

struct Entry {
    path: PathBuf,
    is_folder: bool,
    is_link: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match() {
        for (pattern, path, fits) in [
            ("/var/log/*.log", "/var/log/a.log", true),
            ("/var/log/*.log", "/var/log/sub/a.log", false),
            ("/var/log/**/*.log", "/var/log/a.log", true),
            ("/var/log/**/*.log", "/var/log/x/y/a.log", true),
            ("/var/log/**", "/var/log/x/y", true),
            ("/var/{log,tmp}/{a,b}*", "/var/tmp/box", true),
            ("/var/{log,tmp}/{a,b}*", "/var/lib/box", false),
            ("/l/[!a]?.log", "/l/bc.log", true),
            ("/l/[!a]?.log", "/l/ac.log", false),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().matches(Path::new(path)), fits, "{pattern} {path}");
        }
        for bad in ["var/log/*", "/a/{b", "", "/{a,b,c,d,e,f}{a,b,c,d,e,f}{a,b,c,d,e,f}{a,b,c,d,e,f}"] {
            assert!(Pattern::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_and_their_folders_are_found() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["a/one.log", "a/b/two.log", "a/b/c.txt", "three.log"] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let root = dir.path().to_str().unwrap();
        let expanded = |pattern: &str| {
            let Expanded { files, folders, .. } = Pattern::new(&format!("{root}/{pattern}")).unwrap().expand();
            let files: Vec<String> = files.iter().map(|path| path.strip_prefix(root).unwrap().display().to_string()).collect();
            (files, folders.len())
        };
        assert_eq!(expanded("**/*.log"), (vec!["a/b/two.log".to_owned(), "a/one.log".to_owned(), "three.log".to_owned()], 3));
        assert_eq!(expanded("*/one.log"), (vec!["a/one.log".to_owned()], 2));
        assert_eq!(expanded("three.log").0, ["three.log"]);
        assert_eq!(expanded("none.log"), (Vec::new(), 1));
    }
}
