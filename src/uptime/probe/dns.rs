//! DNS: one question to one name server, over UDP, TCP or TLS, and what has to hold of the answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, Record as ResourceRecord, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

use super::conversation::secure;
use super::dial::connect;
use super::record::Record;
use super::{Late, Probing, connect_words, split_host_port};
use crate::platform::http::client::Stream;
use crate::uptime::config::{DnsModule, DnsRecords, class, record_type};
use crate::uptime::model::outcome::FailureKind;

/// Largest message.
const MESSAGE_BYTES_MAX: usize = 65_535;
/// Codes by number.
const CODES: [&str; 24] = [
    "NOERROR",
    "FORMERR",
    "SERVFAIL",
    "NXDOMAIN",
    "NOTIMP",
    "REFUSED",
    "YXDOMAIN",
    "YXRRSET",
    "NXRRSET",
    "NOTAUTH",
    "NOTZONE",
    "11",
    "12",
    "13",
    "14",
    "15",
    "BADSIG",
    "BADKEY",
    "BADTIME",
    "BADMODE",
    "BADNAME",
    "BADALG",
    "BADTRUNC",
    "BADCOOKIE",
];

/// Makes the probe.
pub(super) async fn probe(probing: &Probing<'_>, record: &mut Record, module: &DnsModule, target: &str) {
    for phase in ["resolve", "connect", "request"] {
        record.gauges().add_with("probe_dns_duration_seconds", &[("phase", phase)], 0.0);
    }
    for gauge in ["probe_dns_answer_rrs", "probe_dns_authority_rrs", "probe_dns_additional_rrs", "probe_dns_query_succeeded"] {
        record.gauges().show(gauge);
    }
    let is_tcp = match module.transport.as_str() {
        "" | "udp" if module.is_tls => return record.fail(FailureKind::Target, "TLS needs the transport protocol tcp"),
        "" | "udp" => false,
        "tcp" => true,
        other => return record.fail(FailureKind::Target, format!("the transport protocol is neither udp nor tcp: {other}")),
    };
    let usual = if module.is_tls { 853 } else { 53 };
    let bare = target.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(target).to_owned();
    let (host, port) = split_host_port(target).unwrap_or((bare, usual));
    let (address, took) = probing.prober.dialler.choose(record, &probing.deadline, &host, module.address).await;
    let Some(address) = address else { return };
    record.gauges().add_with("probe_dns_duration_seconds", &[("phase", "resolve")], took.as_secs_f64());
    let Some((question, kind)) = question(module, record) else { return };
    let to = SocketAddr::new(address, port);
    record.note("asking", &[("server", &to.to_string()), ("name", &module.query_name), ("type", &kind.to_string())]);
    let mut wire = Wire { connect: Duration::ZERO, request: Duration::ZERO };
    let answer = if is_tcp {
        over_tcp(probing, record, module, (to, &host), &question, &mut wire).await
    } else {
        over_udp(probing, record, module, to, &question, &mut wire).await
    };
    record.gauges().add_with("probe_dns_duration_seconds", &[("phase", "connect")], wire.connect.as_secs_f64());
    record.gauges().add_with("probe_dns_duration_seconds", &[("phase", "request")], wire.request.as_secs_f64());
    let phases = &mut record.found.outcome.phases;
    phases.connect = is_tcp.then_some(wire.connect);
    let Some(answer) = answer else { return };
    phases.processing = Some(wire.request);
    judge(&answer, kind, module, record);
}

/// Where the time went.
struct Wire {
    connect: Duration,
    request: Duration,
}

fn question(module: &DnsModule, record: &mut Record) -> Option<(Vec<u8>, RecordType)> {
    let mut name = match Name::from_ascii(&module.query_name).or_else(|_| Name::from_utf8(&module.query_name)) {
        Ok(name) => name,
        Err(error) => {
            record.fail(FailureKind::Target, format!("{:?} is no name that can be asked about: {error}", module.query_name));
            return None;
        }
    };
    name.set_fqdn(true);
    let kind = record_type(&module.query_type).unwrap_or(RecordType::ANY);
    let mut query = Query::query(name, kind);
    query.set_query_class(class(&module.query_class).unwrap_or(hickory_proto::rr::DNSClass::IN));
    let mut message = Message::new(random_id(), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = module.recursion;
    message.add_query(query);
    match message.to_vec() {
        Ok(bytes) => Some((bytes, kind)),
        Err(error) => {
            record.fail(FailureKind::Target, format!("the question cannot be written: {error}"));
            None
        }
    }
}

fn random_id() -> u16 {
    let mut bytes = [0; 2];
    // Without the system's help the number is only easier to guess.
    let _left_as_it_is = getrandom::fill(&mut bytes).is_err();
    u16::from_be_bytes(bytes)
}

async fn over_udp(
    probing: &Probing<'_>,
    record: &mut Record,
    module: &DnsModule,
    to: SocketAddr,
    question: &[u8],
    wire: &mut Wire,
) -> Option<Message> {
    let started = record.now();
    let any = if to.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let opened = async {
        let socket = UdpSocket::bind(SocketAddr::new(module.source.unwrap_or(any), 0)).await?;
        socket.connect(to).await?;
        Ok::<_, std::io::Error>(socket)
    };
    let socket = match opened.await {
        Ok(socket) => socket,
        Err(error) => {
            let (kind, why) = connect_words(&error, &to.to_string());
            record.fail(kind, why);
            return None;
        }
    };
    wire.connect = record.now().saturating_sub(started);
    let sent = record.now();
    let asked = async {
        socket.send(question).await?;
        let mut buffer = vec![0; MESSAGE_BYTES_MAX];
        loop {
            let count = socket.recv(&mut buffer).await?;
            // Answers to other questions are nobody's.
            if count >= 2 && buffer[..2] == question[..2] {
                buffer.truncate(count);
                return Ok::<_, std::io::Error>(buffer);
            }
        }
    };
    let asked = probing.deadline.within(asked).await;
    wire.request = record.now().saturating_sub(sent);
    read_answer(asked, to, record)
}

async fn over_tcp(
    probing: &Probing<'_>,
    record: &mut Record,
    module: &DnsModule,
    (to, host): (SocketAddr, &str),
    question: &[u8],
    wire: &mut Wire,
) -> Option<Message> {
    let started = record.now();
    let mut stream: Box<dyn Stream> = match probing.deadline.within(connect(to, module.source)).await {
        Err(Late) => {
            record.late(&format!("a connection to {to} was being opened"));
            return None;
        }
        Ok(Err(error)) => {
            let (kind, why) = connect_words(&error, &to.to_string());
            record.fail(kind, why);
            return None;
        }
        Ok(Ok(stream)) => Box::new(stream),
    };
    if module.is_tls {
        let (secured, agreed) = secure(probing, record, stream, &module.tls, host).await?;
        record.certificates(&agreed.certificates);
        stream = secured;
    }
    wire.connect = record.now().saturating_sub(started);
    let sent = record.now();
    let asked = async {
        let mut framed = u16::try_from(question.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
        framed.extend_from_slice(question);
        stream.write_all(&framed).await?;
        stream.flush().await?;
        let len = stream.read_u16().await?;
        let mut buffer = vec![0; usize::from(len)];
        stream.read_exact(&mut buffer).await?;
        Ok::<_, std::io::Error>(buffer)
    };
    let asked = probing.deadline.within(asked).await;
    wire.request = record.now().saturating_sub(sent);
    let answer = read_answer(asked, to, record)?;
    if answer.metadata.id.to_be_bytes() != question[..2] {
        record.fail(FailureKind::Protocol, "the answer is to another question");
        return None;
    }
    Some(answer)
}

fn read_answer(asked: Result<std::io::Result<Vec<u8>>, Late>, to: SocketAddr, record: &mut Record) -> Option<Message> {
    match asked {
        Err(Late) => record.late("the name server was asked"),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            record.fail(FailureKind::Protocol, "the name server hung up without an answer");
        }
        Ok(Err(error)) => {
            let (kind, why) = connect_words(&error, &to.to_string());
            record.fail(kind, why);
        }
        Ok(Ok(bytes)) => match Message::from_vec(&bytes) {
            Ok(message) => return Some(message),
            Err(error) => record.fail(FailureKind::Protocol, format!("what came is no answer of the DNS: {error}")),
        },
    }
    None
}

fn judge(answer: &Message, kind: RecordType, module: &DnsModule, record: &mut Record) {
    let extra = answer.additionals.len() + usize::from(answer.edns.is_some());
    record.gauges().set("probe_dns_answer_rrs", answer.answers.len() as f64);
    record.gauges().set("probe_dns_authority_rrs", answer.authorities.len() as f64);
    record.gauges().set("probe_dns_additional_rrs", extra as f64);
    record.gauges().set("probe_dns_query_succeeded", 1.0);
    if kind == RecordType::SOA {
        record.gauges().show("probe_dns_serial");
        for found in &answer.answers {
            if let RData::SOA(soa) = &found.data {
                record.gauges().set("probe_dns_serial", f64::from(soa.serial));
            }
        }
    }
    if !code(answer.metadata.response_code, module, record) {
        return;
    }
    for (section, found, wanted) in [
        ("answer", &answer.answers, &module.answer),
        ("authority", &answer.authorities, &module.authority),
        ("additional", &answer.additionals, &module.additional),
    ] {
        let lines: Vec<String> = found.iter().map(line).collect();
        for line in &lines {
            record.note("a record", &[("section", section), ("record", line)]);
        }
        if let Some(why) = wrong(&lines, wanted) {
            record.excerpt(lines.join("\n").as_bytes());
            record.fail(FailureKind::Content, format!("in the section {section}: {why}"));
            return;
        }
    }
}

fn code(found: ResponseCode, module: &DnsModule, record: &mut Record) -> bool {
    let number = usize::from(u16::from(found));
    let word = CODES.get(number).map_or_else(|| number.to_string(), |word| (*word).to_owned());
    let usual = ["NOERROR".to_owned()];
    let valid = module.valid_rcodes.as_deref().unwrap_or(&usual);
    if let Some(unknown) = valid.iter().find(|valid| !CODES.contains(&valid.as_str()) && *valid != "BADVERS") {
        record.fail(FailureKind::Target, format!("the module names a code that nobody knows: {unknown}"));
        return false;
    }
    if valid.iter().any(|valid| *valid == word || (valid == "BADVERS" && word == "BADSIG")) {
        return true;
    }
    record.fail(FailureKind::Status, format!("the name server answered {word}, expected {}", valid.join(" or ")));
    false
}

/// What is wrong with the records of a section.
fn wrong(lines: &[String], wanted: &DnsRecords) -> Option<String> {
    if lines.is_empty() && (!wanted.fail_if_not_matches.is_empty() || !wanted.fail_if_none_matches.is_empty()) {
        return Some("there are no records".to_owned());
    }
    let (mut all, mut any) = (true, false);
    for line in lines {
        let bytes = line.as_bytes();
        if let Some(pattern) = wanted.fail_if_matches.iter().find(|pattern| pattern.is_match(bytes)) {
            return Some(format!("a record matches {:?}: {line:?}", pattern.as_str()));
        }
        all &= wanted.fail_if_all_match.iter().all(|pattern| pattern.is_match(bytes));
        if let Some(pattern) = wanted.fail_if_not_matches.iter().find(|pattern| !pattern.is_match(bytes)) {
            return Some(format!("a record does not match {:?}: {line:?}", pattern.as_str()));
        }
        any |= wanted.fail_if_none_matches.iter().any(|pattern| pattern.is_match(bytes));
    }
    // As upstream, whose code does the opposite of what the key says.
    if !wanted.fail_if_all_match.is_empty() && !all {
        return Some("not all records match".to_owned());
    }
    (!wanted.fail_if_none_matches.is_empty() && !any).then(|| "no record matches".to_owned())
}

/// A record in one line, with tabs, as zone files and upstream have it.
fn line(found: &ResourceRecord) -> String {
    format!("{}\t{}\t{}\t{}\t{}", found.name, found.ttl, found.dns_class, found.record_type(), data(&found.data))
}

fn data(data: &RData) -> String {
    match data {
        RData::MX(mx) => format!("{} {}", mx.preference, mx.exchange),
        RData::SRV(srv) => format!("{} {} {} {}", srv.priority, srv.weight, srv.port, srv.target),
        RData::SOA(soa) => {
            format!("{} {} {} {} {} {} {}", soa.mname, soa.rname, soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum)
        }
        RData::TXT(txt) => {
            let quoted = |bytes: &[u8]| {
                let mut out = String::from("\"");
                for byte in bytes {
                    match byte {
                        b'"' | b'\\' => out.extend(['\\', char::from(*byte)]),
                        0x20..0x7f => out.push(char::from(*byte)),
                        other => out.push_str(&format!("\\{other:03}")),
                    }
                }
                out.push('"');
                out
            };
            txt.txt_data.iter().map(|bytes| quoted(bytes)).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}
