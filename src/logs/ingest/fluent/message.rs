//! Messages of the forward protocol, read event by event: Message, Forward, PackedForward, CompressedPackedForward.
//!
//! A message is whole when it comes here, but what is packed into it is not unpacked at once: a few bytes of it may stand for
//! very many.

use std::io::{Cursor, Read};

use flate2::read::MultiGzDecoder;

use super::event;
use super::msgpack::{Failed, Reader, Scan, Value};
use crate::logs::ingest::stage::Entry;

/// Most bytes that one message may unpack to.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;
/// Largest event of those that are unpacked.
const EVENT_BYTES_MAX: usize = 4 << 20;
/// Bytes that are unpacked at once.
const PIECE: usize = 64 << 10;
/// Memory that unpacking may take for looking back, as a power of two.
const WINDOW_LOG_MAX: u32 = 23;

/// A message on its way into lines.
pub struct Message {
    /// Of all its events.
    tag: String,
    /// What the sender wants back, once the events are stored.
    pub chunk: Option<Vec<u8>>,
    events: Events,
}

/// What is left of a message's events.
enum Events {
    /// One, whose time is there.
    One(Vec<u8>, usize),
    /// So many in a row, of which the next is there.
    Row(Vec<u8>, usize, usize),
    /// Those up to an end, of which the next is there.
    Packed(Vec<u8>, usize, usize),
    Unpacked(Box<Unpacking>),
    None,
}

/// Some events.
#[derive(Debug, Default, PartialEq)]
pub struct Piece {
    pub entries: Vec<Entry>,
    /// Events that could not be read.
    pub malformed: u64,
    /// What is wrong with the last of them.
    pub why: &'static str,
    /// Whether there are no more.
    pub is_last: bool,
}

impl Message {
    /// Reads the head of a whole message.
    ///
    /// # Errors
    /// A word about what is wrong; the connection is of no use any more.
    pub fn open(bytes: Vec<u8>) -> Result<Self, &'static str> {
        const BROKEN: &str = "a message is broken";
        let broken = |_: Failed| BROKEN;
        let mut reader = Reader::new(&bytes);
        if bytes == [0xc0] {
            // To keep the connection.
            return Ok(Self { tag: String::new(), chunk: None, events: Events::None });
        }
        let Some(parts) = reader.list_len().map_err(broken)? else { return Err("a message is a list") };
        let tag = if parts > 0 { reader.value().map_err(broken)? } else { Value::Nil };
        let Value::Bytes(tag) = tag else { return Err("a message begins with its tag") };
        let tag = String::from_utf8_lossy(tag).into_owned();
        if parts < 2 {
            return Err("a message has events");
        }
        let start = reader.position();
        if let Some(events) = reader.list_len().map_err(broken)? {
            let first = reader.position();
            for _ in 0..events {
                reader.skip().map_err(broken)?;
            }
            let options = option(&mut reader, parts > 2).map_err(broken)?;
            return Ok(Self { tag, chunk: options.chunk, events: Events::Row(bytes, first, events) });
        }
        let packed = match reader.value().map_err(broken)? {
            Value::Bytes(packed) => packed.len(),
            _ if parts < 3 => return Err("a message has a time and a record"),
            _ => {
                reader.skip().map_err(broken)?;
                let options = option(&mut reader, parts > 3).map_err(broken)?;
                return Ok(Self { tag, chunk: options.chunk, events: Events::One(bytes, start) });
            }
        };
        let end = reader.position();
        let Options { chunk, packing } = option(&mut reader, parts > 2).map_err(broken)?;
        let events = match packing {
            Packing::None => Events::Packed(bytes, end - packed, end),
            packing => Events::Unpacked(Box::new(Unpacking::new(packing, bytes, end - packed, packed))),
        };
        Ok(Self { tag, chunk, events })
    }

    /// Its tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Whether its events must be unpacked, which takes its time.
    pub(super) const fn is_packed(&self) -> bool {
        matches!(self.events, Events::Unpacked(_))
    }

    /// The next events: so many at most, and no more once their text has so many bytes.
    pub fn next(&mut self, events_max: usize, bytes_max: usize) -> Piece {
        let (mut piece, mut bytes) = (Piece::default(), 0);
        while piece.entries.len() < events_max && bytes < bytes_max {
            match self.event() {
                Ok(Some(entry)) => {
                    bytes += entry.text.len();
                    piece.entries.push(entry);
                }
                Ok(None) => {
                    self.events = Events::None;
                    piece.is_last = true;
                    break;
                }
                Err(why) => {
                    piece.malformed += 1;
                    piece.why = why;
                }
            }
        }
        piece
    }

    fn event(&mut self) -> Result<Option<Entry>, &'static str> {
        const NO_EVENT: &str = "an event is a list of a time and a record";
        let event = match &mut self.events {
            Events::None => return Ok(None),
            Events::One(bytes, at) => {
                let mut reader = Reader::from(bytes, *at);
                let read = reader.value().and_then(|time| Ok((time, reader.value()?)));
                let entry = read.ok().and_then(|(time, record)| event::entry(&time, &record, &self.tag));
                self.events = Events::None;
                return entry.map(Some).ok_or(NO_EVENT);
            }
            Events::Row(_, _, 0) => return Ok(None),
            Events::Row(bytes, at, left) => {
                *left -= 1;
                let (event, next) = pair(bytes, *at, &self.tag);
                *at = next;
                event
            }
            Events::Packed(_, at, end) if *at >= *end => return Ok(None),
            Events::Packed(bytes, at, end) => {
                let (event, next) = pair(bytes.get(..*end).unwrap_or_default(), *at, &self.tag);
                *at = next;
                event
            }
            Events::Unpacked(unpacking) => match unpacking.event() {
                Err(why) => {
                    // What follows cannot be told from it.
                    self.events = Events::None;
                    return Err(why);
                }
                Ok(None) => return Ok(None),
                Ok(Some(event)) => pair(event, 0, &self.tag).0,
            },
        };
        event.map(Some).ok_or(NO_EVENT)
    }
}

/// The event that begins at a position, and where the next one does.
fn pair(bytes: &[u8], at: usize, tag: &str) -> (Option<Entry>, usize) {
    let mut reader = Reader::from(bytes, at);
    if let Ok(event) = reader.value() {
        return (event::of_pair(&event, tag), reader.position());
    }
    // Too deep, or of too many values; or there is no telling where the next one begins.
    let mut reader = Reader::from(bytes, at);
    (None, if reader.skip().is_ok() { reader.position() } else { bytes.len() })
}

/// How events are packed.
enum Packing {
    None,
    Gzip,
    Zstd,
}

struct Options {
    chunk: Option<Vec<u8>>,
    packing: Packing,
}

fn option(reader: &mut Reader<'_>, is_there: bool) -> Result<Options, Failed> {
    let value = if is_there { reader.value()? } else { Value::Nil };
    let packing = match value.get("compressed") {
        Some(Value::Bytes(b"gzip")) => Packing::Gzip,
        Some(Value::Bytes(b"zstd")) => Packing::Zstd,
        _ => Packing::None,
    };
    let chunk = match value.get("chunk") {
        Some(Value::Bytes(chunk)) => Some(chunk.to_vec()),
        _ => None,
    };
    Ok(Options { chunk, packing })
}

/// Unpacks events, a few at a time.
struct Unpacking {
    from: Box<dyn Read + Send>,
    window: Vec<u8>,
    /// Where the next event begins in the window.
    at: usize,
    scan: Scan,
    total: u64,
    is_ended: bool,
}

impl Unpacking {
    fn new(packing: Packing, bytes: Vec<u8>, start: usize, len: usize) -> Self {
        let mut packed = Cursor::new(bytes);
        packed.set_position(start as u64);
        let packed = packed.take(len as u64);
        let from: Box<dyn Read + Send> = match packing {
            Packing::None => Box::new(packed),
            Packing::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Packing::Zstd => match zstd_reader(packed) {
                Ok(reader) => Box::new(reader),
                Err(error) => Box::new(Broken(Some(error))),
            },
        };
        Self { from, window: Vec::new(), at: 0, scan: Scan::FIRST, total: 0, is_ended: false }
    }

    /// The bytes of the next event.
    fn event(&mut self) -> Result<Option<&[u8]>, &'static str> {
        loop {
            let rest = self.window.get(self.at..).unwrap_or_default();
            if let Some(len) = self.scan.whole(rest).map_err(|_| "the events are no MessagePack")? {
                let start = self.at;
                self.at += len;
                self.scan = Scan::FIRST;
                return Ok(self.window.get(start..start + len));
            }
            if self.scan.at_least() > EVENT_BYTES_MAX as u64 {
                return Err("an event is larger than 4 MiB");
            }
            if self.is_ended {
                return if rest.is_empty() { Ok(None) } else { Err("the events end within one") };
            }
            self.more()?;
        }
    }

    fn more(&mut self) -> Result<(), &'static str> {
        self.window.drain(..self.at);
        self.at = 0;
        let filled = self.window.len();
        self.window.resize(filled + PIECE, 0);
        let read = self.from.read(self.window.get_mut(filled..).unwrap_or_default());
        self.window.truncate(filled + read.as_ref().map_or(0, |read| *read));
        match read {
            Ok(0) => self.is_ended = true,
            Ok(read) => self.total += read as u64,
            Err(_) => return Err("the events cannot be unpacked"),
        }
        if self.total > UNPACKED_BYTES_MAX { Err("the events unpack to more than 256 MiB") } else { Ok(()) }
    }
}

fn zstd_reader(packed: impl Read + Send + 'static) -> std::io::Result<impl Read + Send> {
    let mut reader = zstd::Decoder::new(packed)?;
    reader.window_log_max(WINDOW_LOG_MAX)?;
    Ok(reader)
}

/// What cannot be unpacked at all.
struct Broken(Option<std::io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::msgpack::put_text;
    use super::*;

    /// `[1714979289, {"log": "x\n"}]` and `[EventTime, {"message": "y", "a.b": 1}]`.
    fn two_events() -> Vec<u8> {
        let mut packed = vec![0x92, 0xce, 0x66, 0x38, 0x81, 0xd9, 0x81, 0xa3, b'l', b'o', b'g', 0xa2, b'x', b'\n'];
        packed.extend([0x92, 0xd7, 0x00, 0x66, 0x38, 0x81, 0xd9, 0, 0, 0, 7, 0x82, 0xa7]);
        packed.extend(b"message");
        packed.extend([0xa1, b'y', 0xa3, b'a', b'.', b'b', 0x01]);
        packed
    }

    /// `["t", bytes, {"chunk": "c1", "compressed": …}]`.
    fn packed_message(events: &[u8], packing: &str) -> Vec<u8> {
        let mut out = vec![0x93, 0xa1, b't', 0xc6];
        out.extend((events.len() as u32).to_be_bytes());
        out.extend(events);
        out.push(if packing.is_empty() { 0x81 } else { 0x82 });
        put_text(&mut out, b"chunk");
        put_text(&mut out, b"c1");
        if !packing.is_empty() {
            put_text(&mut out, b"compressed");
            put_text(&mut out, packing.as_bytes());
        }
        out
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    /// Entries as text, how many were malformed, and why.
    fn all(message: Vec<u8>) -> Result<(Vec<String>, u64, &'static str), &'static str> {
        let mut message = Message::open(message)?;
        let (mut entries, mut malformed, mut why) = (Vec::new(), 0, "");
        loop {
            let piece = message.next(3, 1 << 20);
            entries.extend(piece.entries.iter().map(|e| format!("{:?} {} {} {}", e.ts, e.text, e.labels.build(), e.fields.build())));
            malformed += piece.malformed;
            why = if piece.malformed > 0 { piece.why } else { why };
            if piece.is_last {
                return Ok((entries, malformed, why));
            }
        }
    }

    #[test]
    fn every_mode_is_read() {
        let expected = [
            "Some(1714979289000000000) x {job=\"fluent\", tag=\"t\"} {}",
            "Some(1714979289000000007) y {job=\"fluent\", tag=\"t\"} {a_b=\"1\"}",
        ];
        let events = two_events();
        let forward = [&b"\x93\xa1t\x92"[..], &events, b"\x81\xa5chunk\xa2c1"].concat();
        for message in [
            packed_message(&events, ""),
            packed_message(&gzipped(&events), "gzip"),
            packed_message(&[gzipped(&events[..14]), gzipped(&events[14..])].concat(), "gzip"),
            packed_message(&zstd::encode_all(&events[..], 3).unwrap(), "zstd"),
            forward,
        ] {
            assert_eq!(Message::open(message.clone()).unwrap().chunk.as_deref(), Some(&b"c1"[..]));
            let (entries, malformed, _) = all(message).unwrap();
            assert_eq!((entries.as_slice(), malformed), (&expected.map(str::to_owned)[..], 0));
        }
        let docker = b"\x94\xa1d\x01\x84\xa3log\xa2hi\xaecontainer_name\xa4/web\xa6source\xa6stderr\xaccontainer_id\xa3abc\x80";
        assert_eq!(
            all(docker.to_vec()).unwrap().0,
            ["Some(1000000000) hi {container=\"web\", job=\"fluent\", stream=\"stderr\", tag=\"d\"} {container_id=\"abc\"}"]
        );
        // [[2, {}], {"status": 5, "log": 1}], [2], [true, {"log": "x"}]
        let odd = b"\x92\xa1f\x93\x92\x92\x02\x80\x82\xa6status\x05\xa3log\x01\x91\x02\x92\xc3\x81\xa3log\xa1x";
        let (entries, malformed, why) = all(odd.to_vec()).unwrap();
        assert_eq!(entries, ["Some(2000000000) {\"log\":1,\"status\":5} {job=\"fluent\", tag=\"f\"} {}"]);
        assert_eq!((malformed, why), (2, "an event is a list of a time and a record"));
        for bad in [&b"\x90"[..], b"\x91\xa1t", b"\x92\xa1t\x01", b"\x92\x01\x90", b"\x07"] {
            assert!(Message::open(bad.to_vec()).is_err());
        }
        assert!(all(vec![0xc0]).unwrap().0.is_empty());
    }

    #[test]
    fn what_is_packed_badly_costs_only_itself() {
        let events = two_events();
        let cut = gzipped(&events);
        for (message, count, part) in [
            (packed_message(&cut[..cut.len() - 9], "gzip"), 2, "cannot be unpacked"),
            (packed_message(b"nonsense", "gzip"), 0, "cannot be unpacked"),
            (packed_message(b"nonsense", "zstd"), 0, "cannot be unpacked"),
            (packed_message(&gzipped(&events[..events.len() - 1]), "gzip"), 1, "end within one"),
            (packed_message(&gzipped(&[&events[..], &b"\xc1"[..]].concat()), "gzip"), 2, "no MessagePack"),
            (packed_message(&gzipped(b"\xdb\xff\xff\xff\xff"), "gzip"), 0, "larger than 4 MiB"),
            (packed_message(&events[..events.len() - 1], ""), 1, "a list of a time and a record"),
        ] {
            let (entries, malformed, why) = all(message).unwrap();
            assert!(entries.len() <= count && malformed == 1 && why.contains(part), "{entries:?} {malformed} {why}");
        }
    }

    #[test]
    fn a_few_bytes_do_not_become_many_at_once() {
        // A million events `[0, {"log": "x"}]` come in some ten kilobytes.
        let event = b"\x92\x00\x81\xa3log\xa1x";
        let packed = gzipped(&event.repeat(1_000_000));
        let mut message = Message::open(packed_message(&packed, "gzip")).unwrap();
        let mut events = 0;
        loop {
            let piece = message.next(1_000, 1 << 20);
            assert!(piece.entries.len() <= 1_000 && piece.malformed == 0);
            if let Events::Unpacked(unpacking) = &message.events {
                assert!(unpacking.window.len() <= 2 * PIECE);
            }
            events += piece.entries.len();
            if piece.is_last {
                break;
            }
        }
        assert_eq!(events, 1_000_000);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80), packing in 0_usize..3) {
            let _any = all(bytes.clone());
            let _packed = all(packed_message(&bytes, ["", "gzip", "zstd"][packing]));
        }
    }
}
