//! Large answers leave while they are being written: a blocking writer on one side, a body on the other.
//!
//! Memory is bounded by a few pieces; a client that stops reading stops the writer, one that goes away ends it.

use std::io::{self, Write};

use axum::body::Body;
use bytes::Bytes;
use tokio::sync::mpsc;

/// Pieces go out at this size.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces waiting for the client at most.
const PIECES_WAITING: usize = 4;

/// Collects writes into pieces and hands them to the body.
#[derive(Debug)]
pub struct PieceWriter {
    piece: Vec<u8>,
    to_body: mpsc::Sender<Result<Bytes, io::Error>>,
}

impl PieceWriter {
    /// A writer and the body that gives what is written.
    pub fn new() -> (Self, Body) {
        let (to_body, mut from_writer) = mpsc::channel(PIECES_WAITING);
        let stream = futures_util::stream::poll_fn(move |context| from_writer.poll_recv(context));
        (Self { piece: Vec::with_capacity(PIECE_BYTES + 1024), to_body }, Body::from_stream(stream))
    }

    fn send(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES + 1024));
        self.to_body.blocking_send(Ok(Bytes::from(piece))).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
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
