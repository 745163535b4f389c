//! From a name to a connection: which address, how it is reached, how TLS is agreed on.

use std::hash::Hasher;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Hosts, TokioResolver};
use parking_lot::Mutex;
use tokio::net::{TcpSocket, TcpStream};

use super::record::Record;
use super::{Deadline, Late};
use crate::base::clock::SharedClock;
use crate::platform::http::client::{Agreed, ClientSettings, Credentials, Refused, Stream, TlsSettings, WatchedTls};
use crate::uptime::config::Preference;
use crate::uptime::model::outcome::FailureKind;

/// How long the machine's own lists of names and name servers are believed.
const LISTS_FRESH: Duration = Duration::from_secs(5);
/// How long files of keys and authorities are believed.
const FILES_FRESH: Duration = Duration::from_secs(60);
/// Settings of TLS, and of who we are, that are kept ready.
const PLANS_MAX: usize = 256;
/// Most addresses of a name that are looked at.
const ADDRESSES_MAX: usize = 64;

/// Finds addresses. What is found is not kept: a probe wants to know what is true now.
pub(super) struct Dialler {
    clock: SharedClock,
    resolver: Mutex<Option<(Duration, Arc<Names>)>>,
}

/// The machine's ways from names to addresses.
struct Names {
    resolver: TokioResolver,
    /// Its own list. A name that stands there is asked about nowhere else, as in Go.
    hosts: Hosts,
}

impl Dialler {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, resolver: Mutex::default() }
    }

    fn names(&self) -> Result<Arc<Names>, String> {
        let now = self.clock.monotonic();
        let mut kept = self.resolver.lock();
        if let Some((_, names)) = kept.as_ref().filter(|(since, _)| now.saturating_sub(*since) < LISTS_FRESH) {
            return Ok(Arc::clone(names));
        }
        let mut builder = TokioResolver::builder_tokio().map_err(|error| format!("the list of name servers cannot be read: {error}"))?;
        builder.options_mut().cache_size = 0;
        let resolver = builder.build().map_err(|error| error.to_string())?;
        let names = Arc::new(Names { resolver, hosts: Hosts::from_system().unwrap_or_default() });
        *kept = Some((now, Arc::clone(&names)));
        Ok(names)
    }

    /// Addresses of a name, those of one kind.
    async fn addresses(&self, name: &str, kind: RecordType) -> Result<Vec<IpAddr>, String> {
        let names = self.names()?;
        if let Some(listed) = names.listed(name) {
            let wants_ip4 = kind == RecordType::A;
            return Ok(listed.into_iter().filter(|address| address.is_ipv4() == wants_ip4).collect());
        }
        match names.resolver.lookup(name, kind).await {
            Ok(found) => Ok(found.answers().iter().filter_map(|record| address(&record.data)).take(ADDRESSES_MAX).collect()),
            Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Ok(Vec::new()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Every address of a name that is wanted, the dearer kind first.
    pub(super) async fn all(&self, name: &str, preference: Preference) -> Result<Vec<IpAddr>, String> {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            let fits = preference.fallback || address.is_ipv4() == preference.ip4;
            let kind = if preference.ip4 { "IPv4" } else { "IPv6" };
            return if fits { Ok(vec![address]) } else { Err(format!("{bare} is no {kind} address")) };
        }
        let (first, second) = if preference.ip4 { (RecordType::A, RecordType::AAAA) } else { (RecordType::AAAA, RecordType::A) };
        if !preference.fallback {
            return self.addresses(bare, first).await;
        }
        let (dear, other) = tokio::join!(self.addresses(bare, first), self.addresses(bare, second));
        match (dear, other) {
            (Err(why), Err(_)) => Err(why),
            (dear, other) => {
                let mut all = dear.unwrap_or_default();
                all.extend(other.unwrap_or_default());
                Ok(all)
            }
        }
    }

    /// The address that a target is probed by, with the gauges about it. None with a failure written down.
    pub(super) async fn choose(
        &self,
        record: &mut Record,
        deadline: &Deadline,
        name: &str,
        preference: Preference,
    ) -> (Option<IpAddr>, Duration) {
        for gauge in ["probe_ip_protocol", "probe_dns_lookup_time_seconds", "probe_ip_addr_hash"] {
            record.gauges().show(gauge);
        }
        record.note("looking for the address", &[("name", name), ("prefers", if preference.ip4 { "ip4" } else { "ip6" })]);
        let started = record.now();
        let found = deadline.within(self.all(name, preference)).await;
        let took = record.now().saturating_sub(started);
        record.gauges().set("probe_dns_lookup_time_seconds", took.as_secs_f64());
        record.found.outcome.phases.resolve = Some(took);
        let address = match found {
            Err(Late) => {
                record.late(&format!("the address of {name} was looked for"));
                None
            }
            Ok(Err(why)) => {
                record.fail(FailureKind::Resolve, format!("no address was found for {name}: {why}"));
                None
            }
            Ok(Ok(all)) => {
                if all.is_empty() {
                    let kind = match (preference.fallback, preference.ip4) {
                        (true, _) => "",
                        (_, true) => "IPv4 ",
                        (_, false) => "IPv6 ",
                    };
                    record.fail(FailureKind::Resolve, format!("the name {name} has no {kind}address"));
                }
                all.first().copied()
            }
        };
        if let Some(address) = address {
            record.note("found the address", &[("name", name), ("ip", &address.to_string())]);
            record.address(address);
            record.gauges().set("probe_ip_protocol", if address.is_ipv4() { 4.0 } else { 6.0 });
            record.gauges().set("probe_ip_addr_hash", f64::from(hash(address)));
        }
        (address, took)
    }
}

impl Names {
    /// What the machine's own list has of a name; none when it does not stand there.
    fn listed(&self, name: &str) -> Option<Vec<IpAddr>> {
        let name = Name::from_utf8(name).ok()?;
        let of_kind = |kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind));
        let (four, sixteen) = (of_kind(RecordType::A), of_kind(RecordType::AAAA));
        if four.is_none() && sixteen.is_none() {
            return None;
        }
        let found = four.iter().chain(&sixteen).flat_map(|found| found.answers().iter().filter_map(|record| address(&record.data)));
        Some(found.take(ADDRESSES_MAX).collect())
    }
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(found) => Some(IpAddr::V4(found.0)),
        RData::AAAA(found) => Some(IpAddr::V6(found.0)),
        _ => None,
    }
}

/// FNV-1a of the address' bytes, in 32 bits.
fn hash(address: IpAddr) -> u32 {
    let mut hasher = Fnv(0x811c_9dc5);
    match address.to_canonical() {
        IpAddr::V4(four) => hasher.write(&four.octets()),
        IpAddr::V6(sixteen) => hasher.write(&sixteen.octets()),
    }
    hasher.0
}

struct Fnv(u32);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        u64::from(self.0)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }
}

/// Connects, from `source` if there is one.
pub(super) async fn connect(to: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What is read from files once for many probes: keys, authorities, tokens.
pub(super) struct Plans {
    clock: SharedClock,
    tls: Mutex<Vec<(TlsSettings, Duration, Arc<WatchedTls>)>>,
    credentials: Mutex<Vec<(ClientSettings, Arc<Credentials>)>>,
}

impl Plans {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, tls: Mutex::default(), credentials: Mutex::default() }
    }

    /// TLS by settings. The name of the server plays no part in it.
    pub(super) async fn tls(&self, settings: &TlsSettings) -> Result<Arc<WatchedTls>, String> {
        let settings = TlsSettings { server_name: String::new(), ..settings.clone() };
        let now = self.clock.monotonic();
        {
            let mut kept = self.tls.lock();
            kept.retain(|(_, since, _)| now.saturating_sub(*since) < FILES_FRESH);
            if let Some((_, _, plan)) = kept.iter().find(|(known, _, _)| *known == settings) {
                return Ok(Arc::clone(plan));
            }
        }
        let read = settings.clone();
        let plan = tokio::task::spawn_blocking(move || WatchedTls::read(&read)).await.map_err(|error| error.to_string())??;
        let plan = Arc::new(plan);
        let mut kept = self.tls.lock();
        if kept.len() >= PLANS_MAX {
            kept.clear();
        }
        kept.push((settings, now, Arc::clone(&plan)));
        Ok(plan)
    }

    /// Who we are by settings; tokens are kept as long as they last.
    pub(super) fn credentials(&self, settings: &ClientSettings) -> Arc<Credentials> {
        let mut kept = self.credentials.lock();
        if let Some((_, credentials)) = kept.iter().find(|(known, _)| known == settings) {
            return Arc::clone(credentials);
        }
        if kept.len() >= PLANS_MAX {
            kept.clear();
        }
        let credentials = Arc::new(Credentials::new(settings.clone(), self.clock.clone()));
        kept.push((settings.clone(), Arc::clone(&credentials)));
        credentials
    }
}

/// Agrees on TLS within the time. None with the failure, and the certificates shown, written down.
pub(super) async fn agree(
    plan: &WatchedTls,
    stream: Box<dyn Stream>,
    name: &str,
    protocols: &[&[u8]],
    record: &mut Record,
    deadline: &Deadline,
) -> Option<(Box<dyn Stream>, Agreed)> {
    let started = record.now();
    match deadline.within(plan.secure(stream, name, protocols)).await {
        Err(Late) => {
            record.late("TLS was being agreed on");
            None
        }
        Ok(Err(Refused { why, certificates, is_no_tls })) => {
            record.certificates(&certificates);
            record.fail(if is_no_tls { FailureKind::Protocol } else { FailureKind::Tls }, why);
            None
        }
        Ok(Ok((stream, agreed))) => {
            let took = record.now().saturating_sub(started);
            let tls = &mut record.found.outcome.phases.tls;
            *tls = Some(tls.unwrap_or_default() + took);
            record.note("TLS is agreed on", &[("version", agreed.version), ("cipher", &agreed.cipher)]);
            Some((stream, agreed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hash_as_upstream() {
        // From Go's hash/fnv.
        assert_eq!(hash("127.0.0.1".parse().unwrap()), 0xdaaf_40ed);
        assert_eq!(hash("::ffff:127.0.0.1".parse().unwrap()), hash("127.0.0.1".parse().unwrap()));
    }
}
