//! `docker` and `cri`: what container runtimes wrap around a line is taken off, and lines they cut are joined again.

use serde::Deserialize;

use super::golayout::rfc3339;
use super::{Entry, Flush, Moment, Stage};

/// Bytes of a joined line, beyond which it is let go; pieces have 16 KiB.
const JOINED_BYTES_MAX: usize = 192 << 10;
/// Most streams whose cut lines are kept at once.
const OPEN_MAX: usize = 100;

/// The wrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapping {
    /// One JSON object for each line: `log`, `stream`, `time`.
    Docker,
    /// `time stream F text`, with `P` for a line that goes on.
    Cri,
}

/// The stage.
#[derive(Debug)]
pub(super) struct Unwrap {
    wrapping: Wrapping,
    /// Beginnings of lines, each with its stream.
    open: Vec<Entry>,
}

#[derive(Deserialize)]
struct DockerLine {
    log: String,
    #[serde(default)]
    stream: String,
    #[serde(default)]
    time: String,
    #[serde(default)]
    attrs: std::collections::BTreeMap<String, String>,
}

impl Unwrap {
    pub(super) const fn new(wrapping: Wrapping) -> Self {
        Self { wrapping, open: Vec::new() }
    }

    /// The entry without its wrapping, and whether it goes on in the next one.
    fn unwrap(&self, mut entry: Entry) -> (Entry, bool) {
        // As the stages of which upstream makes these two.
        let (time_name, text_name) = match self.wrapping {
            Wrapping::Docker => ("timestamp", "output"),
            Wrapping::Cri => ("time", "content"),
        };
        let (stream, time, text, goes_on) = match self.wrapping {
            Wrapping::Docker => {
                let Ok(line) = serde_json::from_str::<DockerLine>(&entry.text) else { return (entry, false) };
                for (name, value) in &line.attrs {
                    entry.fields.set(name, value);
                }
                let goes_on = !line.log.ends_with('\n');
                let text = line.log.strip_suffix('\n').unwrap_or(&line.log);
                (line.stream, line.time, text.strip_suffix('\r').unwrap_or(text).to_owned(), goes_on)
            }
            Wrapping::Cri => {
                let mut parts = entry.text.splitn(4, ' ');
                let (Some(time), Some(stream @ ("stdout" | "stderr")), Some(flags), text) =
                    (parts.next(), parts.next(), parts.next(), parts.next().unwrap_or(""))
                else {
                    return (entry, false);
                };
                let flags = flags.to_owned();
                let (stream, time, text) = (stream.to_owned(), time.to_owned(), text.to_owned());
                entry.extract("flags", flags.as_str());
                let goes_on = flags.split(':').any(|flag| flag == "P");
                (stream, time, text, goes_on)
            }
        };
        entry.extract(text_name, text.as_str());
        if let Some(ts) = rfc3339(&time) {
            entry.ts = Some(ts);
        }
        entry.extract("stream", stream.clone());
        if !time.is_empty() {
            entry.extract(time_name, time);
        }
        entry.labels.set("stream", &stream);
        entry.text = text;
        (entry, goes_on)
    }
}

impl Stage for Unwrap {
    fn run(&mut self, entry: Entry, _: &Moment) -> Option<Entry> {
        let (entry, goes_on) = self.unwrap(entry);
        let known = self.open.iter().position(|open| open.labels == entry.labels);
        let whole = match known {
            None => entry,
            Some(at) => {
                let mut whole = self.open.remove(at);
                whole.text.push_str(&entry.text);
                whole.until = entry.until;
                whole
            }
        };
        if !goes_on || whole.text.len() >= JOINED_BYTES_MAX {
            return Some(whole);
        }
        self.open.push(whole);
        (self.open.len() > OPEN_MAX).then(|| self.open.remove(0))
    }

    fn flush(&mut self, flush: Flush, _: &Moment, out: &mut Vec<Entry>) {
        // A line that was cut in the middle goes on as soon as the program writes on; only the end of the last file ends it.
        if flush == Flush::All {
            out.append(&mut self.open);
        }
    }

    fn held_from(&self) -> Option<u64> {
        self.open.iter().map(|entry| entry.from).min()
    }

    fn joins(&self) -> bool {
        true
    }

    fn take_open(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.open)
    }

    fn reopen(&mut self, open: Entry) {
        self.open.push(open);
    }

    fn fresh(&self) -> Box<dyn Stage> {
        Box::new(Self::new(self.wrapping))
    }
}
