//! Round trips of ordinary and of arbitrary columns, and hostile bytes.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::base::pack::ENTRIES_MAX;
use crate::series::histogram::{CUSTOM_BUCKETS_SCHEMA, Histogram, ResetHint, Span};
use crate::series::sample::stale_nan;

fn ts_len(ts: &[i64]) -> usize {
    let mut bytes = Vec::new();
    encode_timestamps(ts, &mut bytes);
    let mut out = vec![42];
    decode_timestamps(&bytes, ts.len(), &mut out).expect("valid");
    assert_eq!(&out[1..], ts);
    bytes.len()
}

fn floats_len(values: &[f64]) -> usize {
    let mut bytes = Vec::new();
    encode_floats(values, &mut bytes);
    let mut out = vec![42.0];
    decode_floats(&bytes, values.len(), &mut out).expect("valid");
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&out[1..]), bits(values));
    bytes.len()
}

/// Compares bits, so that NaN equals itself.
fn histograms_len(hs: &[Arc<Histogram>]) -> usize {
    let mut bytes = Vec::new();
    encode_histograms(hs, &mut bytes);
    let mut out = Vec::new();
    decode_histograms(&bytes, hs.len(), &mut out).expect("valid");
    assert_eq!(format!("{out:?}"), format!("{hs:?}"));
    for (left, right) in out.iter().zip(hs) {
        assert_eq!(left.sum.to_bits(), right.sum.to_bits());
        assert_eq!(left.is_stale(), right.is_stale());
    }
    bytes.len()
}

#[test]
fn regular_timestamps_are_small() {
    let at = |i: i64| 1_760_000_000_000 + i * 15_000;
    let regular: Vec<i64> = (0..480).map(at).collect();
    assert!(ts_len(&regular) < 16);
    let with_gaps: Vec<i64> = (0..480).filter(|i| i % 100 != 7 && !(200..220).contains(i)).map(at).collect();
    assert!(ts_len(&with_gaps) < 40);
    let jitter: Vec<i64> = (0..480).map(|i| at(i) + i * 7919 % 5).collect();
    assert!(ts_len(&jitter) < 220);
    let rare_delay: Vec<i64> = (0..480).map(|i| at(i) + if i % 97 == 0 { 900 } else { 0 }).collect();
    assert!(ts_len(&rare_delay) < 80);
}

#[test]
fn odd_timestamps_round_trip() {
    for ts in [
        &[][..],
        &[0],
        &[i64::MIN, i64::MAX],
        &[i64::MAX, i64::MIN, 0],
        &[5, 5, 5],
        &[9, 8, 7],
        &[1, 2, 3, i64::MAX],
        &[i64::MIN, -1, 0, 1, i64::MAX],
        &[0, 1, 2, 3, 1 << 60, (1 << 60) + 1, (1 << 60) + 2],
        &[-(1 << 62) - 5, 1 << 62],
    ] {
        ts_len(ts);
    }
}

#[test]
fn ordinary_floats_are_small() {
    let n = 480u64;
    let noise = |i: u64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / (1u64 << 24) as f64;
    for (what, values, most) in [
        ("constant", vec![1.0; 480], 3),
        ("constant without decimals", vec![std::f64::consts::PI; 480], 9),
        ("straight line", (0..n).map(|i| (i * 250) as f64).collect(), 16),
        ("counter", (0..n).map(|i| (i * 250 + (noise(i) * 16.0) as u64) as f64).collect(), 330),
        ("pages", (0..n).map(|i| 4096.0 * (1e5 + (noise(i) * 16.0).floor())).collect(), 280),
        ("percent", (0..n).map(|i| (noise(i) * 1000.0).round() / 10.0).collect(), 640),
        ("seldom noise", (0..n).map(|i| if i % 100 == 3 { noise(i) } else { 1.0 }).collect(), 80),
        ("ended", (0..n).map(|i| if i == 479 { stale_nan() } else { (i * 15) as f64 }).collect(), 40),
        ("quantile without observations", (0..n).map(|i| if i < 300 { f64::NAN } else { 0.25 }).collect(), 20),
    ] {
        let len = floats_len(&values);
        assert!(len <= most, "{what}: {len} bytes");
    }
}

#[test]
fn odd_floats_round_trip() {
    let odd = [
        0.0,
        -0.0,
        f64::NAN,
        -f64::NAN,
        stale_nan(),
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE,
        5e-324,
        -5e-324,
        f64::MAX,
        f64::MIN,
        1e15,
        1e22,
        9_007_199_254_740_993.0,
        0.1 + 0.2,
        1e-15,
    ];
    floats_len(&[]);
    floats_len(&odd);
    for &left in &odd {
        floats_len(&[left]);
        for &right in &odd {
            floats_len(&[left, right]);
            floats_len(&[left, right, 1.5, right]);
        }
    }
}

fn histogram(n: f64) -> Histogram {
    Histogram {
        schema: 3,
        zero_threshold: 1e-128,
        zero_count: n,
        count: 12.0 * n,
        sum: 17.25 * n,
        positive_spans: vec![Span { offset: -3, length: 4 }, Span { offset: 10, length: 2 }],
        positive_buckets: (0..6).map(|bucket| n * f64::from(bucket)).collect(),
        ..Histogram::default()
    }
}

#[test]
fn histograms_share_their_layout() {
    let run: Vec<_> = (0..120).map(|i| Arc::new(histogram(f64::from(i)))).collect();
    assert!(histograms_len(&run) < 150, "nine straight lines and one layout");

    let custom = Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        reset_hint: ResetHint::Gauge,
        custom_bounds: vec![0.1, 1.0, f64::NAN],
        negative_buckets: vec![0.5],
        ..histogram(2.0)
    };
    let mixed = [histogram(1.0), Histogram { reset_hint: ResetHint::Reset, ..histogram(2.0) }, custom, Histogram::stale(), histogram(-0.0)];
    histograms_len(&mixed.map(Arc::new));
    histograms_len(&[]);
}

#[test]
fn absurd_counts_are_refused_without_memory() {
    let constant = [0u8, 2];
    assert!(decode_floats(&constant, ENTRIES_MAX, &mut Vec::new()).is_ok());
    assert!(decode_floats(&constant, ENTRIES_MAX + 1, &mut Vec::new()).is_err());
    assert!(decode_floats(&constant, 0, &mut Vec::new()).is_err());
    assert!(decode_timestamps(&[], 1, &mut Vec::new()).is_err());
    // A million histograms of thousands of buckets, in a few thousand bytes.
    let mut bytes = vec![0];
    crate::base::bytes::put_uvarint(&mut bytes, ENTRIES_MAX as u64);
    bytes.extend([0; 10]);
    crate::base::bytes::put_uvarint(&mut bytes, 4000);
    bytes.extend([0; 20_000]);
    assert_eq!(decode_histograms(&bytes, ENTRIES_MAX, &mut Vec::new()), Err(Corrupt::new("too many buckets")));
}

fn any_float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-1000i64..1000).prop_map(|v| v as f64),
        (0i64..100_000).prop_map(|v| v as f64 / 100.0),
        Just(stale_nan()),
        Just(-0.0),
        Just(0.1),
    ]
}

fn any_floats() -> impl Strategy<Value = Vec<f64>> {
    prop_oneof![
        prop::collection::vec(any_float(), 0..300),
        // Mostly regular with a few arbitrary values in between.
        (prop::collection::vec((0usize..300, any_float()), 0..6), -1e6f64..1e6, 0u8..8).prop_map(|(odd, step, digits)| {
            let power = 10f64.powi(i32::from(digits));
            let mut values: Vec<f64> = (0..300).map(|i| (f64::from(i) * step * power).round() / power).collect();
            for (at, value) in odd {
                values[at] = value;
            }
            values
        }),
        // Sums with rounding errors.
        prop::collection::vec(0.0f64..10.0, 0..200).prop_map(|steps| {
            let mut sum = 0.0;
            steps
                .iter()
                .map(|step| {
                    sum += step;
                    sum
                })
                .collect()
        }),
    ]
}

proptest! {
    #[test]
    fn any_floats_round_trip(values in any_floats()) {
        floats_len(&values);
    }

    #[test]
    fn any_timestamps_round_trip(
        start in any::<i64>(),
        deltas in prop::collection::vec(prop_oneof![Just(15_000i64), 14_990i64..15_010, any::<i64>(), 0i64..1_000_000], 0..300),
    ) {
        let mut at = start;
        let ts: Vec<i64> = deltas.iter().map(|delta| { at = at.wrapping_add(*delta); at }).collect();
        ts_len(&ts);
    }

    #[test]
    fn any_histograms_round_trip(counts in prop::collection::vec((any_float(), 0usize..4, 0u8..4), 0..40)) {
        let hs: Vec<_> = counts.iter().map(|(value, buckets, hint)| {
            let mut h = histogram(*value);
            h.negative_buckets = vec![*value; *buckets];
            h.reset_hint = [ResetHint::Unknown, ResetHint::Reset, ResetHint::NotReset, ResetHint::Gauge][usize::from(*hint)];
            Arc::new(h)
        }).collect();
        histograms_len(&hs);
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), head in 0u8..128, count in 0usize..700) {
        if let Some(first) = bytes.first_mut() {
            *first = head;
        }
        let _may_fail = (
            decode_floats(&bytes, count, &mut Vec::new()),
            decode_timestamps(&bytes, count, &mut Vec::new()),
            decode_histograms(&bytes, count, &mut Vec::new()),
        );
    }

    #[test]
    fn damaged_columns_never_panic(values in any_floats(), at in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let mut bytes = Vec::new();
        encode_floats(&values, &mut bytes);
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let mut out = Vec::new();
            let _may_fail = decode_floats(&bytes, values.len(), &mut out);
            prop_assert!(out.len() <= values.len());
            let _may_fail = decode_floats(&bytes[..at], values.len(), &mut out);
        }
    }
}
