//! Targets from names in the DNS: SRV, A, AAAA, MX and NS records.

use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolveHosts;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{RData, RecordType};

use super::{ProviderStatus, Sink, TargetGroup};
use crate::metrics::model::config::{DnsRecord, DnsSd};
use crate::series::labels::Labels;

/// Most records taken of one name.
const RECORDS_MAX: usize = 50_000;

/// Looks up again and again until nobody listens.
pub async fn run(config: DnsSd, sink: Sink, status: ProviderStatus) {
    let interval = config.refresh_interval.to_std().max(Duration::from_millis(100));
    let mut ticker = tokio::time::interval(interval);
    ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // One group per name; a name that cannot be looked up keeps its group.
    let mut groups: Vec<Option<TargetGroup>> = vec![None; config.names.len()];
    let mut sent = None;
    loop {
        ticker.tick().await;
        // Built anew each time: `resolv.conf` may have changed.
        let resolver = match system_resolver() {
            Ok(resolver) => resolver,
            Err(error) => {
                status.note("dns", Err(error));
                continue;
            }
        };
        let lookups = config.names.iter().map(|name| lookup(&resolver, name, &config));
        let results = futures_util::future::join_all(lookups).await;
        for (group, result) in groups.iter_mut().zip(results) {
            status.stats.looked_up(result.is_err());
            match result {
                Ok(found) => {
                    status.note("dns", Ok(()));
                    *group = Some(found);
                }
                Err(error) => status.note("dns", Err(error)),
            }
        }
        if sent.as_ref() != Some(&groups) {
            sent = Some(groups.clone());
            if !sink.send(groups.iter().flatten().cloned().collect()).await {
                return;
            }
        }
    }
}

fn system_resolver() -> Result<TokioResolver, String> {
    let mut builder = TokioResolver::builder_tokio().map_err(|error| format!("could not load resolv.conf: {error}"))?;
    let options = builder.options_mut();
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    builder.build().map_err(|error| error.to_string())
}

/// Looks up one name. That it does not exist, or has no such records, is an answer: no targets.
async fn lookup(resolver: &TokioResolver, name: &str, config: &DnsSd) -> Result<TargetGroup, String> {
    let kind = match config.record {
        DnsRecord::Srv => RecordType::SRV,
        DnsRecord::A => RecordType::A,
        DnsRecord::Aaaa => RecordType::AAAA,
        DnsRecord::Mx => RecordType::MX,
        DnsRecord::Ns => RecordType::NS,
    };
    match resolver.lookup(name, kind).await {
        Ok(found) => Ok(group(name, config.port, found.answers().iter().map(|record| &record.data))),
        Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Ok(group(name, config.port, std::iter::empty())),
        Err(error) => Err(format!("could not resolve {name:?}: {error}")),
    }
}

/// The targets that records stand for. Records of other kinds (a CNAME on the way) are passed over.
fn group<'a>(name: &str, port: u16, records: impl Iterator<Item = &'a RData>) -> TargetGroup {
    let mut targets = Vec::new();
    for record in records.take(RECORDS_MAX) {
        let with = |host: &str, port: u16, meta: &[(&str, &str)]| {
            // The final dot of a rooted name stays in the meta label only.
            let address = host_port(host.trim_end_matches('.'), port);
            let own = [("__address__", address.as_str()), ("__meta_dns_name", name)];
            Labels::from_pairs(own.into_iter().chain(meta.iter().copied()))
        };
        targets.push(match record {
            RData::SRV(srv) => {
                let (host, srv_port) = (srv.target.to_string(), srv.port.to_string());
                with(&host, srv.port, &[("__meta_dns_srv_record_target", &host), ("__meta_dns_srv_record_port", &srv_port)])
            }
            RData::MX(mx) => {
                let host = mx.exchange.to_string();
                with(&host, port, &[("__meta_dns_mx_record_target", &host)])
            }
            RData::NS(ns) => {
                let host = ns.0.to_string();
                with(&host, port, &[("__meta_dns_ns_record_target", &host)])
            }
            RData::A(address) => with(&address.0.to_string(), port, &[]),
            RData::AAAA(address) => with(&address.0.to_string(), port, &[]),
            _ => continue,
        });
    }
    // Servers rotate their answers; the order means nothing, and a stable one shows that nothing changed.
    targets.sort();
    TargetGroup { source: name.to_owned(), targets, labels: Labels::empty() }
}

/// `host:port`, with brackets around IPv6.
fn host_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;
    use hickory_resolver::proto::op::{Message, MessageType, OpCode, ResponseCode};
    use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, MX, NS, SRV};
    use hickory_resolver::proto::rr::{Name, Record};

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    #[test]
    fn records_become_targets_with_meta_labels() {
        let cases: [(RData, &[(&str, &str)]); 6] = [
            (
                RData::SRV(SRV::new(0, 0, 9100, name("db.example.com."))),
                &[
                    ("__address__", "db.example.com:9100"),
                    ("__meta_dns_srv_record_target", "db.example.com."),
                    ("__meta_dns_srv_record_port", "9100"),
                ],
            ),
            (
                RData::MX(MX::new(5, name("mail.example.com."))),
                &[("__address__", "mail.example.com:80"), ("__meta_dns_mx_record_target", "mail.example.com.")],
            ),
            (
                RData::NS(NS(name("ns.example.com."))),
                &[("__address__", "ns.example.com:80"), ("__meta_dns_ns_record_target", "ns.example.com.")],
            ),
            (RData::A(A::new(10, 0, 0, 1)), &[("__address__", "10.0.0.1:80")]),
            (RData::AAAA(AAAA("2001:db8::1".parse().unwrap())), &[("__address__", "[2001:db8::1]:80")]),
            (RData::CNAME(CNAME(name("other."))), &[]),
        ];
        for (record, expected) in cases {
            let found = group("q.example.com", 80, std::iter::once(&record));
            let wanted: Vec<Labels> = (!expected.is_empty())
                .then(|| Labels::from_pairs(expected.iter().copied().chain([("__meta_dns_name", "q.example.com")])))
                .into_iter()
                .collect();
            assert_eq!((found.targets, found.source.as_str()), (wanted, "q.example.com"));
        }
    }

    /// A server that knows one name, denies one, and fails for all others.
    async fn serve() -> u16 {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((len, peer)) = socket.recv_from(&mut buffer).await {
                let question = Message::from_vec(&buffer[..len]).unwrap();
                let query = question.queries[0].clone();
                let mut answer = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
                answer.add_query(query.clone());
                match query.name().to_ascii().to_lowercase().as_str() {
                    "known.test." => {
                        answer.add_answer(Record::from_rdata(query.name().clone(), 60, RData::A(A(Ipv4Addr::new(10, 0, 0, 2)))));
                        answer.add_answer(Record::from_rdata(query.name().clone(), 60, RData::A(A(Ipv4Addr::new(10, 0, 0, 1)))));
                    }
                    "denied.test." => answer.metadata.response_code = ResponseCode::NXDomain,
                    _ => answer.metadata.response_code = ResponseCode::ServFail,
                }
                socket.send_to(&answer.to_vec().unwrap(), peer).await.unwrap();
            }
        });
        port
    }

    #[tokio::test]
    async fn absent_names_are_empty_and_failing_servers_are_errors() {
        let mut connection = ConnectionConfig::udp();
        connection.port = serve().await;
        let server = NameServerConfig::new("127.0.0.1".parse().unwrap(), true, vec![connection]);
        let config = ResolverConfig::from_name_servers(vec![server]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        builder.options_mut().attempts = 1;
        builder.options_mut().try_tcp_on_error = false;
        let resolver = builder.build().unwrap();
        let sd = DnsSd { record: DnsRecord::A, port: 9100, ..DnsSd::default() };
        let found = lookup(&resolver, "known.test.", &sd).await.unwrap();
        let addresses: Vec<_> = found.targets.iter().map(|target| target.get("__address__").unwrap()).collect();
        assert_eq!(addresses, ["10.0.0.1:9100", "10.0.0.2:9100"]);
        assert_eq!(lookup(&resolver, "denied.test.", &sd).await.unwrap().targets, []);
        assert!(lookup(&resolver, "broken.test.", &sd).await.is_err());
    }
}
