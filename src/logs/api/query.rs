//! `query` and `query_range`, and what tails ask.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Request, StatusCode};

use super::ApiState;
use super::answer::{ApiError, json, json_body};
use super::params::{self, Bounds, HOUR};
use super::result_json::{Encoding, LineOut, put_head, put_stream, put_tail, put_value};
use super::stats_json::QueryStats;
use super::tail::{TailFilter, TailLine};
use crate::base::cancel::Cancel;
use crate::base::human;
use crate::logs::model::read::{SelectLines, Span, StreamQuery};
use crate::logs::query::ast::{LogExpr, MetricExpr, MetricKind, Query};
use crate::logs::query::detect::patterns::FoundPattern;
use crate::logs::query::engine::{Direction, LogQuestion, LogStats, LogStream, Times};
use crate::logs::query::parse::{Dialect, parse};
use crate::logs::query::tail::Tail;
use crate::platform::http::extract::Params;
use crate::platform::http::stream::PieceWriter;
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;
use crate::series::ports::EvaluateError;
use crate::series::value::Value;

/// Answers larger than this leave in pieces while they are being written.
const PIECE_BYTES: usize = 256 * 1024;
/// What is said to a query for lines where numbers are asked for.
const NOT_INSTANT: &str = "log queries are not supported as an instant query type, please change your query to a range query type";

impl From<EvaluateError> for ApiError {
    fn from(error: EvaluateError) -> Self {
        use crate::base::cancel::Stop;
        match error {
            EvaluateError::Invalid { message, .. } => Self::bad(message),
            EvaluateError::Execution(message) => Self::bad(message),
            EvaluateError::TimedOut => Self::stopped(Stop::TimedOut),
            EvaluateError::Cancelled => Self::stopped(Stop::Cancelled),
            EvaluateError::Storage(message) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, message),
            EvaluateError::Overloaded => Self::later(StatusCode::SERVICE_UNAVAILABLE, error.to_string(), 5),
        }
    }
}

/// Reads `query`; `dialect=pharos` takes our own additions too, such as `{}`.
pub(super) fn query_of(params: &Params) -> Result<Query, ApiError> {
    let dialect = match params.get("dialect") {
        None | Some("loki") => Dialect::Loki,
        Some("pharos") => Dialect::Pharos,
        Some(other) => return Err(ApiError::bad(format!("dialect {other:?} is not known; loki and pharos are"))),
    };
    Ok(parse(params.get("query").unwrap_or(""), dialect)?)
}

/// How the client wants labels.
pub(super) fn encoding_of(headers: &HeaderMap) -> Encoding {
    Encoding::of(headers.get(Encoding::HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default())
}

/// `GET|POST /loki/api/v1/query`.
pub(super) async fn instant(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let at = params::time(&params, "time", state.now_ns())?;
    params::limit(&params, 1)?;
    params::is_backward(&params)?;
    match query_of(&params)? {
        Query::Log(_) => Err(ApiError::bad(NOT_INSTANT)),
        Query::Metric(metric) => {
            let length = lookback(&metric);
            let bounds = Bounds { start: at.saturating_sub(length), end: at };
            check_size(&state, Query::Metric(metric), bounds).await?;
            numbers(&state, params.get("query").unwrap_or(""), Times::Instant(at)).await
        }
    }
}

/// `GET|POST /loki/api/v1/query_range`.
pub(super) async fn range(State(state): State<Arc<ApiState>>, request: Request<Body>) -> Result<Response, ApiError> {
    let encoding = encoding_of(request.headers());
    let params = Params::from_request(request).await?;
    let bounds = params::bounds(&params, state.now_ns(), HOUR)?;
    let step = params::step(&params, bounds)?;
    check_length(&state, bounds)?;
    match query_of(&params)? {
        Query::Log(log) => {
            let limit = params::line_limit(&params, state.limits.lines_max)?;
            let question = question(log, &params, bounds, limit, encoding.categorized)?;
            check_size(&state, Query::Log(question.log.clone()), bounds).await?;
            let asked = state.ask(question).await?;
            respond_lines(asked, encoding).await
        }
        Query::Metric(metric) => {
            params::limit(&params, 1)?;
            let wider = Bounds { start: bounds.start.saturating_sub(lookback(&metric)), end: bounds.end };
            check_size(&state, Query::Metric(metric), wider).await?;
            let times = Times::Range { start: bounds.start, end: bounds.end, step };
            numbers(&state, params.get("query").unwrap_or(""), times).await
        }
    }
}

pub(super) fn check_length(state: &ApiState, bounds: Bounds) -> Result<(), ApiError> {
    let Some(max) = state.limits.length_max else { return Ok(()) };
    let length = Duration::from_nanos(bounds.end.saturating_sub(bounds.start).unsigned_abs());
    if length > max {
        let text =
            |duration: Duration| crate::base::time::Duration::from_secs(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 1000));
        return Err(ApiError::bad(format!(
            "the query time range exceeds the limit (query length: {}, limit: {})",
            text(length),
            text(max)
        )));
    }
    Ok(())
}

/// Refuses queries that would read more than is allowed.
pub(super) async fn check_size(state: &Arc<ApiState>, query: Query, bounds: Bounds) -> Result<(), ApiError> {
    let max = state.limits.bytes_max;
    if max == 0 {
        return Ok(());
    }
    let mut any_of = Vec::new();
    match &query {
        Query::Log(log) => any_of.push(log.selector.matchers.clone()),
        Query::Metric(metric) => selectors(metric, &mut any_of),
    }
    if any_of.is_empty() {
        return Ok(());
    }
    let bytes = state
        .read(move |select: &dyn SelectLines, cancel| {
            let (mut bytes, query) = (0, StreamQuery { any_of: &any_of, span: bounds.span(), limit: 0 });
            select.each_volume(&query, cancel, &mut |one| bytes += one.bytes).map(|()| bytes)
        })
        .await?;
    if bytes > max {
        return Err(ApiError::bad(format!(
            "the query would read too many bytes (query: {}, limit: {}); consider adding more specific stream selectors or reduce the time \
             range of the query",
            human::bytes(bytes as f64),
            human::bytes(max as f64)
        )));
    }
    Ok(())
}

/// The selectors of a metric query.
fn selectors(metric: &MetricExpr, into: &mut Vec<Vec<Matcher>>) {
    match &metric.kind {
        MetricKind::Range(range) => into.push(range.range.log.selector.matchers.clone()),
        MetricKind::Vector(vector) => selectors(&vector.expr, into),
        MetricKind::LabelReplace(replace) => selectors(&replace.expr, into),
        MetricKind::Binary(binary) => {
            selectors(&binary.left, into);
            selectors(&binary.right, into);
        }
        MetricKind::Literal(_) | MetricKind::Constant(_) => {}
    }
}

/// How far a metric query looks back (ns).
fn lookback(metric: &MetricExpr) -> i64 {
    match &metric.kind {
        MetricKind::Range(range) => range.range.interval_ns.saturating_add(range.range.offset_ns.max(0)),
        MetricKind::Vector(vector) => lookback(&vector.expr),
        MetricKind::LabelReplace(replace) => lookback(&replace.expr),
        MetricKind::Binary(binary) => lookback(&binary.left).max(lookback(&binary.right)),
        MetricKind::Literal(_) | MetricKind::Constant(_) => 0,
    }
}

pub(super) fn question(log: LogExpr, params: &Params, bounds: Bounds, limit: usize, categorize: bool) -> Result<LineQuestion, ApiError> {
    let direction = if params::is_backward(params)? { Direction::Backward } else { Direction::Forward };
    Ok(LineQuestion {
        log,
        span: bounds.span(),
        direction,
        limit,
        skip: params::skip(params)?,
        interval: params::interval(params)?,
        categorize,
    })
}

/// Lines that are asked for.
pub(super) struct LineQuestion {
    log: LogExpr,
    span: Span,
    direction: Direction,
    limit: usize,
    skip: usize,
    interval: i64,
    categorize: bool,
}

impl LineQuestion {
    /// The newest lines of a span, labels told apart by where they come from.
    pub(super) fn newest(log: LogExpr, bounds: Bounds, limit: usize) -> Self {
        Self { log, span: bounds.span(), direction: Direction::Backward, limit, skip: 0, interval: 0, categorize: true }
    }

    /// As the engine takes it.
    fn asked(&self, cancel: Cancel) -> LogQuestion<'_> {
        LogQuestion {
            query: &self.log,
            span: self.span,
            direction: self.direction,
            limit: self.limit,
            interval: self.interval,
            categorize: self.categorize,
            cancel,
        }
    }
}

/// Lines that were found, with what it took.
pub(super) struct Found {
    streams: Vec<LogStream>,
    stats: LogStats,
    took: Duration,
    queued: Duration,
}

impl Found {
    /// The lines, by stream.
    pub(super) fn streams(&self) -> &[LogStream] {
        &self.streams
    }

    /// What it took.
    pub(super) fn query_stats(&self) -> QueryStats {
        stats_of(&self.stats, self.took, self.queued)
    }
}

/// Lines for a tail.
pub(super) struct LineAnswer {
    pub(super) lines: Vec<TailLine>,
}

/// The newest lines of a tail's query.
pub(super) fn line_question(params: &Params, bounds: Bounds, limit: usize) -> Result<LineQuestion, ApiError> {
    match query_of(params)? {
        Query::Log(log) => Ok(LineQuestion::newest(log, bounds, limit)),
        Query::Metric(_) => Err(ApiError::bad("only lines can be tailed, and this is a metric query")),
    }
}

/// What finds the lines of a tail's query among those that come in.
pub(super) fn tail_filter(state: &ApiState, params: &Params, categorize: bool) -> Result<TailFilter, ApiError> {
    let Query::Log(log) = query_of(params)? else {
        return Err(ApiError::bad("only lines can be tailed, and this is a metric query"));
    };
    let mut tail = Tail::new(&log, state.now_ns()).map_err(|error| ApiError::bad(format!("parse error : {error}")))?;
    Ok(Box::new(move |batch| {
        let mut found = Vec::new();
        for stream in batch.streams.iter().filter(|stream| !stream.lines.is_empty()) {
            if !tail.wants(&stream.labels) {
                continue;
            }
            for line in batch.lines_of(stream) {
                let Some(passed) = tail.process(&stream.labels, line.ts, batch.text_of(line), batch.fields_of(line)) else { continue };
                let (labels, fields, parsed) = if categorize {
                    (passed.categories.stream, passed.categories.fields, passed.categories.parsed)
                } else {
                    (passed.labels, Labels::empty(), Labels::empty())
                };
                found.push(TailLine { labels, ts: line.ts, text: passed.line, fields, parsed });
            }
        }
        found
    }))
}

impl ApiState {
    pub(super) async fn ask(&self, question: LineQuestion) -> Result<Found, ApiError> {
        let (engine, clock, cancel, began) = (self.engine.clone(), Arc::clone(&self.clock), Cancel::new(), self.clock.monotonic());
        let inner = cancel.clone();
        let worked = self
            .work
            .run(self.limits.timeout, &cancel, move || {
                let started = clock.monotonic();
                let answer = engine.lines_behind(&question.asked(inner), question.skip);
                (answer, started.saturating_sub(began), clock.monotonic().saturating_sub(started))
            })
            .await;
        let (answer, queued, took) = worked.inspect_err(|_| self.counters.failed.inc())?;
        self.counters.queries.observe(took);
        let answer = answer.inspect_err(|_| self.counters.failed.inc())?;
        self.count(&answer.stats);
        Ok(Found { streams: answer.streams, stats: answer.stats, took, queued })
    }

    fn count(&self, stats: &LogStats) {
        self.counters.bytes.add(stats.bytes);
        self.counters.lines.add(stats.lines);
    }

    /// Lines of a question by stream.
    pub(super) async fn streams(&self, question: LineQuestion) -> Result<Vec<LogStream>, ApiError> {
        Ok(self.ask(question).await?.streams)
    }

    /// What the lines of a question look like, looking at about as many as its limit says.
    pub(super) async fn patterns(&self, question: LineQuestion, step: i64, patterns_max: usize) -> Result<Vec<FoundPattern>, ApiError> {
        let (engine, cancel) = (self.engine.clone(), Cancel::new());
        let inner = cancel.clone();
        let worked = self.work.run(self.limits.timeout, &cancel, move || {
            let asked = question.asked(inner);
            engine.patterns(&asked, step, patterns_max)
        });
        Ok(worked.await??)
    }

    /// Lines of a question one by one.
    pub(super) async fn lines(&self, mut question: LineQuestion, categorize: bool) -> Result<LineAnswer, ApiError> {
        question.categorize = categorize;
        let found = self.ask(question).await?;
        let lines = found.streams.into_iter().flat_map(|stream| {
            let labels = stream.labels;
            stream.entries.into_iter().map(move |entry| {
                let (fields, parsed) =
                    if categorize { (entry.categories.fields, entry.categories.parsed) } else { (Labels::empty(), Labels::empty()) };
                TailLine { labels: labels.clone(), ts: entry.ts, text: entry.line, fields, parsed }
            })
        });
        Ok(LineAnswer { lines: lines.collect() })
    }

    /// Evaluates a metric query.
    pub(super) async fn evaluate(&self, query: String, times: Times) -> Result<(Value, QueryStats), ApiError> {
        let (engine, clock, cancel, began) = (self.engine.clone(), Arc::clone(&self.clock), Cancel::new(), self.clock.monotonic());
        let inner = cancel.clone();
        let worked = self
            .work
            .run(self.limits.timeout, &cancel, move || {
                let started = clock.monotonic();
                let answer = engine.numbers_at(&query, times, &inner);
                (answer, started.saturating_sub(began), clock.monotonic().saturating_sub(started))
            })
            .await;
        let (answer, queued, took) = worked.inspect_err(|_| self.counters.failed.inc())?;
        self.counters.queries.observe(took);
        let (answer, stats) = answer.inspect_err(|_| self.counters.failed.inc())?;
        self.count(&stats);
        Ok((answer.value, stats_of(&stats, took, queued)))
    }
}

fn stats_of(stats: &LogStats, took: Duration, queued: Duration) -> QueryStats {
    QueryStats {
        took,
        queued,
        lines: stats.lines,
        bytes: stats.bytes,
        chunks: stats.chunks,
        lines_matched: stats.entries,
        lines_returned: stats.entries,
    }
}

/// Evaluates a metric query and answers.
async fn numbers(state: &Arc<ApiState>, query: &str, times: Times) -> Result<Response, ApiError> {
    let (value, stats) = state.evaluate(query.to_owned(), times).await?;
    respond(move |out| {
        put_head(out, value.type_name(), Encoding::default(), &[]);
        put_value(out, &value);
        put_tail(out, &stats);
    })
    .await
}

async fn respond_lines(found: Found, encoding: Encoding) -> Result<Response, ApiError> {
    respond(move |out| {
        put_head(out, "streams", encoding, &[]);
        out.push(b'[');
        for (at, stream) in found.streams.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            let lines = stream.entries.iter().map(|entry| LineOut {
                ts: entry.ts,
                text: entry.line.as_bytes(),
                fields: entry.categories.fields.packed(),
                parsed: entry.categories.parsed.packed(),
            });
            put_stream(out, stream.labels.packed(), lines, encoding);
        }
        out.push(b']');
        put_tail(out, &found.query_stats());
    })
    .await
}

/// Writes an answer off the reactor. Large ones leave in pieces.
pub(super) async fn respond(write: impl FnOnce(&mut Vec<u8>) + Send + 'static) -> Result<Response, ApiError> {
    let written = tokio::task::spawn_blocking(move || {
        let mut out = Vec::new();
        write(&mut out);
        out
    });
    let out = written.await.map_err(|_| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be written"))?;
    if out.len() <= PIECE_BYTES {
        return Ok(json(out));
    }
    // A slow reader holds the bytes, no more: they are given to it as it takes them, with a limit of patience.
    let (mut writer, body) = PieceWriter::new();
    tokio::task::spawn_blocking(move || {
        let sent = out.chunks(PIECE_BYTES).try_for_each(|piece| std::io::Write::write_all(&mut writer, piece));
        if let Err(error) = sent.and_then(|()| writer.finish()) {
            tracing::debug!(%error, "the client went away while an answer was being sent");
        }
    });
    Ok(json_body(body))
}

/// `GET|POST /loki/api/v1/format_query`.
pub(super) async fn format(request: Request<Body>) -> Result<Response, ApiError> {
    let params = Params::from_request(request).await?;
    let mut out = Vec::new();
    let status = match query_of(&params) {
        Ok(query) => {
            out.extend_from_slice(b"{\"status\":\"success\",\"data\":");
            super::json_text::put_text(&mut out, &crate::logs::query::print::pretty(&query));
            StatusCode::OK
        }
        Err(error) => {
            out.extend_from_slice(b"{\"status\":\"invalid-query\",\"error\":");
            super::json_text::put_text(&mut out, error.message());
            StatusCode::BAD_REQUEST
        }
    };
    out.push(b'}');
    let mut response = json(out);
    *response.status_mut() = status;
    Ok(response)
}
