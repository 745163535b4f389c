//! Calls of one message with one answer, in three forms: protobuf or JSON over HTTP, and gRPC.
//!
//! OpenTelemetry's clients speak all three. What the message says is up to the caller; here it is read with every bound,
//! and failures are told as the form has it: `google.rpc.Status` over HTTP, a status in the trailers over gRPC.

pub mod grpc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use prost::Message;

use super::extract::{decompress, read_body};
use super::problem::Problem;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// How a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// HTTP with protobuf.
    Protobuf,
    /// HTTP with JSON.
    Json,
    /// gRPC.
    Grpc,
}

/// What kind of failure it is, with its number in gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The message is wrong; sending it again does not help.
    InvalidArgument = 3,
    /// The message did not arrive in time.
    DeadlineExceeded = 4,
    /// Too much at once: a message too large, or, with a time to come again, too many of them.
    ResourceExhausted = 8,
    /// A way of calling that is not known here.
    Unimplemented = 12,
    /// Something failed inside.
    Internal = 13,
    /// Not now; it may be sent again.
    Unavailable = 14,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind of failure it is.
    pub code: Code,
    /// What was wrong, in words.
    pub message: String,
    /// After how many seconds it may be sent again, if it may.
    pub retry_after_s: Option<u32>,
}

/// A message, and how it came.
#[derive(Debug, Clone)]
pub struct Call {
    /// How the answer has to look.
    pub form: Form,
    /// The message, unpacked.
    pub message: Bytes,
    /// Bytes of the body as it came.
    pub bytes: usize,
}

/// How much is read.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    /// Bytes of a body as it comes.
    pub body_max: usize,
    /// Bytes of the message unpacked.
    pub message_max: usize,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct Detail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`, whose only field is a `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
}

impl Failure {
    /// A failure that does not go away by itself.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_s: None }
    }

    /// It may be sent again in a few seconds.
    pub fn later(message: impl Into<String>, after_s: u32) -> Self {
        Self { code: Code::Unavailable, message: message.into(), retry_after_s: Some(after_s) }
    }

    /// As an answer of the form.
    pub fn answer(self, form: Form) -> Response {
        if form == Form::Grpc {
            return grpc::failure(&self);
        }
        let (kind, body) = match form {
            Form::Json => (JSON, serde_json::json!({ "code": self.code as i32, "message": self.message }).to_string().into_bytes()),
            Form::Protobuf | Form::Grpc => (PROTOBUF, self.status().encode_to_vec()),
        };
        let mut response = (self.http_status(), [(header::CONTENT_TYPE, kind)], body).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn status(&self) -> Status {
        let details = self.retry_after_s.map(|seconds| Detail {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
            value: RetryInfo { retry_delay: Some(Delay { seconds: seconds.into() }) }.encode_to_vec(),
        });
        Status { code: self.code as i32, message: self.message.clone(), details: details.into_iter().collect() }
    }

    const fn http_status(&self) -> StatusCode {
        match (self.code, self.retry_after_s) {
            (Code::InvalidArgument, _) => StatusCode::BAD_REQUEST,
            (Code::DeadlineExceeded, _) => StatusCode::REQUEST_TIMEOUT,
            (Code::ResourceExhausted, None) => StatusCode::PAYLOAD_TOO_LARGE,
            (Code::ResourceExhausted, Some(_)) => StatusCode::TOO_MANY_REQUESTS,
            (Code::Unimplemented, _) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            (Code::Internal, _) => StatusCode::INTERNAL_SERVER_ERROR,
            (Code::Unavailable, _) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let code = match problem.status() {
            StatusCode::REQUEST_TIMEOUT => Code::DeadlineExceeded,
            StatusCode::PAYLOAD_TOO_LARGE => Code::ResourceExhausted,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::Unimplemented,
            status if status.is_server_error() => Code::Internal,
            _ => Code::InvalidArgument,
        };
        Self::new(code, problem.public())
    }
}

/// Reads a call over HTTP. What it came as is known even if it cannot be read, so that the answer can be of that form.
pub async fn read_http(request: Request<Body>, limits: CallLimits) -> Result<Call, (Form, Failure)> {
    let (parts, body) = request.into_parts();
    let form = form_of(&parts.headers).map_err(|failure| (Form::Json, failure))?;
    let read = async {
        let body = read_body(body, limits.body_max).await?;
        let bytes = body.len();
        decompress(&parts.headers, body, limits.message_max).map(|message| Call { form, message, bytes })
    };
    read.await.map_err(|problem: Problem| (form, problem.into()))
}

/// By content type, with parameters or without.
fn form_of(headers: &HeaderMap) -> Result<Form, Failure> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        PROTOBUF | "application/protobuf" => Ok(Form::Protobuf),
        JSON => Ok(Form::Json),
        _ => Err(Failure::new(Code::Unimplemented, format!("unsupported content type: {kind}, supported: [{JSON}, {PROTOBUF}]"))),
    }
}

/// A good answer: the message in protobuf, or as JSON.
pub fn answer(form: Form, message: &impl Message, json: &serde_json::Value) -> Response {
    match form {
        Form::Protobuf => ([(header::CONTENT_TYPE, PROTOBUF)], message.encode_to_vec()).into_response(),
        Form::Json => ([(header::CONTENT_TYPE, JSON)], json.to_string()).into_response(),
        Form::Grpc => grpc::answer(&message.encode_to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    const LIMITS: CallLimits = CallLimits { body_max: 100, message_max: 200 };

    async fn body_of(response: Response) -> Vec<u8> {
        response.into_body().collect().await.unwrap().to_bytes().to_vec()
    }

    async fn read(kind: &str, encoding: &str, body: &[u8]) -> Result<Call, (Form, Failure)> {
        let request = Request::post("/v1/metrics").header("content-type", kind).header("content-encoding", encoding);
        read_http(request.body(Body::from(body.to_vec())).unwrap(), LIMITS).await
    }

    #[tokio::test]
    async fn calls_are_read_within_their_bounds() {
        for (kind, form) in
            [("application/x-protobuf", Form::Protobuf), ("application/json; charset=utf-8", Form::Json), ("Application/JSON", Form::Json)]
        {
            let call = read(kind, "", b"body").await.unwrap();
            assert_eq!((call.form, &*call.message), (form, &b"body"[..]), "{kind}");
        }
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packed, &[0; 201]).unwrap();
        for (kind, encoding, body, form, code) in [
            ("text/plain", "", &b"x"[..], Form::Json, Code::Unimplemented),
            ("application/json", "lzw", b"x", Form::Json, Code::Unimplemented),
            ("application/json", "gzip", b"x", Form::Json, Code::InvalidArgument),
            ("application/json", "", &[b' '; 101], Form::Json, Code::ResourceExhausted),
            ("application/x-protobuf", "gzip", &packed.finish().unwrap(), Form::Protobuf, Code::ResourceExhausted),
        ] {
            let (told, failure) = read(kind, encoding, body).await.unwrap_err();
            assert_eq!((told, failure.code), (form, code), "{kind} {encoding}");
        }
    }

    #[tokio::test]
    async fn failures_are_told_in_the_form_of_the_call() {
        let json = Failure::new(Code::InvalidArgument, "no \"such\"").answer(Form::Json);
        assert_eq!((json.status(), json.headers()["content-type"].as_bytes()), (StatusCode::BAD_REQUEST, JSON.as_bytes()));
        assert_eq!(body_of(json).await, br#"{"code":3,"message":"no \"such\""}"#);
        let later = Failure::later("not now", 5).answer(Form::Protobuf);
        assert_eq!((later.status(), later.headers()["retry-after"].as_bytes()), (StatusCode::SERVICE_UNAVAILABLE, &b"5"[..]));
        let status = Status::decode(body_of(later).await.as_slice()).unwrap();
        assert_eq!((status.code, status.message.as_str(), status.details.len()), (14, "not now", 1));
    }
}
