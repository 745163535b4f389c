//! Exemplars of a panel's queries: single observations behind the series, as a frame for each query that asks for them.

use std::sync::Arc;

use super::plan::{Plan, Query};
use super::source::Lead;
use crate::base::cancel::{Cancel, Stop};
use crate::base::time::TimeRange;
use crate::boards::data::{Column, Field, Frame, FrameKind};
use crate::series::labels::Labels;
use crate::series::matcher::Matcher;
use crate::series::ports::{IndexQuery, Select};
use crate::series::sample::Exemplar;

/// Most series whose exemplars are looked at.
const SERIES_MAX: usize = 1_000;
/// Most exemplars of a query that are shown.
pub const EXEMPLARS_MAX: usize = 200;
/// Most columns of labels.
const LABELS_MAX: usize = 40;
/// Longest value of a label, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// The exemplars of each query that asks for them: `Time`, `Value`, and a column for each label of the exemplar and of its
/// series. `selectors` reads which series a query asks; what cannot be read, or found, has none. Blocking.
///
/// # Errors
/// The work was stopped.
pub fn exemplars(
    plan: &Plan,
    select: &dyn Select,
    selectors: &dyn Fn(&str) -> Option<Vec<Vec<Matcher>>>,
    cancel: &Cancel,
) -> Result<Vec<Frame>, Stop> {
    let mut found = Vec::new();
    let Some(range) = plan.range else { return Ok(found) };
    let wanted = |query: &&Query| query.is_exemplar && query.is_range && !query.is_hidden && query.lead == Lead::Metrics;
    for query in plan.queries.iter().filter(wanted) {
        cancel.check()?;
        let any_of = selectors(&query.expr).unwrap_or_default();
        if any_of.is_empty() {
            continue;
        }
        let all = select.exemplars(&IndexQuery { any_of: &any_of, range, limit: SERIES_MAX }).unwrap_or_default();
        let all =
            thinned(all.into_iter().flat_map(|(labels, list)| list.into_iter().map(move |one| (labels.clone(), one))).collect(), range);
        if !all.is_empty() {
            found.push(frame(query, &all));
        }
    }
    Ok(found)
}

/// In order of time. Of too many, those with the least and the greatest value of each part of the range.
fn thinned(mut all: Vec<(Labels, Exemplar)>, range: TimeRange) -> Vec<(Labels, Exemplar)> {
    all.retain(|(_, one)| one.value.is_finite());
    all.sort_by(|(_, a), (_, b)| a.ts.cmp(&b.ts).then_with(|| a.value.total_cmp(&b.value)));
    if all.len() <= EXEMPLARS_MAX {
        return all;
    }
    let parts = (EXEMPLARS_MAX / 2) as i64;
    let length = range.end.saturating_sub(range.start).saturating_add(1).max(1);
    let part = |one: &Exemplar| (i128::from(one.ts.saturating_sub(range.start)) * i128::from(parts) / i128::from(length)) as i64;
    let mut kept = Vec::with_capacity(EXEMPLARS_MAX);
    for of_part in all.chunk_by(|(_, a), (_, b)| part(a) == part(b)) {
        let mut places: Vec<usize> = (0..of_part.len()).collect();
        places.sort_by(|a, b| of_part[*a].1.value.total_cmp(&of_part[*b].1.value));
        let mut ends = vec![places[0], places[places.len() - 1]];
        ends.sort_unstable();
        ends.dedup();
        kept.extend(ends.into_iter().map(|at| of_part[at].clone()));
    }
    kept
}

fn frame(query: &Query, all: &[(Labels, Exemplar)]) -> Frame {
    let of_exemplar = all.iter().flat_map(|(_, one)| one.labels.iter().map(|(name, _)| name));
    let of_series = all.iter().flat_map(|(labels, _)| labels.iter().map(|(name, _)| name));
    // What the exemplar says by itself comes first: that is what people look for.
    let mut names: Vec<&str> = Vec::new();
    for name in of_exemplar.chain(of_series) {
        if names.len() < LABELS_MAX && !names.contains(&name) {
            names.push(name);
        }
    }
    let cut = |text: &str| text.chars().take(TEXT_CHARS_MAX).collect::<String>();
    let column = |name: &str| {
        let value = |(labels, one): &(Labels, Exemplar)| one.labels.get(name).or_else(|| labels.get(name)).map(cut);
        Field { name: name.to_owned(), values: Column::Text(all.iter().map(value).collect()), ..Field::default() }
    };
    let times: Arc<[i64]> = all.iter().map(|(_, one)| one.ts).collect();
    let values = Column::Number(all.iter().map(|(_, one)| Some(one.value)).collect());
    let mut fields = vec![
        Field { name: "Time".to_owned(), values: Column::Time(times), ..Field::default() },
        Field { name: "Value".to_owned(), values, ..Field::default() },
    ];
    fields.extend(names.into_iter().map(column));
    Frame { name: String::new(), ref_id: query.ref_id.clone(), kind: FrameKind::Table, fields }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::model::{Object, TargetFormat};
    use crate::boards::query::fakes::{World, read_selector};

    fn plan(queries: &[(&str, &str)]) -> Plan {
        let one = |(ref_id, expr): &(&str, &str)| Query {
            ref_id: (*ref_id).to_owned(),
            expr: (*expr).to_owned(),
            lead: Lead::Metrics,
            is_as_given: true,
            times: TimeRange::new(0, 100_000),
            step: 1_000,
            at: 100_000,
            is_open: false,
            is_range: true,
            is_instant: false,
            format: TargetFormat::TimeSeries,
            legend: String::new(),
            lines_max: 0,
            is_exemplar: true,
            is_hidden: false,
            json: Object::new(),
        };
        Plan { range: Some(TimeRange::new(0, 100_000)), queries: queries.iter().map(one).collect(), ..Plan::default() }
    }

    fn exemplar(id: i64, ts: i64, value: f64) -> Exemplar {
        Exemplar { labels: Labels::from_pairs([("trace_id", format!("t{id}"))]), value, ts, is_timed: true }
    }

    fn asked(plan: &Plan, world: &World) -> Vec<Frame> {
        let read = |text: &str| read_selector(text).ok().map(|one| vec![one]);
        exemplars(plan, world, &read, &Cancel::new()).unwrap()
    }

    fn world(exemplars: Vec<Exemplar>) -> World {
        World { exemplars, ..World::of(&["a job=x", "b job=y"]) }
    }

    #[test]
    fn each_query_that_asks_has_a_frame_with_what_the_exemplar_says_first() {
        let world = world(vec![exemplar(2, 30, 5.0), exemplar(1, 10, 2.0), exemplar(3, 200_000, 1.0), exemplar(4, 20, f64::NAN)]);
        let mut plan = plan(&[("A", "a"), ("B", "gone"), ("C", "b{job=\"y\"}"), ("D", "a"), ("E", "a")]);
        plan.queries[3].is_exemplar = false;
        plan.queries[4].is_hidden = true;
        let found = asked(&plan, &world);
        assert_eq!(found.iter().map(|frame| frame.ref_id.as_str()).collect::<Vec<_>>(), ["A", "C"]);
        let names: Vec<&str> = found[0].fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["Time", "Value", "trace_id", "__name__", "job"]);
        assert_eq!(found[0].fields[0].values, Column::Time(Arc::from([10, 30])));
        assert_eq!(found[0].fields[2].values, Column::Text(vec![Some("t1".into()), Some("t2".into())]));
        assert_eq!(found[1].fields[4].values, Column::Text(vec![Some("y".into()), Some("y".into())]));
        plan.range = None;
        assert!(asked(&plan, &world).is_empty());
    }

    #[test]
    fn of_many_the_ends_of_each_part_are_kept() {
        let many: Vec<Exemplar> = (0..10_000).map(|n| exemplar(n, n * 10, ((n * 7_919) % 1_000) as f64)).collect();
        let found = asked(&plan(&[("A", "a")]), &world(many.clone()));
        let Column::Number(values) = &found[0].fields[1].values else { panic!("{found:?}") };
        assert_eq!(values.len(), EXEMPLARS_MAX);
        let (low, high) = (values.iter().flatten().copied().fold(f64::MAX, f64::min), values.iter().flatten().copied().fold(0.0, f64::max));
        assert_eq!((low, high), (0.0, 999.0), "what stands out is seen");
        let Column::Time(times) = &found[0].fields[0].values else { panic!("{found:?}") };
        assert!(times.is_sorted() && times[0] < 1_000 && times[times.len() - 1] >= 99_000, "{times:?}");
        assert_eq!(asked(&plan(&[("A", "a")]), &world(many[..EXEMPLARS_MAX].to_vec()))[0].len(), EXEMPLARS_MAX);
    }
}
