//! Files that match a pattern with `*`, `?` and `[…]`, as Go's `filepath.Glob`.

use std::path::{Path, PathBuf};

/// Most files of one pattern.
const FILES_MAX: usize = 10_000;

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
            if entry.file_name().to_str().is_some_and(|entry| matches(name.as_bytes(), entry.as_bytes())) {
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

/// Whether a file's name matches one segment of a pattern.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut name_at) = (0, 0);
    // Where to go on when what follows the last `*` did not fit: that star takes one byte more.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, name_at));
                at += 1;
                continue;
            }
            None if name_at == name.len() => return true,
            None => None,
            Some(_) => name.get(name_at).and_then(|&byte| match_one(&pattern[at..], byte)),
        };
        match (step, star) {
            (Some(used), _) => {
                at += used;
                name_at += 1;
            }
            (None, Some((after, taken))) if taken < name.len() => {
                star = Some((after, taken + 1));
                (at, name_at) = (after, taken + 1);
            }
            (None, _) => return false,
        }
    }
}

/// How many pattern bytes match one byte of the name.
fn match_one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [b'[', class @ ..] => {
            let end = class.iter().skip(1).position(|&b| b == b']')? + 1;
            let (set, negated) = match &class[..end] {
                [b'^', set @ ..] => (set, true),
                set => (set, false),
            };
            let mut hit = false;
            let mut at = 0;
            while at < set.len() {
                if at + 2 < set.len() && set[at + 1] == b'-' {
                    hit |= (set[at]..=set[at + 2]).contains(&byte);
                    at += 3;
                } else {
                    hit |= set[at] == byte;
                    at += 1;
                }
            }
            (hit != negated).then_some(end + 2)
        }
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_match_as_in_go() {
        for (pattern, name, fits) in [
            ("*.json", "a.json", true),
            ("*.json", ".json", true),
            ("*.json", "a.jsonx", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?.yml", "a.yml", true),
            ("?.yml", "ab.yml", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[ab", "a", false),
            ("\\*", "*", true),
            ("**", "anything", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        }
    }

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
