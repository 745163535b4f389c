//! ICMP: an echo request and its reply, by a socket for that purpose, or by a raw one where the system gives none.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::record::Record;
use super::{Late, Probing};
use crate::uptime::config::IcmpModule;
use crate::uptime::model::outcome::FailureKind;

/// What is sent along unless a size is set.
const PAYLOAD: &[u8] = b"pharos asks for an echo, thanks";
/// Bytes of a packet's head.
const IP4_HEAD: usize = 20;
/// Bytes of an echo's head.
const ECHO_HEAD: usize = 8;
/// How many routers a packet may pass where the module does not say.
const TTL_USUAL: u8 = 64;

/// Numbers of requests, so that each reply finds its own.
#[derive(Debug)]
pub(super) struct Echoes {
    sequence: AtomicU16,
}

impl Default for Echoes {
    fn default() -> Self {
        Self { sequence: AtomicU16::new(random()) }
    }
}

fn random() -> u16 {
    let mut bytes = [0; 2];
    // Without the system's help several servers may begin with the same number.
    let _left_as_it_is = getrandom::fill(&mut bytes).is_err();
    u16::from_be_bytes(bytes)
}

/// Makes the probe.
pub(super) async fn probe(probing: &Probing<'_>, record: &mut Record, module: &IcmpModule, target: &str) {
    for phase in ["resolve", "setup", "rtt"] {
        record.gauges().add_with("probe_icmp_duration_seconds", &[("phase", phase)], 0.0);
    }
    let (address, took) = probing.prober.dialler.choose(record, &probing.deadline, target, module.address).await;
    let Some(address) = address else { return };
    record.gauges().add_with("probe_icmp_duration_seconds", &[("phase", "resolve")], took.as_secs_f64());
    let started = record.now();
    let sequence = probing.prober.echoes.sequence.fetch_add(1, Ordering::Relaxed);
    let echo = match Echo::open(address, module, sequence) {
        Ok(echo) => echo,
        Err(error) => return record.fail(FailureKind::Connect, words(&error)),
    };
    let setup = record.now().saturating_sub(started);
    record.gauges().add_with("probe_icmp_duration_seconds", &[("phase", "setup")], setup.as_secs_f64());
    let sent = record.now();
    match probing.deadline.within(echo.exchange()).await {
        Err(Late) => record.fail(FailureKind::Timeout, format!("no echo came from {address}")),
        Ok(Err(error)) => record.fail(FailureKind::Connect, words(&error)),
        Ok(Ok(hops)) => {
            let took: Duration = record.now().saturating_sub(sent);
            record.gauges().add_with("probe_icmp_duration_seconds", &[("phase", "rtt")], took.as_secs_f64());
            record.found.outcome.phases.processing = Some(took);
            if let Some(hops) = hops {
                record.gauges().set("probe_icmp_reply_hop_limit", f64::from(hops));
            }
            record.note("the echo came", &[]);
        }
    }
}

fn words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => "the system allows this server no echo requests: allow its group in \
             net.ipv4.ping_group_range, or give it the capability NET_RAW"
            .to_owned(),
        Some(libc::EMSGSIZE) => "the packet is too large for the way, and may not be split".to_owned(),
        Some(libc::ENETUNREACH) => "the network cannot be reached".to_owned(),
        Some(libc::EHOSTUNREACH) => "the host cannot be reached".to_owned(),
        _ => format!("no echo request can be sent: {error}"),
    }
}

/// How the socket sees packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Made for echoes; the system sets the number of the asker.
    Echo,
    /// Raw, with heads of packets coming in (IPv4).
    Raw,
    /// Raw, and heads of packets go out too.
    WithHead,
}

struct Echo {
    /// Not of UDP, but sent to and read from in the same way.
    socket: UdpSocket,
    kind: Kind,
    to: IpAddr,
    /// The request, its head included where that is ours to write.
    request: Vec<u8>,
    id: u16,
    sequence: u16,
    payload: Vec<u8>,
}

impl Echo {
    fn open(to: IpAddr, module: &IcmpModule, sequence: u16) -> io::Result<Self> {
        let (domain, protocol) = if to.is_ipv4() { (Domain::IPV4, Protocol::ICMPV4) } else { (Domain::IPV6, Protocol::ICMPV6) };
        let (socket, kind) = if module.dont_fragment && to.is_ipv4() {
            (Socket::new(domain, Type::RAW, Some(protocol))?, Kind::WithHead)
        } else {
            match Socket::new(domain, Type::DGRAM, Some(protocol)) {
                Ok(socket) => (socket, Kind::Echo),
                Err(_) => (Socket::new(domain, Type::RAW, Some(protocol))?, Kind::Raw),
            }
        };
        socket.set_nonblocking(true)?;
        if let Some(source) = module.source {
            socket.bind(&SockAddr::from(SocketAddr::new(source, 0)))?;
        }
        if to.is_ipv4() {
            setsockopt(&socket, sockopt::Ipv4RecvTtl, &true)?;
        } else {
            setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true)?;
        }
        if kind == Kind::WithHead {
            socket.set_header_included_v4(true)?;
        } else if module.ttl > 0 {
            if to.is_ipv4() {
                socket.set_ttl_v4(u32::from(module.ttl))?;
            } else {
                socket.set_unicast_hops_v6(u32::from(module.ttl))?;
            }
        }
        let mut payload = PAYLOAD.to_vec();
        if module.payload_size > 0 {
            payload.resize(module.payload_size, 0);
        }
        let id = random();
        let mut request = packet(if to.is_ipv4() { 8 } else { 128 }, id, sequence, &payload);
        if to.is_ipv4() {
            // The system fills it in for IPv6.
            let sum = checksum(&request);
            request[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        if let (Kind::WithHead, IpAddr::V4(address)) = (kind, to) {
            request = with_head(address, module, &request);
        }
        Ok(Self { socket: UdpSocket::from_std(std::net::UdpSocket::from(socket))?, kind, to, request, id, sequence, payload })
    }

    /// Sends the request and waits for the reply; gives what was left of its hops, where the system says.
    async fn exchange(&self) -> io::Result<Option<u8>> {
        self.socket.send_to(&self.request, SocketAddr::new(self.to, 0)).await?;
        let mut buffer = vec![0; 65_536];
        loop {
            self.socket.readable().await?;
            let (count, from, hops) = match self.socket.try_io(Interest::READABLE, || receive(&self.socket, &mut buffer)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                read => read?,
            };
            if from.is_some_and(|from| from != self.to) {
                continue;
            }
            let (head, reply) = if self.kind != Kind::Echo && self.to.is_ipv4() {
                let len = usize::from(buffer[0] & 0x0f) * 4;
                (Some(buffer[8]), buffer.get(len..count).unwrap_or_default())
            } else {
                (None, &buffer[..count])
            };
            if self.is_mine(reply) {
                return Ok(hops.or(head));
            }
        }
    }

    fn is_mine(&self, reply: &[u8]) -> bool {
        let kind = if self.to.is_ipv4() { 0 } else { 129 };
        reply.len() == ECHO_HEAD + self.payload.len()
            && reply[0] == kind
            && reply[1] == 0
            && (self.kind == Kind::Echo || reply[4..6] == self.id.to_be_bytes())
            && reply[6..8] == self.sequence.to_be_bytes()
            && reply[8..] == self.payload
    }
}

fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, Option<IpAddr>, Option<u8>)> {
    let mut parts = [IoSliceMut::new(buffer)];
    let mut control = nix::cmsg_space!([u8; 64]);
    let got = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::MSG_DONTWAIT)?;
    let hops = got.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::Ipv4Ttl(hops) | ControlMessageOwned::Ipv6HopLimit(hops) => u8::try_from(hops).ok(),
        _ => None,
    });
    let from = got.address.and_then(|from| match (from.as_sockaddr_in(), from.as_sockaddr_in6()) {
        (Some(four), _) => Some(IpAddr::V4(four.ip())),
        (_, Some(sixteen)) => Some(IpAddr::V6(sixteen.ip())),
        _ => None,
    });
    Ok((got.bytes, from, hops))
}

fn packet(kind: u8, id: u16, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind, 0, 0, 0];
    packet.extend_from_slice(&id.to_be_bytes());
    packet.extend_from_slice(&sequence.to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

/// The packet with a head that forbids to split it. The system fills in who sends, and the head's checksum.
fn with_head(to: Ipv4Addr, module: &IcmpModule, echo: &[u8]) -> Vec<u8> {
    let len = u16::try_from(IP4_HEAD + echo.len()).unwrap_or(u16::MAX);
    let ttl = if module.ttl > 0 { module.ttl } else { TTL_USUAL };
    let source = match module.source {
        Some(IpAddr::V4(source)) => source.octets(),
        _ => [0; 4],
    };
    let mut packet = vec![0x45, 0];
    packet.extend_from_slice(&len.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0x40, 0, ttl, 1, 0, 0]);
    packet.extend_from_slice(&source);
    packet.extend_from_slice(&to.octets());
    packet.extend_from_slice(echo);
    packet
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_make_the_sum_zero() {
        let mut echo = packet(8, 0x1234, 7, b"odd");
        let sum = checksum(&echo);
        echo[2..4].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(checksum(&echo), 0);
    }
}
