//! Lines in memory, cut into chunks as a store might: what scripts and tests run on.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::base::cancel::Cancel;
use crate::logs::model::needs::Needs;
use crate::logs::model::read::{
    LineBuf, LineChunk, LineSelection, NO_FIELDS, SelectLines, SelectLinesError, Span, Stream, StreamQuery, StreamVolume, Want,
};
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;

/// How lines are cut into chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// All lines in one chunk.
    Together,
    /// So many lines of one stream each.
    Apart(usize),
    /// The same, without any line that lacks what wanted lines contain: what the best of stores would leave out.
    Pruned(usize),
}

/// A line of a stream: time (ns), text, fields.
type Line = (i64, Arc<[u8]>, Labels);

/// Lines in memory.
#[derive(Debug)]
pub struct MemoryLines {
    layout: Layout,
    streams: RwLock<BTreeMap<Labels, Vec<Line>>>,
}

impl MemoryLines {
    /// Without lines.
    pub fn new(layout: Layout) -> Self {
        Self { layout, streams: RwLock::default() }
    }

    /// Adds a line.
    pub fn push(&self, stream: &Labels, ts: i64, text: &[u8], fields: &Labels) {
        let mut streams = self.streams.write();
        let lines = streams.entry(stream.clone()).or_default();
        let at = lines.partition_point(|line| line.0 <= ts);
        lines.insert(at, (ts, text.into(), fields.clone()));
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.streams.write().clear();
    }

    fn matching(&self, any_of: &[&[Matcher]], span: Span) -> Vec<(Labels, Vec<Line>)> {
        let streams = self.streams.read();
        let matches =
            |labels: &Labels| any_of.is_empty() || any_of.iter().any(|all| all.iter().all(|matcher| matcher.matches_labels(labels)));
        let found = streams.iter().filter(|(labels, lines)| matches(labels) && lines.iter().any(|line| span.contains(line.0)));
        found.map(|(labels, lines)| (labels.clone(), lines.clone())).collect()
    }

    fn of_query(&self, query: &StreamQuery<'_>) -> Vec<(Labels, Vec<Line>)> {
        let any_of: Vec<&[Matcher]> = query.any_of.iter().map(Vec::as_slice).collect();
        self.matching(&any_of, query.span)
    }
}

/// Whether a line has what it needs, in its text or a field.
fn meets(needs: &Needs, text: &[u8], fields: &Labels) -> bool {
    match needs {
        Needs::Anything | Needs::Unless { .. } => true,
        Needs::Nothing => false,
        Needs::All(all) => all.iter().all(|needs| meets(needs, text, fields)),
        Needs::Any(any) => any.iter().any(|needs| meets(needs, text, fields)),
        Needs::Text { bytes, any_case, alone } => {
            let has = |text: &[u8]| {
                let text = if *any_case { text.to_ascii_lowercase() } else { text.to_vec() };
                let touches = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80);
                let stands_alone = |at: usize| !touches(text[..at].last()) && !touches(text.get(at + bytes.len()));
                text.windows(bytes.len().max(1)).enumerate().any(|(at, window)| window == &bytes[..] && (!alone || stands_alone(at)))
            };
            has(text) || fields.iter().any(|(_, value)| has(value.as_bytes()))
        }
    }
}

fn limited<T>(mut all: Vec<T>, limit: usize) -> Vec<T> {
    if limit > 0 {
        all.truncate(limit);
    }
    all
}

impl SelectLines for MemoryLines {
    fn select(&self, selection: &LineSelection<'_>, _: &Cancel) -> Result<Vec<Box<dyn LineChunk>>, SelectLinesError> {
        let streams = self.matching(&[selection.matchers], selection.span);
        let streams = streams.into_iter().map(|(labels, lines)| (Arc::new(Stream { labels }), lines));
        Ok(match self.layout {
            Layout::Together => vec![Box::new(MemoryChunk { runs: streams.collect() })],
            Layout::Apart(size) | Layout::Pruned(size) => streams
                .flat_map(|(stream, mut lines)| {
                    if matches!(self.layout, Layout::Pruned(_)) {
                        let needs = selection.needs.settled(&|label| stream.labels.contains(label));
                        lines.retain(|(_, text, fields)| meets(&needs, text, fields));
                    }
                    let chunk =
                        |lines: &[Line]| Box::new(MemoryChunk { runs: vec![(Arc::clone(&stream), lines.to_vec())] }) as Box<dyn LineChunk>;
                    lines.chunks(size).map(chunk).collect::<Vec<_>>()
                })
                .collect(),
        })
    }

    fn streams(&self, query: &StreamQuery<'_>, _: &Cancel) -> Result<Vec<Labels>, SelectLinesError> {
        Ok(limited(self.of_query(query).into_iter().map(|(labels, _)| labels).collect(), query.limit))
    }

    fn label_names(&self, query: &StreamQuery<'_>, _: &Cancel) -> Result<Vec<String>, SelectLinesError> {
        let mut names: Vec<String> = self
            .of_query(query)
            .iter()
            .flat_map(|(labels, _)| labels.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>())
            .collect();
        names.sort();
        names.dedup();
        Ok(limited(names, query.limit))
    }

    fn label_values(&self, name: &str, query: &StreamQuery<'_>, _: &Cancel) -> Result<Vec<String>, SelectLinesError> {
        let mut values: Vec<String> = self.of_query(query).iter().filter_map(|(labels, _)| labels.get(name).map(str::to_owned)).collect();
        values.sort();
        values.dedup();
        Ok(limited(values, query.limit))
    }

    fn each_volume(&self, query: &StreamQuery<'_>, _: &Cancel, see: &mut dyn FnMut(StreamVolume)) -> Result<(), SelectLinesError> {
        let volume = |(labels, lines): (Labels, Vec<Line>)| {
            let inside: Vec<&Line> = lines.iter().filter(|line| query.span.contains(line.0)).collect();
            StreamVolume { labels, chunks: 1, lines: inside.len() as u64, bytes: inside.iter().map(|line| line.1.len() as u64).sum() }
        };
        self.of_query(query).into_iter().map(volume).for_each(see);
        Ok(())
    }
}

struct MemoryChunk {
    runs: Vec<(Arc<Stream>, Vec<Line>)>,
}

impl LineChunk for MemoryChunk {
    fn bounds(&self) -> (i64, i64) {
        let times = || self.runs.iter().flat_map(|(_, lines)| lines.iter().map(|line| line.0));
        (times().min().unwrap_or(0), times().max().unwrap_or(0))
    }

    fn lines(&self) -> usize {
        self.runs.iter().map(|(_, lines)| lines.len()).sum()
    }

    fn bytes(&self) -> usize {
        self.runs.iter().flat_map(|(_, lines)| lines).map(|line| line.1.len()).sum()
    }

    fn stream(&self) -> Option<&Arc<Stream>> {
        match self.runs.as_slice() {
            [(stream, _)] => Some(stream),
            _ => None,
        }
    }

    fn read(&self, want: Want, into: &mut LineBuf) -> Result<(), SelectLinesError> {
        into.clear();
        let mut end = 0;
        for (stream, lines) in &self.runs {
            let from = into.times.len() as u32;
            for (ts, text, fields) in lines {
                into.starts.push(end);
                end += text.len() as u32 + 1;
                into.times.push(*ts);
                if want == Want::Text {
                    into.text.extend_from_slice(text);
                    into.text.push(b'\n');
                }
                into.fields.push(if want == Want::Times || fields.is_empty() {
                    NO_FIELDS
                } else {
                    put_fields(fields, &mut into.field_bytes, &mut into.field_sets)
                });
            }
            into.runs.push((Arc::clone(stream), from..into.times.len() as u32));
        }
        into.starts.push(end);
        if into.field_sets.is_empty() {
            into.fields.clear();
        }
        Ok(())
    }
}

fn put_fields(fields: &Labels, bytes: &mut Vec<u8>, sets: &mut Vec<std::ops::Range<u32>>) -> u32 {
    let packed = fields.packed();
    let known = sets.iter().position(|range| bytes.get(range.start as usize..range.end as usize) == Some(packed));
    known.unwrap_or_else(|| {
        let start = bytes.len() as u32;
        bytes.extend_from_slice(packed);
        sets.push(start..bytes.len() as u32);
        sets.len() - 1
    }) as u32
}
