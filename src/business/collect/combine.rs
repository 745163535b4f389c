//! Longer periods of a KPI, made of the shorter ones that changed.

use std::collections::{BTreeMap, BTreeSet};

use super::desk::Known;
use super::plan::{base, combined};
use crate::base::period::{Calendar, Grain, Period};
use crate::business::model::formula::BySegment;
use crate::business::model::kind::Longer;
use crate::business::model::longer::combine;
use crate::business::model::value::{Origin, Segment, Standing, Value, narrowed};
use crate::business::store::{Found, Store, Writing};
use crate::platform::db::DbError;

/// The longer periods that hold some of [`base`]: what becomes of them. Blocking.
pub(super) fn longer(
    store: &Store,
    known: &Known,
    calendar: Calendar,
    changed: &BTreeSet<Period>,
    now: i64,
) -> Result<Vec<Writing>, DbError> {
    let (base, grains) = (base(&known.kpi), combined(&known.kpi));
    let mut holding: BTreeSet<Period> = BTreeSet::new();
    for period in changed.iter().filter(|period| period.grain() == base) {
        holding.extend(grains.iter().filter_map(|grain| calendar.holding(*grain, *period)));
    }
    let begun = |period: &Period| calendar.window(*period).is_some_and(|window| window.start <= now);
    let parts: Vec<(Period, Vec<Period>)> =
        holding.into_iter().map(|period| (period, calendar.parts(period, base).into_iter().filter(begun).collect())).collect();
    let all = parts.iter().flat_map(|(_, parts)| parts);
    let (Some(first), Some(last)) = (all.clone().min().copied(), all.max().copied()) else { return Ok(Vec::new()) };
    let whole: BTreeMap<Period, Value> = store.values(known.id, first, last)?.into_iter().map(|value| (value.period, value)).collect();
    let mut segments: BTreeMap<Period, BySegment> = BTreeMap::new();
    if base != Grain::Hour {
        for label in &known.kpi.segments {
            for (segment, values) in store.segment_values(known.id, label, first, last)? {
                for value in values {
                    segments.entry(value.period).or_default().insert(segment.clone(), value.value);
                }
            }
        }
    }
    let made = |(period, parts): &(Period, Vec<Period>)| made(known, calendar, (*period, parts), &whole, &segments, now);
    Ok(parts.iter().filter_map(made).collect())
}

/// One longer period.
fn made(
    known: &Known,
    calendar: Calendar,
    (period, parts): (Period, &[Period]),
    whole: &BTreeMap<Period, Value>,
    segments: &BTreeMap<Period, BySegment>,
    now: i64,
) -> Option<Writing> {
    let kpi = &known.kpi;
    let values: Vec<Option<f64>> = parts.iter().map(|part| whole.get(part).map(|value| value.value)).collect();
    let combined = combine(kpi.longer, &values)?;
    let is_settled = parts.iter().all(|part| whole.get(part).is_none_or(|value| value.standing == Standing::Settled));
    let standing = match Standing::of(calendar.window(period)?.end, kpi.settles.ms(), now) {
        Standing::Settled if !is_settled => Standing::Ended,
        standing => standing,
    };
    let mut found = vec![Found { segment: Segment::all(), value: Some(combined.value), complete: combined.complete }];
    for label in &kpi.segments {
        for (value, number) in narrowed(of_label(kpi.longer, label, parts, whole, segments), kpi.longer == Longer::Sum) {
            let segment = Segment { label: label.clone(), value };
            found.push(Found { segment, value: Some(number), complete: combined.complete });
        }
    }
    let (at, whole_labels) = (now, kpi.segments.clone());
    Some(Writing { kpi: known.id, period, standing, origin: Origin::Combined, at, found, whole_labels })
}

/// The segments of a label in a longer period.
fn of_label(
    longer: Longer,
    label: &str,
    parts: &[Period],
    whole: &BTreeMap<Period, Value>,
    segments: &BTreeMap<Period, BySegment>,
) -> Vec<(String, f64)> {
    // The newest counts: a segment that it does not have any more is none.
    let newest = parts.iter().rev().find(|part| whole.contains_key(part));
    let parts: Vec<&Period> = if longer == Longer::Last { newest.into_iter().collect() } else { parts.iter().collect() };
    let mut by_value: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
    for part in parts {
        for (segment, value) in segments.get(part).into_iter().flatten().filter(|(segment, _)| segment.label == label) {
            by_value.entry(&segment.value).or_default().push(Some(*value));
        }
    }
    by_value.into_iter().filter_map(|(value, numbers)| Some((value.to_owned(), combine(longer, &numbers)?.value))).collect()
}
