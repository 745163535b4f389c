//! Request lines as people type them: `curl -g 'localhost:9090/api/v1/query?query=up{job="x"}'`.
//!
//! Quotes, angle brackets and backticks must be escaped in a URL, and the HTTP library refuses a request where they
//! are not, before anything of ours could answer in words. Upstream's server takes them. So they are escaped on the
//! way in, in the first line of a connection only: nothing behind it is looked at, and how a message is framed does
//! not depend on its first line. Such a connection is closed after its answer, so that the next request of such a
//! client has a first line again. HTTP/2, which clients choose over TLS, has no such line: there the library refuses
//! quotes that are not escaped, and people say `curl --http1.1 -g` or let `curl --data-urlencode` escape them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes taken from the connection at once while the first line is not over.
const CHUNK_BYTES: usize = 2048;

/// A connection whose first line is escaped while it is read.
#[derive(Debug)]
pub(super) struct Tolerant<S> {
    inner: S,
    line: Line,
    /// What was read and not taken yet.
    pending: Vec<u8>,
    taken: usize,
}

/// Where reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// In the first line; whether something had to be escaped.
    First { is_escaped: bool },
    /// Behind it.
    Over,
}

impl<S> Tolerant<S> {
    /// Around a connection on which nothing was read yet, behind its encryption.
    pub(super) fn new(inner: S) -> Self {
        Self { inner, line: Line::First { is_escaped: false }, pending: Vec::new(), taken: 0 }
    }
}

/// Appends what was read to `out`, the first line's part of it escaped.
fn escape(read: &[u8], mut line: Line, out: &mut Vec<u8>) -> Line {
    for (at, &byte) in read.iter().enumerate() {
        let Line::First { is_escaped } = &mut line else {
            out.extend_from_slice(&read[at..]);
            return line;
        };
        let escaped: &[u8] = match byte {
            b'"' => b"%22",
            b'<' => b"%3C",
            b'>' => b"%3E",
            b'`' => b"%60",
            b'\n' => {
                let closing: &[u8] = if *is_escaped { b"\nConnection: close\r\n" } else { b"\n" };
                out.extend_from_slice(closing);
                line = Line::Over;
                continue;
            }
            _ => {
                out.push(byte);
                continue;
            }
        };
        *is_escaped = true;
        out.extend_from_slice(escaped);
    }
    line
}

impl<S: AsyncRead + Unpin> AsyncRead for Tolerant<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.taken == this.pending.len() {
            if this.line == Line::Over {
                // Given back: most connections live long behind their first line.
                this.pending = Vec::new();
                this.taken = 0;
                return Pin::new(&mut this.inner).poll_read(context, buf);
            }
            let mut bytes = [0; CHUNK_BYTES];
            let mut chunk = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut chunk))?;
            this.pending.clear();
            this.taken = 0;
            this.line = escape(chunk.filled(), this.line, &mut this.pending);
        }
        let now = buf.remaining().min(this.pending.len() - this.taken);
        buf.put_slice(&this.pending[this.taken..this.taken + now]);
        this.taken += now;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tolerant<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn read(sent: &[u8], capacity: usize) -> Vec<u8> {
        let mut stream = Tolerant::new(sent);
        let mut got = Vec::new();
        let mut buf = vec![0; capacity];
        loop {
            match stream.read(&mut buf).await.unwrap() {
                0 => return got,
                count => got.extend_from_slice(&buf[..count]),
            }
        }
    }

    #[tokio::test]
    async fn the_first_line_is_escaped_and_nothing_else() {
        let plain = b"POST /x?y=%22 HTTP/1.1\r\nHost: \"<>\"\r\n\r\n\"<`>\"\nGET /\" HTTP/1.1\r\n";
        let typed = b"GET /q?query=up{a=\"b\",c<`>1} HTTP/1.1\r\nX: \"\r\n\r\n\"";
        let long = [b"GET /".as_slice(), &b"\"".repeat(5000), b" HTTP/1.1\r\n\r\n"].concat();
        for capacity in [1, 7, 100_000] {
            assert_eq!(read(plain, capacity).await, plain);
            assert_eq!(
                read(typed, capacity).await,
                b"GET /q?query=up{a=%22b%22,c%3C%60%3E1} HTTP/1.1\r\nConnection: close\r\nX: \"\r\n\r\n\""
            );
            assert_eq!(read(&long, capacity).await.len(), long.len() + 2 * 5000 + 19);
            assert_eq!(read(b"", capacity).await, b"");
            assert_eq!(read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", capacity).await, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        }
    }
}
