//! Large answers leave while they are being written: a blocking writer on one side, a body on the other.
//!
//! Memory is bounded by a few pieces; a client that stops reading stops the writer, for a while, then loses the
//! connection; one that goes away ends it. Half an answer never looks whole: without [`PieceWriter::finish`] the
//! connection breaks.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::base::cancel::{Cancel, Stop};

/// Pieces go out at this size.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces waiting for the client at most.
const PIECES_WAITING: usize = 4;
/// A client that takes no piece for so long is given up, so that it cannot hold a thread for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// Collects writes into pieces and hands them to the body.
#[derive(Debug)]
pub struct PieceWriter {
    piece: Vec<u8>,
    to_body: mpsc::Sender<Bytes>,
    is_whole: Arc<AtomicBool>,
    runtime: Handle,
}

/// Raises the flag when the body is dropped.
struct RaiseOnDrop(Cancel);

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.0.raise(Stop::Cancelled);
    }
}

impl PieceWriter {
    /// A writer and the body that gives what is written. Call it inside the runtime, and write outside.
    pub fn new() -> (Self, Body) {
        Self::cancelling(Cancel::new())
    }

    /// The same; `cancel` is raised as soon as nobody waits for the body any more.
    pub fn cancelling(cancel: Cancel) -> (Self, Body) {
        let (to_body, mut from_writer) = mpsc::channel(PIECES_WAITING);
        let is_whole = Arc::new(AtomicBool::new(false));
        let mut told_broken = false;
        let told = Arc::clone(&is_whole);
        let raise = RaiseOnDrop(cancel);
        let stream = futures_util::stream::poll_fn(move |context| {
            let _held_by_the_body = &raise;
            match from_writer.poll_recv(context) {
                Poll::Ready(Some(piece)) => Poll::Ready(Some(Ok(piece))),
                // Said once; after that the stream is over.
                Poll::Ready(None) if !told.load(Ordering::Acquire) && !told_broken => {
                    told_broken = true;
                    Poll::Ready(Some(Err(io::Error::other("the answer was broken off"))))
                }
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        });
        (Self { piece: Vec::with_capacity(PIECE_BYTES + 1024), to_body, is_whole, runtime: Handle::current() }, Body::from_stream(stream))
    }

    /// Sends what is left; the answer is whole.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.is_whole.store(true, Ordering::Release);
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES + 1024));
        self.put(Bytes::from(piece))
    }

    fn put(&self, piece: Bytes) -> io::Result<()> {
        let sent = match self.to_body.try_send(piece) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(io::Error::from(io::ErrorKind::BrokenPipe)),
            Err(mpsc::error::TrySendError::Full(piece)) => self.runtime.block_on(self.to_body.send_timeout(piece, PATIENCE)),
        };
        sent.map_err(|error| match error {
            mpsc::error::SendTimeoutError::Timeout(_) => io::Error::from(io::ErrorKind::TimedOut),
            mpsc::error::SendTimeoutError::Closed(_) => io::Error::from(io::ErrorKind::BrokenPipe),
        })
    }
}

impl Write for PieceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() { Ok(()) } else { self.send() }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_dropped_body_raises_the_flag_and_ends_the_writer() {
        let cancel = Cancel::new();
        let (mut writer, body) = PieceWriter::cancelling(cancel.clone());
        assert_eq!(cancel.check(), Ok(()));
        drop(body);
        assert_eq!(cancel.check(), Err(Stop::Cancelled));
        writer.write_all(b"x").unwrap();
        assert_eq!(writer.flush().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn only_a_finished_answer_is_whole() {
        for is_finished in [true, false] {
            let (mut writer, body) = PieceWriter::new();
            writer.write_all(b"half").unwrap();
            writer.flush().unwrap();
            if is_finished {
                writer.finish().unwrap();
            } else {
                drop(writer);
            }
            assert_eq!(body.collect().await.map(|whole| whole.to_bytes()).ok(), is_finished.then(|| Bytes::from_static(b"half")));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stops_reading_is_given_up() {
        let (mut writer, body) = PieceWriter::new();
        let (tell, told) = tokio::sync::oneshot::channel();
        // A thread of its own: time does not pass by itself while the runtime's blocking threads work.
        std::thread::spawn(move || {
            let written = (0..=PIECES_WAITING).try_for_each(|_| writer.write_all(&[0; PIECE_BYTES]));
            tell.send(written).unwrap();
        });
        assert_eq!(told.await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(body.collect().await.is_err());
    }
}
