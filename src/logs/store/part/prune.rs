//! Leaves out blocks that cannot hold wanted lines.
//!
//! The wanted bytes are cut into tokens. A token with something else on both sides in the wanted bytes, or at an end where
//! they stand alone, is one of the line's tokens: it is looked up. One at an end may be only a piece: every word that ends with it (begins with it, has it)
//! counts, every longer token like an identifier if it could be a piece of one, and every long token. What remains may
//! hold the wanted bytes; what was left out cannot.

use super::bits::Bits;
use super::bloom;
use super::error::PartError;
use super::reader::Part;
use super::tokens::{WORD_BYTES_MAX, fits_into_id, hash, is_like_id, is_token_byte};
use super::words::{Place, WordsReader};
use crate::base::cancel::Cancel;
use crate::logs::model::needs::Needs;

/// How often probing looks whether it should stop.
const CHECK_EVERY: usize = 1024;

/// Leaves out blocks of one part.
pub(super) struct Pruner<'a> {
    part: &'a Part,
    cancel: &'a Cancel,
}

/// A token of the wanted bytes, in lower case.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    bytes: Vec<u8>,
    /// Whether the line's token may begin before it.
    open_start: bool,
    /// Whether the line's token may go on behind it.
    open_end: bool,
}

fn pieces(wanted: &[u8], alone: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for token in wanted.split(|byte| !is_token_byte(*byte)) {
        if !token.is_empty() {
            let (open_start, open_end) = (at == 0 && !alone, at + token.len() == wanted.len() && !alone);
            pieces.push(Piece { bytes: token.to_ascii_lowercase(), open_start, open_end });
        }
        at += token.len() + 1;
    }
    // Words first, what may be a piece of an identifier last: filters are probed for the blocks that are left.
    pieces.sort_by_key(|piece| (fits_into_id(&piece.bytes), piece.open_start || piece.open_end, std::cmp::Reverse(piece.bytes.len())));
    pieces
}

impl<'a> Pruner<'a> {
    pub(super) const fn new(part: &'a Part, cancel: &'a Cancel) -> Self {
        Self { part, cancel }
    }

    /// Removes blocks that cannot hold lines that meet the needs.
    pub(super) fn keep(&self, needs: &Needs, blocks: &mut Bits) -> Result<(), PartError> {
        match needs {
            // Whoever asks settles first what hangs on labels.
            Needs::Anything | Needs::Unless { .. } => {}
            Needs::Nothing => *blocks = Bits::none(self.part.block_count()),
            Needs::Text { bytes, alone, .. } => {
                for piece in pieces(bytes, *alone) {
                    if blocks.is_empty() {
                        break;
                    }
                    self.cancel.check()?;
                    self.keep_piece(&piece, blocks)?;
                }
            }
            Needs::All(all) => {
                for needs in all {
                    if blocks.is_empty() {
                        break;
                    }
                    self.keep(needs, blocks)?;
                }
            }
            Needs::Any(any) => {
                let mut kept = Bits::none(self.part.block_count());
                for needs in any {
                    let mut some = blocks.clone();
                    self.keep(needs, &mut some)?;
                    kept.or(&some);
                }
                *blocks = kept;
            }
        }
        Ok(())
    }

    fn keep_piece(&self, piece: &Piece, blocks: &mut Bits) -> Result<(), PartError> {
        let words = self.part.words()?;
        let whole = !piece.open_start && !piece.open_end;
        let mut found = words.none();
        if piece.bytes.len() > WORD_BYTES_MAX {
            words.add_long(&mut found)?;
            blocks.and(&found);
            return if whole { self.probe(&piece.bytes, blocks) } else { Ok(()) };
        }
        if whole {
            if is_like_id(&piece.bytes) {
                words.add_ids_like(&piece.bytes, &mut found)?;
                blocks.and(&found);
                return self.probe(&piece.bytes, blocks);
            }
            words.add_word(&piece.bytes, &mut found)?;
            blocks.and(&found);
            return Ok(());
        }
        self.keep_open(&words, piece, found, blocks)
    }

    /// For a token that may be a piece of another.
    fn keep_open(&self, words: &WordsReader, piece: &Piece, mut found: Bits, blocks: &mut Bits) -> Result<(), PartError> {
        words.add_long(&mut found)?;
        let may_be_id = fits_into_id(&piece.bytes);
        if may_be_id {
            words.add_ids_around(&piece.bytes, &mut found)?;
        }
        if covers(&found, blocks) {
            return Ok(());
        }
        let place = match (piece.open_start, piece.open_end) {
            (true, false) => Place::End,
            (false, true) => Place::Start,
            _ => Place::Inside,
        };
        if !words.add_words_with(&piece.bytes, place, &mut found)? {
            return Ok(());
        }
        if is_like_id(&piece.bytes) {
            // It may also be the whole token.
            let (mut left, mut like) = (found.clone(), words.none());
            left.invert();
            left.and(blocks);
            words.add_ids_like(&piece.bytes, &mut like)?;
            left.and(&like);
            self.probe(&piece.bytes, &mut left)?;
            found.or(&left);
        }
        blocks.and(&found);
        Ok(())
    }

    /// Removes the blocks whose filters have not this token.
    fn probe(&self, token: &[u8], blocks: &mut Bits) -> Result<(), PartError> {
        let hash = hash(token);
        let mut missing = Vec::new();
        for (seen, block) in blocks.iter().enumerate() {
            if seen % CHECK_EVERY == CHECK_EVERY - 1 {
                self.cancel.check()?;
            }
            let record = self.part.record(block)?;
            if !bloom::may_have(self.part.bloom_of(&record)?, hash) {
                missing.push(block);
            }
        }
        missing.into_iter().for_each(|block| blocks.remove(block));
        Ok(())
    }
}

/// Whether all of `blocks` are in `found`.
fn covers(found: &Bits, blocks: &Bits) -> bool {
    let mut left = found.clone();
    left.invert();
    left.and(blocks);
    left.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_bytes_are_cut_into_tokens() {
        let cut = |wanted: &str| {
            pieces(wanted.as_bytes(), false)
                .into_iter()
                .map(|piece| (String::from_utf8(piece.bytes).expect("text"), piece.open_start, piece.open_end))
                .collect::<Vec<_>>()
        };
        assert_eq!(cut("needle-c0ffee42"), [("needle".into(), true, false), ("c0ffee42".into(), false, true)]);
        assert_eq!(cut("\"level\":\"ERROR\""), [("level".into(), false, false), ("error".into(), false, false)]);
        assert_eq!(cut("imeou"), [("imeou".into(), true, true)]);
        assert_eq!(cut(" a"), [("a".into(), false, true)]);
        assert_eq!(cut("- /"), []);
        assert_eq!(cut(""), []);
        let alone = pieces(b"a-b", true);
        assert!(alone.len() == 2 && alone.iter().all(|piece| !piece.open_start && !piece.open_end), "{alone:?}");
    }
}
