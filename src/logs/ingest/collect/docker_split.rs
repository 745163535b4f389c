//! From what Docker's API sends of a log to lines: both streams told apart, each piece's time taken off, pieces joined.
//!
//! Docker cuts what a program writes after 16 KiB and puts the time of the whole line before every piece. A program's last
//! words may end without a line break; what another run writes after them is another line, with another time.

use std::collections::VecDeque;

use chrono::DateTime;

/// Longest piece of a stream that is announced at once.
const FRAME_BYTES_MAX: usize = 16 << 20;
/// Bytes of a joined line, beyond which it is let go and the rest of it is a line of its own.
const LINE_BYTES_MAX: usize = 192 << 10;
/// Pieces of lines have whole multiples of this many bytes: 16 KiB of Docker's, 8 KiB of Podman's.
const PIECE_BYTES: usize = 8 << 10;
/// Pieces that a terminal's log is cut into.
const TTY_PIECE_BYTES: usize = 16 << 10;
/// Bytes of a time as Docker writes it, always with nine digits.
const TIME_BYTES: std::ops::RangeInclusive<usize> = 20..=35;

/// A line of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContainerLine {
    /// 0 for what it wrote to its output, 1 for its errors.
    pub(super) stream: usize,
    /// Nanoseconds since the Unix epoch.
    pub(super) ts: Option<i64>,
    pub(super) text: String,
}

/// Lines of both streams, from frames with eight bytes before each, or bare ones of a terminal.
pub(super) struct Splitter {
    is_tty: bool,
    bytes: Vec<u8>,
    /// Bytes left of a terminal's piece; before the next one stands a time.
    left: usize,
    /// Beginnings of lines, of both streams.
    open: [Open; 2],
    ready: VecDeque<ContainerLine>,
}

/// The beginning of a line.
#[derive(Default)]
struct Open {
    bytes: Vec<u8>,
    ts: Option<i64>,
    /// How many bytes of the line were let go before: what comes next belongs to it.
    let_go: usize,
}

impl Open {
    const fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.let_go == 0
    }

    /// Whether a piece with this time goes on with the line.
    fn goes_on_with(&self, ts: i64) -> bool {
        let len = self.let_go + self.bytes.len();
        self.ts == Some(ts) || (len > 0 && len.is_multiple_of(PIECE_BYTES))
    }
}

impl Splitter {
    pub(super) fn new(is_tty: bool) -> Self {
        Self { is_tty, bytes: Vec::new(), left: 0, open: Default::default(), ready: VecDeque::new() }
    }

    /// Takes bytes in.
    ///
    /// # Errors
    /// A sentence, if they are no stream of Docker's.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), String> {
        if self.is_tty {
            self.bare(piece);
            return Ok(());
        }
        self.bytes.extend_from_slice(piece);
        let bytes = std::mem::take(&mut self.bytes);
        let mut at = 0;
        while let Some(head) = bytes.get(at..at + 8) {
            let stream = match head[0] {
                0 | 1 => 0,
                2 => 1,
                other => return Err(format!("Docker's stream has the kind {other}, which is none")),
            };
            let len = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
            if len > FRAME_BYTES_MAX {
                return Err(format!("Docker announces {len} bytes at once"));
            }
            let Some(text) = bytes.get(at + 8..at + 8 + len) else { break };
            at += 8 + len;
            self.piece(stream, text);
        }
        self.bytes = bytes;
        self.bytes.drain(..at);
        Ok(())
    }

    /// The log has come to its end: what stands there without a line break is a line too.
    pub(super) fn end(&mut self) {
        if self.is_tty {
            let rest = std::mem::take(&mut self.bytes);
            self.piece(0, &rest);
        }
        for stream in 0..2 {
            self.close(stream);
        }
    }

    pub(super) fn next_line(&mut self) -> Option<ContainerLine> {
        self.ready.pop_front()
    }

    /// A piece with its time before it, or a whole line or more.
    fn piece(&mut self, stream: usize, piece: &[u8]) {
        for text in piece.split_inclusive(|byte| *byte == b'\n') {
            let (ts, text) = timed(text).map_or((None, text), |(ts, rest)| (Some(ts), rest));
            self.begin(stream, ts);
            self.add(stream, text);
        }
    }

    /// Text of a terminal, whose pieces have nothing between them but their times.
    fn bare(&mut self, new: &[u8]) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.extend_from_slice(new);
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            if self.left == 0 {
                if rest.len() <= *TIME_BYTES.end() && !rest.contains(&b'\n') {
                    break;
                }
                let (ts, text) = timed(rest).map_or((None, rest), |(ts, text)| (Some(ts), text));
                at += rest.len() - text.len();
                self.begin(0, ts);
                self.left = TTY_PIECE_BYTES;
                continue;
            }
            let most = rest.len().min(self.left);
            let end = memchr::memchr(b'\n', &rest[..most]);
            let taken = end.map_or(most, |end| end + 1);
            at += taken;
            self.left = if end.is_some() { 0 } else { self.left - taken };
            self.add(0, &rest[..taken]);
        }
        bytes.drain(..at);
        self.bytes = bytes;
    }

    /// A piece with this time begins: it goes on with the line that is open, or that one has come to its end.
    fn begin(&mut self, stream: usize, ts: Option<i64>) {
        if let Some(ts) = ts
            && !self.open[stream].is_empty()
            && !self.open[stream].goes_on_with(ts)
        {
            self.close(stream);
        }
        let open = &mut self.open[stream];
        if open.is_empty() {
            open.ts = ts;
        }
    }

    /// Adds text to a line, and lets it go if it is whole or too long.
    fn add(&mut self, stream: usize, text: &[u8]) {
        let open = &mut self.open[stream];
        open.bytes.extend_from_slice(text);
        if open.bytes.last() == Some(&b'\n') {
            self.close(stream);
        } else if open.bytes.len() >= LINE_BYTES_MAX {
            let let_go = open.let_go + open.bytes.len();
            let ts = open.ts.map(|ts| ts.saturating_add(1));
            self.close(stream);
            // The rest comes a nanosecond later, so that it is not taken for a repetition.
            self.open[stream] = Open { bytes: Vec::new(), ts, let_go };
        }
    }

    fn close(&mut self, stream: usize) {
        let Open { mut bytes, ts, .. } = std::mem::take(&mut self.open[stream]);
        for end in [b'\n', b'\r'] {
            if bytes.last() == Some(&end) {
                bytes.pop();
            }
        }
        // An empty line says nothing.
        if !bytes.is_empty() {
            self.ready.push_back(ContainerLine { stream, ts, text: String::from_utf8_lossy(&bytes).into_owned() });
        }
    }
}

/// The time before a text, and the text.
fn timed(text: &[u8]) -> Option<(i64, &[u8])> {
    let end = text.iter().take(TIME_BYTES.end() + 1).position(|byte| *byte == b' ').filter(|end| TIME_BYTES.contains(end))?;
    let time = DateTime::parse_from_rfc3339(std::str::from_utf8(&text[..end]).ok()?).ok()?;
    Some((time.timestamp_nanos_opt()?, &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "2024-05-06T07:08:09.100000000Z";

    fn frame(kind: u8, text: &str) -> Vec<u8> {
        let mut frame = vec![kind, 0, 0, 0];
        frame.extend((text.len() as u32).to_be_bytes());
        frame.extend(text.as_bytes());
        frame
    }

    fn ts(tenths: i64) -> Option<i64> {
        Some(1_714_979_289_000_000_000 + tenths * 100_000_000)
    }

    fn lines(is_tty: bool, bytes: &[u8], chunk: usize) -> Vec<(usize, Option<i64>, String)> {
        let mut splitter = Splitter::new(is_tty);
        for piece in bytes.chunks(chunk) {
            splitter.push(piece).unwrap();
        }
        splitter.end();
        std::iter::from_fn(|| splitter.next_line()).map(|line| (line.stream, line.ts, line.text)).collect()
    }

    #[test]
    fn frames_of_both_streams_are_split() {
        let mut bytes = frame(1, "2024-05-06T07:08:09.1Z one\r\n");
        bytes.extend(frame(1, "2024-05-06T07:08:09.2Z tw"));
        bytes.extend(frame(2, "2024-05-06T07:08:09.3Z err\n"));
        bytes.extend(frame(1, "o\n"));
        bytes.extend(frame(1, "no time\n"));
        bytes.extend(frame(2, "2024-05-06T07:08:09.4Z last words"));
        let expected = [(0, ts(1), "one"), (1, ts(3), "err"), (0, ts(2), "two"), (0, None, "no time"), (1, ts(4), "last words")];
        assert_eq!(lines(false, &bytes, 5), expected.map(|(stream, ts, text)| (stream, ts, text.to_owned())));
        assert!(Splitter::new(false).push(&[9, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn pieces_of_long_lines_are_joined_without_their_times() {
        let (a, b, c) = ("a".repeat(16 << 10), "b".repeat(16 << 10), "2024-05-06T07:08:09Z is text");
        let pieces = [format!("{TIME} {a}"), format!("{TIME} {b}"), format!("{TIME} {c}\n"), format!("{TIME} next\n")];
        let framed: Vec<u8> = pieces.iter().flat_map(|piece| frame(1, piece)).collect();
        let expected = [(0, ts(1), format!("{a}{b}{c}")), (0, ts(1), "next".to_owned())];
        assert_eq!(lines(false, &framed, 999), expected);
        let bare = pieces.concat().replace('\n', "\r\n");
        for chunk in [7, 999, 70_000] {
            assert_eq!(lines(true, bare.as_bytes(), chunk), expected);
        }
        // Podman's pieces have times of their own.
        let other = [format!("{TIME} {}", &a[..8192]), format!("2024-05-06T07:08:09.2Z {b}"), "2024-05-06T07:08:09.3Z c\n".to_owned()];
        let framed: Vec<u8> = other.iter().flat_map(|piece| frame(2, piece)).collect();
        assert_eq!(lines(false, &framed, 4096), [(1, ts(1), format!("{}{b}c", &a[..8192]))]);
    }

    #[test]
    fn another_run_does_not_go_on_with_the_last_words_of_the_one_before() {
        let bytes = [frame(1, &format!("{TIME} killed in the mid")), frame(1, "2024-05-06T07:08:09.2Z begun again\n")].concat();
        assert_eq!(lines(false, &bytes, 64), [(0, ts(1), "killed in the mid".to_owned()), (0, ts(2), "begun again".to_owned())]);
    }

    #[test]
    fn lines_beyond_the_limit_come_in_pieces_and_nothing_is_lost() {
        let piece = "x".repeat(16 << 10);
        let mut framed: Vec<u8> = (0..20).flat_map(|_| frame(1, &format!("{TIME} {piece}"))).collect();
        framed.extend(frame(1, &format!("{TIME} end\n")));
        let mut bare = format!("{TIME} {piece}").repeat(20).into_bytes();
        bare.extend(format!("{TIME} end\r\n").bytes());
        for found in [lines(false, &framed, 5000), lines(true, &bare, 5000)] {
            assert!(found.len() >= 2 && found.iter().all(|(_, _, text)| text.len() <= 256 << 10), "{}", found.len());
            let times: std::collections::BTreeSet<_> = found.iter().map(|(_, ts, _)| *ts).collect();
            assert_eq!(times.len(), found.len(), "no piece is taken for a repetition");
            assert_eq!(found[0].2.as_bytes(), &piece.repeat(20).as_bytes()[..found[0].2.len()]);
        }
        let joined: String = lines(false, &framed, 5000).into_iter().map(|(_, _, text)| text).collect();
        assert_eq!(joined, format!("{}end", piece.repeat(20)));
    }
}
