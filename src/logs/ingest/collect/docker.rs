//! Logs of containers by Docker's API on its socket. Only reads: which containers there are, and what they write.
//!
//! A container is followed as soon as Docker says that it has started, and one that has ended is read to its end, so that
//! those that live only for a moment are not missed. Positions are kept for each of its two streams: within one of them
//! times only grow, which is not so of both together.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::config::without_hidden;
use super::cursors::Cursors;
use super::docker_files::compose;
use super::docker_http::{Answer, get};
use super::docker_split::{ContainerLine, Splitter};
use crate::base::clock::SharedClock;
use crate::logs::ingest::inlet::{Inlet, Line};
use crate::logs::ingest::shape::{Shaper, Stamps};
use crate::logs::ingest::stage::{Entry, Flush, Pipeline};
use crate::series::labels::LabelsBuilder;
use crate::series::relabel::{RelabelConfig, process};

/// Most containers followed at once.
const CONTAINERS_MAX: usize = 1_000;
/// Most containers that have ended and are read to their end at once.
const ENDED_AT_ONCE: usize = 8;
/// Most bytes of an answer that is read whole.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Longest event; Docker's have a few hundred bytes and the labels of a container.
const EVENT_BYTES_MAX: usize = 1 << 20;
/// Lines stored at once.
const LINES_AT_ONCE: usize = 1_000;
/// How long a line waits for more of them.
const WAIT: Duration = Duration::from_millis(200);
/// Shortest time between two lists of containers.
const LIST_PAUSE: Duration = Duration::from_millis(100);
/// How long to wait before Docker is asked for its events again.
const EVENTS_AGAIN: Duration = Duration::from_secs(2);
/// What happens to containers that is of interest: type=container and event=start|restart|die|unpause, as Docker wants it.
const EVENTS: &str = "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%2C%22event%22%3A%5B%22start%22%2C%22restart%22%2C%22die%22%2C%22unpause%22%5D%7D";
/// How much earlier than the newest line Docker is asked to begin: its two streams come in the order of their times only
/// roughly.
const OVERLAP_NS: i64 = 2_000_000_000;

/// Containers to follow.
#[derive(Debug, Clone)]
pub(crate) struct DockerJob {
    pub(crate) name: String,
    pub(crate) socket: PathBuf,
    /// How often containers are listed.
    pub(crate) refresh: Duration,
    pub(crate) rules: Vec<RelabelConfig>,
    pub(crate) pipeline: Pipeline,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    image: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    /// Whether it runs, as a word.
    #[serde(default)]
    state: String,
}

impl Listed {
    fn has_ended(&self) -> bool {
        matches!(self.state.as_str(), "exited" | "dead" | "created" | "removing" | "stopped")
    }
}

/// What Docker says has happened.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    config: InspectedConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedConfig {
    #[serde(default)]
    tty: bool,
}

impl DockerJob {
    /// Follows containers until it is dropped.
    pub(crate) async fn run(self, inlet: Inlet, clock: SharedClock, cursors: Arc<Cursors>) {
        let job = Arc::new(self);
        let mut followed: BTreeMap<String, AbortHandle> = BTreeMap::new();
        // Those that have ended and were read to their end.
        let mut read: BTreeSet<String> = BTreeSet::new();
        // Those to which something happened while they were followed, and which may have gone on since.
        let mut stirred: BTreeSet<String> = BTreeSet::new();
        let mut tasks = tokio::task::JoinSet::new();
        let ended_at_once = Arc::new(Semaphore::new(ENDED_AT_ONCE));
        let (tell, mut told) = mpsc::channel(64);
        let mut events = tokio::task::JoinSet::new();
        events.spawn({
            let job = Arc::clone(&job);
            async move { job.hear(&tell).await }
        });
        let (mut last_error, mut has_warned) = (String::new(), false);
        loop {
            match job.list().await {
                Ok(listed) => {
                    last_error.clear();
                    followed.retain(|_, task| !task.is_finished());
                    let names: Vec<String> = listed.iter().map(|container| job.cursor(&container.id)).collect();
                    read.retain(|id| listed.iter().any(|container| container.id == *id && container.has_ended()));
                    for container in listed {
                        let id = container.id.clone();
                        if followed.contains_key(&id) || read.contains(&id) || job.labels(&container, "stdout").is_none() {
                            continue;
                        }
                        if followed.len() >= CONTAINERS_MAX {
                            if !std::mem::replace(&mut has_warned, true) {
                                tracing::warn!(job = %job.name, "more than {CONTAINERS_MAX} containers are followed; the others wait");
                            }
                            break;
                        }
                        let (job, inlet, clock, cursors) = (Arc::clone(&job), inlet.clone(), clock.clone(), Arc::clone(&cursors));
                        let turn = container.has_ended().then(|| Arc::clone(&ended_at_once));
                        let task = tasks.spawn(async move {
                            let _turn = match turn {
                                Some(turn) => turn.acquire_owned().await.ok(),
                                None => None,
                            };
                            let is_read = job.follow(&container, &inlet, &clock, &cursors).await;
                            (container.id, is_read)
                        });
                        followed.insert(id, task);
                    }
                    cursors.keep(&job.cursor(""), &names);
                }
                Err(error) => {
                    if error != last_error {
                        tracing::warn!(job = %job.name, socket = %job.socket.display(), %error, "Docker cannot be asked for its containers");
                    }
                    last_error = error;
                }
            }
            let again = Instant::now() + job.refresh;
            let pause = tokio::time::sleep(LIST_PAUSE);
            // A container may have started again while it was still being followed, so that its end is a reason to look too.
            loop {
                tokio::select! {
                    heard = told.recv() => {
                        let more = std::iter::from_fn(|| told.try_recv().ok());
                        for heard in heard.into_iter().chain(more) {
                            match heard {
                                Heard::Container(id) if followed.contains_key(&id) => { stirred.insert(id); }
                                Heard::Container(id) => { read.remove(&id); }
                                Heard::Anew => read.clear(),
                            }
                        }
                    }
                    Some(ended) = tasks.join_next() => match ended {
                        Ok((id, true)) => if !stirred.remove(&id) { read.insert(id); },
                        // What cannot be read now is tried again later.
                        Ok((_, false)) | Err(_) => continue,
                    },
                    () = tokio::time::sleep_until(again) => {}
                }
                break;
            }
            pause.await;
            stirred.retain(|id| followed.contains_key(id));
        }
    }

    /// Tells what happens to containers.
    async fn hear(&self, tell: &mpsc::Sender<Heard>) {
        loop {
            if let Ok(mut answer) = get(&self.socket, EVENTS).await {
                // What happened before is not told.
                if tell.send(Heard::Anew).await.is_err() {
                    return;
                }
                let mut text = Vec::new();
                while let Ok(Some(piece)) = answer.piece().await {
                    text.extend_from_slice(&piece);
                    let mut events = serde_json::Deserializer::from_slice(&text).into_iter::<Event>();
                    while let Some(Ok(event)) = events.next() {
                        if tell.send(Heard::Container(event.id)).await.is_err() {
                            return;
                        }
                    }
                    let used = events.byte_offset();
                    text.drain(..used);
                    if text.len() > EVENT_BYTES_MAX {
                        break;
                    }
                }
            }
            tokio::time::sleep(EVENTS_AGAIN).await;
        }
    }

    fn cursor(&self, id: &str) -> String {
        format!("docker/{}/{id}", self.name)
    }

    async fn list(&self) -> Result<Vec<Listed>, String> {
        let text = get(&self.socket, "/containers/json?all=1").await?.whole(ANSWER_BYTES_MAX).await?;
        serde_json::from_slice(&text).map_err(|error| format!("Docker's list of containers cannot be read: {error}"))
    }

    /// Labels of the lines of a container; `None` if the rules drop it.
    fn labels(&self, container: &Listed, stream: &str) -> Option<LabelsBuilder> {
        let mut labels = LabelsBuilder::new();
        let own = container.labels.clone().unwrap_or_default();
        let name = container.names.first().map_or("", String::as_str);
        if self.rules.is_empty() {
            labels.set("job", &self.name);
            labels.set("container", name.trim_start_matches('/'));
            labels.set("image", &container.image);
            labels.set("stream", stream);
            compose(&own, &mut labels);
            return Some(labels);
        }
        labels.set("__meta_docker_container_id", &container.id);
        labels.set("__meta_docker_container_name", name);
        labels.set("__meta_docker_container_image", &container.image);
        labels.set("__meta_docker_container_log_stream", stream);
        for (name, value) in &own {
            let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            labels.set(&format!("__meta_docker_container_label_{name}"), value);
        }
        let kept = process(&mut labels, &self.rules);
        let labels = without_hidden(&labels);
        // As upstream: a target without a label is none.
        (kept && !labels.is_empty()).then(|| labels.to_builder())
    }

    /// Reads a log until it ends. Whether it was read to its end, so that there is no more until its container starts again.
    async fn follow(&self, container: &Listed, inlet: &Inlet, clock: &SharedClock, cursors: &Cursors) -> bool {
        let read = self.try_follow(container, inlet, clock, cursors).await;
        if let Err(error) = &read {
            tracing::debug!(job = %self.name, container = %container.id, %error, "the log of a container cannot be read now");
        }
        read.unwrap_or(false)
    }

    async fn try_follow(&self, container: &Listed, inlet: &Inlet, clock: &SharedClock, cursors: &Cursors) -> Result<bool, String> {
        let id = &container.id;
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err("the id of a container is no id".to_owned());
        }
        let text = get(&self.socket, &format!("/containers/{id}/json")).await?.whole(ANSWER_BYTES_MAX).await?;
        let is_tty = serde_json::from_slice::<Inspected>(&text).is_ok_and(|inspected| inspected.config.tty);
        let name = self.cursor(id);
        let since = cursors.get(&name).map(|text| read_cursor(&text)).unwrap_or_default();
        let path = format!("/containers/{id}/logs?follow=1&stdout=1&stderr=1&timestamps=1&since={}", ask_since(since));
        let mut answer = get(&self.socket, &path).await?;
        let mut splitter = Splitter::new(is_tty);
        let mut streams = ["stdout", "stderr"].map(|word| Stream {
            labels: self.labels(container, word),
            // Times are Docker's own, so that lines read again are known again.
            shaper: Shaper::new(&self.pipeline, &Arc::<Stamps>::default(), clock).exact(),
            resumed: Position::default(),
            at: Position::default(),
            seen: Position::default(),
            held: VecDeque::new(),
            number: 0,
        });
        for (stream, at) in streams.iter_mut().zip(since) {
            (stream.resumed, stream.at) = (at, at);
        }
        let mut lines: Vec<Line> = Vec::new();
        // When what was read is handed over; nothing was, while there is none.
        let mut until: Option<Instant> = None;
        loop {
            let piece = match until {
                None => Some(answer.piece().await?),
                Some(until) => read_until(&mut answer, until).await?,
            };
            let ended = matches!(piece, Some(None));
            match &piece {
                Some(Some(piece)) => splitter.push(piece)?,
                // A connection that broke says nothing about where a line ends.
                Some(None) if answer.is_whole() => splitter.end(),
                _ => {}
            }
            while let Some(line) = splitter.next_line() {
                streams[line.stream].take(line, &mut lines);
            }
            let is_due = *until.get_or_insert_with(|| Instant::now() + WAIT) <= Instant::now();
            if !is_due && !ended && lines.len() < LINES_AT_ONCE {
                continue;
            }
            until = None;
            for stream in &mut streams {
                stream.shaper.flush(if ended { Flush::All } else { Flush::Due }, &mut lines);
            }
            if !lines.is_empty() {
                inlet.store(std::mem::take(&mut lines)).await.map_err(|closed| closed.to_string())?;
            }
            let before = streams.each_ref().map(|stream| stream.at);
            let after = streams.each_mut().map(Stream::stored_to);
            if after != before {
                cursors.set(&name, &write_cursor(after));
            }
            if streams.iter().any(|stream| !stream.held.is_empty()) {
                until = Some(Instant::now() + WAIT);
            }
            if ended {
                return Ok(answer.is_whole());
            }
        }
    }
}

/// What was heard of containers.
enum Heard {
    /// Something happened to the one with this id.
    Container(String),
    /// From now on it is heard what happens.
    Anew,
}

/// How far a stream of a container was read: the newest time, and how many of its lines have it. Zeros for nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Position {
    ts: i64,
    lines: u64,
}

impl Position {
    fn pass(&mut self, ts: i64) {
        if ts == self.ts {
            self.lines += 1;
        } else if ts > self.ts {
            *self = Self { ts, lines: 1 };
        }
    }
}

/// Positions of both streams as `ts:lines ts:lines`.
fn write_cursor([out, err]: [Position; 2]) -> String {
    format!("{}:{} {}:{}", out.ts, out.lines, err.ts, err.lines)
}

fn read_cursor(text: &str) -> [Position; 2] {
    let mut parts = text.split(' ').map(|part| {
        let (ts, lines) = part.split_once(':').unwrap_or_default();
        Position { ts: ts.parse().unwrap_or_default(), lines: lines.parse().unwrap_or_default() }
    });
    [(); 2].map(|()| parts.next().unwrap_or_default())
}

/// From when on Docker is asked for lines, in seconds: a little before the newest of both streams, and not before both.
fn ask_since([out, err]: [Position; 2]) -> String {
    let newest = out.ts.max(err.ts);
    let from = newest.saturating_sub(OVERLAP_NS).max(out.ts.min(err.ts)).max(0);
    format!("{}.{:09}", from / 1_000_000_000, from % 1_000_000_000)
}

/// One of the two streams of a container.
struct Stream {
    /// `None` where rules drop it.
    labels: Option<LabelsBuilder>,
    shaper: Shaper,
    /// Up to where it was stored before.
    resumed: Position,
    /// Up to where it is stored.
    at: Position,
    /// Up to where it was read, this time.
    seen: Position,
    /// Lines that stages may hold back: their numbers, and the position before each.
    held: VecDeque<(u64, Position)>,
    number: u64,
}

impl Stream {
    fn take(&mut self, ContainerLine { ts, text, .. }: ContainerLine, lines: &mut Vec<Line>) {
        if let Some(ts) = ts {
            let before = self.seen;
            self.seen.pass(ts);
            let is_known = ts < self.resumed.ts || (ts == self.resumed.ts && self.seen.lines <= self.resumed.lines);
            if is_known {
                return;
            }
            // What rules drop counts as stored.
            if self.labels.is_some() {
                self.held.push_back((self.number, before));
            }
        }
        let Some(labels) = &self.labels else { return };
        let entry = Entry { ts, text, labels: labels.clone().into(), from: self.number, until: self.number + 1, ..Entry::default() };
        self.number += 1;
        self.shaper.shape(entry, lines);
    }

    /// Up to where everything is stored, now that all lines are which came out of the stages.
    fn stored_to(&mut self) -> Position {
        let held_from = self.shaper.held_from().unwrap_or(self.number);
        let mut to = self.seen;
        self.held.retain(|(number, _)| *number >= held_from);
        if let Some((_, before)) = self.held.front() {
            to = *before;
        }
        if to.ts > self.at.ts || (to.ts == self.at.ts && to.lines > self.at.lines) {
            self.at = to;
        }
        self.at
    }
}

/// The next piece if it comes in time: `None` for nothing yet, `Some(None)` for the end.
async fn read_until(answer: &mut Answer, until: Instant) -> Result<Option<Option<Vec<u8>>>, String> {
    match timeout_at(until, answer.piece()).await {
        Ok(piece) => piece.map(Some),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_again_are_known_by_stream_time_and_number() {
        let clock: SharedClock = crate::base::clock::ManualClock::at(5);
        let stream = |at| Stream {
            labels: Some(LabelsBuilder::new()),
            shaper: Shaper::new(&Pipeline::default(), &Arc::default(), &clock).exact(),
            resumed: at,
            at,
            seen: Position::default(),
            held: VecDeque::new(),
            number: 0,
        };
        let read = |at, times: &[i64]| {
            let (mut stream, mut lines) = (stream(at), Vec::new());
            for (number, ts) in times.iter().enumerate() {
                stream.take(ContainerLine { stream: 0, ts: Some(*ts), text: number.to_string() }, &mut lines);
            }
            (stream.stored_to(), lines.into_iter().map(|line| line.ts).collect::<Vec<_>>())
        };
        let position = |ts, lines| Position { ts, lines };
        assert_eq!(read(Position::default(), &[3, 4, 4]), (position(4, 2), vec![3, 4, 4]));
        assert_eq!(read(position(4, 2), &[3, 4, 4, 4, 9]), (position(9, 1), vec![4, 9]));
        assert_eq!(read(position(4, 2), &[3]), (position(4, 2), Vec::new()));
        let both = [position(1_700_000_000_000_000_001, 2), position(7, 1)];
        assert_eq!(read_cursor(&write_cursor(both)), both);
        assert_eq!(ask_since(both), "1699999998.000000001");
        assert_eq!(ask_since([position(5_000_000_001, 1), position(4_900_000_000, 1)]), "4.900000000");
        assert_eq!((ask_since(Default::default()), read_cursor("nonsense")), ("0.000000000".to_owned(), Default::default()));
    }

    #[test]
    fn containers_are_labelled() {
        let container: Listed = serde_json::from_str(
            r#"{"Id":"abc","Names":["/web_1"],"Image":"nginx","Labels":{"com.docker.compose.service":"web","a-b":"c"},"State":"running"}"#,
        )
        .unwrap();
        let job = |rules| DockerJob {
            name: "d".to_owned(),
            socket: PathBuf::new(),
            refresh: Duration::from_secs(1),
            rules,
            pipeline: Pipeline::default(),
        };
        let plain = job(Vec::new()).labels(&container, "stderr").unwrap().build().to_string();
        assert_eq!(plain, "{compose_service=\"web\", container=\"web_1\", image=\"nginx\", job=\"d\", stream=\"stderr\"}");
        let rule = RelabelConfig {
            source_labels: vec!["__meta_docker_container_label_a_b".to_owned()],
            target_label: "x".to_owned(),
            ..RelabelConfig::default()
        };
        assert_eq!(job(vec![rule]).labels(&container, "stdout").unwrap().build().to_string(), "{x=\"c\"}");
        let dropping = RelabelConfig { action: crate::series::relabel::RelabelAction::Drop, ..RelabelConfig::default() };
        assert!(job(vec![dropping]).labels(&container, "stdout").is_none());
    }
}
