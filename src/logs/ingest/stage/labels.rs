//! `labels`, `structured_metadata`, `static_labels`, `labeldrop`, `labelallow`: what a line's stream is called, and which
//! fields it has.

use super::{Entry, Moment, plain_stage};

/// Where values of `labels` and `structured_metadata` go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Among the labels of the stream.
    Labels,
    /// Among the fields of the line.
    Fields,
}

/// `labels`, `structured_metadata`: values found before, under a name each.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// The name, and the name of the value.
    pub(super) names: Vec<(String, String)>,
    pub(super) place: Place,
}

impl Named {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        for (name, source) in &self.names {
            if let Some(value) = entry.extracted.get(source) {
                match self.place {
                    Place::Labels => entry.labels.set(name, value),
                    Place::Fields => entry.fields.set(name, value),
                };
            } else if let Some(value) = entry.labels.get(source).map(str::to_owned) {
                match self.place {
                    Place::Labels => entry.labels.set(name, &value),
                    Place::Fields => entry.fields.set(name, &value),
                };
            }
        }
        true
    }
}

plain_stage!(Named);

/// `static_labels`: the same labels for every line.
#[derive(Debug, Clone)]
pub(super) struct Static {
    pub(super) labels: Vec<(String, String)>,
    /// Whether labels that a line has already stay what they are.
    pub(super) yields: bool,
}

impl Static {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        for (name, value) in &self.labels {
            if !self.yields || entry.labels.get(name).is_none() {
                entry.labels.set(name, value);
            }
        }
        true
    }
}

plain_stage!(Static);

/// `labeldrop` and `labelallow`.
#[derive(Debug, Clone)]
pub(super) struct Sieve {
    pub(super) names: Vec<String>,
    /// Whether the named ones stay, rather than go.
    pub(super) keeps: bool,
}

impl Sieve {
    fn apply(&mut self, entry: &mut Entry, _: &Moment) -> bool {
        entry.labels.retain(|name, _| self.names.iter().any(|known| known == name) == self.keeps);
        true
    }
}

plain_stage!(Sieve);
