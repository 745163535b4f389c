//! The doors of HTTP: `POST /loki/api/v1/push` and the old path, `POST /api/v1/logs`.
//!
//! Bodies are read with a bound and a deadline, then worked on by the pool for writes. Who finds no place there within
//! seconds is told to come again; nobody is kept waiting.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Request, StatusCode, header};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use super::ApiState;
use super::answer::ApiError;
use crate::access::SamplesTaken;
use crate::base::cancel::Cancel;
use crate::logs::ingest::document::Mapping;
use crate::logs::ingest::gather::{Gather, TooMuch};
use crate::logs::ingest::loki::{self, Form, PushError};
use crate::logs::ingest::receive::{Door, Receiver, Taken};
use crate::logs::ingest::{jsonline, plain};
use crate::platform::http::extract::{Params, decompress, read_body};

/// A sender waits this long for a place; then it is told to come again.
pub(super) const PLACE_WITHIN: Duration = Duration::from_secs(5);
/// As long as bodies of most senders are.
const ORDINARY_BYTES: usize = 1024 * 1024;

/// `POST /loki/api/v1/push`.
pub(super) async fn loki(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Response {
    let (parts, body) = match read(&state, Door::Loki, request).await {
        Ok(read) => read,
        Err(error) => return error.into_response(),
    };
    let kind = text(&parts.headers, header::CONTENT_TYPE);
    let work = move |receiver: &Receiver| {
        let (mut gather, request) = (receiver.gather(), identity(&parts, &body));
        match push(&parts.headers, &kind, body, receiver, &mut gather) {
            Ok(()) => Ok(receiver.take_request(Door::Loki, request, gather)?),
            Err(error) => {
                receiver.give_back(gather);
                Err(turned_down(receiver, Door::Loki, error))
            }
        }
    };
    answer(run(&state, work).await)
}

fn push(headers: &HeaderMap, kind: &str, body: Bytes, receiver: &Receiver, gather: &mut Gather) -> Result<(), ApiError> {
    let encoding = text(headers, header::CONTENT_ENCODING).trim().to_ascii_lowercase();
    let form = Form::of(kind, &body);
    // Protobuf is packed with snappy in any case; some senders say so, and mean the same.
    let body = if encoding == "snappy" && form == Form::Protobuf {
        body
    } else {
        unwrapped(headers, &encoding, body, receiver.limits.request_bytes_max)?
    };
    let mut unpacked = Vec::new();
    loki::decode(form, &body, receiver, gather, &mut unpacked).map_err(|error| {
        let status = match error {
            PushError::TooLarge(_) | PushError::TooMuch(_) => StatusCode::PAYLOAD_TOO_LARGE,
            PushError::NoStreams => StatusCode::UNPROCESSABLE_ENTITY,
            PushError::Snappy(_) | PushError::Protobuf(_) | PushError::Json(_) => StatusCode::BAD_REQUEST,
        };
        ApiError::new(status, error.to_string())
    })
}

/// `POST /api/v1/logs`: JSON, an object a line, or plain text.
pub(super) async fn lines(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Response {
    let params = Params::from_pairs(form_urlencoded::parse(request.uri().query().unwrap_or("").as_bytes()).into_owned().collect());
    let likely = if text(request.headers(), header::CONTENT_TYPE).contains("json") { Door::JsonLines } else { Door::Plain };
    let (parts, body) = match read(&state, likely, request).await {
        Ok(read) => read,
        Err(error) => return error.into_response(),
    };
    let kind = text(&parts.headers, header::CONTENT_TYPE).to_ascii_lowercase();
    let is_json = match params.get("format") {
        Some("json") => true,
        Some("text") => false,
        Some(other) => return ApiError::bad(format!("format {other:?} is not known; json and text are")).into_response(),
        None => kind.contains("json") || (!kind.starts_with("text/plain") && body.first().is_some_and(|byte| matches!(byte, b'{' | b'['))),
    };
    let mapping = match mapping(&params) {
        Ok(mapping) => mapping,
        Err(error) => return error.into_response(),
    };
    let labels = params.get("labels").unwrap_or(plain::LABELS).to_owned();
    let work = move |receiver: &Receiver| {
        let encoding = text(&parts.headers, header::CONTENT_ENCODING).trim().to_ascii_lowercase();
        let door = if is_json { Door::JsonLines } else { Door::Plain };
        let request = identity(&parts, &body);
        let decoded_max = receiver.limits.request_bytes_max;
        let body = unwrapped(&parts.headers, &encoding, body, decoded_max).map_err(|error| turned_down(receiver, door, error))?;
        let mut gather = receiver.gather();
        let read = if is_json {
            jsonline::decode(&body, &mapping, receiver, &mut gather)
        } else {
            plain::decode(&body, &labels, receiver, &mut gather)
        };
        match read {
            Ok(()) => Ok(receiver.take_request(door, request, gather)?),
            Err(error) => {
                receiver.give_back(gather);
                Err(turned_down(receiver, door, too_much(error)))
            }
        }
    };
    answer(run(&state, work).await)
}

/// By what a request is known that comes again: its bytes, where they go to, and who sends them as far as that is known.
pub(super) fn identity(parts: &Parts, body: &[u8]) -> u128 {
    let mut about = Vec::new();
    let mut put = |bytes: &[u8]| {
        about.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        about.extend_from_slice(bytes);
    };
    put(parts.uri.path_and_query().map(|path| path.as_str()).unwrap_or_default().as_bytes());
    for name in ["authorization", "x-scope-orgid", "x-forwarded-for", "user-agent"] {
        put(parts.headers.get(name).map(|value| value.as_bytes()).unwrap_or_default());
    }
    xxh3_128_with_seed(body, xxh3_64(&about))
}

/// Where to find what in objects, from `msg_field`, `time_field`, `stream_fields` and `labels`. A dash stands for none.
fn mapping(params: &Params) -> Result<Mapping, ApiError> {
    let list = |name: &str, default: &str| -> Vec<String> {
        let text = params.get(name).unwrap_or(default);
        if text == "-" { Vec::new() } else { text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect() }
    };
    let fixed = match params.get("labels") {
        None => Vec::new(),
        Some(text) => crate::logs::ingest::streams::parse_labels(text)
            .map_err(|error| ApiError::bad(format!("labels {text:?} cannot be read, {{app=\"shop\"}} is expected: {error}")))?,
    };
    Ok(Mapping {
        message: list("msg_field", jsonline::MESSAGE_FIELDS),
        time: list("time_field", jsonline::TIME_FIELDS),
        stream: list("stream_fields", jsonline::STREAM_FIELDS),
        fixed,
    })
}

/// A request that is too large.
pub(super) fn too_much(error: TooMuch) -> ApiError {
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
}

/// Notes that a request was refused as a whole, which is handed back.
pub(super) fn turned_down(receiver: &Receiver, door: Door, error: ApiError) -> ApiError {
    let reason = match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        _ => "malformed",
    };
    receiver.turn_down(door, reason, error.message());
    error
}

/// Reads the body, unless no lines are taken now.
pub(super) async fn read(state: &ApiState, door: Door, request: Request<Body>) -> Result<(Parts, Bytes), ApiError> {
    if let Some(why) = state.receiver.refusal() {
        return Err(turned_down(&state.receiver, door, why.into()));
    }
    let (parts, body) = request.into_parts();
    let max = allowed_now(state);
    match read_body(body, max).await {
        Ok(body) => Ok((parts, body)),
        Err(problem) if problem.status() == StatusCode::PAYLOAD_TOO_LARGE && max < state.write_bytes_max => {
            let why = format!("memory is nearly used up, so bodies of more than {max} bytes are refused until there is room again");
            Err(turned_down(&state.receiver, door, ApiError::later(StatusCode::SERVICE_UNAVAILABLE, why, 5)))
        }
        Err(problem) => Err(turned_down(&state.receiver, door, problem.into())),
    }
}

/// Longest body that is taken now; the ordinary ones of most senders always are.
fn allowed_now(state: &ApiState) -> usize {
    state.pressure.body_max(state.write_bytes_max, ORDINARY_BYTES)
}

/// Undoes `Content-Encoding`.
pub(super) fn unwrapped(headers: &HeaderMap, encoding: &str, body: Bytes, max: usize) -> Result<Bytes, ApiError> {
    match encoding {
        "" | "identity" | "gzip" | "x-gzip" | "zstd" | "snappy" => Ok(decompress(headers, body, max)?),
        // Loki takes the bare algorithm; the standard means it with zlib's head.
        "deflate" if body.first().is_some_and(|byte| byte & 0x0f == 8) && body.len() > 1 && is_zlib(&body) => {
            Ok(decompress(headers, body, max)?)
        }
        "deflate" => inflate(&body, max),
        other => Err(ApiError::bad(format!("Content-Encoding {other:?} not supported"))),
    }
}

fn is_zlib(body: &[u8]) -> bool {
    let [first, second, ..] = *body else { return false };
    (u16::from(first) << 8 | u16::from(second)).is_multiple_of(31)
}

fn inflate(body: &[u8], max: usize) -> Result<Bytes, ApiError> {
    use std::io::Read;
    let mut out = Vec::new();
    let read = flate2::read::DeflateDecoder::new(body).take(max as u64 + 1).read_to_end(&mut out);
    match read {
        Ok(_) if out.len() > max => {
            Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body unpacks to more than the {max} bytes allowed here")))
        }
        Ok(_) => Ok(Bytes::from(out)),
        Err(error) => Err(ApiError::bad(format!("the body is not valid deflate: {error}"))),
    }
}

/// Works on a request in the pool for writes.
pub(super) async fn run<T: Send + 'static>(
    state: &Arc<ApiState>,
    work: impl FnOnce(&Receiver) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let receiver = Arc::clone(&state.receiver);
    state.writes.run(PLACE_WITHIN, &Cancel::new(), move || work(&receiver)).await?
}

/// 204 when all was stored; what was refused is told, and the rest is stored.
fn answer(taken: Result<Taken, ApiError>) -> Response {
    match taken {
        Err(error) => error.into_response(),
        Ok(taken) => {
            let mut response = match taken.refused {
                None => StatusCode::NO_CONTENT.into_response(),
                Some(why) if taken.is_rated => ApiError::later(StatusCode::TOO_MANY_REQUESTS, why, 1).into_response(),
                Some(why) => ApiError::bad(why).into_response(),
            };
            response.extensions_mut().insert(SamplesTaken(taken.lines));
            response
        }
    }
}

/// A header, or an empty text.
pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_deflate_are_taken() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, "deflate".parse().unwrap());
        let text = b"hello hello hello";
        let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut bare, text).unwrap();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut zlib, text).unwrap();
        for body in [bare.finish().unwrap(), zlib.finish().unwrap()] {
            assert_eq!(unwrapped(&headers, "deflate", body.clone().into(), 100).unwrap(), text.as_slice());
            assert_eq!(unwrapped(&headers, "deflate", body.into(), 5).unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
        }
        assert_eq!(unwrapped(&headers, "br", Bytes::new(), 5).unwrap_err().message(), "Content-Encoding \"br\" not supported");
    }
}
