//! Messages in a stream of bytes: with their length before them or a line break behind them, told apart for each (RFC 6587).

/// Digits of a length.
const DIGITS_MAX: usize = 9;

/// Bytes of a connection, of which messages are taken.
#[derive(Debug)]
pub struct Framer {
    bytes: Vec<u8>,
    /// Where the next message begins.
    at: usize,
    /// Up to where no line break was found.
    searched: usize,
    message_max: usize,
    skip: Skip,
}

/// What is left out of a message that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skip {
    Nothing,
    Bytes(usize),
    Line,
}

impl Framer {
    /// Messages beyond `message_max` bytes are cut there.
    pub const fn new(message_max: usize) -> Self {
        Self { bytes: Vec::new(), at: 0, searched: 0, message_max, skip: Skip::Nothing }
    }

    /// Takes bytes in.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.at);
        self.searched -= self.at.min(self.searched);
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message.
    pub fn next_message(&mut self) -> Option<&[u8]> {
        self.drop_skipped();
        let rest = self.bytes.get(self.at..)?;
        let blank = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r' | 0)).count();
        self.at += blank;
        let rest = &self.bytes[self.at..];
        if rest.is_empty() || self.skip != Skip::Nothing {
            return None;
        }
        match length(rest) {
            Length::More => return None,
            Length::Counted { digits, bytes } => return self.counted(digits, bytes),
            Length::None => {}
        }
        let start = self.at;
        let from = self.searched.max(start);
        let end = memchr::memchr2(b'\n', 0, &self.bytes[from..]).map(|end| from + end);
        match end {
            Some(end) if end - start <= self.message_max => {
                self.at = end + 1;
                self.searched = self.at;
                Some(&self.bytes[start..end])
            }
            // Longer than is allowed: its beginning counts.
            _ if self.bytes.len() - start > self.message_max => {
                self.at = start + self.message_max;
                self.searched = self.at;
                self.skip = Skip::Line;
                Some(&self.bytes[start..start + self.message_max])
            }
            _ => {
                self.searched = self.bytes.len();
                None
            }
        }
    }

    /// The last message of a connection that ends without a line break.
    pub fn last_message(&mut self) -> Option<&[u8]> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty() && self.skip == Skip::Nothing)?;
        let start = match length(rest) {
            Length::Counted { digits, .. } => digits + 1,
            _ => 0,
        };
        self.at = self.bytes.len();
        rest_of(rest, start, self.message_max)
    }

    fn counted(&mut self, digits: usize, bytes: usize) -> Option<&[u8]> {
        let start = self.at + digits + 1;
        let taken = bytes.min(self.message_max);
        if self.bytes.len() < start + taken {
            return None;
        }
        self.at = start + taken;
        self.searched = self.at;
        self.skip = Skip::Bytes(bytes - taken);
        self.drop_skipped();
        Some(&self.bytes[start..start + taken])
    }

    fn drop_skipped(&mut self) {
        let have = self.bytes.len() - self.at;
        match self.skip {
            Skip::Nothing => {}
            Skip::Bytes(left) => {
                let now = left.min(have);
                self.at += now;
                self.skip = if left > now { Skip::Bytes(left - now) } else { Skip::Nothing };
            }
            Skip::Line => match memchr::memchr2(b'\n', 0, &self.bytes[self.at..]) {
                Some(end) => {
                    self.at += end + 1;
                    self.skip = Skip::Nothing;
                }
                None => self.at = self.bytes.len(),
            },
        }
        self.searched = self.searched.max(self.at);
    }
}

fn rest_of(rest: &[u8], start: usize, max: usize) -> Option<&[u8]> {
    rest.get(start..).map(|rest| &rest[..rest.len().min(max)]).filter(|rest| !rest.is_empty())
}

enum Length {
    /// Too few bytes to tell.
    More,
    Counted {
        digits: usize,
        bytes: usize,
    },
    None,
}

/// `123 <34>1 ...`: a number that does not begin with 0, a blank.
fn length(bytes: &[u8]) -> Length {
    let digits = bytes.iter().take(DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > DIGITS_MAX || bytes[0] == b'0' {
        return Length::None;
    }
    match bytes.get(digits) {
        None => Length::More,
        // A priority follows; a line that only begins with a number has none.
        Some(b' ') => match bytes.get(digits + 1) {
            None => Length::More,
            Some(b'<') => {
                let number = std::str::from_utf8(&bytes[..digits]).ok().and_then(|text| text.parse().ok());
                number.map_or(Length::None, |bytes| Length::Counted { digits, bytes })
            }
            Some(_) => Length::None,
        },
        Some(_) => Length::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pieces: &[&[u8]], max: usize) -> Vec<String> {
        let mut framer = Framer::new(max);
        let mut found = Vec::new();
        for piece in pieces {
            framer.push(piece);
            while let Some(message) = framer.next_message() {
                found.push(String::from_utf8_lossy(message).into_owned());
            }
        }
        found.extend(framer.last_message().map(|message| format!("last {}", String::from_utf8_lossy(message))));
        found
    }

    #[test]
    fn both_framings_are_told_apart() {
        for (bytes, messages) in [
            (&b"<1>a\n<2>b\r\n\n<3>c\0"[..], &["<1>a", "<2>b\r", "<3>c"][..]),
            (b"4 <1>a5 <2>bc<3>d\n4 <4>e", &["<1>a", "<2>bc", "<3>d", "<4>e"]),
            (b"6 <1>a\nb\n4 <2>c", &["<1>a\nb", "<2>c"]),
            (b"2024 was a year\n", &["2024 was a year"]),
            (b"<1>unfinished", &["last <1>unfinished"]),
            (b"20 <1>cut off", &["last <1>cut off"]),
            (b"0 <1>a\n", &["0 <1>a"]),
            (b"9999999999 <1>a\n", &["9999999999 <1>a"]),
            (b"<1>0123456789abcdefgh\n<2>b\n", &["<1>0123456789abc", "<2>b"]),
            (b"21 <1>0123456789abcdefgh4 <2>b", &["<1>0123456789abc", "<2>b"]),
            (b"\n\n\n", &[]),
        ] {
            assert_eq!(all(&[bytes], 16), messages, "{:?}", String::from_utf8_lossy(bytes));
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(all(&single, 16), messages, "byte by byte {:?}", String::from_utf8_lossy(bytes));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_in_any_pieces_give_the_same(bytes in "[0-9 <>\\na-c]{0,60}", piece in 1_usize..7) {
            let whole: Vec<&[u8]> = vec![bytes.as_bytes()];
            let pieces: Vec<&[u8]> = bytes.as_bytes().chunks(piece).collect();
            proptest::prop_assert_eq!(all(&whole, 10), all(&pieces, 10));
        }
    }
}
