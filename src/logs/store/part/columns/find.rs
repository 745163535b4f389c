//! Finds the numbers of a text.

use super::{DECIMAL_DIGITS_MAX, DIGITS_MAX};

const DIGIT: u8 = 1;
const LOWER: u8 = 2;
const UPPER: u8 = 4;
const LETTER: u8 = 8;

static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'f' => LOWER,
            b'A'..=b'F' => UPPER,
            b'g'..=b'z' | b'G'..=b'Z' | b'_' | 0x80..=0xff => LETTER,
            _ => 0,
        };
        byte += 1;
    }
    table
};

#[inline]
fn class(byte: u8) -> u8 {
    CLASS[byte as usize]
}

/// Calls `each` with begin and end of every number, ascending.
pub(super) fn for_each_number(text: &[u8], mut each: impl FnMut(usize, usize)) {
    let mut at = 0;
    while at < text.len() {
        let mut seen = class(text[at]);
        if seen == 0 {
            at += 1;
            continue;
        }
        let start = at;
        at += 1;
        while at < text.len() && class(text[at]) != 0 {
            seen |= class(text[at]);
            at += 1;
        }
        if seen & DIGIT == 0 {
            continue;
        }
        let pure = seen & LETTER == 0 && seen & (LOWER | UPPER) != LOWER | UPPER;
        if pure {
            if at - start <= DIGITS_MAX {
                each(start, at);
            }
            continue;
        }
        let mut digits = start;
        while digits < at {
            if class(text[digits]) != DIGIT {
                digits += 1;
                continue;
            }
            let from = digits;
            while digits < at && class(text[digits]) == DIGIT {
                digits += 1;
            }
            if digits - from <= DIGITS_MAX {
                each(from, digits);
            }
        }
    }
}

/// Which kinds of column a number fits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fits {
    /// Decimal without leading zeros, and not too long.
    pub(super) decimal: bool,
    /// Decimal, and not too long.
    pub(super) padded: bool,
    pub(super) lower_hex: bool,
    pub(super) upper_hex: bool,
}

impl Fits {
    #[inline]
    pub(super) fn of(number: &[u8]) -> Self {
        let seen = number.iter().fold(0, |seen, byte| seen | class(*byte));
        let padded = seen == DIGIT && number.len() <= DECIMAL_DIGITS_MAX;
        Self {
            decimal: padded && (number.len() == 1 || number.first() != Some(&b'0')),
            padded,
            lower_hex: seen & !(DIGIT | LOWER) == 0,
            upper_hex: seen & !(DIGIT | UPPER) == 0,
        }
    }
}
