//! Listens for the forward protocol: reads messages, stores their events, and acknowledges what is stored.
//!
//! A connection holds a little memory of its own; a message that needs more waits for room that all connections share.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::FluentSource;
use super::chunks::Chunks;
use super::greeting::{greet, refused};
use super::message::{Message, Piece};
use super::msgpack::{Scan, put_text};
use crate::logs::ingest::connections::{self, Ended, Work};
use crate::logs::ingest::inlet::Brake;
use crate::logs::ingest::listen::Wire;
use crate::logs::ingest::shape::Shaper;
use crate::logs::ingest::stage::Pipeline;

/// Largest message.
const MESSAGE_BYTES_MAX: usize = 32 << 20;
/// What a connection may hold by itself.
const OWN_BYTES: usize = 64 << 10;
/// What all connections may hold beyond that, together.
const ROOM_BYTES: usize = 64 << 20;
/// How long a connection waits for a part of it. Those that have some may wait for each other; who waits too long goes.
const ROOM_WITHIN: Duration = Duration::from_secs(30);
/// What is read at once, at least.
const PIECE: usize = 8 << 10;
/// How long nothing may come on a connection.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How long a sender may take to show that it knows the key.
const GREETING: Duration = Duration::from_secs(10);
/// Events that are read at once, and bytes of their text.
const EVENTS_AT_ONCE: usize = 1_000;
const TEXT_AT_ONCE: usize = 1 << 20;
/// Messages beyond so many bytes are read elsewhere than where connections are.
const SMALL: usize = 64 << 10;

/// What the connections of a listener share.
struct Shared {
    source: Arc<FluentSource>,
    work: Work,
    chunks: Chunks,
    room: Arc<Semaphore>,
}

/// Reads until it is dropped.
pub async fn run(listener: TcpListener, source: Arc<FluentSource>, work: Work) {
    let room = Arc::new(Semaphore::new(ROOM_BYTES));
    let shared = Arc::new(Shared { source, work: work.clone(), chunks: Chunks::default(), room });
    let one = move |wire, peer| connection(wire, peer, Arc::clone(&shared));
    connections::serve(listener, work, one).await;
}

async fn connection(mut wire: Wire, peer: Arc<str>, shared: Arc<Shared>) -> Result<(), Ended> {
    let mut inbox = Inbox::new(Arc::clone(&shared.room));
    let key = shared.source.shared_key.expose();
    if !key.is_empty() {
        timeout(GREETING, greet(&mut wire, &mut inbox.bytes, key))
            .await
            .map_err(|_| refused("the sender did not show in time that it knows the key"))??;
    }
    let mut shaper = Shaper::new(&Pipeline::default(), &shared.work.stamps, &shared.work.clock);
    let brake = Brake::new(&peer);
    loop {
        while let Some(message) = inbox.message()? {
            take(message, &mut wire, (&peer, &brake), &shared, &mut shaper).await?;
        }
        inbox.make_room().await?;
        match timeout(IDLE, wire.read_buf(&mut inbox.bytes)).await {
            Err(_) => return Ok(()),
            Ok(Ok(0)) if inbox.is_empty() => return Ok(()),
            Ok(Ok(0)) => return Err(Ended::Broken("it ended within a message".to_owned())),
            Ok(read) => _ = read?,
        }
    }
}

/// Stores the events of a message, and acknowledges them.
async fn take(
    bytes: Vec<u8>,
    wire: &mut Wire,
    (peer, brake): (&Arc<str>, &Brake),
    shared: &Shared,
    shaper: &mut Shaper,
) -> Result<(), Ended> {
    let Shared { work, chunks, .. } = shared;
    let is_small = bytes.len() <= SMALL;
    let opened = if is_small {
        Message::open(bytes)
    } else {
        tokio::task::spawn_blocking(move || Message::open(bytes)).await.map_err(|_| Ended::Closed)?
    };
    let mut message = opened.map_err(|why| malformed(why.to_owned()))?;
    let chunk = message.chunk.take();
    let mut turn = match &chunk {
        Some(chunk) => Some(chunks.turn(message.tag(), chunk, work.clock.monotonic()).await),
        None => None,
    };
    if turn.as_ref().is_none_or(|stored| !**stored) {
        let is_packed = message.is_packed();
        // What is acknowledged is stored, however long its streams take.
        let brake = if turn.is_some() { Brake::patient(peer) } else { brake.clone() };
        loop {
            let Piece { entries, malformed, why, is_last } = if is_small && !is_packed {
                message.next(EVENTS_AT_ONCE, TEXT_AT_ONCE)
            } else {
                let read = tokio::task::spawn_blocking(move || {
                    let piece = message.next(EVENTS_AT_ONCE, TEXT_AT_ONCE);
                    (message, piece)
                });
                let (same, piece) = read.await.map_err(|_| Ended::Closed)?;
                message = same;
                piece
            };
            if malformed > 0 {
                work.inlet.counts().malformed.add(malformed);
                work.turn_away("malformed", malformed, peer, why);
            }
            let mut lines = Vec::with_capacity(entries.len());
            for entry in entries {
                shaper.shape(entry, &mut lines);
            }
            match (is_last, &turn) {
                (true, Some(_)) => {
                    // What went before is stored before this, or waits for the rate of its stream.
                    work.inlet.store(lines).await?;
                    brake.released().await;
                }
                _ if lines.is_empty() => {}
                _ => work.inlet.send(lines, &brake).await?,
            }
            if is_last {
                break;
            }
        }
    }
    if let Some(stored) = &mut turn {
        **stored = true;
    }
    if let Some(chunk) = chunk {
        wire.write_all(&acknowledgement(&chunk)).await?;
        wire.flush().await?;
    }
    Ok(())
}

fn malformed(why: String) -> Ended {
    Ended::Refused("malformed", why)
}

/// Bytes of a connection, of which messages are taken.
struct Inbox {
    bytes: Vec<u8>,
    /// Where the next message begins.
    at: usize,
    scan: Scan,
    room: Arc<Semaphore>,
    /// The part of the shared room that is held.
    held: Option<OwnedSemaphorePermit>,
}

impl Inbox {
    const fn new(room: Arc<Semaphore>) -> Self {
        Self { bytes: Vec::new(), at: 0, scan: Scan::FIRST, room, held: None }
    }

    fn is_empty(&self) -> bool {
        self.bytes.len() == self.at
    }

    /// The next whole message.
    fn message(&mut self) -> Result<Option<Vec<u8>>, Ended> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let whole = self.scan.whole(rest).map_err(|_| malformed("what comes is no MessagePack".to_owned()))?;
        if self.scan.at_least() > MESSAGE_BYTES_MAX as u64 {
            return Err(Ended::Refused("too_large", format!("a message has more than {MESSAGE_BYTES_MAX} bytes")));
        }
        let Some(len) = whole else { return Ok(None) };
        self.scan = Scan::FIRST;
        if len <= SMALL {
            let message = rest.get(..len).map(<[u8]>::to_vec);
            self.at += len;
            return Ok(message);
        }
        // Not copied: what lies behind it is small.
        let after = self.bytes.split_off(self.at + len);
        let mut message = std::mem::replace(&mut self.bytes, after);
        message.drain(..std::mem::take(&mut self.at));
        Ok(Some(message))
    }

    /// Makes room for what comes next.
    async fn make_room(&mut self) -> Result<(), Ended> {
        self.bytes.drain(..std::mem::take(&mut self.at));
        if self.bytes.len() <= OWN_BYTES / 2 && self.held.is_some() {
            self.bytes.shrink_to(OWN_BYTES);
            self.held = None;
        }
        if self.bytes.capacity() - self.bytes.len() >= PIECE {
            return Ok(());
        }
        let capacity = (self.bytes.capacity() * 2).clamp(2 * PIECE, MESSAGE_BYTES_MAX + OWN_BYTES);
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = capacity.saturating_sub(OWN_BYTES + held);
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            let room = timeout(ROOM_WITHIN, Arc::clone(&self.room).acquire_many_owned(more)).await;
            let room = room.map_err(|_| {
                let why = format!("the large messages of all connections together may take {ROOM_BYTES} bytes, and those are used up");
                Ended::Refused("memory", why)
            })?;
            let room = room.map_err(|_| Ended::Closed)?;
            match &mut self.held {
                Some(held) => held.merge(room),
                None => self.held = Some(room),
            }
        }
        self.bytes.reserve_exact(capacity - self.bytes.len());
        Ok(())
    }
}

/// `{"ack": chunk}`.
fn acknowledgement(chunk: &[u8]) -> Vec<u8> {
    let mut out = vec![0x81];
    put_text(&mut out, b"ack");
    put_text(&mut out, chunk);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{ManualClock, SharedClock};
    use crate::base::secret::Secret;
    use crate::logs::ingest::counts::Counts;
    use crate::logs::ingest::inlet::Inlet;
    use crate::logs::ingest::listen::{Address, Transport, plain};
    use crate::logs::ingest::receive::tests::Kept;

    /// What a connection needs, and what it stores into.
    fn shared() -> (Arc<Shared>, Arc<Kept>) {
        let kept = Arc::new(Kept::default());
        let clock: SharedClock = ManualClock::at(5_000);
        let (inlet, stores) = Inlet::new(Arc::clone(&kept) as _, Counts::default().door("fluent"), &clock);
        tokio::spawn(stores);
        let work = Work { inlet, clock, stamps: Arc::default(), accept: plain() };
        let address = Address { transport: Transport::Tcp, host: String::new() };
        let source = Arc::new(FluentSource { address, shared_key: Secret::default() });
        let room = Arc::new(Semaphore::new(ROOM_BYTES));
        (Arc::new(Shared { source, work, chunks: Chunks::default(), room }), kept)
    }

    /// Sends bytes on a connection of its own; what is answered.
    async fn send(shared: &Arc<Shared>, bytes: &[u8]) -> (Vec<u8>, Result<(), Ended>) {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let served = tokio::spawn(connection(Box::new(near), "peer".into(), Arc::clone(shared)));
        let mut answer = Vec::new();
        // Whoever is refused need not be there until the end.
        let _sent = far.write_all(bytes).await;
        let _ended = far.shutdown().await;
        far.read_to_end(&mut answer).await.unwrap();
        (answer, served.await.unwrap())
    }

    #[tokio::test]
    async fn a_chunk_sent_again_is_acknowledged_again_and_stored_once() {
        let (shared, kept) = shared();
        // Without a time, with one, and with one twice.
        let events = b"\x93\x92\x00\x81\xa3log\xa1a\x92\x09\x81\xa3log\xa1b\x92\x09\x81\xa3log\xa1b";
        let message = |tag: u8, chunk: u8| [&b"\x93\xa1"[..], &[tag], events, b"\x81\xa5chunk\xa1", &[chunk]].concat();
        let ack = |chunk: u8| [&b"\x81\xa3ack\xa1"[..], &[chunk]].concat();
        assert_eq!(send(&shared, &message(b't', b'1')).await, (ack(b'1'), Ok(())));
        assert_eq!(send(&shared, &[message(b't', b'1'), message(b't', b'1')].concat()).await, ([ack(b'1'), ack(b'1')].concat(), Ok(())));
        assert_eq!(kept.texts().join(""), "abb");
        assert_eq!(send(&shared, &message(b'u', b'1')).await.0, ack(b'1'));
        assert_eq!(send(&shared, &message(b't', b'2')).await.0, ack(b'2'));
        assert_eq!(kept.texts().join(""), "abbabbabb", "another tag, and another chunk");
        let mut times: Vec<_> = kept.lines.lock().iter().map(|(stream, ts, text, _)| (stream.clone(), *ts, text.clone())).collect();
        times.sort();
        times.dedup();
        assert_eq!(times.len(), 9, "no line is taken for another's repetition");
    }

    #[tokio::test(start_paused = true)]
    async fn a_chunk_with_too_much_of_a_stream_is_acknowledged_when_it_is_stored() {
        let (shared, kept) = shared();
        kept.slow(&["a"]);
        // Twice as many events as are read at once.
        let events: Vec<u8> = [&b"\x92\x09\x81\xa3log\xa1a"[..], &b"\x92\x09\x81\xa3log\xa1b".repeat(2 * EVENTS_AT_ONCE)].concat();
        let count = u16::try_from(2 * EVENTS_AT_ONCE + 1).unwrap().to_be_bytes();
        let message = [&b"\x93\xa1t\xdc"[..], &count, &events, b"\x81\xa5chunk\xa11"].concat();
        assert_eq!(send(&shared, &message).await, (b"\x81\xa3ack\xa11".to_vec(), Ok(())));
        let texts = kept.texts();
        assert_eq!((texts.len(), texts.iter().filter(|text| *text == "a").count()), (2 * EVENTS_AT_ONCE + 1, 1));
    }

    #[tokio::test]
    async fn a_large_message_is_read_once_and_within_the_room() {
        let (shared, kept) = shared();
        let event = [&b"\x92\x09\x81\xa3log\xda\x01\x00"[..], &[b'x'; 256]].concat();
        let many = event.repeat(20_000);
        let len = (many.len() as u32).to_be_bytes();
        let large = [&b"\x93\xa1t\xc6"[..], &len, &many, b"\x81\xa5chunk\xa1c"].concat();
        let small = b"\x93\xa1t\x09\x81\xa3log\xa1y";
        let (answer, ended) = send(&shared, &[&small[..], &large, small].concat()).await;
        assert_eq!((answer.as_slice(), ended), (&b"\x81\xa3ack\xa1c"[..], Ok(())));
        assert_eq!(kept.lines.lock().iter().filter(|(_, _, text, _)| text.len() == 256).count(), 20_000);
        assert_eq!(shared.room.available_permits(), ROOM_BYTES, "all of it was given back");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_sends_too_much_is_ended() {
        let (shared, _kept) = shared();
        for (bytes, reason) in [
            (&b"\x92\xa1t\xc6\xff\xff\xff\xff"[..], "too_large"),
            (b"\xdd\xff\xff\xff\xff", "too_large"),
            (b"\xc1", "malformed"),
            (b"\x07", "malformed"),
        ] {
            let (_, ended) = send(&shared, bytes).await;
            assert!(matches!(&ended, Err(Ended::Refused(found, _)) if *found == reason), "{reason}: {ended:?}");
        }
        let all = u32::try_from(ROOM_BYTES).unwrap();
        let _taken = shared.room.acquire_many(all).await.unwrap();
        let (_, ended) = send(&shared, &[&b"\x92\xa1t\xc6\x00\x10\x00\x00"[..], &[0; 1 << 17]].concat()).await;
        assert!(matches!(&ended, Err(Ended::Refused("memory", _))), "{ended:?}");
    }
}
