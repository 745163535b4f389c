//! One target over time: wait, fetch, store, again; and what happens when that ends.
//!
//! Fetching happens on the reactor. Parsing and storing happen on the blocking pool, at most [`Env::workers`] at
//! a time. A running scrape is not cut off when its loop is told to stop, only when the server shuts down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::fetch::{Source, fetch};
use super::intake::{Failure, Fetched, Intake};
use super::schedule::Schedule;
use super::scratch::Scratch;
use super::summary::Summary;
use super::target::{Health, Target, TargetState};
use crate::base::clock::SharedClock;
use crate::platform::http::client::{BodyError, ContentEncoding, decode_body};

/// Content type of bodies from this process.
const IN_PROCESS_TYPE: &str = "text/plain; version=0.0.4";
/// Buffers larger than this are given back to the system after use.
const BUFFER_BYTES_KEPT: usize = 64 * 1024 * 1024;

/// What all loops share.
pub(super) struct Env {
    pub clock: SharedClock,
    /// Spreads targets of several servers apart.
    pub seed: u64,
    /// Raised when the server shuts down: nothing waits any more.
    pub quit: CancellationToken,
    workers: Arc<Semaphore>,
    buffers: Mutex<Vec<Vec<u8>>>,
    scratches: Mutex<Vec<Scratch>>,
    kept: usize,
    /// Seconds between scrapes, by the interval in milliseconds that they should be.
    pub intervals: Mutex<BTreeMap<i64, Summary>>,
}

impl Env {
    pub fn new(clock: SharedClock, seed: u64) -> Self {
        let workers = std::thread::available_parallelism().map_or(2, usize::from) * 2;
        Self {
            clock,
            seed,
            quit: CancellationToken::new(),
            workers: Arc::new(Semaphore::new(workers)),
            buffers: Mutex::default(),
            scratches: Mutex::default(),
            kept: workers,
            intervals: Mutex::default(),
        }
    }

    fn buffer(&self) -> Vec<u8> {
        self.buffers.lock().pop().unwrap_or_default()
    }

    fn give_back(&self, mut buffer: Vec<u8>) {
        let mut buffers = self.buffers.lock();
        if buffer.capacity() <= BUFFER_BYTES_KEPT && buffers.len() < self.kept {
            buffer.clear();
            buffers.push(buffer);
        }
    }

    fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let mut scratch = self.scratches.lock().pop().unwrap_or_default();
        let result = work(&mut scratch);
        let mut scratches = self.scratches.lock();
        if scratches.len() < self.kept {
            scratch.batch.clear();
            scratches.push(scratch);
        }
        result
    }
}

/// What a loop leaves behind when it is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum End {
    /// Staleness markers, once it is sure that the target is not back: after two intervals, as upstream.
    MarkLater = 0,
    /// Staleness markers at once.
    MarkNow = 1,
    /// Its memory, for the loop that takes over.
    HandOver = 2,
    /// Nothing.
    Silent = 3,
}

/// How others steer a loop.
#[derive(Debug)]
pub(super) struct Control {
    stop: CancellationToken,
    /// Raised when no scrape runs and none will.
    pub stopped: CancellationToken,
    end: AtomicU8,
    forced: Mutex<Option<String>>,
    last: Mutex<Option<i64>>,
}

impl Control {
    pub fn new(forced: Option<String>) -> Arc<Self> {
        Arc::new(Self {
            stop: CancellationToken::new(),
            stopped: CancellationToken::new(),
            end: AtomicU8::new(End::MarkLater as u8),
            forced: Mutex::new(forced),
            last: Mutex::default(),
        })
    }

    /// Tells the loop to stop after the scrape that runs.
    pub fn stop(&self, end: End) {
        self.end.store(end as u8, Ordering::SeqCst);
        self.stop.cancel();
    }

    /// Lets every scrape fail with this error, or none any more.
    pub fn force(&self, error: Option<String>) {
        *self.forced.lock() = error;
    }

    /// When the last scrape was, in milliseconds.
    pub fn last(&self) -> Option<i64> {
        *self.last.lock()
    }

    fn end(&self) -> End {
        match self.end.load(Ordering::SeqCst) {
            1 => End::MarkNow,
            2 => End::HandOver,
            3 => End::Silent,
            _ => End::MarkLater,
        }
    }
}

/// The memory of a loop that ended, and when it scraped last.
pub(super) type Legacy = Option<(Intake, Option<i64>)>;

/// One target at work.
pub(super) struct Loop {
    pub intake: Intake,
    pub source: Source,
    pub control: Arc<Control>,
    pub env: Arc<Env>,
}

impl Loop {
    /// Scrapes until told to stop. `last` is when a loop before this one scraped.
    pub async fn run(mut self, last: Option<i64>) -> Legacy {
        let (env, control) = (self.env.clone(), self.control.clone());
        let target = self.intake.target.clone();
        let mut schedule = Schedule::start(target.interval.ms(), target.hash() ^ env.seed, env.clock.now_ms(), env.clock.monotonic(), last);
        if last.is_none() && matches!(self.source, Source::InProcess(_)) {
            schedule = schedule.at_once();
        }
        let mut last = last;
        let mut begun: Option<std::time::Duration> = None;
        loop {
            tokio::select! {
                biased;
                () = control.stop.cancelled() => break,
                () = tokio::time::sleep(schedule.wait(env.clock.monotonic())) => {}
            }
            let now = env.clock.monotonic();
            let before = if schedule.is_early() { None } else { begun.replace(now) };
            if let Some(before) = before {
                env.intervals.lock().entry(target.interval.ms()).or_default().observe(now, now.saturating_sub(before).as_secs_f64());
            }
            let ts = schedule.timestamp(env.clock.now_ms());
            let Some(done) = self.scrape(ts).await else {
                control.stopped.cancel();
                return None;
            };
            self = done;
            last = Some(ts);
            *control.last.lock() = last;
            schedule.advance(env.clock.monotonic());
            if control.stop.is_cancelled() || env.quit.is_cancelled() {
                break;
            }
        }
        control.stopped.cancel();
        self.finish(schedule, last).await
    }

    /// One scrape. `None`: the loop is broken.
    async fn scrape(mut self, ts: i64) -> Option<Self> {
        let env = self.env.clone();
        let started = env.clock.monotonic();
        let target = self.intake.target.clone();
        let mut raw = env.buffer();
        let forced = self.control.forced.lock().clone();
        let fetched = match (forced, &self.source) {
            (Some(error), _) => Err(Failure::Other(error)),
            (None, Source::Unusable(error)) => Err(Failure::Other(error.clone())),
            (None, Source::InProcess(_)) => Ok(None),
            (None, Source::Http { client, headers }) => {
                let bytes_max = self.intake.job.limits.body_bytes;
                let fetching = fetch(client, headers.clone(), target.url.expose(), target.timeout, bytes_max, &mut raw);
                tokio::select! {
                    biased;
                    () = env.quit.cancelled() => return Some(self),
                    fetched = fetching => fetched.map(Some),
                }
            }
        };
        // Waiting here, not in the pool: its threads stay free for others.
        let Ok(permit) = env.workers.clone().acquire_owned().await else { return None };
        let work = move || {
            let _held_until_done = permit;
            let head = match fetched {
                Ok(None) => self.collect(ts, &mut raw),
                other => other,
            };
            self.store(ts, started, head, &mut raw);
            self.env.give_back(raw);
            self
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(this) => Some(this),
            Err(error) => {
                tracing::error!(target_url = %target.url, %error, "a scrape ended abnormally, the target is not scraped any more");
                target.set_state(TargetState { health: Health::Down, last_error: "internal error".to_owned(), ..target.state() });
                None
            }
        }
    }

    /// Runs the function of an in-process target.
    fn collect(&self, ts: i64, raw: &mut Vec<u8>) -> Result<Option<super::fetch::Head>, Failure> {
        let Source::InProcess(collect) = &self.source else { return Ok(None) };
        let mut text = String::from_utf8(std::mem::take(raw)).unwrap_or_default();
        let result = collect(ts, &mut text);
        *raw = text.into_bytes();
        result.map_err(Failure::Other)?;
        Ok(Some(super::fetch::Head { content_type: IN_PROCESS_TYPE.to_owned(), encoding: ContentEncoding::Identity }))
    }

    /// Decodes and stores what was fetched, and notes how it went.
    fn store(&mut self, ts: i64, started: std::time::Duration, fetched: Result<Option<super::fetch::Head>, Failure>, raw: &mut Vec<u8>) {
        let (env, target) = (self.env.clone(), self.intake.target.clone());
        let mut content_type = String::new();
        let mut failure = None;
        match fetched {
            Ok(head) => {
                let encoding = head.as_ref().map_or(ContentEncoding::Identity, |head| head.encoding);
                content_type = head.map(|head| head.content_type).unwrap_or_default();
                if encoding != ContentEncoding::Identity {
                    let mut body = env.buffer();
                    match decode_body(encoding, raw, self.intake.job.limits.body_bytes, &mut body) {
                        Ok(()) => {}
                        Err(BodyError::TooLarge) => failure = Some(Failure::BodyTooLarge),
                        Err(error) => failure = Some(Failure::Other(error.to_string())),
                    }
                    env.give_back(std::mem::replace(raw, body));
                }
            }
            Err(error) => failure = Some(error),
        }
        let fetched = match failure {
            None => Ok(Fetched { content_type: &content_type, body: raw }),
            Some(failure) => Err(failure),
        };
        let elapsed = || env.clock.monotonic().saturating_sub(started).as_secs_f64();
        let (report, failure) = env.with_scratch(|scratch| self.intake.take(fetched, ts, env.clock.now_ms(), scratch, elapsed));
        let last_error = failure.map(|failure| failure.to_string()).unwrap_or_default();
        if !report.up {
            log_failure(&self.intake.job.failure_log, &target, &last_error, env.clock.now_ms());
        }
        target.set_state(TargetState {
            health: if report.up { Health::Up } else { Health::Down },
            last_error,
            last_scrape: Some(ts),
            last_duration: report.duration_secs,
        });
    }

    /// Leaves behind what was asked for.
    async fn finish(self, mut schedule: Schedule, last: Option<i64>) -> Legacy {
        let (env, control) = (self.env.clone(), self.control.clone());
        let stale_at = match control.end() {
            End::HandOver => return Some((self.intake, last)),
            End::Silent => return None,
            _ if last.is_none() => return None,
            End::MarkNow => env.clock.now_ms(),
            End::MarkLater => {
                let until_due = schedule.wait(env.clock.monotonic());
                let stale_at = schedule.timestamp(env.clock.now_ms() + i64::try_from(until_due.as_millis()).unwrap_or(0));
                let interval = self.intake.target.interval.to_std();
                tokio::select! {
                    () = env.quit.cancelled() => return None,
                    () = tokio::time::sleep(until_due + interval + interval / 10) => {}
                }
                stale_at
            }
        };
        let mark = move || {
            let mut this = self;
            env.with_scratch(|scratch| this.intake.end_of_run(stale_at, scratch));
        };
        if let Err(error) = tokio::task::spawn_blocking(mark).await {
            tracing::error!(%error, "ending the series of a target failed");
        }
        None
    }
}

/// Adds a line to `scrape_failure_log_file`, in upstream's form.
fn log_failure(path: &str, target: &Target, error: &str, now_ms: i64) {
    use std::io::Write;
    if path.is_empty() {
        return;
    }
    let job = target.all_labels.get("job").unwrap_or("");
    let time = crate::base::time::format_rfc3339(now_ms);
    let line = serde_json::json!({"time": time, "level": "ERROR", "msg": error, "job_name": job, "target": target.url.to_string()});
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(path);
    if let Err(error) = opened.and_then(|mut file| writeln!(file, "{line}")) {
        tracing::warn!(path, %error, "cannot write the scrape failure log");
    }
}
