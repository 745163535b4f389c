//! All lines of a memory in the order in which parts have them.

use std::sync::Arc;

use super::pages::Pages;
use crate::logs::model::read::Stream;
use crate::series::labels::Labels;

/// All lines of a memory, in the order in which parts have them.
pub struct SortedLines {
    pub(super) pages: Arc<Pages>,
    /// By packed labels; each stream's lines by time, then by arrival.
    pub(super) streams: Vec<(Arc<Stream>, Vec<u32>)>,
}

/// Lines of one stream and one piece of time.
pub struct SortedRun {
    /// Which piece of time: the time of its lines divided by its length.
    pub piece: i64,
    stream: usize,
    from: usize,
    to: usize,
}

impl SortedLines {
    /// Runs of lines, by piece of time of this length (ns), then by packed labels.
    pub fn runs(&self, piece_ns: i64) -> Vec<SortedRun> {
        let mut runs = Vec::new();
        for (stream, (_, ids)) in self.streams.iter().enumerate() {
            let mut from = 0;
            while let Some(first) = ids.get(from).and_then(|id| self.pages.line(*id)) {
                let piece = first.ts.div_euclid(piece_ns);
                let in_piece = |id: &u32| self.pages.line(*id).is_some_and(|line| line.ts.div_euclid(piece_ns) == piece);
                let to = from + ids[from..].partition_point(in_piece);
                runs.push(SortedRun { piece, stream, from, to });
                from = to;
            }
        }
        runs.sort_by_key(|run| (run.piece, run.stream));
        runs
    }

    /// The labels of a run's stream.
    pub fn labels(&self, run: &SortedRun) -> &Labels {
        &self.streams[run.stream].0.labels
    }

    /// Time, text and packed fields of a run's lines.
    pub fn lines(&self, run: &SortedRun) -> impl Iterator<Item = (i64, &[u8], &[u8])> {
        let ids = self.streams[run.stream].1.get(run.from..run.to).unwrap_or_default();
        ids.iter().filter_map(|id| self.pages.line(*id)).map(|line| (line.ts, self.pages.text(line), self.pages.fields(line)))
    }
}
