//! Paths in a configuration file: relative ones stand below the file's folder; the last part may be a glob.

use std::path::Path;

/// `path` below `dir` unless it is empty or absolute, without `.` and `..` where they can be resolved.
pub fn join(dir: &Path, path: &str) -> String {
    if path.is_empty() || Path::new(path).is_absolute() {
        return path.to_owned();
    }
    clean(&format!("{}/{path}", dir.display()))
}

/// Resolves `.`, `..` and doubled slashes by text alone, as Go's `path.Clean`.
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// Whether the path has a glob in its last part only, as rule and scrape files must.
pub fn globs_last_part_only(path: &str) -> bool {
    path.find('*').is_none_or(|star| !path[star..].contains('/'))
}

/// Whether `name` (one part of a path) matches `pattern`: `*`, `?`, `[a-z]`, `[^a]` and `\` as Go's `filepath.Match`.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on after the last star when the rest does not fit; makes the search quadratic at worst.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if p < pattern.len() && pattern[p] == '*' {
            retry = Some((p + 1, n));
            p += 1;
            continue;
        }
        if p == pattern.len() && n == name.len() {
            return true;
        }
        if let Some(next) = name.get(n).and_then(|c| one(&pattern, p, *c)) {
            (p, n) = (next, n + 1);
            continue;
        }
        match retry {
            Some((after_star, from)) if from < name.len() => {
                retry = Some((after_star, from + 1));
                (p, n) = (after_star, from + 1);
            }
            _ => return false,
        }
    }
}

/// Whether the single item of the pattern at `at` takes `c`; where the next item begins.
fn one(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match *pattern.get(at)? {
        '?' => Some(at + 1),
        '\\' => (*pattern.get(at + 1)? == c).then_some(at + 2),
        '[' => {
            let mut i = at + 1;
            let negated = pattern.get(i) == Some(&'^');
            i += usize::from(negated);
            let mut found = false;
            let mut first = true;
            while first || *pattern.get(i)? != ']' {
                first = false;
                let (low, next) = class_char(pattern, i)?;
                let (high, next) = if pattern.get(next) == Some(&'-') { class_char(pattern, next + 1)? } else { (low, next) };
                found |= (low..=high).contains(&c);
                i = next;
            }
            (found != negated).then_some(i + 1)
        }
        literal => (literal == c).then_some(at + 1),
    }
}

fn class_char(pattern: &[char], at: usize) -> Option<(char, usize)> {
    match *pattern.get(at)? {
        '\\' => Some((*pattern.get(at + 1)?, at + 2)),
        c => Some((c, at + 1)),
    }
}

/// The files that a path, or a glob in its last part, names, sorted. A path without glob is given back as it is.
pub fn glob(path: &str) -> std::io::Result<Vec<String>> {
    let (dir, pattern) = path.rsplit_once('/').map_or((".", path), |(dir, pattern)| (if dir.is_empty() { "/" } else { dir }, pattern));
    if !pattern.contains(['*', '?', '[', '\\']) {
        return Ok(if Path::new(path).exists() { vec![path.to_owned()] } else { Vec::new() });
    }
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        if matches(pattern, name) {
            found.push(if path.contains('/') { join(Path::new(dir), name) } else { name.to_owned() });
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_and_cleans() {
        for (dir, path, joined) in [
            (".", "rules/a.yml", "rules/a.yml"),
            ("/etc/p", "rules/*.yml", "/etc/p/rules/*.yml"),
            ("/etc/p", "../x", "/etc/x"),
            ("/etc/p", "/abs", "/abs"),
            ("/etc/p", "", ""),
            ("..", "../x", "../../x"),
            ("a", "..", "."),
            ("/", "../..", "/"),
        ] {
            assert_eq!(join(Path::new(dir), path), joined);
        }
    }

    #[test]
    fn globs_match_as_go() {
        for (pattern, name, expected) in [
            ("*.yml", "a.yml", true),
            ("*.yml", "a.yaml", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("a*b*c", "aXbXc", true),
            ("a*b*c", "aXbX", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("*", "", true),
            ("[", "[", false),
            ("[a", "a", false),
            ("a\\", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        assert!(globs_last_part_only("a/b*.yml") && globs_last_part_only("a/b.yml") && !globs_last_part_only("a/*/b.yml"));
    }

    #[test]
    fn globs_list_files() {
        let dir = tempfile::tempdir().expect("temporary folder");
        for name in ["b.yml", "a.yml", "c.txt"] {
            std::fs::write(dir.path().join(name), "").expect("written");
        }
        let at = |name: &str| dir.path().join(name).display().to_string();
        assert_eq!(glob(&at("*.yml")).expect("listed"), [at("a.yml"), at("b.yml")]);
        assert_eq!(glob(&at("c.txt")).expect("listed"), [at("c.txt")]);
        assert!(glob(&at("none.yml")).expect("listed").is_empty());
        assert!(glob(&at("none/*.yml")).expect("listed").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(pattern in "[a*?\\[\\]^\\\\-]{0,10}", name in "[a-c\\]]{0,8}", path in "[a./]{0,12}") {
            let _either = (matches(&pattern, &name), clean(&path));
        }
    }
}
