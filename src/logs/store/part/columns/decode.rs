//! Puts the numbers back into a text.

use super::{DECIMAL, DECIMAL_DIGITS_MAX, LOWER_HEX, MARK, PADDED, SLOTS, UPPER_HEX, slot_of};
use crate::base::bytes::Cursor;
use crate::base::pack::ints::decode_ints;

const WRONG: &str = "the columns of a block's text are malformed";
const DIGITS_MAX: usize = super::DIGITS_MAX;

/// The values of a column that are still to be put back.
enum Column<'a> {
    /// Numbers, and with how many digits (0 = as few as there are).
    Decimal {
        numbers: std::vec::IntoIter<i64>,
        digits: usize,
    },
    Hex {
        data: &'a [u8],
        digits: usize,
        letters: &'static [[u8; 2]; 256],
    },
}

/// Appends the text of `len` bytes that the reduced text and `columns` (with the length behind them) hold to a cleared
/// `text`.
pub(in super::super) fn decode(reduced: &[u8], columns: &[u8], len: usize, text: &mut Vec<u8>) -> Result<(), &'static str> {
    text.clear();
    let mut cursor = Cursor::new(columns);
    let mut column_of = [u16::MAX; SLOTS];
    let mut columns = read_columns(&mut cursor, reduced.len(), &mut column_of)?;
    text.reserve(len + DIGITS_MAX + SHORT);
    let mut from = 0;
    for mark in memchr::memchr_iter(MARK, reduced) {
        put_words(&reduced[from..], mark - from, text);
        from = mark + 1;
        let column = column_of[slot_of(&reduced[..mark])];
        let column = columns.get_mut(usize::from(column)).ok_or(WRONG)?;
        column.put_next(text)?;
        if text.len() > len {
            return Err(WRONG);
        }
    }
    text.extend_from_slice(&reduced[from..]);
    if text.len() == len { Ok(()) } else { Err(WRONG) }
}

fn read_columns<'a>(cursor: &mut Cursor<'a>, values_max: usize, column_of: &mut [u16; SLOTS]) -> Result<Vec<Column<'a>>, &'static str> {
    let number = |cursor: &mut Cursor<'a>| cursor.uvarint().ok().and_then(|number| usize::try_from(number).ok()).ok_or(WRONG);
    let count = number(cursor)?;
    if count > SLOTS {
        return Err(WRONG);
    }
    let mut columns = Vec::with_capacity(count);
    let mut slot = 0usize;
    let mut values_left = values_max;
    for index in 0..count {
        slot = slot.checked_add(number(cursor)?).ok_or(WRONG)?;
        let kind = cursor.u8().map_err(|_| WRONG)?;
        let digits = usize::from(cursor.u8().map_err(|_| WRONG)?);
        let values = number(cursor)?;
        // Each value has its mark in the reduced text.
        values_left = values_left.checked_sub(values).ok_or(WRONG)?;
        let len = number(cursor)?;
        *column_of.get_mut(slot).ok_or(WRONG)? = index as u16;
        columns.push(match kind {
            DECIMAL | PADDED if digits <= DECIMAL_DIGITS_MAX && values > 0 => {
                let mut data = Cursor::new(cursor.take(len).map_err(|_| WRONG)?);
                let mut numbers = Vec::with_capacity(values);
                decode_ints(&mut data, values, |some| numbers.extend_from_slice(some)).map_err(|_| WRONG)?;
                Column::Decimal { numbers: numbers.into_iter(), digits }
            }
            LOWER_HEX | UPPER_HEX if digits > 0 && digits <= DIGITS_MAX => {
                Column::Hex { data: cursor.take(len).map_err(|_| WRONG)?, digits, letters: if kind == LOWER_HEX { &LOWER } else { &UPPER } }
            }
            _ => return Err(WRONG),
        });
    }
    if cursor.remaining() == 4 { Ok(columns) } else { Err(WRONG) }
}

impl Column<'_> {
    #[inline]
    fn put_next(&mut self, text: &mut Vec<u8>) -> Result<(), &'static str> {
        match self {
            Self::Decimal { numbers, digits } => put_decimal(numbers.next().ok_or(WRONG)?, *digits, text),
            Self::Hex { data, digits, letters } => {
                let (value, rest) = data.split_at_checked(digits.div_ceil(2)).ok_or(WRONG)?;
                *data = rest;
                let start = text.len();
                text.resize(start + 2 * value.len(), 0);
                for (pair, byte) in text[start..].as_chunks_mut::<2>().0.iter_mut().zip(value) {
                    *pair = letters[usize::from(*byte)];
                }
                text.truncate(start + *digits);
                Ok(())
            }
        }
    }
}

/// Appends the first `len` bytes.
#[inline]
fn put_words(from: &[u8], len: usize, text: &mut Vec<u8>) {
    match from.first_chunk::<SHORT>() {
        // A copy of known length is a few instructions; what is too much is cut off.
        Some(short) if len <= SHORT => {
            let end = text.len() + len;
            text.extend_from_slice(short);
            text.truncate(end);
        }
        _ => text.extend_from_slice(&from[..len]),
    }
}

/// Both digits of each byte.
const fn pairs(digits: &[u8; 16]) -> [[u8; 2]; 256] {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
}

static LOWER: [[u8; 2]; 256] = pairs(b"0123456789abcdef");
static UPPER: [[u8; 2]; 256] = pairs(b"0123456789ABCDEF");
/// Words that are copied as one piece.
const SHORT: usize = 32;

#[inline]
fn put_decimal(number: i64, digits: usize, text: &mut Vec<u8>) -> Result<(), &'static str> {
    let number = u64::try_from(number).map_err(|_| WRONG)?;
    let mut buffer = itoa::Buffer::new();
    let shown = buffer.format(number).as_bytes();
    if let Some(zeros) = digits.checked_sub(shown.len()) {
        text.extend_from_slice(&ZEROS[..zeros]);
    } else if digits > 0 {
        return Err(WRONG);
    }
    text.extend_from_slice(shown);
    Ok(())
}

static ZEROS: [u8; DECIMAL_DIGITS_MAX] = [b'0'; DECIMAL_DIGITS_MAX];
