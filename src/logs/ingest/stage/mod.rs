//! Pipeline stages, as Promtail's: what is done to a line between where it was found and the store.
//!
//! A [`Pipeline`] is read once ([`read`]) and started anew for every source, since some stages remember lines. An
//! [`Entry`] goes through the stages in order; a stage changes it, drops it or holds it back until it is whole.

mod docker;
mod drop;
mod eventlog;
mod extracted;
mod functions;
mod golayout;
mod json;
mod jsonpath;
mod labels;
mod level;
mod limit;
mod logfmt;
mod mask;
mod matching;
mod metrics;
mod multiline;
mod output;
mod pack;
mod read;
mod regex;
mod replace;
mod sampling;
mod selector;
mod template;
mod timestamp;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

pub use metrics::{Family, report as report_families};
pub use read::read_pipeline;

use crate::series::labels::LabelsBuilder;

/// Most names in the extracted map of one line.
const EXTRACTED_MAX: usize = 256;

/// Labels that many lines share until a stage changes those of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharedLabels(Arc<LabelsBuilder>);

impl From<LabelsBuilder> for SharedLabels {
    fn from(labels: LabelsBuilder) -> Self {
        Self(Arc::new(labels))
    }
}

impl Deref for SharedLabels {
    type Target = LabelsBuilder;

    fn deref(&self) -> &LabelsBuilder {
        &self.0
    }
}

impl DerefMut for SharedLabels {
    fn deref_mut(&mut self) -> &mut LabelsBuilder {
        Arc::make_mut(&mut self.0)
    }
}

/// A line on its way through the stages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Labels of its stream.
    pub labels: SharedLabels,
    /// Nanoseconds since the Unix epoch; `None` for the time at which it was read.
    pub ts: Option<i64>,
    /// The line.
    pub text: String,
    /// Structured metadata.
    pub fields: LabelsBuilder,
    /// What stages have found in it, for later stages.
    pub extracted: BTreeMap<String, String>,
    /// Where its first byte lies in its source.
    pub from: u64,
    /// Where its last byte has been passed in its source.
    pub until: u64,
}

impl Entry {
    /// Remembers a value for later stages; beyond a limit nothing new is remembered.
    pub fn extract(&mut self, name: &str, value: impl Into<String>) {
        let is_full = self.extracted.len() >= EXTRACTED_MAX;
        if let Some(known) = self.extracted.get_mut(name) {
            *known = value.into();
        } else if !is_full {
            self.extracted.insert(name.to_owned(), value.into());
        }
    }

    /// What a stage works on: a value found before, or the line itself for no name. `None` if there is no such value.
    pub fn source(&self, name: Option<&str>) -> Option<&str> {
        match name {
            None => Some(&self.text),
            Some(name) => self.value(name),
        }
    }

    /// A value found before, or a label: upstream begins with the labels of a line as what was found in it.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.extracted.get(name).map(String::as_str).or_else(|| self.labels.get(name))
    }
}

/// What stages know about the moment.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// When the line was read, in nanoseconds since the Unix epoch.
    pub now_ns: i64,
    /// The newest time a line of this source had before; `i64::MIN` for none.
    pub last_ts: i64,
}

/// Which held lines are let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// Those that have waited long enough.
    Due,
    /// All of them: the source has come to its end.
    All,
}

/// One stage at work. A clone of one that is not at work yet starts afresh.
pub trait Stage: Send + Sync + fmt::Debug {
    /// Hands a line on, changed or not, drops it, or holds it back and hands on one that it held before.
    fn run(&mut self, entry: Entry, moment: &Moment) -> Option<Entry>;
    /// Lets held lines go.
    fn flush(&mut self, flush: Flush, moment: &Moment, out: &mut Vec<Entry>) {
        let _ = (flush, moment, out);
    }
    /// Where the oldest line that is held back lies in its source.
    fn held_from(&self) -> Option<u64> {
        None
    }
    /// Until when its source is to wait before it reads on, in nanoseconds since the Unix epoch.
    fn waits_until(&self) -> Option<i64> {
        None
    }
    /// Whether it joins lines that were cut, which may go on in the file that follows where theirs was rotated away.
    fn joins(&self) -> bool {
        false
    }
    /// Gives away the beginnings of lines that were cut.
    fn take_open(&mut self) -> Vec<Entry> {
        Vec::new()
    }
    /// Goes on with the beginning of a line that the same stage of another source gave away; only for one that joins.
    fn reopen(&mut self, open: Entry) {
        let _ = open;
    }
    /// Adds what it counts.
    fn families(&self, out: &mut Vec<Arc<Family>>) {
        let _ = out;
    }
    /// The same stage for another source.
    fn fresh(&self) -> Box<dyn Stage>;
}

/// Stages in order.
#[derive(Debug, Default)]
pub struct Pipeline {
    stages: Vec<Box<dyn Stage>>,
}

impl Clone for Pipeline {
    fn clone(&self) -> Self {
        Self { stages: self.stages.iter().map(|stage| stage.fresh()).collect() }
    }
}

impl Pipeline {
    /// These stages.
    pub fn new(stages: Vec<Box<dyn Stage>>) -> Self {
        Self { stages }
    }

    /// The same, behind what takes the wrapping of Docker off.
    #[must_use]
    pub fn after_docker(mut self) -> Self {
        self.stages.insert(0, Box::new(docker::Unwrap::new(docker::Wrapping::Docker)));
        self
    }

    /// The same, with labels for lines that do not have them at the end.
    #[must_use]
    pub fn with_labels(mut self, labels: &[(String, String)]) -> Self {
        if !labels.is_empty() {
            self.stages.push(Box::new(labels::Static { labels: labels.to_vec(), yields: true }));
        }
        self
    }

    /// What its stages count.
    pub(crate) fn families(&self) -> Vec<Arc<Family>> {
        let mut all = Vec::new();
        self.stages.iter().for_each(|stage| stage.families(&mut all));
        all
    }

    /// Until when its source is to wait before it reads on, in nanoseconds since the Unix epoch.
    pub fn waits_until(&self) -> Option<i64> {
        self.stages.iter().filter_map(|stage| stage.waits_until()).max()
    }

    /// Whether nothing is done to lines.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// Sends a line through; what comes out goes to `out`.
    pub fn push(&mut self, entry: Entry, moment: &Moment, out: &mut Vec<Entry>) {
        out.extend(self.run_from(0, entry, moment));
    }

    /// Lets held lines go, through the stages behind the one that held them.
    pub fn flush(&mut self, flush: Flush, moment: &Moment, out: &mut Vec<Entry>) {
        let mut freed = Vec::new();
        for at in 0..self.stages.len() {
            self.stages[at].flush(flush, moment, &mut freed);
            for entry in freed.drain(..) {
                out.extend(self.run_from(at + 1, entry, moment));
            }
        }
    }

    /// Where the oldest line that is held back lies in its source.
    pub fn held_from(&self) -> Option<u64> {
        self.stages.iter().filter_map(|stage| stage.held_from()).min()
    }

    /// Whether one of its stages joins lines that were cut.
    pub fn joins(&self) -> bool {
        self.stages.iter().any(|stage| stage.joins())
    }

    /// Gives away the beginnings of lines that were cut, each with the number of the stage that held it.
    pub fn take_open(&mut self) -> Vec<(usize, Entry)> {
        let taken = |(at, stage): (usize, &mut Box<dyn Stage>)| stage.take_open().into_iter().map(move |entry| (at, entry));
        self.stages.iter_mut().enumerate().flat_map(taken).collect()
    }

    /// Goes on with the beginning of a line that was given away by such a pipeline. Given back where no stage joins lines.
    pub fn reopen(&mut self, stage: usize, open: Entry) -> Option<Entry> {
        // The stages may have been changed since.
        let at = if self.stages.get(stage).is_some_and(|stage| stage.joins()) {
            Some(stage)
        } else {
            self.stages.iter().position(|stage| stage.joins())
        };
        let Some(stage) = at.and_then(|at| self.stages.get_mut(at)) else { return Some(open) };
        stage.reopen(open);
        None
    }

    fn run_from(&mut self, first: usize, entry: Entry, moment: &Moment) -> Option<Entry> {
        self.stages.iter_mut().skip(first).try_fold(entry, |entry, stage| stage.run(entry, moment))
    }
}

/// A stage that only looks at one line, as a function.
macro_rules! plain_stage {
    ($name:ident) => {
        impl $crate::logs::ingest::stage::Stage for $name {
            fn run(
                &mut self,
                mut entry: $crate::logs::ingest::stage::Entry,
                moment: &$crate::logs::ingest::stage::Moment,
            ) -> Option<$crate::logs::ingest::stage::Entry> {
                self.apply(&mut entry, moment).then_some(entry)
            }

            fn fresh(&self) -> Box<dyn $crate::logs::ingest::stage::Stage> {
                Box::new(self.clone())
            }
        }
    };
}
use plain_stage;

#[cfg(test)]
mod tests;
