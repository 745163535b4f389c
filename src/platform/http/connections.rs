//! Connections are bounded: in number, and in how long one may say nothing.
//!
//! The HTTP library counts time only once a request has begun. A client that connects and stays silent would hold an
//! open file for as long as it likes, and enough of them would keep everybody else out.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};

use super::request_line::{Tolerant, TolerantAcceptor};

/// Most connections, where open files are plenty.
const CONNECTIONS_MAX: u64 = 4096;
/// A connection on which nothing moves for this long is closed; longer than any query should take.
const QUIET_MAX: Duration = Duration::from_secs(600);

/// How many connections there may be at once: half of the open files that the system allows, so that storage has the
/// others.
pub(super) fn connections_max() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from((files / 2).clamp(1, CONNECTIONS_MAX)).unwrap_or(1)
}

/// Accepts connections as long as there are places.
#[derive(Debug, Clone)]
pub(super) struct BoundedAcceptor {
    places: Arc<Semaphore>,
    max: usize,
    first_byte_within: Duration,
    /// Whether the log says already that there are too many.
    said: Arc<AtomicBool>,
}

impl BoundedAcceptor {
    /// With so many places; a client has so long to send its first byte.
    pub(super) fn new(max: usize, first_byte_within: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(max)), max, first_byte_within, said: Arc::default() }
    }

    fn place(&self) -> io::Result<OwnedSemaphorePermit> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            if !self.said.swap(true, Ordering::Relaxed) {
                tracing::warn!(connections = self.max, "too many connections, new ones are closed until others end");
            }
            return Err(io::Error::other("too many connections"));
        };
        // Said again only when there was room in between.
        if self.places.available_permits() > self.max / 4 {
            self.said.store(false, Ordering::Relaxed);
        }
        Ok(place)
    }
}

impl<S> Accept<TcpStream, S> for BoundedAcceptor {
    type Stream = Bounded<Tolerant<TcpStream>>;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let accepted = self.place().and_then(|place| {
            let (stream, service) = TolerantAcceptor.accept(stream, service).into_inner()?;
            Ok((Bounded::new(stream, place, self.first_byte_within), service))
        });
        std::future::ready(accepted)
    }
}

/// A connection that ends when nothing moves on it.
#[derive(Debug)]
pub(super) struct Bounded<T> {
    inner: T,
    /// When to look again whether something moved.
    alarm: Pin<Box<Sleep>>,
    /// When it is to end unless something moves.
    ends: Instant,
    _place: OwnedSemaphorePermit,
}

impl<T> Bounded<T> {
    fn new(inner: T, place: OwnedSemaphorePermit, first_byte_within: Duration) -> Self {
        let ends = Instant::now() + first_byte_within;
        Self { inner, alarm: Box::pin(sleep_until(ends)), ends, _place: place }
    }

    fn moved(&mut self) {
        self.ends = Instant::now() + QUIET_MAX;
    }

    /// Nothing moves now: waits on, or ends. Setting the alarm anew at every byte would cost more than this.
    fn quiet<R>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<R>> {
        while self.alarm.as_mut().poll(context).is_ready() {
            if Instant::now() >= self.ends {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            let ends = self.ends;
            self.alarm.as_mut().reset(ends);
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Bounded<T> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.inner).poll_read(context, buf) {
            Poll::Ready(read) => {
                self.moved();
                Poll::Ready(read)
            }
            Poll::Pending => self.quiet(context),
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Bounded<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.inner).poll_write(context, bytes) {
            Poll::Ready(written) => {
                self.moved();
                Poll::Ready(written)
            }
            Poll::Pending => self.quiet(context),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.inner).poll_write_vectored(context, bufs) {
            Poll::Ready(written) => {
                self.moved();
                Poll::Ready(written)
            }
            Poll::Pending => self.quiet(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{advance, timeout};

    use super::*;

    const FIRST: Duration = Duration::from_secs(10);

    fn connect(acceptor: &BoundedAcceptor) -> (Bounded<DuplexStream>, DuplexStream) {
        let (server, client) = duplex(16);
        (Bounded::new(server, acceptor.place().expect("a place"), FIRST), client)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_word_ends() {
        let acceptor = BoundedAcceptor::new(1, FIRST);
        let (mut server, _client) = connect(&acceptor);
        let began = Instant::now();
        assert_eq!(server.read_u8().await.expect_err("silent").kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), FIRST.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_lives_as_long_as_something_moves() {
        let acceptor = BoundedAcceptor::new(1, FIRST);
        let (mut server, mut client) = connect(&acceptor);
        for _ in 0..5 {
            client.write_all(b"x").await.expect("sent");
            assert_eq!(server.read_u8().await.expect("read"), b'x');
            assert!(timeout(QUIET_MAX / 2, server.read_u8()).await.is_err(), "it waits");
            // What we send counts as well.
            server.write_all(b"y").await.expect("sent");
            assert_eq!(client.read_u8().await.expect("read"), b'y');
            assert!(timeout(QUIET_MAX / 2, server.read_u8()).await.is_err(), "it waits");
        }
        advance(QUIET_MAX / 2).await;
        assert_eq!(server.read_u8().await.expect_err("silent").kind(), io::ErrorKind::TimedOut);
        // Nor may one hold an answer that it does not take.
        let blocked = server.write_all(&[0; 64]).await;
        assert_eq!(blocked.expect_err("not taken").kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn places_are_bounded_and_come_back() {
        let acceptor = BoundedAcceptor::new(2, FIRST);
        let (one, two) = (connect(&acceptor), connect(&acceptor));
        assert!(acceptor.place().is_err() && acceptor.said.load(Ordering::Relaxed));
        drop(one);
        assert!(acceptor.place().is_ok());
        drop(two);
        assert!(acceptor.place().is_ok() && !acceptor.said.load(Ordering::Relaxed));
    }
}
