//! OpenTelemetry's logs: `POST /otlp/v1/logs` (Loki's path), `POST /v1/logs`, and the gRPC service.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use http::Request;
use serde_json::json;
use xxhash_rust::xxh3::xxh3_128;

use crate::access::{Policy, Routes, SamplesTaken};
use crate::base::cancel::Cancel;
use crate::base::pressure::{Pressure, Shed};
use crate::logs::ingest::otlp::{Decoded, Options, TooLarge, decode};
use crate::logs::ingest::receive::{Door, NotTaken, Receiver};
use crate::logs::model::write::AppendLinesError;
use crate::platform::http::rpc::{self, Call, CallLimits, Code, Failure, Form, grpc};
use crate::platform::work::WorkPool;
use crate::series::otlp::logs::{ExportLogsRequest, ExportLogsResponse, LogsPartialSuccess};
use crate::series::otlp::{Encoding, ReadError, read};

/// The gRPC method by which OpenTelemetry sends logs.
const OTLP_SERVICE: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
/// A sender waits this long for a place at most; then it is told to come again.
const PLACE_WITHIN: Duration = Duration::from_secs(5);
/// After how long it is to come, in seconds.
const RETRY_AFTER_S: u32 = 5;
/// How many times its length a body may unpack to, and take in memory.
const UNPACKED_PART: usize = 4;
const MEMORY_PART: usize = 8;
/// As long as bodies of most senders are: taken also while memory is short.
const ORDINARY_BYTES: usize = 1024 * 1024;

/// What the door needs of the rest of the wing.
pub struct OtlpDoor {
    /// Takes the lines.
    pub receiver: Arc<Receiver>,
    /// Where requests are worked on.
    pub writes: WorkPool,
    /// How short memory is.
    pub pressure: Pressure,
    /// Longest body as it comes, in bytes.
    pub body_bytes_max: usize,
    /// Finds how severe a line is by its text, as the word of `detected_level`; none if levels are not wanted.
    pub level_of: Option<fn(&[u8]) -> &'static str>,
}

/// The routes of the door.
pub fn routes(door: &Arc<OtlpDoor>) -> Routes {
    let with = |handler: MethodRouter<Arc<OtlpDoor>>| handler.with_state(Arc::clone(door));
    Routes::new()
        .route("POST", "/otlp/v1/logs", Policy::WRITE_LOGS, with(post(http)))
        .route("POST", "/v1/logs", Policy::WRITE_LOGS, with(post(http)))
        .route("POST", OTLP_SERVICE, Policy::WRITE_LOGS, with(post(grpc)))
}

async fn http(State(door): State<Arc<OtlpDoor>>, request: Request<Body>) -> Response {
    let read = rpc::read_http(request, door.limits()).await;
    export(door, read).await
}

async fn grpc(State(door): State<Arc<OtlpDoor>>, request: Request<Body>) -> Response {
    let read = grpc::read(request, door.limits()).await;
    export(door, read).await
}

async fn export(door: Arc<OtlpDoor>, read: Result<Call, (Form, Failure)>) -> Response {
    let Call { form, message, .. } = match read {
        Ok(call) => call,
        Err((form, failure)) => return door.unless_short(failure).answer(form),
    };
    let encoding = if form == Form::Json { Encoding::Json } else { Encoding::Protobuf };
    let inner = Arc::clone(&door);
    let done = door.writes.run(PLACE_WITHIN, &Cancel::new(), move || inner.take(encoding, &message)).await;
    let taken = match done {
        Ok(Ok(taken)) => taken,
        Ok(Err(failure)) => return failure.answer(form),
        Err(error) => return Failure::later(error.to_string(), RETRY_AFTER_S).answer(form),
    };
    let mut response = success(form, &taken);
    response.extensions_mut().insert(SamplesTaken(taken.lines));
    response
}

/// What became of a request.
struct Taken {
    lines: u64,
    rejected: u64,
    message: String,
}

impl OtlpDoor {
    fn limits(&self) -> CallLimits {
        CallLimits { body_max: self.allowed_now(), message_max: self.body_bytes_max.saturating_mul(UNPACKED_PART) }
    }

    /// Longest body that is taken now; the ordinary ones of most senders always are.
    fn allowed_now(&self) -> usize {
        self.pressure.body_max(self.body_bytes_max, ORDINARY_BYTES)
    }

    /// What is too large only while memory is short may be sent again later.
    fn unless_short(&self, failure: Failure) -> Failure {
        let allowed = self.allowed_now();
        if failure.code != Code::ResourceExhausted || allowed >= self.body_bytes_max {
            return failure;
        }
        self.pressure.count(Shed::Write);
        Failure::later(format!("memory is nearly used up: bodies of more than {allowed} bytes are refused for now"), RETRY_AFTER_S)
    }

    /// Reads a request and stores its lines. Blocks on disk.
    fn take(&self, encoding: Encoding, message: &[u8]) -> Result<Taken, Failure> {
        let memory_max = self.body_bytes_max.saturating_mul(MEMORY_PART).min(u32::MAX as usize);
        let refused = |code: Code, why: String| {
            self.receiver.turn_down(Door::Otlp, if code == Code::ResourceExhausted { "too_large" } else { "malformed" }, &why);
            Failure::new(code, why)
        };
        let request: ExportLogsRequest = read(encoding, message, memory_max).map_err(|error| {
            let code = if matches!(error, ReadError::TooLarge(_)) { Code::ResourceExhausted } else { Code::InvalidArgument };
            refused(code, error.to_string())
        })?;
        let options = Options { next_ns: &|| self.receiver.next_ns(), memory_max, level_of: self.level_of };
        let too_large = |error: TooLarge| refused(Code::ResourceExhausted, error.to_string());
        let Decoded { batch, mut problems } = decode(&request, &options).map_err(too_large)?;
        drop(request);
        if batch.is_empty() {
            return Ok(Taken { lines: 0, rejected: 0, message: problems.join("; ") });
        }
        let taken = self.receiver.take_batch(Door::Otlp, xxh3_128(message), &batch).map_err(|error| match error {
            NotTaken::Rate { .. } | NotTaken::Store(AppendLinesError::Busy) => exhausted(error.to_string()),
            NotTaken::ShortOfMemory | NotTaken::DiskFull | NotTaken::Store(AppendLinesError::Unavailable(_) | AppendLinesError::Closed) => {
                Failure::later(error.to_string(), RETRY_AFTER_S)
            }
        })?;
        // The client sends all of it again; what is there already is known.
        if taken.is_rated {
            return Err(exhausted(taken.refused.unwrap_or_default()));
        }
        problems.extend(taken.refused);
        Ok(Taken { lines: taken.lines, rejected: taken.refused_lines, message: problems.join("; ") })
    }
}

/// Too many lines at once.
fn exhausted(why: String) -> Failure {
    Failure { code: Code::ResourceExhausted, message: why, retry_after_s: Some(1) }
}

fn success(form: Form, taken: &Taken) -> Response {
    if taken.rejected == 0 && taken.message.is_empty() {
        return rpc::answer(form, &ExportLogsResponse::default(), &json!({}));
    }
    let rejected = i64::try_from(taken.rejected).unwrap_or(i64::MAX);
    let json = json!({ "partialSuccess": { "rejectedLogRecords": rejected.to_string(), "errorMessage": taken.message } });
    let partial = LogsPartialSuccess { rejected_log_records: rejected, error_message: taken.message.clone() };
    rpc::answer(form, &ExportLogsResponse { partial_success: Some(partial) }, &json)
}

#[cfg(test)]
mod tests {
    use http::{StatusCode, Version};
    use http_body_util::BodyExt;
    use prost::Message;
    use serde_json::Value as Json;

    use super::*;
    use crate::base::clock::ManualClock;
    use crate::logs::ingest::limits::LineLimits;
    use crate::logs::ingest::receive::tests::Kept;

    const NOW: i64 = 1_700_000_000_000;

    fn door(kept: &Arc<Kept>) -> Arc<OtlpDoor> {
        let receiver = Receiver::new(Arc::clone(kept) as _, ManualClock::at(NOW), Pressure::new(), LineLimits::default());
        Arc::new(OtlpDoor {
            receiver: Arc::new(receiver),
            writes: WorkPool::new(2),
            pressure: Pressure::new(),
            body_bytes_max: 1 << 20,
            level_of: None,
        })
    }

    fn body() -> Json {
        json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{ "body": { "stringValue": "hello" } }, { "body": { "stringValue": "there" } }] }] }] })
    }

    async fn send(door: &Arc<OtlpDoor>, kind: &str, body: Vec<u8>) -> (StatusCode, Vec<u8>) {
        let request = Request::post("/v1/logs").header("content-type", kind).body(Body::from(body)).unwrap();
        let response = http(State(Arc::clone(door)), request).await;
        (response.status(), response.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    async fn send_json(door: &Arc<OtlpDoor>) -> (u16, String) {
        let (status, answer) = send(door, "application/json", body().to_string().into_bytes()).await;
        (status.as_u16(), String::from_utf8(answer).unwrap())
    }

    #[tokio::test]
    async fn lines_are_taken_in_every_form() {
        let kept = Arc::default();
        let door = door(&kept);
        assert_eq!(send_json(&door).await, (200, "{}".to_owned()));
        let request: ExportLogsRequest = read(Encoding::Json, body().to_string().as_bytes(), 1 << 20).unwrap();
        assert_eq!(send(&door, "application/x-protobuf", request.encode_to_vec()).await, (StatusCode::OK, vec![]));
        let message = request.encode_to_vec();
        let framed = [&[0][..], &(message.len() as u32).to_be_bytes(), &message].concat();
        let call = Request::post(OTLP_SERVICE).version(Version::HTTP_2).header("content-type", "application/grpc");
        let response = grpc(State(Arc::clone(&door)), call.body(Body::from(framed)).unwrap()).await;
        assert_eq!(response.extensions().get::<SamplesTaken>().map(|taken| taken.0), Some(2));
        let answer = response.into_body().collect().await.unwrap();
        assert_eq!((answer.trailers().unwrap()["grpc-status"].as_bytes().to_vec(), answer.to_bytes().len()), (b"0".to_vec(), 5));
        assert_eq!(kept.texts().join(" "), "hello there hello there hello there");
    }

    #[tokio::test]
    async fn what_is_refused_is_told() {
        let kept = Arc::new(Kept { oldest: 2, ..Kept::default() });
        let door = door(&kept);
        let record = |ns: i64, text: &str| json!({ "timeUnixNano": ns.to_string(), "body": { "stringValue": text } });
        let mixed = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [record(1, "old"), record(3, "new")] }] }] });
        let (status, answer) = send(&door, "application/json", mixed.to_string().into_bytes()).await;
        let told: Json = serde_json::from_slice(&answer).unwrap();
        let message = told["partialSuccess"]["errorMessage"].as_str().unwrap();
        assert!(message.starts_with("entry for stream '{service_name=\"unknown_service\"}' has timestamp too old"), "{message}");
        assert_eq!((status.as_u16(), &told["partialSuccess"]["rejectedLogRecords"]), (200, &json!("1")));
        assert_eq!(kept.texts(), ["new"]);
        kept.slow(&["there"]);
        assert_eq!(send_json(&door).await.0, 429);
        assert_eq!(send_json(&door).await, (200, "{}".to_owned()));
        assert_eq!(kept.texts(), ["new", "hello", "there"], "what was kept is not stored again");
        for (error, status) in
            [(AppendLinesError::Busy, 429), (AppendLinesError::Closed, 503), (AppendLinesError::Unavailable("disk".to_owned()), 503)]
        {
            *kept.error.lock() = Some(error);
            assert_eq!(send_json(&door).await.0, status);
        }
        assert_eq!(send(&door, "application/json", b"{".to_vec()).await.0, StatusCode::BAD_REQUEST);
        assert_eq!(send(&door, "text/plain", b"{".to_vec()).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(send(&door, "application/json", vec![b' '; 2 << 20]).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn large_bodies_come_again_while_memory_is_short() {
        let door = door(&Arc::default());
        let large = Arc::new(OtlpDoor {
            body_bytes_max: 8 << 20,
            receiver: Arc::clone(&door.receiver),
            writes: door.writes.clone(),
            pressure: Pressure::new(),
            level_of: None,
        });
        large.pressure.set_memory(crate::base::pressure::Level::Critical);
        assert_eq!(send(&large, "application/json", vec![b' '; 2 << 20]).await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(send_json(&large).await.0, 200);
    }
}
