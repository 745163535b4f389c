//! Connections are bounded: in number, over all and for each client, in how long one may say nothing, and in how
//! slowly one may take its answers.
//!
//! The HTTP library counts time only once a request has begun. A client that connects and stays silent would hold an
//! open file for as long as it likes, and enough of them would keep everybody else out.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;
use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::network::{Network, client_network};
use crate::base::limits::{ANSWER_BYTES_PER_S_MIN, CONNECTIONS_MAX};
use crate::platform::telemetry::metrics::{Counter, Page, Report};

/// How connections are bounded.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// Most at once; 0 for half of the open files that the system allows, so that storage has the others.
    pub max: usize,
    /// Most at once from one client; 0 for a quarter of `max`.
    pub per_client_max: usize,
    /// Clients for which only `max` counts, such as proxies in front of the server.
    pub exempt: Vec<Network>,
    /// How long a client may take to its first byte.
    pub first_byte_within: Duration,
    /// How long nothing may move, and how long a client may leave an answer lying that it takes too slowly.
    pub quiet_max: Duration,
}

/// Gives places to connections as long as there are some.
#[derive(Debug, Clone)]
pub struct BoundedAcceptor {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: ConnectionLimits,
    taken: Mutex<Taken>,
    /// Whether the log says already that there are too many.
    said: AtomicBool,
    refused: Counter,
    refused_of_client: Counter,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// The right to be a connection; given back when dropped.
#[derive(Debug)]
pub struct Place {
    shared: Arc<Shared>,
    client: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.shared.taken.lock();
        taken.all -= 1;
        if let Some(count) = taken.by_client.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                taken.by_client.remove(&self.client);
            }
        }
        // Said again only when there was room in between.
        if taken.all.saturating_mul(4) < self.shared.limits.max.saturating_mul(3) {
            self.shared.said.store(false, Ordering::Relaxed);
        }
    }
}

impl BoundedAcceptor {
    /// With these limits.
    pub fn new(mut limits: ConnectionLimits) -> Self {
        if limits.max == 0 {
            let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
            limits.max = usize::try_from(files / 2).unwrap_or(CONNECTIONS_MAX).clamp(1, CONNECTIONS_MAX);
        }
        if limits.per_client_max == 0 {
            limits.per_client_max = (limits.max / 4).max(1);
        }
        let shared = Shared {
            limits,
            taken: Mutex::default(),
            said: AtomicBool::new(false),
            refused: Counter::default(),
            refused_of_client: Counter::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    pub(super) fn first_byte_within(&self) -> Duration {
        self.shared.limits.first_byte_within
    }

    /// A place for a client, if there is one.
    pub(super) fn place(&self, from: IpAddr) -> io::Result<Place> {
        let shared = &self.shared;
        let client = client_network(from);
        let mut taken = shared.taken.lock();
        if taken.all >= shared.limits.max {
            shared.refused.inc();
            if !shared.said.swap(true, Ordering::Relaxed) {
                tracing::warn!(connections = shared.limits.max, "too many connections, new ones are closed until others end");
            }
            return Err(io::Error::other("too many connections"));
        }
        let own = taken.by_client.entry(client).or_default();
        if *own >= shared.limits.per_client_max && !shared.limits.exempt.iter().any(|network| network.contains(from)) {
            shared.refused_of_client.inc();
            return Err(io::Error::other("too many connections of one client"));
        }
        *own += 1;
        taken.all += 1;
        Ok(Place { shared: Arc::clone(shared), client })
    }
}

impl Report for BoundedAcceptor {
    fn report(&self, page: &mut Page) {
        let shared = &self.shared;
        page.gauge("pharos_http_connections", "Connections of clients.", shared.taken.lock().all as f64);
        page.gauge("pharos_http_connections_max", "Most connections at once.", shared.limits.max as f64);
        page.family("pharos_http_connections_refused_total", "counter", "Connections closed at once, by what there was too much of.");
        for (reason, count) in [("all", &shared.refused), ("client", &shared.refused_of_client)] {
            page.sample("pharos_http_connections_refused_total", &[("reason", reason)], count.get() as f64);
        }
    }
}

/// A connection that ends when nothing moves on it, or too little.
#[derive(Debug)]
pub(super) struct Bounded<T> {
    inner: T,
    /// When to look again whether something moved.
    alarm: Pin<Box<Sleep>>,
    /// When it is to end unless something moves.
    ends: Instant,
    /// Since when the client takes nothing of its answer.
    blocked_since: Option<Instant>,
    /// How long the client has kept its answers waiting, beyond what it took meanwhile.
    debt: Duration,
    place: Place,
}

impl<T> Bounded<T> {
    pub(super) fn new(inner: T, place: Place, first_byte_within: Duration) -> Self {
        let ends = Instant::now() + first_byte_within;
        Self { inner, alarm: Box::pin(sleep_until(ends)), ends, blocked_since: None, debt: Duration::ZERO, place }
    }

    fn moved(&mut self) {
        self.ends = Instant::now() + self.quiet_max();
    }

    fn quiet_max(&self) -> Duration {
        self.place.shared.limits.quiet_max
    }

    /// The client took so many bytes. What it takes pays for the time that it let us wait; who takes less than a
    /// little each second comes to the end of our patience, however cleverly the bytes are spread.
    fn took(&mut self, bytes: usize) {
        self.moved();
        if let Some(since) = self.blocked_since.take() {
            self.debt += since.elapsed();
        }
        if !self.debt.is_zero() {
            let paid_ms = bytes as u64 * 1000 / ANSWER_BYTES_PER_S_MIN;
            self.debt = self.debt.saturating_sub(Duration::from_millis(paid_ms));
        }
    }

    /// When it is to end as things stand.
    fn deadline(&self) -> Instant {
        let patience = self.blocked_since.map(|since| since + self.quiet_max().saturating_sub(self.debt));
        patience.map_or(self.ends, |end| end.min(self.ends))
    }

    /// Nothing moves now: waits on, or ends. Setting the alarm anew at every byte would cost more than this.
    fn quiet<R>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<R>> {
        let deadline = self.deadline();
        if deadline < self.alarm.deadline() {
            self.alarm.as_mut().reset(deadline);
        }
        while self.alarm.as_mut().poll(context).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// After a write: what it gave, or the wait for the client.
    fn written(&mut self, context: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(written) => {
                self.took(*written.as_ref().unwrap_or(&0));
                Poll::Ready(written)
            }
            Poll::Pending => {
                self.blocked_since.get_or_insert_with(Instant::now);
                self.quiet(context)
            }
        }
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
        let result = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.written(context, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(context, bufs);
        self.written(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{advance, timeout};

    use super::*;

    const FIRST: Duration = Duration::from_secs(10);
    const QUIET: Duration = Duration::from_secs(600);
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn acceptor(max: usize, per_client_max: usize) -> BoundedAcceptor {
        let exempt = Network::parse_list(&["10.0.0.0/8".to_owned()]).unwrap();
        BoundedAcceptor::new(ConnectionLimits { max, per_client_max, exempt, first_byte_within: FIRST, quiet_max: QUIET })
    }

    fn connect(acceptor: &BoundedAcceptor) -> (Bounded<DuplexStream>, DuplexStream) {
        let (server, client) = duplex(16);
        (Bounded::new(server, acceptor.place(HERE).expect("a place"), FIRST), client)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_word_ends() {
        let acceptor = acceptor(1, 1);
        let (mut server, _client) = connect(&acceptor);
        let began = Instant::now();
        assert_eq!(server.read_u8().await.expect_err("silent").kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), FIRST.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_lives_as_long_as_something_moves() {
        let acceptor = acceptor(1, 1);
        let (mut server, mut client) = connect(&acceptor);
        for _ in 0..5 {
            client.write_all(b"x").await.expect("sent");
            assert_eq!(server.read_u8().await.expect("read"), b'x');
            assert!(timeout(QUIET / 2, server.read_u8()).await.is_err(), "it waits");
            // What we send counts as well.
            server.write_all(b"y").await.expect("sent");
            assert_eq!(client.read_u8().await.expect("read"), b'y');
            assert!(timeout(QUIET / 2, server.read_u8()).await.is_err(), "it waits");
        }
        advance(QUIET / 2).await;
        assert_eq!(server.read_u8().await.expect_err("silent").kind(), io::ErrorKind::TimedOut);
        // Nor may one hold an answer that it does not take.
        let blocked = server.write_all(&[0; 64]).await;
        assert_eq!(blocked.expect_err("not taken").kind(), io::ErrorKind::TimedOut);
    }

    /// How long a client that takes `bytes` every `seconds` is served, at most ten times our patience.
    async fn served_for(bytes: usize, seconds: u64) -> Duration {
        let acceptor = acceptor(1, 1);
        let (server, client) = duplex(bytes);
        let mut server = Bounded::new(server, acceptor.place(HERE).expect("a place"), FIRST);
        let reader = tokio::spawn(async move {
            let mut client = client;
            let mut piece = vec![0; bytes];
            loop {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                client.read_exact(&mut piece).await.expect("sent");
            }
        });
        let began = Instant::now();
        let answer = vec![0; bytes * 100];
        let ended = timeout(QUIET * 10, async { while server.write_all(&answer).await.is_ok() {} }).await;
        reader.abort();
        if ended.is_err() { QUIET * 10 } else { began.elapsed() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_served_and_a_miser_is_not() {
        let rate = usize::try_from(ANSWER_BYTES_PER_S_MIN).unwrap();
        assert_eq!(served_for(rate * 100, 60).await, QUIET * 10, "faster than the least that we ask for");
        assert!(served_for(64, 60).await < QUIET * 2, "a few bytes a minute do not keep it");
    }

    #[tokio::test]
    async fn places_are_bounded_and_come_back() {
        let acceptor = acceptor(2, 2);
        let (one, two) = (connect(&acceptor), connect(&acceptor));
        assert!(acceptor.place(HERE).is_err() && acceptor.shared.said.load(Ordering::Relaxed));
        drop(one);
        assert!(acceptor.place(HERE).is_ok());
        drop(two);
        assert!(acceptor.place(HERE).is_ok() && !acceptor.shared.said.load(Ordering::Relaxed));
        assert!(acceptor.shared.taken.lock().by_client.is_empty(), "nothing is kept of clients that went");
    }

    #[test]
    fn one_client_does_not_take_every_place() {
        let acceptor = acceptor(8, 2);
        let _own = [acceptor.place(HERE).unwrap(), acceptor.place(HERE).unwrap()];
        assert!(acceptor.place(HERE).is_err());
        let neighbours: Vec<_> = (0..3u16).map(|low| acceptor.place(std::net::Ipv6Addr::new(1, 2, 3, 4, 0, 0, 0, low).into())).collect();
        assert_eq!(neighbours.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false], "a network of IPv6 is one client");
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        let _through = [acceptor.place(proxy).unwrap(), acceptor.place(proxy).unwrap(), acceptor.place(proxy).unwrap()];
        let mut page = Page::default();
        acceptor.report(&mut page);
        let text = page.finish();
        assert!(text.contains("pharos_http_connections 7\n") && text.contains("refused_total{reason=\"client\"} 2\n"), "{text}");
    }
}
