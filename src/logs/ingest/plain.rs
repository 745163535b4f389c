//! Plain text, one line after the other: `POST /api/v1/logs` with text.

use super::gather::{Gather, TooMuch};
use super::receive::Receiver;

/// Labels of lines that come without any.
pub const LABELS: &str = "{source=\"http\"}";

/// Reads lines; empty ones are left out. Each gets the time at which it came. Tells nothing of the bytes in them: a line
/// need not be UTF-8.
pub fn decode(body: &[u8], labels: &str, receiver: &Receiver, gather: &mut Gather) -> Result<(), TooMuch> {
    let lines = || body.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).filter(|line| !line.is_empty());
    if !gather.begin_text(labels.as_bytes(), lines().count(), &receiver.streams, &receiver.limits)? {
        return Ok(());
    }
    lines().try_for_each(|line| gather.line(receiver.next_ns(), line, &receiver.limits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::ingest::limits::LineLimits;
    use crate::logs::ingest::receive::Door;
    use crate::logs::ingest::receive::tests::receiver;

    #[test]
    fn lines_are_lines() {
        let (receiver, kept, _clock) = receiver(LineLimits::default());
        let mut gather = receiver.gather();
        decode(b"one\r\n\nsame\nsame\nlast \xff", LABELS, &receiver, &mut gather).unwrap();
        assert_eq!(receiver.take(Door::Plain, gather).unwrap().lines, 4);
        let texts: Vec<String> = kept.lines.lock().iter().map(|(_, _, text, _)| text.clone()).collect();
        assert_eq!(texts, ["one", "same", "same", "last \u{fffd}"]);
        let times: Vec<i64> = kept.lines.lock().iter().map(|(_, ts, ..)| *ts).collect();
        assert!(times.windows(2).all(|two| two[0] < two[1]), "no two lines of one text have one time");
        let mut gather = receiver.gather();
        decode(b"one\ntwo", "{", &receiver, &mut gather).unwrap();
        let taken = receiver.take(Door::Plain, gather).unwrap();
        assert!(taken.refused.unwrap().starts_with("2 errors like: Error parsing labels '{'"));
    }
}
