//! Takes the numbers out of a text.

use super::find::{Fits, for_each_number};
use super::{DECIMAL, LOWER_HEX, MARK, PADDED, SLOTS, UPPER_HEX, slot_of};
use crate::base::bytes::put_uvarint;
use crate::base::pack::ints::encode_ints;

/// Pieces of a text that are looked at first, and the bytes of each.
const SAMPLES: usize = 4;
const SAMPLE_BYTES: usize = 6 * 1024;
/// How often the sample is looked at, because what is taken out changes what stands before the next number.
const ROUNDS: usize = 3;
/// A slot is worth a column with so many numbers in the sample, of which one in so many differs from the one before.
const NUMBERS_MIN: u32 = 4;
const CHANGES_ONE_IN: u32 = 6;
/// With less than this share of the text in numbers it stays as it is.
const NUMBERS_SHARE_MIN: usize = 32;

/// Takes numbers out of texts. Reused from text to text.
pub(in super::super) struct Encoder {
    sample: Vec<u8>,
    /// What is taken out of each slot.
    chosen: Box<[Choice]>,
    seen: Box<[Seen]>,
    /// Column of each slot, or `u32::MAX`.
    column_of: Box<[u32]>,
    columns: Vec<Column>,
    columns_in_use: usize,
    frame: Vec<u8>,
    columns_bytes: Vec<u8>,
    data: Vec<u8>,
    numbers: Vec<i64>,
}

/// What is taken out of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Nothing,
    /// Any number, as long as nothing is known.
    Anything,
    Decimal,
    Padded(u8),
    LowerHex(u8),
    UpperHex(u8),
}

impl Choice {
    #[inline]
    fn takes(self, number: &[u8]) -> bool {
        match self {
            Self::Nothing => false,
            Self::Anything => true,
            Self::Decimal => Fits::of(number).decimal,
            Self::Padded(digits) => number.len() == usize::from(digits) && Fits::of(number).padded,
            Self::LowerHex(digits) => number.len() == usize::from(digits) && Fits::of(number).lower_hex,
            Self::UpperHex(digits) => number.len() == usize::from(digits) && Fits::of(number).upper_hex,
        }
    }

    const fn kind(self) -> (u8, u8) {
        match self {
            Self::Nothing | Self::Anything | Self::Decimal => (DECIMAL, 0),
            Self::Padded(digits) => (PADDED, digits),
            Self::LowerHex(digits) => (LOWER_HEX, digits),
            Self::UpperHex(digits) => (UPPER_HEX, digits),
        }
    }
}

/// What a slot has in the sample.
#[derive(Clone, Copy, Default)]
struct Seen {
    numbers: u32,
    changes: u32,
    last: (u32, u32),
    /// The usual length, so far.
    len: usize,
    len_votes: u32,
    decimal: u32,
    padded: u32,
    lower_hex: u32,
    upper_hex: u32,
}

impl Seen {
    fn add(&mut self, sample: &[u8], start: usize, end: usize) {
        let number = &sample[start..end];
        self.numbers += 1;
        if number != &sample[self.last.0 as usize..self.last.1 as usize] {
            self.changes += 1;
            self.last = (start as u32, end as u32);
        }
        if self.len == number.len() {
            self.len_votes += 1;
        } else if self.len_votes == 0 {
            (self.len, self.len_votes) = (number.len(), 1);
        } else {
            self.len_votes -= 1;
        }
        let fits = Fits::of(number);
        let same_len = number.len() == self.len;
        self.decimal += u32::from(fits.decimal);
        self.padded += u32::from(fits.padded && same_len);
        self.lower_hex += u32::from(fits.lower_hex && same_len);
        self.upper_hex += u32::from(fits.upper_hex && same_len);
    }

    fn choice(&self) -> Choice {
        if self.numbers < NUMBERS_MIN || self.changes * CHANGES_ONE_IN < self.numbers {
            return Choice::Nothing;
        }
        let most = self.decimal.max(self.padded).max(self.lower_hex).max(self.upper_hex);
        let digits = self.len as u8;
        if most * 2 < self.numbers {
            Choice::Nothing
        } else if most == self.decimal {
            Choice::Decimal
        } else if most == self.padded {
            Choice::Padded(digits)
        } else if most == self.lower_hex {
            Choice::LowerHex(digits)
        } else {
            Choice::UpperHex(digits)
        }
    }
}

/// Where the values of a column lie in the text.
struct Column {
    slot: usize,
    values: Vec<(u32, u32)>,
}

impl Encoder {
    pub(in super::super) fn new() -> Self {
        Self {
            sample: Vec::new(),
            chosen: vec![Choice::Anything; SLOTS].into(),
            seen: vec![Seen::default(); SLOTS].into(),
            column_of: vec![u32::MAX; SLOTS].into(),
            columns: Vec::new(),
            columns_in_use: 0,
            frame: Vec::new(),
            columns_bytes: Vec::new(),
            data: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// Splits a text into what goes into the frame and what goes behind it; nothing if it is better left as it is.
    pub(in super::super) fn encode(&mut self, text: &[u8]) -> Option<(&[u8], &[u8])> {
        if text.len() > u32::MAX as usize / 2 || memchr::memchr(MARK, text).is_some() {
            return None;
        }
        self.choose(text);
        if self.chosen.iter().all(|choice| *choice == Choice::Nothing) {
            return None;
        }
        let taken = self.reduce(text);
        if taken * NUMBERS_SHARE_MIN < text.len() {
            return None;
        }
        self.put_columns(text);
        Some((&self.frame, &self.columns_bytes))
    }

    fn choose(&mut self, text: &[u8]) {
        self.sample.clear();
        if text.len() <= SAMPLES * SAMPLE_BYTES {
            self.sample.extend_from_slice(text);
        } else {
            for piece in 0..SAMPLES {
                let start = (text.len() - SAMPLE_BYTES) / (SAMPLES - 1) * piece;
                self.sample.extend_from_slice(&text[start..start + SAMPLE_BYTES]);
            }
        }
        self.chosen.fill(Choice::Anything);
        for _ in 0..ROUNDS {
            self.seen.fill(Seen::default());
            self.frame.clear();
            let mut copied = 0;
            let (sample, frame, seen, chosen) = (&self.sample, &mut self.frame, &mut self.seen, &self.chosen);
            for_each_number(sample, |start, end| {
                frame.extend_from_slice(&sample[copied..start]);
                copied = start;
                let slot = slot_of(frame);
                seen[slot].add(sample, start, end);
                if chosen[slot].takes(&sample[start..end]) {
                    frame.push(MARK);
                    copied = end;
                }
            });
            for (chosen, seen) in self.chosen.iter_mut().zip(&self.seen) {
                *chosen = seen.choice();
            }
        }
    }

    /// Fills `frame` with the reduced text and the columns with the places of the rest, of which it returns the bytes.
    fn reduce(&mut self, text: &[u8]) -> usize {
        self.column_of.fill(u32::MAX);
        self.columns_in_use = 0;
        self.frame.clear();
        let (mut copied, mut taken) = (0, 0);
        let Self { chosen, column_of, columns, columns_in_use, frame, .. } = self;
        for_each_number(text, |start, end| {
            frame.extend_from_slice(&text[copied..start]);
            copied = start;
            let slot = slot_of(frame);
            if !chosen[slot].takes(&text[start..end]) {
                return;
            }
            if column_of[slot] == u32::MAX {
                column_of[slot] = *columns_in_use as u32;
                if *columns_in_use == columns.len() {
                    columns.push(Column { slot, values: Vec::new() });
                }
                let column = &mut columns[*columns_in_use];
                column.slot = slot;
                column.values.clear();
                *columns_in_use += 1;
            }
            columns[column_of[slot] as usize].values.push((start as u32, end as u32));
            frame.push(MARK);
            copied = end;
            taken += end - start;
        });
        frame.extend_from_slice(&text[copied..]);
        taken
    }

    fn put_columns(&mut self, text: &[u8]) {
        let Self { chosen, columns, columns_in_use, columns_bytes: out, data, numbers, .. } = self;
        let columns = &mut columns[..*columns_in_use];
        columns.sort_unstable_by_key(|column| column.slot);
        out.clear();
        put_uvarint(out, columns.len() as u64);
        let mut slot_before = 0;
        for column in columns.iter() {
            let value = |&(start, end): &(u32, u32)| &text[start as usize..end as usize];
            let (kind, digits) = chosen[column.slot].kind();
            put_uvarint(out, (column.slot - slot_before) as u64);
            slot_before = column.slot;
            out.push(kind);
            out.push(digits);
            put_uvarint(out, column.values.len() as u64);
            data.clear();
            if matches!(kind, DECIMAL | PADDED) {
                numbers.clear();
                numbers.extend(column.values.iter().map(|place| decimal(value(place))));
                encode_ints(numbers, data);
            } else {
                column.values.iter().for_each(|place| put_hex(value(place), data));
            }
            put_uvarint(out, data.len() as u64);
            out.extend_from_slice(data);
        }
        let len = out.len() as u32;
        out.extend_from_slice(&len.to_le_bytes());
    }
}

fn decimal(digits: &[u8]) -> i64 {
    digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}

fn put_hex(digits: &[u8], out: &mut Vec<u8>) {
    let half = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    };
    out.extend(digits.chunks(2).map(|pair| half(pair[0]) << 4 | pair.get(1).map_or(0, |low| half(*low))));
}
