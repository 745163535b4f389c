//! Tests of histogram arithmetic.

use proptest::prelude::*;

use super::classic::{self, Cumulative};
use super::quantile::NanEffect;
use super::trim::Keep;
use super::*;
use crate::series::histogram::CUSTOM_BUCKETS_SCHEMA;

fn exponential(schema: i32, buckets: &[(i32, f64)]) -> Histogram {
    let (positive_spans, positive_buckets) = pack(buckets);
    let count = positive_buckets.iter().sum();
    Histogram { schema, count, sum: count, positive_spans, positive_buckets, ..Histogram::default() }
}

fn custom(bounds: &[f64], buckets: &[(i32, f64)]) -> Histogram {
    Histogram { custom_bounds: bounds.to_vec(), ..exponential(CUSTOM_BUCKETS_SCHEMA, buckets) }
}

fn positive(histogram: &Histogram) -> Vec<(i32, f64)> {
    indexed(&histogram.positive_spans, &histogram.positive_buckets).collect()
}

#[test]
fn bounds_are_powers() {
    for (index, schema, upper) in [
        (0, 0, 1.0),
        (1, 0, 2.0),
        (-1, 0, 0.5),
        (1, 1, 2f64.sqrt()),
        (2, 1, 2.0),
        (1, -1, 4.0),
        (1024, 0, f64::MAX),
        (1025, 0, f64::INFINITY),
    ] {
        let got = buckets::bound(index, schema, &[]);
        assert!(got == upper || (got - upper).abs() < 1e-15 * upper, "{index} at {schema}: {got} instead of {upper}");
    }
    assert_eq!(buckets::bound(1, CUSTOM_BUCKETS_SCHEMA, &[1.0, 5.0]), 5.0);
    assert_eq!(buckets::bound(2, CUSTOM_BUCKETS_SCHEMA, &[1.0, 5.0]), f64::INFINITY);
    assert_eq!(buckets::bound(-1, CUSTOM_BUCKETS_SCHEMA, &[1.0, 5.0]), f64::NEG_INFINITY);
}

#[test]
fn addition_takes_the_coarser_schema() {
    let mut sum = exponential(1, &[(1, 1.0), (2, 2.0), (5, 3.0)]);
    assert_eq!(sum.add(&exponential(0, &[(1, 10.0), (7, 1.0)])), Ok(Combined::default()));
    assert_eq!(sum.schema, 0);
    assert_eq!(positive(&sum), [(1, 13.0), (3, 3.0), (7, 1.0)]);
    assert_eq!(sum.count, 17.0);
}

#[test]
fn zero_buckets_are_widened_to_fit() {
    // The threshold 1.5 lies inside of the bucket (1, 2], which then belongs to zero as a whole.
    let mut sum = Histogram { zero_threshold: 0.5, zero_count: 1.0, ..exponential(0, &[(1, 4.0), (2, 2.0)]) };
    let other = Histogram { zero_threshold: 1.5, zero_count: 3.0, ..exponential(0, &[(2, 1.0)]) };
    assert!(sum.add(&other).is_ok());
    assert_eq!((sum.zero_threshold, sum.zero_count), (2.0, 8.0));
    assert_eq!(positive(&sum), [(2, 3.0)]);
}

#[test]
fn custom_bounds_are_reduced_to_those_in_common() {
    let mut sum = custom(&[1.0, 2.0, 5.0], &[(0, 1.0), (1, 2.0), (2, 3.0), (3, 4.0)]);
    let combined = sum.add(&custom(&[1.0, 5.0], &[(0, 10.0), (1, 20.0)]));
    assert_eq!(combined, Ok(Combined { reset_collision: false, bounds_reconciled: true }));
    assert_eq!(sum.custom_bounds, [1.0, 5.0]);
    assert_eq!(positive(&sum), [(0, 11.0), (1, 25.0), (2, 4.0)]);
    assert_eq!(sum.add(&exponential(0, &[])), Err(Incompatible));
}

#[test]
fn hints_are_combined() {
    use ResetHint::{Gauge, NotReset, Reset, Unknown};
    for (a, b, result, collision) in [
        (NotReset, NotReset, NotReset, false),
        (Gauge, Reset, Gauge, false),
        (Reset, Gauge, Gauge, false),
        (Unknown, NotReset, Unknown, false),
        (NotReset, Unknown, Unknown, false),
        (Reset, NotReset, Unknown, true),
    ] {
        let mut sum = Histogram { reset_hint: a, ..Histogram::default() };
        let combined = sum.add(&Histogram { reset_hint: b, ..Histogram::default() });
        assert_eq!((sum.reset_hint, combined.map(|combined| combined.reset_collision)), (result, Ok(collision)), "{a:?} + {b:?}");
    }
}

#[test]
fn resets_are_seen_in_any_bucket() {
    let before = exponential(0, &[(1, 2.0), (2, 2.0)]);
    for (now, is_reset) in [
        (exponential(0, &[(1, 2.0), (2, 3.0)]), false),
        (exponential(0, &[(1, 1.0), (2, 9.0)]), true),
        (exponential(0, &[(1, 9.0)]), true),
        (exponential(1, &[(1, 9.0), (2, 9.0), (3, 9.0), (4, 9.0)]), true),
        (exponential(-1, &[(1, 5.0)]), false),
        (Histogram { reset_hint: ResetHint::NotReset, ..exponential(0, &[]) }, false),
        (Histogram { reset_hint: ResetHint::Reset, ..before.clone() }, true),
    ] {
        assert_eq!(now.is_reset_after(&before), is_reset, "{now:?}");
    }
}

#[test]
fn quantiles_interpolate_along_the_logarithm() {
    let histogram = exponential(0, &[(1, 4.0), (2, 4.0)]);
    for (q, value) in [(0.0, 1.0), (0.25, 2f64.sqrt()), (0.5, 2.0), (0.75, 8f64.sqrt()), (1.0, 4.0)] {
        let (got, effect) = histogram.quantile(q);
        assert!((got - value).abs() < 1e-12 && effect == NanEffect::None, "{q}: {got} instead of {value}");
    }
    assert_eq!(histogram.quantile(1.1).0, f64::INFINITY);
    assert!(Histogram::default().quantile(0.5).0.is_nan());
    assert_eq!(histogram.fraction(1.0, 2.0).0, 0.5);
    assert_eq!(Histogram { sum: f64::NAN, count: 9.0, ..histogram }.fraction(0.0, 9.0).1, NanEffect::LeftOut);
}

#[test]
fn trimming_keeps_one_side() {
    let mut below = custom(&[1.0, 2.0, 3.0], &[(0, 2.0), (1, 2.0), (2, 2.0), (3, 2.0)]);
    let mut above = below.clone();
    below.trim(2.5, Keep::Below);
    above.trim(2.5, Keep::Above);
    assert_eq!(positive(&below), [(0, 2.0), (1, 2.0), (2, 1.0)]);
    assert_eq!((below.count, positive(&above)), (5.0, vec![(2, 1.0), (3, 2.0)]));
}

#[test]
fn classic_quantiles() {
    let buckets = |counts: &[(f64, f64)]| counts.iter().map(|&(upper, count)| Cumulative { upper, count }).collect::<Vec<_>>();
    let infinite = f64::INFINITY;
    for (q, counts, value) in [
        (0.5, &[(1.0, 5.0), (2.0, 10.0), (infinite, 10.0)][..], 1.0),
        (0.75, &[(2.0, 10.0), (1.0, 5.0), (infinite, 10.0)], 1.5),
        (1.0, &[(1.0, 5.0), (2.0, 8.0), (infinite, 10.0)], 2.0),
        (0.1, &[(-1.0, 5.0), (infinite, 10.0)], -1.0),
        (-0.1, &[(1.0, 5.0)], f64::NEG_INFINITY),
    ] {
        assert_eq!(classic::quantile(q, &mut buckets(counts)).0, value, "{q} of {counts:?}");
    }
    assert!(classic::quantile(0.5, &mut buckets(&[(1.0, 5.0), (2.0, 6.0)])).0.is_nan(), "no +Inf bucket");
    let (_, repair) = classic::quantile(0.5, &mut buckets(&[(1.0, 5.0), (2.0, 3.0), (infinite, 6.0)]));
    assert_eq!(repair, Some(classic::Repair { lowest: 2.0, highest: 2.0, max_diff: 2.0 }));
    assert_eq!(classic::fraction(0.0, 1.0, &mut buckets(&[(1.0, 5.0), (infinite, 10.0)])), 0.5);
}

#[test]
fn text_shows_populated_buckets() {
    let histogram = Histogram { zero_count: 2.0, zero_threshold: 0.001, ..exponential(0, &[(1, 1.0), (2, 0.0), (3, 3.0)]) };
    assert_eq!(histogram.describe(), "{count:4, sum:4, [-0.001,0.001]:2, (1,2]:1, (4,8]:3}");
}

fn side() -> impl Strategy<Value = Vec<(i32, f64)>> {
    proptest::collection::btree_map(-40i32..40, (0u32..50).prop_map(f64::from), 0..12).prop_map(|map| map.into_iter().collect())
}

proptest! {
    #[test]
    fn packing_round_trips(buckets in side()) {
        let (spans, counts) = pack(&buckets);
        prop_assert_eq!(indexed(&spans, &counts).collect::<Vec<_>>(), buckets);
    }

    #[test]
    fn what_is_added_can_be_subtracted(a in side(), b in side(), schemas in (-2i32..5, -2i32..5)) {
        let (a, b) = (exponential(schemas.0, &a), exponential(schemas.1, &b));
        let mut sum = a.clone();
        prop_assert!(sum.add(&b).is_ok());
        let total: f64 = sum.positive_buckets.iter().sum();
        prop_assert_eq!(total, a.count + b.count);
        prop_assert!(!sum.is_reset_after(&b), "a sum has at least what its parts have");
        prop_assert!(sum.subtract(&b).is_ok());
        sum.compact();
        let mut coarse = a.at_schema(sum.schema);
        coarse.compact();
        prop_assert_eq!(positive(&sum), positive(&coarse));
    }

    #[test]
    fn malformed_layouts_do_no_harm(
        spans in proptest::collection::vec((any::<i32>(), 0u32..9), 0..6),
        counts in proptest::collection::vec(any::<f64>(), 0..9),
        schema in prop_oneof![Just(CUSTOM_BUCKETS_SCHEMA), -4i32..9],
        q in any::<f64>(),
    ) {
        let spans: Vec<Span> = spans.into_iter().map(|(offset, length)| Span { offset, length }).collect();
        let broken = Histogram { schema, positive_spans: spans.clone(), positive_buckets: counts.clone(), negative_spans: spans, negative_buckets: counts, count: 5.0, ..Histogram::default() };
        let mut sum = broken.clone();
        let _ = sum.add(&broken);
        sum.trim(q, Keep::Below);
        sum.compact();
        let _ = (broken.quantile(q), broken.fraction(0.0, q), broken.variance(), broken.describe(), broken.is_reset_after(&sum));
    }
}
