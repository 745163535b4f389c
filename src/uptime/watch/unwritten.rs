//! What became of checks and is not written down yet. What comes later replaces what it continues, so that a database that
//! fails for hours costs no more memory than what really happened in them.

use std::collections::BTreeMap;

use super::book::Changes;
use super::timing::CheckId;
use crate::uptime::model::beat::Hour;
use crate::uptime::model::incident::Incident;
use crate::uptime::model::track::Span;
use crate::uptime::store::Written;

/// Changes of one check, by their beginning.
#[derive(Debug, Default)]
struct Sheet {
    spans: BTreeMap<i64, Span>,
    hours: BTreeMap<i64, Hour>,
    incidents: BTreeMap<i64, Incident>,
}

/// What is not written down yet.
#[derive(Debug, Default)]
pub struct Unwritten(BTreeMap<CheckId, Sheet>);

impl Unwritten {
    /// Adds what changed.
    pub fn add(&mut self, check: CheckId, changes: Changes) {
        let Changes { spans, hours, incidents } = changes;
        if spans.is_empty() && hours.is_empty() && incidents.is_empty() {
            return;
        }
        let sheet = self.0.entry(check).or_default();
        sheet.spans.extend(spans.into_iter().map(|span| (span.from, span)));
        sheet.hours.extend(hours.into_iter().map(|hour| (hour.hour, hour)));
        sheet.incidents.extend(incidents.into_iter().map(|incident| (incident.from, incident)));
    }

    /// All of it, by check.
    pub fn all(&self) -> Vec<(CheckId, Written)> {
        let written = |sheet: &Sheet| Written {
            spans: sheet.spans.values().copied().collect(),
            hours: sheet.hours.values().cloned().collect(),
            incidents: sheet.incidents.values().cloned().collect(),
        };
        self.0.iter().map(|(check, sheet)| (*check, written(sheet))).collect()
    }

    /// It is written down.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::model::track::State;

    #[test]
    fn what_goes_on_is_there_once() {
        let mut unwritten = Unwritten::default();
        let up = Span { from: 0, until: 10, state: State::Up };
        unwritten.add(1, Changes { spans: vec![up], ..Changes::default() });
        let longer = Span { until: 20, ..up };
        let down = Span { from: 20, until: 30, state: State::Down };
        unwritten.add(1, Changes { spans: vec![longer, down], hours: vec![Hour::default()], ..Changes::default() });
        unwritten.add(1, Changes { hours: vec![Hour { failed: 1, ..Hour::default() }], ..Changes::default() });
        unwritten.add(2, Changes::default());
        let all = unwritten.all();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].1.spans, [longer, down]);
        assert_eq!((all[0].1.hours.len(), all[0].1.hours[0].failed), (1, 1));
        unwritten.clear();
        assert_eq!(unwritten.all(), []);
    }
}
