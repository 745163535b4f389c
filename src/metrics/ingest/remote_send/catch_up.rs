//! Reads from the store what an endpoint has missed, one slice of time after the other, in pieces of bounded size.

use std::collections::HashMap;
use std::sync::Arc;

use super::shard::{Item, Payload};
use crate::base::cancel::Cancel;
use crate::base::time::TimeRange;
use crate::series::batch::FloatSample;
use crate::series::labels::Labels;
use crate::series::ports::{IndexQuery, Select, SelectError, Selection};
use crate::series::sample::{Exemplar, SampleBuf};

/// The first slice, in milliseconds.
pub(super) const SLICE_MS_FIRST: i64 = 30_000;
/// The shortest one.
const SLICE_MS_MIN: i64 = 1_000;
/// The longest one: a series of one sample a second takes 115 kB of it.
const SLICE_MS_MAX: i64 = 7_200_000;
/// Items that a slice should hold, from and to.
const SLICE_ITEMS: (usize, usize) = (20_000, 100_000);
/// The same per series: finding the series costs more than reading a few samples of each.
const SLICE_ITEMS_EACH: (usize, usize) = (4, 16);
/// Items handed over at once.
const PIECE_ITEMS: usize = 10_000;

/// What a slice held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub items: usize,
    pub series: usize,
}

/// The length of the next slice, after one that held so much.
pub(super) fn next_slice_ms(slice_ms: i64, held: Held) -> i64 {
    let bound = |flat: usize, each: usize| flat.max(held.series.saturating_mul(each));
    if held.items < bound(SLICE_ITEMS.0, SLICE_ITEMS_EACH.0) {
        (slice_ms * 2).min(SLICE_MS_MAX)
    } else if held.items > bound(SLICE_ITEMS.1, SLICE_ITEMS_EACH.1) {
        (slice_ms / 2).max(SLICE_MS_MIN)
    } else {
        slice_ms
    }
}

/// What of the store is wanted.
pub(super) struct Wanted {
    pub range: TimeRange,
    pub histograms: bool,
    pub exemplars: bool,
}

/// Reads a slice series by series, each in the order of time; `resolve` makes the labels to be sent (none = dropped).
///
/// `hand_over` gets pieces and says whether anybody still wants more.
pub(super) fn read_slice(
    select: &dyn Select,
    wanted: &Wanted,
    mut resolve: impl FnMut(&Labels) -> Option<Labels>,
    mut hand_over: impl FnMut(Vec<Item>) -> bool,
) -> Result<Held, SelectError> {
    let range = wanted.range;
    let found = select.select(&Selection { matchers: &[], range, series_max: usize::MAX }, &Cancel::new())?;
    let mut exemplars: HashMap<Labels, Vec<Exemplar>> = if wanted.exemplars && !found.is_empty() {
        select.exemplars(&IndexQuery { any_of: &[], range, limit: 0 })?.into_iter().collect()
    } else {
        HashMap::new()
    };
    let (mut samples, mut piece) = (SampleBuf::default(), Vec::new());
    let mut held = Held { items: 0, series: found.len() };
    for series in found {
        samples.clear();
        series.read(range, &mut samples)?;
        if samples.is_empty() {
            continue;
        }
        let Some(labels) = resolve(series.labels()) else { continue };
        let before = piece.len();
        push_samples(&samples, wanted.histograms, &labels, &mut piece);
        let own = exemplars.remove(series.labels()).unwrap_or_default();
        // An exemplar never travels without a sample of its series.
        if piece.len() > before {
            piece.extend(own.into_iter().map(|exemplar| Item { labels: labels.clone(), payload: Payload::Exemplar(exemplar) }));
        }
        held.items += piece.len() - before;
        if piece.len() >= PIECE_ITEMS && !hand_over(std::mem::take(&mut piece)) {
            return Ok(held);
        }
    }
    if !piece.is_empty() {
        hand_over(piece);
    }
    Ok(held)
}

/// Floats and histograms of one series, merged by time.
fn push_samples(samples: &SampleBuf, histograms: bool, labels: &Labels, out: &mut Vec<Item>) {
    let start = |all: &[i64], at: usize| all.get(at).copied().unwrap_or(0);
    let histogram_ts: &[i64] = if histograms { &samples.histogram_ts } else { &[] };
    let (mut float, mut histogram) = (0, 0);
    while float < samples.float_ts.len() || histogram < histogram_ts.len() {
        let float_first = match (samples.float_ts.get(float), histogram_ts.get(histogram)) {
            (Some(a), Some(b)) => a <= b,
            (here, _) => here.is_some(),
        };
        let payload = if float_first {
            let (ts, value, start_ts) = (samples.float_ts[float], samples.floats[float], start(&samples.float_start_ts, float));
            float += 1;
            Payload::Float(FloatSample { ts, value, start_ts })
        } else {
            histogram += 1;
            Payload::Histogram(histogram_ts[histogram - 1], Arc::clone(&samples.histograms[histogram - 1]))
        };
        out.push(Item { labels: labels.clone(), payload });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::histogram::Histogram;

    #[test]
    fn slices_follow_what_they_hold() {
        for (slice, items, series, next) in [
            (30_000, 0, 0, 60_000),
            (7_200_000, 0, 0, 7_200_000),
            (30_000, 50_000, 10, 30_000),
            (30_000, 200_000, 10, 15_000),
            (30_000, 2_000_000, 1_000_000, 60_000),
            (60_000, 8_000_000, 1_000_000, 60_000),
            (1_000, 9_000_000, 10, 1_000),
        ] {
            assert_eq!(next_slice_ms(slice, Held { items, series }), next);
        }
    }

    #[test]
    fn both_kinds_of_samples_come_in_order() {
        let mut samples = SampleBuf::default();
        samples.push_float(1, 1.0);
        samples.push_float(4, 4.0);
        samples.push_histogram(2, Arc::new(Histogram::default()));
        samples.push_histogram(5, Arc::new(Histogram::default()));
        samples.float_start_ts = vec![0, 3];
        for (histograms, times) in [(true, vec![1, 2, 4, 5]), (false, vec![1, 4])] {
            let mut out = Vec::new();
            push_samples(&samples, histograms, &Labels::from_pairs([("a", "b")]), &mut out);
            assert_eq!(out.iter().map(Item::ts).collect::<Vec<_>>(), times);
            assert!(matches!(out[times.len() - if histograms { 2 } else { 1 }].payload, Payload::Float(FloatSample { start_ts: 3, .. })));
        }
    }
}
