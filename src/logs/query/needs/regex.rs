//! What a text must contain for a regular expression to match in it.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::logs::model::needs::Needs;
use crate::logs::query::check;

/// More alternatives than this, and nothing is known.
const ALTERNATIVES_MAX: usize = 256;
/// Shorter texts are in nearly every line.
const PIECE_MIN: usize = 2;
/// A text has at most two to this power of spellings beyond ASCII.
const SPELLINGS_LOG_MAX: usize = 2;

/// What every match of an expression contains. An expression that does not compile needs nothing.
pub(super) fn needs(pattern: &str) -> Needs {
    check::hir(pattern).map_or(Needs::Anything, |hir| of(&hir))
}

/// The texts that an expression matches and no other, if it is one text or a choice of some.
pub(super) fn whole(pattern: &str) -> Option<Needs> {
    texts(&check::hir(pattern).ok()?)
}

fn texts(hir: &Hir) -> Option<Needs> {
    match hir.kind() {
        HirKind::Capture(capture) => texts(&capture.sub),
        HirKind::Alternation(parts) if parts.len() <= ALTERNATIVES_MAX => {
            parts.iter().map(texts).reduce(|all, one| Some(all?.or(one?))).flatten()
        }
        _ => {
            let mut pieces = Pieces::default();
            pieces.walk(hir);
            let foldings = pieces.foldings();
            (!pieces.ended && !pieces.piece.is_empty() && foldings <= SPELLINGS_LOG_MAX).then(|| spellings(&pieces.piece, foldings))
        }
    }
}

fn of(hir: &Hir) -> Needs {
    let mut pieces = Pieces::default();
    pieces.walk(hir);
    pieces.finish();
    pieces.needs
}

/// One character of a piece.
#[derive(Debug, Clone, Copy)]
enum Atom {
    Byte(u8),
    /// A letter in either case.
    Letter(u8),
    /// `k` or `s` in either case, or the letter beyond ASCII that folds to it.
    Folding(u8),
}

#[derive(Default)]
struct Pieces {
    needs: Needs,
    /// What is adjacent so far.
    piece: Vec<Atom>,
    /// Whether a piece ended before.
    ended: bool,
}

impl Pieces {
    fn walk(&mut self, hir: &Hir) {
        match hir.kind() {
            // Neither takes any room.
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.piece.extend(literal.0.iter().map(|&byte| Atom::Byte(byte))),
            HirKind::Class(class) => match letter(class) {
                Some(atom) => self.piece.push(atom),
                None => self.finish(),
            },
            HirKind::Capture(capture) => self.walk(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.walk(part)),
            HirKind::Repetition(repetition) => {
                self.finish();
                if repetition.min > 0 {
                    self.add(of(&repetition.sub));
                }
            }
            HirKind::Alternation(parts) => {
                self.finish();
                if parts.len() <= ALTERNATIVES_MAX {
                    self.add(parts.iter().map(of).reduce(Needs::or).unwrap_or_default());
                }
            }
        }
    }

    fn add(&mut self, needs: Needs) {
        self.needs = std::mem::take(&mut self.needs).and(needs);
    }

    fn foldings(&self) -> usize {
        self.piece.iter().filter(|atom| matches!(atom, Atom::Folding(_))).count()
    }

    /// Ends the piece.
    fn finish(&mut self) {
        let foldings = self.foldings();
        let piece = std::mem::take(&mut self.piece);
        self.ended = true;
        if foldings <= SPELLINGS_LOG_MAX {
            self.add(spellings(&piece, foldings));
        } else {
            let runs = piece.split(|atom| matches!(atom, Atom::Folding(_)));
            runs.for_each(|run| self.add(spellings(run, 0)));
        }
    }
}

/// Any of the ways to write a piece.
fn spellings(piece: &[Atom], foldings: usize) -> Needs {
    if piece.len() < PIECE_MIN {
        return Needs::Anything;
    }
    let any_case = piece.iter().any(|atom| !matches!(atom, Atom::Byte(_)));
    let spelling = |choice: usize| {
        let (mut bytes, mut nth) = (Vec::with_capacity(piece.len()), 0);
        for &atom in piece {
            match atom {
                Atom::Byte(byte) | Atom::Letter(byte) => bytes.push(byte),
                Atom::Folding(byte) => {
                    let odd = if byte == b'k' { "\u{212a}" } else { "\u{17f}" };
                    match choice >> nth & 1 {
                        0 => bytes.push(byte),
                        _ => bytes.extend_from_slice(odd.as_bytes()),
                    }
                    nth += 1;
                }
            }
        }
        if any_case { Needs::text_any_case(&bytes) } else { Needs::text(bytes) }
    };
    (0..1_usize << foldings).map(spelling).reduce(Needs::or).unwrap_or_default()
}

/// A class that is one letter in either case.
fn letter(class: &Class) -> Option<Atom> {
    let Class::Unicode(class) = class else { return None };
    let mut chars = class.iter().flat_map(|range| range.start()..=range.end());
    let (upper, lower, odd, more) = (chars.next()?, chars.next()?, chars.next(), chars.next());
    if !upper.is_ascii_uppercase() || upper.to_ascii_lowercase() != lower || more.is_some() {
        return None;
    }
    match odd {
        None => Some(Atom::Letter(lower as u8)),
        Some('\u{212a}' | '\u{17f}') => Some(Atom::Folding(lower as u8)),
        Some(_) => None,
    }
}
