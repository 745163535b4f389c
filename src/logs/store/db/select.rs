//! Lines out: what memory and parts have, as one.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Core, DAY_NS, Store, View};
use crate::base::cancel::Cancel;
use crate::base::pressure::{Level, Shed};
use crate::logs::model::needs::Needs;
use crate::logs::model::read::{LineChunk, LineSelection, SelectLines, SelectLinesError, Span, StreamQuery, StreamVolume};
use crate::logs::store::manifest::PartEntry;
use crate::logs::store::memory::Memory;
use crate::series::labels::Labels;

impl SelectLines for Store {
    fn select(&self, selection: &LineSelection<'_>, cancel: &Cancel) -> Result<Vec<Box<dyn LineChunk>>, SelectLinesError> {
        let mut chunks = Vec::new();
        if selection.span.start >= selection.span.end || *selection.needs == Needs::Nothing {
            return Ok(chunks);
        }
        self.core.is_calm()?;
        let view = self.core.view();
        view.is_complete(selection.span)?;
        // What came first goes first: parts by their numbers, then the memory that is being written, then the open one.
        for part in view.parts.iter().filter(|part| part.overlaps(selection.span)) {
            cancel.check()?;
            chunks.extend(part.select(selection, cancel)?);
        }
        for memory in view.frozen.iter().chain([&view.active]) {
            memory.select(selection, cancel, &mut chunks)?;
        }
        Ok(chunks)
    }

    fn streams(&self, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<Labels>, SelectLinesError> {
        let view = self.core.view();
        view.is_complete(query.span)?;
        let mut streams: Vec<Labels> = Vec::new();
        view.memories().for_each(|memory| streams.extend(labels_of(memory, query)));
        for part in view.parts.iter().filter(|part| part.overlaps(query.span)) {
            cancel.check()?;
            // A limit applies to all together: the first ones in order may be in any part.
            let all = StreamQuery { limit: 0, ..query.clone() };
            streams.extend(part.noting_damage(part.part.streams(&all, cancel))?);
            streams.sort_unstable();
            streams.dedup();
        }
        streams.sort_unstable();
        streams.dedup();
        truncate(&mut streams, query.limit);
        Ok(streams)
    }

    fn label_names(&self, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectLinesError> {
        let view = self.core.view();
        view.is_complete(query.span)?;
        let mut names: BTreeSet<String> = BTreeSet::new();
        for memory in view.memories() {
            for labels in labels_of(memory, query) {
                add_new(&mut names, labels.iter().map(|(name, _)| name));
            }
        }
        for part in view.parts.iter().filter(|part| part.overlaps(query.span)) {
            cancel.check()?;
            let all = StreamQuery { limit: 0, ..query.clone() };
            names.extend(part.noting_damage(part.part.label_names(&all, cancel))?);
        }
        let mut names: Vec<String> = names.into_iter().collect();
        truncate(&mut names, query.limit);
        Ok(names)
    }

    fn label_values(&self, name: &str, query: &StreamQuery<'_>, cancel: &Cancel) -> Result<Vec<String>, SelectLinesError> {
        let view = self.core.view();
        view.is_complete(query.span)?;
        let mut values: BTreeSet<String> = BTreeSet::new();
        for memory in view.memories() {
            for labels in labels_of(memory, query) {
                add_new(&mut values, labels.get(name).into_iter());
            }
        }
        for part in view.parts.iter().filter(|part| part.overlaps(query.span)) {
            cancel.check()?;
            let all = StreamQuery { limit: 0, ..query.clone() };
            values.extend(part.noting_damage(part.part.label_values(name, &all, cancel))?);
        }
        let mut values: Vec<String> = values.into_iter().collect();
        truncate(&mut values, query.limit);
        Ok(values)
    }

    fn each_volume(&self, query: &StreamQuery<'_>, cancel: &Cancel, see: &mut dyn FnMut(StreamVolume)) -> Result<(), SelectLinesError> {
        let view = self.core.view();
        view.is_complete(query.span)?;
        view.each_volume(query, cancel, see)
    }
}

impl View {
    /// Whether every part that may have lines of a span can be read: rather no answer than one with lines missing.
    fn is_complete(&self, span: Span) -> Result<(), SelectLinesError> {
        let reaches = |entry: &PartEntry| {
            entry.oldest_day.saturating_mul(DAY_NS) < span.end && span.start < entry.day.saturating_add(1).saturating_mul(DAY_NS)
        };
        match self.absent.iter().find(|absent| reaches(&absent.entry)) {
            None => Ok(()),
            Some(absent) => {
                let text = format!("lines of this time cannot be read now, it is tried again: {}", absent.reason);
                Err(SelectLinesError::Storage(Arc::from(text)))
            }
        }
    }

    /// The memories, newest first.
    pub(super) fn memories(&self) -> impl Iterator<Item = &Arc<Memory>> {
        [Some(&self.active), self.frozen.as_ref()].into_iter().flatten()
    }
}

impl Core {
    /// Whether there is memory for a query.
    fn is_calm(&self) -> Result<(), SelectLinesError> {
        if self.settings.pressure.memory() == Level::Critical {
            self.settings.pressure.count(Shed::Query);
            return Err(SelectLinesError::Overloaded);
        }
        Ok(())
    }
}

pub(super) fn is_wanted(labels: &Labels, query: &StreamQuery<'_>) -> bool {
    query.any_of.is_empty() || query.any_of.iter().any(|all| all.iter().all(|matcher| matcher.matches_labels(labels)))
}

fn labels_of(memory: &Memory, query: &StreamQuery<'_>) -> impl Iterator<Item = Labels> {
    let streams = memory.streams(query.span).into_iter().map(|stream| stream.labels.clone());
    streams.filter(|labels| is_wanted(labels, query))
}

/// Adds those that are not there yet: nearly all are, and are not copied.
fn add_new<'a>(set: &mut BTreeSet<String>, texts: impl Iterator<Item = &'a str>) {
    for text in texts {
        if !set.contains(text) {
            set.insert(text.to_owned());
        }
    }
}

fn truncate<T>(list: &mut Vec<T>, limit: usize) {
    if limit > 0 {
        list.truncate(limit);
    }
}
