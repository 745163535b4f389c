//! OpenTelemetry's metrics: `POST /api/v1/otlp/v1/metrics` (Prometheus' path), `POST /v1/metrics`, and the gRPC service.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use serde_json::json;

use super::ApiState;
use super::doors::{Door, answered};
use super::write::allowed_now;
use crate::base::cancel::Cancel;
use crate::base::pressure::Shed;
use crate::metrics::ingest::otlp::{Exported, NotExported, Settings};
use crate::platform::http::rpc::{self, Call, CallLimits, Code, Failure, Form, grpc};
use crate::series::otlp::Encoding;
use crate::series::otlp::metrics::{ExportMetricsResponse, MetricsPartialSuccess};

/// A sender waits this long for a place at most; then it is told to come again.
const PLACE_WITHIN: Duration = Duration::from_secs(30);
/// After how long it is to come, in seconds.
const RETRY_AFTER_S: u32 = 5;
/// How many times its length a body may unpack to, and take in memory.
const UNPACKED_PART: usize = 4;
const MEMORY_PART: usize = 16;

/// `POST /api/v1/otlp/v1/metrics` and `POST /v1/metrics`.
pub(super) async fn http(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Response {
    let read = rpc::read_http(request, limits(&state)).await;
    export(state, read).await
}

/// `/opentelemetry.proto.collector.metrics.v1.MetricsService/Export`.
pub(super) async fn grpc(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Response {
    let read = grpc::read(request, limits(&state)).await;
    export(state, read).await
}

fn limits(state: &ApiState) -> CallLimits {
    CallLimits { body_max: allowed_now(state), message_max: state.write_bytes_max.saturating_mul(UNPACKED_PART) }
}

async fn export(state: Arc<ApiState>, read: Result<Call, (Form, Failure)>) -> Response {
    let Call { form, message, bytes } = match read {
        Ok(call) => call,
        Err((form, failure)) => return answered(&state, Door::Otlp, 0, 0, unless_short(&state, failure).answer(form)),
    };
    let encoding = if form == Form::Json { Encoding::Json } else { Encoding::Protobuf };
    let inner = Arc::clone(&state);
    let memory_max = state.write_bytes_max.saturating_mul(MEMORY_PART);
    let work = move || {
        let options = inner.engine.options();
        let settings = Settings::new(&inner.config.load().otlp, options.type_and_unit_labels, options.lookback_ms);
        inner.otlp.export(encoding, &message, &settings, memory_max)
    };
    let (samples, answer) = match state.writes.run(PLACE_WITHIN, &Cancel::new(), work).await {
        Ok(Ok(exported)) => (exported.samples, success(form, exported)),
        Ok(Err(error)) => (0, failure(error).answer(form)),
        Err(error) => (0, Failure::later(error.to_string(), RETRY_AFTER_S).answer(form)),
    };
    answered(&state, Door::Otlp, bytes, samples, answer)
}

/// What is too large only while memory is short may be sent again later.
fn unless_short(state: &ApiState, failure: Failure) -> Failure {
    let allowed = allowed_now(state);
    if failure.code != Code::ResourceExhausted || allowed >= state.write_bytes_max {
        return failure;
    }
    state.pressure.count(Shed::Write);
    Failure::later(format!("memory is nearly used up: writes of more than {allowed} bytes are refused for now"), RETRY_AFTER_S)
}

fn success(form: Form, exported: Exported) -> Response {
    if exported.rejected == 0 && exported.message.is_empty() {
        return rpc::answer(form, &ExportMetricsResponse::default(), &json!({}));
    }
    let rejected = i64::try_from(exported.rejected).unwrap_or(i64::MAX);
    let json = json!({ "partialSuccess": { "rejectedDataPoints": rejected.to_string(), "errorMessage": exported.message } });
    let partial = MetricsPartialSuccess { rejected_data_points: rejected, error_message: exported.message };
    rpc::answer(form, &ExportMetricsResponse { partial_success: Some(partial) }, &json)
}

fn failure(error: NotExported) -> Failure {
    match error {
        NotExported::Invalid(why) => Failure::new(Code::InvalidArgument, why),
        NotExported::TooLarge(why) => Failure::new(Code::ResourceExhausted, why),
        NotExported::Later(why) => Failure::later(why, RETRY_AFTER_S),
    }
}
