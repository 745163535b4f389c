//! `output`: a value found before becomes the line.

use super::{Entry, Moment, plain_stage};

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) source: String,
}

impl Output {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        if let Some(value) = entry.extracted.get(&self.source) {
            entry.text.clone_from(value);
        }
        true
    }
}

plain_stage!(Output);
