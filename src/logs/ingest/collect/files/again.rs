//! What of a batch is to be stored later: lines of streams that came faster than one stream may. Files can wait.

use crate::logs::model::batch::LineBatch;
use crate::logs::model::write::{LineReport, RefusedLine};

/// Lines that were refused only because of their stream's rate, with those of the stream that follow them, which are
/// repetitions if they were taken. `None` if there are none.
pub(super) fn later(batch: &LineBatch, report: &LineReport) -> Option<LineBatch> {
    let mut left = LineBatch::new();
    for one in report.refused.iter().filter(|one| matches!(one.reason, RefusedLine::StreamRate { .. })) {
        // Streams that no label fits are left out on the way, so that positions may differ.
        let begins = |at: usize| {
            let stream = batch.streams.get(at)?;
            batch.lines_of(stream).iter().position(|line| line.ts == one.first_ts).map(|from| (stream, from))
        };
        let Some((stream, from)) = begins(one.stream).or_else(|| (0..batch.streams.len()).find_map(begins)) else { continue };
        left.begin_stream(stream.labels.clone());
        for line in &batch.lines_of(stream)[from..] {
            left.push(line.ts, batch.text_of(line), batch.fields_of(line));
        }
    }
    (!left.is_empty()).then_some(left)
}

/// The report without what comes again.
pub(super) fn without_rates(mut report: LineReport) -> LineReport {
    report.refused.retain(|one| !matches!(one.reason, RefusedLine::StreamRate { .. }));
    report
}
