//! WebSocket (RFC 6455): whether the connection is taken, and whether what is said on it is right.

use std::net::SocketAddr;

use futures_util::{Sink, StreamExt};
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::Url;

use super::conversation::{Over, secure};
use super::dial::connect;
use super::record::Record;
use super::{Late, Probing, connect_words, span};
use crate::base::masked;
use crate::platform::http::client::{Stream, USER_AGENT as PHAROS, client_settings};
use crate::uptime::config::{Step, WebsocketModule};
use crate::uptime::model::outcome::FailureKind;

/// Longest message.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// Messages that are passed over at most until one matches.
const MESSAGES_MAX: usize = 10_000;
/// Bytes of a message that are kept in the log.
const LOGGED_BYTES_MAX: usize = 2_000;

type Socket = WebSocketStream<Box<dyn Stream>>;

/// Makes the probe.
pub(super) async fn probe(probing: &Probing<'_>, record: &mut Record, module: &WebsocketModule, target: &str) {
    for gauge in ["probe_websocket_connection_upgraded", "probe_websocket_failed_due_to_regex", "probe_websocket_status_code"] {
        record.gauges().show(gauge);
    }
    let Some(url) = address(target, record) else { return };
    let host = url.host_str().unwrap_or_default().to_owned();
    let (address, took) = probing.prober.dialler.choose(record, &probing.deadline, &host, module.address).await;
    let Some(address) = address else { return };
    phase(record, "resolve", took);
    let to = SocketAddr::new(address, url.port_or_known_default().unwrap_or(80));
    let Some(stream) = open(probing, record, module, (&url, &host, to)).await else { return };
    let Some(socket) = shake_hands(probing, record, module, (&url, stream)).await else { return };
    record.gauges().set("probe_websocket_connection_upgraded", 1.0);
    if module.steps.is_empty() {
        return;
    }
    let started = record.now();
    let held = talk(probing, record, module, socket).await;
    let took = record.now().saturating_sub(started);
    phase(record, "transfer", took);
    record.found.outcome.phases.transfer = Some(took);
    record.gauges().set("probe_websocket_failed_due_to_regex", f64::from(u8::from(held.is_err())));
}

fn phase(record: &mut Record, phase: &str, took: std::time::Duration) {
    record.gauges().add_with("probe_websocket_duration_seconds", &[("phase", phase)], took.as_secs_f64());
}

fn address(target: &str, record: &mut Record) -> Option<Url> {
    match Url::parse(target) {
        Ok(url) if matches!(url.scheme(), "ws" | "wss") && url.has_host() => Some(url),
        _ => {
            record.fail(FailureKind::Target, format!("the target {} is no address such as wss://example.org/", masked::url(target)));
            None
        }
    }
}

/// Connects, with TLS where the address says so.
async fn open(
    probing: &Probing<'_>,
    record: &mut Record,
    module: &WebsocketModule,
    (url, host, to): (&Url, &str, SocketAddr),
) -> Option<Box<dyn Stream>> {
    let started = record.now();
    let stream = match probing.deadline.within(connect(to, None)).await {
        Err(Late) => {
            record.late(&format!("a connection to {to} was being opened"));
            return None;
        }
        Ok(Err(error)) => {
            let (kind, why) = connect_words(&error, &to.to_string());
            record.fail(kind, why);
            return None;
        }
        Ok(Ok(stream)) => stream,
    };
    let took = record.now().saturating_sub(started);
    phase(record, "connect", took);
    record.found.outcome.phases.connect = Some(took);
    record.note("connected", &[("address", &to.to_string())]);
    let stream: Box<dyn Stream> = Box::new(stream);
    if url.scheme() == "ws" {
        return Some(stream);
    }
    let (stream, agreed) = secure(probing, record, stream, &module.client.tls, host).await?;
    record.certificates(&agreed.certificates);
    Some(stream)
}

/// Asks for the connection to become one of WebSocket.
async fn shake_hands(
    probing: &Probing<'_>,
    record: &mut Record,
    module: &WebsocketModule,
    (url, stream): (&Url, Box<dyn Stream>),
) -> Option<Socket> {
    let headers = headers(probing, record, module, url).await?;
    let mut request = match url.as_str().into_client_request() {
        Ok(request) => request,
        Err(error) => {
            record.fail(FailureKind::Target, format!("the address cannot be asked for: {error}"));
            return None;
        }
    };
    request.headers_mut().extend(headers);
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX)).max_frame_size(Some(MESSAGE_BYTES_MAX));
    let started = record.now();
    let answered = probing.deadline.within(client_async_with_config(request, stream, Some(config))).await;
    let took = record.now().saturating_sub(started);
    // Upstream counts agreeing on TLS as part of it.
    let with_tls = took + record.found.outcome.phases.tls.unwrap_or_default();
    phase(record, "processing", with_tls);
    record.found.outcome.phases.processing = Some(took);
    match answered {
        Ok(Ok((socket, response))) => {
            status(record, response.status().as_u16());
            return Some(socket);
        }
        Ok(Err(Error::Http(response))) => {
            let found = response.status();
            status(record, found.as_u16());
            record.excerpt(response.body().as_deref().unwrap_or_default());
            let reason = found.canonical_reason().map_or_else(String::new, |reason| format!(" {reason}"));
            let why = format!("answered {}{reason} in {}, expected 101 Switching Protocols", found.as_u16(), span(took));
            record.fail(FailureKind::Status, why);
        }
        Ok(Err(Error::Io(error))) => record.fail(FailureKind::Connect, format!("the connection broke before an answer came: {error}")),
        Ok(Err(error)) => record.fail(FailureKind::Protocol, format!("what answered does not speak WebSocket: {error}")),
        Err(Late) => record.late("an answer was waited for"),
    }
    None
}

fn status(record: &mut Record, code: u16) {
    record.found.outcome.status = Some(code);
    record.gauges().set("probe_websocket_status_code", f64::from(code));
}

/// Headers of the module, and who we are.
async fn headers(probing: &Probing<'_>, record: &mut Record, module: &WebsocketModule, url: &Url) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(PHAROS));
    for (name, value) in &module.headers {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) else {
            record.fail(FailureKind::Target, format!("the header {name:?} or its value cannot be sent"));
            return None;
        };
        headers.insert(name, value);
    }
    headers.extend(super::http::basic(url).map(|value| (http::header::AUTHORIZATION, value)));
    let credentials = probing.prober.plans.credentials(&client_settings(&module.client));
    match probing.deadline.within(credentials.add_to(&mut headers, probing.deadline.left())).await {
        Ok(Ok(())) => return Some(headers),
        Ok(Err(error)) => record.fail(FailureKind::Target, format!("signing in is not possible: {error}")),
        Err(Late) => record.late("a token was fetched"),
    }
    None
}

/// Holds the whole conversation; what goes wrong is written down.
async fn talk(probing: &Probing<'_>, record: &mut Record, module: &WebsocketModule, mut socket: Socket) -> Result<(), Over> {
    for step in &module.steps {
        let mut send = step.send.clone();
        if step.expect.is_some() {
            send = expect(probing, record, module, (&mut socket, step)).await?;
        }
        if !send.is_empty() {
            record.note("sending a message", &[("bytes", &send.len().to_string())]);
            say(probing, record, &mut socket, Message::text(send)).await?;
        }
    }
    // Whether it answers to that is its own affair.
    let _said_goodbye = say(probing, &mut record.aside(), &mut socket, Message::Close(None)).await.is_ok();
    Ok(())
}

async fn say(probing: &Probing<'_>, record: &mut Record, socket: &mut Socket, message: Message) -> Result<(), Over> {
    let mut waiting = Some(message);
    let sent = std::future::poll_fn(|context| {
        let mut socket = std::pin::Pin::new(&mut *socket);
        if waiting.is_some() {
            std::task::ready!(socket.as_mut().poll_ready(context))?;
            if let Some(message) = waiting.take() {
                socket.as_mut().start_send(message)?;
            }
        }
        socket.poll_flush(context)
    });
    match probing.deadline.within(sent).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => record.fail(FailureKind::Connect, format!("the connection broke: {error}")),
        Err(Late) => record.late("a message was sent"),
    }
    Err(Over)
}

/// Waits for a message that matches; gives what is to be sent then.
async fn expect(
    probing: &Probing<'_>,
    record: &mut Record,
    module: &WebsocketModule,
    (socket, step): (&mut Socket, &Step),
) -> Result<String, Over> {
    let Some(pattern) = &step.expect else { return Ok(step.send.clone()) };
    for _ in 0..MESSAGES_MAX {
        let message = match probing.deadline.within(socket.next()).await {
            Ok(Some(Ok(message @ (Message::Text(_) | Message::Binary(_))))) => message.into_data(),
            Ok(Some(Ok(Message::Close(_))) | None) => {
                record.fail(FailureKind::Content, format!("the server hung up, and no message matched {:?}", pattern.as_str()));
                return Err(Over);
            }
            Ok(Some(Ok(_))) => continue,
            Ok(Some(Err(error))) => {
                record.fail(FailureKind::Connect, format!("the connection broke: {error}"));
                return Err(Over);
            }
            Err(Late) => {
                record.late(&format!("a message that matches {:?} was waited for", pattern.as_str()));
                return Err(Over);
            }
        };
        record.note("read a message", &[("message", &String::from_utf8_lossy(&message[..message.len().min(LOGGED_BYTES_MAX)]))]);
        if let Some(found) = pattern.captures(&message) {
            let mut send = Vec::new();
            found.expand(step.send.as_bytes(), &mut send);
            return Ok(String::from_utf8_lossy(&send).into_owned());
        }
        record.excerpt(&message);
        if !module.is_patient {
            break;
        }
    }
    record.fail(FailureKind::Content, format!("no message matched {:?}", pattern.as_str()));
    Err(Over)
}
