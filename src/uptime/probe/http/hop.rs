//! One request and the head of its answer, over a connection of its own, directly or through a proxy.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

use super::super::dial::{agree, connect};
use super::super::record::Record;
use super::super::{Late, Probing, connect_words};
use crate::base::secret::Secret;
use crate::platform::http::client::{Agreed, Stream, WatchedTls};
use crate::uptime::config::Preference;
use crate::uptime::model::outcome::FailureKind;

/// Most headers of an answer.
const HEADERS_MAX: usize = 512;
/// Most bytes of headers of an answer.
const HEADERS_BYTES_MAX: usize = 256 * 1024;
/// Most bytes of a proxy's answer.
const PROXY_BYTES_MAX: usize = 16 * 1024;

/// What to ask, and on which way.
pub(super) struct Hop<'h> {
    pub(super) url: &'h Url,
    /// The address that the host has; none when it is to be found.
    pub(super) pinned: Option<IpAddr>,
    /// The proxy on the way.
    pub(super) proxy: Option<&'h Url>,
    /// Headers for the proxy itself.
    pub(super) proxy_headers: &'h [(String, Secret)],
    pub(super) method: &'h Method,
    pub(super) headers: HeaderMap,
    /// The value of `Host`.
    pub(super) host: &'h str,
    pub(super) body: Bytes,
    /// TLS, and the name that the certificate has to be for; none without TLS.
    pub(super) tls: Option<(&'h WatchedTls, &'h str)>,
    pub(super) enable_http2: bool,
}

/// Where the time of one request went, as far as it came.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) is_tls: bool,
    pub(super) resolve: Duration,
    pub(super) connect: Duration,
    pub(super) tls: Duration,
    /// Whether there was a connection to send on.
    pub(super) has_connection: bool,
    pub(super) processing: Option<Duration>,
    /// When the first byte of the answer came.
    pub(super) answered: Duration,
}

/// An answer whose body is still on its way.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    pub(super) agreed: Option<Agreed>,
    /// Keeps the connection going.
    _driver: Driver,
}

struct Driver(tokio::task::JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asks. None with the failure written down.
pub(super) async fn ask(probing: &Probing<'_>, record: &mut Record, trace: &mut Trace, hop: Hop<'_>) -> Option<Answer> {
    trace.is_tls = hop.tls.is_some();
    let stream = reach(probing, record, trace, &hop).await?;
    let (stream, agreed) = match hop.tls {
        None => (stream, None),
        Some((plan, name)) => {
            let started = record.now();
            let protocols: &[&[u8]] = if hop.enable_http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
            let (stream, agreed) = agree(plan, stream, name, protocols, record, &probing.deadline).await?;
            trace.tls = record.now().saturating_sub(started);
            (stream, Some(agreed))
        }
    };
    trace.has_connection = true;
    let is_http2 = agreed.as_ref().is_some_and(|agreed| agreed.is_http2);
    let request = match request(&hop, is_http2) {
        Ok(request) => request,
        Err(why) => {
            record.fail(FailureKind::Target, why);
            return None;
        }
    };
    let sent = record.now();
    let answered = probing.deadline.within(send(stream, request, is_http2)).await;
    let took = record.now().saturating_sub(sent);
    match answered {
        Err(Late) => {
            record.late("an answer was waited for");
            None
        }
        Ok(Err(error)) => {
            let (kind, why) = words(&error);
            record.fail(kind, why);
            None
        }
        Ok(Ok((response, driver))) => {
            trace.processing = Some(took);
            trace.answered = record.now();
            let phases = &mut record.found.outcome.phases;
            phases.processing = Some(phases.processing.unwrap_or_default() + took);
            Some(Answer { response, agreed, _driver: driver })
        }
    }
}

fn request(hop: &Hop<'_>, is_http2: bool) -> Result<Request<Full<Bytes>>, String> {
    let is_through_proxy = hop.proxy.is_some_and(|proxy| hop.url.scheme() == "http" && proxy.scheme().starts_with("http"));
    let path = &hop.url[url::Position::BeforePath..url::Position::AfterQuery];
    let uri = if is_http2 {
        format!("https://{}{path}", hop.host)
    } else if is_through_proxy {
        format!("http://{}{path}", authority(hop.url, hop.pinned))
    } else {
        path.to_owned()
    };
    let uri: Uri = uri.parse().map_err(|error| format!("the address cannot be asked for: {error}"))?;
    let mut request = Request::new(Full::new(hop.body.clone()));
    *request.method_mut() = hop.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = hop.headers.clone();
    let headers = request.headers_mut();
    if !is_http2 {
        let host = HeaderValue::from_str(hop.host).map_err(|_| format!("{:?} cannot stand in the header Host", hop.host))?;
        headers.insert(HOST, host);
        headers.entry(CONNECTION).or_insert(HeaderValue::from_static("close"));
    }
    if is_through_proxy && let Some(value) = hop.proxy.and_then(proxy_authorization) {
        headers.insert(http::header::PROXY_AUTHORIZATION, value);
    }
    Ok(request)
}

async fn send(stream: Box<dyn Stream>, request: Request<Full<Bytes>>, is_http2: bool) -> hyper::Result<(Response<Incoming>, Driver)> {
    let io = TokioIo::new(stream);
    if is_http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.max_header_list_size(u32::try_from(HEADERS_BYTES_MAX).unwrap_or(u32::MAX));
        let (mut sender, connection) = builder.handshake(io).await?;
        let driver = Driver(tokio::spawn(async move {
            let _its_error_is_the_answers = connection.await.is_err();
        }));
        return Ok((sender.send_request(request).await?, driver));
    }
    let (mut sender, connection) = http1::Builder::new().max_headers(HEADERS_MAX).max_buf_size(HEADERS_BYTES_MAX).handshake(io).await?;
    let driver = Driver(tokio::spawn(async move {
        let _its_error_is_the_answers = connection.await.is_err();
    }));
    Ok((sender.send_request(request).await?, driver))
}

/// Why there was no answer.
fn words(error: &hyper::Error) -> (FailureKind, String) {
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            let why = match io.kind() {
                std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => "the connection was reset before an answer came",
                std::io::ErrorKind::UnexpectedEof => "the server hung up without an answer",
                _ => return (FailureKind::Connect, format!("the connection broke before an answer came: {io}")),
            };
            return (FailureKind::Connect, why.to_owned());
        }
        cause = inner.source();
    }
    if error.is_parse() {
        (FailureKind::Protocol, format!("what answered does not speak HTTP: {error}"))
    } else if error.is_incomplete_message() || error.is_closed() {
        (FailureKind::Protocol, "the server hung up without an answer".to_owned())
    } else {
        (FailureKind::Protocol, format!("there was no answer: {error}"))
    }
}

/// `host:port` or `host`, by address where that is known.
fn authority(url: &Url, pinned: Option<IpAddr>) -> String {
    let host = match pinned {
        Some(IpAddr::V6(address)) => format!("[{address}]"),
        Some(IpAddr::V4(address)) => address.to_string(),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}

/// A connection on which the server, or the proxy for plain HTTP, listens.
async fn reach(probing: &Probing<'_>, record: &mut Record, trace: &mut Trace, hop: &Hop<'_>) -> Option<Box<dyn Stream>> {
    let Some(proxy) = hop.proxy else {
        let host = hop.url.host_str().unwrap_or_default();
        let port = hop.url.port_or_known_default().unwrap_or(80);
        return open(probing, record, trace, host, port, hop.pinned).await;
    };
    let host = proxy.host_str().unwrap_or_default().to_owned();
    let port = proxy.port_or_known_default().unwrap_or(1080);
    let stream = open(probing, record, trace, &host, port, None).await?;
    let through = async {
        let mut stream = match (proxy.scheme(), hop.tls) {
            ("https", Some((plan, _))) => plan.secure(stream, &host, &[b"http/1.1"]).await.map_err(|refused| refused.why)?.0,
            ("https", None) => {
                let plan = WatchedTls::read(&crate::platform::http::client::TlsSettings::default())?;
                plan.secure(stream, &host, &[b"http/1.1"]).await.map_err(|refused| refused.why)?.0
            }
            _ => stream,
        };
        if proxy.scheme().starts_with("socks5") {
            socks(&mut stream, proxy, hop).await?;
        } else if hop.tls.is_some() {
            tunnel(&mut stream, proxy, hop).await?;
        }
        Ok::<_, String>(stream)
    };
    match probing.deadline.within(through).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(why)) => {
            record.fail(FailureKind::Connect, format!("the proxy {host}:{port} leads nowhere: {why}"));
            None
        }
        Err(Late) => {
            record.late("the proxy was asked");
            None
        }
    }
}

async fn open(
    probing: &Probing<'_>,
    record: &mut Record,
    trace: &mut Trace,
    host: &str,
    port: u16,
    pinned: Option<IpAddr>,
) -> Option<Box<dyn Stream>> {
    let started = record.now();
    let addresses = match pinned {
        Some(address) => vec![address],
        None => match probing.deadline.within(probing.prober.dialler.all(host, Preference::default())).await {
            Err(Late) => {
                record.late(&format!("the address of {host} was looked for"));
                return None;
            }
            Ok(found) => {
                trace.resolve = record.now().saturating_sub(started);
                match found {
                    Ok(found) if !found.is_empty() => found,
                    Ok(_) => {
                        record.fail(FailureKind::Resolve, format!("the name {host} has no address"));
                        return None;
                    }
                    Err(why) => {
                        record.fail(FailureKind::Resolve, format!("no address was found for {host}: {why}"));
                        return None;
                    }
                }
            }
        },
    };
    let started = record.now();
    let mut last = None;
    for address in addresses {
        let to = SocketAddr::new(address, port);
        match probing.deadline.within(connect(to, None)).await {
            Err(Late) => {
                record.late(&format!("a connection to {to} was being opened"));
                return None;
            }
            Ok(Ok(stream)) => {
                trace.connect = record.now().saturating_sub(started);
                record.address(address);
                record.note("connected", &[("address", &to.to_string())]);
                let phases = &mut record.found.outcome.phases;
                phases.connect = Some(phases.connect.unwrap_or_default() + trace.connect);
                return Some(Box::new(stream));
            }
            Ok(Err(error)) => last = Some(connect_words(&error, &to.to_string())),
        }
    }
    if let Some((kind, why)) = last {
        record.fail(kind, why);
    }
    None
}

fn proxy_authorization(proxy: &Url) -> Option<HeaderValue> {
    if proxy.username().is_empty() && proxy.password().is_none() {
        return None;
    }
    let (user, password) = user_info(proxy);
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn user_info(proxy: &Url) -> (String, String) {
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    (plain(proxy.username()), plain(proxy.password().unwrap_or_default()))
}

/// Asks a proxy of HTTP for a tunnel.
async fn tunnel(stream: &mut Box<dyn Stream>, proxy: &Url, hop: &Hop<'_>) -> Result<(), String> {
    let mut to = authority(hop.url, hop.pinned);
    if hop.url.port().is_none() {
        to.push_str(":443");
    }
    let mut text = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
    if let Some(value) = proxy_authorization(proxy) {
        text.push_str(&format!("Proxy-Authorization: {}\r\n", value.to_str().unwrap_or_default()));
    }
    for (name, value) in hop.proxy_headers {
        let is_whole = !value.expose().contains(['\r', '\n']) && name.parse::<http::HeaderName>().is_ok();
        if is_whole {
            text.push_str(&format!("{name}: {}\r\n", value.expose()));
        }
    }
    text.push_str("\r\n");
    stream.write_all(text.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut head = Vec::new();
    // Byte by byte: what follows the head is not ours.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > PROXY_BYTES_MAX {
            return Err("its answer has no end".to_owned());
        }
        head.push(stream.read_u8().await.map_err(|_| "it hung up".to_owned())?);
    }
    let head = String::from_utf8_lossy(&head);
    let line = head.lines().next().unwrap_or_default();
    let status = line.split(' ').nth(1).unwrap_or_default();
    if status.starts_with('2') { Ok(()) } else { Err(format!("it answered {}", line.split_once(' ').map_or(line, |(_, rest)| rest))) }
}

/// Asks a proxy of SOCKS 5 for a connection (RFC 1928, RFC 1929).
async fn socks(stream: &mut Box<dyn Stream>, proxy: &Url, hop: &Hop<'_>) -> Result<(), String> {
    let broken = |error: std::io::Error| error.to_string();
    let (user, password) = user_info(proxy);
    let has_user = !user.is_empty();
    stream.write_all(if has_user { &[5, 2, 0, 2] } else { &[5, 1, 0] }).await.map_err(broken)?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await.map_err(broken)?;
    match chosen {
        [5, 0] => {}
        [5, 2] if has_user => {
            let (Ok(user_len), Ok(password_len)) = (u8::try_from(user.len()), u8::try_from(password.len())) else {
                return Err("name or password is too long for it".to_owned());
            };
            let mut text = vec![1, user_len];
            text.extend_from_slice(user.as_bytes());
            text.push(password_len);
            text.extend_from_slice(password.as_bytes());
            stream.write_all(&text).await.map_err(broken)?;
            stream.read_exact(&mut chosen).await.map_err(broken)?;
            if chosen[1] != 0 {
                return Err("it refuses the name or the password".to_owned());
            }
        }
        _ => return Err("it does not speak SOCKS 5, or wants another way of signing in".to_owned()),
    }
    let mut text = vec![5, 1, 0];
    match hop.pinned {
        Some(IpAddr::V4(address)) => {
            text.push(1);
            text.extend_from_slice(&address.octets());
        }
        Some(IpAddr::V6(address)) => {
            text.push(4);
            text.extend_from_slice(&address.octets());
        }
        None => {
            let host = hop.url.host_str().unwrap_or_default();
            let len = u8::try_from(host.len()).map_err(|_| "the name of the host is too long for it".to_owned())?;
            text.extend_from_slice(&[3, len]);
            text.extend_from_slice(host.as_bytes());
        }
    }
    text.extend_from_slice(&hop.url.port_or_known_default().unwrap_or(80).to_be_bytes());
    stream.write_all(&text).await.map_err(broken)?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.map_err(broken)?;
    if head[1] != 0 {
        return Err(format!("it refuses the connection (code {})", head[1]));
    }
    let rest = match head[3] {
        1 => 4,
        4 => 16,
        _ => usize::from(stream.read_u8().await.map_err(broken)?),
    };
    let mut bound = vec![0; rest + 2];
    stream.read_exact(&mut bound).await.map_err(broken)?;
    Ok(())
}
