//! Whether a native histogram carries on from the one before it: then storage says so, and queries need not compare.

use crate::series::histogram::{Histogram, ResetHint, Span};

/// What to write down for `histogram`, given the one in order before it in the same series.
///
/// Says "no reset" only where that is certain; everything else is left to whoever reads both.
pub fn hint_after(before: Option<&Histogram>, histogram: &Histogram) -> ResetHint {
    match histogram.reset_hint {
        hint @ (ResetHint::Gauge | ResetHint::Reset) => hint,
        ResetHint::Unknown | ResetHint::NotReset => match before {
            Some(before) if continues(before, histogram) => ResetHint::NotReset,
            _ => ResetHint::Unknown,
        },
    }
}

/// Whether both have the same resolution and no count went down.
fn continues(before: &Histogram, now: &Histogram) -> bool {
    !before.is_stale()
        && !now.is_stale()
        && before.reset_hint != ResetHint::Gauge
        && before.schema == now.schema
        && before.zero_threshold.to_bits() == now.zero_threshold.to_bits()
        && before.custom_bounds == now.custom_bounds
        && before.count <= now.count
        && before.zero_count <= now.zero_count
        && none_shrinks((&before.positive_spans, &before.positive_buckets), (&now.positive_spans, &now.positive_buckets))
        && none_shrinks((&before.negative_spans, &before.negative_buckets), (&now.negative_spans, &now.negative_buckets))
}

type Side<'a> = (&'a [Span], &'a [f64]);

fn none_shrinks(before: Side<'_>, now: Side<'_>) -> bool {
    if before.0 == now.0 && before.1.len() == now.1.len() {
        return before.1.iter().zip(now.1).all(|(before, now)| before <= now);
    }
    let mut now = populated(now).peekable();
    populated(before).all(|(index, count)| {
        while now.next_if(|(at, _)| *at < index).is_some() {}
        count <= now.peek().filter(|(at, _)| *at == index).map_or(0.0, |(_, count)| *count)
    })
}

/// Indexes and counts of the buckets of one side.
fn populated<'a>((spans, buckets): Side<'a>) -> impl Iterator<Item = (i64, f64)> + use<'a> {
    let mut next = 0;
    let indexes = spans.iter().flat_map(move |span| {
        let first = next + i64::from(span.offset);
        next = first + i64::from(span.length);
        first..next
    });
    indexes.zip(buckets.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(offset: i32, buckets: &[f64]) -> Histogram {
        Histogram {
            count: buckets.iter().sum(),
            positive_spans: vec![Span { offset, length: buckets.len() as u32 }],
            positive_buckets: buckets.to_vec(),
            ..Histogram::default()
        }
    }

    #[test]
    fn only_what_is_certain_is_noted() {
        let before = histogram(0, &[1.0, 2.0]);
        let gauge = Histogram { reset_hint: ResetHint::Gauge, ..histogram(0, &[1.0, 2.0]) };
        let told = Histogram { reset_hint: ResetHint::Reset, ..histogram(0, &[1.0, 2.0]) };
        let wide = Histogram { schema: 1, ..histogram(0, &[9.0, 9.0]) };
        for (before, now, expected) in [
            (None, &before, ResetHint::Unknown),
            (Some(&before), &before, ResetHint::NotReset),
            (Some(&before), &histogram(-1, &[5.0, 1.0, 2.0, 1.0]), ResetHint::NotReset),
            (Some(&before), &histogram(1, &[5.0]), ResetHint::Unknown),
            (Some(&before), &histogram(0, &[0.0, 9.0]), ResetHint::Unknown),
            (Some(&before), &histogram(0, &[1.0]), ResetHint::Unknown),
            (Some(&before), &wide, ResetHint::Unknown),
            (Some(&before), &gauge, ResetHint::Gauge),
            (Some(&before), &told, ResetHint::Reset),
            (Some(&gauge), &before, ResetHint::Unknown),
            (Some(&Histogram::stale()), &before, ResetHint::Unknown),
            (Some(&before), &Histogram::stale(), ResetHint::Unknown),
        ] {
            assert_eq!(hint_after(before, now), expected, "{before:?} {now:?}");
        }
    }
}
