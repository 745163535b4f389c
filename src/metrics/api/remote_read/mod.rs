//! `POST /api/v1/read`: other servers query the samples of this one ("remote read").
//!
//! A request is decoded and answered on a thread of its own, with a bounded number of them at once. An answer is
//! either one message (bounded by samples and bytes) or a stream of frames (bounded by the reader's pace). When the
//! reader goes away, the work stops; when something fails in the middle of a stream, the connection breaks, so that
//! half an answer is never taken for a whole one.

mod bits;
mod chunk;
mod request;
mod samples;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Request, StatusCode, header};
use tokio::sync::oneshot;

use self::request::{Query, ReadRequest, ResponseType};
use super::ApiState;
use crate::base::cancel::Cancel;
use crate::base::limits::READ_BODY_BYTES_MAX;
use crate::base::time::TimeRange;
use crate::metrics::ingest::remote_send::encode::{put_bytes, put_message};
use crate::platform::http::extract::read_body;
use crate::platform::http::problem::Problem;
use crate::platform::http::stream::PieceWriter;
use crate::platform::work::{WorkError, WorkPool};
use crate::series::labels::Labels;
use crate::series::ports::{Select, SelectError, Selection};
use crate::series::sample::SampleBuf;

/// A stream may take as long as a reader that never stops for long needs for a big answer.
const STREAM_WITHIN: Duration = Duration::from_secs(3600);

/// How much is read for others.
#[derive(Debug, Clone, Copy)]
pub(in crate::metrics) struct ReadLimits {
    /// Samples of one query in an answer that is not streamed; 0 for no limit.
    pub(in crate::metrics) samples_max: usize,
    /// A frame of a stream is sent when it has this many bytes.
    pub(in crate::metrics) frame_bytes_max: usize,
}

/// Reading for others: how much, and how many at once.
pub(in crate::metrics) struct RemoteRead {
    limits: ReadLimits,
    pool: WorkPool,
}

impl RemoteRead {
    /// With at most `concurrency_max` requests at once, 0 for no limit.
    pub(in crate::metrics) fn new(limits: ReadLimits, concurrency_max: usize) -> Self {
        /// What a semaphore can count.
        const PLACES_MAX: usize = 1 << 20;
        let places = if concurrency_max == 0 { PLACES_MAX } else { concurrency_max.min(PLACES_MAX) };
        Self { limits, pool: WorkPool::new(places) }
    }
}

/// Why a request has no answer, or only half of one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ReadError {
    /// The request is wrong or asks for too much.
    Refused(String),
    /// Too slow.
    TimedOut,
    /// Something broke.
    Failed(String),
    /// Nobody reads any more.
    Gone,
}

impl From<SelectError> for ReadError {
    fn from(error: SelectError) -> Self {
        match error {
            SelectError::Stopped(crate::base::cancel::Stop::Cancelled) => Self::Gone,
            SelectError::Stopped(crate::base::cancel::Stop::TimedOut) => Self::TimedOut,
            SelectError::TooManySeries { .. } => Self::Refused(error.to_string()),
            SelectError::Storage(_) => Self::Failed(error.to_string()),
        }
    }
}

impl From<crate::base::cancel::Stop> for ReadError {
    fn from(stop: crate::base::cancel::Stop) -> Self {
        SelectError::Stopped(stop).into()
    }
}

impl IntoResponse for ReadError {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(why) => Problem::bad_request(why),
            Self::TimedOut => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "reading took too long"),
            Self::Failed(why) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, why),
            // Nobody sees it.
            Self::Gone => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the reader went away"),
        }
        .into_response()
    }
}

/// `POST /api/v1/read`.
pub(super) async fn read(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Response {
    let body = match read_body(request.into_body(), READ_BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let external = state.external_labels.load_full();
    // Regular expressions may take a while to compile.
    let (known, cancel) = (Arc::clone(&external), Cancel::new());
    let decoded = state.read.pool.run(state.query_timeout, &cancel, move || request::decode(&body, &known));
    let request = match decoded.await {
        Ok(Ok(request)) => request,
        Ok(Err(why)) => return ReadError::Refused(why).into_response(),
        Err(error) => return busy(&error),
    };
    match request.response {
        ResponseType::Samples => in_one(state, request, external).await,
        ResponseType::StreamedChunks => streamed(state, request, external).await,
    }
}

async fn in_one(state: Arc<ApiState>, request: ReadRequest, external: Arc<Vec<(String, String)>>) -> Response {
    let (cancel, select, limits) = (Cancel::new(), Arc::clone(&state.select), state.read.limits);
    let inner = cancel.clone();
    let answered = state.read.pool.run(state.query_timeout, &cancel, move || {
        let reader = Reader { select: &*select, external: &external, limits, cancel: &inner };
        samples::respond(&reader, &request)
    });
    match answered.await {
        Ok(Ok(bytes)) => {
            let headers = [(header::CONTENT_TYPE, "application/x-protobuf"), (header::CONTENT_ENCODING, "snappy")];
            (headers, bytes).into_response()
        }
        Ok(Err(error)) => error.into_response(),
        Err(error) => busy(&error),
    }
}

fn busy(error: &WorkError) -> Response {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after_s(5).into_response()
}

async fn streamed(state: Arc<ApiState>, request: ReadRequest, external: Arc<Vec<(String, String)>>) -> Response {
    let cancel = Cancel::new();
    // When the body is dropped, the flag is raised.
    let (mut writer, body) = PieceWriter::cancelling(cancel.clone());
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let (select, limits, inner) = (Arc::clone(&state.select), state.read.limits, cancel.clone());
        let answered = state.read.pool.run(STREAM_WITHIN, &cancel, move || {
            let mut tell = Some(tell);
            let reader = Reader { select: &*select, external: &external, limits, cancel: &inner };
            // What the index says first is told before the status is sent.
            let found = request.queries.first().map_or(Ok(()), |query| reader.probe(query));
            let failed = found.is_err();
            if let Some(tell) = tell.take() {
                let _reader_went_away = tell.send(found).is_err();
            }
            if failed {
                return;
            }
            let written = stream::respond(&reader, &request, &mut writer);
            match written.and_then(|()| writer.finish().map_err(|_| ReadError::Gone)) {
                Ok(()) => {}
                Err(ReadError::Gone) => tracing::debug!("the reader of a stream went away"),
                Err(error) => tracing::warn!(?error, "a remote read was broken off"),
            }
        });
        if let Err(error) = answered.await {
            tracing::warn!(%error, "a remote read was not answered");
        }
    });
    match told.await {
        Ok(Ok(())) => {
            let kind = HeaderValue::from_static("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
            ([(header::CONTENT_TYPE, kind)], body).into_response()
        }
        Ok(Err(error)) => error.into_response(),
        Err(_) => busy(&WorkError::Busy),
    }
}

/// Reads series for a request.
struct Reader<'a> {
    select: &'a dyn Select,
    external: &'a [(String, String)],
    limits: ReadLimits,
    cancel: &'a Cancel,
}

impl Reader<'_> {
    /// Whether the index can be asked; finds at most one series.
    fn probe(&self, query: &Query) -> Result<(), ReadError> {
        let any_of = [query.matchers.clone()];
        self.select.series(&crate::series::ports::IndexQuery { any_of: &any_of, range: query.range, limit: 1 }, self.cancel)?;
        Ok(())
    }

    /// Calls `each` with the labels and samples of every series that has some, in order of labels.
    fn each_series(&self, query: &Query, mut each: impl FnMut(&Labels, &SampleBuf) -> Result<(), ReadError>) -> Result<(), ReadError> {
        let TimeRange { start, end } = query.range;
        if start > end {
            return Ok(());
        }
        let selection = Selection { matchers: &query.matchers, range: query.range, series_max: usize::MAX };
        let mut samples = SampleBuf::default();
        for series in self.select.select(&selection, self.cancel)? {
            self.cancel.check()?;
            samples.clear();
            if !query.labels_only {
                series.read(query.range, &mut samples)?;
                if samples.is_empty() {
                    continue;
                }
            }
            each(series.labels(), &samples)?;
        }
        Ok(())
    }
}

/// The labels of a series with the external ones that it has not, sorted.
fn put_labels(labels: &Labels, external: &[(String, String)], out: &mut Vec<u8>, part: &mut Vec<u8>) {
    let mut put = |name: &str, value: &str| {
        part.clear();
        put_bytes(part, 1, name.as_bytes());
        put_bytes(part, 2, value.as_bytes());
        put_message(out, 1, part);
    };
    if external.iter().all(|(name, _)| labels.contains(name)) {
        return labels.iter().for_each(|(name, value)| put(name, value));
    }
    let mut builder = labels.to_builder();
    for (name, value) in external.iter().filter(|(name, _)| !labels.contains(name)) {
        builder.set(name, value);
    }
    builder.build().iter().for_each(|(name, value)| put(name, value));
}
