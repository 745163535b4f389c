//! What is said on a connection, turn by turn: lines and bytes that have to come, lines to send, TLS in the middle.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::dial::agree;
use super::record::Record;
use super::{Late, Probing};
use crate::platform::config::http_client::TlsConfig;
use crate::platform::http::client::{Agreed, Stream, tls_settings};
use crate::uptime::config::{Pattern, Step};
use crate::uptime::model::outcome::FailureKind;

/// Longest line, as upstream.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// Most bytes read on one connection.
const READ_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Something is written down that makes going on useless.
pub(super) struct Over;

/// A connection that is talked on.
pub(super) struct Talk {
    pub(super) stream: Box<dyn Stream>,
    /// Read, and not looked at yet.
    buffer: Vec<u8>,
    bytes: usize,
    /// The last line that was looked at.
    pub(super) line: Vec<u8>,
}

/// Agrees on TLS with the settings of a module; the certificate must be for `name` unless they name another.
pub(super) async fn secure(
    probing: &Probing<'_>,
    record: &mut Record,
    stream: Box<dyn Stream>,
    tls: &TlsConfig,
    name: &str,
) -> Option<(Box<dyn Stream>, Agreed)> {
    let settings = tls_settings(tls);
    let name = if settings.server_name.is_empty() { name } else { &settings.server_name };
    let plan = match probing.prober.plans.tls(&settings).await {
        Ok(plan) => plan,
        Err(why) => {
            record.fail(FailureKind::Tls, why);
            return None;
        }
    };
    agree(&plan, stream, name, &[], record, &probing.deadline).await
}

/// Holds the whole conversation; what goes wrong is written down.
pub(super) async fn talk(
    probing: &Probing<'_>,
    record: &mut Record,
    stream: Box<dyn Stream>,
    steps: &[Step],
    (tls, name): (&TlsConfig, &str),
) {
    record.gauges().show("probe_failed_due_to_regex");
    record.gauges().show("probe_failed_due_to_bytes");
    let mut talk = Talk::new(stream);
    for (at, step) in steps.iter().enumerate() {
        record.note("the next turn of the conversation", &[("turn", &at.to_string())]);
        let mut send = step.send.clone().into_bytes();
        if let Some(pattern) = &step.expect {
            let Ok(answer) = talk.expect(probing, record, pattern, step).await else { return };
            send = answer;
        }
        if !step.expect_bytes.is_empty() && talk.expect_bytes(probing, record, step.expect_bytes.as_bytes()).await.is_err() {
            return;
        }
        if !send.is_empty() && talk.send(probing, record, send).await.is_err() {
            return;
        }
        if step.starttls {
            // What came before TLS is nobody's.
            talk.buffer.clear();
            let Some((stream, agreed)) = secure(probing, record, talk.stream, tls, name).await else { return };
            record.tls(&agreed, true, false);
            talk.stream = stream;
        }
    }
}

impl Talk {
    /// Nothing was said yet.
    pub(super) const fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, buffer: Vec::new(), bytes: 0, line: Vec::new() }
    }

    /// Reads the next line into `line` within the time; what goes wrong, the end of the connection too, is written down.
    pub(super) async fn line_within(&mut self, probing: &Probing<'_>, record: &mut Record, doing: &str) -> Result<(), Over> {
        match probing.deadline.within(self.next_line()).await {
            Ok(Ok(true)) => return Ok(()),
            Ok(Ok(false)) => record.fail(FailureKind::Protocol, format!("the server hung up while {doing}")),
            Ok(Err(error)) => record.fail(FailureKind::Connect, format!("the connection broke: {error}")),
            Err(Late) => record.late(doing),
        }
        Err(Over)
    }

    /// Waits for a line that matches; gives what is to be sent then.
    async fn expect(&mut self, probing: &Probing<'_>, record: &mut Record, pattern: &Pattern, step: &Step) -> Result<Vec<u8>, Over> {
        loop {
            let is_there = match probing.deadline.within(self.next_line()).await {
                Err(Late) => {
                    record.excerpt(&self.line);
                    record.late(&format!("a line that matches {:?} was waited for", pattern.as_str()));
                    return Err(Over);
                }
                Ok(Err(error)) => {
                    record.fail(FailureKind::Connect, format!("the connection broke: {error}"));
                    return Err(Over);
                }
                Ok(Ok(is_there)) => is_there,
            };
            if !is_there {
                record.gauges().set("probe_failed_due_to_regex", 1.0);
                record.excerpt(&self.line);
                let why = format!("the server hung up, and no line matched {:?}", pattern.as_str());
                record.fail(FailureKind::Content, why);
                return Err(Over);
            }
            record.note("read a line", &[("line", &String::from_utf8_lossy(&self.line))]);
            let Some(found) = pattern.captures(&self.line) else { continue };
            record.gauges().set("probe_failed_due_to_regex", 0.0);
            let mut send = Vec::new();
            found.expand(step.send.as_bytes(), &mut send);
            if !step.labels.is_empty() {
                let labels: Vec<(&str, String)> = step
                    .labels
                    .iter()
                    .map(|(name, template)| {
                        let mut value = Vec::new();
                        found.expand(template.as_bytes(), &mut value);
                        (name.as_str(), String::from_utf8_lossy(&value).into_owned())
                    })
                    .collect();
                let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
                record.gauges().set_with("probe_expect_info", &labels, 1.0);
            }
            return Ok(send);
        }
    }

    /// Reads the next line into `line`, without its end; `false` when there is none any more.
    async fn next_line(&mut self) -> std::io::Result<bool> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer) {
                self.line = self.buffer.drain(..=end).collect();
                self.line.pop();
                if self.line.last() == Some(&b'\r') {
                    self.line.pop();
                }
                return Ok(true);
            }
            if self.buffer.len() >= LINE_BYTES_MAX {
                return Err(std::io::Error::other(format!("a line is longer than {LINE_BYTES_MAX} bytes")));
            }
            if self.read().await? == 0 {
                let is_there = !self.buffer.is_empty();
                if is_there {
                    self.line = std::mem::take(&mut self.buffer);
                    if self.line.last() == Some(&b'\r') {
                        self.line.pop();
                    }
                }
                return Ok(is_there);
            }
        }
    }

    async fn read(&mut self) -> std::io::Result<usize> {
        if self.bytes >= READ_BYTES_MAX {
            return Err(std::io::Error::other(format!("more than {READ_BYTES_MAX} bytes came")));
        }
        let mut piece = [0; 4096];
        let count = self.stream.read(&mut piece).await?;
        self.bytes += count;
        self.buffer.extend_from_slice(&piece[..count]);
        Ok(count)
    }

    /// Waits for these bytes.
    async fn expect_bytes(&mut self, probing: &Probing<'_>, record: &mut Record, wanted: &[u8]) -> Result<(), Over> {
        let filled = async {
            while self.buffer.len() < wanted.len() {
                if self.read().await? == 0 {
                    break;
                }
            }
            Ok::<_, std::io::Error>(())
        };
        match probing.deadline.within(filled).await {
            Err(Late) => {
                record.late(&format!("{} bytes were waited for", wanted.len()));
                return Err(Over);
            }
            Ok(Err(error)) => {
                record.fail(FailureKind::Connect, format!("the connection broke: {error}"));
                return Err(Over);
            }
            Ok(Ok(())) => {}
        }
        let came: Vec<u8> = self.buffer.drain(..self.buffer.len().min(wanted.len())).collect();
        if came.len() < wanted.len() {
            record.fail(FailureKind::Content, format!("the server hung up after {} of {} bytes", came.len(), wanted.len()));
            return Err(Over);
        }
        let is_right = came == wanted;
        record.gauges().set("probe_failed_due_to_bytes", f64::from(u8::from(!is_right)));
        if is_right {
            return Ok(());
        }
        record.excerpt(&came);
        record.fail(FailureKind::Content, format!("other bytes came than expected: {:?}", String::from_utf8_lossy(&came)));
        Err(Over)
    }

    /// Sends a line; its end is added.
    pub(super) async fn send(&mut self, probing: &Probing<'_>, record: &mut Record, mut line: Vec<u8>) -> Result<(), Over> {
        record.note("sending a line", &[("bytes", &line.len().to_string())]);
        line.push(b'\n');
        let sent = async {
            self.stream.write_all(&line).await?;
            self.stream.flush().await
        };
        match probing.deadline.within(sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                record.fail(FailureKind::Connect, format!("the connection broke: {error}"));
                Err(Over)
            }
            Err(Late) => {
                record.late("a line was sent");
                Err(Over)
            }
        }
    }
}
