//! The greeting of the forward protocol: both sides show that they know the shared key, and neither sends it.

use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::msgpack::{Failed, Reader, Value, put_text};
use crate::logs::ingest::connections::Ended;
use crate::logs::ingest::listen::Wire;

/// Largest greeting.
const BYTES_MAX: usize = 16 << 10;

/// A PONG, whether the key is known, and how many bytes the PING takes.
type Answer = (Vec<u8>, bool, usize);

/// HELO, PING, PONG: the sender shows that it knows the key without sending it, and so do we.
pub(super) async fn greet(wire: &mut Wire, buffer: &mut Vec<u8>, key: &str) -> Result<(), Ended> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|error| Ended::Broken(error.to_string()))?;
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
    wire.write_all(&hello).await?;
    wire.flush().await?;
    let mut piece = vec![0; 4096];
    loop {
        let answer = ping(buffer, &nonce, key).map_err(refused)?;
        if let Some((pong, is_known, used)) = answer {
            buffer.drain(..used);
            wire.write_all(&pong).await?;
            wire.flush().await?;
            return if is_known { Ok(()) } else { Err(refused("the sender does not know the shared key")) };
        }
        if buffer.len() > BYTES_MAX {
            return Err(refused("the greeting is too long"));
        }
        match wire.read(&mut piece).await? {
            0 => return Err(Ended::Broken("it ended within the greeting".to_owned())),
            read => buffer.extend_from_slice(&piece[..read]),
        }
    }
}

/// The answer to a PING; `None` if it is not all there.
fn ping(buffer: &[u8], nonce: &str, key: &str) -> Result<Option<Answer>, &'static str> {
    let mut reader = Reader::new(buffer);
    let items = match reader.value() {
        Ok(Value::List(items)) => items,
        Err(Failed::Incomplete) => return Ok(None),
        _ => return Err("expected PING"),
    };
    let [Value::Bytes(b"PING"), Value::Bytes(host), Value::Bytes(salt), Value::Bytes(digest), ..] = items.as_slice() else {
        return Err("expected PING");
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

/// The sender is not let in.
pub(super) fn refused(why: &str) -> Ended {
    Ended::Refused("greeting", why.to_owned())
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
