//! Listens for syslog: UDP, TCP and TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::timeout;

use super::frame::Framer;
use super::message::Naming;
use crate::logs::ingest::connections::{self, Ended, Work};
use crate::logs::ingest::inlet::{Brake, Line};
use crate::logs::ingest::listen::{Address, Transport, Wire};
use crate::logs::ingest::shape::Shaper;
use crate::logs::ingest::stage::{Flush, Pipeline};

/// Longest message; a longer one is cut.
const MESSAGE_BYTES_MAX: usize = 256 << 10;
/// How long nothing may come on a connection.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How often stages are asked for what has waited long enough.
const TICK: Duration = Duration::from_secs(1);
/// Largest datagram.
const DATAGRAM_BYTES: usize = 65_536;
/// What the kernel is asked to keep of datagrams that were not read yet.
const RECEIVE_BUFFER: usize = 8 << 20;
/// What is read of a connection at once.
const READ_BYTES: usize = 16 << 10;
/// Lines handed over at once.
const LINES_AT_ONCE: usize = 1_000;

/// Where to listen, and what becomes of messages.
#[derive(Debug, Clone)]
pub struct SyslogSource {
    /// Where.
    pub address: Address,
    /// Labels and times.
    pub naming: Naming,
    /// Stages of the job.
    pub pipeline: Pipeline,
}

/// A bound socket.
pub enum Bound {
    /// Datagrams.
    Udp(UdpSocket),
    /// Connections.
    Tcp(TcpListener),
}

impl SyslogSource {
    /// Takes the address.
    ///
    /// # Errors
    /// A sentence for people.
    pub async fn bind(&self) -> Result<Bound, String> {
        let Address { transport, host } = &self.address;
        let said = |error: std::io::Error| format!("cannot listen for syslog on {}: {error}", self.address);
        match transport {
            Transport::Udp => {
                let socket = UdpSocket::bind(host).await.map_err(said)?;
                // A burst outlives the moment in which the store is busy. The system allows others than root less.
                if sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER).is_err() {
                    let _as_much_as_there_is = sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER);
                }
                Ok(Bound::Udp(socket))
            }
            Transport::Tcp | Transport::Tls => Ok(Bound::Tcp(TcpListener::bind(host).await.map_err(said)?)),
        }
    }
}

impl Bound {
    /// The address, with the port that the system chose where none was named.
    ///
    /// # Errors
    /// The system does not say.
    pub fn local_address(&self) -> std::io::Result<SocketAddr> {
        match self {
            Self::Udp(socket) => socket.local_addr(),
            Self::Tcp(listener) => listener.local_addr(),
        }
    }

    /// Reads until it is dropped.
    pub async fn run(self, source: Arc<SyslogSource>, work: Work) {
        match self {
            Self::Udp(socket) => datagrams(&socket, &source, &work).await,
            Self::Tcp(listener) => {
                let of_one = work.clone();
                let one = move |wire, peer| connection(wire, peer, Arc::clone(&source), of_one.clone());
                connections::serve(listener, work, one).await;
            }
        }
    }
}

async fn datagrams(socket: &UdpSocket, source: &SyslogSource, work: &Work) {
    let mut shaper = Shaper::new(&source.pipeline, &work.stamps, &work.clock);
    let mut buf = vec![0; DATAGRAM_BYTES];
    loop {
        let (mut lines, mut from) = (Vec::new(), None);
        match timeout(TICK, socket.recv_from(&mut buf)).await {
            Ok(Ok((read, peer))) => {
                from = Some(peer);
                take(&buf[..read], &peer.ip().to_canonical().to_string(), source, work, &mut shaper, &mut lines);
                // What else is there already goes along.
                while lines.len() < LINES_AT_ONCE {
                    let Ok((read, peer)) = socket.try_recv_from(&mut buf) else { break };
                    take(&buf[..read], &peer.ip().to_canonical().to_string(), source, work, &mut shaper, &mut lines);
                }
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "a datagram could not be read");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(_) => shaper.flush(Flush::Due, &mut lines),
        }
        if !lines.is_empty() {
            let peer = from.map(|peer| peer.ip().to_canonical().to_string()).unwrap_or_default();
            work.inlet.send_or_drop(lines, work.clock.now_ms(), &peer);
        }
    }
}

async fn connection(mut wire: Wire, peer: Arc<str>, source: Arc<SyslogSource>, work: Work) -> Result<(), Ended> {
    let mut shaper = Shaper::new(&source.pipeline, &work.stamps, &work.clock);
    let mut framer = Framer::new(MESSAGE_BYTES_MAX);
    let brake = Brake::new(&peer);
    let mut buf = vec![0; READ_BYTES];
    let mut quiet = Duration::ZERO;
    loop {
        let mut lines = Vec::new();
        let read = match timeout(TICK, wire.read(&mut buf)).await {
            Ok(Ok(read)) => read,
            Ok(Err(_)) => 0,
            Err(_) => {
                quiet += TICK;
                shaper.flush(Flush::Due, &mut lines);
                if !lines.is_empty() {
                    work.inlet.send(lines, &brake).await?;
                }
                if quiet >= IDLE {
                    return Ok(());
                }
                continue;
            }
        };
        quiet = Duration::ZERO;
        framer.push(&buf[..read]);
        loop {
            let message = if read == 0 { framer.last_message() } else { framer.next_message() };
            let Some(message) = message else { break };
            take(message, &peer, &source, &work, &mut shaper, &mut lines);
            if lines.len() >= LINES_AT_ONCE {
                work.inlet.send(std::mem::take(&mut lines), &brake).await?;
            }
        }
        if read == 0 {
            shaper.flush(Flush::All, &mut lines);
        }
        if !lines.is_empty() {
            // Not reading on while this waits is what makes the sender wait.
            work.inlet.send(lines, &brake).await?;
        }
        if read == 0 {
            return Ok(());
        }
    }
}

fn take(message: &[u8], peer: &str, source: &SyslogSource, work: &Work, shaper: &mut Shaper, lines: &mut Vec<Line>) {
    let (entry, is_known) = source.naming.entry(message, peer, work.clock.now_ms());
    if !is_known {
        work.inlet.counts().odd(work.clock.now_ms(), peer, "what came is no syslog message; it is kept as it is");
    }
    if let Some(entry) = entry {
        shaper.shape(entry, lines);
    }
}
