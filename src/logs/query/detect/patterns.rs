//! What lines look like: lines that differ only in numbers, names and addresses are one pattern.
//!
//! Lines are cut into words and what is between them. Those with as many pieces that begin alike are compared; if enough
//! words are the same they are one pattern, and where they differ it has `<_>`. What comes out can be used as a filter:
//! `|> "<_> took <_>ms"`.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::logs::model::level::LineLevel;

/// Bytes of a line that are looked at.
const LINE_BYTES_MAX: usize = 2_048;
/// Pieces of a line that are looked at.
const PIECES_MAX: usize = 160;
/// Patterns kept; more lines of other shapes are left out.
const PATTERNS_MAX: usize = 1_000;
/// Patterns that a line is compared with.
const COMPARED_MAX: usize = 32;
/// Share of the words that must be the same.
const ALIKE: f64 = 0.6;

/// A pattern and how often it was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPattern {
    /// With `<_>` for what differs.
    pub pattern: String,
    /// Level of its lines; the first one's counts.
    pub level: &'static str,
    /// Lines for each step: its start (ns) and how many.
    pub counts: Vec<(i64, u64)>,
    /// Lines in all.
    pub total: u64,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// A word that is the same in all lines.
    Word(Box<str>),
    /// What is between words.
    Between(Box<str>),
    /// Differs.
    Any,
}

struct Cluster {
    pieces: Vec<Piece>,
    level: &'static str,
    counts: BTreeMap<i64, u64>,
    total: u64,
}

/// Finds patterns in lines that are shown to it.
pub struct Patterns {
    step: i64,
    clusters: Vec<Cluster>,
    /// Clusters by how many pieces they have and how they begin.
    by_shape: HashMap<(usize, Box<str>), Vec<usize>>,
}

impl Patterns {
    /// That counts lines in steps of so many nanoseconds.
    pub fn new(step: i64) -> Self {
        Self { step: step.max(1), clusters: Vec::new(), by_shape: HashMap::new() }
    }

    /// Looks at a line, which stands for `weight` lines.
    pub fn add(&mut self, ts: i64, line: &[u8], weight: u64) {
        let text = String::from_utf8_lossy(line.get(..LINE_BYTES_MAX).unwrap_or(line));
        let pieces = pieces(text.trim_end_matches('\u{fffd}'), line.len() > LINE_BYTES_MAX);
        let start =
            pieces.iter().find_map(|piece| if let Piece::Word(word) = piece { Some(word.clone()) } else { None }).unwrap_or_default();
        let shape = self.by_shape.entry((pieces.len(), start)).or_default();
        let best = shape
            .iter()
            .take(COMPARED_MAX)
            .filter_map(|index| Some((likeness(&self.clusters[*index].pieces, &pieces)?, *index)))
            .filter(|(likeness, _)| *likeness >= ALIKE)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let index = match best {
            Some((_, index)) => {
                for (old, new) in self.clusters[index].pieces.iter_mut().zip(&pieces) {
                    if old != new {
                        *old = Piece::Any;
                    }
                }
                index
            }
            None if self.clusters.len() >= PATTERNS_MAX => return,
            None => {
                shape.push(self.clusters.len());
                let level = LineLevel::of_line(line).as_str();
                self.clusters.push(Cluster { pieces, level, counts: BTreeMap::new(), total: 0 });
                self.clusters.len() - 1
            }
        };
        let cluster = &mut self.clusters[index];
        cluster.total += weight;
        *cluster.counts.entry(ts.div_euclid(self.step).saturating_mul(self.step)).or_default() += weight;
    }

    /// The patterns found, the most frequent first, `limit` of them at most.
    pub fn finish(self, limit: usize) -> Vec<FoundPattern> {
        let mut merged: BTreeMap<String, FoundPattern> = BTreeMap::new();
        for cluster in self.clusters {
            let pattern = shown(&cluster.pieces);
            let into =
                merged.entry(pattern.clone()).or_insert(FoundPattern { pattern, level: cluster.level, counts: Vec::new(), total: 0 });
            into.total += cluster.total;
            into.counts.extend(cluster.counts);
        }
        let mut found: Vec<FoundPattern> = merged.into_values().collect();
        for pattern in &mut found {
            pattern.counts.sort_unstable();
            pattern.counts.dedup_by(|later, kept| {
                let is_same = later.0 == kept.0;
                if is_same {
                    kept.1 += later.1;
                }
                is_same
            });
        }
        found.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.pattern.cmp(&b.pattern)));
        found.truncate(limit);
        found
    }
}

/// Cuts a line into words and what is between. Words with digits differ from line to line.
fn pieces(text: &str, is_cut: bool) -> Vec<Piece> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '%' | '+');
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if pieces.len() >= PIECES_MAX {
            push(&mut pieces, Piece::Any);
            return pieces;
        }
        // Colours are no words. They leave a gap, so that the pattern still filters the lines as they are stored.
        if let Some(length) = colour(rest) {
            push(&mut pieces, Piece::Any);
            rest = rest.get(length..).unwrap_or("");
            continue;
        }
        let ends = |c: char| c == '\u{1b}' || is_word(c) != is_word(first);
        let end = rest.char_indices().skip(1).find(|(_, c)| ends(*c)).map_or(rest.len(), |(at, _)| at);
        let (piece, behind) = rest.split_at(end);
        let piece = match piece {
            word if !is_word(first) => Piece::Between(word.into()),
            word if word.bytes().any(|byte| byte.is_ascii_digit()) || word.len() > 40 => Piece::Any,
            word => Piece::Word(word.into()),
        };
        push(&mut pieces, piece);
        rest = behind;
    }
    if is_cut {
        push(&mut pieces, Piece::Any);
    }
    pieces
}

/// How long the terminal's escape sequence is that a text begins with (`ESC [ 3 1 m`).
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !(' '..='?').contains(&c))?;
    parameters[end..].starts_with(|c: char| ('@'..='~').contains(&c)).then_some(2 + end + 1)
}

/// Between two things that differ, what only joins them differs too: `1.2.3.4:80`, `10:20:30`, `a/7/9`.
fn push(pieces: &mut Vec<Piece>, piece: Piece) {
    if piece == Piece::Any {
        if let [.., Piece::Any, Piece::Between(between)] = pieces.as_slice()
            && matches!(&**between, ":" | "/" | "," | "." | "@" | "=")
        {
            pieces.pop();
            return;
        }
        if pieces.last() == Some(&Piece::Any) {
            return;
        }
    }
    pieces.push(piece);
}

/// How many of the words are the same; none if what is between them is not.
fn likeness(pattern: &[Piece], line: &[Piece]) -> Option<f64> {
    let (mut same, mut all) = (0.0, 0.0);
    for (a, b) in pattern.iter().zip(line) {
        match (a, b) {
            (Piece::Between(a), Piece::Between(b)) if a == b => {}
            (Piece::Between(_), _) | (_, Piece::Between(_)) => return None,
            (Piece::Any, Piece::Any) => {}
            (a, b) => {
                all += 1.0;
                same += f64::from(u8::from(a == b || *a == Piece::Any));
            }
        }
    }
    Some(if all == 0.0 { 1.0 } else { same / all })
}

/// As a pattern filter reads it.
fn shown(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Word(text) | Piece::Between(text) => out.push_str(text),
            Piece::Any if out.ends_with("<_>") => {}
            Piece::Any => out.push_str("<_>"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[&str]) -> Vec<(String, u64)> {
        let mut patterns = Patterns::new(10);
        for (index, line) in lines.iter().enumerate() {
            patterns.add(index as i64, line.as_bytes(), 1);
        }
        patterns.finish(100).into_iter().map(|found| (found.pattern, found.total)).collect()
    }

    #[test]
    fn lines_that_look_alike_are_one_pattern() {
        let of = |pattern: &str, total| (pattern.to_owned(), total);
        assert_eq!(
            found(&[
                "user alice logged in from 10.0.0.1:4711 after 12ms",
                "user bob logged in from 10.0.0.2:80 after 7ms",
                "cache miss key=user:17",
                "cache miss key=user:9",
                "user carol logged in from 10.0.0.9:81 after 90ms",
                "shutting down",
            ]),
            [of("user <_> logged in from <_> after <_>", 3), of("cache miss key=user:<_>", 2), of("shutting down", 1)]
        );
        assert_eq!(
            found(&[r#"{"level":"info","n":1,"id":"a1"}"#, r#"{"level":"info","n":22,"id":"b2"}"#]),
            [of(r#"{"level":"info","n":<_>,"id":"<_>"}"#, 2)]
        );
        assert_eq!(found(&["", ""]), [of("", 2)]);
    }

    #[test]
    fn colours_are_gaps() {
        assert_eq!(
            found(&["\u{1b}[32mGET\u{1b}[0m /cart \u{1b}[36m200\u{1b}[0m", "\u{1b}[1;31mGET\u{1b}[0m /cart \u{1b}[36m404\u{1b}[0m"]),
            [("<_>GET<_> /cart <_>".to_owned(), 2)]
        );
        for (text, length) in [
            ("\u{1b}[0m", Some(4)),
            ("\u{1b}[1;31mred", Some(7)),
            ("\u{1b}[1;31", None),
            ("\u{1b}", None),
            ("\u{1b}[\u{1b}[m", None),
            ("x", None),
        ] {
            assert_eq!(colour(text), length, "{text:?}");
        }
        assert!(!found(&["\u{1b}", "\u{1b}[\u{1b}[", "\u{1b}[9é"]).is_empty());
    }

    #[test]
    fn lines_are_counted_by_step_and_bounded() {
        let mut patterns = Patterns::new(10);
        for ts in [1, 5, 12, 33] {
            patterns.add(ts, format!("error number {ts}").as_bytes(), 1);
        }
        let found = patterns.finish(1);
        assert_eq!((found[0].counts.as_slice(), found[0].level), (&[(0, 2), (10, 1), (30, 1)][..], "error"));
        let mut patterns = Patterns::new(1);
        for index in 0..3_000_u32 {
            let word: String = (0..8).map(|bit| char::from(b'a' + (index >> (bit * 3) & 7) as u8)).collect();
            patterns.add(0, format!("{word} {}", "x ".repeat(5_000)).as_bytes(), 1);
        }
        assert!(patterns.finish(10_000).len() <= PATTERNS_MAX);
    }
}
