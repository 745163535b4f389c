//! `GET /loki/api/v1/tail`: lines as they come, over a WebSocket.
//!
//! First come lines that are there already, then those that are stored from then on: each tail has a bounded queue, and
//! what a slow reader does not take in time is dropped and told.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use xxhash_rust::xxh3::xxh3_64;

use super::ApiState;
use super::answer::ApiError;
use super::json_text::put_text;
use super::legacy;
use super::params::{self, HOUR};
use super::query::{LineAnswer, encoding_of, line_question, tail_filter};
use super::result_json::{Encoding, LineOut, put_flags, put_stream};
use crate::logs::ingest::tap::Tap;
use crate::logs::model::batch::LineBatch;
use crate::platform::http::extract::Params;
use crate::series::labels::Labels;

/// Longest delay that may be asked for, in seconds, as upstream.
const DELAY_MAX_S: u64 = 5;
/// How often a silent connection is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(15);
/// How long a client may take to take a frame.
const SEND_WITHIN: Duration = Duration::from_secs(20);
/// Lines of one frame.
const FRAME_LINES_MAX: usize = 1000;
/// Lines that wait for their delay to be over.
const WAITING_LINES_MAX: usize = 50_000;
/// For so long a line that was there already may come again by the queue.
const OVERLAP: Duration = Duration::from_secs(10);

/// A line that a tail shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TailLine {
    /// Its labels: all of them, or the stream's alone if they are told apart.
    pub(super) labels: Labels,
    pub(super) ts: i64,
    pub(super) text: String,
    /// Fields that it was sent with.
    pub(super) fields: Labels,
    /// What parsers found.
    pub(super) parsed: Labels,
}

impl TailLine {
    fn hash(&self) -> u64 {
        xxh3_64(self.text.as_bytes()) ^ self.labels.stable_hash().rotate_left(17) ^ (self.ts as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// Finds the lines of a batch that a query means.
pub(super) type TailFilter = Box<dyn FnMut(&LineBatch) -> Vec<TailLine> + Send>;

/// Counts a tail for as long as it lives.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(count: &Arc<AtomicUsize>, max: usize) -> Result<Self, ApiError> {
        let before = count.fetch_add(1, Ordering::Relaxed);
        let place = Self(Arc::clone(count));
        if before >= max {
            return Err(ApiError::bad(format!("max concurrent tail requests limit exceeded, count > limit ({} > {max})", before + 1)));
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `GET /loki/api/v1/tail`.
pub(super) async fn tail(
    State(state): State<Arc<ApiState>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let params = Params::from_pairs(form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()).into_owned().collect());
    let is_old = uri.path().ends_with("/api/prom/tail");
    let encoding = if is_old { Encoding { is_old, ..Encoding::default() } } else { encoding_of(&headers) };
    match begin(&state, &params, encoding) {
        Err(error) => error.into_response(),
        Ok(tail) => match upgrade {
            Err(rejection) => ApiError::bad(format!("a tail is a WebSocket: {}", rejection.body_text())).into_response(),
            Ok(upgrade) => upgrade.on_upgrade(move |socket| tail.run(state, socket)),
        },
    }
}

/// A tail that was asked for.
struct Tail {
    params: Params,
    filter: TailFilter,
    delay: Duration,
    encoding: Encoding,
    tap: Tap,
    _place: Place,
}

fn begin(state: &ApiState, params: &Params, encoding: Encoding) -> Result<Tail, ApiError> {
    let delay_s: u64 = match params.get("delay_for") {
        None => 0,
        Some(text) => text.parse().map_err(|_| ApiError::bad(format!("strconv.Atoi: parsing {text:?}: invalid syntax")))?,
    };
    if delay_s > DELAY_MAX_S {
        return Err(ApiError::bad(format!("delay_for can't be greater than {DELAY_MAX_S}")));
    }
    let filter = tail_filter(state, params, encoding.categorized)?;
    let place = Place::take(&state.tails, state.limits.tails_max)?;
    // From now on, so that no line falls between what was there and what comes.
    let tap = state.receiver.taps.open();
    Ok(Tail { params: params.clone(), filter, delay: Duration::from_secs(delay_s), encoding, tap, _place: place })
}

impl Tail {
    async fn run(mut self, state: Arc<ApiState>, mut socket: WebSocket) {
        let ended = self.serve(&state, &mut socket).await;
        let (code, reason) = match ended {
            Ok(()) => (close_code::AWAY, String::new()),
            Err(reason) => (close_code::ERROR, reason.chars().take(100).collect()),
        };
        let frame = CloseFrame { code, reason: reason.into() };
        // Whoever is gone need not be told.
        let _gone = timeout(SEND_WITHIN, socket.send(Message::Close(Some(frame)))).await.is_err();
    }

    /// Until the client goes or the server stops; the error is a sentence for the client.
    async fn serve(&mut self, state: &Arc<ApiState>, socket: &mut WebSocket) -> Result<(), String> {
        let mut shown = HashSet::new();
        let there = self.lines_there(state).await.map_err(|error| error.message().to_owned())?;
        shown.extend(there.iter().map(TailLine::hash));
        if !self.send(socket, &there, 0).await {
            return Ok(());
        }
        let overlap_ends = Instant::now() + OVERLAP + self.delay;
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut waiting: VecDeque<(Instant, Vec<TailLine>)> = VecDeque::new();
        let mut waiting_lines = 0;
        loop {
            let due = waiting.front().map(|(due, _)| *due);
            tokio::select! {
                batch = self.tap.next() => {
                    let Some(batch) = batch else { return Ok(()) };
                    let mut found = self.matching(batch).await?;
                    if Instant::now() < overlap_ends {
                        found.retain(|line| !shown.contains(&line.hash()));
                    } else {
                        shown = HashSet::new();
                    }
                    if !found.is_empty() {
                        waiting_lines += found.len();
                        waiting.push_back((Instant::now() + self.delay, found));
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                message = socket.recv() => match message {
                    None | Some(Err(_) | Ok(Message::Close(_))) => return Ok(()),
                    Some(Ok(_)) => {}
                },
                _ = pings.tick() => {
                    if !sent(socket, Message::Ping(Vec::new().into())).await {
                        return Ok(());
                    }
                }
            }
            let mut ready = Vec::new();
            while waiting.front().is_some_and(|(due, _)| *due <= Instant::now() || waiting_lines > WAITING_LINES_MAX) {
                let Some((_, lines)) = waiting.pop_front() else { break };
                waiting_lines -= lines.len();
                ready.extend(lines);
            }
            // Across senders, lines are in order of time as far as the delay allows.
            ready.sort_by_key(|line| line.ts);
            let dropped = self.tap.take_dropped();
            if !self.send(socket, &ready, dropped).await {
                return Ok(());
            }
        }
    }

    /// Lines that are there already, oldest first.
    async fn lines_there(&mut self, state: &Arc<ApiState>) -> Result<Vec<TailLine>, ApiError> {
        let now = state.now_ns();
        let bounds = params::bounds(&self.params, now, HOUR)?;
        // Lines with times a little ahead of the clock are there too.
        let bounds = params::Bounds { start: bounds.start, end: bounds.end.max(now.saturating_add(params::NS_PER_S)) };
        let limit = params::line_limit(&self.params, state.limits.lines_max)?;
        let question = line_question(&self.params, bounds, limit)?;
        let LineAnswer { mut lines, .. } = state.lines(question, self.encoding.categorized).await?;
        // The newest come first, and of one time the last; what is to be shown is the reverse.
        lines.reverse();
        lines.sort_by_key(|line| line.ts);
        Ok(lines)
    }

    /// Looks through a batch off the reactor.
    async fn matching(&mut self, batch: Arc<LineBatch>) -> Result<Vec<TailLine>, String> {
        let mut filter = std::mem::replace(&mut self.filter, Box::new(|_| Vec::new()));
        let worked = tokio::task::spawn_blocking(move || {
            let found = filter(&batch);
            (filter, found)
        })
        .await;
        let (filter, found) = worked.map_err(|_| "the tail failed unexpectedly".to_owned())?;
        self.filter = filter;
        Ok(found)
    }

    /// Sends lines in frames; false when the client is gone.
    async fn send(&mut self, socket: &mut WebSocket, lines: &[TailLine], dropped: u64) -> bool {
        let mut pieces = lines.chunks(FRAME_LINES_MAX).peekable();
        if pieces.peek().is_none() && dropped > 0 {
            return sent(socket, Message::Text(frame(&[], dropped, self.encoding).into())).await;
        }
        let mut dropped = dropped;
        for piece in pieces {
            if !sent(socket, Message::Text(frame(piece, std::mem::take(&mut dropped), self.encoding).into())).await {
                return false;
            }
        }
        true
    }
}

async fn sent(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(SEND_WITHIN, socket.send(message)).await, Ok(Ok(())))
}

/// `{"streams": […], "dropped_entries": […]}`.
fn frame(lines: &[TailLine], dropped: u64, encoding: Encoding) -> String {
    let mut out = b"{\"streams\":[".to_vec();
    // Lines of one stream that follow each other stand together.
    for (at, run) in lines.chunk_by(|a, b| a.labels == b.labels).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let lines = run.iter().map(|line| LineOut {
            ts: line.ts,
            text: line.text.as_bytes(),
            fields: line.fields.packed(),
            parsed: line.parsed.packed(),
        });
        let labels = run.first().map_or(&[][..], |line| line.labels.packed());
        if encoding.is_old {
            legacy::put_stream(&mut out, labels, lines);
        } else {
            put_stream(&mut out, labels, lines, encoding);
        }
    }
    out.push(b']');
    if dropped > 0 {
        // Which lines they were is not known any more, only how many.
        out.extend_from_slice(b",\"dropped_entries\":[{\"labels\":{\"dropped_lines\":");
        put_text(&mut out, &dropped.to_string());
        out.extend_from_slice(b"},\"timestamp\":");
        put_text(&mut out, &lines.last().map_or(0, |line| line.ts).to_string());
        out.extend_from_slice(b"}]");
    }
    if encoding.categorized {
        put_flags(&mut out);
    }
    out.push(b'}');
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_as_upstream_sends_them() {
        let line = |app: &str, ts: i64, text: &str| TailLine {
            labels: Labels::from_pairs([("app", app)]),
            ts,
            text: text.to_owned(),
            fields: Labels::empty(),
            parsed: Labels::empty(),
        };
        let lines = [line("a", 1, "one"), line("a", 2, "two"), line("b", 3, "three")];
        assert_eq!(
            frame(&lines, 0, Encoding::default()),
            "{\"streams\":[{\"stream\":{\"app\":\"a\"},\"values\":[[\"1\",\"one\"],[\"2\",\"two\"]]},\
             {\"stream\":{\"app\":\"b\"},\"values\":[[\"3\",\"three\"]]}]}"
        );
        assert_eq!(
            frame(&lines[..1], 7, Encoding { categorized: true, is_old: false }),
            "{\"streams\":[{\"stream\":{\"app\":\"a\"},\"values\":[[\"1\",\"one\",{}]]}],\"dropped_entries\":[{\"labels\":\
             {\"dropped_lines\":\"7\"},\"timestamp\":\"1\"}],\"encodingFlags\":[\"categorize-labels\"]}"
        );
    }

    #[test]
    fn places_are_counted() {
        let count = Arc::new(AtomicUsize::new(0));
        let place = Place::take(&count, 1).unwrap();
        assert!(Place::take(&count, 1).is_err());
        drop(place);
        assert!(Place::take(&count, 1).is_ok() && count.load(Ordering::Relaxed) == 0);
    }
}
