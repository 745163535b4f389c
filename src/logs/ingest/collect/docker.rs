//! Logs of running containers by Docker's API on its socket. Only reads: which containers there are, and what they write.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use serde::Deserialize;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::config::without_hidden;
use super::cursors::Cursors;
use super::docker_files::compose;
use super::docker_http::{Answer, get};
use crate::base::clock::SharedClock;
use crate::logs::ingest::inlet::{Inlet, Line};
use crate::logs::ingest::shape::{Shaper, Stamps};
use crate::logs::ingest::stage::{Entry, Flush, Pipeline};
use crate::series::labels::LabelsBuilder;
use crate::series::relabel::{RelabelConfig, process};

/// Most containers followed at once.
const CONTAINERS_MAX: usize = 1_000;
/// Most bytes of an answer that is read whole.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Longest line; what Docker cuts it joins again up to this.
const LINE_BYTES_MAX: usize = 256 << 10;
/// Lines stored at once.
const LINES_AT_ONCE: usize = 1_000;
/// How long to wait for more of them.
const WAIT: Duration = Duration::from_millis(200);

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
        let mut tasks = tokio::task::JoinSet::new();
        let mut last_error = String::new();
        loop {
            match job.list().await {
                Ok(listed) => {
                    last_error.clear();
                    followed.retain(|_, task| !task.is_finished());
                    let names: Vec<String> = listed.iter().map(|container| job.cursor(&container.id)).collect();
                    for container in listed.into_iter().take(CONTAINERS_MAX) {
                        let id = container.id.clone();
                        if !followed.contains_key(&id) && job.labels(&container, "stdout").is_some() {
                            let (job, inlet, clock, cursors) = (Arc::clone(&job), inlet.clone(), clock.clone(), Arc::clone(&cursors));
                            followed.insert(id, tasks.spawn(async move { job.follow(container, &inlet, &clock, &cursors).await }));
                        }
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
            while tasks.try_join_next().is_some() {}
            tokio::time::sleep(job.refresh).await;
        }
    }

    fn cursor(&self, id: &str) -> String {
        format!("docker/{}/{id}", self.name)
    }

    async fn list(&self) -> Result<Vec<Listed>, String> {
        let text = get(&self.socket, "/containers/json").await?.whole(ANSWER_BYTES_MAX).await?;
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

    async fn follow(&self, container: Listed, inlet: &Inlet, clock: &SharedClock, cursors: &Cursors) {
        if let Err(error) = self.try_follow(&container, inlet, clock, cursors).await {
            tracing::debug!(job = %self.name, container = %container.id, %error, "the log of a container has ended");
        }
    }

    async fn try_follow(&self, container: &Listed, inlet: &Inlet, clock: &SharedClock, cursors: &Cursors) -> Result<(), String> {
        let id = &container.id;
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err("the id of a container is no id".to_owned());
        }
        let text = get(&self.socket, &format!("/containers/{id}/json")).await?.whole(ANSWER_BYTES_MAX).await?;
        let is_tty = serde_json::from_slice::<Inspected>(&text).is_ok_and(|inspected| inspected.config.tty);
        let name = self.cursor(id);
        let since = cursors.get(&name).unwrap_or_else(|| "0".to_owned());
        let path = format!("/containers/{id}/logs?follow=1&stdout=1&stderr=1&timestamps=1&since={since}");
        let mut answer = get(&self.socket, &path).await?;
        let mut splitter = Splitter::new(is_tty);
        // Times are Docker's own, so that lines read again are known again.
        let mut shapers = [(); 2].map(|()| Shaper::new(&self.pipeline, &Arc::<Stamps>::default(), clock).exact());
        let labels = ["stdout", "stderr"].map(|stream| self.labels(container, stream));
        let mut lines: Vec<Line> = Vec::new();
        let mut newest: Option<i64> = None;
        loop {
            let piece = if lines.is_empty() && newest.is_none() { Some(answer.piece().await?) } else { read_soon(&mut answer).await? };
            let is_quiet = piece.is_none();
            let ended = matches!(piece, Some(None));
            if let Some(Some(piece)) = piece {
                splitter.push(&piece)?;
                while let Some((stream, ts, text)) = splitter.next_line() {
                    newest = newest.max(ts);
                    let Some(labels) = &labels[stream] else { continue };
                    shapers[stream].shape(Entry { ts, text, labels: labels.clone().into(), ..Entry::default() }, &mut lines);
                }
            }
            if is_quiet || ended || lines.len() >= LINES_AT_ONCE {
                let mut holds = false;
                for shaper in &mut shapers {
                    shaper.flush(if ended { Flush::All } else { Flush::Due }, &mut lines);
                    holds |= shaper.holds();
                }
                if !lines.is_empty() {
                    inlet.store(std::mem::take(&mut lines)).await.map_err(|closed| closed.to_string())?;
                }
                // What stages hold back is not stored yet.
                if !holds && let Some(ts) = newest.take() {
                    cursors.set(&name, &format!("{}.{:09}", ts.div_euclid(1_000_000_000), ts.rem_euclid(1_000_000_000)));
                }
            }
            if ended {
                return Ok(());
            }
        }
    }
}

/// The next piece if it comes soon: `None` for nothing yet, `Some(None)` for the end.
async fn read_soon(answer: &mut Answer) -> Result<Option<Option<Vec<u8>>>, String> {
    match timeout(WAIT, answer.piece()).await {
        Ok(piece) => piece.map(Some),
        Err(_) => Ok(None),
    }
}

/// Lines of both streams, from frames with eight bytes before each, or bare ones of a terminal.
struct Splitter {
    is_tty: bool,
    bytes: Vec<u8>,
    /// Beginnings of lines, of stdout and stderr.
    open: [Vec<u8>; 2],
    ready: std::collections::VecDeque<(usize, Option<i64>, String)>,
}

impl Splitter {
    const fn new(is_tty: bool) -> Self {
        Self { is_tty, bytes: Vec::new(), open: [Vec::new(), Vec::new()], ready: std::collections::VecDeque::new() }
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), String> {
        if self.is_tty {
            self.text(0, piece);
            return Ok(());
        }
        self.bytes.extend_from_slice(piece);
        let mut at = 0;
        while let Some(head) = self.bytes.get(at..at + 8) {
            let stream = match head[0] {
                0 | 1 => 0,
                2 => 1,
                other => return Err(format!("Docker's stream has the kind {other}, which is none")),
            };
            let len = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
            if len > ANSWER_BYTES_MAX {
                return Err(format!("Docker announces {len} bytes at once"));
            }
            let Some(text) = self.bytes.get(at + 8..at + 8 + len) else { break };
            let text = text.to_vec();
            at += 8 + len;
            self.text(stream, &text);
        }
        self.bytes.drain(..at);
        Ok(())
    }

    fn text(&mut self, stream: usize, text: &[u8]) {
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let open = &mut self.open[stream];
            if open.len() < LINE_BYTES_MAX {
                open.extend_from_slice(&line[..line.len().min(LINE_BYTES_MAX - open.len() + 64)]);
            }
            if line.ends_with(b"\n") {
                let whole = std::mem::take(open);
                let whole = String::from_utf8_lossy(&whole);
                let whole = whole.trim_end_matches(['\n', '\r']);
                let (ts, text) = match whole.split_once(' ') {
                    Some((time, text)) => match DateTime::parse_from_rfc3339(time) {
                        Ok(time) => (time.timestamp_nanos_opt(), text),
                        Err(_) => (None, whole),
                    },
                    None => (None, whole),
                };
                self.ready.push_back((stream, ts, text.to_owned()));
            }
        }
    }

    fn next_line(&mut self) -> Option<(usize, Option<i64>, String)> {
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_both_streams_are_split() {
        let mut splitter = Splitter::new(false);
        let frame = |kind: u8, text: &str| {
            let mut frame = vec![kind, 0, 0, 0];
            frame.extend((text.len() as u32).to_be_bytes());
            frame.extend(text.as_bytes());
            frame
        };
        let mut bytes = frame(1, "2024-05-06T07:08:09.1Z one\n2024-05-06T07:08:09.2Z tw");
        bytes.extend(frame(2, "2024-05-06T07:08:09.3Z err\n"));
        bytes.extend(frame(1, "o\n"));
        bytes.extend(frame(1, "no time\n"));
        for piece in bytes.chunks(5) {
            splitter.push(piece).unwrap();
        }
        let lines: Vec<_> = std::iter::from_fn(|| splitter.next_line()).collect();
        let ts = |tenths: i64| Some(1_714_979_289_000_000_000 + tenths * 100_000_000);
        let expected = [(0, ts(1), "one"), (1, ts(3), "err"), (0, ts(2), "two"), (0, None, "no time")];
        assert_eq!(lines, expected.map(|(stream, ts, text)| (stream, ts, text.to_owned())));
        assert!(Splitter::new(false).push(&[9, 0, 0, 0, 0, 0, 0, 0]).is_err());
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
