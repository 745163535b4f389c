//! gRPC with one message each way, on the HTTP/2 that the server speaks anyway, with TLS or by prior knowledge.
//!
//! A message stands behind five bytes: whether it is packed, and its length. The status comes in the trailers, or, when
//! there is no message, in the headers.

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Version, header};
use http_body_util::{BodyExt, Full};
use prost::Message;

use super::super::extract::{decompress, read_body};
use super::{Call, CallLimits, Code, Failure, Form};

const KIND: &str = "application/grpc";
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
/// How messages may be packed.
const ENCODINGS: &str = "identity,gzip,zstd,deflate";
/// Bytes before a message.
const HEAD_BYTES: usize = 5;
/// Longest text of a failure in a header, in bytes.
const MESSAGE_BYTES_MAX: usize = 2000;

/// Reads a call.
///
/// # Errors
/// When it is no gRPC, or goes beyond a limit.
pub async fn read(request: Request<Body>, limits: CallLimits) -> Result<Call, (Form, Failure)> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let is_grpc = kind.strip_prefix(KIND.as_bytes()).is_some_and(|rest| rest.is_empty() || matches!(rest[0], b'+' | b';'));
    if !is_grpc || parts.version < Version::HTTP_2 {
        let why = "this address takes gRPC: HTTP/2 with the content type application/grpc; over plain HTTP, /v1/metrics and /v1/logs take the same";
        return Err((Form::Json, Failure::new(Code::Unimplemented, why)));
    }
    let read = async {
        let body = read_body(body, limits.body_max.saturating_add(HEAD_BYTES)).await?;
        let bytes = body.len();
        let message = unframe(&parts.headers, body, limits.message_max)?;
        Ok(Call { form: Form::Grpc, message, bytes })
    };
    read.await.map_err(|failure: Failure| (Form::Grpc, failure))
}

fn unframe(headers: &HeaderMap, body: Bytes, max: usize) -> Result<Bytes, Failure> {
    let invalid = |why: &str| Failure::new(Code::InvalidArgument, why);
    let Some((&[packed, a, b, c, d], rest)) = body.split_first_chunk::<HEAD_BYTES>() else {
        return Err(invalid("the call has no message"));
    };
    let len = u32::from_be_bytes([a, b, c, d]) as usize;
    if rest.len() != len {
        return Err(invalid(if rest.len() > len { "the call has more than one message" } else { "the message of the call is cut off" }));
    }
    let message = body.slice(HEAD_BYTES..);
    let mut as_http = HeaderMap::new();
    match packed {
        0 => {}
        1 => {
            let encoding = headers.get(ENCODING).and_then(|encoding| encoding.to_str().ok()).unwrap_or_default();
            if !ENCODINGS.split(',').any(|known| known == encoding) {
                let why = format!("messages packed with {encoding:?} are not taken; {ENCODINGS} are");
                return Err(Failure::new(Code::Unimplemented, why));
            }
            as_http.insert(header::CONTENT_ENCODING, HeaderValue::from_str(encoding).map_err(|_| invalid("grpc-encoding is no word"))?);
        }
        _ => return Err(invalid("the first byte of the message is neither 0 nor 1")),
    }
    Ok(decompress(&as_http, message, max)?)
}

/// A good answer.
pub(super) fn answer(message: &[u8]) -> Response {
    let mut framed = BytesMut::with_capacity(HEAD_BYTES + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert(STATUS, HeaderValue::from(0));
    let body = Full::new(framed.freeze()).with_trailers(std::future::ready(Some(Ok(trailers))));
    with_head(Body::new(body))
}

/// A failure: no message, so the status stands in the headers.
pub(super) fn failure(failure: &Failure) -> Response {
    let mut response = with_head(Body::empty());
    let headers = response.headers_mut();
    headers.insert(STATUS, HeaderValue::from(failure.code as i32));
    if let Ok(text) = HeaderValue::from_str(&escaped(&failure.message)) {
        headers.insert(MESSAGE, text);
    }
    if failure.retry_after_s.is_some()
        && let Ok(details) =
            HeaderValue::from_str(&STANDARD_NO_PAD.encode(Failure { message: String::new(), ..failure.clone() }.status().encode_to_vec()))
    {
        headers.insert(DETAILS, details);
    }
    response
}

/// Every answer is a success to HTTP.
fn with_head(body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(KIND));
    response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static(ENCODINGS));
    response
}

/// Percent-encoded outside of printable ASCII, and no longer than headers may be.
fn escaped(message: &str) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for byte in message.bytes() {
        if out.len() >= MESSAGE_BYTES_MAX {
            break;
        }
        if (0x20..=0x7e).contains(&byte) && byte != b'%' {
            out.push(char::from(byte));
        } else {
            let written = write!(out, "%{byte:02X}");
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CallLimits = CallLimits { body_max: 100, message_max: 200 };

    fn call(encoding: &str, body: &[u8]) -> Request<Body> {
        let request = Request::post("/x").version(Version::HTTP_2).header("content-type", "application/grpc+proto");
        request.header("grpc-encoding", encoding).body(Body::from(body.to_vec())).unwrap()
    }

    fn framed(packed: u8, message: &[u8]) -> Vec<u8> {
        [&[packed][..], &(message.len() as u32).to_be_bytes(), message].concat()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packed, bytes).unwrap();
        packed.finish().unwrap()
    }

    #[tokio::test]
    async fn messages_are_unpacked() {
        assert_eq!(&*read(call("identity", &framed(0, b"hi")), LIMITS).await.unwrap().message, b"hi");
        assert_eq!(&*read(call("gzip", &framed(0, b"hi")), LIMITS).await.unwrap().message, b"hi");
        assert_eq!(&*read(call("gzip", &framed(1, &gzip(b"hi"))), LIMITS).await.unwrap().message, b"hi");
        assert!(read(call("", &framed(0, b"")), LIMITS).await.unwrap().message.is_empty());
    }

    #[tokio::test]
    async fn what_is_no_call_is_refused() {
        for (encoding, body, code) in [
            ("", vec![], Code::InvalidArgument),
            ("", vec![0, 0, 0], Code::InvalidArgument),
            ("", vec![0, 0xff, 0xff, 0xff, 0xff], Code::InvalidArgument),
            ("", [framed(0, b"a"), framed(0, b"b")].concat(), Code::InvalidArgument),
            ("", framed(2, b"a"), Code::InvalidArgument),
            ("br", framed(1, b"a"), Code::Unimplemented),
            ("", framed(1, b"a"), Code::Unimplemented),
            ("gzip", framed(1, b"a"), Code::InvalidArgument),
            ("gzip", framed(1, &gzip(&[0; 201])), Code::ResourceExhausted),
            ("", framed(0, &[0; 101]), Code::ResourceExhausted),
        ] {
            let (form, failure) = read(call(encoding, &body), LIMITS).await.unwrap_err();
            assert_eq!((form, failure.code), (Form::Grpc, code), "{encoding} {body:?}");
        }
        let json = Request::post("/x").version(Version::HTTP_2).header("content-type", "application/grpc-web").body(Body::empty()).unwrap();
        assert_eq!(read(json, LIMITS).await.unwrap_err().1.code, Code::Unimplemented);
        let mut old = call("", &framed(0, b"hi"));
        *old.version_mut() = Version::HTTP_11;
        assert_eq!(read(old, LIMITS).await.unwrap_err().0, Form::Json);
    }

    #[tokio::test]
    async fn answers_end_with_their_status() {
        let good = answer(b"abc");
        assert_eq!((good.status(), good.headers()["content-type"].as_bytes()), (StatusCode::OK, KIND.as_bytes()));
        let body = good.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
        assert_eq!(&*body.to_bytes(), [0, 0, 0, 0, 3, b'a', b'b', b'c']);
        let bad = failure(&Failure::later("50 % größer\n", 7));
        assert_eq!((bad.status(), &bad.headers()["grpc-status"]), (StatusCode::OK, &HeaderValue::from(14)));
        assert_eq!(bad.headers()["grpc-message"], "50 %25 gr%C3%B6%C3%9Fer%0A");
        assert!(bad.headers().contains_key("grpc-status-details-bin"));
        assert!(!failure(&Failure::new(Code::InvalidArgument, "x")).headers().contains_key("grpc-status-details-bin"));
        assert!(escaped(&"ä".repeat(5000)).len() <= MESSAGE_BYTES_MAX + 3);
    }
}
