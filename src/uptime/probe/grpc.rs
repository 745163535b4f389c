//! gRPC: the health check that servers of gRPC agree on (`grpc.health.v1.Health/Check`).

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, TE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;

use super::dial::{agree, connect};
use super::record::Record;
use super::{Late, Probing, connect_words, split_host_port};
use crate::platform::http::client::{Agreed, Stream, USER_AGENT as PHAROS, tls_settings};
use crate::uptime::config::GrpcModule;
use crate::uptime::model::outcome::FailureKind;

/// Where the check is.
const PATH: &str = "/grpc.health.v1.Health/Check";
/// Bytes before a message.
const HEAD_BYTES: usize = 5;
/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// What a service may say of itself, by number.
const STATES: [&str; 4] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
/// Code where nobody answers.
const UNAVAILABLE: u32 = 14;
/// Code where the time is over.
const DEADLINE_EXCEEDED: u32 = 4;
/// Code where nobody knows why.
const UNKNOWN: u32 = 2;

#[derive(Clone, PartialEq, Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, Message)]
struct HealthCheckResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// Makes the probe.
pub(super) async fn probe(probing: &Probing<'_>, record: &mut Record, module: &GrpcModule, target: &str) {
    record.gauges().add_with("probe_grpc_duration_seconds", &[("phase", "resolve")], 0.0);
    record.gauges().show("probe_grpc_ssl");
    record.gauges().show("probe_grpc_status_code");
    let bare = target.strip_prefix("http://").or_else(|| target.strip_prefix("https://")).unwrap_or(target);
    let bare = bare.split('/').next().unwrap_or_default();
    if bare.is_empty() {
        return record.fail(FailureKind::Target, "the target names no host");
    }
    let usual = if module.is_tls { 443 } else { 80 };
    let (host, port) = split_host_port(bare).unwrap_or_else(|_| (bare.trim_matches(['[', ']']).to_owned(), usual));
    let (address, took) = probing.prober.dialler.choose(record, &probing.deadline, &host, module.address).await;
    let Some(address) = address else { return };
    record.gauges().add_with("probe_grpc_duration_seconds", &[("phase", "resolve")], took.as_secs_f64());
    let started = record.now();
    let checked = check(probing, record, module, (&host, SocketAddr::new(address, port))).await;
    let took = record.now().saturating_sub(started);
    record.gauges().add_with("probe_grpc_duration_seconds", &[("phase", "check")], took.as_secs_f64());
    for state in STATES {
        record.gauges().set_with("probe_grpc_healthcheck_response", &[("serving_status", state)], 0.0);
    }
    let (agreed, state) = match checked {
        Err(code) => return record.gauges().set("probe_grpc_status_code", f64::from(code)),
        Ok(found) => found,
    };
    record.gauges().set("probe_grpc_status_code", 0.0);
    let word = usize::try_from(state).ok().and_then(|at| STATES.get(at)).map_or_else(|| state.to_string(), |word| (*word).to_owned());
    record.gauges().set_with("probe_grpc_healthcheck_response", &[("serving_status", &word)], 1.0);
    if let Some(agreed) = agreed {
        record.gauges().set("probe_grpc_ssl", 1.0);
        record.tls(&agreed, false, false);
    }
    if word != "SERVING" {
        record.fail(FailureKind::Status, format!("the service says of itself: {word}"));
    }
}

/// The state that the service gives, or the code with the failure written down.
async fn check(
    probing: &Probing<'_>,
    record: &mut Record,
    module: &GrpcModule,
    (host, to): (&str, SocketAddr),
) -> Result<(Option<Agreed>, i32), u32> {
    let started = record.now();
    let stream = match probing.deadline.within(connect(to, None)).await {
        Err(Late) => {
            record.late(&format!("a connection to {to} was being opened"));
            return Err(DEADLINE_EXCEEDED);
        }
        Ok(Err(error)) => {
            let (kind, why) = connect_words(&error, &to.to_string());
            record.fail(kind, why);
            return Err(UNAVAILABLE);
        }
        Ok(Ok(stream)) => stream,
    };
    record.found.outcome.phases.connect = Some(record.now().saturating_sub(started));
    let mut stream: Box<dyn Stream> = Box::new(stream);
    let mut agreed = None;
    if module.is_tls {
        let settings = tls_settings(&module.tls);
        let name = if settings.server_name.is_empty() { host } else { &settings.server_name };
        let plan = match probing.prober.plans.tls(&settings).await {
            Ok(plan) => plan,
            Err(why) => {
                record.fail(FailureKind::Tls, why);
                return Err(UNAVAILABLE);
            }
        };
        let Some((secured, found)) = agree(&plan, stream, name, &[b"h2"], record, &probing.deadline).await else {
            return Err(UNAVAILABLE);
        };
        stream = secured;
        agreed = Some(found);
    }
    let request = match request(module, host, to.port()) {
        Ok(request) => request,
        Err(why) => {
            record.fail(FailureKind::Target, why);
            return Err(UNKNOWN);
        }
    };
    let sent = record.now();
    match probing.deadline.within(call(stream, request)).await {
        Err(Late) => {
            record.late("an answer was waited for");
            Err(DEADLINE_EXCEEDED)
        }
        Ok(Err(Bad { code, why, kind })) => {
            record.fail(kind, why);
            Err(code)
        }
        Ok(Ok(state)) => {
            record.found.outcome.phases.processing = Some(record.now().saturating_sub(sent));
            Ok((agreed, state))
        }
    }
}

fn request(module: &GrpcModule, host: &str, port: u16) -> Result<Request<Full<Bytes>>, String> {
    let message = HealthCheckRequest { service: module.service.clone() }.encode_to_vec();
    let mut body = BytesMut::with_capacity(HEAD_BYTES + message.len());
    body.put_u8(0);
    body.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    body.put_slice(&message);
    let scheme = if module.is_tls { "https" } else { "http" };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let mut request = Request::new(Full::new(body.freeze()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("{scheme}://{host}:{port}{PATH}").parse().map_err(|error| format!("the target is no address: {error}"))?;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(USER_AGENT, HeaderValue::from_static(PHAROS));
    for (name, values) in &module.metadata {
        let name: HeaderName = name.parse().map_err(|_| format!("{name:?} is no name of a header"))?;
        for value in values {
            headers.append(&name, HeaderValue::from_str(value).map_err(|_| format!("the value of {name} cannot stand in a header"))?);
        }
    }
    Ok(request)
}

/// A call that went wrong.
struct Bad {
    code: u32,
    why: String,
    kind: FailureKind,
}

async fn call(stream: Box<dyn Stream>, request: Request<Full<Bytes>>) -> Result<i32, Bad> {
    let broken = |error: hyper::Error| Bad {
        code: UNAVAILABLE,
        why: format!("what answered does not speak gRPC: {error}"),
        kind: FailureKind::Protocol,
    };
    let (mut sender, connection) = http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let driver = tokio::spawn(async move {
        let _its_error_is_the_answers = connection.await.is_err();
    });
    let answered = answer(&mut sender, request).await;
    driver.abort();
    answered
}

async fn answer(sender: &mut http2::SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> Result<i32, Bad> {
    let bad = |code: u32, why: String| Bad { code, why, kind: FailureKind::Protocol };
    let response =
        sender.send_request(request).await.map_err(|error| bad(UNAVAILABLE, format!("what answered does not speak gRPC: {error}")))?;
    let (head, body) = response.into_parts();
    if head.status != http::StatusCode::OK {
        let code = match head.status.as_u16() {
            400 => 13,
            401 => 16,
            403 => 7,
            404 => 12,
            429 | 502..=504 => UNAVAILABLE,
            _ => UNKNOWN,
        };
        return Err(bad(code, format!("answered {} where gRPC was expected", head.status)));
    }
    if let Some((code, why)) = status(&head.headers) {
        return if code == 0 { Err(bad(13, "the answer has no message".to_owned())) } else { Err(refused(code, &why)) };
    }
    let collected =
        Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| bad(13, format!("the answer broke off: {error}")))?;
    let trailers = collected.trailers().cloned().unwrap_or_default();
    match status(&trailers) {
        Some((0, _)) => {}
        Some((code, why)) => return Err(refused(code, &why)),
        None => return Err(bad(13, "the answer has no status".to_owned())),
    }
    let bytes = collected.to_bytes();
    let message =
        bytes.get(HEAD_BYTES..).filter(|_| bytes.first() == Some(&0)).and_then(|message| HealthCheckResponse::decode(message).ok());
    message.map(|message| message.status).ok_or_else(|| bad(13, "the answer is no state of a service".to_owned()))
}

fn refused(code: u32, why: &str) -> Bad {
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    Bad { code, why: format!("the server refused the check with code {code}{why}"), kind: FailureKind::Status }
}

fn status(headers: &HeaderMap) -> Option<(u32, String)> {
    let code = headers.get("grpc-status")?.to_str().ok()?.parse().unwrap_or(UNKNOWN);
    let text = headers.get("grpc-message").and_then(|value| value.to_str().ok()).unwrap_or_default();
    Some((code, percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()))
}
