//! `output`: a value found before becomes the line.

use super::{Entry, Moment, plain_stage};

/// The stage.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) source: String,
}

impl Output {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        if let Some(value) = entry.value(&self.source).map(str::to_owned) {
            entry.text = value;
        }
        true
    }
}

plain_stage!(Output);
