//! MessagePack, read without copying and within bounds; and the little of it that is written.

/// Deepest nesting.
const DEPTH_MAX: usize = 32;
/// Values in one value at most: each takes far more memory than the byte it may come in.
const VALUES_MAX: usize = 100_000;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'b> {
    /// Nothing.
    Nil,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number beyond the others.
    Uint(u64),
    /// A number.
    Float(f64),
    /// Text, or bytes: many senders do not tell them apart.
    Bytes(&'b [u8]),
    /// Values in order.
    List(Vec<Self>),
    /// Keys and values in order.
    Map(Vec<(Self, Self)>),
    /// A value of an own kind.
    Ext(i8, &'b [u8]),
}

/// Why bytes are no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// There is more to come.
    Incomplete,
    /// They are none.
    Malformed,
}

/// Reads values one after the other.
#[derive(Debug)]
pub struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Values that may still come in the one that is read.
    left: usize,
}

impl<'b> Reader<'b> {
    /// From the beginning.
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self::from(bytes, 0)
    }

    /// From a position on.
    pub const fn from(bytes: &'b [u8], at: usize) -> Self {
        Self { bytes, at, left: 0 }
    }

    /// How many bytes were read.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Whether everything was read.
    pub const fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The next value.
    ///
    /// # Errors
    /// There is none, or only its beginning, or it holds too many others.
    pub fn value(&mut self) -> Result<Value<'b>, Failed> {
        self.left = VALUES_MAX;
        self.nested(0)
    }

    /// How many values the list has that comes next; they follow. `None` if what comes next is no list, and nothing is read.
    ///
    /// # Errors
    /// There is nothing, or only its beginning.
    pub fn list_len(&mut self) -> Result<Option<usize>, Failed> {
        let kind = self.take(1)?[0];
        match kind {
            0x90..=0x9f => Ok(Some(usize::from(kind & 0x0f))),
            0xdc => self.len(2).map(Some),
            0xdd => self.len(4).map(Some),
            _ => {
                self.at -= 1;
                Ok(None)
            }
        }
    }

    /// Passes over the next value.
    ///
    /// # Errors
    /// There is none, or only its beginning.
    pub fn skip(&mut self) -> Result<(), Failed> {
        let mut scan = Scan::FIRST;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += scan.whole(rest)?.ok_or(Failed::Incomplete)?;
        Ok(())
    }

    fn nested(&mut self, depth: usize) -> Result<Value<'b>, Failed> {
        if depth > DEPTH_MAX {
            return Err(Failed::Malformed);
        }
        self.left = self.left.checked_sub(1).ok_or(Failed::Malformed)?;
        let kind = self.take(1)?[0];
        Ok(match kind {
            0x00..=0x7f => Value::Int(i64::from(kind)),
            0x80..=0x8f => return self.map(usize::from(kind & 0x0f), depth),
            0x90..=0x9f => return self.list(usize::from(kind & 0x0f), depth),
            0xa0..=0xbf => Value::Bytes(self.take(usize::from(kind & 0x1f))?),
            0xc0 => Value::Nil,
            0xc1 => return Err(Failed::Malformed),
            0xc2 | 0xc3 => Value::Bool(kind == 0xc3),
            0xc4 | 0xd9 => self.sized(1)?,
            0xc5 | 0xda => self.sized(2)?,
            0xc6 | 0xdb => self.sized(4)?,
            0xc7 => self.ext_sized(1)?,
            0xc8 => self.ext_sized(2)?,
            0xc9 => self.ext_sized(4)?,
            0xca => Value::Float(f64::from(f32::from_bits(u32::try_from(self.number(4)?).map_err(|_| Failed::Malformed)?))),
            0xcb => Value::Float(f64::from_bits(self.number(8)?)),
            0xcc..=0xcf => {
                let number = self.number(1 << (kind - 0xcc))?;
                i64::try_from(number).map_or(Value::Uint(number), Value::Int)
            }
            0xd0 => Value::Int(i64::from(self.number(1)? as u8 as i8)),
            0xd1 => Value::Int(i64::from(self.number(2)? as u16 as i16)),
            0xd2 => Value::Int(i64::from(self.number(4)? as u32 as i32)),
            0xd3 => Value::Int(self.number(8)? as i64),
            0xd4..=0xd8 => self.ext(1 << (kind - 0xd4))?,
            0xdc => {
                let len = self.len(2)?;
                return self.list(len, depth);
            }
            0xdd => {
                let len = self.len(4)?;
                return self.list(len, depth);
            }
            0xde => {
                let len = self.len(2)?;
                return self.map(len, depth);
            }
            0xdf => {
                let len = self.len(4)?;
                return self.map(len, depth);
            }
            0xe0..=0xff => Value::Int(i64::from(kind as i8)),
        })
    }

    fn take(&mut self, len: usize) -> Result<&'b [u8], Failed> {
        let end = self.at.checked_add(len).ok_or(Failed::Malformed)?;
        let taken = self.bytes.get(self.at..end).ok_or(Failed::Incomplete)?;
        self.at = end;
        Ok(taken)
    }

    fn number(&mut self, len: usize) -> Result<u64, Failed> {
        Ok(self.take(len)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn len(&mut self, digits: usize) -> Result<usize, Failed> {
        usize::try_from(self.number(digits)?).map_err(|_| Failed::Malformed)
    }

    fn sized(&mut self, digits: usize) -> Result<Value<'b>, Failed> {
        let len = self.len(digits)?;
        Ok(Value::Bytes(self.take(len)?))
    }

    fn ext_sized(&mut self, digits: usize) -> Result<Value<'b>, Failed> {
        let len = self.len(digits)?;
        self.ext(len)
    }

    fn ext(&mut self, len: usize) -> Result<Value<'b>, Failed> {
        let kind = self.take(1)?[0] as i8;
        Ok(Value::Ext(kind, self.take(len)?))
    }

    /// What is announced is not trusted: memory grows with the bytes that are there.
    fn list(&mut self, len: usize, depth: usize) -> Result<Value<'b>, Failed> {
        let mut items = Vec::with_capacity(len.min(64));
        for _ in 0..len {
            items.push(self.nested(depth + 1)?);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, len: usize, depth: usize) -> Result<Value<'b>, Failed> {
        let mut pairs = Vec::with_capacity(len.min(64));
        for _ in 0..len {
            let key = self.nested(depth + 1)?;
            // Nobody names a field so, and as text within text it would double with each level.
            if matches!(key, Value::List(_) | Value::Map(_)) {
                return Err(Failed::Malformed);
            }
            pairs.push((key, self.nested(depth + 1)?));
        }
        Ok(Value::Map(pairs))
    }
}

/// Finds the end of a value of which more and more bytes come, looking at each only once.
#[derive(Debug, Clone, Copy)]
pub struct Scan {
    /// Where the next value begins, which may be behind what came so far.
    at: usize,
    /// Values that must still come.
    values: u64,
}

impl Scan {
    /// At the beginning of a value.
    pub const FIRST: Self = Self { at: 0, values: 1 };

    /// How many bytes the value at the beginning of `bytes` takes; `None` if they are not all there. They must be those of
    /// the call before, with more behind them.
    ///
    /// # Errors
    /// They are no value.
    pub fn whole(&mut self, bytes: &[u8]) -> Result<Option<usize>, Failed> {
        while self.values > 0 {
            let mut reader = Reader::from(bytes, self.at);
            let (inside, after) = match reader.head() {
                Ok(head) => head,
                Err(Failed::Incomplete) => return Ok(None),
                Err(Failed::Malformed) => return Err(Failed::Malformed),
            };
            self.at = reader.at.checked_add(after).ok_or(Failed::Malformed)?;
            self.values = self.values - 1 + inside;
        }
        Ok((self.at <= bytes.len()).then_some(self.at))
    }

    /// The least number of bytes that the value takes, as far as it is known.
    pub const fn at_least(&self) -> u64 {
        self.at as u64 + self.values
    }
}

impl Reader<'_> {
    /// The head of a value: how many values are inside, and how many bytes follow it that are none.
    fn head(&mut self) -> Result<(u64, usize), Failed> {
        let kind = self.take(1)?[0];
        Ok(match kind {
            0x80..=0x8f => (u64::from(kind & 0x0f) * 2, 0),
            0x90..=0x9f => (u64::from(kind & 0x0f), 0),
            0xa0..=0xbf => (0, usize::from(kind & 0x1f)),
            0xc1 => return Err(Failed::Malformed),
            0xc4 | 0xd9 => (0, self.len(1)?),
            0xc5 | 0xda => (0, self.len(2)?),
            0xc6 | 0xdb => (0, self.len(4)?),
            0xc7 => (0, self.len(1)? + 1),
            0xc8 => (0, self.len(2)? + 1),
            0xc9 => (0, self.len(4)?.saturating_add(1)),
            0xca | 0xce | 0xd2 => (0, 4),
            0xcb | 0xcf | 0xd3 => (0, 8),
            0xcc | 0xd0 => (0, 1),
            0xcd | 0xd1 => (0, 2),
            0xd4..=0xd8 => (0, (1 << (kind - 0xd4)) + 1),
            0xdc => (self.number(2)?, 0),
            0xdd => (self.number(4)?, 0),
            0xde => (self.number(2)? * 2, 0),
            0xdf => (self.number(4)? * 2, 0),
            0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => (0, 0),
        })
    }
}

impl Value<'_> {
    /// The value of a key, where this is a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(pairs) => pairs.iter().find(|(found, _)| *found == Value::Bytes(key.as_bytes())).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value as JSON; bytes that are no UTF-8 with replacements.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Nil => Json::Null,
            Self::Bool(truth) => Json::Bool(*truth),
            Self::Int(number) => Json::from(*number),
            Self::Uint(number) => Json::from(*number),
            Self::Float(number) => Json::from(*number),
            Self::Bytes(bytes) => Json::String(String::from_utf8_lossy(bytes).into_owned()),
            Self::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Self::Map(pairs) => Json::Object(pairs.iter().map(|(key, value)| (key.to_text(), value.to_json())).collect()),
            Self::Ext(..) => Json::Null,
        }
    }

    /// The value as text: as it is where it is text, otherwise as JSON.
    pub fn to_text(&self) -> String {
        match self {
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => other.to_json().to_string(),
        }
    }
}

/// Writes text.
pub fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    match text.len() {
        len @ 0..=31 => out.push(0xa0 | len as u8),
        len @ 32..=255 => out.extend([0xd9, len as u8]),
        len => {
            let len = len.min(65_535);
            out.push(0xda);
            out.extend((len as u16).to_be_bytes());
            return out.extend(&text[..len]);
        }
    }
    out.extend(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read() {
        for (bytes, value) in [
            (&[0x07][..], Value::Int(7)),
            (&[0xff], Value::Int(-1)),
            (&[0xc0], Value::Nil),
            (&[0xc3], Value::Bool(true)),
            (&[0xcc, 200], Value::Int(200)),
            (&[0xcd, 1, 0], Value::Int(256)),
            (&[0xcf, 255, 255, 255, 255, 255, 255, 255, 255], Value::Uint(u64::MAX)),
            (&[0xd0, 0x80], Value::Int(-128)),
            (&[0xd1, 0xff, 0xfe], Value::Int(-2)),
            (&[0xd2, 0xff, 0xff, 0xff, 0xfe], Value::Int(-2)),
            (&[0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], Value::Int(-2)),
            (&[0xca, 0x3f, 0x80, 0, 0], Value::Float(1.0)),
            (&[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], Value::Float(1.5)),
            (&[0xa2, b'h', b'i'], Value::Bytes(b"hi")),
            (&[0xd9, 1, b'x'], Value::Bytes(b"x")),
            (&[0xc4, 1, 0xff], Value::Bytes(&[0xff])),
            (&[0xda, 0, 1, b'x'], Value::Bytes(b"x")),
            (&[0xdb, 0, 0, 0, 1, b'x'], Value::Bytes(b"x")),
            (&[0x92, 1, 2], Value::List(vec![Value::Int(1), Value::Int(2)])),
            (&[0xdc, 0, 1, 1], Value::List(vec![Value::Int(1)])),
            (&[0x81, 0xa1, b'k', 1], Value::Map(vec![(Value::Bytes(b"k"), Value::Int(1))])),
            (&[0xde, 0, 0], Value::Map(Vec::new())),
            (&[0xd7, 0, 0, 0, 0, 1, 0, 0, 0, 2], Value::Ext(0, &[0, 0, 0, 1, 0, 0, 0, 2])),
            (&[0xc7, 1, 5, 9], Value::Ext(5, &[9])),
        ] {
            let mut reader = Reader::new(bytes);
            assert_eq!(reader.value(), Ok(value), "{bytes:x?}");
            assert!(reader.is_empty());
            let mut scan = Scan::FIRST;
            for cut in 0..bytes.len() {
                assert_eq!(Reader::new(&bytes[..cut]).value(), Err(Failed::Incomplete), "{bytes:x?} cut at {cut}");
                assert_eq!(scan.whole(&bytes[..cut]), Ok(None), "{bytes:x?} cut at {cut}");
            }
            assert_eq!(scan.whole(bytes), Ok(Some(bytes.len())), "{bytes:x?}");
        }
        assert_eq!(Reader::new(&[0xc1]).value(), Err(Failed::Malformed));
        assert_eq!(Reader::new(&[0x91; 100]).value(), Err(Failed::Malformed), "too deep");
        let keys = [&[0x81; 30][..], &[0x01; 31]].concat();
        assert_eq!(Reader::new(&keys).value(), Err(Failed::Malformed), "maps as keys of maps, of which texts would be made");
        assert_eq!(Reader::new(&[0x81, 0x90, 0x01]).value(), Err(Failed::Malformed), "a list as a key");
        assert_eq!(Reader::new(&[0xdd, 255, 255, 255, 255]).value(), Err(Failed::Incomplete), "no memory for what is announced");
        let many = [&[0xdd, 0, 2, 0, 0][..], &[0; 0x2_0000]].concat();
        assert_eq!(Reader::new(&many).value(), Err(Failed::Malformed), "too many values");
        assert_eq!(Reader::new(&many).list_len(), Ok(Some(0x2_0000)));
        let mut scan = Scan::FIRST;
        assert_eq!(scan.whole(&many), Ok(Some(many.len())));
        assert_eq!(Reader::new(&[0x07]).list_len(), Ok(None));
        let mut out = Vec::new();
        put_text(&mut out, &[b'x'; 300]);
        assert_eq!(Reader::new(&out).value(), Ok(Value::Bytes(&[b'x'; 300])));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let mut reader = Reader::new(&bytes);
            let (value, mut scan) = (reader.value(), Scan::FIRST);
            if let Ok(value) = &value {
                let _text = value.to_text();
                proptest::prop_assert_eq!(scan.whole(&bytes), Ok(Some(reader.position())));
            }
            if value == Err(Failed::Incomplete) {
                proptest::prop_assert_eq!(scan.whole(&bytes), Ok(None));
            }
        }
    }
}
