//! What of a batch is to be stored later: lines of streams that came faster than one stream may. Whoever sent them may be able
//! to wait.

use crate::logs::model::batch::LineBatch;
use crate::logs::model::write::{LineReport, RefusedLine};

/// Whether lines were refused only for now.
fn is_rate(reason: &RefusedLine) -> bool {
    matches!(reason, RefusedLine::StreamRate { .. })
}

/// Positions of the lines of a batch that were refused only because of their stream's rate, ascending.
pub(super) fn positions(report: &LineReport) -> Vec<u32> {
    let rated = report.refused.iter().filter(|one| is_rate(&one.reason));
    let mut at: Vec<u32> = rated.flat_map(|one| one.at.iter().copied()).collect();
    at.sort_unstable();
    at.dedup();
    at
}

/// Those lines. `None` if there are none.
pub(super) fn later(batch: &LineBatch, report: &LineReport) -> Option<LineBatch> {
    let positions = positions(report);
    let mut positions = positions.iter().peekable();
    let mut left = LineBatch::new();
    for stream in &batch.streams {
        let mut is_begun = false;
        for (at, line) in stream.lines.clone().zip(batch.lines_of(stream)) {
            if positions.next_if(|position| **position == at).is_none() {
                continue;
            }
            if !std::mem::replace(&mut is_begun, true) {
                left.begin_stream(stream.labels.clone());
            }
            left.push(line.ts, batch.text_of(line), batch.fields_of(line));
        }
    }
    (!left.is_empty()).then_some(left)
}

/// The report without what comes again.
pub(super) fn without_rates(mut report: LineReport) -> LineReport {
    report.refused.retain(|one| !is_rate(&one.reason));
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::model::write::RefusedLines;
    use crate::series::labels::Labels;

    #[test]
    fn lines_come_again_by_their_places_and_not_by_their_times() {
        let mut batch = LineBatch::new();
        for stream in ["a", "b"] {
            batch.begin_stream(Labels::from_pairs([("job", stream)]));
            (0..3).for_each(|at| batch.push(7, format!("{stream}{at}").as_bytes(), b""));
        }
        let refused =
            |stream: usize, at: &[u32], reason| RefusedLines { stream, lines: at.len(), at: at.to_vec(), bytes: 1, reason, first_ts: 7 };
        let rate = RefusedLine::StreamRate { bytes_per_s: 1 };
        let old = RefusedLine::TooOld { oldest: 8 };
        let report = LineReport { taken: 2, refused: vec![refused(1, &[4, 5], rate), refused(0, &[0], rate), refused(0, &[1], old)] };
        let left = later(&batch, &report).unwrap();
        let texts = |batch: &LineBatch| {
            let of = |stream| batch.lines_of(stream).iter().map(|line| String::from_utf8_lossy(batch.text_of(line)).into_owned());
            batch.streams.iter().map(|stream| (stream.labels.to_string(), of(stream).collect::<Vec<_>>().join(" "))).collect::<Vec<_>>()
        };
        assert_eq!(texts(&left), [("{job=\"a\"}".to_owned(), "a0".to_owned()), ("{job=\"b\"}".to_owned(), "b1 b2".to_owned())]);
        let rest = without_rates(report);
        assert_eq!((later(&batch, &rest).is_none(), rest.refused.len()), (true, 1));
    }
}
