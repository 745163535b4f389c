//! The difference between two texts line by line: as hunks for people, and as a patch for `patch`.

use std::time::Duration;

use similar::{Algorithm, ChangeTag, TextDiff};

/// Unchanged lines around changed ones.
const AROUND: usize = 3;
/// Most lines of hunks.
pub const LINES_MAX: usize = 2_000;
/// Longest line that is shown, in characters.
const LINE_CHARS_MAX: usize = 400;
/// How long the smallest difference is looked for; after that a larger one does.
const WITHIN: Duration = Duration::from_secs(2);

/// Lines that changed, with those around.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hunk {
    /// Where it begins in the old and the new text, from 1.
    pub starts: (usize, usize),
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `+`, `-` or a space.
    pub sign: char,
    /// The line, without its end.
    pub text: String,
}

/// The difference of two texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    /// What changed, in order, at most [`LINES_MAX`] lines.
    pub hunks: Vec<Hunk>,
    /// Lines that are new.
    pub added: usize,
    /// Lines that are gone.
    pub removed: usize,
    /// Lines of hunks that are not listed.
    pub unlisted: usize,
}

fn of<'a>(before: &'a str, after: &'a str) -> TextDiff<'a, 'a, str> {
    TextDiff::configure().algorithm(Algorithm::Myers).timeout(WITHIN).diff_lines(before, after)
}

fn cut(line: &str) -> String {
    let line = line.trim_end_matches(['\n', '\r']);
    match line.char_indices().nth(LINE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

/// What changed between two texts.
pub fn diff(before: &str, after: &str) -> Diff {
    let found = of(before, after);
    let mut out = Diff::default();
    let mut count = 0;
    for group in found.grouped_ops(AROUND) {
        let mut hunk = Hunk::default();
        if let Some(first) = group.first() {
            hunk.starts = (first.old_range().start + 1, first.new_range().start + 1);
        }
        for change in group.iter().flat_map(|op| found.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            out.added += usize::from(sign == '+');
            out.removed += usize::from(sign == '-');
            count += 1;
            if count <= LINES_MAX {
                hunk.lines.push(Line { sign, text: cut(change.value()) });
            } else {
                out.unlisted += 1;
            }
        }
        if !hunk.lines.is_empty() {
            out.hunks.push(hunk);
        }
    }
    out
}

/// A patch that makes one text of the other; empty where they are the same. `name` is that of the file.
pub fn patch(before: &str, after: &str, name: &str) -> String {
    if before == after {
        return String::new();
    }
    // A name with the end of a line in it would end the header.
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let found = of(before, after);
    found.unified_diff().context_radius(AROUND).missing_newline_hint(true).header(&name, &name).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunks_have_signs_and_are_bounded() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
        let found = diff(before, "a\nb\nc\nD\ne\nf\ng\nh\ni\nj\nk\n");
        assert_eq!((found.added, found.removed, found.unlisted, found.hunks.len()), (2, 1, 0, 1));
        let text: Vec<String> = found.hunks[0].lines.iter().map(|line| format!("{}{}", line.sign, line.text)).collect();
        assert_eq!(text, [" a", " b", " c", "-d", "+D", " e", " f", " g", " h", " i", " j", "+k"]);
        assert_eq!(diff(before, before), Diff::default());
        let many: String = (0..5_000).map(|n| format!("{n}\n")).collect();
        let found = diff("", &many);
        assert_eq!((found.added, found.unlisted), (5_000, 3_000));
        assert_eq!(diff("", &"x".repeat(500)).hunks[0].lines[0].text.chars().count(), LINE_CHARS_MAX + 1);
    }

    #[test]
    fn patches_are_what_patch_reads() {
        assert_eq!(patch("a\n", "a\n", "x"), "");
        let text = patch("a\nb", "a\nc", "boards/x.json");
        assert_eq!(
            text,
            "--- boards/x.json\n+++ boards/x.json\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"
        );
        assert!(patch("a", "b", "x\n+evil").starts_with("--- x +evil\n"));
    }
}
