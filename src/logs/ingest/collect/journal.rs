//! systemd's journal, by way of `journalctl`: its files change their form now and then, its JSON does not.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::time::{Instant, timeout, timeout_at};

use super::config::without_hidden;
use super::cursors::Cursors;
use crate::base::clock::SharedClock;
use crate::logs::ingest::inlet::{Closed, Inlet, Line};
use crate::logs::ingest::shape::{Shaper, Stamps};
use crate::logs::ingest::stage::{Entry, Flush, Pipeline};
use crate::series::labels::{Labels, LabelsBuilder};
use crate::series::relabel::{RelabelConfig, process};

/// Longest entry that is read; a longer one is left out.
const ENTRY_BYTES_MAX: usize = 4 << 20;
/// Entries stored at once.
const ENTRIES_AT_ONCE: usize = 1_000;
/// How long to wait for more of them.
const WAIT: Duration = Duration::from_millis(200);
/// How long to wait before journalctl is started again.
const RESTART: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Words for priorities, as Promtail has them.
const PRIORITIES: [&str; 8] = ["emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"];
/// The same as levels that lines of other doors have.
const LEVELS: [&str; 8] = ["fatal", "critical", "critical", "error", "warn", "info", "info", "debug"];

/// A journal to read.
#[derive(Debug, Clone)]
pub(crate) struct JournalJob {
    pub(crate) name: String,
    /// Whether the whole entry is the line, as JSON.
    pub(crate) whole: bool,
    /// How old entries may be at the first start.
    pub(crate) max_age: Duration,
    /// Where the journal lies; `None` for the machine's own.
    pub(crate) folder: Option<String>,
    /// Entries that are wanted, as journalctl takes them.
    pub(crate) matches: Vec<String>,
    pub(crate) labels: Labels,
    pub(crate) rules: Vec<RelabelConfig>,
    pub(crate) pipeline: Pipeline,
}

impl JournalJob {
    /// Reads until it is dropped, starting journalctl as often as needed.
    pub(crate) async fn run(self, inlet: Inlet, clock: SharedClock, cursors: Arc<Cursors>, program: String) {
        let mut wait = RESTART.0;
        loop {
            let began = clock.monotonic();
            match self.read(&inlet, &clock, &cursors, &program).await {
                Ok(()) => tracing::info!(job = %self.name, "journalctl has ended and is started again"),
                Err(Failure::Closed) => return,
                Err(Failure::Said(error)) => tracing::warn!(job = %self.name, %error, "the journal cannot be read; trying again"),
            }
            if clock.monotonic().saturating_sub(began) > RESTART.1 {
                wait = RESTART.0;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RESTART.1);
        }
    }

    fn arguments(&self, cursor: Option<&str>) -> Vec<String> {
        let mut arguments: Vec<String> = ["--output=json", "--follow", "--no-pager", "--quiet", "--all"].map(str::to_owned).into();
        match cursor {
            Some(cursor) => arguments.push(format!("--after-cursor={cursor}")),
            None => arguments.push(format!("--since=-{}s", self.max_age.as_secs())),
        }
        // Following begins with the last ten entries unless told otherwise.
        arguments.push("--lines=all".to_owned());
        arguments.extend(self.folder.iter().map(|folder| format!("--directory={folder}")));
        arguments.extend(self.matches.iter().cloned());
        arguments
    }

    async fn read(&self, inlet: &Inlet, clock: &SharedClock, cursors: &Cursors, program: &str) -> Result<(), Failure> {
        let name = format!("journal/{}", self.name);
        let cursor = cursors.get(&name);
        let mut child = Command::new(program)
            .args(self.arguments(cursor.as_deref()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failure::Said(format!("cannot start {program}: {error}")))?;
        let (Some(out), Some(mut errors)) = (child.stdout.take(), child.stderr.take()) else { return Ok(()) };
        self.take(out, inlet, clock, cursors, &name).await?;
        let mut said = Vec::new();
        // What it says is only for the message.
        let _read_or_not = timeout(Duration::from_secs(1), (&mut errors).take(1000).read_to_end(&mut said)).await;
        match child.wait().await {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::Said(format!("{status}: {}", String::from_utf8_lossy(&said).trim()))),
            Err(error) => Err(Failure::Said(error.to_string())),
        }
    }

    async fn take(
        &self,
        out: impl AsyncRead + Unpin,
        inlet: &Inlet,
        clock: &SharedClock,
        cursors: &Cursors,
        name: &str,
    ) -> Result<(), Failure> {
        // Times come with the entries, so that those read again are known again.
        let mut shaper = Shaper::new(&self.pipeline, &Arc::<Stamps>::default(), clock).exact();
        let mut reader = Lines { inner: BufReader::with_capacity(64 << 10, out), bytes: Vec::new(), skips: false };
        let mut lines = Vec::new();
        let mut cursor: Option<String> = None;
        // When what was read is handed over, however much still comes.
        let mut until = Instant::now();
        loop {
            let next = if lines.is_empty() && cursor.is_none() {
                let next = reader.next().await;
                until = Instant::now() + WAIT;
                Some(next)
            } else {
                timeout_at(until, reader.next()).await.ok()
            };
            let ended = match next {
                Some(Ok(Some(line))) => {
                    let found = self.entry(&line);
                    cursor = found.cursor.or(cursor);
                    if let Some(entry) = found.entry {
                        shaper.shape(entry, &mut lines);
                    }
                    if lines.len() < ENTRIES_AT_ONCE {
                        continue;
                    }
                    false
                }
                Some(Ok(None) | Err(_)) => true,
                None => false,
            };
            until = Instant::now() + WAIT;
            shaper.flush(if ended { Flush::All } else { Flush::Due }, &mut lines);
            self.hand_over(&mut lines, &mut cursor, shaper.holds(), inlet, cursors, name).await?;
            if ended {
                return Ok(());
            }
        }
    }

    async fn hand_over(
        &self,
        lines: &mut Vec<Line>,
        cursor: &mut Option<String>,
        holds: bool,
        inlet: &Inlet,
        cursors: &Cursors,
        name: &str,
    ) -> Result<(), Failure> {
        if !lines.is_empty() {
            inlet.store(std::mem::take(lines)).await.map_err(|Closed| Failure::Closed)?;
        }
        // What stages hold back is not stored yet.
        if !holds && let Some(cursor) = cursor.take() {
            cursors.set(name, &cursor);
        }
        Ok(())
    }

    fn entry(&self, line: &[u8]) -> Found {
        let Ok(map) = serde_json::from_slice::<Map<String, Value>>(line) else { return Found { entry: None, cursor: None } };
        let get = |name: &str| map.get(name).and_then(text_of);
        let cursor = get("__CURSOR");
        let mut entry =
            Entry { ts: get("__REALTIME_TIMESTAMP").and_then(|us| us.parse::<i64>().ok()?.checked_mul(1_000)), ..Entry::default() };
        entry.text = if self.whole { String::from_utf8_lossy(line).into_owned() } else { get("MESSAGE").unwrap_or_default() };
        entry.labels = self.labels.to_builder().into();
        let priority = get("PRIORITY").and_then(|number| number.parse::<usize>().ok()).filter(|number| *number < 8);
        if self.rules.is_empty() {
            for (label, name) in [("host", "_HOSTNAME"), ("unit", "_SYSTEMD_UNIT"), ("app", "SYSLOG_IDENTIFIER")] {
                entry.labels.set(label, &get(name).unwrap_or_default());
            }
            entry.labels.set("level", priority.map_or("", |number| LEVELS[number]));
            for (field, name) in [("pid", "_PID"), ("transport", "_TRANSPORT"), ("boot_id", "_BOOT_ID"), ("container", "CONTAINER_NAME")] {
                entry.fields.set(field, &get(name).unwrap_or_default());
            }
        } else {
            let mut labels: LabelsBuilder = (*entry.labels).clone();
            for name in map.keys().filter(|name| *name != "MESSAGE" && *name != "__CURSOR") {
                labels.set(&format!("__journal_{}", name.to_lowercase()), &get(name).unwrap_or_default());
            }
            labels.set("__journal_priority_keyword", priority.map_or("", |number| PRIORITIES[number]));
            if !process(&mut labels, &self.rules) {
                return Found { entry: None, cursor };
            }
            entry.labels = without_hidden(&labels).to_builder().into();
        }
        Found { entry: Some(entry), cursor }
    }
}

struct Found {
    entry: Option<Entry>,
    cursor: Option<String>,
}

enum Failure {
    Closed,
    Said(String),
}

/// A field; journalctl writes one that is no UTF-8 as a list of bytes, and one that is there more than once as a list.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => {
            let bytes: Option<Vec<u8>> = items.iter().map(|item| item.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect();
            match bytes {
                Some(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
                None => items.first().and_then(text_of),
            }
        }
        _ => None,
    }
}

/// Lines of bounded length.
struct Lines<R> {
    inner: BufReader<R>,
    bytes: Vec<u8>,
    /// Whether the rest of a line that is too long is left out.
    skips: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The next line. May be dropped in between: what was read stays.
    async fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        use tokio::io::AsyncBufReadExt;
        loop {
            let buffered = self.inner.fill_buf().await?;
            if buffered.is_empty() {
                return Ok(None);
            }
            let end = memchr::memchr(b'\n', buffered);
            let taken = end.map_or(buffered.len(), |end| end + 1);
            if !self.skips {
                self.bytes.extend_from_slice(&buffered[..taken]);
            }
            self.inner.consume(taken);
            if end.is_some() {
                let line = std::mem::take(&mut self.bytes);
                if !std::mem::take(&mut self.skips) {
                    return Ok(Some(line));
                }
            } else if self.bytes.len() > ENTRY_BYTES_MAX {
                self.bytes.clear();
                self.skips = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(rules: Vec<RelabelConfig>) -> JournalJob {
        JournalJob {
            name: "j".to_owned(),
            whole: false,
            max_age: Duration::from_secs(60),
            folder: Some("/var/log/journal".to_owned()),
            matches: vec!["_SYSTEMD_UNIT=a.service".to_owned()],
            labels: Labels::from_pairs([("job", "j")]),
            rules,
            pipeline: Pipeline::default(),
        }
    }

    const ENTRY: &[u8] = br#"{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1714979289123456","MESSAGE":[104,105,255],"_HOSTNAME":"h","_SYSTEMD_UNIT":"a.service","SYSLOG_IDENTIFIER":"a","PRIORITY":"4","_PID":"7","X":null}"#;

    #[test]
    fn entries_become_lines() {
        let Found { entry, cursor } = job(Vec::new()).entry(ENTRY);
        let entry = entry.unwrap();
        assert_eq!((cursor.as_deref(), entry.ts, entry.text.as_str()), (Some("s=1"), Some(1_714_979_289_123_456_000), "hi\u{fffd}"));
        assert_eq!(entry.labels.build().to_string(), "{app=\"a\", host=\"h\", job=\"j\", level=\"warn\", unit=\"a.service\"}");
        assert_eq!(entry.fields.get("pid"), Some("7"));
        let rule = RelabelConfig {
            source_labels: vec!["__journal__systemd_unit".to_owned(), "__journal_priority_keyword".to_owned()],
            target_label: "u".to_owned(),
            ..RelabelConfig::default()
        };
        let entry = job(vec![rule]).entry(ENTRY).entry.unwrap();
        assert_eq!(entry.labels.build().to_string(), "{job=\"j\", u=\"a.service;warning\"}");
        assert!(job(Vec::new()).entry(b"no json").entry.is_none());
    }

    #[test]
    fn journalctl_is_asked_for_what_is_new() {
        let first = job(Vec::new()).arguments(None);
        assert!(first.contains(&"--since=-60s".to_owned()) && first.contains(&"--directory=/var/log/journal".to_owned()), "{first:?}");
        assert!(job(Vec::new()).arguments(Some("s=1")).contains(&"--after-cursor=s=1".to_owned()));
    }

    #[tokio::test]
    async fn the_cursor_follows_what_is_stored() {
        use crate::logs::model::batch::LineBatch;
        use crate::logs::model::write::{AppendLines, AppendLinesError, LineReport};
        #[derive(Default)]
        struct Store(parking_lot::Mutex<Vec<String>>);
        impl AppendLines for Store {
            fn append(&self, batch: &LineBatch) -> Result<LineReport, AppendLinesError> {
                self.0.lock().extend(batch.lines.iter().map(|line| String::from_utf8_lossy(batch.text_of(line)).into_owned()));
                Ok(LineReport::default())
            }
        }
        let dir = tempfile::tempdir().unwrap();
        // A stand-in for journalctl, which need not be there.
        let program = dir.path().join("journalctl");
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' '{}' '{{\"__CURSOR\":\"s=2\",\"MESSAGE\":\"two\"}}'\necho oops >&2\nexit 3\n",
            String::from_utf8_lossy(ENTRY)
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let clock: SharedClock = Arc::new(crate::base::clock::SystemClock::new());
        let cursors = Cursors::open(&dir.path().join("cursors"), &clock);
        let store = Arc::new(Store::default());
        let (inlet, work) = Inlet::new(store.clone(), Arc::default(), &clock);
        let working = tokio::spawn(work);
        let said = job(Vec::new()).read(&inlet, &clock, &cursors, program.to_str().unwrap()).await;
        assert!(matches!(said, Err(Failure::Said(why)) if why.contains("oops")));
        let mut texts = store.0.lock().clone();
        texts.sort();
        assert_eq!((cursors.get("journal/j").as_deref(), texts), (Some("s=2"), vec!["hi\u{fffd}".to_owned(), "two".to_owned()]));
        drop(inlet);
        working.await.unwrap();
    }
}
