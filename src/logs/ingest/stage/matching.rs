//! `match`: stages for some lines only, or an end for them.

use std::sync::Arc;

use super::metrics::{Dropped, Family};
use super::selector::Selector;
use super::{Entry, Flush, Moment, Pipeline, Stage};

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Match {
    pub(super) selector: Selector,
    /// Whether lines that match are dropped.
    pub(super) drops: bool,
    pub(super) inner: Pipeline,
    pub(super) dropped: Dropped,
}

impl Stage for Match {
    fn run(&mut self, entry: Entry, moment: &Moment) -> Option<Entry> {
        if !self.selector.matches(&entry) {
            return Some(entry);
        }
        if self.drops {
            self.dropped.inc();
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

    fn waits_until(&self) -> Option<i64> {
        self.inner.waits_until()
    }

    fn families(&self, out: &mut Vec<Arc<Family>>) {
        if self.drops {
            out.push(Arc::clone(&self.dropped.family));
        }
        out.extend(self.inner.families());
    }

    fn fresh(&self) -> Box<dyn Stage> {
        Box::new(self.clone())
    }
}
