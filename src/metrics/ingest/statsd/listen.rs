//! The listeners of StatsD, and the flush.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::{Protocol, Statsd};
use crate::platform::telemetry::seldom::Seldom;
use crate::series::batch::WriteBatch;
use crate::series::ports::{Append, AppendOptions};

/// A datagram is never longer.
const PACKET_BYTES_MAX: usize = 65_536;
/// Connections at once; more wait.
const CONNECTIONS_MAX: usize = 256;
/// A connection on which nothing comes for so long is closed.
const QUIET_MAX: Duration = Duration::from_secs(600);
/// After a failed read of a socket, so long a pause.
const PAUSE: Duration = Duration::from_millis(100);

/// Sockets that are bound, and nothing is read from yet.
pub struct Listener {
    udp: UdpSocket,
    tcp: TcpListener,
}

impl Listener {
    /// Binds an address such as `127.0.0.1:8125`, for UDP and TCP.
    ///
    /// # Errors
    /// When the address is none of this machine's, or taken.
    pub async fn bind(address: &str) -> io::Result<Self> {
        // As statsd_exporter takes `:9125` for every address.
        let address = if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.to_owned() };
        let tcp = TcpListener::bind(address).await?;
        // The same port, where the system chose one.
        let udp = UdpSocket::bind(tcp.local_addr()?).await?;
        Ok(Self { udp, tcp })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.udp.local_addr()
    }

    /// Reads for ever, and appends what came at every flush.
    pub fn start(self, statsd: &Arc<Statsd>, append: Arc<dyn Append>, every: Duration) -> Vec<JoinHandle<()>> {
        let Self { udp, tcp } = self;
        let taker = Taker { statsd: Arc::clone(statsd), said: Arc::default() };
        vec![
            tokio::spawn(datagrams(udp, taker.clone())),
            tokio::spawn(connections(tcp, taker)),
            tokio::spawn(flushes(Arc::clone(statsd), append, every)),
        ]
    }
}

/// Takes packets, and says in the log what is wrong with them: senders are told nothing.
#[derive(Clone)]
struct Taker {
    statsd: Arc<Statsd>,
    said: Arc<Seldom>,
}

impl Taker {
    fn take(&self, packet: &[u8], protocol: Protocol, peer: SocketAddr) {
        if let Some(reason) = self.statsd.take(packet, protocol)
            && let Some(before) = self.said.may_say(self.statsd.clock.now_ms(), 1)
        {
            let peer = peer.ip().to_canonical();
            tracing::warn!(%peer, reason, before, "lines of StatsD were refused, pharos_statsd_errors_total counts them");
        }
    }
}

async fn datagrams(socket: UdpSocket, taker: Taker) {
    let mut packet = vec![0; PACKET_BYTES_MAX];
    loop {
        match socket.recv_from(&mut packet).await {
            Ok((len, peer)) => taker.take(&packet[..len], Protocol::Udp, peer),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn connections(listener: TcpListener, taker: Taker) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let taker = taker.clone();
                tokio::spawn(async move {
                    lines(stream, peer, &taker).await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Takes the lines of a connection; what is too long to be one is a fault, and the connection ends.
async fn lines(mut stream: impl AsyncRead + Unpin, peer: SocketAddr, taker: &Taker) {
    let mut bytes = vec![0; PACKET_BYTES_MAX];
    let mut filled = 0;
    while let Ok(Ok(read)) = tokio::time::timeout(QUIET_MAX, stream.read(&mut bytes[filled..])).await {
        if read == 0 {
            break;
        }
        filled += read;
        let whole = bytes[..filled].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if whole > 0 {
            taker.take(&bytes[..whole], Protocol::Tcp, peer);
            bytes.copy_within(whole..filled, 0);
            filled -= whole;
        } else if filled == bytes.len() {
            break;
        }
    }
    if filled > 0 {
        taker.take(&bytes[..filled], Protocol::Tcp, peer);
    }
}

async fn flushes(statsd: Arc<Statsd>, append: Arc<dyn Append>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (statsd, append) = (Arc::clone(&statsd), Arc::clone(&append));
        if tokio::task::spawn_blocking(move || flush(&statsd, &*append)).await.is_err() {
            tracing::error!("flushing StatsD panicked");
        }
    }
}

/// Appends what there is now.
pub(super) fn flush(statsd: &Statsd, append: &dyn Append) {
    let mut batch = WriteBatch::new();
    statsd.collect(&mut batch);
    if batch.series.is_empty() {
        return;
    }
    if let Err(error) = append.append(&batch, &AppendOptions::default()) {
        tracing::warn!(%error, "metrics of StatsD could not be stored");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::ManualClock;
    use crate::metrics::ingest::recorder::Recorder;

    #[tokio::test]
    async fn lines_of_connections_and_datagrams_arrive() {
        use tokio::io::AsyncWriteExt;
        let (recorder, clock) = (Recorder::new(), ManualClock::at(1_700_000_000_000));
        let statsd = Arc::new(Statsd::new(clock, Duration::ZERO, 10));
        let listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.address().unwrap();
        let tasks = listener.start(&statsd, Arc::clone(&recorder) as _, Duration::from_secs(3600));
        let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        sender.send_to(b"a:1|c\na:2|c\n", address).await.unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(b"b:5|g\nb:+1|").await.unwrap();
        stream.write_all(b"g\nc:1|c").await.unwrap();
        drop(stream);
        let seen = |name: &str| {
            flush(&statsd, &*recorder);
            recorder.values(name).last().cloned()
        };
        let deadline = tokio::time::Instant::now() + Duration::from_secs(120);
        while (seen("a"), seen("b"), seen("c")) != (Some("3".to_owned()), Some("6".to_owned()), Some("1".to_owned())) {
            assert!(tokio::time::Instant::now() < deadline, "{:?} {:?} {:?}", seen("a"), seen("b"), seen("c"));
            tokio::task::yield_now().await;
        }
        tasks.iter().for_each(JoinHandle::abort);
    }
}
