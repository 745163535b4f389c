//! `match`: stages for some lines only, or an end for them.

use super::selector::Selector;
use super::{Entry, Flush, Moment, Pipeline, Stage};

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Match {
    pub(super) selector: Selector,
    /// Whether lines that match are dropped.
    pub(super) drops: bool,
    pub(super) inner: Pipeline,
}

impl Stage for Match {
    fn run(&mut self, entry: Entry, moment: &Moment) -> Option<Entry> {
        if !self.selector.matches(&entry) {
            return Some(entry);
        }
        if self.drops {
            return None;
        }
        self.inner.run_from(0, entry, moment)
    }

    fn flush(&mut self, flush: Flush, moment: &Moment, out: &mut Vec<Entry>) {
        self.inner.flush(flush, moment, out);
    }

    fn held_from(&self) -> Option<u64> {
        self.inner.held_from()
    }

    fn fresh(&self) -> Box<dyn Stage> {
        Box::new(self.clone())
    }
}
