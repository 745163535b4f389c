//! Tokens of a text: what they are, which of them look like identifiers, and which are distinct.
//!
//! A *token* is a longest run of ASCII letters, digits, `_` and bytes from 0x80 on. Upper and lower case (ASCII) are the
//! same. A token is
//! - *long* with more than [`WORD_BYTES_MAX`] bytes,
//! - otherwise *like an identifier* with at least five bytes, a digit among them, at most one that is no hexadecimal digit,
//! - otherwise a *word*.
//!
//! The *kind* of a token like an identifier is its only byte that is no hexadecimal digit, else `a` if it has a letter,
//! else `0`: bytes that are no piece of it by their kind need not be looked for in it.

use crate::base::bytes::Malformed;

/// A word has at most so many bytes.
pub(super) const WORD_BYTES_MAX: usize = 128;
/// What is shorter is no identifier.
pub(super) const ID_BYTES_MIN: usize = 5;

/// Whether a byte is part of a token.
#[inline]
pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether a token (of at most [`WORD_BYTES_MAX`] bytes) is like an identifier.
pub(super) fn is_like_id(token: &[u8]) -> bool {
    token.len() >= ID_BYTES_MIN && token.iter().any(u8::is_ascii_digit) && fits_into_id(token)
}

/// Whether bytes of a token could be part of one that is like an identifier.
pub(super) fn fits_into_id(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| !byte.is_ascii_hexdigit()).count() <= 1
}

/// The kind of a token that is like an identifier.
pub(super) fn id_kind(token: &[u8]) -> u8 {
    match token.iter().find(|byte| !byte.is_ascii_hexdigit()) {
        Some(other) => other.to_ascii_lowercase(),
        None if token.iter().all(u8::is_ascii_digit) => b'0',
        None => b'a',
    }
}

/// Whether bytes that fit into an identifier could be a piece of one of this kind.
pub(super) fn fits_into_kind(bytes: &[u8], kind: u8) -> bool {
    match id_kind(bytes) {
        b'0' => true,
        b'a' => kind != b'0',
        other => kind == other,
    }
}

/// Hash of a token, part of the format: upper and lower case have the same.
pub(super) fn hash(token: &[u8]) -> u64 {
    hash_at(token, 0, token.len())
}

/// Eight bytes in lower case, in so far as they are letters; other bytes of tokens stay distinct.
#[inline]
const fn fold(eight: u64) -> u64 {
    eight | (!eight & 0x8080_8080_8080_8080) >> 2
}

/// Up to eight bytes at a position, the missing ones 0, in lower case.
#[inline]
fn folded_at(text: &[u8], at: usize, len: usize) -> u64 {
    let mask = u64::MAX >> (64 - 8 * len as u32);
    if let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        return fold(u64::from_le_bytes(*eight)) & mask;
    }
    let mut eight = [0; 8];
    let rest = text.get(at..).unwrap_or_default();
    let len = len.min(rest.len());
    eight[..len].copy_from_slice(&rest[..len]);
    fold(u64::from_le_bytes(eight)) & mask
}

#[inline]
fn hash_at(text: &[u8], start: usize, len: usize) -> u64 {
    let mut hash = (len as u64).wrapping_mul(0xff51_afd7_ed55_8ccd) ^ 0x9e37_79b9_7f4a_7c15;
    let mut at = 0;
    while at < len {
        let take = (len - at).min(8);
        hash = (hash ^ folded_at(text, start + at, take)).wrapping_mul(0x9fb2_1c65_1e98_df25);
        hash ^= hash >> 32;
        at += 8;
    }
    hash = hash.wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ hash >> 29
}

#[inline]
fn same_at(text: &[u8], left: usize, right: usize, len: usize) -> bool {
    let mut at = 0;
    while at < len {
        let take = (len - at).min(8);
        if folded_at(text, left + at, take) != folded_at(text, right + at, take) {
            return false;
        }
        at += 8;
    }
    true
}

/// Sixty-four bytes each: which are of tokens, which are digits, which are of tokens and no hexadecimal digits.
#[derive(Debug, Clone, Copy, Default)]
struct Classes {
    token: u64,
    digit: u64,
    other: u64,
}

#[inline]
fn classes_of(bytes: &[u8; 64]) -> Classes {
    let mut flags = [0u8; 64];
    for (flag, &byte) in flags.iter_mut().zip(bytes) {
        let from_a = (byte | 0x20).wrapping_sub(b'a');
        let digit = byte.wrapping_sub(b'0') < 10;
        let token = (from_a < 26) | digit | (byte >= 0x80) | (byte == b'_');
        let other = token & !digit & (from_a >= 6);
        *flag = u8::from(token) | u8::from(digit) << 1 | u8::from(other) << 2;
    }
    let mut classes = Classes::default();
    for (index, eight) in flags.as_chunks::<8>().0.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        // Gathers the lowest bit of each byte.
        let gather = |bits: u64| (bits & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        classes.token |= gather(eight) << (8 * index);
        classes.digit |= gather(eight >> 1) << (8 * index);
        classes.other |= gather(eight >> 2) << (8 * index);
    }
    classes
}

/// Finds the distinct tokens of a text. Reused from text to text.
pub(super) struct Tokenizer {
    classes: Vec<Classes>,
    /// Open addressing: upper half of the hash, position in the text plus 1; 0 is free.
    table: Vec<u64>,
    used: usize,
    /// One bit for each length that the kind was found with.
    lengths_of_kind: Box<[u128; 256]>,
    found: Found,
}

/// The distinct tokens of a text.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Words in lower case, one after the other.
    pub(super) words: Vec<u8>,
    /// Where each word ends.
    pub(super) ends: Vec<u32>,
    /// Hashes of tokens that are like identifiers, and of long ones.
    pub(super) ids: Vec<u64>,
    /// Length and kind of tokens that are like identifiers, each once.
    pub(super) id_kinds: Vec<(u8, u8)>,
    /// Whether there are long tokens.
    pub(super) long: bool,
}

const TABLE_MIN: usize = 1 << 13;

impl Tokenizer {
    pub(super) fn new() -> Self {
        Self { classes: Vec::new(), table: vec![0; TABLE_MIN], used: 0, lengths_of_kind: Box::new([0; 256]), found: Found::default() }
    }

    /// What was found last.
    pub(super) const fn found(&self) -> &Found {
        &self.found
    }

    /// The distinct tokens of a text of less than 4 GiB.
    pub(super) fn find(&mut self, text: &[u8]) -> Result<&Found, Malformed> {
        if text.len() >= u32::MAX as usize {
            return Err(Malformed { offset: text.len() });
        }
        self.table.fill(0);
        self.used = 0;
        self.found.words.clear();
        self.found.ends.clear();
        self.found.ids.clear();
        self.found.id_kinds.clear();
        self.lengths_of_kind.fill(0);
        self.found.long = false;
        self.classify(text);
        let mut start = None;
        let mut before = 0u64;
        for index in 0..self.classes.len() {
            let token = self.classes[index].token;
            let mut edges = token ^ (token << 1 | before);
            before = token >> 63;
            while edges != 0 {
                let at = index * 64 + edges.trailing_zeros() as usize;
                edges &= edges - 1;
                match start.take() {
                    None => start = Some(at),
                    Some(from) => self.token(text, from, at - from),
                }
            }
        }
        if let Some(from) = start {
            self.token(text, from, text.len() - from);
        }
        Ok(&self.found)
    }

    fn classify(&mut self, text: &[u8]) {
        self.classes.clear();
        let (chunks, rest) = text.as_chunks::<64>();
        self.classes.extend(chunks.iter().map(classes_of));
        if !rest.is_empty() {
            let mut last = [0; 64];
            last[..rest.len()].copy_from_slice(rest);
            self.classes.push(classes_of(&last));
        }
    }

    /// Up to 64 bits from a position on.
    #[inline]
    fn bits(&self, of: impl Fn(&Classes) -> u64, at: usize, len: usize) -> u64 {
        let (index, shift) = (at / 64, at % 64);
        let mut bits = self.classes.get(index).map_or(0, &of) >> shift;
        if shift + len > 64 {
            bits |= self.classes.get(index + 1).map_or(0, &of) << (64 - shift);
        }
        bits & u64::MAX >> (64 - len)
    }

    #[inline]
    fn token(&mut self, text: &[u8], at: usize, len: usize) {
        let like_id = if len < ID_BYTES_MIN {
            false
        } else if len <= 64 {
            let other = self.bits(|classes| classes.other, at, len);
            other & other.wrapping_sub(1) == 0 && self.bits(|classes| classes.digit, at, len) != 0
        } else {
            len <= WORD_BYTES_MAX && is_like_id(&text[at..at + len])
        };
        let hash = hash_at(text, at, len);
        if !self.is_new(text, at, len, hash) {
            return;
        }
        if len > WORD_BYTES_MAX {
            self.found.long = true;
            self.found.ids.push(hash);
        } else if like_id {
            let kind = id_kind(&text[at..at + len]);
            let (lengths, bit) = (&mut self.lengths_of_kind[usize::from(kind)], 1 << (len - 1));
            if *lengths & bit == 0 {
                *lengths |= bit;
                self.found.id_kinds.push((len as u8, kind));
            }
            self.found.ids.push(hash);
        } else {
            let from = self.found.words.len();
            self.found.words.extend_from_slice(&text[at..at + len]);
            self.found.words[from..].make_ascii_lowercase();
            self.found.ends.push(self.found.words.len() as u32);
        }
    }

    #[inline]
    fn is_new(&mut self, text: &[u8], at: usize, len: usize, hash: u64) -> bool {
        let mask = self.table.len() - 1;
        let tag = hash & 0xffff_ffff_0000_0000;
        let mut slot = hash as usize & mask;
        loop {
            let entry = self.table[slot];
            if entry == 0 {
                break;
            }
            let other = (entry as u32 - 1) as usize;
            if entry & 0xffff_ffff_0000_0000 == tag && same_at(text, other, at, len) && !self.goes_on(other + len) {
                return false;
            }
            slot = (slot + 1) & mask;
        }
        self.table[slot] = tag | (at as u64 + 1);
        self.used += 1;
        if self.used * 2 > self.table.len() {
            self.grow(text);
        }
        true
    }

    #[inline]
    fn goes_on(&self, at: usize) -> bool {
        self.classes.get(at / 64).is_some_and(|classes| classes.token >> (at % 64) & 1 == 1)
    }

    #[cold]
    fn grow(&mut self, text: &[u8]) {
        let larger = vec![0; self.table.len() * 2];
        let mask = larger.len() - 1;
        for entry in std::mem::replace(&mut self.table, larger) {
            if entry == 0 {
                continue;
            }
            let at = (entry as u32 - 1) as usize;
            let len = text[at..].iter().take_while(|byte| is_token_byte(**byte)).count();
            let mut slot = hash_at(text, at, len) as usize & mask;
            while self.table[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.table[slot] = entry;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Words, identifiers, their kinds, whether there are long tokens.
    type Plain = (BTreeSet<Vec<u8>>, BTreeSet<u64>, BTreeSet<(u8, u8)>, bool);

    /// The definition, word for word.
    fn plainly(text: &[u8]) -> Plain {
        let (mut words, mut ids, mut kinds, mut long) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), false);
        for token in text.split(|byte| !is_token_byte(*byte)).filter(|token| !token.is_empty()) {
            let token = token.to_ascii_lowercase();
            if token.len() > WORD_BYTES_MAX {
                long = true;
                ids.insert(hash(&token));
            } else if is_like_id(&token) {
                kinds.insert((token.len() as u8, id_kind(&token)));
                ids.insert(hash(&token));
            } else {
                words.insert(token);
            }
        }
        (words, ids, kinds, long)
    }

    fn compare(tokenizer: &mut Tokenizer, text: &[u8]) {
        let found = tokenizer.find(text).expect("short");
        let mut from = 0;
        let mut words = Vec::new();
        for end in &found.ends {
            words.push(found.words[from..*end as usize].to_vec());
            from = *end as usize;
        }
        let (count, ids) = (words.len(), found.ids.iter().copied().collect::<BTreeSet<_>>());
        let words: BTreeSet<_> = words.into_iter().collect();
        assert_eq!(words.len(), count, "each word once");
        assert_eq!(ids.len(), found.ids.len(), "each identifier once");
        let kinds: BTreeSet<(u8, u8)> = found.id_kinds.iter().copied().collect();
        assert_eq!(kinds.len(), found.id_kinds.len(), "each kind once");
        assert_eq!((words, ids, kinds, found.long), plainly(text));
    }

    #[test]
    fn tokens_are_found_as_defined() {
        let mut tokenizer = Tokenizer::new();
        for text in [
            "",
            "a",
            "Hello hello HELLO_ world",
            "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7",
            "02T00 1234 12345 deadbeef dead1beef 0x1f00 x86_64 naïve Größe GRÖSSE ünï",
            "ab abc a abcd",
        ] {
            compare(&mut tokenizer, text.as_bytes());
        }
        for len in [63, 64, 65, 127, 128, 129, 300] {
            for fill in ["a1", "zz", "0", "g0"] {
                compare(&mut tokenizer, format!("x {} y", &fill.repeat(len)[..len]).as_bytes());
            }
        }
        let many: String = (0..40_000).map(|i| format!("w{i}x ")).collect();
        compare(&mut tokenizer, many.as_bytes());
    }

    #[test]
    fn the_hash_is_part_of_the_format() {
        assert_eq!(hash(b"4bf92f3577b34da6a3ce929d0e0e4736"), hash(b"4BF92F3577B34DA6A3CE929D0E0E4736"));
        assert_eq!(hash(b"12345"), 0x03b3_ce3d_7aa8_7774);
        assert_eq!(hash(b"4bf92f3577b34da6a3ce929d0e0e4736"), 0xd12a_89f6_69e9_2bce);
    }

    proptest! {
        #[test]
        fn any_text_is_cut_as_defined(text in proptest::collection::vec(prop_oneof![
            8 => proptest::sample::select(b"abcdefgz019AF_ -./\"\n".to_vec()), 1 => any::<u8>()], 0..600)) {
            compare(&mut Tokenizer::new(), &text);
        }
    }
}
