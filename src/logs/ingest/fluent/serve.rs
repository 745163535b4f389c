//! Listens for the forward protocol: greets senders that must know the key, stores, and acknowledges what is stored.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::FluentSource;
use super::event::{self, Forwarded};
use super::msgpack::{Failed, Reader, Value, put_text};
use crate::logs::ingest::listen::Wire;
use crate::logs::ingest::shape::Shaper;
use crate::logs::ingest::stage::Pipeline;
use crate::logs::ingest::syslog::serve::Work;

/// Largest message.
const MESSAGE_BYTES_MAX: usize = 32 << 20;
/// Largest greeting.
const GREETING_BYTES_MAX: usize = 16 << 10;
/// Most connections at once.
const CONNECTIONS_MAX: usize = 1_024;
/// How long nothing may come on a connection.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How long a sender may take to show that it knows the key.
const GREETING: Duration = Duration::from_secs(10);

/// Reads until it is dropped.
pub async fn run(listener: TcpListener, source: Arc<FluentSource>, work: Work) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut open = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = open.join_next() => continue,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            work.inlet.counts().connections_refused.inc();
            continue;
        };
        work.inlet.counts().connections.inc();
        let (source, work) = (Arc::clone(&source), work.clone());
        open.spawn(async move {
            let _place = place;
            let ended = match (work.accept)(stream).await {
                Ok(wire) => connection(wire, &source, &work).await,
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = ended {
                work.inlet.counts().malformed.inc();
                tracing::debug!(%error, %peer, "a connection of Fluent was ended");
            }
        });
    }
}

async fn connection(mut wire: Wire, source: &FluentSource, work: &Work) -> Result<(), String> {
    let mut buffer = Vec::new();
    let key = source.shared_key.expose();
    if !key.is_empty() {
        timeout(GREETING, greet(&mut wire, &mut buffer, key))
            .await
            .map_err(|_| "the sender did not show in time that it knows the key")??;
    }
    let mut shaper = Shaper::new(&Pipeline::default(), &work.stamps, &work.clock);
    let mut piece = vec![0; 64 << 10];
    // How much there must be before reading is tried again: not after every piece of a large message.
    let mut wanted = 0;
    loop {
        while buffer.len() >= wanted {
            let Some((forwarded, used)) = next_message(&buffer)? else {
                wanted = buffer.len() + buffer.len() / 2;
                break;
            };
            buffer.drain(..used);
            wanted = 0;
            let Forwarded { entries, chunk, malformed } = forwarded;
            work.inlet.counts().malformed.add(malformed);
            let mut lines = Vec::with_capacity(entries.len());
            for entry in entries {
                shaper.shape(entry, &mut lines);
            }
            match chunk {
                Some(chunk) => {
                    if !lines.is_empty() {
                        work.inlet.store(lines).await.map_err(|closed| closed.to_string())?;
                    }
                    wire.write_all(&acknowledgement(&chunk)).await.map_err(|error| error.to_string())?;
                    wire.flush().await.map_err(|error| error.to_string())?;
                }
                None if lines.is_empty() => {}
                None => work.inlet.send(lines).await.map_err(|closed| closed.to_string())?,
            }
        }
        if buffer.len() > MESSAGE_BYTES_MAX {
            return Err(format!("a message has more than {MESSAGE_BYTES_MAX} bytes"));
        }
        match timeout(IDLE, wire.read(&mut piece)).await {
            Err(_) => return Ok(()),
            Ok(Err(error)) => return Err(error.to_string()),
            Ok(Ok(0)) if buffer.is_empty() => return Ok(()),
            Ok(Ok(0)) => {
                // Not tried yet with everything that came.
                if wanted > buffer.len() && next_message(&buffer)?.is_some() {
                    wanted = 0;
                    continue;
                }
                return Err("the connection ended within a message".to_owned());
            }
            Ok(Ok(read)) => {
                buffer.extend_from_slice(&piece[..read]);
                if read < piece.len() {
                    // The sender pauses: likely the message is whole.
                    wanted = 0;
                }
            }
        }
    }
}

/// The next message and how many bytes it takes; `None` if it is not all there.
fn next_message(buffer: &[u8]) -> Result<Option<(Forwarded, usize)>, String> {
    if buffer.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader::new(buffer);
    match reader.value() {
        Ok(Value::Nil) => Ok(Some((Forwarded::default(), reader.position()))),
        Ok(value) => Ok(Some((event::read(&value)?, reader.position()))),
        Err(Failed::Incomplete) => Ok(None),
        Err(Failed::Malformed) => Err("what comes is no MessagePack".to_owned()),
    }
}

/// `{"ack": chunk}`.
fn acknowledgement(chunk: &[u8]) -> Vec<u8> {
    let mut out = vec![0x81];
    put_text(&mut out, b"ack");
    put_text(&mut out, chunk);
    out
}

/// HELO, PING, PONG: the sender shows that it knows the key without sending it, and so do we.
async fn greet(wire: &mut Wire, buffer: &mut Vec<u8>, key: &str) -> Result<(), String> {
    let said = |error: std::io::Error| error.to_string();
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
    let nonce: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut hello = vec![0x92];
    put_text(&mut hello, b"HELO");
    hello.push(0x83);
    put_text(&mut hello, b"nonce");
    put_text(&mut hello, nonce.as_bytes());
    put_text(&mut hello, b"auth");
    put_text(&mut hello, b"");
    put_text(&mut hello, b"keepalive");
    hello.push(0xc3);
    wire.write_all(&hello).await.map_err(said)?;
    wire.flush().await.map_err(said)?;
    let mut piece = vec![0; 4096];
    loop {
        let answer = ping(buffer, &nonce, key)?;
        if let Some((pong, is_known, used)) = answer {
            buffer.drain(..used);
            wire.write_all(&pong).await.map_err(said)?;
            wire.flush().await.map_err(said)?;
            return if is_known { Ok(()) } else { Err("the sender does not know the shared key".to_owned()) };
        }
        if buffer.len() > GREETING_BYTES_MAX {
            return Err("the greeting is too long".to_owned());
        }
        match wire.read(&mut piece).await.map_err(said)? {
            0 => return Err("the connection ended within the greeting".to_owned()),
            read => buffer.extend_from_slice(&piece[..read]),
        }
    }
}

/// The answer to a PING, whether the key is known, and how many bytes the PING takes; `None` if it is not all there.
fn ping(buffer: &[u8], nonce: &str, key: &str) -> Result<Option<(Vec<u8>, bool, usize)>, String> {
    let mut reader = Reader::new(buffer);
    let items = match reader.value() {
        Ok(Value::List(items)) => items,
        Err(Failed::Incomplete) => return Ok(None),
        _ => return Err("expected PING".to_owned()),
    };
    let [Value::Bytes(b"PING"), Value::Bytes(host), Value::Bytes(salt), Value::Bytes(digest), ..] = items.as_slice() else {
        return Err("expected PING".to_owned());
    };
    let is_known: bool = hash(&[salt, host, nonce.as_bytes(), key.as_bytes()]).as_bytes().ct_eq(digest).into();
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let mut pong = vec![0x95];
    put_text(&mut pong, b"PONG");
    pong.push(if is_known { 0xc3 } else { 0xc2 });
    put_text(&mut pong, if is_known { b"" } else { b"shared_key mismatch" });
    put_text(&mut pong, name.as_bytes());
    let own = if is_known { hash(&[salt, name.as_bytes(), nonce.as_bytes(), key.as_bytes()]) } else { String::new() };
    put_text(&mut pong, own.as_bytes());
    Ok(Some((pong, is_known, reader.position())))
}

fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha512::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_knows_the_key_is_let_in() {
        for (key, expected) in [("right", true), ("wrong", false)] {
            let digest = hash(&[b"salt", b"client", b"nonce", key.as_bytes()]);
            let mut message = vec![0x96];
            for part in ["PING", "client", "salt", &digest, "", ""] {
                put_text(&mut message, part.as_bytes());
            }
            assert_eq!(ping(&message[..20], "nonce", "right").unwrap(), None);
            let (pong, is_known, used) = ping(&message, "nonce", "right").unwrap().unwrap();
            assert_eq!((is_known, used), (expected, message.len()));
            let Ok(Value::List(items)) = Reader::new(&pong).value() else { panic!("no list") };
            assert_eq!((&items[0], &items[1], items.len()), (&Value::Bytes(b"PONG"), &Value::Bool(expected), 5));
        }
        assert!(ping(&[0x01], "n", "k").is_err());
    }
}
